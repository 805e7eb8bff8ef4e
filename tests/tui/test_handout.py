"""Handouts as files: what is in them, their size, and that text of users stays text."""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest
from turkish import untranslated

from rnnviz import i18n
from rnnviz.cli import run
from rnnviz.lessons import catalogue
from rnnviz.lessons.reader import read

#: The most bytes of a handout.
LARGEST = 2_000_000
HOSTILE = '<script>alert("x")</script> </style> & \' \u202egood\x1b[31m'
#: Elements of HTML that have no end.
VOID = {"meta", "link", "input", "br"}


class Page(HTMLParser):
    """The elements of a page; an AssertionError where one is not closed."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.text = path.read_text("utf-8")
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.shown: list[str] = []
        self._open: list[str] = []
        self.feed(self.text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] not in (["script"], ["style"]):
            self.shown.append(data)

    def values(self, name: str) -> list[str]:
        """All values of an attribute."""
        return [value for _, own, value in self.attributes if own == name]

    @property
    def frames(self) -> list[dict[str, object]]:
        """The pictures of the player."""
        data = re.search(r'<script type="application/json" id="frames">(.*?)</script>', self.text)
        assert data is not None
        found: list[dict[str, object]] = json.loads(data[1])["frames"]
        return found


def made(path: Path, *args: str) -> Page:
    assert run(["handout", *args, "-q", "-o", str(path)]) == 0
    return Page(path)


def check(page: Page) -> None:
    """What holds of every handout."""
    assert len(page.text.encode()) <= LARGEST
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    asked = [v.removeprefix("#") for v in page.values("href") if v != "data:,"]
    assert asked and set(asked) <= set(ids)
    assert {*page.values("for"), *page.values("aria-labelledby")} <= set(ids)
    assert not page.values("src") and not re.search(r"url\(|@import|https?:", page.text)
    assert page.tags["script"] == 2 and not [n for _, n, _ in page.attributes if n.startswith("on")]
    assert "default-src 'none'" in page.values("content")[0]
    drawn = page.text.count('<svg class="pic"')
    assert drawn and drawn == len(
        re.findall(r'<svg class="pic" [^>]*aria-label="[^"]+"', page.text)
    )
    for frame in page.frames:
        assert frame["title"] and frame["lines"] and frame["alt"]


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory) -> Page:
    return made(tmp_path_factory.mktemp("handout") / "not.html", "not", "--lang", "en")


def test_a_lesson(lesson: Page) -> None:
    check(lesson)
    shown = " ".join(lesson.shown)
    steps = read(catalogue.find("not"), "en").steps
    for step in steps:
        assert step.say in shown and step.reveal in shown
        for option in step.question.options if step.question else ():
            assert option in shown
    assert lesson.tags["h1"] == 1 and lesson.tags["h3"] >= len(steps)
    assert "rnnviz handout not" in shown
    assert lesson.tags["textarea"] >= 4 and 'class="curve"' in lesson.text


def test_the_walk_goes_forward_and_back(lesson: Page) -> None:
    groups = [str(frame["group"]) for frame in lesson.frames]
    walked = list(dict.fromkeys(group for group in groups if group[0] in "fb"))
    assert walked == [*(f"f{t}" for t in range(5)), *(f"b{t}" for t in range(4, -1, -1))]
    # Part by part: read, four parts of the cell, the new state, the prediction.
    assert Counter(groups)["f2"] == 7


def test_a_blank_is_told_by_no_other_line(lesson: Page) -> None:
    equations = lesson.text.split('id="equations"')[1].split("</section>")[0]
    computed = lesson.text.split('id="computed"')[1].split("</details>")[0]
    blanks = dict(re.findall(r"([A-Z]) = (\S+?)(?=,|<)", computed))
    assert len(blanks) >= 3
    for letter, value in blanks.items():
        assert f"<b>{letter}</b> <input" in equations
        assert value not in equations


def test_the_tables_have_the_gradients_of_the_trace(lesson: Page) -> None:
    import rnnviz
    from rnnviz.equations import number

    trace = rnnviz.step("this movie was not good", model="sentiment-lstm")
    layer, unit = trace.layers[0], trace.leading_unit()
    tables = lesson.text.split('<table class="numbers">')[1:]
    for name in ("h", "c", "f"):
        for t in range(5):
            cell = number(float(layer.grads[name][t, unit]), 3, signed=True)
            assert any(f"<td>{cell}</td>" in table for table in tables), (name, t)
    # The last sum of a weight is the gradient that training uses: the terms of all tokens.
    import numpy as np

    whole = layer.values["x"].astype(float).T @ layer.grads["a_f"].astype(float)
    assert f"<td>{number(float(np.linalg.norm(whole)))}</td>" in tables[2]


def test_without_answers(lesson: Page, tmp_path: Path) -> None:
    page = made(tmp_path / "open.html", "not", "--lang", "en", "--no-answers")
    check(page)
    shown = " ".join(page.shown)
    for step in read(catalogue.find("not"), "en").steps:
        assert step.say in shown
        assert not step.reveal or step.reveal not in page.text
    assert 'id="answers"' not in page.text and "<details" not in page.text
    assert len(page.frames) < len(lesson.frames)


def test_a_language_is_on_the_whole_page(tmp_path: Path) -> None:
    page = made(tmp_path / "loop.html", "loop", "--lang", "tr")
    check(page)
    assert page.values("lang") == ["tr"]
    shown = " ".join(page.shown) + " ".join(page.values("aria-label"))
    english, turkish = i18n.catalogue("en"), i18n.catalogue("tr")
    for key in english:
        if key.startswith("handout.") and "{" not in english[key] and len(english[key]) > 6:
            assert english[key] not in shown, key
    assert turkish["handout.backwards"] in shown and turkish["handout.answers"] in shown


def test_a_turkish_page_has_no_english_words(tmp_path: Path) -> None:
    text = "zzyzx good"  # one word that the model does not know
    page = made(tmp_path / "t.html", "-m", "sentiment-lstm-8", text, "--lang", "tr")
    frames = " ".join(f"{frame['title']} {frame['text']}" for frame in page.frames)
    shown = [*page.shown, *page.values("aria-label"), *page.values("title"), frames]
    besides = {*text.split(), "rnnviz", "lstm", "sentiment", "tanh", "keras", "norm", "shift"}
    assert [each for each in shown if untranslated(each, besides)] == []


def test_a_page_that_is_printed_names_no_keys(tmp_path: Path) -> None:
    assert 'view = "clamp"' in catalogue.find("stuck").read_text("utf-8")
    shown = " ".join(made(tmp_path / "stuck.html", "stuck", "--lang", "en").shown)
    assert "cut out unit" not in shown.replace("\N{NO-BREAK SPACE}", " ")


def test_a_step_says_that_its_net_is_trained_on_the_screen(tmp_path: Path) -> None:
    page = made(tmp_path / "learning.html", "learning", "--lang", "en")
    check(page)
    trained = [
        s for s in read(catalogue.find("learning"), "en").steps if "trained:" in s.query.model
    ]
    said = i18n.text("handout.trained", "en", name="learning")
    assert len(trained) > 1 and page.shown.count(said) == len(trained)


def test_a_saved_trace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = tmp_path / "t.trace"
    assert run(["step", "-q", "not good", "--cell", "gru", "--save", str(saved), "--json"]) == 0
    page = made(tmp_path / "t.html", str(saved))
    check(page)
    assert "GRU" in " ".join(page.shown)
    content = saved.read_bytes()
    assert run(["handout", str(saved), "-o", str(saved)]) == 2
    linked = tmp_path / "linked.html"
    linked.symlink_to(saved)
    capsys.readouterr()
    assert run(["handout", str(saved), "-o", str(linked)]) == 2
    assert "would replace" in capsys.readouterr().err
    assert saved.read_bytes() == content


def test_text_of_users_is_text(tmp_path: Path) -> None:
    page = made(tmp_path / "x.html", "-m", "sentiment-lstm-8", HOSTILE)
    check(page)
    assert "\x1b" not in page.text and "\u202e" not in page.text
    assert "alert" in "".join(page.shown)


def test_a_hostile_lesson(tmp_path: Path) -> None:
    own = catalogue.find("loop").read_text("utf-8")
    bad = own.replace(
        'title.en = "', "title.en = '''" + HOSTILE.replace("\x1b", "") + "'''\n#\"", 1
    )
    bad = re.sub(r'say\.en = "', 'say.en = "<script>alert(1)</script></textarea>\u202e ', bad)
    bad = bad.replace('net = "nets/', f'net = "{catalogue.shipped_folder()}/nets/')
    path = tmp_path / "loop.toml"
    path.write_text(bad, "utf-8")
    page = made(tmp_path / "x.html", str(path), "--lang", "en")
    check(page)
    assert "\u202e" not in page.text


def test_a_sentence_is_read_by_the_net_that_step_chooses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "x.html")
    assert run(["handout", "bu film hiç güzel değil.", "-o", path]) == 0
    assert "sentiment-lstm-tr reads this" in capsys.readouterr().err
    assert "rnnviz handout -m sentiment-lstm-tr 'bu film" in html.unescape(Page(Path(path)).text)
    # A usual model reads sentences, but makes no text of a lesson's name.
    monkeypatch.setenv("RNNVIZ_MODEL", "sentiment-gru")
    assert run(["handout", "not good", "-o", path]) == 0
    assert "sentiment-gru reads this" in capsys.readouterr().err
    assert run(["handout", "not", "-o", path]) == 0
    assert "rnnviz handout not" in Page(Path(path)).text
    assert "reads this" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "Name a lesson"),
        (["not"], "Name the file"),
        (["not", "-o", "x.pdf"], ".html"),
        (["nott", "-o", "x.html"], "'not'"),
        (["değil", "-o", "x.html"], "-m sentiment-lstm-tr TEXT"),
        (["my old.trace", "-o", "x.html"], "There is no file my old.trace"),
        (["no-such.trace", "-o", "x.html"], "There is no file no-such.trace"),
        (["-m", "no-such-model", "-o", "x.html"], "no-such-model"),
    ],
)
def test_errors(args: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["handout", *args]) == 2
    found = capsys.readouterr().err
    assert said in found and len(found.splitlines()) <= 2
    assert not Path("x.html").exists()


def test_a_file_that_is_no_trace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.json"
    path.write_text("{}")
    assert run(["handout", str(path), "-o", str(tmp_path / "x.html")]) == 4
    assert len(capsys.readouterr().err.splitlines()) <= 2


@pytest.mark.parametrize("name", ["weather", "yours"])
def test_a_series_and_a_training(name: str, tmp_path: Path) -> None:
    check(made(tmp_path / "x.html", name, "--lang", "tr"))


def test_a_training_is_named_by_its_command(tmp_path: Path) -> None:
    page = made(tmp_path / "x.html", "yours")
    command = "rnnviz train sentiment-rnn --units 8 --epochs 3 --data sample --seed 1"
    assert command in page.text


@pytest.mark.handouts
@pytest.mark.parametrize("lang", i18n.LANGUAGES)
@pytest.mark.parametrize("name", catalogue.lesson_files())
def test_every_lesson(name: str, lang: str, tmp_path: Path) -> None:
    check(made(tmp_path / "x.html", name, "--lang", lang))
