"""Keeping the process's memory between training steps."""

from __future__ import annotations

import ctypes

#: glibc's names for: give memory back to the system above, and map single blocks above (bytes).
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_NEVER = 1 << 30


def keep() -> bool:
    """Ask the C library not to give freed memory back; whether it could be asked.

    A step frees some tens of MB and needs them again in the next one. Given back in between, they
    come as empty pages, each of which the system clears and maps anew: a third of a forward pass.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # not glibc
        return False
    return all(mallopt(what, _NEVER) for what in (_TRIM_THRESHOLD, _MMAP_THRESHOLD))
