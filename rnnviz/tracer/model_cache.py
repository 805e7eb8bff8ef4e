"""Models by name, loaded once and again when their files change."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from rnnviz.model_files import StoredModel, load, locate

#: Looking a model's JSON up takes as long as a part of a trace.
_locate = lru_cache(maxsize=16)(locate)


def cached_model(name: str) -> StoredModel:
    """See :func:`rnnviz.model_files.load`; loaded again when its files are written anew.

    A run in training writes better weights, and "last" may name another run.
    """
    files = locate(name) if name.partition("@")[0] == "last" else _locate(name)
    return _load(name, tuple((file, modified(file)) for file in files))


def modified(file: Path) -> int:
    """When a file was written, in nanoseconds; 0 if there is none."""
    return file.stat().st_mtime_ns if file.is_file() else 0


@lru_cache(maxsize=16)
def _load(name: str, modified: tuple[tuple[Path, int], ...]) -> StoredModel:
    return load(name)
