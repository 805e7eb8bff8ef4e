"""IMDB in each of its forms: the same reviews in the same order, and damage told."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnviz.data.folders import sha256
from rnnviz.data.imdb import Review, imdb_source, read_imdb
from rnnviz.data.imdb_word_index import read_word_index

REAL = os.environ.get("RNNVIZ_DATA", "")
needs_data = pytest.mark.skipif(not REAL, reason="RNNVIZ_DATA is not set")
REVIEWS = [
    Review(label, rating, number, text)
    for number in range(3)
    for label, rating, text in [
        (0, 2, f'Bad, "really"<br />bad {number}'),
        (1, 9, f"Good\x85 çok iyi {number}"),
    ]
]
EXTRAS = {
    "aclImdb/README": b"x",
    "aclImdb/train/unsup/0_0.txt": b"unlabelled",
    "aclImdb/train/urls_pos.txt": b"http://",
    "aclImdb/train/pos/notes.txt": b"no review",
}


def files(split: str = "train") -> dict[str, bytes]:
    """The reviews as the authors' files, in an order of no meaning."""
    kinds = ("neg", "pos")
    named = {
        f"aclImdb/{split}/{kinds[r.label]}/{r.id}_{r.rating}.txt": r.text.encode() for r in REVIEWS
    }
    return dict(reversed((named | EXTRAS).items()))


def write_table(folder: Path, split: str = "train") -> Path:
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["label", "rating", "id", "text"])
    table.writerows([r.label, r.rating, r.id, r.text] for r in REVIEWS)
    (folder / "imdb").mkdir()
    (folder / f"imdb/{split}.csv.gz").write_bytes(gzip.compress(text.getvalue().encode()))
    return folder


def write_archive(folder: Path, content: dict[str, bytes], start: str = "") -> Path:
    (folder / "imdb").mkdir()
    with tarfile.open(folder / "imdb/aclImdb_v1.tar.gz", "w:gz") as archive:
        for name, data in content.items():
            member = tarfile.TarInfo(start + name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return folder


def write_folder(folder: Path, content: dict[str, bytes]) -> Path:
    for name, data in content.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def forms(tmp_path: Path) -> list[Path]:
    """Data folders with the same reviews in every form there is."""
    folders = [tmp_path / name for name in "abcde"]
    for folder in folders:
        folder.mkdir()
    write_table(folders[0])
    write_archive(folders[1], files())
    write_archive(folders[2], files(), start="./")
    write_folder(folders[3], files())
    write_folder(folders[4] / "imdb", files())
    return folders


def test_every_form_gives_the_same_reviews_in_the_same_order(tmp_path: Path) -> None:
    for folder in forms(tmp_path):
        assert read_imdb(folder, "train", raw=True) == REVIEWS, folder


def test_a_line_break_becomes_a_space_unless_the_text_is_wanted_raw(tmp_path: Path) -> None:
    for folder in forms(tmp_path):
        assert read_imdb(folder, "train")[0].text == 'Bad, "really" bad 0'


def test_what_was_read_can_be_named_and_hashed(tmp_path: Path) -> None:
    table, archive, _, unpacked, _ = forms(tmp_path)
    assert imdb_source(table, "train").name == "train.csv.gz"
    assert imdb_source(archive, "train").name == "aclImdb_v1.tar.gz"
    before = sha256(imdb_source(unpacked, "train"))
    (unpacked / "aclImdb/train/pos/0_9.txt").write_bytes(b"changed")
    assert sha256(imdb_source(unpacked, "train")) != before


def test_our_table_is_preferred_to_the_archive(tmp_path: Path) -> None:
    write_table(write_folder(tmp_path, files()))
    assert imdb_source(tmp_path, "train").name == "train.csv.gz"


def test_an_archive_is_read_without_writing_anything(tmp_path: Path) -> None:
    folder = write_archive(tmp_path, files())
    before = sorted(tmp_path.rglob("*"))
    read_imdb(folder, "train")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["aclImdb/train/neg/1_2.txt", "aclImdb/train/pos/0_9.txt"])
def test_a_missing_review_is_an_error(tmp_path: Path, name: str) -> None:
    content = files()
    del content[name]
    with pytest.raises(ValueError, match=f"review {name[18]} of {name[14:17]} is missing"):
        read_imdb(write_archive(tmp_path, content), "train")


def test_an_archive_of_something_else_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"aclImdb_v1\.tar\.gz: no reviews"):
        read_imdb(write_archive(tmp_path, {"other/file.txt": b""}), "train")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_cut_off_archive_is_an_error(tmp_path: Path, share: float) -> None:
    path = write_archive(tmp_path, files()) / "imdb/aclImdb_v1.tar.gz"
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ValueError, match=r"aclImdb_v1\.tar\.gz"):
        read_imdb(tmp_path, "train")


def test_a_review_that_is_no_text_is_named(tmp_path: Path) -> None:
    content = files() | {"aclImdb/train/pos/1_9.txt": b"\xff\xfe"}
    with pytest.raises(ValueError, match=r"pos/1_9\.txt"):
        read_imdb(write_archive(tmp_path, content), "train")


def test_half_an_unpacked_folder_is_missing_data(tmp_path: Path) -> None:
    (tmp_path / "aclImdb/train/neg").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match="pos is missing"):
        read_imdb(tmp_path, "train")


def test_nothing_there_names_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"train\.csv\.gz is missing .*aclImdb_v1"):
        read_imdb(tmp_path, "train")


def write_index(folder: Path, text: str, ending: str = ".json.gz") -> Path:
    (folder / "imdb").mkdir(exist_ok=True)
    data = gzip.compress(text.encode()) if ending.endswith("gz") else text.encode()
    (folder / f"imdb/imdb_word_index{ending}").write_bytes(data)
    return folder


@pytest.mark.parametrize("ending", [".json", ".json.gz"])
def test_word_index_gives_ranks_as_they_are(tmp_path: Path, ending: str) -> None:
    folder = write_index(tmp_path, '{"the": 1, "and": 2, "d\\u00e9j\\u00e0": 9}', ending)
    assert read_word_index(folder) == {"the": 1, "and": 2, "déjà": 9}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Expecting value"),
        ("[1, 2]", "table of words"),
        ("{}", "table of words"),
        ('{"the": "1"}', "'the' must have a rank"),
        ('{"the": true}', "'the' must have a rank"),
        ('{"the": 0}', "'the' must have a rank"),
        ('{"the": 1, "and": 1}', "same rank"),
        ("[" * 100_000, "imdb_word_index"),
    ],
)
def test_a_damaged_word_index_is_told(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_word_index(write_index(tmp_path, text))


@given(st.binary(max_size=60))
def test_any_bytes_under_the_name_of_an_archive_are_an_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    folder = tmp_path_factory.mktemp("imdb")
    for name in ("aclImdb_v1.tar.gz", "imdb_word_index.json.gz"):
        (folder / "imdb").mkdir(exist_ok=True)
        (folder / "imdb" / name).write_bytes(data)
    with pytest.raises(ValueError, match="aclImdb"):
        read_imdb(folder, "train")
    with pytest.raises(ValueError, match="word_index"):
        read_word_index(folder)


def test_the_sample_word_index_has_the_most_frequent_words() -> None:
    from rnnviz.data.folders import require_folder

    index = read_word_index(require_folder("sample"))
    assert sorted(index.values()) == list(range(1, 10_001))
    assert (index["the"], index["good"]) == (1, 49)
    assert json.dumps(index)  # plain types only


@needs_data
def test_the_real_word_index_has_every_rank_once() -> None:
    index = read_word_index(Path(REAL))
    assert sorted(index.values()) == list(range(1, 88_585))
    assert (index["the"], index["and"], index["br"]) == (1, 2, 7)


@needs_data
def test_an_archive_of_the_real_reviews_is_read_as_our_table(tmp_path: Path) -> None:
    wanted = read_imdb(Path(REAL), "test", raw=True)
    kinds = ("neg", "pos")
    content = {
        f"aclImdb/test/{kinds[r.label]}/{r.id}_{r.rating}.txt": r.text.encode() for r in wanted
    }
    names = sorted(content)  # 10 before 2: the order must not come from the archive
    folder = write_archive(tmp_path, {name: content[name] for name in names})
    assert read_imdb(folder, "test", raw=True) == wanted
