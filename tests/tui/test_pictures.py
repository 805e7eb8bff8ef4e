"""Pictures and the report: what they show is what the screen shows, and nothing is fetched."""

from __future__ import annotations

import asyncio
import re
from html import unescape
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.style import Style
from rich.terminal_theme import SVG_EXPORT_THEME

from rnnviz.equations import number
from rnnviz.i18n import text as text_of
from rnnviz.query import Query
from rnnviz.tui.export import pictures
from rnnviz.tui.export.pictures import CELL, LINE
from rnnviz.tui.export.report import report
from rnnviz.tui.pages import PAGES, load
from rnnviz.tui.step.app import RnnvizApp, screenshot, settled
from rnnviz.tui.view.second_sentence import SecondSentence
from tests.tui.small_models import TEXT, made, moment, read


def app(**more: object) -> RnnvizApp:
    return RnnvizApp(read, Query(TEXT, "lstm"), made(), **more)  # type: ignore[arg-type]


def texts_of(svg: str) -> list[str]:
    """The lines of an SVG, by their height."""
    found: dict[str, list[tuple[float, str]]] = {}
    pattern = r'<text class="[^"]*" x="([\d.]+)" y="([\d.]+)"[^>]*>(.*?)</text>'
    for x, y, said in re.findall(pattern, svg):
        found.setdefault(y, []).append((float(x), unescape(said).replace("\xa0", " ")))
    return ["".join(s for _, s in sorted(row)) for row in found.values()]


def test_a_text_picture_is_the_screen_line_by_line(tmp_path: Path) -> None:
    asyncio.run(screenshot(app(), tmp_path / "a.txt", (80, 24)))
    lines = (tmp_path / "a.txt").read_text("utf-8").splitlines()
    assert len(lines) == 24
    assert max(map(len, lines)) <= 80
    assert lines[0].strip().startswith("rnnviz")
    assert any("this" in line and "movie" in line for line in lines)
    assert "\x1b" not in "".join(lines)


def test_a_picture_fetches_nothing(tmp_path: Path) -> None:
    asyncio.run(screenshot(app(), tmp_path / "a.svg", (80, 24)))
    drawn = (tmp_path / "a.svg").read_text("utf-8")
    assert "@font-face" not in drawn
    assert "url(http" not in drawn and "src=" not in drawn
    assert set(re.findall(r"https?://[^\"'\s<]+", drawn)) == {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("name", ["sentence", "cell", "equation", "f", "c"])
def test_a_panel_alone_shows_what_the_panel_shows(name: str) -> None:
    said = pictures.of_panel(moment(), name, (100, 30), "txt")
    drawn = [line.rstrip() for line in said.splitlines()]
    svg = "\n".join(texts_of(pictures.of_panel(moment(), name, (100, 30), "svg")))
    words = [
        w.strip("▐▌▸▼") for line in drawn[1:9] for w in line.split() if any(c.isalnum() for c in w)
    ]
    assert words, said
    assert all(word in svg.replace(" ", "") or word in svg for word in words)


@pytest.mark.parametrize("page", ["", "weights", "backward"])
def test_every_character_of_an_svg_stands_where_the_screen_has_it(
    page: str, tmp_path: Path
) -> None:
    for form in ("svg", "txt"):
        asyncio.run(screenshot(app(page=page), tmp_path / f"a.{form}", (100, 30)))
    lines = (tmp_path / "a.txt").read_text("utf-8").split("\n")[:30]
    found = [[" "] * 100 for _ in range(30)]
    texts = re.findall(
        r'<text class="t\d+-r\d+" x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)</text>',
        (tmp_path / "a.svg").read_text("utf-8"),
    )
    for x, y, said in texts:
        column, row = round(float(x) / 12.2), round((float(y) - 20) / 24.4)
        for k, char in enumerate(unescape(said).replace("\xa0", " ")):
            found[row][column + k] = char
    assert ["".join(row).rstrip() for row in found] == [line.rstrip() for line in lines]


def test_an_unknown_panel_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        pictures.of_panel(moment(), "nothing", (80, 24), "svg")


def test_the_report_has_every_view_that_applies_and_every_prediction() -> None:
    trace = made()
    html = asyncio.run(report(app()))
    shown = [e for e in PAGES if load(e.name).applies(app().step_screen.view_state)]
    assert html.count("<section>") == 1 + len(shown)
    for entry in shown:
        assert f"page.{entry.name}" not in html
    for p in trace.head.readout[:, 1]:
        assert f'<td class="n">{number(float(p))}</td>' in html
    assert "<script" not in html and "src=" not in html
    assert set(re.findall(r"https?://[^\"'\s<]+", html)) == {"http://www.w3.org/2000/svg"}


def test_user_text_stays_text_in_the_report() -> None:
    said = "not <b>good</b> & \x1b[31mred"
    one = RnnvizApp(read, Query(said, "lstm"), made(said))
    html = asyncio.run(report(one))
    assert "<b>good" not in html and "\x1b" not in html
    assert "&lt;b&gt;" in html


def backgrounds(svg: str, width: int, height: int) -> list[list[str]]:
    """The colour behind every character of a picture; "" for that of the window."""
    found = [[""] * width for _ in range(height)]
    pattern = r'<rect fill="(#\w+)" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/>'
    for fill, *numbers in re.findall(pattern, svg):
        x, y, wide, tall = (float(n) for n in numbers)
        for row in range(round(y / LINE), round((y + tall) / LINE)):
            for column in range(round(x / CELL), round((x + wide) / CELL)):
                found[row][column] = fill
    return found


def painted(app: RnnvizApp) -> list[list[str]]:
    """The colour behind every character of the screen, as a picture names it."""
    found = []
    for strip in app.screen._compositor.render_strips():
        row: list[str] = []
        for text, style, _ in strip:
            style = style or Style()
            behind = style.color if style.reverse else style.bgcolor
            none = behind is None or behind.is_default
            fill = "" if none else behind.get_truecolor(SVG_EXPORT_THEME).hex
            if none and style.reverse:
                fill = SVG_EXPORT_THEME.foreground_color.hex
            row += [fill] * cell_len(text)
        found.append(row)
    return found


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 36), (200, 50)], ids=str)
@pytest.mark.parametrize(
    ("theme", "colour"), [("dark", False), ("ansi", True), ("light", True), ("dark", True)]
)
def test_behind_every_character_of_a_picture_is_what_is_behind_it_on_the_screen(
    theme: str, colour: bool, size: tuple[int, int]
) -> None:
    """One rectangle for the paper must not lie over what has no background of its own."""
    it = app(theme=theme, colour=colour, t=2)

    async def run() -> None:
        async with it.run_test(size=size) as pilot:
            for page in ("", *(entry.name for entry in PAGES)):
                if page:
                    it.step_screen.action_page(page)
                await settled(it, pilot)
                svg = pictures.of_screen(it, "svg")
                assert backgrounds(svg, *size) == painted(it), page
                if page:
                    it.step_screen.action_page(page)

    asyncio.run(run())


def test_the_paper_of_a_theme_is_one_rectangle() -> None:
    svg = pictures.of_panel(moment(), "sentence", (100, 10), "svg")
    paper = moment().theme.palette.background
    assert svg.count(f'<rect fill="{paper}"') == 1


#: What names a key: no sheet of paper has one.
KEY = re.compile(r"press |← →|↑ ↓|\besc\b|\bspace\b|\bctrl|: , and \.|\bg (gradient|gate)\b")


@pytest.mark.parametrize("lang", ["en", "tr"])
@pytest.mark.parametrize("text", [TEXT, "was"])
def test_a_report_is_for_paper_the_walk_back_is_done_and_no_key_is_named(
    lang: str, text: str
) -> None:
    one = RnnvizApp(read, Query(text, "lstm"), made(text), lang=lang)
    html = asyncio.run(report(one))
    T = len(made(text).tokens)
    walked = text_of("page.backward.additions", lang, n=T, T=T)
    drawn = [texts_of(f"<svg{svg}") for svg in html.split("<svg")[1:]]
    assert any(walked in line for picture in drawn for line in picture)
    keys = {"en": KEY, "tr": re.compile("tuşuna bas|← →|↑ ↓|esc|boşluk |Tuşlar|: , ve")}[lang]
    said = [*(line for picture in drawn for line in picture), *re.findall("<p>(.*?)</p>", html)]
    assert [line for line in said if keys.search(line)] == []


def test_a_report_of_two_sentences_has_what_was_said_after_each_word_of_both() -> None:
    other = "was good"
    one = RnnvizApp(
        read,
        Query(TEXT, "lstm"),
        made(),
        page_states={"against": SecondSentence(other)},
    )
    html = asyncio.run(report(one))
    first, second = re.findall("<table>(.*?)</table>", html, re.S)
    for table, trace in ((first, made()), (second, made(other))):
        column = 1 if len(trace.head.labels) > 1 else 0
        for token, p in zip(trace.tokens, trace.head.readout[:, column], strict=True):
            assert f'<td>{token}</td><td class="n">{number(float(p))}</td>' in table
    assert "compared with was good" in html
