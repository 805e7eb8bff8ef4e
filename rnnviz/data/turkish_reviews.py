"""Turkish film reviews and sentences of them, negative or positive.

The folder has two tables for each split: ``film_reviews_and_sentences`` is the larger one, and
``film_reviews`` a part of it, from one of its two sources. The larger one is read if it is there.
``folder`` is the data folder. A missing file raises FileNotFoundError, a damaged one ValueError
with its path and line.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from rnnviz.data.file_search import TableSchema, find_file, find_table, missing_error
from rnnviz.data.imdb import headerless_text_and_label
from rnnviz.data.labels import SENTIMENT_SCHEMES, class_numbers
from rnnviz.data.tables import TableColumn, TableSource, read_rows, require_text

TURKISH_SPLITS: Final = ("train", "validation")
#: The name of the larger tables.
LARGER: Final = "film_reviews_and_sentences"

SCHEMA: Final = TableSchema(
    "turkish",
    (
        TableColumn("sentence", ("sentence", "text", "review")),
        TableColumn("label", ("label", "sentiment", "class", "target")),
    ),
    headerless_text_and_label,
    {"train": ("train", "training"), "validation": ("validation", "dev", "valid", "val")},
    lambda names: False,  # its columns are those of other data sets
)


def turkish_file(folder: Path, split: str) -> Path:
    """The file that a split is read from; FileNotFoundError if there is none."""
    return _source(folder, split).path


def _source(folder: Path, split: str) -> TableSource:
    if split not in TURKISH_SPLITS:
        raise ValueError(f"no split {split!r}: there are {' and '.join(map(repr, TURKISH_SPLITS))}")
    name = f"{LARGER}.{split}.tsv"
    larger = find_file(folder, "turkish", f"{name}.gz", name)
    source = TableSource(larger) if larger else find_table(folder, SCHEMA, split)
    if source is None:
        raise missing_error(folder, f"turkish_reviews/{name}.gz", f"film_reviews.{split}.tsv.gz")
    return source


def read_turkish(folder: Path, split: str) -> list[tuple[str, int]]:
    """Read the texts of a split ("train" or "validation") with labels, 1 for positive.

    Raises ValueError with the file and line of an invalid row.
    """
    source = _source(folder, split)
    rows = list(read_rows(source, SCHEMA.columns, SCHEMA.headerless))
    labels = class_numbers(
        [(line, row[1]) for line, row in rows], SENTIMENT_SCHEMES, source, "label"
    )
    return [
        (require_text(text, "sentence", source, line).strip(), label)
        for label, (line, (text, _)) in zip(labels, rows, strict=True)
    ]
