"""Vocabularies of other programs: the forms they are written in, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rnnviz.data.vocabulary import Encoding, Vocabulary
from rnnviz.data.vocabulary_files import ForeignVocabulary, read_vocabulary, vocabulary_of
from rnnviz.errors import InvalidFileError, RnnvizError, UsageError


def vocabulary(tmp_path: Path, content: Any, **more: Any) -> ForeignVocabulary:
    """A vocabulary that is written to a file, as text or as JSON, and read again."""
    path = tmp_path / ("words.txt" if isinstance(content, str) else "words.json")
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_vocabulary(path, **more)


def test_a_word_a_line_in_the_order_of_torchtext(tmp_path: Path) -> None:
    """<unk> is the unknown word and <pad> no word, wherever they stand."""
    found = vocabulary(tmp_path, "<unk>\n<pad>\nthe\ngood\n").vocabulary
    assert found.read("the GOOD film") == (["the", "good", "film"], [2, 3, 0])
    assert not found.known("<pad>")
    assert found.encoding.tokenizer == "keras"


def test_columns_of_counts_and_of_ids(tmp_path: Path) -> None:
    """word2vec writes counts behind the words; ids there are ids."""
    counts = vocabulary(tmp_path, "the 1061396\nof 593677\nand 416629\n")
    assert counts.vocabulary.words == ("the", "of", "and")
    assert any("counts" in note for note in counts.notes)
    ids = vocabulary(tmp_path, "good\t2\nthe\t1\n")
    assert ids.vocabulary.words == ("#0", "the", "good")
    assert ids.vocabulary.read("the #0 good")[1] == [1, 2]


@pytest.mark.parametrize(
    "content",
    [["", "[UNK]", "not", "good"], {"not": 2, "good": 3, "[UNK]": 1, "": 0},
     {"0": "", "1": "[UNK]", "2": "not", "3": "good"}],
)  # fmt: skip
def test_json_of_words_and_ids_both_ways(tmp_path: Path, content: Any) -> None:
    """A list, an object of words and one of ids are the same vocabulary."""
    found = vocabulary(tmp_path, content)
    assert found.vocabulary.words == ("", "[UNK]", "not", "good")
    assert found.vocabulary.encoding.tokenizer == "vectorization"
    assert found.vocabulary.read("not so good!")[1] == [2, 1, 3]
    assert "TextVectorization" in found.reason


@pytest.mark.parametrize("twice", [False, True])
def test_a_keras_tokenizer(tmp_path: Path, twice: bool) -> None:
    """Its word_index is JSON in a text, and often the whole is JSON in a text once more.

    Expected as ``texts_to_sequences`` does: words from ``num_words`` on are the OOV token's id.
    """
    index = {"<OOV>": 1, "the": 2, "film": 3, "good": 4}
    config = {
        "num_words": 4, "oov_token": "<OOV>", "char_level": False, "lower": True, "split": " ",
        "filters": '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n', "word_index": json.dumps(index),
    }  # fmt: skip
    document: Any = {"class_name": "Tokenizer", "config": config}
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(json.dumps(document) if twice else document))
    found = read_vocabulary(path)
    assert found.vocabulary.read("The film: good?")[1] == [2, 3, 1]
    assert found.reason == ""  # the file says the tokenizer
    assert any("1 of 4 words" in note for note in found.notes)


def test_a_tokenizer_of_characters_without_an_unknown_one(tmp_path: Path) -> None:
    """Characters that it does not have are left out, as Keras's Tokenizer does."""
    config = {"char_level": True, "word_index": json.dumps({"a": 1, " ": 2, "b": 3})}
    found = vocabulary(tmp_path, {"class_name": "Tokenizer", "config": config}).vocabulary
    assert found.read("Ab éa") == (["a", "b", " ", "a"], [1, 3, 2, 1])


def test_keras_imdb_with_its_offset_of_three(tmp_path: Path) -> None:
    """The ids of ``imdb.load_data``: 1 starts a review, 2 is unknown, words begin at 4."""
    found = vocabulary(tmp_path, {"the": 1, "and": 2, "a": 3}, offset=3)
    assert found.vocabulary.read("the best, and")[1] == [1, 4, 2, 5]
    assert found.vocabulary.encoding.tokenizer == "keras"
    assert vocabulary(tmp_path, {"the": 1}, offset=1).vocabulary.words == ("#0", "#1", "the")


def test_words_that_the_net_has_no_row_for_are_unknown(tmp_path: Path) -> None:
    """The embedding's rows bound the ids."""
    found = vocabulary(tmp_path, "<unk>\nthe\nfilm\n", size=2)
    assert found.vocabulary.read("the film")[1] == [1, 0]
    with pytest.raises(UsageError, match="all of its ids"):
        vocabulary(tmp_path, {"a": 7, "b": 8}, size=2)


def test_special_names_are_words_where_they_are_words(tmp_path: Path) -> None:
    """A bracketed word that names nothing special can be typed."""
    found = vocabulary(tmp_path, "<unk>\n[NUMBER]\nit\nStart\n").vocabulary
    assert found.encoding.tokenizer == "spaces"
    assert found.read("it [NUMBER] Start [UNK]")[1] == [2, 1, 3, 0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a\nb\na\n", "line 3 repeats 'a', which is in line 1"),
        ("a\n\nb\n", "line 2 is empty"),
        ("", "there is no word"),
        (["a", "b", "a"], "entry 2 repeats 'a', entry 0"),
        (["a", 3], "entry 1 is 3, not a word"),
        ({"a": 1, "b": 1}, "both have the id 1"),
        ({"a": 1, "b": "x"}, "'b' has 'x'"),
        ({"0": "a", "1": "a"}, "a word has two ids"),
        ({"words": {"a": 0, "b": 1}, "tags": {"x": 0, "y": 1}}, "it holds 'words', 'tags'"),
        ({"a": -1}, "ids must be from 0"),
        ({"a": 10**9}, "ids must be from 0"),
        (3, "expected a list or an object"),
    ],
)
def test_what_is_refused(tmp_path: Path, content: Any, message: str) -> None:
    """With the line or the entry."""
    with pytest.raises(InvalidFileError, match=message):
        vocabulary(tmp_path, content)


def test_files_that_are_not_there_or_no_json(tmp_path: Path) -> None:
    """Each says which file."""
    with pytest.raises(UsageError, match="There is no file"):
        read_vocabulary(tmp_path / "none.txt")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(InvalidFileError, match="not JSON"):
        read_vocabulary(tmp_path / "bad.json")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9\n")
    with pytest.raises(RnnvizError, match="latin"):
        read_vocabulary(tmp_path / "latin.txt")


def test_an_encoding_with_special_entries_is_stored() -> None:
    """JSON and back; encodings without them are written as before."""
    found = vocabulary_of(["<pad>", "a", "[b]", "<unk>"], "spaces", length=5)
    again = Vocabulary.from_json(found.to_json(), json.loads(json.dumps(found.encoding.to_json())))
    assert again == found
    assert again.read("a [b] c")[1] == [1, 2, 3]
    assert "special" not in Encoding().to_json()
    with pytest.raises(ValueError, match="no entry"):
        Vocabulary(("a",), Encoding(unknown=3, special=()))
    with pytest.raises(ValueError, match="encoding"):
        Encoding.from_json({"unknown": None})
    with pytest.raises(ValueError, match="list of ids"):
        Encoding.from_json({"special": "x"})


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    """Named as what it is, without the words of a decoder."""
    path = tmp_path / "v.txt"
    path.write_bytes(b"\x89PNG\r\n")
    with pytest.raises(InvalidFileError, match="not a usable vocabulary: it is not text in UTF-8"):
        read_vocabulary(path)
