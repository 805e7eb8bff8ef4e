"""Keeps the memory that a training step frees in the process, for the next step."""

from __future__ import annotations

import ctypes

#: glibc's options: bytes above which memory is returned, and single blocks are mapped.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_NEVER = 1 << 30


def keep() -> bool:
    """Tell the C library not to return freed memory to the system; whether it can be told.

    A step frees some tens of MB that the next step needs again. If they are returned in between,
    the system has to clear and map their pages again, which takes a third of a forward pass.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # not glibc
        return False
    return all(mallopt(what, _NEVER) for what in (_TRIM_THRESHOLD, _MMAP_THRESHOLD))
