"""SST-2: phrases of the Stanford Sentiment Treebank in two classes, as GLUE distributes them.

``folder`` is the data folder, which contains ``sst2/``. A missing file raises FileNotFoundError,
a damaged one ValueError with its path and line.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from rnnviz.data.file_search import TableSchema, find_table, missing_error, split_of
from rnnviz.data.imdb import headerless_text_and_label
from rnnviz.data.labels import SENTIMENT_SCHEMES, class_numbers
from rnnviz.data.tables import TableColumn, TableSource, read_rows, require_text, zip_tables
from rnnviz.messages import _

SST2_SPLITS: Final = ("train", "validation")
#: GLUE's archive.
SST2_ARCHIVE: Final = "SST-2.zip"

SCHEMA: Final = TableSchema(
    "sst2",
    (
        TableColumn("sentence", ("sentence", "phrase", "text", "review")),
        TableColumn("label", ("label", "sentiment", "class", "target")),
    ),
    headerless_text_and_label,
    {"train": ("train", "training"), "validation": ("validation", "dev", "valid", "val")},
    lambda names: "sentence" in names or "phrase" in names,
)

# A clitic that the treebank separates; not "n't", which the tokenizer separates as well.
_SPLIT_CLITIC: Final = re.compile(r" '(s|re|ve|ll|d|m)(?= |$)")
_BRACKET: Final = re.compile(r"-[lr][rsc]b-")


def sst2_file(folder: Path, split: str) -> Path:
    """The file that a split is read from.

    Raises FileNotFoundError if there is none, and ValueError for an unknown split or if the files
    in the folder have another layout.
    """
    return _source(folder, split).path


def _source(folder: Path, split: str) -> TableSource:
    if split not in SST2_SPLITS:
        raise ValueError(
            _("no split {split!r}: there are {names}").format(
                split=split, names=_(" and ").join(map(repr, SST2_SPLITS))
            )
        )
    source = find_table(folder, SCHEMA, split)
    if source is None:
        name = "dev" if split == "validation" else split
        raise missing_error(folder, f"sst2/{split}.tsv.gz", SST2_ARCHIVE, f"SST-2/{name}.tsv")
    return source


def read_sst2(folder: Path, split: str) -> list[tuple[str, int]]:
    """Read the phrases of a split ("train" or "validation") with labels, 1 for positive.

    The text is unchanged: lower case, treebank tokens separated by spaces. Raises ValueError with
    the file and line of an invalid row.
    """
    return _phrases(_source(folder, split))


def sst2_rows(path: Path, split: str) -> list[tuple[str, int]]:
    """Read the phrases of a split from GLUE's archive; ValueError if it does not contain them."""
    tables = (TableSource(path, member) for member in zip_tables(path))
    source = next((table for table in tables if split_of(SCHEMA, table) == split), None)
    if source is None:
        raise ValueError(
            _("{path}: there is no table of the {split} split inside").format(
                path=path, split=split
            )
        )
    return _phrases(source)


def _phrases(source: TableSource) -> list[tuple[str, int]]:
    rows = list(read_rows(source, SCHEMA.columns, SCHEMA.headerless))
    labels = class_numbers(
        [(line, row[1]) for line, row in rows], SENTIMENT_SCHEMES, source, "label"
    )
    return [
        (require_text(text, "sentence", source, line).strip(), label)
        for label, (line, (text, _)) in zip(labels, rows, strict=True)
    ]


def detokenize(sentence: str) -> str:
    """Undo the treebank's tokenization, so that a sentence reads as a person would type it.

    The treebank writes "it 's" and "-lrb-"; people type "it's", of which the tokenizer makes one
    word, "its". A net trained on the tokens "it" "s" would not know it. "n't" stays separate,
    because the tokenizer separates it as the treebank does.
    """
    return _SPLIT_CLITIC.sub(r"'\1", _BRACKET.sub(" ", sentence)).strip()
