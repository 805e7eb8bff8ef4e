"""Reports and handouts in a folder of ``rnnviz serve``: what they open, what lies beside them."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
import pytest

import rnnviz
from rnnviz.cli import run
from rnnviz.files import assets
from rnnviz.trace.file import open_trace, save_trace
from rnnviz.web.files import StaticFolder
from rnnviz.web.user_pages import first_load

HOSTILE = "</section><script>alert(1)</script> \"' --plain; $(x)"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with what makes it one of ``rnnviz serve``."""
    folder = tmp_path / "site"
    (folder / "app-0123456789ab").mkdir(parents=True)
    (folder / "app.html").write_text("app")
    for name in ("python-0123456789ab/first.zip", "python-0123456789ab/later.zip",
                 "runtime-0123456789ab/pyodide.asm.wasm"):  # fmt: skip
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(bytes(3_000_000))
        (folder / (name + ".gz")).write_bytes(bytes(2_000_000))
    manifest = {
        "schema": "rnnviz.site/1", "runtime": "runtime-0123456789ab",
        "first": {"path": "python-0123456789ab/first.zip", "size": 3_000_000},
    }  # fmt: skip
    (folder / "site.json").write_text(json.dumps(manifest))
    return folder


@dataclass
class Opened:
    """What a page opens: the path of the app, a command line, and a file of the site."""

    page: str
    address: str

    @property
    def app(self) -> str:
        return urlsplit(self.address).path

    @property
    def words(self) -> list[str]:
        return shlex.split(unquote(urlsplit(self.address).query))

    @property
    def file(self) -> str | None:
        return parse_qs(urlsplit(self.address).fragment).get("file", [None])[0]


def opened(path: Path) -> Opened:
    page = path.read_text(encoding="utf-8")
    found = re.search(r'<section class="app-player".*?<a href="([^"]*)">', page, re.DOTALL)
    assert found is not None
    return Opened(page, unescape(found[1]))


def test_a_report_opens_its_trace(site: Path) -> None:
    folder = site / "reports" / "ğ ü"
    folder.mkdir(parents=True)
    path = folder / "a 'b\" & <i>.html"
    assert run(["step", "-q", "not good", "--unit", "3", "--report", str(path)]) == 0
    shown = opened(path)
    assert shown.app == "../../app.html"
    assert shown.words == [
        "step", "--lang", "en", "--open", "page.trace", "--unit=3", "--notation=rnnviz",
    ]  # fmt: skip
    assert shown.file == "reports/ğ ü/a 'b\" & <i>.html.trace"
    trace, here = open_trace(site / shown.file), rnnviz.step("not good")
    assert trace.tokens == here.tokens
    np.testing.assert_array_equal(trace.layers[0].values["c"], here.layers[0].values["c"])
    assert "<i>.html" not in shown.page and first_load(site) == 4_000_000
    assert "some 4 MB" in shown.page and "Open the app here" in shown.page


def test_texts_are_data(site: Path) -> None:
    path = site / "report.html"
    args = [
        "step",
        "-q",
        "--lang",
        "tr",
        "--against",
        HOSTILE,
        "--report",
        str(path),
        "--",
        HOSTILE,
    ]
    assert run(args) == 0
    shown = opened(path)
    assert shown.page.count("<script") == 1 and "alert(1)</script>" not in shown.page
    assert shown.words[-1] == f"--against={HOSTILE}" and shown.words[1:3] == ["--lang", "tr"]
    assert shown.words[3:5] == ["--open", "page.trace"] and "Uygulamayı burada aç" in shown.page
    assert open_trace(site / "report.html.trace").text == HOSTILE


def test_a_handout_opens_the_lesson(site: Path) -> None:
    path = site / "not.html"
    assert run(["handout", "-q", "not", "--lang", "tr", "-o", str(path)]) == 0
    shown = opened(path)
    assert (shown.app, shown.file) == ("./app.html", None)
    assert shown.words == ["lesson", "--lang", "tr", "not"]
    assert "frame-src 'self'" in shown.page
    assert not list(site.glob("not.html.*"))


def test_a_lesson_of_ones_own_lies_beside_the_page_if_it_runs_in_the_app(
    site: Path, tmp_path: Path
) -> None:
    own, path = tmp_path / "own.toml", site / "own.html"
    shutil.copy(assets() / "lessons" / "not.toml", own)
    assert run(["handout", "-q", str(own), "-o", str(path)]) == 0
    shown = opened(path)
    assert shown.words == ["lesson", "--lang", "en", "page.toml"]
    assert shown.file == "own.html.toml"
    assert (site / shown.file).read_bytes() == own.read_bytes()
    (tmp_path / "text.txt").write_text("not good")
    own.write_text(
        'id = "own"\ntitle = "Own"\nquestion = "?"\nminutes = 1\nlevel = 1\n'
        'model = "sentiment-lstm"\ntext_file = "text.txt"\n[[step]]\nid = "own.a"\nsay = "a"\n'
    )
    path = site / "beside.html"
    assert run(["handout", "-q", str(own), "-o", str(path)]) == 0
    assert opened(path).file == "beside.html.trace"


def test_a_handout_without_answers_opens_nothing(site: Path) -> None:
    path = site / "text.html"
    args = ["handout", "-q", "-m", "sentiment-lstm-8", "not good", "-o", str(path)]
    assert run([*args, "--no-answers"]) == 0
    assert "app.html" not in path.read_text() and not list(site.glob("*.trace"))
    assert run(args) == 0
    assert opened(path).file == "text.html.trace"


def test_elsewhere_a_page_is_one_file_without_the_app(site: Path) -> None:
    outside = site.parent / "report.html"
    assert run(["step", "-q", "not good", "--report", str(outside)]) == 0
    assert {path.name for path in site.parent.iterdir()} == {"site", "report.html"}
    inside = site / "report.html"
    assert run(["step", "-q", "not good", "--report", str(inside)]) == 0
    page, alone = inside.read_text(), outside.read_text()
    assert "app-player" not in alone and "<script" not in alone
    # All that the single file shows is there, in the same order.
    rest = iter(page.splitlines())
    style = alone[: alone.index("</style>")].splitlines()[-1]
    assert all(line in rest for line in alone.splitlines() if line != style + "</style>")


def test_the_scripts_of_a_page_are_those_that_the_server_allows(site: Path) -> None:
    assert run(["handout", "-q", "-m", "sentiment-lstm-8", "good", "-o", str(site / "a.html")]) == 0
    policy = StaticFolder(site).answer("/a.html", {}).headers["Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["script-src"].count("'sha256-") == 2
    assert "unsafe-inline" not in rules["script-src"] and rules["frame-src"] == "'self'"


@pytest.mark.parametrize("name", ["index.html", "app.html", "app-0123456789ab/mine.html"])
def test_a_page_is_not_written_over_the_app(
    site: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(site.rglob("*"))
    assert run(["step", "good", "--report", str(site / name)]) == 2
    assert "is a part of the app" in capsys.readouterr().err
    assert run(["handout", "-m", "sentiment-lstm-8", "good", "-o", str(site / name)]) == 2
    assert sorted(site.rglob("*")) == before and (site / "app.html").read_text() == "app"


def test_what_is_beside_it_is_checked_first(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "a.html.trace").mkdir()
    assert run(["step", "good", "--report", str(site / "a.html")]) == 2
    assert "a.html.trace is a folder" in capsys.readouterr().err
    assert not (site / "a.html").exists()


def test_it_is_said_how_the_page_is_served(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["step", "good", "--report", str(site / "a.html")]) == 0
    assert f"rnnviz serve --folder {site}" in capsys.readouterr().err
    assert run(["step", "good", "--report", str(site.parent / "a.html")]) == 0
    assert "serve" not in capsys.readouterr().err


def test_a_trace_of_a_model_that_is_not_there_is_compared_with_nothing(site: Path) -> None:
    file = site.parent / "mine.trace"
    save_trace(replace(rnnviz.step("not good"), model="mine"), file)
    args = ["step", "-q", "--open", str(file), "--report", str(site / "a.html")]
    assert run(args) == 0
    assert opened(site / "a.html").words[:5] == ["step", "--lang", "en", "--open", "page.trace"]
    assert open_trace(site / "a.html.trace").model == "mine"
