"""Damaged and hostile files of every kind: each ends with 0, 2, 3 or 4 and at most three lines.

A good file is taken and damaged in every way of :mod:`damage`; the commands that read it run in
this process, where a warning is an error. Whatever is not a right picture is said on stderr.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import damage
import numpy as np
import pytest
import training.tiny as small

from rnnviz.cli import run
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise
from rnnviz.engine.spec import EmbeddingSpec, HeadSpec, ModelSpec, RecurrentSpec
from rnnviz.model_files import save

TEXT = "not good"
#: What must never reach a user.
NEVER = re.compile(r"Traceback|Internal error|Warning|site-packages")


class Tried:
    """Runs commands on damaged files and gathers those that end wrongly."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys, self.count, self.refused = capsys, 0, 0
        self.wrong: list[str] = []

    def __call__(self, what: str, *args: str, codes: tuple[int, ...] = (0, 2, 3, 4)) -> int:
        """Run a command; its exit code."""
        self.capsys.readouterr()
        try:
            code = run(list(args))
        except BaseException as error:
            code = -1
            self.wrong.append(f"{what}: {args[0]}: raised {error!r}"[:300])
        out, err = self.capsys.readouterr()
        self.count += 1
        self.refused += code == 4
        if code not in codes or len(err.splitlines()) > 3 or NEVER.search(err) or "\x1b" in err:
            self.wrong.append(f"{what}: {args[:2]}: {code}: {err[:300]}")
        if code == 4 and (out or not err):
            self.wrong.append(f"{what}: {args[:2]}: 4 after {out[:60]!r}, {err[:60]!r}")
        if code == 0 and "--json" in args:
            json.loads(out, parse_constant=lambda name: pytest.fail(f"{what}: {name} in JSON"))
        return code

    def done(self, least: int, refused: int) -> None:
        """All were right, so many were tried, and so many refused."""
        assert not self.wrong, f"{len(self.wrong)} of {self.count}:\n" + "\n".join(self.wrong[:40])
        assert self.count >= least and self.refused >= refused, (self.count, self.refused)


@pytest.fixture
def tried(capsys: pytest.CaptureFixture[str]) -> Tried:
    return Tried(capsys)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model of words on disk; its JSON."""
    vocabulary = Vocabulary.build([["good", "not", "film", "bad"]], 10)
    spec = ModelSpec(
        EmbeddingSpec(len(vocabulary), 2), (RecurrentSpec("lstm", 3),), HeadSpec("sigmoid", 1)
    )
    path = tmp_path_factory.mktemp("model") / "small.json"
    record: dict[str, Any] = {
        "trained_on": "x", "metrics": {"validation_accuracy": 0.5}, "example": TEXT,
        "published": {"metric": "accuracy", "value": 0.5, "source": "y", "of": "validation"},
        "training": {"history": [], "epochs": 1}, "metric": {"name": "accuracy"},
    }  # fmt: skip
    net = Model(spec, initialise(spec, 1))
    save(path, net, vocabulary, ("no", "yes"), record, np.float32)
    document = json.loads(path.read_text())
    del document["weights_sha256"]  # else nothing that is wrong inside is reached
    path.write_text(json.dumps(document))
    return path


@pytest.fixture(scope="module")
def members(model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files in a trace of that model, by name."""
    path = tmp_path_factory.mktemp("trace") / "good.trace"
    assert run(["step", TEXT, "-m", str(model), "--save", str(path), "-q"]) == 0
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def with_meta(members: dict[str, bytes], meta: Any) -> bytes:
    """A trace with another description of its arrays."""
    return damage.npz({**members, "meta.npy": damage.dumped(np.array(json.dumps(meta)))}, 0)


def meta_of(members: dict[str, bytes]) -> Any:
    """What a trace says of its arrays."""
    return json.loads(str(damage.loaded(members["meta.npy"])))


@pytest.mark.parametrize("first", range(3))
def test_traces_with_a_field_that_is_something_else(
    first: int, members: dict[str, bytes], tmp_path: Path, tried: Tried
) -> None:
    path = tmp_path / "a.trace"
    for what, meta in damage.edits(meta_of(members), 12, first):
        path.write_bytes(with_meta(members, meta))
        tried(what, "step", "--open", str(path), "--plain")
        tried(what, "step", "--open", str(path), "--json")
    tried.done(300, 200)


def test_traces_whose_arrays_are_not_what_their_headers_say(
    members: dict[str, bytes], tmp_path: Path, tried: Tried
) -> None:
    path = tmp_path / "a.trace"
    names = [name for name in members if name != "meta.npy"]
    for n, header in enumerate([*damage.HEADERS, *damage.HEADERS]):
        for name in (names[n % len(names)], "meta.npy"):
            content = {**members, name: damage.npy(header, bytes(24))}
            path.write_bytes(damage.npz(content, 0))
            tried(f"{name} {header[:60]}", "step", "--open", str(path), "--plain", codes=(4,))
    for name in names:
        array = damage.loaded(members[name])
        for what, other in damage.arrays(array):
            path.write_bytes(damage.npz({**members, name: damage.dumped(other)}, 0))
            tried(f"{name} {what}", "step", "--open", str(path), "--plain")
    tried.done(300, 200)


def test_traces_that_are_no_whole_archive_or_packed_in_an_unusual_way(
    members: dict[str, bytes], tmp_path: Path, tried: Tried
) -> None:
    path = tmp_path / "a.trace"
    whole = damage.npz(members)
    for what, content in damage.of_bytes(whole, 60):
        path.write_bytes(content)
        tried(what, "step", "--open", str(path), "--plain")
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        packed = damage.npz(members, method)
        for what, content in [("whole", packed), *damage.of_bytes(packed, 5)]:
            path.write_bytes(content)
            tried(f"{method} {what}", "step", "--open", str(path), "--plain", codes=(4,))
    many = damage.npz({f"{n:060}": b"" for n in range(20_000)}, 0)
    path.write_bytes(many)
    tried("20,000 files", "step", "--open", str(path), "--plain", codes=(4,))
    tried.done(140, 100)


@pytest.mark.parametrize("first", range(3))
def test_models_with_a_field_that_is_something_else(
    first: int, model: Path, tmp_path: Path, tried: Tried
) -> None:
    path = tmp_path / "small.json"
    shutil.copy(model.with_suffix(".safetensors"), tmp_path)
    document = json.loads(model.read_text())
    for what, changed in damage.edits(document, 6, first):
        path.write_text(json.dumps(changed))
        tried(what, "step", TEXT, "-m", str(path), "--plain")
        tried(what, "models", "show", str(path), "--json")
        tried(what, "models", "show", str(path))
    tried.done(300, 100)


def test_models_that_are_no_text_and_weights_that_are_not_whole(
    model: Path, tmp_path: Path, tried: Tried
) -> None:
    path, weights = tmp_path / "small.json", tmp_path / "small.safetensors"
    whole = model.with_suffix(".safetensors").read_bytes()
    weights.write_bytes(whole)
    for what, content in damage.of_text(model.read_text()):
        path.write_bytes(content)
        tried(what, "step", TEXT, "-m", str(path), "--plain")
    shutil.copy(model, path)
    for what, content in damage.of_bytes(whole, 40):
        weights.write_bytes(content)
        tried(what, "step", TEXT, "-m", str(path), "--plain")
    (size,) = struct.unpack("<Q", whole[:8])
    head, data = json.loads(whole[8 : 8 + size]), whole[8 + size :]
    for what, changed in damage.edits(head, 3):
        weights.write_bytes(damage.safetensors(changed, data))
        tried(what, "step", TEXT, "-m", str(path), "--plain")
    for length in (0, 1, 2**20, 2**40, 2**63, 2**64 - 1):
        weights.write_bytes(struct.pack("<Q", length) + whole[8:])
        tried(f"length {length}", "step", TEXT, "-m", str(path), "--plain", codes=(4,))
    tried.done(200, 100)


@pytest.mark.parametrize("kind", ["F64", "F16", "F32"])
@pytest.mark.parametrize("value", [1e38, -1e38, 1e300, 6e4, 1e-40, 0.0, 3e4, float("inf")])
def test_extreme_weights_give_a_picture_or_are_refused(
    kind: str, value: float, model: Path, tmp_path: Path, tried: Tried
) -> None:
    """Every warning of numpy is an error here."""
    path, weights = tmp_path / "small.json", tmp_path / "small.safetensors"
    shutil.copy(model, path)
    dtype = {"F64": np.float64, "F32": np.float32, "F16": np.float16}[kind]
    whole = model.with_suffix(".safetensors").read_bytes()
    (size,) = struct.unpack("<Q", whole[:8])
    head = json.loads(whole[8 : 8 + size])
    head.pop("__metadata__", None)
    with np.errstate(over="ignore"):
        number = np.array(value).astype(dtype)
    data, at = b"", 0
    for entry in head.values():
        count = int(np.prod(entry["shape"]))
        signs = np.where(np.arange(count) % 3, 1, -1).astype(dtype)
        data += (number * signs).astype(dtype).tobytes()
        entry.update(dtype=kind, data_offsets=[at, len(data)])
        at = len(data)
    weights.write_bytes(damage.safetensors(head, data))
    for args in (["--plain"], ["--json"], ["--csv"], ["--against", "good bad", "--plain"]):
        tried(f"{kind} {value}", "step", "good not good", "-m", str(path), *args)
    tried.done(4, 0)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of a small recipe; not to be changed."""
    from rnnviz import recipes

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipes, "find", small.find)
        path = tmp_path_factory.mktemp("runs") / "small"
        args = ["train", "tiny", "--data", "sample", "--epochs", "2", "--out", str(path), "-q"]
        assert run(args) == 0
    return path


@pytest.fixture
def folder(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_shipped_model: None
) -> Path:
    """A folder of runs with a good one and one that is to be damaged; that one."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    runs = tmp_path / "rnnviz" / "runs"
    shutil.copytree(trained, runs / "good")
    return Path(shutil.copytree(trained, runs / "damaged"))


def tried_on_run(tried: Tried, what: str, path: Path) -> None:
    """The commands that read runs; the lists show the good run whatever the other one is."""
    tried(what, "runs", "--json", codes=(0,))
    tried(what, "runs", codes=(0,))
    tried(what, "models", "--json", codes=(0,))
    tried(what, "runs", "show", str(path), "--json")
    tried(what, "step", "w2 w3", "-m", str(path), "--plain")


@pytest.mark.parametrize(
    ("file", "every"), [("spec.json", 19), ("result.json", 9), ("vocabulary.json", 3)]
)
def test_runs_with_a_field_that_is_something_else(
    file: str, every: int, folder: Path, tried: Tried
) -> None:
    document = json.loads((folder / file).read_text())
    for what, changed in damage.edits(document, every):
        (folder / file).write_text(json.dumps(changed))
        tried_on_run(tried, f"{file} {what}", folder)
    tried.done(60, 3)


@pytest.mark.parametrize("file", ["spec.json", "result.json", "vocabulary.json", "history.jsonl"])
def test_runs_with_files_that_are_none(file: str, folder: Path, tried: Tried) -> None:
    path = folder / file
    text = path.read_text()
    for what, content in damage.of_text(text):
        path.write_bytes(content)
        tried_on_run(tried, f"{file} {what}", folder)
    for what in ("gone", "folder", "FIFO", "link", "loop", "device", "sparse"):
        path.unlink()
        make(path, what)
        tried_on_run(tried, f"{file} {what}", folder)
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
            path.touch()
        if not path.exists() and not path.is_symlink():
            path.touch()
    tried.done(100, 10)


def make(path: Path, what: str) -> None:
    """Something at a path where a file is looked for."""
    match what:
        case "folder":
            path.mkdir()
        case "FIFO":
            os.mkfifo(path)
        case "link":
            path.symlink_to(path.with_name("nowhere"))
        case "loop":
            path.symlink_to(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "sparse":
            with path.open("wb") as file:
                file.truncate(10**12)


@pytest.mark.parametrize("what", ["folder", "FIFO", "link", "loop", "device", "sparse"])
def test_no_reader_waits_for_what_is_no_file(
    what: str, tmp_path: Path, tried: Tried, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "here"
    make(place, what)
    path = str(place)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    tried(what, "step", "--open", path, "--plain", codes=(4,))
    tried(what, "step", "-m", path, "--plain", TEXT, codes=(2, 4))
    tried(what, "models", "show", path, codes=(2, 4))
    tried(what, "runs", "show", path, codes=(2, 4))
    tried(what, "train", "--resume", path, codes=(2, 4))
    tried(what, "data", "show", "imdb", "--data", path, codes=(2, 3))
    for file in ("imdb/train.csv.gz", "imdb/aclImdb_v1.tar.gz", "sst2/train.tsv.gz",
                 "ag_news/train.csv", "jena/jena_climate_2009_2016.csv", "imdb/imdb.npz",
                 "imdb/imdb_word_index.json"):  # fmt: skip
        data = tmp_path / "data" / file.replace("/", "-")
        (data / file).parent.mkdir(parents=True)
        make(data / file, what)
        name = {"imdb.npz": "imdb-keras", "imdb_word_index.json": "imdb-words"}.get(
            Path(file).name, {"ag_news": "agnews"}.get(Path(file).parent.name, file.split("/")[0])
        )
        tried(f"{what} {file}", "data", "show", name, "--data", str(data), codes=(3, 4))
        tried(f"{what} {file}", "data", "--data", str(data), codes=(0,))
    config = tmp_path / "config" / "rnnviz" / "config.toml"
    config.parent.mkdir(parents=True)
    make(config, what)
    tried(f"{what} config", "recipes", codes=(0, 2))
    tried(f"{what} config", "doctor", codes=(0,))
    tried.done(20, 1)


TABLES = {
    "imdb": ("imdb/train.csv.gz", "label,rating,id,text\n", "1,9,{n},\"a good film, nr {n}\"\n"),
    "sst2": ("sst2/train.tsv.gz", "sentence\tlabel\n", "a good film nr {n}\t1\n"),
    "agnews": ("ag_news/train.csv.gz", "", "1,title {n},\"some text, nr {n}\"\n"),
    "jena": (
        "jena/jena_climate_2020.csv.gz",
        '"Date Time","p (mbar)","T (degC)","Tpot (K)","Tdew (degC)","rh (%)","VPmax (mbar)",'
        '"VPact (mbar)","VPdef (mbar)","sh (g/kg)","H2OC (mmol/mol)","rho (g/m**3)","wv (m/s)",'
        '"max. wv (m/s)","wd (deg)"\n',
        "01.01.2020 {n:02}:00:00,1,2,3,4,5,6,7,8,9,1,2,3,4,5\n",
    ),
}  # fmt: skip
_BESIDE = {"imdb": "imdb/test.csv.gz", "sst2": "sst2/validation.tsv.gz",
           "agnews": "ag_news/test.csv.gz"}  # fmt: skip


def tables(text: str) -> Iterator[tuple[str, bytes]]:
    """A table in bytes, damaged."""
    yield from damage.of_text(text)
    lines = text.splitlines(keepends=True)
    last = lines[-1]
    for what, line in {
        "too many fields": last[:-1] + ",x,x\tx\n", "too few": "1\n", "empty line": "\n",
        "open quote": '"' + last, "NUL inside": last[:3] + "\0" + last[3:],
        "long field": last.rstrip("\n") + "x" * 200_000 + "\n",
        "long number": "9" * 5_000 + last[1:], "negative": "-1" + last[1:],
        "other digits": "\u0661" + last[1:], "carriage returns": last[:-1] + "\r\r\n",
        "no number": "nan" + last[1:], "infinite": last.replace("2", "inf"),
        "date": last.replace("01.01.2020", "99.99.9999"), "escape": "\x1b[2J" + last,
    }.items():  # fmt: skip
        yield what, "".join([*lines[:2], line, *lines[2:]]).encode(errors="replace")


@pytest.mark.parametrize("name", TABLES)
def test_tables_with_rows_that_are_none(name: str, tmp_path: Path, tried: Tried) -> None:
    file, header, row = TABLES[name]
    good = header + "".join(row.format(n=n) for n in range(20))
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    if name in _BESIDE:
        (tmp_path / _BESIDE[name]).write_bytes(gzip.compress(good.encode()))
    args = ("data", "show", name, "--data", str(tmp_path), "--json")
    path.write_bytes(gzip.compress(good.encode()))
    tried("good", *args, codes=(0,))
    for what, content in tables(good):
        path.write_bytes(gzip.compress(content))
        tried(what, *args)
    for what, content in damage.of_bytes(gzip.compress(good.encode()), 20):
        path.write_bytes(content)
        tried(what, *args)
    tried.done(70, 25)


@pytest.mark.parametrize(
    "content",
    [b"", b"model = ", b"[" * 5_000, b"a = " + b"[" * 5_000 + b"]" * 5_000, b"\xff\xfe", b"\0",
     b"model = 3", b"lang = 'xx'", b"modell = 'x'", b"x" * 200_000, b"lang = " + b"9" * 5_000,
     b"theme = {a = 1}", b"color = [1, 2]", b"device = 1979-05-27", b"a.b.c.d = 1", b"\x1b[2J = 1",
     "lang = 'tr'".encode("utf-16"), b"\xef\xbb\xbflang = 'tr'", b"model = '" + b"y" * 5_000 + b"'",
     b"# \xe9"],
    ids=lambda content: ascii(content[:20]),
)  # fmt: skip
def test_config_files(
    content: bytes, tmp_path: Path, tried: Tried, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the remedy where it cannot be used; doctor and completion work all the same."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "rnnviz").mkdir()
    (tmp_path / "rnnviz" / "config.toml").write_bytes(content)
    for args in (["recipes"], ["models", "--json"], ["step", TEXT, "--plain"], ["runs"]):
        tried(str(content[:20]), *args, codes=(0, 2))
    tried(str(content[:20]), "doctor", "--json", codes=(0,))
    tried(str(content[:20]), "completion", "bash", codes=(0,))
    tried.done(6, 0)
