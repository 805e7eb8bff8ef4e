"""Where the pickle and the numbers of a checkpoint are: in a zip archive, or one after another."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from rnnviz.files import open_member, open_regular, open_zip
from rnnviz.interop.torch.pickle_machine import PickleMachine
from rnnviz.interop.torch.pickle_stream import MAX_BYTES, PickleError
from rnnviz.interop.torch.pickle_values import StorageRecord, item_size
from rnnviz.messages import N_

if TYPE_CHECKING:
    import zipfile

#: Largest checkpoint in bytes.
MAX_FILE: Final = 2_000_000_000
#: The number at the beginning of a checkpoint of before PyTorch 1.6, and its format's version.
_MAGIC, _VERSION = 0x1950A86A20F9469CFC6C, 1001
#: Opcodes of the five pickles of such a file together that are not the object itself.
_SMALL_PICKLE: Final = 1_000_000


class CheckpointSource(Protocol):
    """An open checkpoint."""

    value: Any  # what was saved
    format: str
    little: bool  # byte order of the numbers
    size: int  # bytes of the file
    script: bool  # whether it is a program, TorchScript

    def raw(self, storage: StorageRecord) -> bytes | memoryview:
        """The bytes of a storage; ValueError if they are not in the file."""


@contextmanager
def open_checkpoint(path: Path) -> Iterator[CheckpointSource]:
    """Open a checkpoint of either kind.

    Raises OSError as ``open`` does, and nearly anything for a damaged file, PlantedCodeError among
    them.
    """
    with open_regular(path, MAX_FILE) as file:
        zipped = file.read(2) == b"PK"
        file.seek(0)
        data = b"" if zipped else file.read()
    if not zipped:
        yield PickleSequence(data)
        return
    with open_zip(path, MAX_FILE) as archive:
        yield ZipCheckpoint(archive, path.stat().st_size)


class ZipCheckpoint:
    """A zip archive: ``ROOT/data.pkl`` and ``ROOT/data/KEY`` for each storage."""

    def __init__(self, archive: zipfile.ZipFile, size: int) -> None:
        self._archive = archive
        names = set(archive.namelist())
        pickles = [n for n in names if n == "data.pkl" or n.endswith("/data.pkl")]
        self._root = min(pickles, key=lambda n: (n.count("/"), n)).removesuffix("data.pkl")
        self.format, self.size = N_("PyTorch checkpoint"), size
        self.script = f"{self._root}constants.pkl" in names or any(
            name.startswith(f"{self._root}code/") for name in names
        )
        self.little = True
        if f"{self._root}byteorder" in names:
            self.little = self._read(f"{self._root}byteorder", 100).strip() != b"big"
        self._unpacked = 0
        self.value = PickleMachine(self._read(f"{self._root}data.pkl", MAX_BYTES)).run()

    def raw(self, storage: StorageRecord) -> bytes:
        """The bytes of a storage."""
        name = f"{self._root}data/{storage.key}"
        found = self._read(name, MAX_FILE)
        self._unpacked += len(found)
        if self._unpacked > 25 * self.size + 20_000_000:
            raise ValueError(N_("it unpacks to more than 25 times its size"))
        return found

    def _read(self, name: str, limit: int) -> bytes:
        with open_member(self._archive, name, limit) as member:
            return member.read()


class PickleSequence:
    """Five pickles (magic number, version, byte order, object, keys), then the storages.

    Each storage is a count of 8 bytes and the numbers. A file of one pickle without the magic
    number, as ``pickle.dump`` writes it, is read as well; its storages are inside the pickle.
    """

    def __init__(self, data: bytes, opcodes: int | None = None) -> None:
        self.format, self.size, self.script = (
            N_("PyTorch checkpoint of before 1.6"),
            len(data),
            False,
        )
        self.little = True
        self._data = memoryview(data)
        self._spans: dict[str, tuple[int, int]] = {}
        limit = {} if opcodes is None else {"opcodes": opcodes}
        first = PickleMachine(data, **limit)
        value = first.run()
        if type(value) is not int or value != _MAGIC:
            self.format, self.value = "pickle", value
            return
        version = PickleMachine(data, first.end, 100)
        if version.run() != _VERSION:
            raise PickleError(N_("its format has an unknown version"))
        system = PickleMachine(data, version.end, 1_000)
        information = system.run()
        if isinstance(information, dict):
            self.little = information.get("little_endian") is not False
        main = PickleMachine(data, system.end, **limit)
        self.value = main.run()
        keys = PickleMachine(data, main.end, opcodes or _SMALL_PICKLE)
        self._find(keys.run(), main.storages, keys.end)

    def _find(self, keys: Any, storages: Mapping[str, StorageRecord], at: int) -> None:
        if not isinstance(keys, list):
            raise PickleError(N_("it has no list of storages"))
        for key in keys:
            storage = storages.get(str(key)[:200])
            if storage is None:
                raise PickleError(N_("it lists a storage that no tensor uses"))
            (count,) = struct.unpack_from("<q" if self.little else ">q", self._data, at)
            size = count * item_size(storage.dtype)
            if not 0 <= size <= len(self._data) - at - 8:
                raise PickleError(
                    N_("a storage of {count:,} numbers is larger than the file").format(count=count)
                )
            self._spans[storage.key] = (at + 8, at + 8 + size)
            at += 8 + size

    def raw(self, storage: StorageRecord) -> memoryview:
        """The bytes of a storage."""
        if storage.key not in self._spans:
            raise ValueError(N_("a tensor's numbers are not in it"))
        start, end = self._spans[storage.key]
        return self._data[start:end]
