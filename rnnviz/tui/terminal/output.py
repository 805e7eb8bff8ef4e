"""What goes down the wire: the same picture in fewer bytes, and no colour where none is wanted.

Textual writes every piece of text with all its attributes and a reset behind it. A heatmap row is
many pieces that differ in one colour, so only what changes is sent.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from textual.driver import Driver

_SGR = re.compile("\x1b\\[([0-9;]*)m")
_MOVES = re.compile("(?:\x1b\\[[0-9;]*[HGC]|\r\n)+")
#: Every attribute that is set, with its code; the same few hundred sets come again and again.
Attributes = tuple[tuple[str, str], ...]

#: Which attribute a code sets; a code that is not here is passed on as it is.
_MARKS = {"1": "bold", "2": "dim", "3": "italic", "4": "underline", "5": "blink", "7": "reverse",
          "8": "conceal", "9": "strike"}  # fmt: skip


def compact(data: str, colour: bool = True, erases: bool = False) -> str:
    """The data with attributes sent only where they change; without any colour code if not wanted.

    Every piece of data starts and ends with no attributes set, as Textual's pieces do. If the
    terminal ``erases`` in the background that is set, long runs of spaces are erased columns.
    """
    if "\x1b[" not in data:
        return data
    # Text and codes by turns, beginning and ending with text.
    parts = _SGR.split(data)
    out: list[str] = []
    sent: Attributes = ()
    wanted: Attributes = ()
    for between, codes in zip(parts[::2], [*parts[1::2], ""], strict=True):
        if between:
            if between[0] in "\x1b\r" and _MOVES.fullmatch(between):
                now = sent  # attributes mean nothing to a cursor that only moves
            else:
                blank = between.strip(" ") == ""
                now = _for_spaces(sent, wanted) if blank else wanted
            if now is not sent:
                out.append(_change(sent, now))
                sent = now
            out.append(_erased(between, sent) if erases and "    " in between else between)
        wanted = _after(wanted, codes, colour)
    out.append(_change(sent, ()))
    return "".join(out)


#: Erased and stepped over in fewer bytes than written.
_GAP = re.compile(" {13,}")


def _erased(text: str, sent: Attributes) -> str:
    """The text with long gaps erased; what is underlined or reversed is no gap."""
    if any(name not in _BLANK for name, _ in sent):
        return text
    return _GAP.sub(lambda gap: f"\x1b[{len(gap[0])}X\x1b[{len(gap[0])}C", text)


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
_BLANK = {*_INK, "paper"}


@lru_cache(maxsize=8192)
def _for_spaces(sent: Attributes, wanted: Attributes) -> Attributes:
    """The attributes for spaces alone: they show no ink, so that of before may stay."""
    if any(name == "reverse" for name, _ in (*sent, *wanted)):
        return wanted
    kept = {name: code for name, code in sent if name in _INK}
    return tuple({**kept, **{n: code for n, code in wanted if n not in _INK}}.items())


@lru_cache(maxsize=8192)
def _after(now: Attributes, codes: str, colour: bool) -> Attributes:
    """The attributes once a code has been read."""
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
    return tuple(after.items())


@lru_cache(maxsize=8192)
def _change(before: Attributes, after: Attributes) -> str:
    """The shortest codes that lead from one set of attributes to another."""
    sent, wanted = dict(before), dict(after)
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
    """The driver with :func:`compact` before its ``write``; the usual one is for any terminal."""
    erases = erases_in_colour()
    if driver.__name__ == "LinuxDriver":
        from rnnviz.tui.terminal.driver import TerminalDriver

        driver = TerminalDriver

    class Thrifty(driver):  # type: ignore[misc, valid-type]
        def write(self, data: str) -> None:
            super().write(compact(data, colour, erases))

    return Thrifty


def erases_in_colour() -> bool:
    """Does the terminal erase in the background that is set? What nobody knows does not."""
    try:
        import curses

        curses.setupterm()
        return curses.tigetflag("bce") == 1 and curses.tigetstr("ech") is not None
    except Exception:
        # No curses (Windows), no such terminal, or no terminal at all.
        return False
