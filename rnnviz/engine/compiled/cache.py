"""The folder where compiled code is cached: private to the user, and checked for damage.

numba executes what it loads from there. So the folder must belong to this user alone, a module is
executed from the source in memory and not from its file, and each of numba's files begins with a
SHA-256 digest of the rest.
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

from rnnviz.errors import system_reason
from rnnviz.files import write_atomically
from rnnviz.messages import _

_DIGEST = hashlib.sha256().digest_size


@dataclass(frozen=True)
class CacheFolder:
    """A folder, and why it is not the user's cache folder; "" if it is."""

    folder: Path
    reason: str = ""


@cache
def cache_folder() -> CacheFolder:
    """The user's cache folder; if it is not safe or writable, a temporary one of this process."""
    import platformdirs

    folder = Path(platformdirs.user_cache_dir("rnnviz")) / "kernels"
    reason = _make_private(folder)
    if not reason:
        return CacheFolder(folder)
    temporary = tempfile.mkdtemp(prefix="rnnviz-")
    atexit.register(shutil.rmtree, temporary, ignore_errors=True)
    return CacheFolder(Path(temporary), reason)


def _make_private(folder: Path) -> str:
    """Create the folder, private to this user; "", or why that failed, in half a sentence."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
        if not _is_own(status):
            return _("{folder} belongs to another user").format(folder=folder)
        if _others_can_write(status):
            # Others may have written here: use none of it.
            folder.chmod(0o700)
            for entry in folder.iterdir():
                _remove(entry)
    except OSError as error:
        return _("{folder} cannot be used: {reason}").format(
            folder=folder, reason=system_reason(error)
        )
    if os.access(folder, os.W_OK):
        return ""
    return _("{folder} cannot be written to").format(folder=folder)


def _is_own(status: os.stat_result) -> bool:
    return not hasattr(os, "geteuid") or status.st_uid == os.geteuid()


def _others_can_write(status: os.stat_result) -> bool:
    return os.name == "posix" and bool(status.st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink()


def is_private(path: Path) -> bool:
    """Whether it is a regular file that only this user can write to."""
    with suppress(OSError):
        status = path.lstat()
        return stat.S_ISREG(status.st_mode) and _is_own(status) and not _others_can_write(status)
    return False


def load_module(path: Path, text: str) -> ModuleType:
    """Execute ``text`` as a module; its compiled functions are cached beside ``path``."""
    if not is_private(path) or path.read_bytes() != text.encode():
        with suppress(FileNotFoundError):
            _remove(path)
        write_atomically(path, text)
        path.chmod(0o600)
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    # numba finds functions by their module when it loads them from its cache.
    sys.modules[path.stem] = module
    exec(compile(text, str(path), "exec"), vars(module))
    for function in vars(module).values():
        if getattr(function, "__module__", "") == path.stem and hasattr(function, "py_func"):
            _check_cache_files(function)
    return module


def _check_cache_files(function: Any) -> None:
    """Check digests of a compiled function's cache files; damaged code is compiled again."""
    code_cache = function._cache
    file = getattr(code_cache, "_cache_file", None)
    if file is None:
        return
    code_cache._cache_file = _checked_file_class()(
        code_cache._cache_path, code_cache._impl.filename_base, file._source_stamp
    )


@cache
def _checked_file_class() -> type[Any]:
    """numba's index and data files with a digest in front of each."""
    caching: Any = import_module("numba.core.caching")

    class CheckedFile(caching.IndexDataCacheFile):  # type: ignore[misc]
        def _load_index(self) -> Any:
            try:
                stamp, overloads = _read_checked(Path(self._index_path))
            except OSError:
                return {}
            return overloads if stamp == self._source_stamp else {}

        def _save_index(self, overloads: Any) -> None:
            self._write(self._index_path, (self._source_stamp, overloads))

        def _load_data(self, name: str) -> Any:
            return _read_checked(Path(self._data_path(name)))

        def _save_data(self, name: str, data: Any) -> None:
            self._write(self._data_path(name), data)

        def _write(self, path: str, content: Any) -> None:
            data = self._dump(content)
            try:
                with self._open_for_write(path) as file, _make_file_private(file):
                    file.write(hashlib.sha256(data).digest() + data)
            except OSError:
                # A full disk, or a folder of that name: it is compiled again next time.
                _try_remove(Path(path))

    return CheckedFile


def _read_checked(path: Path) -> Any:
    """The content of a cache file; OSError, which numba handles, if it is not as written."""
    import pickle

    if not is_private(path):
        raise OSError(f"{path} is not a file of this user")
    data = path.read_bytes()
    if hashlib.sha256(data[_DIGEST:]).digest() != data[:_DIGEST]:
        raise OSError(f"{path} is damaged")
    return pickle.loads(data[_DIGEST:])


@contextmanager
def _make_file_private(file: IO[bytes]) -> Iterator[None]:
    if hasattr(os, "fchmod"):
        os.fchmod(file.fileno(), 0o600)
    yield


def _try_remove(path: Path) -> None:
    with suppress(OSError):
        _remove(path)
