"""AG News: headlines and first sentences in four classes.

Antonio Gulli's corpus; the benchmark is that of Xiang Zhang, Junbo Zhao and Yann LeCun,
"Character-level Convolutional Networks for Text Classification", NIPS 2015. Files
``ag_news/train.csv`` (120,000 rows) and ``test.csv`` (7,600) of class, title and description, with
or without a header. Where the full training file is missing, ``train_subset.csv.gz`` is read; the
name of ``agnews_file`` shows which.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rnnviz.data.file_search import TableSchema, find_table, missing_error, split_of
from rnnviz.data.labels import LabelScheme, class_numbers, is_label
from rnnviz.data.tables import TableColumn, TableSource, read_rows, require_text
from rnnviz.messages import _

SPLITS: Final = ("train", "test")
CLASSES: Final = ("World", "Sports", "Business", "Sci/Tech")
#: Rows of the official files.
ROWS: Final = {"train": 120_000, "test": 7_600}

_SCHEMES: Final[tuple[LabelScheme, ...]] = (
    {"1": 0, "2": 1, "3": 2, "4": 3},
    {"0": 0, "1": 1, "2": 2, "3": 3},
    {"world": 0, "sports": 1, "business": 2, "sci/tech": 3, "sport": 1, "sci-tech": 3,
     "science/technology": 3, "science": 3, "technology": 3, "tech": 3},
)  # fmt: skip


def _headerless(first_row: list[str]) -> tuple[int, ...] | None:
    return (0, 1, 2) if len(first_row) == 3 and is_label(first_row[0], _SCHEMES) else None


SCHEMA: Final = TableSchema(
    "agnews",
    (
        TableColumn("class", ("class", "class index", "label", "class name", "category", "topic")),
        TableColumn("title", ("title", "headline")),
        TableColumn("description", ("description", "text", "content", "body")),
    ),
    _headerless,
    {"train": ("train", "training"), "test": ("test", "testing")},
    lambda names: True,  # no other data set here has three columns like these
)


@dataclass(frozen=True)
class News:
    """A news item; ``label`` is 0 to 3, the index in CLASSES (the files count from 1)."""

    label: int
    title: str
    description: str


def agnews_file(folder: Path, split: str) -> Path:
    """The file that a split is read from.

    Raises FileNotFoundError if there is none, and ValueError for an unknown split or if the files
    in the folder have another layout.
    """
    return _source(folder, split).path


def _source(folder: Path, split: str) -> TableSource:
    if split not in SPLITS:
        raise ValueError(
            _("no split {split!r}: there are {names}").format(
                split=split, names=_(" and ").join(map(repr, SPLITS))
            )
        )
    source = find_table(folder, SCHEMA, split)
    if source is None:
        others = ["train_subset.csv.gz"] if split == "train" else []
        raise missing_error(
            folder, f"ag_news/{split}.csv", f"{split}.csv.gz", *others, f"ag_news_csv/{split}.csv"
        )
    return source


def read_agnews(folder: Path, split: str) -> list[News]:
    """Read the items of a split ("train" or "test"); texts are unchanged.

    Raises ValueError with the file and line of an invalid row.
    """
    source = _source(folder, split)
    rows = list(read_rows(source, SCHEMA.columns, SCHEMA.headerless))
    labels = class_numbers(
        [(line, row[0]) for line, row in rows], _SCHEMES, source, "class",
        other_labels=lambda: _labels_of_other_split(folder, source),
    )  # fmt: skip
    return [
        News(label, require_text(title, "title", source, line), text)
        for label, (line, (_, title, text)) in zip(labels, rows, strict=True)
    ]


def _labels_of_other_split(folder: Path, source: TableSource) -> set[str]:
    """The labels in the other split's file, which may show whether labels count from 0 or 1."""
    other = next(split for split in SPLITS if split != split_of(SCHEMA, source))
    try:
        rows = read_rows(_source(folder, other), SCHEMA.columns, SCHEMA.headerless)
        return {row[0] for _, row in rows}
    except (FileNotFoundError, ValueError):
        return set()
