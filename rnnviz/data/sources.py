"""The Stanford Sentiment Treebank, and the names other modules read data by.

``folder`` is everywhere the data folder, the one that holds ``sst2/`` and ``imdb/``. A file that
is missing raises FileNotFoundError; a damaged one raises ValueError with its path and line.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from rnnviz.data.folders import sha256 as sha256
from rnnviz.data.imdb import Review as Review
from rnnviz.data.imdb import read_imdb as read_imdb
from rnnviz.data.imdb import unheaded_pair
from rnnviz.data.labels import OPINIONS, classes
from rnnviz.data.file_search import Kind, missing, source_of, split_of
from rnnviz.data.tables import TableColumn, TableSource, filled, members, rows

SST2_SPLITS: Final = ("train", "validation")
#: GLUE's archive.
SST2_ARCHIVE: Final = "SST-2.zip"

KIND: Final = Kind(
    "sst2",
    (
        TableColumn("sentence", ("sentence", "phrase", "text", "review")),
        TableColumn("label", ("label", "sentiment", "class", "target")),
    ),
    unheaded_pair,
    {"train": ("train", "training"), "validation": ("validation", "dev", "valid", "val")},
    lambda names: "sentence" in names or "phrase" in names,
)

# A clitic the treebank split off; "n't" is not among them, the vectoriser wants it apart.
_SPLIT_CLITIC: Final = re.compile(r" '(s|re|ve|ll|d|m)(?= |$)")
_BRACKET: Final = re.compile(r"-[lr][rsc]b-")


def sst2_file(folder: Path, split: str) -> Path:
    """The file a split is read from. FileNotFoundError if there is none.

    ValueError for an unknown split, or if what is there has another form.
    """
    return _source(folder, split).path


def _source(folder: Path, split: str) -> TableSource:
    if split not in SST2_SPLITS:
        raise ValueError(f"no split {split!r}: there are {' and '.join(map(repr, SST2_SPLITS))}")
    found = source_of(folder, KIND, split)
    if found is None:
        name = "dev" if split == "validation" else split
        raise missing(folder, f"sst2/{split}.tsv.gz", SST2_ARCHIVE, f"SST-2/{name}.tsv")
    return found


def read_sst2(folder: Path, split: str) -> list[tuple[str, int]]:
    """Read the phrases of a split ("train" or "validation") with labels, 1 for positive.

    The text is as in the file: lower case, treebank tokens with a space between. ValueError names
    the file and the line of a row that cannot be one.
    """
    return _phrases(_source(folder, split))


def sst2_rows(path: Path, split: str) -> list[tuple[str, int]]:
    """The phrases of a split in GLUE's archive; ValueError if it is not inside."""
    found = (TableSource(path, member) for member in members(path))
    source = next((each for each in found if split_of(KIND, each) == split), None)
    if source is None:
        raise ValueError(f"{path}: there is no table of the {split} split inside")
    return _phrases(source)


def _phrases(source: TableSource) -> list[tuple[str, int]]:
    found = list(rows(source, KIND.columns, KIND.unheaded))
    labels = classes([(line, row[1]) for line, row in found], OPINIONS, source, "label")
    return [
        (filled(text, "sentence", source, line).strip(), label)
        for label, (line, (text, _)) in zip(labels, found, strict=True)
    ]


def as_typed(sentence: str) -> str:
    """Turn a treebank sentence into what a person would type, for the vectoriser to cut.

    The treebank writes "it 's" and "-lrb-"; people write "it's", and the vectoriser makes one
    word of that. Without this step a net would meet "its" on stage having learnt "it" "s".
    "n't" stays apart, since the vectoriser cuts it off as the treebank does.
    """
    return _SPLIT_CLITIC.sub(r"'\1", _BRACKET.sub(" ", sentence)).strip()
