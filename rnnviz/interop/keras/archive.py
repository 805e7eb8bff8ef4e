"""Reader for ``.keras`` archives of Keras 3 and of Keras 2.12 to 2.15."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rnnviz.errors import InvalidFileError
from rnnviz.files import TooLargeError, open_member, open_zip, parse_json, reason
from rnnviz.interop.keras.hdf5_launch import read_tree
from rnnviz.messages import N_, _

if TYPE_CHECKING:
    from rnnviz.interop.contents import ImportOptions, ModelContents
    from rnnviz.interop.keras.hdf5_tree import Hdf5Tree

MAX_BYTES: Final = 2_000_000_000
_MAX_JSON: Final = 20_000_000
_MAX_TEXT: Final = 50_000_000
_WEIGHTS: Final = "model.weights.h5"
_WORDS: Final = ("vocabulary.txt", "assets/vocabulary.json")


def read(path: Path, options: ImportOptions) -> ModelContents:
    """What is in a ``.keras`` file; errors as ``rnnviz.interop.detection.read_contents``."""
    try:
        with open_zip(path, MAX_BYTES) as archive:
            config = _json(archive, "config.json")
            version = _version(archive)
            tree = _weights(archive, path)
            vocabularies = _vocabularies(archive)
    except (zipfile.BadZipFile, TooLargeError, EOFError, NotImplementedError, KeyError,
            UnicodeDecodeError, ValueError, RecursionError) as error:  # fmt: skip
        raise InvalidFileError(
            _("{path} is not a usable .keras file: {reason}.").format(
                path=path, reason=reason(error)
            )
        ) from error
    # Not earlier: the process that reads HDF5 starts before NumPy is imported here.
    from rnnviz.interop.keras.flow import Net
    from rnnviz.interop.keras.model_contents import (
        build_guess,
        build_model,
        contents,
        is_architecture,
        is_listed,
        numbers_of,
        tree_entries,
    )
    from rnnviz.interop.keras.unlabelled_weights import counted_layers
    from rnnviz.interop.keras.weight_stores import counted_weights

    net = Net(options, numbers_of(version), vocabularies)
    if not is_architecture(config):
        raise InvalidFileError(
            _("{path}: config.json does not describe a Keras model.").format(path=path)
        )
    if is_listed(config):
        build_model(net, config, path, lambda model: counted_weights(tree, model))
    else:
        build_guess(net, path, counted_layers(tree))
    return contents(
        net, path, N_("Keras model, .keras"), version, tree.arrays.values(), tree_entries(tree)
    )


def _json(archive: zipfile.ZipFile, name: str) -> Any:
    with open_member(archive, name, _MAX_JSON) as file:
        return parse_json(file.read().decode("utf-8"))


def _version(archive: zipfile.ZipFile) -> str:
    if "metadata.json" not in archive.namelist():
        return ""
    metadata = _json(archive, "metadata.json")
    version = metadata.get("keras_version") if isinstance(metadata, dict) else None
    return version if isinstance(version, str) else ""


def _weights(archive: zipfile.ZipFile, path: Path) -> Hdf5Tree:
    """The weights, unpacked to a file that the reading process gets as its input."""
    names = [name for name in archive.namelist() if name.endswith(".weights.h5")]
    name = _WEIGHTS if _WEIGHTS in names else names[0] if names else ""
    if not name:
        raise ValueError(N_("it has no weights"))
    with open_member(archive, name, MAX_BYTES) as member, tempfile.TemporaryFile() as file:
        shutil.copyfileobj(member, file, 1 << 20)
        file.flush()
        return read_tree(file, path)


def _vocabularies(archive: zipfile.ZipFile) -> dict[str, str]:
    """The texts of vocabularies among the archive's assets."""
    found: dict[str, str] = {}
    for name in archive.namelist():
        if name.startswith("assets/") and name.endswith(_WORDS) and len(found) < 20:
            with open_member(archive, name, _MAX_TEXT) as file:
                found[name] = file.read().decode("utf-8")
    return found
