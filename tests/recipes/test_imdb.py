"""The IMDB recipes: the very numbers of Keras's ``imdb.load_data``, and its split."""

from __future__ import annotations

import csv
import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest

from rnnviz.errors import InvalidFileError, MissingError, UsageError
from rnnviz.recipes import find, imdb
from rnnviz.recipes.imdb import review_encoder, vocabulary

#: Ranks as in the index Keras ships; "rare" stands for what is past the 10,000.
INDEX = {"the": 1, "and": 2, "br": 7, "film": 19, "last": 9_996, "first": 9_997, "rare": 50_000}

FULL = pytest.mark.skipif(
    not (Path(os.environ.get("RNNVIZ_DATA", "-")) / "imdb/train.csv.gz").is_file(),
    reason="needs the whole IMDB in RNNVIZ_DATA",
)


def quiet(text: str) -> None:
    """Says nothing."""


def folder_of(tmp_path: Path, reviews: list[tuple[int, int, int, str]]) -> Path:
    """A data folder with these (label, rating, id, text) in both splits."""
    (tmp_path / "imdb").mkdir()
    for split in ("train", "test"):
        with gzip.open(tmp_path / f"imdb/{split}.csv.gz", "wt", newline="") as file:
            csv.writer(file).writerows([("label", "rating", "id", "text"), *reviews])
    with gzip.open(tmp_path / "imdb/imdb_word_index.json.gz", "wt") as file:
        json.dump(INDEX, file)
    return tmp_path


def test_ids_are_ranks_plus_three_below_ten_thousand() -> None:
    encode = review_encoder(INDEX)
    assert list(encode("The film<br />LAST first, rare")) == [1, 4, 22, 10, 9_999, 2, 2]


def test_a_word_without_a_rank_is_left_out_as_keras_does_but_unknown_to_a_cut_index() -> None:
    assert list(review_encoder(INDEX)("the xyzzy film")) == [1, 4, 2, 22]
    complete = INDEX | {f"w{n}": 100_000 + n for n in range(imdb.INDEX_SIZE - len(INDEX))}
    assert list(review_encoder(complete)("the xyzzy film")) == [1, 4, 22]


def test_of_a_long_review_the_end_is_kept_and_the_start_is_lost() -> None:
    ids = review_encoder(INDEX)("the " + "film " * 499 + "and")
    assert len(ids) == 500
    assert list(ids[:1] + ids[-2:]) == [22, 22, 5]
    assert list(review_encoder(INDEX)("the " * 499)) == [1, *[4] * 499]


def test_a_words_place_in_the_vocabulary_is_its_id() -> None:
    ranks = {f"w{rank}": rank for rank in range(1, 12_000)}
    words = vocabulary(ranks)
    assert len(words) == 10_000
    assert words.words[:5] == ("", "[START]", "[UNK]", "[UNUSED]", "w1")
    assert words.words[-1] == "w9996"
    tokens, ids = words.read("w1 w9996 w9997")
    assert tokens[0] == "[START]"
    assert ids == [1, 4, 9_999, 2] == list(review_encoder(ranks)("w1 w9996 w9997"))


def test_a_rank_that_no_word_has_moves_no_other_word() -> None:
    words = vocabulary(INDEX)
    assert words.read("film last")[1] == list(review_encoder(INDEX)("film last")) == [1, 22, 9_999]
    assert not words.known("[6]")


def test_reviews_are_in_the_order_of_keras_before_they_are_shuffled(tmp_path: Path) -> None:
    """Positive first, by file name as text: 0_9, 10_7, 2_10."""
    rows = [
        (0, 1, 0, "and"),
        (1, 9, 0, "the"),
        (1, 10, 2, "film"),
        (1, 7, 10, "br"),
        (0, 4, 1, "the"),
    ]
    split = imdb._from_text(folder_of(tmp_path, rows), INDEX, "train")
    assert [list(ids) for ids in split.ids] == [[1, 4], [1, 10], [1, 22], [1, 5], [1, 4]]
    assert split.labels.tolist() == [1, 1, 1, 0, 0]


def test_the_last_fifth_of_the_shuffled_reviews_validates(tmp_path: Path) -> None:
    rows = [(n % 2, 1 + 9 * (n % 2), n, "film " * (n + 1)) for n in range(40)]
    folder = folder_of(tmp_path, rows)
    task = find("imdb-rnn").prepare(folder, None, 0, quiet)
    rng = np.random.RandomState(113)
    order = np.arange(40)
    rng.shuffle(order)
    names = sorted(rows, key=lambda row: (1 - row[0], f"{row[2]}_{row[1]}.txt"))
    lengths = [names[n][2] + 2 for n in order]
    train = task.draw(1, rng)
    assert [len(ids) for ids in train.ids] == lengths[:32]
    assert [len(ids) for ids in task.valid.ids] == lengths[32:]
    assert task.trained_on == "IMDB, 40 of 25,000 reviews"
    assert len(find("imdb-rnn").prepare(folder, 10, 0, quiet).valid) == 2


def test_every_batch_has_500_steps(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, [(n % 2, 5, n, "film") for n in range(10)])
    task = find("imdb-lstm").prepare(folder, None, 0, quiet)
    (ids, _, _), *_ = task.valid.batches(128)
    assert ids.shape == (500, 2)
    assert ids[-2:].T.tolist() == [[1, 22], [1, 22]]
    assert not ids[:-2].any()


def test_the_numbers_of_keras_do_where_there_is_no_text(tmp_path: Path) -> None:
    """imdb.npz has ranks; they become the same ids as the text they were made from."""
    folder = folder_of(tmp_path, [])
    for split in ("train", "test"):
        (folder / f"imdb/{split}.csv.gz").unlink()
    ranks = np.empty(10, object)
    for n in range(10):
        ranks[n] = [1, 19, 9_997, n + 1]
    arrays = {f"x_{s}": ranks for s in ("train", "test")}
    arrays |= {f"y_{s}": np.arange(10) % 2 for s in ("train", "test")}
    np.savez(folder / "imdb/imdb.npz", **arrays)
    task = find("imdb-rnn").prepare(folder, None, 0, quiet)
    order = np.arange(10)
    np.random.RandomState(113).shuffle(order)
    expected = [[1, 4, 22, 2, int(n) + 4] for n in order]
    assert [list(ids) for ids in (*task.draw(1, np.random.default_rng()).ids, *task.valid.ids)] == (
        expected
    )
    assert task.preparation["read from"] == "imdb.npz"
    assert "imdb/imdb.npz" in task.files


def test_what_is_missing_or_damaged_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"imdb.*\n.*fetch"):
        find("imdb-rnn").prepare(tmp_path, None, 0, quiet)
    folder = folder_of(tmp_path, [(0, 1, 0, "and")])
    (folder / "imdb/test.csv.gz").write_bytes(b"no gzip")
    with pytest.raises(InvalidFileError, match=r"test\.csv\.gz"):
        find("imdb-rnn").prepare(folder, None, 0, quiet)
    with gzip.open(folder / "imdb/imdb_word_index.json.gz", "wt") as file:
        file.write('{"the": 1, "an')
    with pytest.raises(InvalidFileError, match=r"imdb_word_index(.|\n)*fetch imdb-words"):
        find("imdb-rnn").prepare(folder, None, 0, quiet)


def test_without_a_word_index_the_words_of_the_package_are_taken_and_named(tmp_path: Path) -> None:
    rows = [(n % 2, 1 + 9 * (n % 2), n, "the film") for n in range(10)]
    folder, said = folder_of(tmp_path, rows), []
    (folder / "imdb/imdb_word_index.json.gz").unlink()
    task = find("imdb-rnn").prepare(folder, None, 0, said.append)
    assert any("imdb_word_index.json" in text and "package" in text for text in said)
    assert list(task.files)[-1] == "sample: imdb/imdb_word_index.json.gz"
    assert task.preparation["word index"] == "sample: imdb/imdb_word_index.json.gz"
    assert list(task.draw(1, np.random.default_rng()).ids[0]) == [1, 4, 22]


@pytest.mark.parametrize(
    ("labels", "limit", "error", "said"),
    [
        ([1], None, InvalidFileError, "0 negative, 1 positive"),
        ([1] * 30, None, InvalidFileError, "0 negative, 30 positive"),
        ([0, 1], None, InvalidFileError, "2 rows are too few: .* to train on, 1 to validate"),
        ([0, 1] * 20, 1, UsageError, "--limit 1 leaves too few rows"),
    ],
)
def test_reviews_that_cannot_be_learnt_from_are_told_with_their_counts(
    tmp_path: Path, labels: list[int], limit: int | None, error: type[Exception], said: str
) -> None:
    folder = folder_of(tmp_path, [(y, 1 + 9 * y, n, "film") for n, y in enumerate(labels)])
    with pytest.raises(error, match=said):
        find("imdb-rnn").prepare(folder, limit, 0, quiet)


@FULL
def test_the_whole_data_set_is_that_of_keras() -> None:
    """Known of imdb.load_data(): its first reviews, first labels and mean lengths."""
    folder = Path(os.environ["RNNVIZ_DATA"])
    task = find("imdb-rnn").prepare(folder, None, 0, quiet)
    train = task.draw(1, np.random.default_rng(0))
    assert (len(train), len(task.valid), len(task.test or ())) == (20_000, 5_000, 25_000)
    first = "1 14 22 16 43 530 973 1622 1385 65 458 4468 66 3941 4 173 36 256 5 25 100 43 838 112"
    assert list(train.ids[0])[:24] == [int(n) for n in first.split()]
    assert len(train.ids[0]) == 218
    second = task.encoder.decode(train.ids[1][:9])
    assert second == "[START] big hair big boobs bad music and a".split()
    labels = "10010010101000001101"
    assert "".join(str(int(y)) for y in train.y[:20]) == labels
    assert task.trained_on == "IMDB"
    # Words without a rank are left out of the test reviews; with them the mean would be 233.35.
    index = imdb.read_word_index(folder)
    reviews = imdb.read_imdb(folder, "test", raw=True)
    lengths = [1 + sum(w in index for w in imdb.keras_words(r.text)) for r in reviews]
    assert np.mean(lengths) == pytest.approx(230.80, abs=0.01)
