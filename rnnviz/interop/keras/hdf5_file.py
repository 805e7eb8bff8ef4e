"""Reader for HDF5 files; the process that reads one starts before anything large is imported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from rnnviz.files import open_regular
from rnnviz.interop.keras.hdf5_launch import read_tree

if TYPE_CHECKING:
    from rnnviz.interop.contents import ImportOptions, ModelContents

MAX_BYTES: Final = 2_000_000_000


def read(path: Path, options: ImportOptions) -> ModelContents:
    """What is in an HDF5 file; errors as ``rnnviz.interop.detection.read_contents``."""
    with open_regular(path, MAX_BYTES) as file:
        tree = read_tree(file, path)
    from rnnviz.interop.keras.hdf5 import read_parsed

    return read_parsed(tree, path, options)
