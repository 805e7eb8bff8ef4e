"""The word index Keras ships for its IMDB numbers: every word with its rank by frequency."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from rnnviz.data.file_search import file_of, missing
from rnnviz.data.tables import DAMAGE, opened
from rnnviz.files import JSON_LIMIT

_NAME: Final = "imdb_word_index.json"


def word_index_file(folder: Path) -> Path:
    """The file of the word index; FileNotFoundError if it is not there."""
    found = file_of(folder, "imdb", f"{_NAME}.gz", _NAME)
    if found is None:
        raise missing(folder, f"imdb/{_NAME}.gz", _NAME)
    return found


def read_word_index(folder: Path) -> dict[str, int]:
    """Each word with its rank, 1 for the most frequent.

    Ranks are those of the file: Keras's ids are three higher, because 0 to 2 are the padding, the
    start and the unknown word. Raises ValueError unless it is a table of distinct ranks.
    """
    path = word_index_file(folder)
    return word_index_in(path)


def word_index_in(path: Path) -> dict[str, int]:
    """The word index in one file."""
    try:
        with opened(path, limit=JSON_LIMIT) as file:
            found = json.loads(file.read())
    except (*DAMAGE, ValueError, RecursionError) as error:
        raise ValueError(f"{path}: {error}") from error
    if not isinstance(found, dict) or not found:
        raise ValueError(f"{path}: a table of words and ranks is needed")
    for word, rank in found.items():
        if type(rank) is not int or rank < 1:
            raise ValueError(f"{path}: {word!r} must have a rank from 1 on, not {rank!r}")
    if len(set(found.values())) != len(found):
        raise ValueError(f"{path}: two words have the same rank")
    return found
