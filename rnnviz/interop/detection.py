"""Which format a file has, by its first bytes and not by its name."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from rnnviz.errors import InvalidFileError
from rnnviz.files import open_regular, open_zip, reason
from rnnviz.messages import N_, _, translated

if TYPE_CHECKING:  # the readers import NumPy, that of HDF5 after the start of its process
    from rnnviz.interop.contents import ImportOptions, ModelContents

#: Largest model file in bytes.
MAX_BYTES: Final = 2_000_000_000

#: The module of each format; its ``read`` takes a path and options and gives the contents.
READERS: Final = {
    "hdf5": "rnnviz.interop.keras.hdf5_file",
    "keras": "rnnviz.interop.keras.archive",
    "json": "rnnviz.interop.keras.json_model",  # TF.js, or a Keras architecture with weights beside
    "torch": "rnnviz.interop.torch.checkpoint",
    "safetensors": "rnnviz.interop.named_arrays.safetensors",
    "npz": "rnnviz.interop.named_arrays.npz",
    "onnx": "rnnviz.interop.onnx.reader",
}

#: Beginnings of files that are recognised and refused, with what they are and what to do.
REFUSED: Final = (
    (0, b"\x1f\x8b", N_("a gzip file"), N_("Unpack it and name the file inside.")),
    (0, b"GGUF", N_("a GGUF file"), N_("It holds language models without recurrent layers.")),
    (
        4,
        b"TFL3",
        N_("a TensorFlow Lite model"),
        N_("Name the Keras file that it was converted from."),
    ),
    (257, b"ustar", N_("a tar archive"), N_("Unpack it and name the file inside.")),
)

_TORCH_LEGACY: Final = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
#: The members of a checkpoint of PyTorch 0.1, which is a tar archive.
_TORCH_TAR: Final = (b"sys_info", b"pickle", b"tensors", b"storages")
_HDF5: Final = b"\x89HDF\r\n\x1a\n"


def detect(path: Path) -> str:
    """The key in ``READERS`` of a file's format.

    Raises OSError as ``open`` does, and InvalidFileError for a file that is none of these.
    """
    with open_regular(path, MAX_BYTES) as file:
        head = file.read(2048)
        size = file.seek(0, 2)
    if not size:
        raise InvalidFileError(_("{path} is empty.").format(path=path))
    # First: the length at its beginning may look like the magic number of another format.
    if len(head) > 8 and head[8:9] in b"{ " and 0 < struct.unpack("<Q", head[:8])[0] < size:
        return "safetensors"
    if head.startswith(b"PK"):
        return _zip_format(path)
    if any(head[at:].startswith(_HDF5) for at in (0, 512, 1024)):
        return "hdf5"
    if head[257:262] == b"ustar" and head[:100].rstrip(b"\0") in _TORCH_TAR:
        raise InvalidFileError(
            _(
                "{path} is a checkpoint of PyTorch 0.1, a tar archive. Save its weights anew "
                "with PyTorch: torch.save(torch.load(FILE), 'weights.pt')"
            ).format(path=path)
        )
    for at, magic, what, remedy in REFUSED:
        if head[at : at + len(magic)] == magic:
            raise InvalidFileError(
                _("{path} is {what}. {remedy}").format(
                    path=path, what=translated(what), remedy=translated(remedy)
                )
            )
    if head[2:].startswith(_TORCH_LEGACY) or head[:1] == b"\x80":
        return "torch"
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
        return "json"
    if head[:1] in (b"\x08", b"\x0a", b"\x12", b"\x3a"):  # a protobuf field of ModelProto
        return "onnx"
    raise InvalidFileError(
        _(
            "{path} is no model file that rnnviz knows. It reads Keras (.keras, .h5), "
            "TensorFlow.js, PyTorch state dicts, safetensors, ONNX and .npz."
        ).format(path=path)
    )


def _zip_format(path: Path) -> str:
    try:
        with open_zip(path, MAX_BYTES) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile as error:
        raise InvalidFileError(
            _("{path} is a damaged zip archive: {reason}.").format(path=path, reason=reason(error))
        ) from error
    if "config.json" in names and any(name.endswith(".weights.h5") for name in names):
        return "keras"
    if any(name.endswith("/data.pkl") or name == "data.pkl" for name in names):
        return "torch"
    if any(name.endswith(".npy") for name in names):
        return "npz"
    raise InvalidFileError(
        _(
            "{path} is a zip archive without a model in it. If a model file was packed "
            "into it, unpack it first."
        ).format(path=path)
    )


def read_contents(path: Path, options: ImportOptions | None = None) -> ModelContents:
    """What is in a model file.

    Raises OSError as ``open`` does, InvalidFileError for a damaged or unknown file, MissingError
    where a format needs a package that is not installed.
    """
    from rnnviz.interop.contents import ImportOptions

    module = import_module(READERS[detect(path)])
    read = cast("Callable[[Path, ImportOptions], ModelContents]", module.read)
    return read(path, options or ImportOptions())
