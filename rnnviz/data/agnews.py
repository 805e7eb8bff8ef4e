"""AG News: headlines and first sentences in four classes.

Antonio Gulli's corpus; the benchmark is that of Xiang Zhang, Junbo Zhao and Yann LeCun,
"Character-level Convolutional Networks for Text Classification", NIPS 2015. Files
``ag_news/train.csv`` (120,000 rows) and ``test.csv`` (7,600) of class, title and description, with
or without a header; where the full training file is missing, ``train_subset.csv.gz`` is taken, and
``agnews_file`` tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rnnviz.data.labels import Scheme, classes, is_label
from rnnviz.data.file_search import Kind, missing, source_of, split_of
from rnnviz.data.tables import TableColumn, TableSource, filled, rows

SPLITS: Final = ("train", "test")
CLASSES: Final = ("World", "Sports", "Business", "Sci/Tech")
#: Rows of the official files.
ROWS: Final = {"train": 120_000, "test": 7_600}

_SCHEMES: Final[tuple[Scheme, ...]] = (
    {"1": 0, "2": 1, "3": 2, "4": 3},
    {"0": 0, "1": 1, "2": 2, "3": 3},
    {"world": 0, "sports": 1, "business": 2, "sci/tech": 3, "sport": 1, "sci-tech": 3,
     "science/technology": 3, "science": 3, "technology": 3, "tech": 3},
)  # fmt: skip


def _unheaded(first: list[str]) -> tuple[int, ...] | None:
    return (0, 1, 2) if len(first) == 3 and is_label(first[0], _SCHEMES) else None


KIND: Final = Kind(
    "agnews",
    (
        TableColumn("class", ("class", "class index", "label", "class name", "category", "topic")),
        TableColumn("title", ("title", "headline")),
        TableColumn("description", ("description", "text", "content", "body")),
    ),
    _unheaded,
    {"train": ("train", "training"), "test": ("test", "testing")},
    lambda names: True,  # no other data set here has three columns like these
)


@dataclass(frozen=True)
class News:
    """One item: label 0 to 3 (its place in CLASSES; the files count from 1), title, description."""

    label: int
    title: str
    description: str


def agnews_file(folder: Path, split: str) -> Path:
    """The file a split is read from; its name tells whether it is the whole training set.

    Raises FileNotFoundError if there is none, ValueError for an unknown split, or if what is
    there has another form.
    """
    return _source(folder, split).path


def _source(folder: Path, split: str) -> TableSource:
    if split not in SPLITS:
        raise ValueError(f"no split {split!r}: there are {' and '.join(map(repr, SPLITS))}")
    found = source_of(folder, KIND, split)
    if found is None:
        others = ["train_subset.csv.gz"] if split == "train" else []
        raise missing(
            folder, f"ag_news/{split}.csv", f"{split}.csv.gz", *others, f"ag_news_csv/{split}.csv"
        )
    return found


def read_agnews(folder: Path, split: str) -> list[News]:
    """Read the items of a split ("train" or "test"), the text as it is in the file.

    ValueError names the file and the line of a row that cannot be one.
    """
    return _items(_source(folder, split), folder)


def _items(source: TableSource, folder: Path) -> list[News]:
    found = list(rows(source, KIND.columns, KIND.unheaded))
    labels = classes(
        [(line, row[0]) for line, row in found], _SCHEMES, source, "class",
        more=lambda: _labels(folder, source),
    )  # fmt: skip
    return [
        News(label, filled(title, "title", source, line), text)
        for label, (line, (_, title, text)) in zip(labels, found, strict=True)
    ]


def _labels(folder: Path, source: TableSource) -> set[str]:
    """The labels of the other split, which may show from where both count."""
    other = next(split for split in SPLITS if split != split_of(KIND, source))
    try:
        return {row[0] for _, row in rows(_source(folder, other), KIND.columns, KIND.unheaded)}
    except (FileNotFoundError, ValueError):
        return set()
