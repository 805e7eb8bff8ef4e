"""The AG News recipes: what is read, what the vocabulary is made of, how much is padded."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from rnnviz.data.batches import Texts
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.errors import InvalidFileError, MissingError
from rnnviz.recipes import Prepare, Task, find

NAMES = ("agnews-rnn", "agnews-rnn-masked", "agnews-lstm", "agnews-bilstm")


def quiet(text: str) -> None:
    """Says nothing."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,010 items to train on: the words of the last ten titles are in no other text."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "ag_news").mkdir()
    rows = [[1 + n % 4, f"Title {'late' if n >= 2_000 else 'early'}", f"Said it, {n}"]
            for n in range(2_010)]  # fmt: skip
    for name, items in (("train_subset", rows), ("test", [*rows[:30], [2, "!", ""]])):
        with (folder / f"ag_news/{name}.csv").open("w", newline="") as file:
            csv.writer(file, quoting=csv.QUOTE_ALL).writerows(items)
    subset = folder / "ag_news/train_subset.csv"
    import gzip

    (folder / "ag_news/train_subset.csv.gz").write_bytes(gzip.compress(subset.read_bytes()))
    subset.unlink()
    return folder


def prepared(folder: Path, name: str, variant: str | None = None) -> Task:
    recipe = find(name)
    prepare: Prepare = recipe.variants[variant] if variant else recipe.prepare
    return prepare(folder, None, 0, quiet)


def training(task: Task) -> Texts:
    found = task.draw(1, np.random.default_rng(0))
    assert isinstance(found, Texts)
    return found


def words(task: Task) -> tuple[str, ...]:
    assert isinstance(task.encoder, Vocabulary)
    return task.encoder.words


@pytest.mark.parametrize("name", NAMES)
def test_the_vocabulary_is_that_of_the_first_2000_titles(name: str, folder: Path) -> None:
    task = prepared(folder, name)
    assert words(task) == ("", "[UNK]", "title", "early")
    assert task.preparation["vocabulary"] == "first 2,000 titles"


@pytest.mark.parametrize("name", NAMES)
def test_all_words_adapts_the_vocabulary_to_what_the_net_reads(name: str, folder: Path) -> None:
    task = prepared(folder, name, "all-words")
    assert {"late", "early"} <= set(words(task))
    assert ("said" in words(task)) == (name != "agnews-rnn")
    assert task.preparation["vocabulary"] == "all training texts"
    assert task.preparation["unknown words"] == 0


def test_a_title_alone_or_title_and_description_are_read(folder: Path) -> None:
    title, both = (training(prepared(folder, name)) for name in NAMES[:2])
    assert list(title.ids[0]) == [2, 3]
    assert list(both.ids[0]) == [2, 3, 1, 1, 1]
    assert title.y[:5].tolist() == [0, 1, 2, 3, 0]


def test_the_test_rows_validate_in_batches_padded_as_in_training(folder: Path) -> None:
    for name, size in zip(NAMES, (16, 16, 8, 16), strict=True):
        task = prepared(folder, name)
        assert task.valid is task.test
        assert find(name).fit.batch_size == size
        assert max(len(y) for _, y, _ in task.valid.batches(256)) == size


def test_an_item_without_a_word_is_one_step_of_padding(folder: Path) -> None:
    (ids, *_), *_ = prepared(folder, "agnews-rnn").valid.batches(1), None
    *_, last = prepared(folder, "agnews-rnn").valid.batches(1)
    assert last[0].tolist() == [[0]]
    assert ids[0].T.tolist() == [[2, 3]]


def test_only_the_variant_puts_like_lengths_together(folder: Path) -> None:
    assert not training(prepared(folder, "agnews-bilstm")).bucketed
    assert training(prepared(folder, "agnews-bilstm", "buckets")).bucketed
    assert training(prepared(folder, "agnews-bilstm", "all-words-buckets")).bucketed


def test_a_part_of_the_training_rows_is_called_one(folder: Path) -> None:
    task = prepared(folder, "agnews-rnn")
    assert task.trained_on == "AG News, 2,010 of 120,000 items"
    assert set(task.files) == {"ag_news/train_subset.csv.gz", "ag_news/test.csv"}
    assert find("agnews-rnn").prepare(folder, 20, 0, quiet).preparation["training"] == 20


def test_what_is_missing_or_damaged_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="fetch agnews"):
        prepared(tmp_path, "agnews-rnn")
    (tmp_path / "ag_news").mkdir()
    (tmp_path / "ag_news/train.csv").write_text('"5","a","b"\n')
    (tmp_path / "ag_news/test.csv").write_text('"1","a","b"\n')
    with pytest.raises(InvalidFileError, match="line 1"):
        prepared(tmp_path, "agnews-rnn")
