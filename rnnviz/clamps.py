"""Clamps: recorded values that are set to a number instead of being computed.

They are written in two ways. Scripts, files and ``--clamp`` count tokens from 0 and have brackets:
``f[3,17]=0``. The screen counts tokens from 1 and shows the word: ``f 4 “not” 17 = 0``. That form
is typed without AltGr on keyboards where brackets need it, and a word may stand for its number:
``f not 17 = 0``. Units count from 0 in both.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from rnnviz.display import visible
from rnnviz.errors import UsageError, nearest
from rnnviz.messages import _


@dataclass(frozen=True)
class Clamp:
    """Set a recorded value to a number."""

    name: str  # "f", "c", "x" ...
    value: float
    t: int | None = None  # token, from 0; None: all
    unit: int | None = None  # None: all
    layer: str | None = None  # as the trace names it, "lstm.1.backward"; None: the first

    def __str__(self) -> str:
        """The clamp as it is typed: ``lstm.1.f[3,17]=0.5``."""
        layer = "" if self.layer is None else f"{self.layer}."
        t = "*" if self.t is None else self.t
        unit = "" if self.unit is None else f",{self.unit}"
        return f"{layer}{self.name}[{t}{unit}]={self.value:.9g}"

    def counted(self, tokens: Sequence[str], layered: bool = True) -> str:
        """The clamp as the screen writes it, tokens counted from 1: ``f 4 “not” 17 = 0``.

        ``layered``: with its layer, if that is known; in a net of one there is no other.
        """
        layer = f"{self.layer}." if layered and self.layer is not None else ""
        unit = "" if self.unit is None else f" {self.unit}"
        t = "*" if self.t is None else str(self.t + 1)
        if self.t is not None and self.t < len(tokens) and (word := _word(tokens[self.t])):
            t += f" “{word}”"
        return f"{layer}{self.name} {t}{unit} = {self.value:.9g}"

    @property
    def where(self) -> tuple[int | slice, int | slice]:
        """The index of the clamped elements in an array (T, H)."""
        every = slice(None)
        return every if self.t is None else self.t, every if self.unit is None else self.unit

    def holds(self, name: str, t: int, unit: int) -> bool:
        """Whether this value of this token and unit is clamped."""
        return self.name == name and self.t in (None, t) and self.unit in (None, unit)


#: Largest absolute value: larger ones could overflow float32 after a few products.
LARGEST = 1e6

_TYPED = re.compile(
    r"(?:(?P<layer>[\w.-]+)\.)?(?P<name>[\w~\u0303]+)"
    r"(?:\[ *(?P<t>\*|\d{1,9}) *(?:, *(?P<unit>\*|\d{1,9}) *)?\])? *= *(?P<value>\S+)"
)


def parse(text: str) -> Clamp:
    """Parse ``[LAYER.]NAME[T[,UNIT]]=VALUE``: ``f[*]=1``, ``i[3,17]=0``, ``c=0``.

    T and UNIT count from 0; ``*`` or nothing means all. Raises UsageError for anything else.
    """
    match = _TYPED.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            _(
                "Clamp {text!r}: expected [LAYER.]NAME[TOKEN,UNIT]=VALUE, counted from 0, "
                "for example 'f[*]=1' or 'i[3,17]=0'."
            ).format(text=text)
        )
    return Clamp(
        match["name"], _value(text, match["value"]), _index(match["t"]), _index(match["unit"]),
        match["layer"],
    )  # fmt: skip


_BRACKETS = re.compile(r"\s*[\w.-]+\[")
_COUNTED = re.compile(
    r"(?:(?P<layer>[\w.-]+)\.)?(?P<name>[\w~\u0303]+)"
    r"(?: +(?P<t>\*|“[^”]*”|[^\s“”]+)(?: +“(?P<word>[^”]*)”)?(?: +(?P<unit>\*|\d{1,9}))?)?"
    r" *= *(?P<value>\S+)"
)


def parse_counted(text: str, tokens: Sequence[str]) -> Clamp:
    """Parse a clamp typed on a screen that shows ``tokens``, in brackets or as the screen counts.

    ``[LAYER.]NAME [TOKEN [UNIT]] = VALUE``: ``f 4 = 0``, ``f 4 17 = 0``, ``f * = 1``, ``c = 0``.
    TOKEN counts from 1, or is a word that occurs once, ``f not = 0``; UNIT counts from 0. What
    :meth:`Clamp.counted` writes is read again. Raises UsageError for anything else.
    """
    if _BRACKETS.match(text):
        return parse(text)
    match = _COUNTED.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            _(
                "Clamp {text!r}: expected [LAYER.]NAME TOKEN UNIT = VALUE, tokens counted from 1 "
                "and units from 0, for example 'f 4 = 0', 'f 4 17 = 0' or 'f * = 1'."
            ).format(text=text)
        )
    t = _token(text, match["t"], match["word"], tokens)
    return Clamp(
        match["name"], _value(text, match["value"]), t, _index(match["unit"]), match["layer"]
    )


def _token(text: str, typed: str | None, word: str | None, tokens: Sequence[str]) -> int | None:
    """The index, from 0, of a token typed by its number from 1 or by its word."""
    if typed in (None, "*"):
        return None
    shown = [_word(token) for token in tokens]
    if typed.isdecimal() and typed.isascii():
        t = int(typed) - 1
        if not 0 <= t < len(shown):
            raise UsageError(
                _(
                    "Clamp {text!r}: tokens count from 1 (“{first}”) to {count} "
                    "(“{last}”); * holds all."
                ).format(text=text, first=shown[0], count=len(shown), last=shown[-1])
            )
        if word is not None and word != shown[t]:
            raise UsageError(
                _("Clamp {text!r}: token {typed} is “{token_word}”, not “{word}”.").format(
                    text=text, typed=typed, token_word=shown[t], word=word
                )
            )
        return t
    named = typed.strip("“”")
    found = [t for t, each in enumerate(shown) if each == named]
    found = found or [t for t, each in enumerate(shown) if each.casefold() == named.casefold()]
    if not found:
        raise UsageError(
            _(
                "Clamp {text!r}: there is no word “{named}” in this text.{hint} "
                "Tokens count from 1 (“{first}”) to {count} (“{last}”)."
            ).format(
                text=text,
                named=named,
                hint=nearest(named, shown),
                first=shown[0],
                count=len(shown),
                last=shown[-1],
            )
        )
    if len(found) > 1:
        listed = ", ".join(str(t + 1) for t in found[:6]) + (", …" if len(found) > 6 else "")
        raise UsageError(
            _("Clamp {text!r}: “{named}” is token {listed}; type one of the numbers.").format(
                text=text, named=named, listed=listed
            )
        )
    return found[0]


def _word(token: str) -> str:
    """A token as it stands between “ and ”."""
    return visible(token).replace("“", "").replace("”", "")


def _index(typed: str | None) -> int | None:
    return None if typed in (None, "*") else int(typed)


def _value(text: str, typed: str) -> float:
    try:
        value = float(typed.replace("−", "-"))
    except ValueError:
        value = math.nan
    if not abs(value) <= LARGEST:
        raise UsageError(
            _(
                "Clamp {text!r}: {typed} is not a number from {lowest:.0f} to {highest:.0f}; "
                "write one like 0.5."
            ).format(text=text, typed=typed, lowest=-LARGEST, highest=LARGEST)
        )
    return value


class ClampTarget(NamedTuple):
    """A layer and direction whose values can be clamped."""

    layer: str
    title: str  # of its cell: "LSTM"
    widths: Mapping[str, int]  # of each recorded value: units, or the width of x


def resolve_clamp(
    clamp: Clamp, targets: Sequence[ClampTarget], tokens: Sequence[str], said: str = ""
) -> Clamp:
    """Fill in the clamp's layer; UsageError if the text has no such value or index.

    ``said``: the clamp as it was typed, for messages; "": in brackets.
    """
    said, T = said or str(clamp), len(tokens)
    layers = [target.layer for target in targets]
    layer = layers[0] if clamp.layer is None else clamp.layer
    if layer not in layers:
        raise UsageError(
            _("Clamp '{said}': there is no layer '{layer}'.{hint} Layers: {layers}.").format(
                said=said, layer=layer, hint=nearest(layer, layers), layers=", ".join(layers)
            )
        )
    target = targets[layers.index(layer)]
    names = list(target.widths)
    if clamp.name not in names:
        raise UsageError(
            _("Clamp '{said}': {title} has no value '{clamp}'.{hint} Values: {names}.").format(
                said=said,
                title=target.title,
                clamp=clamp.name,
                hint=nearest(clamp.name, names),
                names=", ".join(names),
            )
        )
    if clamp.t is not None and clamp.t >= T:
        raise UsageError(
            _(
                "Clamp '{said}': this text has tokens 0 to {last} (“{first_word}” to "
                "“{last_word}”), counted from 0; * holds all."
            ).format(
                said=said, last=T - 1, first_word=visible(tokens[0]), last_word=visible(tokens[-1])
            )
        )
    width = target.widths[clamp.name]
    if clamp.unit is not None and clamp.unit >= width:
        raise UsageError(
            _("Clamp '{said}': {clamp} has units 0 to {last}; * holds all.").format(
                said=said, clamp=clamp.name, last=width - 1
            )
        )
    return replace(clamp, layer=layer)
