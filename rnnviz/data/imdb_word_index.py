"""The word index that Keras ships for its IMDB data: the rank by frequency of every word."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from rnnviz.data.file_search import find_file, missing_error
from rnnviz.data.tables import DAMAGE_ERRORS, open_table
from rnnviz.files import JSON_LIMIT
from rnnviz.messages import _

_NAME: Final = "imdb_word_index.json"


def word_index_file(folder: Path) -> Path:
    """The file of the word index; FileNotFoundError if it does not exist."""
    path = find_file(folder, "imdb", f"{_NAME}.gz", _NAME)
    if path is None:
        raise missing_error(folder, f"imdb/{_NAME}.gz", _NAME)
    return path


def read_word_index(folder: Path) -> dict[str, int]:
    """Read the word index of a data folder: each word with its rank, 1 for the most frequent.

    Keras's ids are three higher, because 0 to 2 are the padding, the start and the unknown word.
    Raises ValueError unless the file maps words to distinct ranks.
    """
    return read_word_index_file(word_index_file(folder))


def read_word_index_file(path: Path) -> dict[str, int]:
    """Read the word index from a file; ValueError as of ``read_word_index``."""
    try:
        with open_table(path, limit=JSON_LIMIT) as file:
            ranks = json.loads(file.read())
    except (*DAMAGE_ERRORS, ValueError, RecursionError) as error:
        raise ValueError(f"{path}: {error}") from error
    if not isinstance(ranks, dict) or not ranks:
        raise ValueError(_("{path}: a table of words and ranks is needed").format(path=path))
    for word, rank in ranks.items():
        if type(rank) is not int or rank < 1:
            raise ValueError(
                _("{path}: {word!r} must have a rank from 1 on, not {rank!r}").format(
                    path=path, word=word, rank=rank
                )
            )
    if len(set(ranks.values())) != len(ranks):
        raise ValueError(_("{path}: two words have the same rank").format(path=path))
    return ranks
