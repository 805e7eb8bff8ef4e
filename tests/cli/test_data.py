"""``rnnviz data``: the table, fetching with and without a network, and the first rows."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from rnnviz.cli import run
from rnnviz.data.catalogue import DATA_SETS, RemoteFile
from rnnviz.files import assets

SAMPLES = assets() / "samples"


def out(capsys: pytest.CaptureFixture[str], *args: str, code: int = 0) -> str:
    assert run(["data", *args]) == code
    return capsys.readouterr().out


def error(capsys: pytest.CaptureFixture[str], *args: str, code: int) -> str:
    assert run(["data", *args]) == code
    said = capsys.readouterr()
    assert said.out == ""
    return said.err


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without data, without settings."""
    import platformdirs

    monkeypatch.delenv("RNNVIZ_DATA", raising=False)
    monkeypatch.delenv("RNNVIZ_OFFLINE", raising=False)
    monkeypatch.setattr(platformdirs, "user_data_dir", lambda name: str(tmp_path / name))
    return tmp_path / "rnnviz/data"


def test_the_table_has_every_data_set_with_size_terms_and_place(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = out(capsys)
    assert all(name in said for name in DATA_SETS)
    assert "84.1 MB" in said
    assert "non-commercial" in said
    lines = out(capsys, "--data", "sample").splitlines()
    assert "imdb/train.csv.gz +1, sample" in next(line for line in lines if line[:5] == "imdb ")
    assert next(line for line in lines if line.startswith("imdb-keras")).endswith(" no")


def test_json_tells_what_is_here_and_what_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    rows = {row["name"]: row for row in json.loads(out(capsys, "--json", "--data", "sample"))}
    assert list(rows) == list(DATA_SETS)
    assert rows["jena"]["files"] == ["jena/jena_climate_2009_2016_hourly.csv.xz"]
    assert rows["jena"]["here"]
    assert not rows["imdb-keras"]["here"]
    assert rows["imdb"]["urls"][0].startswith("https://ai.stanford.edu/")
    assert not any(row["here"] for row in json.loads(out(capsys, "--json")))


def test_path_is_the_folder_meant(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, own_folder: Path
) -> None:
    assert out(capsys, "path") == f"{own_folder}\n"
    monkeypatch.setenv("RNNVIZ_DATA", "/somewhere")
    assert out(capsys, "path") == "/somewhere\n"
    assert out(capsys, "path", "--data", "sample") == f"{SAMPLES}\n"
    assert out(capsys, "--data", "sample", "path") == f"{SAMPLES}\n"


@pytest.mark.parametrize(
    ("name", "counts", "first"),
    [
        ("imdb", {"train reviews": 500, "test positive": 125}, {"label": 0, "rating": 3}),
        ("imdb-words", {"words": 10_000}, {"rank": 1, "word": "the"}),
        ("jena", {"rows": 70_038, "rows missing in gaps": 90}, {"T (degC)": -8.02}),
        ("agnews", {"train items": 2400, "test items": 600}, {"class": "Business"}),
        ("sst2", {"validation positive": 444}, {"label": 1}),
    ],
)
def test_show_gives_counts_and_first_rows(
    name: str, counts: dict[str, int], first: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    shown = json.loads(out(capsys, "show", name, "--data", "sample", "-n", "2", "--json"))
    hourly = "one row an hour, 12 of 14 columns"
    assert shown["note"] == (hourly if name == "jena" else "sample")
    assert shown["counts"].items() >= counts.items()
    assert len(shown["first"]) == 2
    assert shown["first"][0].items() >= first.items()
    said = out(capsys, "show", name, "--data", "sample", "-n", "1")
    for key, value in counts.items():
        assert f"{key}: {value:,}\n" in said


def test_show_jena_draws_the_lectures_two_plots(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = out(capsys, "show", "jena")
    assert "Temperature, 2009-01-01 00:10 to 2016-12-31 23:50" in said
    assert "The first 10 days" in said
    assert any("\u2800" < char <= "\u28ff" for char in said)
    file = tmp_path / "t.svg"
    assert out(capsys, "show", "jena", "-o", str(file)) == f"{file}\n"
    drawn = file.read_text(encoding="utf-8")
    assert drawn.startswith("<svg")
    assert "The first 10 days" in drawn


def test_text_of_a_file_cannot_command_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ag_news").mkdir()
    for name in ("train.csv.gz", "test.csv.gz"):
        data = gzip.compress(b'"1","\x1b[2Jgone","' + b"long " * 100 + b'"\n')
        (tmp_path / "ag_news" / name).write_bytes(data)
    said = out(capsys, "show", "agnews", "--data", str(tmp_path))
    assert "\x1b" not in said
    assert "\\x1b[2Jgone" in said
    assert "long …" in said


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("show", "jen", "--data", "sample"), 2, "Did you mean 'jena'"),
        (("fetch", "agnew"), 2, "Did you mean 'agnews'"),
        (("fetch", "jena", "--data", "sample"), 2, "--data DIR"),
        (("show", "imdb", "--data", "sample", "-o", "x.svg"), 2, "show jena"),
        (("show", "jena", "--data", "sample", "-o", "no/such/x.svg"), 2, "mkdir -p no/such"),
        (("show", "jena", "--data", "sample", "-o", "x.gif"), 2, ".svg or .png or .pdf: x.gif"),
        (("show", "imdb-keras", "--data", "sample"), 3, "rnnviz data fetch imdb-keras"),
        (("show", "jena", "--data", "/nowhere"), 3, "no data folder /nowhere"),
        (("fetch", "jena", "--offline"), 3, "jena_climate_2009_2016.csv.zip"),
    ],
)
def test_errors_say_what_to_type(
    args: tuple[str, ...], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    message = error(capsys, *args, code=code)
    assert said in message
    assert len(message.splitlines()) <= 2


def test_damaged_data_is_an_invalid_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "jena").mkdir()
    (tmp_path / "jena/jena_climate_2020.csv").write_text("Date Time,T\n")
    message = error(capsys, "show", "jena", "--data", str(tmp_path), code=4)
    assert "jena_climate_2020.csv, line 1: the columns 'p (mbar)', 'T (degC)', " in message
    assert "8 more are missing; found: Date Time, T.\n" in message


@pytest.mark.parametrize("value", ["1", "true"])
def test_the_variable_forbids_downloads_as_the_flag_does(
    value: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    own_folder: Path,
) -> None:
    monkeypatch.setenv("RNNVIZ_OFFLINE", value)
    assert "RNNVIZ_OFFLINE" in error(capsys, "fetch", "imdb-words", code=3)
    assert not own_folder.exists()


def test_the_terms_are_said_before_the_download(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from rnnviz.data import fetch

    def answer(name: str, folder: Path, progress: object, *, offline: bool) -> list[Path]:
        assert "non-commercial" in capsys.readouterr().err
        assert not offline
        return [folder / "ag_news/train.csv"]

    monkeypatch.setattr(fetch, "fetch", answer)
    assert out(capsys, "fetch", "agnews", "--data", str(tmp_path)).endswith("train.csv\n")


def test_what_is_here_in_another_form_is_not_downloaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(SAMPLES / "imdb", tmp_path / "imdb")
    assert run(["data", "fetch", "imdb", "--data", str(tmp_path), "--offline"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == [str(tmp_path / f"imdb/{s}.csv.gz") for s in ("train", "test")]
    assert "is here already" in said.err


HASHED = [name for name, entry in DATA_SETS.items() if all(file.hash for file in entry.files)]


@pytest.mark.parametrize("name", [name for name, entry in DATA_SETS.items() if entry.files])
def test_a_damaged_file_is_got_again_or_it_is_said_what_to_delete(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / file.path for file in DATA_SETS[name].files]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"<html>sign in to this network</html>")
    again = f"rnnviz data fetch {name}"
    assert again in error(capsys, "show", name, "--data", str(tmp_path), code=4)
    fetch = ("fetch", name, "--data", str(tmp_path), "--offline")
    if name in HASHED:  # a download would replace it
        assert again in error(capsys, *fetch, code=3)
    else:
        assert f"\nDelete {files[0]}, then" in error(capsys, *fetch, code=4)


def test_a_data_set_without_a_download_says_where_its_tables_belong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = error(capsys, "fetch", "turkish", "--data", str(tmp_path), code=3)
    assert "No download of turkish is known" in said
    assert str(tmp_path / "turkish_reviews") in said
    again = error(capsys, "show", "turkish", "--data", str(tmp_path), code=3)
    assert "film_reviews_and_sentences.train.tsv.gz is missing" in again


def test_a_damaged_file_is_downloaded_again_and_a_whole_one_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from rnnviz.data import fetch

    entry = DATA_SETS["imdb-words"]
    content = b'{"the": 1, "and": 2}'
    remote = replace(entry.files[0], hash=f"sha256:{hashlib.sha256(content).hexdigest()}")
    monkeypatch.setitem(DATA_SETS, entry.name, replace(entry, files=(remote,)))
    asked = []

    def answer(remote: RemoteFile, path: Path, progress: object) -> None:
        asked.append(path)
        path.write_bytes(content)

    monkeypatch.setattr(fetch, "download", answer)
    path = tmp_path / remote.path
    path.parent.mkdir()
    path.write_bytes(content[:-1])
    for _ in range(2):
        assert out(capsys, "fetch", "imdb-words", "--data", str(tmp_path)) == f"{path}\n"
    assert asked == [path]
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("name", "file", "there"),
    [
        ("sst2", "sst2/train.tsv", ["sst2/validation.tsv.gz"]),
        ("jena", "jena/jena_climate_2009_2016.csv", []),
        ("imdb", "aclImdb/train", ["imdb/test.csv.gz"]),
    ],
)
def test_what_a_download_would_not_replace_is_to_be_deleted(
    name: str, file: str, there: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for whole in there:
        (tmp_path / whole).parent.mkdir(exist_ok=True)
        shutil.copy(SAMPLES / whole, tmp_path / whole)
    wrong = tmp_path / file
    if wrong.suffix:
        wrong.parent.mkdir(exist_ok=True)
        wrong.write_bytes(b"sentence\tlabel\ngood\t7\n")
    else:
        wrong.mkdir(parents=True)
    said = error(capsys, "fetch", name, "--data", str(tmp_path), code=4)
    assert said.splitlines()[1] == f"Delete {wrong}, then the same command gets it again."


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom rnnviz.cli import run\n"
        "for args in (['data', '--help'], ['data', 'fetch', '--help'], ['data', '--json']):\n"
        "    assert run(args) == 0, args\n"
        "heavy = {'textual', 'rich', 'pooch', 'requests'} & set(sys.modules)\n"
        "heavy |= {'numpy'} & set(sys.modules) if args[-1] == '--help' else set()\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
