"""Colours: contrast in every theme, a scale that favours no sign, and none at all on request."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from rich.cells import cell_len
from rich.color import Color, ColorSystem

from rnnviz.i18n import LANGUAGES, catalogue, page_catalogue
from rnnviz.tui.pages import PAGES
from rnnviz.tui.render.theme import (
    ASCII,
    BARS,
    PALETTES,
    STEPS,
    THEMES,
    ColourPalette,
    ViewTheme,
    contrast,
    gate_glyph,
    lightness,
    luminance,
    rgb,
    signed_glyph,
)

TEXT_ROLES = ("ink", "dim", "now", "source", "wrong", "above_ink", "below_ink")


@pytest.mark.parametrize("palette", PALETTES, ids=lambda p: p.name)
@pytest.mark.parametrize("role", TEXT_ROLES)
def test_text_has_a_contrast_of_four_and_a_half(palette: ColourPalette, role: str) -> None:
    assert contrast(getattr(palette, role), palette.background) >= 4.5
    assert contrast(getattr(palette, role), palette.panel) >= 4.5


@pytest.mark.parametrize("palette", PALETTES, ids=lambda p: p.name)
def test_the_chosen_word_can_be_read(palette: ColourPalette) -> None:
    style = ViewTheme(palette.name).chosen
    assert style.color and style.bgcolor
    assert contrast(style.color.name, style.bgcolor.name) >= 4.5


@pytest.mark.parametrize("palette", PALETTES, ids=lambda p: p.name)
@pytest.mark.parametrize("gate", [False, True])
def test_numbers_on_cells_can_be_read(palette: ColourPalette, gate: bool) -> None:
    look = ViewTheme(palette.name)
    for level in range(0 if gate else -STEPS, STEPS + 1):
        style = look.number_on(level, gate)
        assert style.color
        back = style.bgcolor.name if style.bgcolor else palette.background
        assert contrast(style.color.name, back) >= 4.5


@pytest.mark.parametrize("palette", PALETTES, ids=lambda p: p.name)
def test_signs_and_bars_can_be_seen_on_what_is_behind_them(palette: ColourPalette) -> None:
    look = ViewTheme(palette.name)
    for level in range(-STEPS, STEPS + 1):
        style = look.signed(level)
        if signed_glyph(level) != " ":
            assert style.color and style.bgcolor
            assert contrast(style.color.name, style.bgcolor.name) >= 3
    assert look.gate.color and look.gate.bgcolor is None
    assert contrast(look.gate.color.name, palette.background) >= 3


# -- gates ----------------------------------------------------------------------------------------


def light_of(palette: ColourPalette, level: int) -> float:
    """The mean luminance of the cell of a gate: the bar covers its eighths of the background."""
    share = BARS.index(gate_glyph(level)) / 8
    return share * luminance(palette.open) + (1 - share) * luminance(palette.background)


@pytest.mark.parametrize("palette", PALETTES, ids=lambda p: p.name)
def test_the_further_a_gate_is_open_the_further_its_cell_is_from_the_background(
    palette: ColourPalette,
) -> None:
    lights = [lightness(light_of(palette, level)) for level in range(STEPS + 1)]
    away = [abs(light - lights[0]) for light in lights]
    assert away == sorted(away)
    # Nine steps, each of which an eye sees (a difference of 1 in L* is just noticeable).
    assert len(set(away)) == 9
    assert min(b - a for a, b in pairwise(sorted(set(away)))) > 1.5
    half, full = (away[round(share * STEPS)] for share in (0.52, 0.99))
    assert full - half > 15


@pytest.mark.parametrize("palette", PALETTES, ids=lambda p: p.name)
def test_the_colours_behind_the_numbers_of_gates_have_equal_steps(palette: ColourPalette) -> None:
    backs = [ViewTheme(palette.name).number_on(level, True).bgcolor for level in range(1, 21)]
    lights = [lightness(luminance(back.name)) for back in backs if back]
    steps = [abs(b - a) for a, b in pairwise(lights)]
    assert len(steps) == STEPS - 1
    assert lights in (sorted(lights), sorted(lights, reverse=True))
    assert max(steps) - min(steps) < 1


@pytest.mark.parametrize("plain", [False, True], ids=["blocks", "ascii"])
def test_a_gate_is_read_from_its_bar_alone(plain: bool) -> None:
    """In every theme, without colours too; ASCII has fewer heights."""
    drawn = [gate_glyph(level) for level in range(STEPS + 1)]
    drawn = [glyph.translate(ASCII) for glyph in drawn] if plain else drawn
    assert drawn[0] == " " and " " not in drawn[1:]
    ladder = " _:#" if plain else BARS
    assert [ladder.index(glyph) for glyph in drawn] == sorted(map(ladder.index, drawn))
    assert set(drawn) == set(ladder)
    quarter, half, full = (drawn[round(share * STEPS)] for share in (0.25, 0.52, 0.99))
    assert len({quarter, half, full}) == 3


@pytest.mark.parametrize("theme", THEMES)
def test_every_theme_draws_a_gate_as_a_bar_in_one_style(theme: str) -> None:
    for colour in (True, False):
        style = ViewTheme(theme, colour).gate
        assert style.bgcolor is None and not style.reverse


# -- the diverging scale --------------------------------------------------------------------------

#: Linear RGB as seen without one kind of cone (Machado, Oliveira & Fernandes 2009, severity 1).
EYES = {
    "all cones": np.eye(3),
    "protanopia": np.array([
        [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ]),
    "deuteranopia": np.array([
        [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ]),
}  # fmt: skip
#: Linear sRGB to XYZ, relative to the white D65.
_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_XYZ /= _XYZ.sum(axis=1, keepdims=True)


def lab(colour: str, eye: str) -> np.ndarray:
    """CIE L*a*b* of a colour as that eye sees it."""
    display = np.array(rgb(colour))
    linear = np.where(display <= 0.04045, display / 12.92, ((display + 0.055) / 1.055) ** 2.4)
    seen = np.clip(_XYZ @ np.clip(EYES[eye] @ linear, 0, 1), 0, None)
    f = np.where(seen > 216 / 24389, np.cbrt(seen), (seen * 24389 / 27 + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("palette", PALETTES, ids=lambda p: p.name)
@pytest.mark.parametrize("eye", EYES)
def test_both_signs_are_told_apart_and_grow_alike(palette: ColourPalette, eye: str) -> None:
    look, zero = ViewTheme(palette.name), lab(palette.background, eye)
    away = {1: [0.0], -1: [0.0]}
    for level in range(2, STEPS + 1, 2):
        pair = {sign: look.signed(sign * level).bgcolor for sign in (1, -1)}
        seen = {sign: lab(back.name, eye) for sign, back in pair.items() if back}
        # ΔE*ab: 2.3 is just noticeable.
        assert np.linalg.norm(seen[1] - seen[-1]) > (7 if level == 2 else 13)
        assert abs(seen[1][0] - seen[-1][0]) < (2 if eye == "all cones" else 11)
        for sign in (1, -1):
            away[sign].append(float(np.linalg.norm(seen[sign] - zero)))
    for distances in away.values():
        assert min(b - a for a, b in pairwise(distances)) > 2


@pytest.mark.parametrize("palette", PALETTES, ids=lambda p: p.name)
def test_both_signs_are_equally_light(palette: ColourPalette) -> None:
    look = ViewTheme(palette.name)
    for level in range(1, STEPS + 1):
        above, below = look.signed(level).bgcolor, look.signed(-level).bgcolor
        assert above and below
        assert abs(luminance(above.name) - luminance(below.name)) < 0.005


@pytest.mark.parametrize("palette", PALETTES, ids=lambda p: p.name)
def test_zero_is_the_background(palette: ColourPalette) -> None:
    assert ViewTheme(palette.name).signed(0).bgcolor is None
    assert ViewTheme(palette.name).number_on(0, True).bgcolor is None


@pytest.mark.parametrize("palette", PALETTES, ids=lambda p: p.name)
def test_with_256_colours_both_signs_keep_their_hue_and_text_its_contrast(
    palette: ColourPalette,
) -> None:
    def shown(colour: str) -> str:
        return Color.parse(colour).downgrade(ColorSystem.EIGHT_BIT).get_truecolor().hex

    back = shown(palette.background)
    for role in TEXT_ROLES:
        assert contrast(shown(getattr(palette, role)), back) >= 4.5
    look = ViewTheme(palette.name)
    for level in range(4, STEPS + 1):
        for sign in (1, -1):
            style = look.signed(sign * level)
            assert style.color and style.bgcolor
            red, _, blue = rgb(shown(style.bgcolor.name))
            assert (red - blue) * sign > 0
            assert contrast(shown(style.color.name), shown(style.bgcolor.name)) >= 3


# -- without colours, and sixteen -----------------------------------------------------------------


def test_without_colour_no_style_has_one() -> None:
    look = ViewTheme("dark", colour=False)
    styles = [look.ink, look.dim, look.now, look.source, look.wrong, look.chosen, look.key]
    styles += [look.signed(level) for level in range(-STEPS, STEPS + 1)]
    styles += [look.gate, *(look.number_on(level, True) for level in range(STEPS + 1))]
    assert all(style.color is None and style.bgcolor is None for style in styles)


def test_the_ansi_theme_uses_the_sixteen_colours_only() -> None:
    look = ViewTheme("ansi")
    for style in (look.now, look.source, look.signed(STEPS), look.signed(-STEPS), look.gate):
        for colour in (style.color, style.bgcolor):
            assert colour is None or colour.triplet is None


#: The background and the colours black, yellow, cyan and bright red of terminals as they come.
TERMINALS = {
    "VGA": "#000000 #000000 #aa5500 #00aaaa #ff5555",
    "xterm": "#000000 #000000 #cdcd00 #00cdcd #ff0000",
    "Windows": "#0c0c0c #0c0c0c #c19c00 #3a96dd #e74856",
    "macOS": "#000000 #000000 #999900 #00a6b2 #e50000",
    "GNOME": "#2e3436 #2e3436 #c4a000 #06989a #ef2929",
    "Solarized": "#002b36 #073642 #b58900 #2aa198 #cb4b16",
}


@pytest.mark.parametrize("colours", TERMINALS.values(), ids=TERMINALS)
def test_the_ansi_theme_can_be_read_on_dark_terminals(colours: str) -> None:
    back, *listed = colours.split()
    shown = dict(zip(("black", "yellow", "cyan", "bright_red"), listed, strict=True))
    look = ViewTheme("ansi")
    for style in (look.now, look.source, look.wrong, look.above, look.below):
        assert style.color and style.bgcolor is None
        assert contrast(shown[style.color.name], back) >= 3
    for level in (-STEPS, STEPS):
        style = look.signed(level)
        assert style.color and style.bgcolor and not style.bold
        assert contrast(shown[style.color.name], shown[style.bgcolor.name]) >= 3


def test_ascii_replacements_are_one_character_each() -> None:
    assert all(isinstance(plain, str) and len(plain) == 1 for plain in ASCII.values())
    assert all(len(chr(wide)) == 1 == cell_len(chr(wide)) for wide in ASCII)
    assert "▸∂L/∂h₄ = −0.5 ┏━┓".translate(ASCII) == ">dL/dh4 = -0.5 +-+"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_character_of_the_texts_has_an_ascii_replacement(lang: str) -> None:
    texts = " ".join(catalogue(lang).values())
    for entry in PAGES:
        texts += " ".join(page_catalogue(entry.name)[lang].values())
    assert "‖" in texts
    assert {c for c in texts.translate(ASCII) if not c.isascii()} == set()
