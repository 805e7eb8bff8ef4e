"""The texts that nets which write learn from: first names, and plays by Shakespeare.

``folder`` is the data folder. A missing file raises FileNotFoundError, one that is no plain text
InvalidFileError.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from rnnviz.data.plain_text import read_plain_text
from rnnviz.messages import _

#: By data set, the name of its file without its ending.
WRITING_TEXTS: Final = {"names": "names", "shakespeare": "tiny_shakespeare"}
_ENDINGS: Final = (".txt", ".txt.gz", ".txt.xz")


def writing_file(folder: Path, data_set: str) -> Path:
    """The file of a data set, in the folder or in its folder ``text``."""
    name = WRITING_TEXTS[data_set]
    for place in (folder / "text", folder):
        for ending in _ENDINGS:
            if (path := place / f"{name}{ending}").is_file():
                return path
    raise FileNotFoundError(
        _("{folder} has no file text/{name}.txt (also .gz)").format(folder=folder, name=name)
    )


def read_writing_text(folder: Path, data_set: str) -> str:
    """The whole text."""
    return read_plain_text(writing_file(folder, data_set))
