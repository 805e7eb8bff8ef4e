"""Readers for the data sets on disk: SST-2 and the IMDB reviews.

``folder`` is everywhere the data folder, the one that holds ``sst2/`` and ``imdb/``. A file that
is missing raises FileNotFoundError; a damaged one raises ValueError with its path and line.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER_VARIABLE: Final = "RNNVIZ_DATA"

SST2_SPLITS: Final = ("train", "validation")
IMDB_SPLITS: Final = ("train", "test")

_SST2_HEADER: Final = ["sentence", "label"]
_IMDB_HEADER: Final = ["label", "rating", "id", "text"]

_LINE_BREAK: Final = re.compile(r"<br\s*/?>")

# A clitic the treebank split off; "n't" is not among them, the vectoriser wants it apart.
_SPLIT_CLITIC: Final = re.compile(r" '(s|re|ve|ll|d|m)(?= |$)")
_BRACKET: Final = re.compile(r"-[lr][rsc]b-")

_HASH_BLOCK: Final = 1 << 20


@dataclass(frozen=True)
class Review:
    """One IMDB review: label 1 for positive, rating in stars (1 to 10), id within its file."""

    label: int
    rating: int
    id: int
    text: str


def data_folder() -> Path:
    """Return the folder named by RNNVIZ_DATA. Raises FileNotFoundError if there is none."""
    named = os.environ.get(FOLDER_VARIABLE, "")
    if not named:
        raise FileNotFoundError(
            f"Set the environment variable {FOLDER_VARIABLE} to the folder "
            "that holds the data sets (sst2/ and imdb/)."
        )
    folder = Path(named)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{FOLDER_VARIABLE} names {named}, which is no folder: "
            "set it to the folder that holds the data sets (sst2/ and imdb/)."
        )
    return folder


def read_sst2(folder: Path, split: str) -> list[tuple[str, int]]:
    """Read the phrases of a split ("train" or "validation") with labels, 1 for positive.

    The text is as in the file: lower case, treebank tokens with a space between.
    """
    path = _split_path(folder / "sst2", split, SST2_SPLITS, ".tsv.gz")
    examples: list[tuple[str, int]] = []
    # The file is not quoted: a lone quotation mark in a phrase is a character like any other.
    for line, row in _rows(path, _SST2_HEADER, "\t", quoted=False):
        sentence, label = row
        examples.append((sentence.strip(), _whole(label, (0, 1), "label", path, line)))
    return examples


def read_imdb(folder: Path, split: str) -> list[Review]:
    """Read the reviews of a split ("train" or "test"); an HTML line break becomes a space."""
    path = _split_path(folder / "imdb", split, IMDB_SPLITS, ".csv.gz")
    reviews: list[Review] = []
    for line, row in _rows(path, _IMDB_HEADER, ",", quoted=True):
        label, rating, number, text = row
        reviews.append(
            Review(
                label=_whole(label, (0, 1), "label", path, line),
                rating=_whole(rating, (1, 10), "rating", path, line),
                id=_whole(number, (0, 10**9), "id", path, line),
                text=_LINE_BREAK.sub(" ", text),
            )
        )
    return reviews


def as_typed(sentence: str) -> str:
    """Turn a treebank sentence into what a person would type, for the vectoriser to cut.

    The treebank writes "it 's" and "-lrb-"; people write "it's", and the vectoriser makes one
    word of that. Without this step a net would meet "its" on stage having learnt "it" "s".
    "n't" stays apart, since the vectoriser cuts it off as the treebank does.
    """
    return _SPLIT_CLITIC.sub(r"'\1", _BRACKET.sub(" ", sentence)).strip()


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes in lower-case hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _split_path(folder: Path, split: str, splits: tuple[str, ...], ending: str) -> Path:
    """Return the file of a split. Raises ValueError for an unknown split."""
    if split not in splits:
        raise ValueError(f"no split {split!r}: there are {' and '.join(map(repr, splits))}")
    path = folder / (split + ending)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: is this the folder with the data sets?")
    return path


def _rows(
    path: Path, header: list[str], delimiter: str, *, quoted: bool
) -> Iterator[tuple[int, list[str]]]:
    """Yield (line, fields) of a gzipped table after its header.

    Raises ValueError naming the file, and the line where one is known, if the table is damaged.
    """
    # newline="" leaves line ends to the csv module; the reviews hold characters (U+0085) that
    # str.splitlines would take for one.
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        reader = csv.reader(
            file,
            delimiter=delimiter,
            quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
            strict=True,
        )
        try:
            first = next(reader, [])
            if first != header:
                raise ValueError(f"{path}, line 1: the header must be {header}, not {first}")
            for row in reader:
                if len(row) != len(header):
                    raise ValueError(
                        f"{path}, line {reader.line_num}: "
                        f"{len(header)} fields are needed, not {len(row)}"
                    )
                yield reader.line_num, row
        except (csv.Error, UnicodeDecodeError, EOFError, OSError, zlib.error) as error:
            raise ValueError(f"{path}, after line {reader.line_num}: {error}") from error


def _whole(field: str, limits: tuple[int, int], name: str, path: Path, line: int) -> int:
    """Read a whole number between two limits (both allowed), or raise ValueError."""
    low, high = limits
    # int() would also take "1_0", " 1" and digits of other scripts.
    if not (field.isascii() and field.isdigit() and low <= int(field) <= high):
        raise ValueError(
            f"{path}, line {line}: {name} must be a whole number from {low} to {high}, "
            f"not {field!r}"
        )
    return int(field)
