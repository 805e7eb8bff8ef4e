"""Times of the form ``31.12.2020 23:50:00``, all of a table at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from rnnviz.arrays import Array

FORM: Final = "dd.mm.yyyy hh:mm:ss"
_PATTERN: Final = np.frombuffer(b"00.00.0000 00:00:00", np.uint8)


def moments(stamps: Array, wrong: Callable[[int], Exception]) -> Array:
    """(N,) times to the minute, of (N,) byte strings; the first bad one, n, raises ``wrong(n)``."""
    width = len(_PATTERN)
    plain = np.char.str_len(stamps) == width
    if not plain.all():
        raise wrong(int(np.argmin(plain)))
    chars = np.ascontiguousarray(stamps.astype(f"S{width}")).view(np.uint8).reshape(-1, width)
    digit = _PATTERN == ord("0")
    good = np.where(digit, (chars >= ord("0")) & (chars <= ord("9")), chars == _PATTERN)
    n = chars.astype(np.int64) - ord("0")
    day, month, hour, minute, second = (n[:, k] * 10 + n[:, k + 1] for k in (0, 3, 11, 14, 17))
    year = n[:, 6:10] @ np.array([1000, 100, 10, 1])
    fits = (month >= 1) & (month <= 12) & (hour < 24) & (minute < 60) & (second < 60)
    valid = good.all(axis=1) & fits
    months = np.where(valid, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (day - 1).astype("timedelta64[D]")
    following = months + np.timedelta64(1, "M")
    valid &= (day >= 1) & (days < following.astype("datetime64[D]"))
    if not valid.all():
        raise wrong(int(np.argmin(valid)))
    return days.astype("datetime64[m]") + (hour * 60 + minute).astype("timedelta64[m]")
