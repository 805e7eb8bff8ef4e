"""A small net that writes, with pinned weights, and an explorer that answers for it."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from rnnviz.analysis.unit_properties import AblationQuestion, PropertyQuestion
from rnnviz.analysis.writing import NextTokensQuestion
from rnnviz.cursor import start
from rnnviz.data.vocabulary import Encoding, Vocabulary
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise
from rnnviz.engine.spec import EmbeddingSpec, HeadSpec, ModelSpec, RecurrentSpec
from rnnviz.errors import UsageError
from rnnviz.explore.next_tokens import next_tokens
from rnnviz.explore.unit_properties import ablation, property_scores
from rnnviz.model_files import StoredModel
from rnnviz.query import Query
from rnnviz.trace import Trace
from rnnviz.tracer import trace as trace_of
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.step.app import RnnvizApp
from rnnviz.tui.view.view_state import ViewState

TEXT = "no:\nan era"
HELD_OUT = "no:\nan era or a red road\nbad\n" * 20
CHARACTERS = tuple(sorted(" \nabdelnor:"))
#: As the recipe of plays has it, and as that of names, which has a mark of the end.
PLAIN = Encoding("characters", unknown=None, special=())
NAMES = Encoding("characters", unknown=None, start=1, special=(0,))


@cache
def writer(encoding: Encoding = PLAIN, cell: str = "lstm", units: int = 6) -> StoredModel:
    """A net with seeded weights, larger than usual so that its numbers differ visibly."""
    letters = tuple(c for c in CHARACTERS if c != "\n")
    words = CHARACTERS if encoding.start is None else ("", "\n", *letters)
    words = ("", "[UNK]", *CHARACTERS) if encoding.unknown is not None else words
    K = len(words)
    spec = ModelSpec(
        EmbeddingSpec(K, 4, mask_zero=False), (RecurrentSpec(cell, units),),
        HeadSpec("softmax", K, reads="steps"),
    )  # fmt: skip
    rng = np.random.default_rng(4)
    params = {
        name: (a + rng.normal(0, 0.7, a.shape)).astype(np.float32)
        for name, a in initialise(spec, 3).items()
    }
    return StoredModel(
        "writer", Model(spec, params), Vocabulary(words, encoding), words, {"trained_on": "a seed"}
    )


def explorer(stored: StoredModel | None = None) -> Any:
    """Answers queries, and what follows each token; refuses everything else."""
    net = stored or writer()

    def answer(question: object) -> Any:
        if isinstance(question, Query):
            return trace_of(net, question)
        if isinstance(question, NextTokensQuestion):
            return next_tokens(net, question.query)
        if isinstance(question, PropertyQuestion):
            text = question.text
            return property_scores(net, "held out", HELD_OUT if text is None else text, question)
        if isinstance(question, AblationQuestion):
            return ablation(net, HELD_OUT if question.text is None else question.text, question)
        raise UsageError("There is no answer here.")

    return answer


def read(text: str = TEXT, stored: StoredModel | None = None) -> Trace:
    """The trace of a text."""
    return trace_of(stored or writer(), Query(text, "writer"))


def moment(t: int = 0, text: str = TEXT, **changes: Any) -> ViewState:
    """A moment of the text with what follows each token known."""
    stored = changes.pop("stored", None)
    trace, query = read(text, stored), Query(text, "writer")
    answers = {NextTokensQuestion(query): explorer(stored)(NextTokensQuestion(query))}
    changes = {"query": query, "answers": answers, "theme": ViewTheme("dark"), **changes}
    return ViewState(trace, start(trace, t), **changes)


def app(text: str = TEXT, stored: StoredModel | None = None, **options: Any) -> RnnvizApp:
    """The step screen on the text."""
    return RnnvizApp(explorer(stored), Query(text, "writer"), read(text, stored), unit=2, **options)
