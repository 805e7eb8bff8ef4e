"""The reader of the Turkish reviews, on small files of the same form; on the real ones if there."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from rnnviz.data.catalogue import local_files
from rnnviz.data.folders import FOLDER_VARIABLE
from rnnviz.data.sst2 import read_sst2
from rnnviz.data.turkish_reviews import read_turkish, turkish_file

REAL = os.environ.get(FOLDER_VARIABLE, "")


def write(folder: Path, name: str, rows: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(("sentence\tlabel\n" + rows).encode()))
    return path


def test_the_larger_table_is_read_where_it_is_there(tmp_path: Path) -> None:
    small = write(tmp_path, "turkish_reviews/film_reviews.train.tsv.gz", "kötü\t0\niyi\t1\n")
    assert turkish_file(tmp_path, "train") == small
    assert read_turkish(tmp_path, "train") == [("kötü", 0), ("iyi", 1)]
    large = write(
        tmp_path, "turkish_reviews/film_reviews_and_sentences.train.tsv.gz",
        'SIKICI, "kötü"\t0\nÇOK İYİ \t1\nşöyle böyle\t0\n',
    )  # fmt: skip
    assert turkish_file(tmp_path, "train") == large
    assert read_turkish(tmp_path, "train") == [
        ('SIKICI, "kötü"', 0), ("ÇOK İYİ", 1), ("şöyle böyle", 0),
    ]  # fmt: skip


def test_other_names_of_folder_and_split_are_found(tmp_path: Path) -> None:
    write(tmp_path, "Turkish Movie Reviews/train.tsv.gz", "kötü\t0\niyi\t1\n")
    write(tmp_path, "Turkish Movie Reviews/dev.tsv.gz", "iyi\t1\nkötü\t0\n")
    assert read_turkish(tmp_path, "validation") == [("iyi", 1), ("kötü", 0)]
    assert local_files("turkish", tmp_path).note == "the smaller tables"


def test_a_table_of_another_data_set_is_not_taken(tmp_path: Path) -> None:
    """SST-2 has the same columns."""
    write(tmp_path, "sst2/train.tsv.gz", "good\t1\nbad\t0\n")
    write(tmp_path, "train.tsv.gz", "good\t1\nbad\t0\n")
    with pytest.raises(FileNotFoundError, match=r"turkish_reviews/film_reviews_and_sentences"):
        read_turkish(tmp_path, "train")
    write(tmp_path, "turkish/train.tsv.gz", "iyi\t1\nkötü\t0\n")
    assert read_sst2(tmp_path, "train")[0] == ("good", 1)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("iyi\t1\nkötü\t0\nşöyle\t2\n", "line 4: label must be 0 or 1, not '2'"),
        (" \t1\n", "line 2: the sentence is empty"),
        ("iyi\n", "line 2: 2 fields are needed, not 1"),
    ],
)
def test_a_damaged_row_is_told_with_its_line(tmp_path: Path, rows: str, message: str) -> None:
    write(tmp_path, "turkish_reviews/film_reviews.train.tsv.gz", rows)
    with pytest.raises(ValueError, match=message):
        read_turkish(tmp_path, "train")
    with pytest.raises(ValueError, match="no split 'test'"):
        read_turkish(tmp_path, "test")


@pytest.mark.skipif(not REAL, reason=f"{FOLDER_VARIABLE} is not set")
def test_the_real_tables_have_the_rows_and_labels_of_their_description() -> None:
    for split, rows, positive in (("train", 22_205, 11_054), ("validation", 2_390, 1_238)):
        found = read_turkish(Path(REAL), split)
        assert (len(found), sum(label for _, label in found)) == (rows, positive)
