"""The program of the process that reads an HDF5 file from its standard input.

HDF5's library crashes and hangs on damaged files, so that it runs apart, with limits of memory and
time. This file imports nothing of rnnviz and is run by its path. Its arguments are the file's size
in bytes and the folders in which h5py and NumPy are found.

It writes frames to standard output: the lengths of a JSON object and of raw data ("<IQ"), then
both. Kinds of objects: ``group`` and ``array`` (with ``attributes``; the data of an array is
little-endian, in C order), ``skipped`` (with the reason), ``error`` and, last of all, ``end``.
"""

from __future__ import annotations

import json
import math
import struct
import sys
from typing import Any

#: The most groups and arrays of a file, and how deep groups may be nested.
MOST_OBJECTS, MOST_LEVELS = 50_000, 40
#: The largest attribute in bytes, and the most elements of one that is an array.
MAX_ATTRIBUTE, MOST_ELEMENTS = 16_000_000, 200_000
#: Bytes that an array may unpack to, whatever it takes in the file, and beyond that the ratio.
RATIO_EXEMPT, MAX_RATIO = 20_000_000, 25
#: What all arrays of a small file may unpack to.
TOTAL_EXEMPT = 50_000_000
#: deflate, shuffle, fletcher32 and lzf: the filters that h5py brings along.
FILTERS = (1, 2, 3, 32000)
#: Groups with the state of an optimizer: their arrays are listed, not read.
OPTIMIZER_GROUPS = ("optimizer", "optimizer_weights")


def limit_resources(size: int) -> None:
    """Bound memory, processor time and files; does nothing where the platform cannot (Windows)."""
    try:
        import resource
    except ImportError:
        return
    bounds = {
        "RLIMIT_AS": 1_500_000_000 + 3 * size,
        "RLIMIT_CPU": 2 + size // 20_000_000,
        "RLIMIT_CORE": 0,
        "RLIMIT_FSIZE": 0,
    }
    for name, bound in bounds.items():
        which = getattr(resource, name, None)
        try:
            if which is not None:
                hard = resource.getrlimit(which)[1]
                usable = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
                resource.setrlimit(which, (usable, hard))
        except (OSError, ValueError):
            continue


def N_(message: str) -> str:
    """Mark a message that is translated where it is shown, as ``rnnviz.messages.N_``."""
    return message


class UnreadableFile(Exception):
    """What cannot be read, with the reason."""


class HdfWalk:
    """Reads a file's objects in the order of their names and writes a frame for each."""

    def __init__(self, size: int, out: Any) -> None:
        self._size, self._out = size, out
        self._objects, self._bytes = 0, 0
        self._visited: set[tuple[int, int]] = set()

    def frame(self, value: dict[str, Any], data: Any = b"") -> None:
        """Write a frame."""
        text = json.dumps(value).encode()
        self._out.write(struct.pack("<IQ", len(text), memoryview(data).nbytes))
        self._out.write(text)
        self._out.write(data)

    def read_group(self, group: Any, path: str, level: int, optimizer: bool) -> None:
        """Read a group and all below it."""
        import h5py

        if level > MOST_LEVELS:
            raise UnreadableFile(
                N_("its groups are nested deeper than {most}").format(most=MOST_LEVELS)
            )
        info = h5py.h5o.get_info(group)
        found, address = _attributes(group), getattr(info, "addr", 0)
        self.frame({"kind": "group", "path": path, "attributes": found, "address": address})
        for raw in group:
            name = raw.decode("utf-8", "replace")
            # Windows's separator in files of Keras 2.12 and 2.13.
            inner = f"{path}/{name}" if path else name
            inner = inner.replace("\\", "/")
            self._objects += 1
            if self._objects > MOST_OBJECTS:
                raise UnreadableFile(
                    N_("it has more than {most:,} groups and arrays").format(most=MOST_OBJECTS)
                )
            kind = group.links.get_info(raw).type
            if kind != h5py.h5l.TYPE_HARD:
                what = (
                    N_("another file") if kind == h5py.h5l.TYPE_EXTERNAL else N_("another object")
                )
                reason = N_("a link to {what}, which is not followed").format(what=what)
                self.frame({"kind": "skipped", "path": inner, "reason": reason})
                continue
            info = h5py.h5o.get_info(group, raw)
            known = (info.fileno, info.addr)
            if known in self._visited:
                self.frame(
                    {"kind": "skipped", "path": inner, "reason": N_("another name of an object")}
                )
                continue
            self._visited.add(known)
            child = h5py.h5o.open(group, raw)
            slots = optimizer or (not path and name in OPTIMIZER_GROUPS)
            if isinstance(child, h5py.h5g.GroupID):
                self.read_group(child, inner, level + 1, slots)
            elif isinstance(child, h5py.h5d.DatasetID):
                self._read_array(child, inner, slots)
            else:
                self.frame({"kind": "skipped", "path": inner, "reason": N_("a type, not an array")})

    def _read_array(self, array: Any, path: str, optimizer: bool) -> None:
        import h5py
        import numpy as np

        reason = _unreadable(array)
        if reason:
            self.frame({"kind": "skipped", "path": path, "reason": reason})
            return
        kind, shape = array.get_type(), [int(n) for n in array.shape]
        found = _attributes(array)
        if kind.get_class() == h5py.h5t.OPAQUE:
            dtype, name = np.dtype("V2"), "bfloat16"
            if found.get("dtype") != name or kind.get_size() != 2:
                self.frame(
                    {"kind": "skipped", "path": path, "reason": N_("not an array of numbers")}
                )
                return
        else:
            dtype = kind.dtype.newbyteorder("<")
            name = dtype.name
        nbytes = math.prod(shape) * dtype.itemsize
        address = getattr(h5py.h5o.get_info(array), "addr", 0)
        record = {
            "kind": "array", "path": path, "dtype": name, "shape": shape, "address": address,
        }  # fmt: skip
        if optimizer:
            self.frame({**record, "read": False})
            return
        self._count(path, nbytes, array, dtype.itemsize)
        values = np.zeros(shape, dtype)
        if nbytes:
            array.read(h5py.h5s.ALL, h5py.h5s.ALL, values, None if name != "bfloat16" else kind)
        self.frame({**record, "read": True}, values.reshape(-1).view(np.uint8))

    def _count(self, path: str, nbytes: int, array: Any, itemsize: int) -> None:
        """Refuse what unpacks to more than the file can hold, before it is allocated."""
        import h5py

        plist = array.get_create_plist()
        chunk = plist.get_chunk() if plist.get_layout() == h5py.h5d.CHUNKED else ()
        most = max(RATIO_EXEMPT, MAX_RATIO * array.get_storage_size())
        if max(nbytes, math.prod(chunk) * itemsize if chunk else 0) > most:
            raise UnreadableFile(
                N_("{name} unpacks to more than {most} times its size").format(
                    name=path[:80], most=MAX_RATIO
                )
            )
        self._bytes += nbytes
        if self._bytes > max(TOTAL_EXEMPT, MAX_RATIO * self._size):
            raise UnreadableFile(N_("its arrays unpack to far more than its size"))


def _unreadable(array: Any) -> str:
    """Why an array is not read, "" for one that is."""
    import h5py

    plist = array.get_create_plist()
    if plist.get_external_count():
        return N_("its values are in another file, which is not opened")
    if plist.get_layout() == h5py.h5d.VIRTUAL:
        return N_("its values are in other arrays (a virtual dataset), which are not opened")
    if any(plist.get_filter(k)[0] not in FILTERS for k in range(plist.get_nfilters())):
        return N_("it is packed with a filter other than gzip, shuffle and lzf")
    kind = array.get_type()
    if kind.get_class() not in (h5py.h5t.FLOAT, h5py.h5t.INTEGER, h5py.h5t.OPAQUE):
        return N_("not an array of numbers")
    if kind.get_class() != h5py.h5t.OPAQUE and kind.get_size() not in (1, 2, 4, 8):
        return N_("numbers of {bytes} bytes are not supported").format(bytes=kind.get_size())
    if array.get_space().get_simple_extent_type() == h5py.h5s.NULL:
        return N_("it has no values")
    return ""


def _attributes(item: Any) -> dict[str, Any]:
    """The attributes that are texts, numbers or lists of them; others are left out."""
    import h5py

    found: dict[str, Any] = {}
    for k in range(h5py.h5a.get_num_attrs(item)):
        attribute = h5py.h5a.open(item, index=k)
        kind = attribute.get_type().get_class()
        usual = (h5py.h5t.STRING, h5py.h5t.INTEGER, h5py.h5t.FLOAT)
        if kind not in usual or math.prod(attribute.shape) > MOST_ELEMENTS:
            continue
        name = attribute.name.decode("utf-8", "replace")
        if not math.prod(attribute.shape):
            found[name] = []  # HDF5 raises an error for its size
            continue
        if attribute.get_storage_size() > MAX_ATTRIBUTE:
            raise UnreadableFile(
                N_("its attribute {name} is larger than {most:,} bytes").format(
                    name=name[:40], most=MAX_ATTRIBUTE
                )
            )
        value = _plain(h5py.AttributeManager(_Item(item))[name])
        if value is not None:
            found[name] = value
    return found


class _Item:
    """What ``h5py.AttributeManager`` reads of an object: its id."""

    def __init__(self, item: Any) -> None:
        self.id = item


def _plain(value: Any) -> Any:
    """A value as JSON knows it; None for h5py's empty attributes."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list):
        return [_plain(element) for element in value]
    return value if isinstance(value, str | int | float) else None


def main() -> None:
    """Read the file at standard input; the last frame is ``end`` or ``error``."""
    size = int(sys.argv[1])
    sys.path.extend(sys.argv[2:])
    limit_resources(size)
    import h5py

    walk = HdfWalk(size, sys.stdout.buffer)
    try:
        with h5py.File(sys.stdin.buffer, "r") as file:
            walk.read_group(h5py.h5g.open(file.id, b"/"), "", 0, False)
        walk.frame({"kind": "end"})
    except Exception as error:
        text = " ".join(str(error).split())[:300] or type(error).__name__
        walk.frame({"kind": "error", "reason": text})
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
