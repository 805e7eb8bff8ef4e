"""Colours and glyphs: four themes, a diverging scale, and signs that work without colour.

Orange is above zero, blue below, and zero is the background; both ends have the same luminance, so
neither sign looks larger. A gate (0 to 1) is a bar that fills its cell from below, in one neutral
colour: the share of the cell that it fills is its value, with colours and without.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from rich.color import Color
from rich.style import Style
from textual.theme import Theme

#: Steps of the scale on either side of zero: 41 levels in all.
STEPS = 20
#: A bar by its height in eighths of a line.
BARS = " ▁▂▃▄▅▆▇█"
RGB = tuple[float, float, float]

_PLAIN = {
    "-": "─━┄−⁻–—", "|": "│┃‖╵", "+": "┌┐└┘├┤┬┴┼┏┓┗┛┣┫┳┻╋╭╮╰╯⊕⁺±", ">": "▸▶→›", "<": "◀←⟵◂≤⌫‹",
    "^": "▲△↑", "v": "▼↓", "*": "◆▪×⊙", "o": "●○•◇°", "[": "▐", "]": "▌", "#": "█▇▓■□",
    "_": "▃▂▁␣⇥", ".": "·░…", ":": "▒▆▅▄", "x": "⊗", '"': "“”", "'": "‘’", "d": "∂", "s": "σ",
    "S": "Σ", "T": "ᵀ", "~": "∞↵", "!": "≠", "i": "ı", "I": "İ", "g": "ğ", "G": "Ğ",
    "D": "Δ", "P": "Π", "/": "↗", "\\": "↘",
    "e": "ε", "c": "ç", "C": "Ç", "u": "ü", "U": "Ü", "O": "Ö",
}  # fmt: skip
_DIGITS = "₀₁₂₃₄₅₆₇₈₉", "⁰¹²³⁴⁵⁶⁷⁸⁹"
#: Replacements for locales and fonts without these characters, one column each.
ASCII = str.maketrans(
    {ord(wide): plain for plain, group in _PLAIN.items() for wide in group}
    | {ord("ö"): "o", ord("ş"): "s", ord("Ş"): "S", ord("â"): "a", ord("î"): "i", ord("û"): "u"}
    | {ord(digit): str(n) for digits in _DIGITS for n, digit in enumerate(digits)}
    | {ord("₋"): "-", ord("∘"): "o"}
)


def rgb(colour: str) -> RGB:
    """``#rrggbb`` as three numbers from 0 to 1."""
    red, green, blue = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
    return red, green, blue


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _display(value: float) -> float:
    return value * 12.92 if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055


def luminance(colour: str) -> float:
    """Relative luminance as WCAG defines it, 0 to 1."""
    red, green, blue = (_linear(v) for v in rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def mixed(start: str, end: str, share: float) -> str:
    """A colour between two, mixed in linear light so that luminance is linear in ``share``."""
    pairs = zip(rgb(start), rgb(end), strict=True)
    light = [_linear(a) * (1 - share) + _linear(b) * share for a, b in pairs]
    return "#" + "".join(f"{round(255 * _display(v)):02x}" for v in light)


@dataclass(frozen=True)
class ColourPalette:
    """The colours of one theme, as ``#rrggbb``."""

    name: str
    dark: bool
    background: str
    panel: str
    ink: str
    dim: str
    rule: str
    now: str  # the values computed at the cursor
    source: str  # the values they are computed from
    above: str  # the positive end of the scale
    below: str  # the negative end
    open: str  # the bar of a gate
    wrong: str
    above_ink: str  # both ends as text colours
    below_ink: str
    gamma: float  # exponent of the scale; less than 1 raises small values


PALETTES = (
    ColourPalette(
        "dark", True, "#10141b", "#1b212c", "#eceff4", "#a8a8a8", "#4e4e4e", "#ffd75f", "#8be9fd",
        "#f59a45", "#75b2ff", "#b9c3d2", "#ff9d9d", "#f59a45", "#6fb0ff", 0.9,
    ),
    ColourPalette(
        "light", False, "#fcfbf8", "#eeece5", "#1b2330", "#566070", "#b9bec8", "#8a3b00", "#005f73",
        "#d76c08", "#508bda", "#5d6a7e", "#a8122a", "#a34a00", "#1b5fb0", 0.75,
    ),
    ColourPalette(
        "contrast", True, "#000000", "#000000", "#ffffff", "#d6d6d6", "#8a8a8a", "#ffff00",
        "#00ffff", "#ff9f2e", "#76baff", "#ffffff", "#ff8f8f", "#ff9f2e", "#62b4ff", 1.0,
    ),
)  # fmt: skip
THEMES = (*(p.name for p in PALETTES), "ansi")


def textual_theme(palette: ColourPalette) -> Theme:
    """The theme of Textual's widgets (palette, input, scroll bars)."""
    return Theme(
        name=f"rnnviz-{palette.name}",
        primary=palette.below,
        secondary=palette.source,
        accent=palette.now,
        warning=palette.now,
        error=palette.wrong,
        success=palette.source,
        foreground=palette.ink,
        background=palette.background,
        surface=palette.panel,
        panel=palette.panel,
        dark=palette.dark,
        # Textual's own mixtures of these are too faint to read.
        variables={
            "foreground-muted": palette.dim,
            "text-muted": palette.dim,
            "text-disabled": palette.dim,
            "block-cursor-foreground": palette.background,
            "block-cursor-background": palette.now,
            "block-cursor-blurred-foreground": palette.background,
            "block-cursor-blurred-background": palette.now,
            "scrollbar": palette.dim,
            "scrollbar-hover": palette.ink,
            "scrollbar-active": palette.now,
            "scrollbar-background": palette.panel,
        },
    )


class ViewTheme:
    """The styles and glyphs of views in one theme."""

    def __init__(self, name: str, colour: bool = True, ascii_only: bool = False) -> None:
        self.name, self.colour, self.ascii = name, colour, ascii_only
        self.palette = next((p for p in PALETTES if p.name == name and colour), None)

    @cached_property
    def background(self) -> Style | None:
        """The background; None: the background of the terminal."""
        return Style(bgcolor=self.palette.background) if self.palette else None

    @cached_property
    def ink(self) -> Style:
        """Text."""
        return self._style("ink")

    @cached_property
    def dim(self) -> Style:
        """Secondary text: labels, questions, scales."""
        return self._style("dim")

    @cached_property
    def bold(self) -> Style:
        """Headings."""
        return self._style("ink", bold=True)

    @cached_property
    def rule(self) -> Style:
        """Rules and dots."""
        return self._style("rule", dim=self.palette is None)

    @cached_property
    def later(self) -> Style:
        """What is not computed yet."""
        return self._style("dim", dim=self.palette is None)

    @cached_property
    def now(self) -> Style:
        """The values computed at the cursor."""
        return self._style("now", bold=True)

    @cached_property
    def source(self) -> Style:
        """The values they are computed from."""
        return self._style("source", bold=True)

    @cached_property
    def wrong(self) -> Style:
        """Error messages."""
        return self._style("wrong", bold=True)

    @cached_property
    def unknown(self) -> Style:
        """A word that is not in the vocabulary."""
        return self._style("dim", underline=True)

    @cached_property
    def chosen(self) -> Style:
        """The current token."""
        if self.palette is None:
            return Style(bold=True, reverse=True)
        return Style(color=self.palette.background, bgcolor=self.palette.now, bold=True)

    @cached_property
    def key(self) -> Style:
        """A key in the key bar."""
        return self._style("now", bold=True)

    @cached_property
    def above(self) -> Style:
        """Positive values in bars and curves."""
        return self._style("above_ink", bold=True)

    @cached_property
    def below(self) -> Style:
        """Negative values in bars and curves."""
        return self._style("below_ink", bold=True)

    def faded(self, style: Style) -> Style:
        """A colour of bars half way to the background: what is not the current one."""
        if self.palette is None or style.color is None:
            return Style(color=style.color, dim=True)
        colour = f"#{''.join(f'{v:02x}' for v in style.color.get_truecolor())}"
        return Style(color=mixed(self.palette.background, colour, 0.35))

    def _style(self, role: str, **marks: Any) -> Style:
        if self.palette is not None:
            return Style(color=getattr(self.palette, role), **marks)
        if not self.colour or role in ("ink", "rule"):
            return Style(**marks)
        if role == "dim":
            return Style(**marks)
        return Style(color=_TERMINAL[role], **marks)

    def signed(self, level: int) -> Style:
        """The cell of a signed value, level −20 to 20; shades in steps of two.

        With fewer shades more neighbours are equal, and a row takes fewer bytes.
        """
        end = "above" if level > 0 else "below"
        return _cell(self.palette, self.colour, end, (abs(level) + 1) // 2 * 2, False)

    @cached_property
    def gate(self) -> Style:
        """The bar of a gate, of any height."""
        return Style() if self.palette is None else Style(color=self.palette.open)

    def number_on(self, level: int, gate: bool) -> Style:
        """A number on the colour of its value: black or white, whichever has more contrast.

        A gate's colours run from the background to that of text, in equal steps of lightness.
        """
        end = "ink" if gate else "above" if level > 0 else "below"
        return _cell(self.palette, self.colour, end, abs(level), True)


#: Colours of the terminal's palette. All are light: black can be read on them.
_TERMINAL = {
    "now": "yellow", "source": "cyan", "above": "yellow", "below": "cyan",
    "wrong": "bright_red", "above_ink": "yellow", "below_ink": "cyan",
}  # fmt: skip


@cache
def _cell(palette: ColourPalette | None, colour: bool, end: str, level: int, number: bool) -> Style:
    if palette is None:
        return _ansi_cell(colour, end, level)
    if level == 0:
        return Style(color=palette.ink if number else palette.rule)
    share = level / STEPS
    share = _even_share(palette, share) if end == "ink" else share**palette.gamma
    back = mixed(palette.background, getattr(palette, end), share)
    # The ink of signs is a little softer than that of numbers: colours are seen first.
    inks = ("#000000", "#ffffff") if number else (palette.background, palette.ink)
    return Style(color=max(inks, key=lambda ink: contrast(ink, back)), bgcolor=back)


def _even_share(palette: ColourPalette, share: float) -> float:
    """The share of ink in the background that is ``share`` of the way from one to the other.

    In lightness, that is (CIE L*), so that equal steps look equal.
    """
    low, high = luminance(palette.background), luminance(palette.ink)
    start, end = lightness(low), lightness(high)
    wanted = start + share * (end - start)
    at = ((wanted + 16) / 116) ** 3 if wanted > 8 else wanted * 27 / 24389
    return (at - low) / (high - low)


def lightness(of: float) -> float:
    """CIE L* of a relative luminance, 0 (black) to 100 (white)."""
    return 116 * of ** (1 / 3) - 16 if of > 216 / 24389 else of * 24389 / 27


def _ansi_cell(colour: bool, end: str, level: int) -> Style:
    if not colour or end == "ink" or level < STEPS // 4:
        return Style(bold=level >= STEPS // 2)
    # Not bold: many terminals show bold black as grey.
    return Style(color="black", bgcolor=Color.parse(_TERMINAL[end]))


def signed_glyph(level: int) -> str:
    """The sign of a cell, for use without colours."""
    if abs(level) < 2:
        return " "
    strong = abs(level) >= STEPS // 2
    return ("+" if strong else "⁺") if level > 0 else ("−" if strong else "⁻")


def gate_glyph(level: int) -> str:
    """The bar of a gate, level 0 to 20: as high as its share of 1; empty only at 0."""
    return BARS[max(level > 0, round(level * (len(BARS) - 1) / STEPS))]
