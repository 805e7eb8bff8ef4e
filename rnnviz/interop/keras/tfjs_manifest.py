"""The weights of a TensorFlow.js model: a manifest of groups, each cut into files (shards).

The files of a group are joined before the arrays are cut from them, since cuts fall anywhere.
Quantised arrays are stored as whole numbers: value = number · scale + min.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np

from rnnviz.arrays import Array
from rnnviz.errors import InvalidFileError, system_reason
from rnnviz.files import open_regular, reason
from rnnviz.interop.contents import FileTensor
from rnnviz.messages import N_, _

MAX_BYTES: Final = 2_000_000_000
_MOST_SHARDS: Final = 5_000
_DTYPES: Final = {
    "float32": "<f4", "float16": "<f2", "int32": "<i4", "uint8": "u1", "uint16": "<u2", "bool": "?",
}  # fmt: skip


def read_manifest(manifest: Any, path: Path) -> tuple[FileTensor, ...]:
    """All arrays of a model; ``path`` is that of model.json, beside which the files stand.

    Raises InvalidFileError for a file that is missing, or stands elsewhere, and for sizes that do
    not fit.
    """
    if not isinstance(manifest, list):
        raise InvalidFileError(_("{path}: weightsManifest is not a list.").format(path=path))
    tensors: list[FileTensor] = []
    left = MAX_BYTES
    for group in manifest:
        try:
            paths, entries = list(group["paths"]), list(group["weights"])
            data = _join(paths, path, left)
            left -= len(data)
            tensors += _cut(entries, data)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise InvalidFileError(
                _("{path}: its list of weights is damaged: {reason}.").format(
                    path=path, reason=reason(error)
                )
            ) from error
    return tuple(tensors)


def _join(names: list[Any], path: Path, limit: int) -> bytes:
    """The files of a group, one after the other."""
    if len(names) > _MOST_SHARDS:
        raise ValueError(N_("more than {most:,} files in a group").format(most=_MOST_SHARDS))
    parts: list[bytes] = []
    for name in names:
        shard = _inside(str(name), path)
        try:
            with open_regular(shard, limit) as file:
                parts.append(file.read(limit + 1))
        except OSError as error:
            raise InvalidFileError(
                _(
                    "{path} names {name}, which cannot be read: {reason}. Put all files of the "
                    "model into one folder."
                ).format(path=path, name=str(name)[:80], reason=system_reason(error))
            ) from error
        limit -= len(parts[-1])
        if limit < 0:
            raise ValueError(N_("its files have more than {most:,} bytes").format(most=MAX_BYTES))
    return b"".join(parts)


def _inside(name: str, path: Path) -> Path:
    """The path of a shard; InvalidFileError for one outside the model's folder, also by a link."""
    relative = PurePosixPath(name.replace("\\", "/"))
    shard = path.parent / relative
    outside = relative.is_absolute() or ".." in relative.parts or ":" in name or not name
    steps = [path.parent.joinpath(*relative.parts[: k + 1]) for k in range(len(relative.parts))]
    if outside or "\0" in name or any(step.is_symlink() for step in steps):
        raise InvalidFileError(
            _(
                "{path} names {name!r} as a part of it; only files in its own folder are read."
            ).format(path=path, name=name[:80])
        )
    return shard


def _cut(entries: list[Any], data: bytes) -> list[FileTensor]:
    """The arrays of a group from its joined files."""
    tensors, at = [], 0
    for entry in entries:
        name, shape = str(entry["name"]), tuple(entry["shape"])
        if not all(type(n) is int and n >= 0 for n in shape) or len(shape) > 8:
            raise ValueError(N_("the shape of {name}").format(name=name[:60]))
        said, quantised = str(entry["dtype"]), entry.get("quantization")
        stored = str(quantised["dtype"]) if quantised else said
        if stored not in _DTYPES:
            raise ValueError(
                N_("{name} has numbers of the kind {dtype}").format(
                    name=name[:60], dtype=stored[:20]
                )
            )
        dtype = np.dtype(_DTYPES[stored])
        count = math.prod(shape)
        end = at + count * dtype.itemsize
        if end > len(data):
            raise ValueError(N_("{name} ends behind the end of its files").format(name=name[:60]))
        values = np.frombuffer(data, dtype, count, at).reshape(shape)
        if quantised:
            values = _dequantised(values, quantised)
        tensors.append(FileTensor(name, shape, stored, values))
        at = end
    if at != len(data):
        raise ValueError(
            N_("its files have {count:,} bytes more than its arrays").format(count=len(data) - at)
        )
    return tensors


def _dequantised(values: Array, quantised: Mapping[str, Any]) -> Array:
    """Numbers · scale + min in float32; float16 has neither."""
    if "scale" not in quantised:
        return values.astype(np.float32)
    scale, least = float(quantised["scale"]), float(quantised["min"])
    if not (math.isfinite(scale) and math.isfinite(least)):
        raise ValueError(N_("the scale of a quantised array is not a number"))
    return values.astype(np.float32) * np.float32(scale) + np.float32(least)
