"""What goes down the wire: the same picture in fewer bytes, and no colour where none is wanted.

Textual writes every piece of text with all its attributes and a reset behind it. A heatmap row is
many pieces that differ in one colour, so only what changes is sent.
"""

from __future__ import annotations

import re
from functools import cache

from textual.driver import Driver

_SGR = re.compile("\x1b\\[([0-9;]*)m")
_MOVES = re.compile("(?:\x1b\\[[0-9]+;[0-9]+H|\r\n)+")
Attributes = dict[str, str]

#: Which attribute a code sets; a code that is not here is passed on as it is.
_MARKS = {"1": "bold", "2": "dim", "3": "italic", "4": "underline", "5": "blink", "7": "reverse",
          "8": "conceal", "9": "strike"}  # fmt: skip


def compact(data: str, colour: bool = True) -> str:
    """The data with attributes sent only where they change; without any colour code if not wanted.

    Every piece of data starts and ends with no attributes set, as Textual's pieces do.
    """
    if "\x1b[" not in data:
        return data
    out: list[str] = []
    sent: Attributes = {}
    wanted: Attributes = {}
    at = 0
    for found in _SGR.finditer(data):
        between = data[at : found.start()]
        at = found.end()
        if _MOVES.fullmatch(between):
            out.append(between)  # attributes mean nothing to a cursor that only moves
        elif between:
            now = _for_spaces(sent, wanted) if between.strip(" ") == "" else wanted
            out += (_change(sent, now), between)
            sent = now
        wanted = _after(wanted, found[1], colour)
    if data[at:]:
        out += (_change(sent, wanted), data[at:])
        sent = wanted
    out.append(_change(sent, {}))
    return "".join(out)


@cache
def _short(code: str) -> str:
    """A grey that is one of the 24 of the 256-colour palette, by its number there."""
    kind, mode, *rgb = code.split(";")
    if mode != "2" or len(set(rgb)) != 1:
        return code
    step, rest = divmod(int(rgb[0]) - 8, 10)
    return f"{kind};5;{232 + step}" if rest == 0 and 0 <= step < 24 else code


#: What a space does not show.
_INK = {"ink", "bold", "dim", "italic"}


def _for_spaces(sent: Attributes, wanted: Attributes) -> Attributes:
    """The attributes for spaces alone: they show no ink, so that of before may stay."""
    if "reverse" in sent or "reverse" in wanted:
        return wanted
    kept = {name: code for name, code in sent.items() if name in _INK}
    return kept | {name: code for name, code in wanted.items() if name not in _INK}


def _after(now: Attributes, codes: str, colour: bool) -> Attributes:
    parts = codes.split(";") if codes else ["0"]
    after = dict(now)
    k = 0
    while k < len(parts):
        code = parts[k]
        k += 1
        if code in ("0", ""):
            after = {}
        elif code in _MARKS:
            after[_MARKS[code]] = code
        elif code in ("38", "48"):
            more = 2 if parts[k : k + 1] == ["5"] else 4
            value = _short(";".join(parts[k - 1 : k + more]))
            k += more
            if colour:
                after["ink" if code == "38" else "paper"] = value
        elif code in ("39", "49"):
            after.pop("ink" if code == "39" else "paper", None)
        elif code.isdigit() and (30 <= int(code) <= 47 or 90 <= int(code) <= 107):
            ink = int(code) < 40 or 90 <= int(code) < 100
            if colour:
                after["ink" if ink else "paper"] = code
        else:
            after[code] = code
    return after


def _change(sent: Attributes, wanted: Attributes) -> str:
    """The shortest codes that lead from one set of attributes to another."""
    if sent == wanted:
        return ""
    again = f"\x1b[{';'.join(['0', *wanted.values()]) if wanted else ''}m"
    lost = [name for name in sent if name not in wanted]
    if not wanted or any(name not in _OFF for name in lost):
        return again
    codes = list(dict.fromkeys(_OFF[name] for name in lost))
    # One code ends both bold and dim.
    ended = {"bold", "dim"} if "22" in codes else set()
    codes += [c for name, c in wanted.items() if sent.get(name) != c or name in ended]
    return min(f"\x1b[{';'.join(codes)}m", again, key=len)


_OFF = {"ink": "39", "paper": "49", "bold": "22", "dim": "22", "underline": "24", "reverse": "27",
        "italic": "23"}  # fmt: skip


def thrifty(driver: type[Driver], colour: bool) -> type[Driver]:
    """The driver with :func:`compact` before its ``write``."""

    class Thrifty(driver):  # type: ignore[misc, valid-type]
        def write(self, data: str) -> None:
            super().write(compact(data, colour))

    return Thrifty
