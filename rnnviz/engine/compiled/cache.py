"""The folder that keeps compiled loops: nobody else can write to it, and damage is found.

What the compiler reads there it executes. So the folder must belong to this user alone, a module
is run from the text that was written here and not from what its file holds, and every file of the
compiler begins with a digest of the rest.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import IO, Any

from rnnviz.files import write_atomically

_DIGEST = hashlib.sha256().digest_size


@dataclass(frozen=True)
class CacheFolder:
    """A folder, and why it is not the usual one: "" if it is."""

    folder: Path
    reason: str = ""


@cache
def place() -> CacheFolder:
    """The user's cache folder; one for this process only where that cannot be trusted or used."""
    import platformdirs

    usual = Path(platformdirs.user_cache_dir("rnnviz")) / "kernels"
    reason = _made_ours(usual)
    if not reason:
        return CacheFolder(usual)
    own = tempfile.mkdtemp(prefix="rnnviz-")
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    return CacheFolder(Path(own), reason)


def _made_ours(folder: Path) -> str:
    """Make the folder, private to this user; why it is not, in half a sentence, else ""."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = folder.stat()
        if not _ours(state):
            return f"{folder} belongs to another user"
        if _open_to_others(state):
            # Whoever could write here may have: nothing of it is used.
            folder.chmod(0o700)
            for entry in folder.iterdir():
                _remove(entry)
    except OSError as error:
        return f"{folder} cannot be used: {error.strerror or error}"
    return "" if os.access(folder, os.W_OK) else f"{folder} cannot be written to"


def _ours(state: os.stat_result) -> bool:
    return not hasattr(os, "geteuid") or state.st_uid == os.geteuid()


def _open_to_others(state: os.stat_result) -> bool:
    return os.name == "posix" and bool(state.st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink()


def is_ours(path: Path) -> bool:
    """Whether it is a regular file that only this user can write to."""
    with suppress(OSError):
        state = path.lstat()
        return stat.S_ISREG(state.st_mode) and _ours(state) and not _open_to_others(state)
    return False


def loaded(path: Path, text: str) -> ModuleType:
    """The module of this text, whose compiled code is kept beside ``path``."""
    if not is_ours(path) or path.read_bytes() != text.encode():
        with suppress(FileNotFoundError):
            _remove(path)
        write_atomically(path, text)
        path.chmod(0o600)
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    # The compiler looks its functions up by module when it reads them from its cache.
    sys.modules[path.stem] = module
    exec(compile(text, str(path), "exec"), vars(module))
    for function in vars(module).values():
        if getattr(function, "__module__", "") == path.stem and hasattr(function, "py_func"):
            _check_what_it_reads(function)
    return module


def _check_what_it_reads(function: Any) -> None:
    """Let a compiled function's cache find damage; what is damaged is compiled again."""
    kept = function._cache
    file = getattr(kept, "_cache_file", None)
    if file is None:
        return
    kept._cache_file = _checked_file()(
        kept._cache_path, kept._impl.filename_base, file._source_stamp
    )


@cache
def _checked_file() -> type[Any]:
    """The compiler's pair of files with a digest before each."""
    caching: Any = import_module("numba.core.caching")

    class CheckedFile(caching.IndexDataCacheFile):  # type: ignore[misc]
        def _load_index(self) -> Any:
            try:
                stamp, overloads = _content(Path(self._index_path))
            except OSError:
                return {}
            return overloads if stamp == self._source_stamp else {}

        def _save_index(self, overloads: Any) -> None:
            self._write(self._index_path, (self._source_stamp, overloads))

        def _load_data(self, name: str) -> Any:
            return _content(Path(self._data_path(name)))

        def _save_data(self, name: str, data: Any) -> None:
            self._write(self._data_path(name), data)

        def _write(self, path: str, content: Any) -> None:
            data = self._dump(content)
            try:
                with self._open_for_write(path) as file, _private(file):
                    file.write(hashlib.sha256(data).digest() + data)
            except OSError:
                # A full disk, a folder of that name: it is compiled anew the next time.
                _remove_if_there(Path(path))

    return CheckedFile


def _content(path: Path) -> Any:
    """What was kept in a file; OSError, which the compiler knows, if it is not as written."""
    import pickle

    if not is_ours(path):
        raise OSError(f"{path} is not a file of this user")
    data = path.read_bytes()
    if hashlib.sha256(data[_DIGEST:]).digest() != data[:_DIGEST]:
        raise OSError(f"{path} is damaged")
    return pickle.loads(data[_DIGEST:])


@contextmanager
def _private(file: IO[bytes]) -> Iterator[None]:
    if hasattr(os, "fchmod"):
        os.fchmod(file.fileno(), 0o600)
    yield


def _remove_if_there(path: Path) -> None:
    with suppress(OSError):
        _remove(path)
