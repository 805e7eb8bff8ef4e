"""The reader of ``.npz`` files: arrays of NumPy in a zip archive; pickled objects are not read."""

from __future__ import annotations

import math
import warnings
import zipfile
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from rnnviz.files import invalid_file_on_error, open_member, open_zip
from rnnviz.interop.contents import FileTensor, IgnoredEntry, ImportOptions, ModelContents
from rnnviz.interop.named_arrays.net import named_net
from rnnviz.messages import N_, _

MAX_FILE: Final = 2_000_000_000
_MAX_TENSORS: Final = 10_000
#: Bytes that the arrays of any file may unpack to; a larger file may have 25 times its size.
_EXEMPT: Final = 60_000_000
_HEADERS: Final = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read(path: Path, options: ImportOptions) -> ModelContents:
    """What is in an ``.npz`` file.

    Raises InvalidFileError for a file that is damaged or cannot be read, UsageError for an option
    with an unknown value.
    """
    tensors: list[FileTensor] = []
    ignored: list[IgnoredEntry] = []
    with invalid_file_on_error(path, _(".npz file")), open_zip(path, MAX_FILE) as archive:
        members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
        if len(members) > _MAX_TENSORS:
            raise ValueError(
                N_("it has {count:,} arrays; {most:,} are the most").format(
                    count=len(members), most=_MAX_TENSORS
                )
            )
        left = max(_EXEMPT, 25 * path.stat().st_size)
        for info in members:
            name = info.filename.removesuffix(".npy")
            with open_member(archive, info.filename, MAX_FILE) as member:
                array = _array(member, name, info, left)
            left -= 0 if isinstance(array, str) else array.nbytes
            if isinstance(array, str):
                ignored.append(IgnoredEntry(name[:200], array))
            else:
                tensors.append(FileTensor(name, array.shape, str(array.dtype), array))
        ignored += [
            IgnoredEntry(info.filename[:200], N_("not an array of NumPy"))
            for info in archive.infolist()[:100]
            if not info.filename.endswith(".npy")
        ]
        net = named_net(tensors, options)
    return ModelContents(
        path, N_(".npz file of NumPy"), "numpy",
        tensors=net.tensors, operations=net.operations, conversions=net.conversions,
        assumptions=net.assumptions, refusal=net.refusal, ignored=tuple(ignored),
    )  # fmt: skip


def _array(member: IO[bytes], name: str, info: zipfile.ZipInfo, left: int) -> Any:
    """An array, or the reason why it is not read; ValueError for a damaged one.

    Its size is checked before it is read: a header of a few bytes can claim gigabytes.
    """
    version = np.lib.format.read_magic(member)
    if version not in _HEADERS:
        return N_("an array of the version {version}").format(version=version)
    with warnings.catch_warnings():  # headers of Python 2, and escapes in damaged ones
        warnings.simplefilter("ignore")
        try:
            shape, columns_first, dtype = _HEADERS[version](member)
        except Exception as error:  # of NumPy, or of Python's own parser
            raise ValueError(N_("{name} has a damaged header").format(name=name[:80])) from error
    if dtype.hasobject:
        return N_("a pickled object, which is not read")
    if dtype.kind not in "biuf" or dtype.names is not None or dtype.subdtype is not None:
        return N_("not numbers but {dtype}").format(dtype=str(dtype)[:40])
    if any(type(n) is not int or n < 0 for n in shape) or len(shape) > 16:
        raise ValueError(N_("{name} has no valid shape").format(name=name[:80]))
    size = math.prod(shape) * dtype.itemsize
    if size > left or size > info.file_size:
        raise ValueError(
            N_("{name} claims {size:,} bytes, more than the file holds").format(
                name=name[:80], size=size
            )
        )
    data = member.read(size)
    if len(data) != size:
        raise ValueError(
            N_("{name} has {count:,} bytes, its header says {size:,}").format(
                name=name[:80], count=len(data), size=size
            )
        )
    flat = np.frombuffer(data, dtype)
    array = flat.reshape(shape, order="F" if columns_first else "C")
    return array.astype(dtype.newbyteorder("="), copy=False)
