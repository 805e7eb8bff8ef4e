"""Columns of numbers as tables have them: with decimal commas, thousands and missing values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np

from rnnviz.arrays import Array
from rnnviz.messages import _

#: What stands for a missing value.
MISSING: Final = frozenset({"", "na", "n/a", "nan", "null", "none", "-", "?", "-9999", "-9999.0"})
#: The largest absolute value of a number.
MAX_VALUE: Final = 1e15
_PLAIN: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_DECIMAL_COMMA: Final = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+)?(,\d+)?([eE][+-]?\d+)?", re.ASCII)
_THOUSANDS: Final = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)


def is_missing(field: str) -> bool:
    """Whether a field stands for a missing value."""
    return field.strip().casefold() in MISSING


def parse_numbers(fields: Sequence[str], decimal_comma: bool) -> tuple[Array, Array, str]:
    """The numbers of a column (N), NaN for those that are missing; which are no numbers (N); and
    how commas were read, "" if there are none.

    ``decimal_comma``: whether a comma in a number can be nothing else, since it is not the
    delimiter. Otherwise commas in groups of three digits separate thousands.
    """  # fmt: skip
    texts = [field.strip().replace("\u2212", "-").replace("\xa0", "") for field in fields]
    with_comma = [text for text in texts if "," in text]
    read = ""
    form = _PLAIN
    if with_comma:
        grouped = not decimal_comma and all(map(_THOUSANDS.fullmatch, with_comma))
        read = _("thousands") if grouped else _("decimals")
        form = _THOUSANDS if grouped else _DECIMAL_COMMA
    values = np.full(len(texts), np.nan)
    wrong = np.zeros(len(texts), bool)
    for n, text in enumerate(texts):
        if is_missing(text):
            continue
        if form.fullmatch(text) and any(map(str.isdigit, text)):
            plain = text.replace(",", "") if read == "thousands" else _with_point(text, form)
        elif _PLAIN.fullmatch(text):
            plain = text
        else:
            wrong[n] = True
            continue
        value = float(plain)
        wrong[n] = abs(value) > MAX_VALUE
        values[n] = np.nan if wrong[n] else value
    return values, wrong, read


def _with_point(text: str, form: re.Pattern[str]) -> str:
    """A number with a decimal comma, with a point; a point in it separates thousands."""
    if form is _DECIMAL_COMMA:
        return (text.replace(".", "") if "," in text else text).replace(",", ".")
    return text
