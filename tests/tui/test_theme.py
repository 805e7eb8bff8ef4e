"""Colours: contrast in every theme, a scale that favours no sign, and none at all on request."""

from __future__ import annotations

import pytest

from rnnviz.tui.render.theme import (
    ASCII,
    PALETTES,
    STEPS,
    ColourPalette,
    ViewTheme,
    contrast,
    luminance,
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
def test_numbers_on_cells_can_be_read(palette: ColourPalette) -> None:
    look = ViewTheme(palette.name)
    for level in range(-STEPS, STEPS + 1):
        style = look.number_on(level, gate=False)
        assert style.color
        back = style.bgcolor.name if style.bgcolor else palette.background
        assert contrast(style.color.name, back) >= 4.5


@pytest.mark.parametrize("palette", PALETTES, ids=lambda p: p.name)
def test_both_signs_are_equally_light(palette: ColourPalette) -> None:
    look = ViewTheme(palette.name)
    for level in range(1, STEPS + 1):
        above, below = look.signed(level).bgcolor, look.signed(-level).bgcolor
        assert above and below
        assert abs(luminance(above.name) - luminance(below.name)) < 0.03


@pytest.mark.parametrize("palette", PALETTES, ids=lambda p: p.name)
def test_zero_is_the_background(palette: ColourPalette) -> None:
    assert ViewTheme(palette.name).signed(0).bgcolor is None
    assert ViewTheme(palette.name).gate(0).bgcolor is None


def test_without_colour_no_style_has_one() -> None:
    look = ViewTheme("dark", colour=False)
    styles = [look.ink, look.dim, look.now, look.source, look.wrong, look.chosen, look.key]
    styles += [look.signed(level) for level in range(-STEPS, STEPS + 1)]
    styles += [look.gate(level) for level in range(STEPS + 1)]
    assert all(style.color is None and style.bgcolor is None for style in styles)


def test_the_ansi_theme_uses_the_sixteen_colours_only() -> None:
    look = ViewTheme("ansi")
    for style in (look.now, look.source, look.signed(STEPS), look.gate(STEPS)):
        for colour in (style.color, style.bgcolor):
            assert colour is None or colour.triplet is None


def test_ascii_replacements_are_one_character_each() -> None:
    assert all(isinstance(plain, str) and len(plain) == 1 for plain in ASCII.values())
    assert "▸∂L/∂h₄ = −0.5 ┏━┓".translate(ASCII) == ">dL/dh4 = -0.5 +-+"
