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
from rnnviz.data.tables import first_file, rows, whole

SST2_SPLITS: Final = ("train", "validation")
#: GLUE's archive, and the names of the splits inside.
SST2_ARCHIVE: Final = "SST-2.zip"
_MEMBERS: Final = {"train": "SST-2/train.tsv", "validation": "SST-2/dev.tsv"}
_HEADER: Final = ["sentence", "label"]

# A clitic the treebank split off; "n't" is not among them, the vectoriser wants it apart.
_SPLIT_CLITIC: Final = re.compile(r" '(s|re|ve|ll|d|m)(?= |$)")
_BRACKET: Final = re.compile(r"-[lr][rsc]b-")


def sst2_file(folder: Path, split: str) -> Path:
    """The file a split is read from. FileNotFoundError, or ValueError for an unknown split."""
    if split not in SST2_SPLITS:
        raise ValueError(f"no split {split!r}: there are {' and '.join(map(repr, SST2_SPLITS))}")
    return first_file(folder / "sst2", f"{split}.tsv.gz", SST2_ARCHIVE)


def read_sst2(folder: Path, split: str) -> list[tuple[str, int]]:
    """Read the phrases of a split ("train" or "validation") with labels, 1 for positive.

    The text is as in the file: lower case, treebank tokens with a space between.
    """
    return sst2_rows(sst2_file(folder, split), split)


def sst2_rows(path: Path, split: str) -> list[tuple[str, int]]:
    """The phrases of a split in one file, a gzipped table or GLUE's archive."""
    examples: list[tuple[str, int]] = []
    # The file is not quoted: a lone quotation mark in a phrase is a character like any other.
    for line, row in rows(path, _HEADER, "\t", quoted=False, member=_MEMBERS[split]):
        sentence, label = row
        examples.append((sentence.strip(), whole(label, (0, 1), "label", path, line)))
    return examples


def as_typed(sentence: str) -> str:
    """Turn a treebank sentence into what a person would type, for the vectoriser to cut.

    The treebank writes "it 's" and "-lrb-"; people write "it's", and the vectoriser makes one
    word of that. Without this step a net would meet "its" on stage having learnt "it" "s".
    "n't" stays apart, since the vectoriser cuts it off as the treebank does.
    """
    return _SPLIT_CLITIC.sub(r"'\1", _BRACKET.sub(" ", sentence)).strip()
