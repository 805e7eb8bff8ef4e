"""Data sets in the forms people have them: read as the usual one, or refused with advice."""

from __future__ import annotations

import csv
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import pytest

from rnnviz.cli import run
from rnnviz.data.agnews import read_agnews
from rnnviz.data.folders import sha256
from rnnviz.data.imdb import read_imdb
from rnnviz.data.jena import COLUMNS, jena_file, read_jena
from rnnviz.data.sst2 import read_sst2

TEXTS = (
    "Good, really good.", 'He said "no"; I left.', "A café, a naïve tale", "Bad<br /><br />bad",
    "never; ever", "not bad", "It 's fine", "dull",
)  # fmt: skip
#: Reviews as (label, text): every label half of the time, in an order of no meaning.
REVIEWS = [(n * 7 % 5 % 2, f"{TEXTS[n % len(TEXTS)]} {n}") for n in range(40)]
NEWS = [(n % 4, f"{TEXTS[n % len(TEXTS)]} {n}", f"a longer text, {n}") for n in range(24)]
PHRASES = [(n % 2, f"{TEXTS[n % len(TEXTS)].replace('é', 'e').lower()} {n}") for n in range(20)]


def halved(rows: Sequence[tuple[int, str]]) -> dict[str, list[tuple[int, str]]]:
    """Of each label the first half to train on, the others to test on."""
    found: dict[str, list[tuple[int, str]]] = {"train": [], "test": []}
    for label, text in rows:
        many = sum(each == label for each, _ in rows)
        before = sum(each == label for each, _ in found["train"])
        found["train" if before < many - many // 2 else "test"].append((label, text))
    return found


# -- writing --------------------------------------------------------------------------------------


def table(
    rows: Sequence[Sequence[object]], header: Sequence[str] | None = None, *, delimiter: str = ",",
    end: str = "\n", encoding: str = "utf-8", quoting: int = csv.QUOTE_MINIMAL,
) -> bytes:  # fmt: skip
    """A table as bytes."""
    text = io.StringIO(newline="")
    plain = quoting == csv.QUOTE_NONE
    writer = csv.writer(
        text, delimiter=delimiter, lineterminator=end, quoting=quoting,  # type: ignore[arg-type]
        quotechar=None if plain else '"',
    )  # fmt: skip
    writer.writerows([*([header] if header else []), *rows])
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    return (mark + text.getvalue()).encode(encoding)


def put(path: Path, content: bytes) -> None:
    """Write a file, packed as its name says; ``archive.zip!x.csv`` is a member of a zip."""
    name, _, member = str(path).partition("!")
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    if name.endswith(".gz"):
        content = gzip.compress(content)
    if name.endswith(".xz"):
        content = lzma.compress(content)
    if name.endswith(".zip"):
        with zipfile.ZipFile(name, "a") as archive:
            archive.writestr("__MACOSX/._" + (member or "x.csv"), b"\0\5")
            archive.writestr(member or Path(name).stem, content)
    else:
        Path(name).write_bytes(content)


NAMES = {0: "negative", 1: "positive"}
Form = dict[str, Any]


def kaggle(path: str = "imdb/IMDB Dataset.csv", **form: Any) -> Form:
    """One table of all reviews; what differs from Kaggle's in ``form``."""
    return {"path": path, **form}


def write_reviews(folder: Path, form: Form) -> None:
    """The reviews in one table."""
    more = dict(form)
    path, labels = more.pop("path"), more.pop("labels", NAMES)
    header, order = more.pop("header", ("review", "sentiment")), more.pop("order", None)
    rows = [(text, labels[label]) for label, text in REVIEWS]
    if order is not None:
        rows = [tuple(order(n, *row)) for n, row in enumerate(rows)]
    put(folder / path, table(rows, header, **more))


IMDB: dict[str, Form] = {
    "kaggle": kaggle(),
    "byte order mark": kaggle(encoding="utf-8-sig"),
    "windows-1252": kaggle(encoding="cp1252"),
    "latin-1": kaggle(encoding="latin-1"),
    "utf-16": kaggle(encoding="utf-16"),
    "utf-16 big endian": kaggle(encoding="utf-16-be"),
    "crlf": kaggle(end="\r\n"),
    "cr": kaggle(end="\r"),
    "cr cr lf": kaggle(end="\r\r\n"),
    "semicolons": kaggle(delimiter=";"),
    "tabs": kaggle("imdb/IMDB Dataset.tsv", delimiter="\t"),
    "tabs under .csv": kaggle(delimiter="\t"),
    "all quoted": kaggle(quoting=csv.QUOTE_ALL),
    "tabs, all quoted": kaggle("imdb/imdb.tsv", delimiter="\t", quoting=csv.QUOTE_ALL),
    "tabs, none quoted": kaggle("imdb/imdb.tsv", delimiter="\t", quoting=csv.QUOTE_NONE),
    "capitals": kaggle(header=("Review", "SENTIMENT")),
    "spaces in the header": kaggle(header=(" review ", " sentiment ")),
    "text and label": kaggle(header=("text", "label")),
    "text and class": kaggle(header=("Text", "Class")),
    "sentence and polarity": kaggle(header=("sentence", "polarity")),
    "the label first": kaggle(header=("label", "text"), order=lambda n, t, y: (y, t)),
    "an index": kaggle(header=("", "review", "sentiment"), order=lambda n, t, y: (n, t, y)),
    "pandas' index": kaggle(
        header=("Unnamed: 0", "text", "label"), order=lambda n, t, y: (n, t, y)
    ),
    "a column more": kaggle(
        header=("review", "sentiment", "url"), order=lambda n, t, y: (t, y, "http://x")
    ),
    "no header": kaggle(header=None),
    "no header, the label first": kaggle(header=None, order=lambda n, t, y: (y, t)),
    "0 and 1": kaggle(labels={0: "0", 1: "1"}),
    "1 and 2": kaggle(labels={0: "1", 1: "2"}),
    "-1 and 1": kaggle(labels={0: "-1", 1: "1"}),
    "0.0 and 1.0": kaggle(labels={0: "0.0", 1: "1.0"}),
    "neg and pos": kaggle(labels={0: "neg", 1: "pos"}),
    "Negative and POSITIVE": kaggle(labels={0: "Negative", 1: " POSITIVE "}),
    "gzipped": kaggle("imdb/IMDB Dataset.csv.gz"),
    "zipped": kaggle("imdb/IMDB Dataset.csv.zip"),
    "kaggle's archive": kaggle("imdb/archive.zip!IMDB Dataset.csv"),
    "in the data folder": kaggle("IMDB Dataset.csv"),
    "in the data folder, zipped": kaggle("IMDB Dataset.csv.zip"),
    "folder in capitals": kaggle("IMDB/IMDB Dataset.csv"),
    "folder with spaces": kaggle("IMDB Dataset of 50K Movie Reviews/IMDB Dataset.csv"),
    "folder in a folder": kaggle("imdb/imdb/IMDB Dataset.csv"),
    "extracted": kaggle("imdb_extracted/IMDB Dataset.csv"),
    "among data sets": kaggle("datasets/imdb/IMDB Dataset.csv"),
    "another name": kaggle("imdb/movie reviews.csv"),
    "name in capitals": kaggle("imdb/IMDB DATASET.CSV"),
}


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without data or runs."""
    monkeypatch.delenv("RNNVIZ_DATA", raising=False)
    monkeypatch.setattr(platformdirs, "user_data_dir", lambda name: str(tmp_path / "home"))


def shown(
    capsys: pytest.CaptureFixture[str], folder: Path, name: str, code: int = 0
) -> dict[str, Any]:
    """What ``data show --json`` says, and that the table of data sets has it here."""
    capsys.readouterr()
    assert run(["data", "show", name, "--data", str(folder), "--json"]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert run(["data", "--json", "--data", str(folder)]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows[name]["here"]
    assert [str(folder / file) for file in rows[name]["files"]] == found["files"]
    return found


@pytest.mark.parametrize("name", IMDB)
def test_one_table_of_reviews_is_read_and_halved(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_reviews(tmp_path, IMDB[name])
    for split, wanted in halved(REVIEWS).items():
        found = [(r.label, r.text) for r in read_imdb(tmp_path, split, raw=True)]
        assert found == wanted, split
    document = shown(capsys, tmp_path, "imdb")
    assert document["note"] == "no official split, halved here"
    assert document["counts"]["train reviews"] + document["counts"]["test reviews"] == len(REVIEWS)
    assert document["files"] == [str(tmp_path / IMDB[name]["path"].partition("!")[0])]


def write_news(folder: Path, form: Form) -> None:
    """The news in two tables."""
    more = dict(form)
    paths, labels = (
        more.pop("paths", ("ag_news/train.csv", "ag_news/test.csv")),
        more.pop("labels", "1234"),
    )
    header = more.pop("header", None)
    order = more.pop("order", lambda y, title, text: (y, title, text))
    rows = [tuple(order(labels[y], title, text)) for y, title, text in NEWS]
    for path in paths:
        put(folder / path, table(rows, header, **{"quoting": csv.QUOTE_ALL, **more}))


def both(start: str, ending: str = ".csv") -> tuple[str, str]:
    """Paths of the two splits."""
    return f"{start}train{ending}", f"{start}test{ending}"


KAGGLE = ("Class Index", "Title", "Description")
AGNEWS: dict[str, Form] = {
    "official": {},
    "byte order mark": {"encoding": "utf-8-sig"},
    "kaggle": {"header": KAGGLE, "quoting": csv.QUOTE_MINIMAL},
    "kaggle, byte order mark": {"header": KAGGLE, "encoding": "utf-8-sig"},
    "kaggle's archive": {"header": KAGGLE, "paths": both("ag_news/archive.zip!")},
    "unpacked": {"paths": both("ag_news_csv/")},
    "unpacked twice": {"paths": both("ag_news_csv/ag_news_csv/")},
    "extracted": {"paths": both("ag_news_csv_extracted/")},
    "capitals and spaces": {"paths": both("AG News/")},
    "kaggle's folder": {"header": KAGGLE, "paths": both("ag-news-classification-dataset/")},
    "in the data folder": {"header": KAGGLE, "paths": both("")},
    "in the data folder, no header": {"paths": both("")},
    "named": {"paths": both("ag_news_")},
    "gzipped": {"paths": both("ag_news/", ".csv.gz")},
    "zipped": {"paths": both("ag_news/", ".csv.zip")},
    "crlf": {"end": "\r\n"},
    "windows-1252": {"encoding": "cp1252"},
    "utf-16": {"encoding": "utf-16"},
    "semicolons": {"delimiter": ";"},
    "tabs": {"paths": both("ag_news/", ".tsv"), "delimiter": "\t", "header": KAGGLE},
    "from 0": {"labels": "0123"},
    "words": {"labels": ("World", "Sports", "Business", "Sci/Tech"), "header": KAGGLE},
    "another order": {
        "header": ("title", "description", "label"), "order": lambda y, a, b: (a, b, y),
    },
    "text for description": {"header": ("label", "title", "text")},
}  # fmt: skip


@pytest.mark.parametrize("name", AGNEWS)
def test_news_are_read(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_news(tmp_path, AGNEWS[name])
    for split in ("train", "test"):
        found = [
            (item.label, item.title, item.description) for item in read_agnews(tmp_path, split)
        ]
        assert found == NEWS
    assert shown(capsys, tmp_path, "agnews")["counts"]["train Sports"] == len(NEWS) // 4


def test_labels_that_do_not_tell_are_told_by_the_other_split(tmp_path: Path) -> None:
    put(tmp_path / "ag_news/train.csv", table([(n, "a", "b") for n in (0, 1, 2, 3)]))
    put(tmp_path / "ag_news/test.csv", table([(n, "a", "b") for n in (1, 2, 3)]))
    assert [item.label for item in read_agnews(tmp_path, "test")] == [1, 2, 3]
    put(tmp_path / "ag_news/train.csv", table([(n, "a", "b") for n in (1, 2, 3, 4)]))
    assert [item.label for item in read_agnews(tmp_path, "test")] == [0, 1, 2]


def write_phrases(folder: Path, form: Form) -> None:
    """The phrases in two tables."""
    more = dict(form)
    paths = more.pop("paths", ("SST-2/train.tsv", "SST-2/dev.tsv"))
    header, labels = more.pop("header", ("sentence", "label")), more.pop("labels", "01")
    rows = [(text, labels[label]) for label, text in PHRASES]
    how = {"delimiter": "\t", "quoting": csv.QUOTE_NONE, **more}
    for path in paths:
        put(folder / path, table(rows, header, **how))
    if "SST-2/dev.tsv" in paths:  # GLUE's test has no labels
        put(folder / "SST-2/test.tsv", b"index\tsentence\n0\tno label\n")


def dev(start: str, ending: str = ".tsv") -> tuple[str, str]:
    """Paths of GLUE's two splits."""
    return f"{start}train{ending}", f"{start}dev{ending}"


SST2: dict[str, Form] = {
    "glue": {},
    "glue in a folder": {"paths": dev("glue/SST-2/")},
    "glue_data": {"paths": dev("glue_data/SST-2/")},
    "the folder itself": {"paths": dev("sst2/")},
    "a folder of the name in it": {"paths": dev("SST-2/SST-2/")},
    "extracted": {"paths": dev("SST-2_extracted/SST-2/")},
    "in the data folder": {"paths": dev("")},
    "the archive": {"paths": dev("sst2/SST-2.zip!SST-2/")},
    "the archive in the data folder": {"paths": dev("SST-2.zip!SST-2/")},
    "gzipped": {"paths": ("sst2/train.tsv.gz", "sst2/validation.tsv.gz")},
    "csv": {"paths": dev("sst2/", ".csv"), "delimiter": ",", "quoting": csv.QUOTE_MINIMAL},
    "crlf": {"end": "\r\n"},
    "byte order mark": {"encoding": "utf-8-sig"},
    "pandas' tabs": {"quoting": csv.QUOTE_MINIMAL},
    "words": {"labels": ("negative", "positive")},
    "no header": {"header": None, "paths": dev("sst2/")},
    "no header, csv": {
        "header": None, "paths": dev("sst2/", ".csv"), "delimiter": ",",
        "quoting": csv.QUOTE_MINIMAL,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", SST2)
def test_phrases_are_read(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_phrases(tmp_path, SST2[name])
    for split in ("train", "validation"):
        assert [(y, text) for text, y in read_sst2(tmp_path, split)] == PHRASES
    assert shown(capsys, tmp_path, "sst2")["counts"]["validation positive"] == len(PHRASES) // 2


STATION = ("rain (mm)", "SWDR (W/m²)", "PAR (µmol/m²/s)")


def weather(rows: int, iso: bool = False) -> list[list[object]]:
    """Rows of the station's measurements and three more."""
    start = np.datetime64("2020-01-01T00:10")
    found: list[list[object]] = []
    for n in range(rows):
        time = str(start + np.timedelta64(10 * n, "m")).replace("T", " ") + ":00"
        date, clock = time.split()
        shown = time if iso else f"{'.'.join(reversed(date.split('-')))} {clock}"
        found.append([shown, *(f"{c + n / 10:.2f}" for c in range(14)), 0, 0, 0.5])
    return found


def write_weather(folder: Path, form: Form, rows: int = 30) -> None:
    """A table of the station."""
    more = dict(form)
    path, time = more.pop("path", "jena/mpi_roof_2020a.csv"), more.pop("time", "Date Time")
    change, named = more.pop("change", str), more.pop("named", str)
    read = [[change(str(f)) if k else f for k, f in enumerate(row)]
            for row in weather(rows, more.pop("iso", False))]  # fmt: skip
    header = [time, *(named(column) for column in (*COLUMNS, *STATION))]
    put(folder / path, table(read, header, **more))


STATIONS: dict[str, Form] = {
    "the station's": {"encoding": "latin-1", "end": "\r\n"},
    "the station's, quoted": {"encoding": "latin-1", "quoting": csv.QUOTE_ALL},
    "the station's, zipped": {"path": "jena/mpi_roof_2020a.zip!mpi_roof_2020a.csv"},
    "weather.csv": {"path": "weather.csv", "time": "date", "iso": True, "end": "\r\n"},
    "weather.csv in its folder": {"path": "weather/weather.csv", "time": "date", "iso": True},
    "weather.csv of jena": {"path": "jena/weather.csv", "time": "date", "iso": True},
    "extracted": {"path": "jena_climate_2009_2016_extracted/jena_climate_2009_2016.csv"},
    "in the data folder": {"path": "jena_climate_2020.csv"},
    "capitals": {"path": "JENA/Jena_Climate_2020.CSV"},
    "any name": {"path": "jena/table.csv"},
    "byte order mark": {"encoding": "utf-8-sig"},
    "utf-16": {"encoding": "utf-16"},
    "semicolons": {"delimiter": ";"},
    "semicolons and commas": {"delimiter": ";", "change": lambda f: f.replace(".", ",")},
    "tabs": {"delimiter": "\t"},
    "columns with another case": {"named": str.upper},
    "columns with another power": {"named": lambda name: name.replace("**", "^")},
    "gzipped": {"path": "jena/jena_climate_2020.csv.gz"},
    "xz": {"path": "jena/jena_climate_2020.csv.xz"},
}


@pytest.mark.parametrize("name", STATIONS)
def test_weather_is_read(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_weather(tmp_path, STATIONS[name])
    series = read_jena(jena_file(tmp_path), repair=True)
    np.testing.assert_allclose(series.data[3], [c + 0.3 for c in range(14)])
    assert str(series.times[3]) == "2020-01-01T00:40"
    assert shown(capsys, tmp_path, "jena")["counts"]["rows"] == 30


def test_the_authors_folders_are_found_wherever_they_were_unpacked(tmp_path: Path) -> None:
    for number, start in enumerate(("aclImdb", "imdb/aclImdb", "aclImdb_v1_extracted/aclImdb",
                                    "aclImdb_v1/aclImdb", "imdb", ".")):  # fmt: skip
        folder = tmp_path / str(number) / ("aclImdb" if start == "." else "")
        for split in ("train", "test"):
            for kind, stars in (("neg", 2), ("pos", 9)):
                put(folder / start / split / kind / f"0_{stars}.txt", f"{split} {kind}".encode())
        for split in ("train", "test"):
            assert [r.text for r in read_imdb(folder, split)] == [f"{split} neg", f"{split} pos"]


# -- what is refused ------------------------------------------------------------------------------

GOOD = "review,sentiment\ngood,positive\nbad,negative\n"
REFUSED: dict[str, tuple[str, str, bytes, str]] = {
    # what: (data set, path, content, what is said)
    "an empty text": ("imdb", "imdb/x.csv", f"{GOOD} ,positive\n".encode(), "line 4: the text is"),
    "an unknown label": ("imdb", "imdb/x.csv", f"{GOOD}ok,meh\n".encode(), "line 4: label must be"),
    "a label of another kind": ("imdb", "imdb/x.csv", f"{GOOD}ok,1\n".encode(), "line 4: label"),
    "no label": ("imdb", "imdb/x.csv", f"{GOOD}ok,\n".encode(), "line 4: label"),
    "a field too few": ("imdb", "imdb/x.csv", f"{GOOD}ok\n".encode(), "line 4: 2 fields are"),
    "a field too many": ("imdb", "imdb/x.csv", f"{GOOD}ok,no,1\n".encode(), "line 4: 2 "),
    "an empty line inside": ("imdb", "imdb/x.csv", f"{GOOD}\nok,pos\n".encode(), "line 4: 2"),
    "other columns": ("imdb", "imdb/x.csv", b"words,stars\na,1\n", "found: words, stars"),
    "no label column": ("imdb", "imdb/x.csv", b"review,stars\na,1\n", "line 1: the column 'label'"),
    "twice": ("imdb", "imdb/x.csv", b"review,review,label\na,b,1\n", "two columns 'text'"),
    "a header alone": ("imdb", "imdb/x.csv", b"review,sentiment\n", "no rows below the header"),
    "nothing": ("imdb", "imdb/x.csv", b"", "no rows inside"),
    "a wrong quotation": ("imdb", "imdb/x.csv", f'{GOOD}"a" b,pos\n'.encode(), "must be doubled"),
    "an open quotation": ("imdb", "imdb/x.csv", f'{GOOD}"a,pos\n'.encode(), "after line 4"),
    "broken utf-8": ("imdb", "imdb/x.csv", f"{GOOD}é è,pos\n".encode() + b"\xe9,pos\n", "line 5"),
    "utf-16 without its mark": ("imdb", "imdb/x.csv", GOOD.encode("utf-16-le"), "Save it as UTF-8"),
    "parquet": ("imdb", "imdb/train.parquet", b"PAR1", "Save it as .csv"),
    "a sheet": ("sst2", "SST-2/dev.xlsx", b"PK", "Save it as .csv"),
    "a page": ("imdb", "imdb/x.csv", b"<!doctype html>\n<p>Sign in", "found: <!doctype html>"),
    "a damaged zip": ("agnews", "ag_news/archive.zip", b"PK\3\4 cut", "archive.zip: File is not"),
    "a class too many": ("agnews", "ag_news/train.csv", b"4,a,b\n5,a,b\n", "line 2: class must be"),
    "0 and 4": ("agnews", "ag_news/train.csv", b"0,a,b\n4,a,b\n", "line 2: class must be"),
    "no title": ("agnews", "ag_news/train.csv", b"1,,b\n", "line 1: the title is empty"),
    "no title column": ("agnews", "ag_news/train.csv", b"text,label\na,1\n", "the column 'title'"),
    "no sentence": ("sst2", "SST-2/train.tsv", b"sentence\tlabel\n \t1\n", "line 2: the sentence"),
    "a header alone, tabs": ("sst2", "SST-2/train.tsv", b"sentence\tlabel\n", "no rows below"),
}  # fmt: skip
STATION_REFUSED = {
    "two columns less": (",".join(["Date Time", *COLUMNS[2:]]), "'p (mbar)', 'T (degC)'"),
    "another time": (
        ",".join(["date", *COLUMNS]) + "\n1/1/2020 0:10," + ",".join("1" * 14),
        "line 2: Date Time must be dd.mm.yyyy hh:mm:ss or yyyy-mm-dd hh:mm:ss, not '1/1/2020",
    ),
    "no number": (
        ",".join(["date", *COLUMNS]) + "\n2020-01-01 00:10:00,x," + ",".join("1" * 13),
        "line 2: p (mbar) must be a number, not 'x'",
    ),
    "no rows": (",".join(["date", *COLUMNS]), "no rows below the header"),
}
RECIPES = {"imdb": "imdb-rnn", "agnews": "agnews-rnn", "sst2": "sentiment-rnn", "jena": "jena-gru"}


def refused(
    capsys: pytest.CaptureFixture[str], folder: Path, name: str, said: str, code: int = 4
) -> None:
    """Every command says the same in two lines, names a command, and begins no run."""
    for args in (
        ["data", "show", name],
        ["train", RECIPES[name], "--epochs", "1", "--plain", "-q"],
    ):
        capsys.readouterr()
        out = ["--out", str(folder / "run")] if args[0] == "train" else []
        assert run([*args, "--data", str(folder), *out]) == code, args
        message = capsys.readouterr().err
        assert said in message, args
        assert f"rnnviz data fetch {name}" in message
        assert len([line for line in message.splitlines() if line]) <= 3
        assert not (folder / "run").exists()
    assert run(["data", "--data", str(folder)]) == 0  # the table is there all the same


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_right_is_refused_with_its_line(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, path, content, said = REFUSED[what]
    (tmp_path / path).parent.mkdir(parents=True)
    for other in (path, path.replace("train.csv", "test.csv").replace("train.tsv", "dev.tsv")):
        (tmp_path / other).write_bytes(content)
    refused(capsys, tmp_path, name, said)


@pytest.mark.parametrize("what", STATION_REFUSED)
def test_weather_that_cannot_be_right_is_refused_with_its_line(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, said = STATION_REFUSED[what]
    put(tmp_path / "jena/weather.csv", text.encode() + b"\n")
    refused(capsys, tmp_path, "jena", said)


@pytest.mark.parametrize("name", RECIPES)
def test_what_is_not_there_is_told_with_what_is(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(tmp_path / "notes.csv", b"a,b\n1,2\n")
    refused(capsys, tmp_path, name, f"{tmp_path} has: notes.csv", code=3)


def test_a_file_in_place_of_a_folder_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(tmp_path / "IMDB Dataset.csv", GOOD.encode())
    file = str(tmp_path / "IMDB Dataset.csv")
    assert run(["train", "imdb-rnn", "--data", file]) == 2
    assert f"--data {tmp_path}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "write", "said"),
    [
        ("imdb", lambda folder: put(folder / "imdb/x.csv", b"review,label\na,1\nb,1\nc,1\n"),
         "train half: rows of at least two classes are needed, here are 0 negative, 2 positive"),
        ("imdb", lambda folder: put(folder / "imdb/x.csv", GOOD.encode()),
         "test half: rows of at least two classes are needed, here are 0 negative, 0 positive"),
        ("agnews", lambda folder: [put(folder / f"ag_news/{s}.csv", b"3,a,b\n3,c,d\n")
                                   for s in ("train", "test")],
         "here are 0 World, 0 Sports, 2 Business, 0 Sci/Tech"),
        ("sst2", lambda folder: [put(folder / f"SST-2/{s}.tsv", b"sentence\tlabel\na\t0\n")
                                 for s in ("train", "dev")], "here are 1 negative, 0 positive"),
        ("jena", lambda folder: write_weather(folder, {}), "30 rows are too few"),
    ],
)  # fmt: skip
def test_what_cannot_be_learnt_from_is_told_with_its_counts_before_a_run_begins(
    name: str, write: Callable[[Path], object], said: str, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    write(tmp_path)
    out = tmp_path / "run"
    args = ["train", RECIPES[name], "--data", str(tmp_path), "--out", str(out), "--plain", "-q"]
    assert run(args) == 4
    assert said in capsys.readouterr().err
    assert not out.exists()


# -- training -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recipe", "write", "file", "limit"),
    [
        ("imdb-rnn", lambda f: write_reviews(f, kaggle()), "imdb/IMDB Dataset.csv", 200),
        ("imdb-rnn", lambda f: write_reviews(f, kaggle("a.csv", encoding="utf-16") | {
            "path": "imdb_extracted/imdb.csv"}), "imdb_extracted/imdb.csv", 200),
        ("agnews-rnn", lambda f: write_news(f, AGNEWS["kaggle"]), "ag_news/train.csv", 20),
        ("agnews-rnn", lambda f: write_news(f, AGNEWS["unpacked"]), "ag_news_csv/train.csv", 200),
        ("sentiment-gru", lambda f: write_phrases(f, SST2["glue"]), "SST-2/train.tsv", 200),
        ("jena-dense", lambda f: write_weather(f, STATIONS["the station's"], 6800),
         "jena/mpi_roof_2020a.csv", 6750),
        ("jena-naive", lambda f: write_weather(f, STATIONS["weather.csv"], 6800),
         "weather.csv", 6750),
    ],
)  # fmt: skip
def test_a_net_is_trained_on_each_form_and_the_result_names_the_file(
    recipe: str, write: Callable[[Path], object], file: str, limit: int, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    write(tmp_path)
    out = tmp_path / "run"
    args = ["--limit", str(limit), "--epochs", "1", "--data", str(tmp_path), "--out", str(out)]
    assert run(["train", recipe, *args, "--plain"]) == 0
    said = capsys.readouterr().err
    assert f"Reading {file}" in said
    assert "".join(said.splitlines()[-3:]).count(file) == 1
    result = json.loads((out / "result.json").read_text())
    assert result["data"][file] == sha256(tmp_path / file)
    assert not result["sample"]
    assert run(["runs", "show", str(out)]) == 0
    assert f"{file}  sha256 {sha256(tmp_path / file)[:16]}" in capsys.readouterr().out


@pytest.mark.parametrize("recipe", ["sentiment-gru", "agnews-rnn", "imdb-rnn"])
def test_without_data_the_sample_is_taken_and_said(
    recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    out = tmp_path / "run"
    args = ["train", recipe, "--epochs", "1", "--out", str(out), "--limit", "30", "--plain"]
    assert run(args) == 0
    assert "small sample in the package" in capsys.readouterr().err
    result = json.loads((out / "result.json").read_text())
    assert result["sample"]
    assert "sample" in result["trained_on"]
    assert run(["runs", "show", str(out)]) == 0
    assert "sample" in capsys.readouterr().out.partition("trained on")[2].splitlines()[0]
    (tmp_path / "empty").mkdir()
    elsewhere = ["--out", str(tmp_path / "other")]
    assert run(["train", recipe, *elsewhere, "--data", str(tmp_path / "empty")]) == 3
    monkeypatch.setenv("RNNVIZ_DATA", str(tmp_path / "empty"))
    assert run(["train", recipe, *elsewhere]) == 3
    assert "rnnviz data fetch" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


def test_without_data_the_weather_in_the_package_is_taken_which_is_no_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert run(["train", "jena-naive", "--out", str(out), "--plain"]) == 0
    assert "jena_climate_2009_2016_hourly.csv.xz" in capsys.readouterr().err
    result = json.loads((out / "result.json").read_text())
    assert not result["sample"]
    assert result["trained_on"] == "Jena 2009–2016, one row an hour, 12 of 14 columns"
    (tmp_path / "empty").mkdir()
    elsewhere = ["--out", str(tmp_path / "other")]
    assert run(["train", "jena-naive", *elsewhere, "--data", str(tmp_path / "empty")]) == 3
    assert "rnnviz data fetch jena" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()
    monkeypatch.setenv("RNNVIZ_DATA", str(tmp_path / "empty"))
    assert run(["train", "jena-naive", *elsewhere, "--plain"]) == 0
