"""The arrays of an ONNX file's tensors."""

from __future__ import annotations

import math
import os
from pathlib import Path, PurePosixPath

import numpy as np

from rnnviz.arrays import Array
from rnnviz.errors import InvalidFileError
from rnnviz.files import open_regular
from rnnviz.interop.onnx.messages import TensorMessage
from rnnviz.interop.onnx.wire import WireError, fixed, integers
from rnnviz.messages import N_, _

#: Numbers of TensorProto.DataType: their names, and NumPy's types where it has them.
DATA_TYPES = {
    1: ("float32", "<f4"), 2: ("uint8", "u1"), 3: ("int8", "i1"), 4: ("uint16", "<u2"),
    5: ("int16", "<i2"), 6: ("int32", "<i4"), 7: ("int64", "<i8"), 8: ("string", ""),
    9: ("bool", "?"), 10: ("float16", "<f2"), 11: ("float64", "<f8"), 12: ("uint32", "<u4"),
    13: ("uint64", "<u8"), 14: ("complex64", ""), 15: ("complex128", ""), 16: ("bfloat16", "<u2"),
    17: ("float8e4m3fn", ""), 18: ("float8e4m3fnuz", ""), 19: ("float8e5m2", ""),
    20: ("float8e5m2fnuz", ""), 21: ("uint4", ""), 22: ("int4", ""), 23: ("float4e2m1", ""),
}  # fmt: skip
_BFLOAT16 = 16
#: Largest tensor in bytes.
MAX_TENSOR_BYTES = 2_000_000_000


def type_name(data_type: int) -> str:
    """A type's name as in NumPy: ``float32``."""
    return DATA_TYPES.get(data_type, (f"type {data_type}", ""))[0]


class TensorData:
    """Reads tensors' arrays. Data outside of the file is read from the model's folder only.

    ``path`` is the model file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def array(self, tensor: TensorMessage) -> Array | None:
        """A tensor's numbers, bfloat16 as float32; None for types without numbers (texts, float8).

        Raises WireError where its bytes do not fit its shape, InvalidFileError for data outside of
        the model's folder.
        """
        _, code = DATA_TYPES.get(tensor.data_type, ("", ""))
        if not code:
            return None
        dtype = np.dtype(code)
        shape = tensor.shape
        if min(shape, default=0) < 0 or len(shape) > 32:
            raise WireError(
                N_("the tensor {name} has the shape {shape}").format(
                    name=tensor.name, shape=list(shape)[:33]
                )
            )
        size = math.prod(shape)
        if size * dtype.itemsize > MAX_TENSOR_BYTES:
            raise WireError(
                N_("the tensor {name} claims {size:,} numbers").format(name=tensor.name, size=size)
            )
        flat = self._flat(tensor, dtype, size * dtype.itemsize)
        if flat.size != size:
            raise WireError(
                N_("the tensor {name} has {count:,} numbers; its shape says {size:,}").format(
                    name=tensor.name, count=flat.size, size=size
                )
            )
        if tensor.data_type == _BFLOAT16:
            flat = (flat.astype(np.uint32) << 16).view(np.float32)
        return flat.reshape(shape)

    def _flat(self, tensor: TensorMessage, dtype: np.dtype[np.generic], size: int) -> Array:
        if tensor.external is not None:
            return np.frombuffer(self._outside(tensor, tensor.external, size), dtype)
        fields = tensor.fields
        if 9 in fields:
            data = fields[9][-1]
            if not isinstance(data, memoryview) or len(data) % dtype.itemsize:
                raise WireError(
                    N_("the data of {name} ends within a number").format(name=tensor.name)
                )
            return np.frombuffer(data, dtype)
        if tensor.data_type == 1:
            return fixed(fields.get(4), "<f4")
        if tensor.data_type == 11:
            return fixed(fields.get(10), "<f8")
        if tensor.data_type == 7:
            return integers(fields.get(7))
        if tensor.data_type in (12, 13):
            return integers(fields.get(11)).astype(dtype)
        small = integers(fields.get(5))  # halves and bfloat16 are stored as their bits
        if tensor.data_type in (10, _BFLOAT16):
            return small.astype("<u2").view(dtype)
        return small.astype(dtype)

    def _outside(self, tensor: TensorMessage, entry: dict[str, str], size: int) -> bytes:
        """The bytes of a tensor that is stored in another file, beside the model."""
        location = entry.get("location", "")
        parts = PurePosixPath(location).parts
        if not parts or ".." in parts or "\\" in location or PurePosixPath(location).is_absolute():
            raise InvalidFileError(
                _(
                    "{path} keeps the data of {name} in {location!r}, outside of its own folder; "
                    "that is not followed."
                ).format(path=self._path, name=tensor.name, location=location)
            )
        try:
            offset, length = int(entry.get("offset") or 0), int(entry.get("length") or size)
        except ValueError as error:
            raise WireError(
                N_("the place of the data of {name} is no number").format(name=tensor.name)
            ) from error
        if offset < 0 or length != size:
            raise WireError(
                N_("the data of {name} has {length:,} bytes instead of {size:,}").format(
                    name=tensor.name, length=length, size=size
                )
            )
        folder = self._path.parent
        for n in range(1, len(parts) + 1):
            if os.path.islink(folder.joinpath(*parts[:n])):  # noqa: PTH114 - as for a Path
                raise InvalidFileError(
                    _(
                        "{path} keeps the data of {name} in {location!r}, a link; that is not "
                        "followed."
                    ).format(path=self._path, name=tensor.name, location=location)
                )
        try:
            with open_regular(folder.joinpath(*parts)) as file:
                end = file.seek(0, os.SEEK_END)
                if offset + size > end:
                    raise WireError(
                        N_("{location} is too short for the data of {name}").format(
                            location=location, name=tensor.name
                        )
                    )
                file.seek(offset)
                return file.read(size)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise InvalidFileError(
                _(
                    "{path} keeps its weights in {location!r}, which is not beside it. Put that "
                    "file into the same folder."
                ).format(path=self._path, location=location)
            ) from error
