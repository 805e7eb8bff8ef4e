"""Parsing typed numbers: a single one, the x of each token, or the rows of a matrix."""

from __future__ import annotations

import re
from math import isfinite

from rnnviz.errors import UsageError
from rnnviz.messages import _
from rnnviz.toy_net import LARGEST, MOST, Sequence

#: Parsed numbers, row by row.
Table = list[list[float]]

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
#: A number with a decimal comma.
DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+", re.ASCII)
#: What NumPy and PyTorch print around lists of numbers.
_PRINTED = re.compile(
    r"(?:\b(?:np|numpy|torch)\.)?\b(?:array|tensor|matrix)(?=\s*\()|,?\s*dtype\s*=\s*[\w.]+"
)
#: Other minus signs, invisible characters and full-width forms.
_PLAIN = str.maketrans(
    dict.fromkeys("−–‐‑﹣", "-")
    | dict.fromkeys("\ufeff\u200b\u200c\u200d\u2060\u00ad", "")
    | {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
)
_OPEN, _CLOSE = "([{", ")]}"
_BETWEEN = re.compile(r"[;|\n]")


def number(typed: str) -> float:
    """Parse a decimal number from −LARGEST to LARGEST; UsageError for anything else."""
    text = typed.translate(_PLAIN).strip()
    if not _NUMBER.fullmatch(text):
        hint = ""
        if DECIMAL_COMMA.fullmatch(text):
            hint = _(" Write it with a point: {number}.").format(number=text.replace(",", "."))
        raise UsageError(
            _("{typed} is not a number.{hint} Numbers look like 1, 0.5 or -2e-3.").format(
                typed=_quoted(typed), hint=hint
            )
        )
    value = float(text)
    if not isfinite(value) or abs(value) > LARGEST:
        raise UsageError(
            _(
                "{typed} is too large: a number by hand lies between -{highest:,} and {highest:,}."
            ).format(typed=_quoted(typed), highest=LARGEST)
        )
    return value + 0.0  # −0 is 0


def number_literal(value: float) -> str:
    """The shortest text that parses to the number."""
    return repr(float(value)).removesuffix(".0")


def inputs(text: str, width: int = 1) -> Sequence:
    """Parse the x of each token, ``width`` numbers each; UsageError if the text is not that.

    Tokens are in brackets or separated by ``;``, ``|`` or line ends; for one number per token,
    spaces or commas suffice.
    """
    rows = _rows(text)
    if not any(rows):
        raise UsageError(
            _("There is no number in this text. Type some: {example}").format(
                example=_example(width)
            )
        )
    _no_decimal_commas(text, rows, width)
    if width == 1 and len(rows) == 1:
        rows = [[typed] for typed in rows[0]]
    try:
        x = tuple(tuple(number(typed) for typed in row) for row in rows)
    except UsageError as error:
        raise UsageError(_wrong_number(str(error), width)) from None
    if any(len(row) != width for row in x):
        raise UsageError(_wrong_width(x, width))
    return x


def table(text: str) -> Table:
    """Parse the rows of a matrix, or one row; UsageError for anything but numbers."""
    return [[number(typed) for typed in row] for row in _rows(text)]


def input_text(x: Sequence) -> str:
    """The x of each token as a text that :func:`inputs` reads."""
    return " ".join(tokens(x))


def tokens(x: Sequence) -> tuple[str, ...]:
    """The text of each token: ``0.5``, or ``(1, 0.5)``."""
    return tuple(_token(row) for row in x)


def _token(row: tuple[float, ...]) -> str:
    typed = ", ".join(map(number_literal, row))
    return typed if len(row) == 1 else f"({typed})"


# -- splitting ------------------------------------------------------------------------------------


def _rows(text: str) -> list[list[str]]:
    """Split a text into rows (brackets, ``;``, ``|`` or line ends) of unparsed numbers."""
    text = _PRINTED.sub("", text.translate(_PLAIN)).strip()
    if any(char in text for char in _OPEN + _CLOSE):
        inside = _innermost(text)
        if len(inside) > 1 or not _BETWEEN.search(inside[0]):
            return [_split(row) for row in inside]
        text = inside[0]
    if _BETWEEN.search(text):
        return [_split(row) for row in _BETWEEN.split(text) if row.strip()]
    # Commas bind tighter than spaces, unless they are next to spaces: "1,2 3,4" is two rows.
    chunks = re.sub(r"\s*,\s+|\s+,\s*", ",", text).split()
    if len(chunks) > 1 and any("," in chunk for chunk in chunks):
        return [_split(chunk) for chunk in chunks]
    return [_split(text)]


def _split(row: str) -> list[str]:
    """Split a row at commas or spaces; adjacent commas enclose an empty text."""
    row = row.strip().removesuffix(",")
    return re.split(r"\s*,\s*|\s+", row.strip()) if row.strip() else []


def _innermost(text: str) -> list[str]:
    """The contents of the innermost brackets; UsageError if numbers are outside of them."""
    open_at: list[tuple[str, int]] = []
    found: list[str] = []
    outside, last = "", 0
    for k, char in enumerate(text):
        if char in _OPEN:
            outside += text[last:k]
            open_at.append((char, k))
            last = k + 1
        elif char in _CLOSE:
            if not open_at or _OPEN.index(open_at[-1][0]) != _CLOSE.index(char):
                raise UsageError(
                    _("{text}: this {bracket} closes no bracket.").format(
                        text=_quoted(text), bracket=char
                    )
                )
            start = open_at.pop()[1]
            if not any(c in text[start + 1 : k] for c in _CLOSE):
                found.append(text[start + 1 : k])
            else:
                outside += text[last:k]
            last = k + 1
    if open_at:
        raise UsageError(
            _("{text}: the bracket {bracket} is not closed.").format(
                text=_quoted(text), bracket=open_at[-1][0]
            )
        )
    outside = (outside + text[last:]).strip(" \t\r\n,;|")
    if re.search(r"[^\s,;|]", outside):
        raise UsageError(
            _("{text}: {outside} is outside the brackets.").format(
                text=_quoted(text), outside=_quoted(outside)
            )
        )
    return found


# -- messages -------------------------------------------------------------------------------------


def number_count(count: int) -> str:
    """How many numbers, for a message: "1 number" or "3 numbers"."""
    message = _("{count} number") if count == 1 else _("{count} numbers")
    return message.format(count=count)


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _example(width: int) -> str:
    if width == 1:
        return 'rnnviz step --units 1 "1 0 1"'
    steps = "; ".join(" ".join(f"0.{k + j + 1}" for k in range(width)) for j in range(2))
    return f'rnnviz step --units 1 --inputs {width} "{steps}"'


def _wrong_number(reason: str, width: int) -> str:
    if width == 1:
        return _(
            "A net by hand reads numbers, one for each token. {reason}\nType for example: {example}"
        ).format(reason=reason, example=_example(width))
    return _(
        "A net by hand reads numbers, {width} for each token. {reason}\nType for example: {example}"
    ).format(width=width, reason=reason, example=_example(width))


def _no_decimal_commas(text: str, rows: list[list[str]], width: int) -> None:
    """Raise UsageError if a comma is probably a decimal comma and not a separator."""
    text = text.translate(_PLAIN).strip()
    if any(char in text for char in _OPEN + _CLOSE):
        return
    chunks = re.split(r"\s*[;|]\s*|\s+", text)
    first = next((c for c in chunks if DECIMAL_COMMA.fullmatch(c.removesuffix(","))), None)
    if first is None:
        return
    first = first.removesuffix(",")
    # "1, 0,5" contains both kinds; "0,5" alone or among single numbers is ambiguous.
    both = re.search(r",\s", text) is not None
    if both or (width == 1 and (len(rows) > 1 or len(chunks) == 1)):
        raise UsageError(
            _(
                "{typed} could be one number or two. Write one with a point "
                "({one}), two with a space ({two})."
            ).format(typed=_quoted(first), one=first.replace(",", "."), two=first.replace(",", " "))
        )


def _wrong_width(x: Sequence, width: int) -> str:
    t, row = next((t, row) for t, row in enumerate(x) if len(row) != width)
    found = number_count(len(row))
    other = {len(row) for row in x}
    if len(x) == 1 and len(row) > width > 1:
        return _(
            "This net reads {width} numbers a token; found {found}. "
            "Put ; between the tokens: {example}"
        ).format(width=width, found=found, example=_example(width))
    if len(x) == 1 and width > 1:
        return _(
            "This net reads {width} numbers a token; found {found}. Type them all: {example}"
        ).format(width=width, found=found, example=_example(width))
    if len(other) == 1 and len(row) <= MOST:
        return _(
            "Token {t} has {found}, {token}; this net reads {width} a token.\n"
            "For a net that reads {given}: --inputs {given}"
        ).format(t=t + 1, found=found, token=_token(row), width=width, given=len(row))
    return _(
        "Token {t} has {found}, {token}; this net reads {width} a token.\n"
        "Type for example: {example}"
    ).format(t=t + 1, found=found, token=_token(row), width=width, example=_example(width))
