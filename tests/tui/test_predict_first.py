"""Predict first: what is drawn does not depend on what is hidden, in no view, size or language."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from textual.pilot import Pilot

from rnnviz.analysis import padding
from rnnviz.analysis.gradient_check import GradientCheck
from rnnviz.analysis.learning import LearningQuestion
from rnnviz.analysis.net_summary import NetQuestion
from rnnviz.analysis.padding import PaddedReading, PaddingComparison, PaddingQuestion
from rnnviz.analysis.reach import JacobianSpectra, SpectrumQuestion, spectra
from rnnviz.analysis.training_history import TrainingHistoryQuestion
from rnnviz.analysis.units import UnitQuestion
from rnnviz.cursor import part_of
from rnnviz.explore import explorer
from rnnviz.explore.net import summary
from rnnviz.i18n import LANGUAGES
from rnnviz.query import Query, Question
from rnnviz.toy_net import model_of
from rnnviz.toy_net.default_nets import default_net
from rnnviz.trace import LayerTrace, Trace
from rnnviz.tracer import tracer
from rnnviz.tui.pages import PAGES, load
from rnnviz.tui.pages.net.layer_diagram import DiagramState
from rnnviz.tui.panels.cell import CellView
from rnnviz.tui.panels.equation_chain import Equations
from rnnviz.tui.panels.gradients import Gradients
from rnnviz.tui.panels.heatmap import Heatmap, HeatmapWords
from rnnviz.tui.panels.reach import Reaches
from rnnviz.tui.panels.sentence import Sentence
from rnnviz.tui.panels.title import TitleBar
from rnnviz.tui.panels.weights import WeightsView
from rnnviz.tui.render.segments import Line
from rnnviz.tui.step.app import RnnvizApp
from rnnviz.tui.view import predict_first
from rnnviz.tui.view.page import Page
from rnnviz.tui.view.second_sentence import SecondSentence
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import View
from tests.tui.pages import test_clamp, test_learning, test_padding, test_series, test_units
from tests.tui.small_models import CELLS, TEXT, made, moment, stored

SIZES = ((80, 22), (100, 28), (120, 34), (200, 48))
LABELS = ("world", "sports", "business", "science")
OTHER = "this movie was good"
PANELS = (TitleBar, Sentence, HeatmapWords, CellView, Equations, Gradients, Reaches, WeightsView)
#: 0.7777 as it may be printed: nothing but what is hidden is that number.
STRANGE = re.compile(r"(?<!±0)\.(?:7777?|778|78)")


# -- the same past, another answer ------------------------------------------------------------


def another(trace: Trace, t: int, part: int, layer: int = 0, first: int | None = None) -> Trace:
    """A trace that says the opposite and differs in everything from a part of token t on.

    ``first``: the first token that differs as a whole, if it is not the one after t.
    """
    rng = np.random.default_rng(1)
    first = t + 1 if first is None else first

    def changed(own: LayerTrace, n: int) -> LayerTrace:
        values = {}
        for name, array in own.values.items():
            later = np.zeros(len(array), bool)
            if n == layer and own.direction == "forward":
                later[first:] = True
            elif n == layer:
                later[:t] = True
            elif n > layer:
                later[:] = True
            if n == layer and t < len(array) and first == t + 1:
                later[t] = part_of(own, name) >= part and name != "x"
            words = name == "x" and trace.series is None and n == 0
            noise = rng.normal(0, 3, array.shape).astype(array.dtype)
            values[name] = array if words else np.where(later[:, None], noise, array)
        grads = {name: 5 * rng.normal(0, 3, a.shape) for name, a in own.grads.items()}
        return replace(own, values=values, grads=grads, reach=rng.uniform(1, 99, own.reach.shape))

    told = np.arange(len(trace.tokens)) < min(t, first)
    head = trace.head
    readout = np.where(told[:, None], head.readout, head.readout[:, ::-1] ** 0.1)
    logits = np.where(told[:, None], head.logits, -3 * head.logits)
    labels = [label for label in head.labels if label != head.target] or [head.target]
    head = replace(
        head, output=head.output[::-1] ** 0.1, readout=readout, logits=logits, target=labels[-1],
        loss=head.loss + 123.4, objective="log-loss of something else",
    )  # fmt: skip
    series = trace.series
    if series is not None:
        after = tuple(value - 17.5 for value in series.after)
        truth = None if series.truth is None else series.truth + 21.5
        series = replace(series, after=after, truth=truth)
    layers = tuple(changed(own, n) for n, own in enumerate(trace.layers))
    return replace(trace, layers=layers, head=head, series=series)


def other_padding(answer: PaddingComparison, t: int, revealed: bool = False) -> PaddingComparison:
    """The same up to the state after word t, and another answer.

    ``revealed``: the prediction after word t is the same too.
    """

    def changed(padded: PaddedReading, pads: int, first: bool) -> PaddedReading:
        # Padding behind the last word has been read with it.
        read = len(padded.ids) if t == len(answer.words) - 1 else t + 1 + first * pads
        h = tuple(np.concatenate([a[:read], 3 * a[read:] + 1]) for a in padded.h)
        told = t + revealed + first * pads
        readout = np.concatenate([padded.readout[:told], padded.readout[told:, ::-1]])
        return replace(padded, h=h, readout=readout, output=padded.output[::-1])

    ways = {way: changed(p, answer.pads, way.side == "front") for way, p in answer.by_mode.items()}
    return replace(answer, by_mode=ways, unpadded=changed(answer.unpadded, 0, True))


Moments = tuple[ViewState, ViewState]


def both(now: ViewState, **more: Any) -> Moments:
    """The moment hidden, and the same moment with another answer."""
    now = replace(now, hidden=True, **more)
    at = now.cursor
    trace = another(now.trace, at.t, at.part, at.layer)
    answers = {question: beside(now, answer) for question, answer in now.answers.items()}
    return now, replace(now, trace=trace, answers=answers)


def beside(now: ViewState, answer: Any) -> Any:
    at = now.cursor
    if isinstance(answer, PaddingComparison):
        return other_padding(answer, at.t)
    if isinstance(answer, JacobianSpectra):
        return replace(answer, values=answer.values * 7 + 1, step_norms=answer.step_norms * 7 + 1)
    if not isinstance(answer, Trace):
        return answer
    same = answer.tokens == now.trace.tokens
    t = at.t if same else OTHER.split().index("good") if at.t >= 3 else at.t
    part = at.part if answer.layers[0].cell == now.layer.cell else 0
    own_first = None if same or at.t != 3 else t
    return another(answer, t, part, at.layer, own_first)


def answered(
    now: ViewState, questions: Any, read: Callable[[Question], Any]
) -> dict[Question, Any]:
    return {question: read(question) for question in questions}


@cache
def explored(question: Question) -> Any:
    """The small nets as explorer."""
    if isinstance(question, Query):
        return made(question.text, question.model)
    if isinstance(question, SpectrumQuestion):
        layer = explored(question.query).layers[question.layer]
        return spectra(layer, question.block)
    if isinstance(question, NetQuestion):
        return summary(stored(question.model).model.spec)
    if isinstance(question, GradientCheck):
        return explorer()(GradientCheck(Query("not good", "sentiment-lstm-8")))
    if isinstance(question, TrainingHistoryQuestion):
        return explorer()(TrainingHistoryQuestion("imdb-rnn"))
    if isinstance(question, UnitQuestion):
        return test_units.corpus(question.model)
    if isinstance(question, LearningQuestion):
        return test_learning.learned(question.model, question.text)
    raise AssertionError(question)


def at(t: int, part: int, name: str, **more: Any) -> ViewState:
    """A moment on a page, with its questions answered."""
    query = Query(TEXT, "lstm")
    now = moment(made(), t, query=query, others=CELLS, page=name, **more)
    now = replace(now, cursor=replace(now.cursor, unit=2, part=part))
    page = load(name)(now) if name else None
    asked = [] if page is None else page.questions(now)
    return replace(now, answers=answered(now, asked, explored))


def cases() -> Iterator[Any]:
    """Every page at the beginning, in the middle and at the end, of a part and of a token."""
    yield from ((f"{e.name}-{t}-{part}", e.name, t, part) for e in PAGES for t, part in PLACES)
    yield from ((f"panels-{t}-{part}", "", t, part) for t, part in PLACES)


PLACES = ((0, 6), (2, 1), (3, 6), (4, 5), (4, 6))
SPECIAL = ("hand", "padding", "series", "net", "clamp", "against")
OF_WORDS = ("clamp", "against", "net")


def special(name: str, t: int, part: int) -> list[Moments]:
    """Moments that a page needs and the small sentence does not have."""
    if name == "hand":
        query = Query("1 0 0.5 -1", "hand-lstm", hand=default_net("lstm", 2))
        query = replace(query, model=model_of("lstm"))
        now = moment(tracer()(query), min(t, 3), query=query, page="hand")
        return [both(replace(now, cursor=replace(now.cursor, part=part)))]
    if name == "padding":
        found = test_padding.answered("lstm", None)
        query = Query(TEXT, "lstm")
        now = moment(made(), t, query=query, page="padding")
        now = replace(now, answers={PaddingQuestion(query): found})
        return [
            both(now, page_states={"padding": test_padding.PaddingState(way)})
            for way in padding.PADDING_MODES
        ]
    if name == "series":
        trace = test_series.traced()
        return [both(test_series.at(k, trace, page="series")) for k in (3, 120, 239)]
    if name == "net":
        deep = made(layers=2, bidirectional=True, labels=LABELS)
        found = []
        for layer in range(4):
            for kept in (DiagramState(), DiagramState(True), DiagramState(False, True)):
                now = moment(deep, t, page="net", page_states={"net": kept})
                cursor = replace(now.cursor, layer=layer, part=part)
                found.append(both(replace(now, cursor=cursor)))
        return found
    if name == "clamp":
        now = test_clamp.at(t, "lstm", "f[*]=1", "c[4]=0.5", page="clamp")
        return [both(replace(now, cursor=replace(now.cursor, part=part)))]
    query = Query(TEXT, "lstm")
    now = at(t, part, name, page_states={"against": SecondSentence(OTHER)})
    b = replace(query, text=OTHER)
    return [both(replace(now, answers={**now.answers, b: explored(b)}))]


def drawn(view: View, now: ViewState, size: tuple[int, int], plain: bool = False) -> list[Line]:
    """What a view draws; ``plain``: without what keeps the answer from it."""
    lines = inspect.unwrap(type(view).lines) if plain else type(view).lines
    found: list[Line] = lines(view, now, *size)
    return found


def views(now: ViewState) -> list[View]:
    """The page that is open, or all panels."""
    if now.page:
        return [load(now.page)(now)]
    return [*(view(now) for view in PANELS), *(Heatmap(now, k) for k in range(len(now.quantities)))]


def differing(pair: Moments, size: tuple[int, int], plain: bool = False) -> list[str]:
    """The views that show which of two answers is hidden."""
    one, other = pair
    return [
        type(view).__name__
        for view in views(one)
        if drawn(view, one, size, plain) != drawn(view, other, size, plain)
    ]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("name", "t", "part"), [c[1:] for c in cases()],
                         ids=[c[0] for c in cases()])  # fmt: skip
def test_what_is_drawn_does_not_depend_on_what_is_hidden(
    name: str, t: int, part: int, lang: str
) -> None:
    pairs = [] if name in SPECIAL and name != "net" else [both(at(t, part, name))]
    if name in SPECIAL:
        pairs += special(name, t, part)
    if not name:
        four = moment(made(labels=LABELS), t)
        pairs.append(both(replace(four, cursor=replace(four.cursor, part=part))))
        deep = moment(made(layers=2, bidirectional=True), t)
        pairs += [
            both(replace(deep, cursor=replace(deep.cursor, layer=layer, part=part)))
            for layer in range(4)
        ]
    for pair in pairs:
        for zoom in ("sentence", "equation"):
            for back in (False, True):
                for size in SIZES:
                    one, other = (
                        replace(m, lang=lang, backward=back,
                                cursor=replace(m.cursor, zoom=zoom)) for m in pair
                    )  # fmt: skip
                    assert not differing((one, other), size), (size, zoom, back)


@pytest.mark.parametrize(("t", "part"), PLACES)
def test_panels_beside_a_second_sentence_do_not_either(t: int, part: int) -> None:
    now = at(t, part, "", page_states={"against": SecondSentence(OTHER)})
    b = replace(now.query, text=OTHER)
    for page in ("", "lockstep", "backward", "units", "net"):
        pair = both(replace(now, page=page, answers={b: explored(b)}))
        for size in SIZES:
            assert not differing(pair, size), (page, size)


def test_without_the_protection_scales_and_order_tell_the_answer() -> None:
    """The comparison finds the leaks there were: it can fail."""
    told: set[str] = set()
    for name in ("", "padding", "against", "net"):
        for t, part in PLACES:
            pairs = special(name, t, part) if name else [both(at(t, part, ""))]
            told |= {v for pair in pairs for v in differing(pair, (120, 34), plain=True)}
    assert {"Heatmap", "CompareSentencesPage", "NetPage"} <= told


@pytest.mark.parametrize(("t", "part"), PLACES)
def test_what_stands_in_for_the_hidden_numbers_is_not_printed(
    t: int, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A zero in place of a number would be as false as the number is early."""

    def printed() -> set[str]:
        found = set()
        for name in ("", *(e.name for e in PAGES if e.name not in SPECIAL), *OF_WORDS):
            pairs = special(name, t, part) if name in SPECIAL else [both(at(t, part, name))]
            for now, _ in pairs:
                for view in views(now):
                    for line in drawn(view, now, (200, 48)):
                        text = "".join(segment.text for segment in line)
                        found |= {(name, text)} if STRANGE.search(text) else set()
        return found

    before, only = printed(), predict_first._masked

    def strange(array: np.ndarray, known: np.ndarray) -> np.ndarray:
        return np.where(known[:, None], only(array, known), 0.7777)

    monkeypatch.setattr(predict_first, "_masked", strange)
    assert printed() <= before


# -- in the app -------------------------------------------------------------------------------


def screens(trace: Trace, lang: str, size: tuple[int, int]) -> Mapping[str, list[Any]]:
    """Everything on the screen, on every page, after p at token 3."""

    def read(question: Question) -> Any:
        if isinstance(question, Query) and question.text == TEXT and question.model == "lstm":
            return trace
        return explored(question)

    query = Query(TEXT, "lstm")
    app = RnnvizApp(read, query, trace, switch=CELLS, unit=2, lang=lang, t=3)

    async def settle(pilot: Pilot[int]) -> None:
        await pilot.pause()
        while app.step_screen.page_host.pending:
            await pilot.pause(0.01)
        await pilot.pause()

    async def run() -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        async with app.run_test(size=size) as pilot:
            await pilot.press("p")
            for name in ("", *(e.name for e in PAGES if e.name not in ("padding", "hand"))):
                if name:
                    app.step_screen.action_page(name)
                await settle(pilot)
                strips = app.screen._compositor.render_strips()
                found[name] = [list(strip) for strip in strips]
                if name:
                    app.step_screen.action_page(name)
        return found

    return asyncio.run(run())


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
def test_the_screens_of_two_answers_are_the_same(size: tuple[int, int]) -> None:
    trace = made()
    parts = len(trace.layers[0].parts)
    one = screens(trace, "en", size)
    other = screens(another(trace, 3, parts - 1), "en", size)
    assert one.keys() == other.keys()
    for name in one:
        assert one[name] == other[name], name


def test_after_the_answer_is_shown_the_screens_differ() -> None:
    trace = made()
    shown = moment(trace, 3)
    other = replace(shown, trace=another(trace, 3, shown.cursor.part))
    assert differing((shown, other), (120, 34))
    assert issubclass(Page, View)
