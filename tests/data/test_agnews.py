"""AG News: no header, classes from 1, and which training file was taken."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from rnnviz.data.agnews import CLASSES, News, agnews_file, read_agnews

REAL = os.environ.get("RNNVIZ_DATA", "")
ROWS = '"3","A ""quoted"" title","One\\two #39;s, and"\n"1","World","Çay\x85 it is"\n'


def write(folder: Path, name: str = "train.csv.gz", text: str = ROWS) -> Path:
    (folder / "ag_news").mkdir(exist_ok=True)
    data = text.encode()
    path = folder / "ag_news" / name
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return folder


@pytest.mark.parametrize("name", ["train.csv", "train.csv.gz", "train_subset.csv.gz"])
def test_classes_count_from_0_and_text_stays_as_it_is(tmp_path: Path, name: str) -> None:
    items = read_agnews(write(tmp_path, name), "train")
    assert items == [
        News(2, 'A "quoted" title', "One\\two #39;s, and"),
        News(0, "World", "Çay\x85 it is"),
    ]
    assert CLASSES[items[0].label] == "Business"


def test_the_whole_training_file_is_preferred_and_can_be_told(tmp_path: Path) -> None:
    write(tmp_path, "train_subset.csv.gz")
    assert agnews_file(tmp_path, "train").name == "train_subset.csv.gz"
    write(tmp_path, "train.csv.gz")
    assert agnews_file(tmp_path, "train").name == "train.csv.gz"
    write(tmp_path, "train.csv")
    assert agnews_file(tmp_path, "train").name == "train.csv"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no rows inside"),
        (
            '"1","a","b"\n"5","a","b"\n',
            r"train\.csv\.gz, line 2: class must be 1, 2, 3 or 4.* not '5'",
        ),
        ('"1","a","b"\n"1","a"\n', "line 2: 3 fields are needed, not 2"),
        ('"1","a","b\n', "line 1: unexpected end of data"),
        (
            "class,title\n1,a\n",
            "line 1: the column 'description' .* is missing; found: class, title",
        ),
        ('"1"," ","b"\n', "line 1: the title is empty"),
    ],
)
def test_damage_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_agnews(write(tmp_path, text=text), "train")


def test_missing_files_and_splits_are_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"train\.csv is missing .*train_subset"):
        read_agnews(tmp_path, "train")
    with pytest.raises(ValueError, match="no split 'validation'"):
        read_agnews(tmp_path, "validation")


@pytest.mark.skipif(not REAL, reason="RNNVIZ_DATA is not set")
def test_the_real_files_have_the_known_counts() -> None:
    train, test = (read_agnews(Path(REAL), split) for split in ("train", "test"))
    assert [sum(item.label == n for item in test) for n in range(4)] == [1900] * 4
    if agnews_file(Path(REAL), "train").name == "train_subset.csv.gz":
        wanted = [12_705, 12_729, 13_014, 12_875]
    else:
        wanted = [30_000] * 4
    assert [sum(item.label == n for item in train) for n in range(4)] == wanted
