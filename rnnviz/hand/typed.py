"""What is typed for a net by hand: the numbers of its text, and edits such as ``U_i[0,1]=-1``."""

from __future__ import annotations

import re

from rnnviz.errors import UsageError, nearest
from rnnviz.hand import Entry, Hand

#: A number that can be shown whole beside others.
LARGEST, DECIMALS = 1000, 4
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)", re.ASCII)
_EDIT = re.compile(
    r"\s*(\w+)\s*(?:\[\s*(\d+)\s*(?:,\s*(\d+)\s*)?\])?\s*=\s*(.*)", re.ASCII | re.DOTALL
)
_FORM = "Write NAME=VALUE or NAME[INDEX]=VALUE, for example W_f=0.5 or U_i[0,1]=-1."


def number(said: str) -> float:
    """A number of at most DECIMALS decimals, from −LARGEST to LARGEST; UsageError for others."""
    plain = said.strip().replace("−", "-")
    if not _NUMBER.fullmatch(plain):
        hint = " Write it with a point: 0.5." if "," in said else ""
        raise UsageError(f"{said!r} is not a number.{hint} Numbers look like 1, 0.5 or -2.")
    value = float(plain)
    if round(value, DECIMALS) != value or abs(value) > LARGEST:
        raise UsageError(
            f"{said.strip()} cannot be shown whole: a number by hand has at most {DECIMALS} "
            f"decimals and lies between -{LARGEST} and {LARGEST}."
        )
    return value + 0.0  # −0 is 0


def inputs(text: str) -> tuple[float, ...]:
    """The x of each token; UsageError for a text that is not numbers with spaces between them."""
    found = []
    for token in text.split():
        try:
            found.append(number(token))
        except UsageError as error:
            raise UsageError(
                f"A net by hand reads numbers, one for each token. {error}\n"
                'Type for example: rnnviz step --units 1 "1 0 1"'
            ) from None
    if not found:
        raise UsageError('There is no number in this text. Type some: rnnviz step --units 1 "1 0"')
    return tuple(found)


def plain(value: float) -> str:
    """A number as it is typed."""
    return f"{value:.{DECIMALS}f}".rstrip("0").rstrip(".")


def changed(hand: Hand, text: str, entry: Entry, value: float) -> tuple[Hand, str]:
    """The net and its text with another number in one place."""
    if entry.name != "x":
        return hand.changed(entry, value), text
    tokens = text.split()
    tokens[entry.row] = plain(value)
    return hand, " ".join(tokens)


def edited(hand: Hand, text: str, said: str) -> tuple[Hand, str]:
    """The net and its text after an edit that was typed; UsageError that says what was meant.

    Without an index every number of the name is set.
    """
    match = _EDIT.fullmatch(said)
    if match is None:
        raise UsageError(f"{said!r} is no edit. {_FORM}")
    name, row, column, value = match.groups()
    known = ("x", *hand.names)
    if name not in known:
        raise UsageError(
            f"A {hand.cell} by hand has no {name!r}.{nearest(name, known)} "
            f"It has {', '.join(known)}."
        )
    try:
        to = number(value)
    except UsageError as error:
        raise UsageError(f"{said}: {error}") from None
    for entry in _meant(hand, text, said, name, [int(n) for n in (row, column) if n is not None]):
        hand, text = changed(hand, text, entry, to)
    return hand, text


def _meant(hand: Hand, text: str, said: str, name: str, index: list[int]) -> list[Entry]:
    """The entries of a name at an index; all of them without one."""
    if name == "x":
        T = len(text.split())
        entries, shape = [Entry("x", t, 0) for t in range(T)], (T, 1)
    else:
        rows = hand.array(name)
        entries, shape = list(hand.entries(name)), (len(rows), len(rows[0]))
    if not index:
        return entries
    # A vector needs one index, whichever way it stands in the formula.
    short = max(shape) if 1 in shape else None
    for entry in entries:
        if index == [entry.row, entry.column]:
            return [entry]
        if short and index == [max(entry.row, entry.column)]:
            return [entry]
    last = f"[{short - 1}]" if short else f"[{shape[0] - 1},{shape[1] - 1}]"
    first = "[0]" if short else "[0,0]"
    raise UsageError(
        f"{said}: {name} has {len(entries)} number{'s' * (len(entries) > 1)}, "
        f"{name}{first}{f' to {name}{last}' if last != first else ''}."
    )
