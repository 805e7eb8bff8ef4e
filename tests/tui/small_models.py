"""Small traces with a pinned seed, and a tracer that answers with them: no shipped weights."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from rnnviz import cells
from rnnviz.cursor import start
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise
from rnnviz.engine.spec import EmbeddingSpec, HeadSpec, ModelSpec, RecurrentSpec
from rnnviz.errors import UsageError
from rnnviz.model_files import StoredModel
from rnnviz.query import Query
from rnnviz.trace import Trace
from rnnviz.tracer import trace as trace_of
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.step.app import RnnvizApp
from rnnviz.tui.step.panel_layout import panel_places
from rnnviz.tui.step.screen import StepScreen
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import View

TEXT = "this movie was not good"
CELLS = ("rnn", "lstm", "gru", "lstm-slide")
#: Every cell that there is.
DRAWN = tuple(cells.CELLS)


@cache
def stored(
    cell: str = "lstm",
    units: int = 6,
    layers: int = 1,
    bidirectional: bool = False,
    labels: tuple[str, ...] = ("negative", "positive"),
) -> StoredModel:
    """A net with seeded weights, larger than usual so that its numbers differ visibly."""
    vocabulary = Vocabulary.build([TEXT.split()] * 3, 20)
    outputs = 1 if len(labels) == 2 else len(labels)
    spec = ModelSpec(
        EmbeddingSpec(len(vocabulary), 5),
        (RecurrentSpec(cell, units, bidirectional),) * layers,
        HeadSpec("sigmoid" if outputs == 1 else "softmax", outputs),
    )
    params = initialise(spec, 3)
    rng = np.random.default_rng(5)
    params["embedding"] = rng.normal(0, 1.2, params["embedding"].shape).astype(np.float32)
    return StoredModel(cell, Model(spec, params), vocabulary, labels, {"trained_on": "a seed"})


def made(text: str = TEXT, cell: str = "lstm", **shape: object) -> Trace:
    """The trace of a text."""
    return trace_of(stored(cell, **shape), Query(text, cell))  # type: ignore[arg-type]


def read(query: Query) -> Trace:
    """The tracer the app gets: it knows the cells, and refuses one word."""
    if "refuse" in query.text:
        raise UsageError("This word is refused. Type another one.")
    if "break" in query.text:
        raise ZeroDivisionError("broken tracer")
    return made(query.text, query.model)


def moment(trace: Trace | None = None, t: int = 0, **changes: object) -> ViewState:
    """A moment of a trace in the dark theme."""
    trace = trace or made()
    return replace(ViewState(trace, start(trace, t), ViewTheme("dark")), **changes)  # type: ignore[arg-type]


def app(text: str = TEXT, cell: str = "lstm", **options: object) -> RnnvizApp:
    """The app on a small trace."""
    query = Query(text, cell)
    trace = options.pop("trace", None) or made(text, cell)
    options.setdefault("switch", CELLS)
    options.setdefault("unit", 2)
    explorer: Any = options.pop("explorer", read)
    kind: Any = options.pop("kind", RnnvizApp)
    return kind(explorer, query, trace, **options)


def screen_text(app: RnnvizApp) -> list[str]:
    """What is on the screen, with every style stripped."""
    return [strip.text for strip in app.screen._compositor.render_strips()]


def panels(view_state: ViewState, size: tuple[int, int]) -> dict[str, list[str]]:
    """The text of every visible panel of the step screen at a size, by id."""
    views: dict[str | None, Any] = {v.id: v for v in StepScreen(read, view_state).compose()}
    places = panel_places(view_state, *size, typing=False, full_screen=False)
    drawn = {}
    for name, region in places.items():
        if isinstance(views[name], View):
            strips = views[name].strips_at(view_state, region.width, region.height)
            drawn[name] = [strip.text for strip in strips]
    return drawn
