"""Columns of times as tables have them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np

from rnnviz.arrays import Array
from rnnviz.messages import _

#: Formats besides ISO 8601, in the order in which they are tried.
FORMS: Final = (
    "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%Y-%m", "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M", "%Y/%m/%d", "%Y%m%d", "%b-%y", "%b %Y", "%Y",
)  # fmt: skip
_SLASHED: Final = ("{} %H:%M:%S", "{} %H:%M", "{} %I:%M %p", "{}")
_ORDERS: Final = ("%d/%m/%Y", "%m/%d/%Y", "%d/%m/%y", "%m/%d/%y")


def parse_times(fields: Sequence[str]) -> tuple[Array | None, str]:
    """The times (N) as datetime64[s], and what was assumed; None if a field is no time.

    Days and months of ``03/04/2020`` are told apart by a number above 12; without one the day is
    taken as first, which is said.
    """
    texts = [field.strip() for field in fields]
    found = _iso(texts)
    if found is not None:
        return found, ""
    for form in FORMS:
        if (found := _parsed(texts, form)) is not None:
            return found, ""
    for order in _ORDERS:
        for form in _SLASHED:
            if (found := _parsed(texts, form.format(order))) is None:
                continue
            other = order.replace("%d/%m", "%m/%d")
            if other != order and _parsed(texts, form.format(other)) is not None:
                return found, _("Times such as 03/04/2020 are read with the day first")
            return found, ""
    return None, ""


def _iso(texts: Sequence[str]) -> Array | None:
    if not texts or len(texts[0]) < 10 or texts[0][4:5] != "-":
        return None
    try:
        times = [datetime.fromisoformat(text) for text in texts]
    except ValueError:
        return None
    return _array([time if time.tzinfo is None else time.astimezone(UTC) for time in times])


def _parsed(texts: Sequence[str], form: str) -> Array | None:
    try:
        return _array([datetime.strptime(text, form) for text in texts])
    except ValueError:
        return None


def _array(times: Sequence[datetime]) -> Array:
    return np.array([time.replace(tzinfo=None) for time in times], "datetime64[s]")
