"""AG News: headlines and first sentences in four classes.

Antonio Gulli's corpus; the benchmark is that of Xiang Zhang, Junbo Zhao and Yann LeCun,
"Character-level Convolutional Networks for Text Classification", NIPS 2015. Files
``ag_news/train.csv`` (120,000 rows) and ``test.csv`` (7,600), or the same with ``.gz``; where the
full training file is missing, ``train_subset.csv.gz`` is taken, and ``agnews_file`` tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rnnviz.data.tables import first_file, rows, whole

SPLITS: Final = ("train", "test")
CLASSES: Final = ("World", "Sports", "Business", "Sci/Tech")
#: Rows of the official files.
ROWS: Final = {"train": 120_000, "test": 7_600}

_FILES: Final = {
    "train": ("train.csv", "train.csv.gz", "train_subset.csv.gz"),
    "test": ("test.csv", "test.csv.gz"),
}


@dataclass(frozen=True)
class News:
    """One item: label 0 to 3 (its place in CLASSES; the files count from 1), title, description."""

    label: int
    title: str
    description: str


def agnews_file(folder: Path, split: str) -> Path:
    """The file a split is read from; its name tells whether it is the whole training set.

    Raises FileNotFoundError if there is none, ValueError for an unknown split.
    """
    if split not in SPLITS:
        raise ValueError(f"no split {split!r}: there are {' and '.join(map(repr, SPLITS))}")
    return first_file(folder / "ag_news", *_FILES[split])


def read_agnews(folder: Path, split: str) -> list[News]:
    """Read the items of a split ("train" or "test"), the text as it is in the file."""
    return news_in(agnews_file(folder, split))


def news_in(path: Path) -> list[News]:
    """The items of one file; it has no header. Raises ValueError if it is empty."""
    items = [
        News(whole(label, (1, 4), "class", path, line) - 1, title, description)
        for line, (label, title, description) in rows(path, None, width=3)
    ]
    if not items:
        raise ValueError(f"{path}: no rows inside")
    return items
