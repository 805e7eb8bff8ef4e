"""The readers, on small files of the same form; on the real data where it is there."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path

import pytest

from rnnviz.data import folders, imdb, sst2
from rnnviz.data.folders import FOLDER_VARIABLE

REAL = os.environ.get(FOLDER_VARIABLE, "")
needs_data = pytest.mark.skipif(not REAL, reason=f"{FOLDER_VARIABLE} is not set")


def write(path: Path, text: str) -> Path:
    """Write a gzipped file, with the folders it needs, and return the data folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()))
    return path.parent.parent


def write_sst2(folder: Path, rows: str) -> Path:
    """Write an SST-2 training file with these rows."""
    return write(folder / "sst2" / "train.tsv.gz", "sentence\tlabel\n" + rows)


def write_imdb(folder: Path, rows: str) -> Path:
    """Write an IMDB training file with these rows."""
    return write(folder / "imdb" / "train.csv.gz", "label,rating,id,text\n" + rows)


def test_sst2(tmp_path: Path) -> None:
    """Quotation marks are characters, and the space at the end of a phrase goes."""
    folder = write_sst2(tmp_path, "a \" fine film \t1\nis n't good \t0\n")
    assert sst2.read_sst2(folder, "train") == [('a " fine film', 1), ("is n't good", 0)]


def test_imdb(tmp_path: Path) -> None:
    """Quoted fields are unpacked, HTML breaks become spaces, odd characters stay."""
    folder = write_imdb(tmp_path, '1,9,0,"A ""good"" one,<br /><br />really\x85yes"\n0,1,7,Bad\n')
    assert imdb.read_imdb(folder, "train") == [
        imdb.Review(1, 9, 0, 'A "good" one,  really\x85yes'),
        imdb.Review(0, 1, 7, "Bad"),
    ]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("good\t1\nbad\t0\nok\t2\n", r"train\.tsv\.gz, line 4: label must be 0 or 1, not '2'"),
        (" \t1\n", r"line 2: the sentence is empty"),
        ("good\t\n", r"line 2: label must be"),
        ("good\t\u0661\n", r"line 2: label must be"),
        ("good\n", r"line 2: 2 fields are needed, not 1"),
    ],
)
def test_sst2_damaged_row(tmp_path: Path, rows: str, message: str) -> None:
    """The error names the file and the line."""
    with pytest.raises(ValueError, match=message):
        sst2.read_sst2(write_sst2(tmp_path, rows), "train")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1,9,0,Good\n1,11,0,Good\n", r"train\.csv\.gz, line 3: rating must be .*, not '11'"),
        ("1,9,x,Good\n", "line 2: id must be"),
        ("1,9,0\n", "line 2: 4 fields are needed, not 3"),
        ('1,9,0,"Good\n', "after line 2: unexpected end of data"),
    ],
)
def test_imdb_damaged_row(tmp_path: Path, rows: str, message: str) -> None:
    """The same for the reviews, with a quotation that never ends."""
    with pytest.raises(ValueError, match=message):
        imdb.read_imdb(write_imdb(tmp_path, rows), "train")


def test_wrong_header(tmp_path: Path) -> None:
    """A file of another form is refused at once."""
    folder = write(tmp_path / "sst2" / "train.tsv.gz", "words\tlabel\ngood\t1\n")
    with pytest.raises(
        ValueError, match=r"line 1: the column 'sentence' .* is missing; found: words, label"
    ):
        sst2.read_sst2(folder, "train")


@pytest.mark.parametrize("keep", [0, 5, 40])
def test_cut_off_file(tmp_path: Path, keep: int) -> None:
    """A download that broke off is an error, not a shorter data set."""
    folder = write_sst2(tmp_path, "good\t1\n" * 50)
    path = folder / "sst2" / "train.tsv.gz"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"train\.tsv\.gz"):
        sst2.read_sst2(folder, "train")


def test_not_gzip(tmp_path: Path) -> None:
    """A plain file under a .gz name is an error that names the file."""
    folder = write_sst2(tmp_path, "")
    (folder / "sst2" / "train.tsv.gz").write_text("sentence\tlabel\n")
    with pytest.raises(ValueError, match=r"train\.tsv\.gz"):
        sst2.read_sst2(folder, "train")


def test_not_utf8(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 in a text that is UTF-8 are an error that names the line."""
    folder = write_sst2(tmp_path, "")
    path = folder / "sst2" / "train.tsv.gz"
    path.write_bytes(gzip.compress("sentence\tlabel\nçok iyi\t1\n".encode() + b"\xff\t1\n"))
    with pytest.raises(ValueError, match=r"train\.tsv\.gz, line 3: bytes that are not valid UTF-8"):
        sst2.read_sst2(folder, "train")


def test_missing_file_and_split(tmp_path: Path) -> None:
    """What is not there is said in a sentence."""
    with pytest.raises(FileNotFoundError, match=r"validation\.tsv\.gz is missing"):
        sst2.read_sst2(tmp_path, "validation")
    with pytest.raises(ValueError, match="no split 'test': there are 'train' and 'validation'"):
        sst2.read_sst2(tmp_path, "test")
    with pytest.raises(ValueError, match="no split 'validation'"):
        imdb.read_imdb(tmp_path, "validation")


@pytest.mark.parametrize(
    ("sentence", "typed"),
    [
        ("it 's a film", "it's a film"),
        ("we 're sure they 'd go", "we're sure they'd go"),
        ("it is n't good", "it is n't good"),
        ("-lrb- a film -rrb- good", "a film   good"),
        ("'s a film", "'s a film"),
        ("a 'sad film", "a 'sad film"),
    ],
)
def test_as_typed(sentence: str, typed: str) -> None:
    """Clitics are joined again, except the negation."""
    assert sst2.detokenize(sentence) == typed


def test_sha256(tmp_path: Path) -> None:
    """The hash is that of the bytes on disk."""
    path = tmp_path / "file"
    path.write_bytes(b"rnn" * 1_000_000)
    assert folders.sha256(path) == hashlib.sha256(b"rnn" * 1_000_000).hexdigest()


@needs_data
def test_real_sst2() -> None:
    """The published counts."""
    train = sst2.read_sst2(Path(REAL), "train")
    assert len(train) == 67_349
    assert sum(label for _, label in train) == 37_569
    validation = sst2.read_sst2(Path(REAL), "validation")
    assert len(validation) == 872
    assert sum(label for _, label in validation) == 444


@needs_data
def test_real_imdb() -> None:
    """The published counts; ids 0 to 12,499 in each class; no HTML break left."""
    reviews = imdb.read_imdb(Path(REAL), "train")
    assert len(reviews) == 25_000
    assert sum(review.label for review in reviews) == 12_500
    assert {review.id for review in reviews} == set(range(12_500))
    assert all((review.rating >= 7) == (review.label == 1) for review in reviews)
    assert not any("<br" in review.text for review in reviews)
