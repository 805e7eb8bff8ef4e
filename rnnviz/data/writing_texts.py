"""The texts that nets which write learn from: first names, and plays by Shakespeare.

``folder`` is the data folder. A missing file raises FileNotFoundError, one that is no plain text
InvalidFileError, and one with other contents ValueError.
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
        _("{folder} has no file {name}.txt (also .gz)").format(folder=folder, name=name)
    )


def read_writing_text(folder: Path, data_set: str) -> str:
    """The whole text."""
    path = writing_file(folder, data_set)
    text = read_plain_text(path)
    if data_set == "names":
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip() and not line.strip().isalpha():
                raise ValueError(_("{path}, line {line}: no name").format(path=path, line=number))
    elif text.lstrip().startswith("<"):  # what a network sends instead of a file
        raise ValueError(_("{path} is a web page, not a text").format(path=path))
    return text
