"""Files that unpack to, claim, or are gigabytes: refused with little memory, and soon.

Each in a process of its own, whose largest resident size is read in the end.
"""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import damage
import pytest

#: Bytes of memory that no file may make a command take.
MOST = 500_000_000

SCRIPT = """
import json, re, sys
from pathlib import Path
from rnnviz.cli import run
code = run(sys.argv[1:])
# Not ru_maxrss: that counts what the process that started this one had.
most = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
print(json.dumps([code, int(most[1])]))
"""


def bomb(path: Path, header: bytes, row: bytes, count: int) -> None:
    """A gzipped table whose rows, ``count`` million bytes of them, are all alike."""
    path.parent.mkdir(parents=True)
    member = gzip.compress(row * (1_000_000 // len(row)), 6)
    path.write_bytes(gzip.compress(header) + member * count)


def sparse(path: Path, size: int = 10**12) -> None:
    """A file of so many zeros that takes no room."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)


def cases(folder: Path) -> list[list[str]]:
    """The files, and the commands that read them."""
    header = b"label,rating,id,text\n"
    imdb = {
        "rows": (header, b"1,5,3,a\n"), "long rows": (header, b"1,5,3," + b"a" * 900 + b"\n"),
        "one line": (header + b"1,5,3,", b"a"), "zeros": (b"", b"\0"),
        "quoted": (header + b'1,5,3,"', b"a\n"), "fields": (header, b","),
    }  # fmt: skip
    commands = []
    for name, (first, row) in imdb.items():
        bomb(folder / name / "imdb/train.csv.gz", first, row, 2_000)
        commands.append(["data", "show", "imdb", "--data", str(folder / name)])
    columns = b'"Date Time",' + b",".join(b'"%s"' % name.encode() for name in _jena_columns())
    bomb(folder / "jena/jena/jena_climate_2020.csv.gz", columns + b"\n",
         b"01.01.2020 00:10:00" + b",1" * 14 + b"\n", 2_000)  # fmt: skip
    commands.append(["data", "show", "jena", "--data", str(folder / "jena")])
    bomb(folder / "words/imdb/imdb_word_index.json.gz", b"[", b"[],", 2_000)
    commands.append(["data", "show", "imdb-words", "--data", str(folder / "words")])

    entry = tarfile.TarInfo("x")
    entry.type, entry.size = tarfile.XHDTYPE, 2_000_000_000
    bomb(folder / "pax/imdb/aclImdb_v1.tar.gz", entry.tobuf(tarfile.USTAR_FORMAT), b"\0", 2_000)
    commands.append(["data", "show", "imdb", "--data", str(folder / "pax")])
    sparse(folder / "sparse/imdb/train.csv.gz")
    sparse(folder / "sparse/ag_news/train.csv")
    sparse(folder / "zeros/ag_news/train.csv", 400_000_000)
    commands += [
        ["data", "show", "imdb", "--data", str(folder / "sparse")],
        ["data", "show", "agnews", "--data", str(folder / "sparse")],
        ["data", "show", "agnews", "--data", str(folder / "zeros")],
    ]
    return [*commands, *of_traces(folder), *of_models(folder)]


def _jena_columns() -> tuple[str, ...]:
    from rnnviz.data.jena import COLUMNS

    return COLUMNS


def of_traces(folder: Path) -> list[list[str]]:
    """Traces, and files that are called so."""
    zeros = io.BytesIO()
    with zipfile.ZipFile(zeros, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("meta.npy", "w", force_zip64=True) as file:
            for _ in range(600):
                file.write(bytes(1_000_000))
    (folder / "bomb.trace").write_bytes(zeros.getvalue())
    claim = damage.npy("{'descr': '<f8', 'fortran_order': False, 'shape': (40000000000,), }")
    (folder / "claim.trace").write_bytes(damage.npz({"meta.npy": claim}, 0))
    sparse(folder / "sparse.trace")
    sparse(folder / "zeros.trace", 190_000_000)
    names = ("bomb", "claim", "sparse", "zeros")
    return [["step", "--open", str(folder / f"{name}.trace"), "--plain"] for name in names]


def of_models(folder: Path) -> list[list[str]]:
    """Models in JSON, and their weights."""
    from rnnviz.files import assets

    (folder / "lists.json").write_text("[" + "[]," * 3_300_000 + "[]]")
    (folder / "objects.json").write_text('{"a": [' + "{}," * 3_300_000 + "{}]}")
    sparse(folder / "sparse.json")
    sparse(folder / "zeros.json", 9_000_000)
    names = ["lists", "objects", "sparse", "zeros"]
    good = json.loads((assets() / "models/sentiment-lstm-8.json").read_text("utf-8"))
    del good["weights_sha256"]  # else nothing that is wrong inside is reached
    wide = {**good, "config": {**good["config"], "layers": [
        {**good["config"]["layers"][0], "units": 10_000_000}]}}  # fmt: skip
    for name, document in (("wide", wide), ("none", good), ("head", good), ("far", good)):
        (folder / f"{name}.json").write_text(json.dumps(document))
        names.append(name)
    sparse(folder / "none.safetensors")
    (folder / "head.safetensors").write_bytes(damage.safetensors(b" " * 90_000_000, b""))
    far = {"head.W": {"dtype": "F32", "shape": [10**9, 10], "data_offsets": [0, 4 * 10**10]}}
    (folder / "far.safetensors").write_bytes(damage.safetensors(far, bytes(100)))
    return [["models", "show", str(folder / f"{name}.json")] for name in names]


@pytest.mark.skipif(sys.platform != "linux", reason="the memory is read from /proc")
def test_no_file_makes_a_command_take_much_memory(tmp_path: Path) -> None:
    commands, wrong = cases(tmp_path), []
    for args in commands:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, *args], capture_output=True, text=True, timeout=120,
            check=True,
        )  # fmt: skip
        code, kilobytes = json.loads(done.stdout)
        lines = done.stderr.splitlines()
        if code != 4 or not 0 < len(lines) <= 2 or kilobytes * 1000 > MOST:
            wrong.append(f"{args}: {code}, {kilobytes:,} kB, {done.stderr[:300]}")
    assert not wrong, "\n".join(wrong)
    assert len(commands) >= 24
