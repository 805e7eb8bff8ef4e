"""Parsing arrays of times such as ``31.12.2020 23:50:00``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from rnnviz.arrays import Array

TIME_FORMAT: Final = "dd.mm.yyyy hh:mm:ss"
_PATTERN: Final = np.frombuffer(b"00.00.0000 00:00:00", np.uint8)


def parse_times(stamps: Array, error_at: Callable[[int], Exception]) -> Array:
    """(N,) datetime64[m] of (N,) byte strings; the first invalid one, n, raises ``error_at(n)``."""
    width = len(_PATTERN)
    right_length = np.char.str_len(stamps) == width
    if not right_length.all():
        raise error_at(int(np.argmin(right_length)))
    chars = np.ascontiguousarray(stamps.astype(f"S{width}")).view(np.uint8).reshape(-1, width)
    digit = _PATTERN == ord("0")  # (width,)
    matches = np.where(digit, (chars >= ord("0")) & (chars <= ord("9")), chars == _PATTERN)
    digits = chars.astype(np.int64) - ord("0")  # (N, width)
    day, month, hour, minute, second = (
        digits[:, k] * 10 + digits[:, k + 1] for k in (0, 3, 11, 14, 17)
    )
    year = digits[:, 6:10] @ np.array([1000, 100, 10, 1])
    in_range = (month >= 1) & (month <= 12) & (hour < 24) & (minute < 60) & (second < 60)
    valid = matches.all(axis=1) & in_range
    months = np.where(valid, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (day - 1).astype("timedelta64[D]")
    following = months + np.timedelta64(1, "M")
    valid &= (day >= 1) & (days < following.astype("datetime64[D]"))
    if not valid.all():
        raise error_at(int(np.argmin(valid)))
    return days.astype("datetime64[m]") + (hour * 60 + minute).astype("timedelta64[m]")
