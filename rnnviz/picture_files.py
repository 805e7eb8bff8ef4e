"""Pictures as files: SVG, and converted from it PNG and PDF.

The converter is the extra ``pictures``: vl-convert-python, one wheel for each system, without
libraries to install beside it. It draws with the fonts of the machine and leaves out characters
that none of them has, so this is checked first.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from rnnviz.errors import MissingError
from rnnviz.messages import _

#: The endings of pictures; SVG needs nothing installed.
ENDINGS = (".svg", ".png", ".pdf")
INSTALL = "pip install 'rnnviz[pictures]'"
#: Pixels of the PNG for each pixel of the SVG: 120 columns are 2960 pixels, enough for a projector.
SCALE = 2
#: A letter, a block and a Braille pattern: the kinds of characters of the screens and charts.
_SPECIMENS = "a█⣿"
_BLANK = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40">{}</svg>'
_FONTS = "monospace, DejaVu Sans Mono, Menlo, Consolas"


def require_converter(path: Path) -> None:
    """MissingError, with the command that gets it, if a picture of this ending needs a library."""
    if path.suffix.lower() in ENDINGS[1:] and importlib.util.find_spec("vl_convert") is None:
        form = path.suffix[1:].upper()
        raise MissingError(
            _(
                "{format} needs a library that is not installed. Get it: {install}\n"
                "Without it: name a file that ends in .svg"
            ).format(format=form, install=INSTALL)
        )


def encoded(picture: str, path: Path) -> str | bytes:
    """An SVG in the form that the path's ending names; any other text unchanged.

    Raises MissingError where the library is missing, or a font for its characters.
    """
    form = path.suffix.lower()
    if form not in ENDINGS[1:]:
        return picture
    require_converter(path)
    import vl_convert

    _require_fonts(vl_convert)
    if form == ".png":
        return bytes(vl_convert.svg_to_png(picture, scale=SCALE))
    return bytes(vl_convert.svg_to_pdf(picture))


def _require_fonts(converter: Any) -> None:
    """MissingError if a kind of character would be left out of the picture."""
    blank = converter.svg_to_png(_BLANK.format(""))
    for character in _SPECIMENS:
        text = f'<text x="9" y="30" font-size="20" font-family="{_FONTS}">{character}</text>'
        if converter.svg_to_png(_BLANK.format(text)) == blank:
            raise MissingError(
                _(
                    "No font of this machine has {character!r}: the picture would lack it.\n"
                    "Install one, for example: apt install fonts-dejavu. Or name a file that ends "
                    "in "
                    ".svg"
                ).format(character=character)
            )
