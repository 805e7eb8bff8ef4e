"""Pictures as PNG and PDF: what is in them, and what is said where they cannot be made."""

from __future__ import annotations

import importlib.util
import struct
import sys
import types
import zlib
from pathlib import Path

import pytest

from rnnviz.cli import run
from rnnviz.errors import MissingError
from rnnviz.picture_files import INSTALL, SCALE, encoded

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}">{inside}</svg>'
SENTENCE = ("step", "not good", "-q", "--size", "80x24")


def converts() -> bool:
    """Whether the library is here, and fonts for it."""
    try:
        encoded(SVG.format(w=1, h=1, inside=""), Path("a.png"))
    except MissingError:
        return False
    return True


library = pytest.mark.skipif(not converts(), reason="needs the extra pictures, and fonts")


def png_size(data: bytes) -> tuple[int, int]:
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def ink(data: bytes) -> int:
    """The bytes other than zero in the rows of a PNG: a blank one has none."""
    packed, at = b"", 8
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        packed += data[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += 12 + length
    return sum(byte != 0 for byte in zlib.decompress(packed))


def test_svg_and_text_are_written_as_they_are() -> None:
    for name in ("a.svg", "a.SVG", "a.txt"):
        assert encoded("a picture", Path(name)) == "a picture"


@library
@pytest.mark.parametrize("character", ["a", "█", "▁", "▀", "░", "⣿", "⠁", "━", "┃", "σ", "₃", "∂"])
def test_every_kind_of_character_leaves_ink(character: str) -> None:
    text = '<text x="9" y="30" font-size="20" font-family="DejaVu Sans Mono">{}</text>'
    blank, drawn = (
        encoded(SVG.format(w=40, h=40, inside=inside), Path("a.png"))
        for inside in ("", text.format(character))
    )
    assert isinstance(drawn, bytes) and isinstance(blank, bytes)
    assert png_size(drawn) == (40 * SCALE, 40 * SCALE)
    assert ink(drawn) > ink(blank)


@library
@pytest.mark.parametrize("view", ["panels", "reach", "c"])
def test_a_screenshot_is_written_in_each_form(view: str, tmp_path: Path) -> None:
    svg, png, pdf = (tmp_path / f"a.{form}" for form in ("svg", "PNG", "pdf"))
    for path in (svg, png, pdf):
        assert run([*SENTENCE, "--view", view, "--screenshot", str(path)]) == 0
    width, height = png_size(png.read_bytes())
    assert width > 1000 and height > 100
    assert pdf.read_bytes()[:5] == b"%PDF-" and b"%%EOF" in pdf.read_bytes()[-32:]
    assert ink(png.read_bytes()) > 10_000


@library
def test_a_chart_is_written_in_each_form(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for form, start in (("png", b"\x89PNG"), ("pdf", b"%PDF-")):
        path = tmp_path / f"a.{form}"
        assert run(["data", "show", "jena", "--data", "sample", "-o", str(path)]) == 0
        assert path.read_bytes().startswith(start)
        assert capsys.readouterr().out == f"{path}\n"


@pytest.mark.parametrize(
    "args",
    [(*SENTENCE, "--screenshot"), ("data", "show", "jena", "--data", "sample", "-o"),
     ("runs", "plot", "last", "-o")],
)  # fmt: skip
@pytest.mark.parametrize("form", ["png", "pdf"])
def test_without_the_library_the_command_that_gets_it_is_said(
    args: tuple[str, ...], form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "vl_convert" else find_spec(name)
    )
    path = tmp_path / f"a.{form}"
    assert run([*args, str(path)]) == 3
    assert INSTALL in capsys.readouterr().err
    assert not path.exists()


def test_a_font_without_a_kind_of_character_is_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """The converter leaves such characters out without a word."""
    fake = types.ModuleType("vl_convert")
    fake.__spec__ = importlib.util.spec_from_loader("vl_convert", None)
    monkeypatch.setitem(sys.modules, "vl_convert", fake)
    known = ("a", "█")
    draw = lambda svg: b"ink" if any(f">{each}<" in svg for each in known) else b""  # noqa: E731
    monkeypatch.setattr(fake, "svg_to_png", draw, raising=False)
    with pytest.raises(MissingError, match="No font of this machine has '⣿'"):
        encoded(SVG.format(w=1, h=1, inside=""), Path("a.png"))


@pytest.mark.parametrize("option", ["--screenshot"])
def test_another_ending_is_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*SENTENCE, option, "a.gif"]) == 2
    assert ".png or .pdf or .txt" in capsys.readouterr().err
