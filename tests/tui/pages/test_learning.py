"""The page of learning shows what each snapshot says, and nothing that is hidden."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from rnnviz.analysis.learning import Learning, LearningQuestion
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise
from rnnviz.equations import number
from rnnviz.errors import UsageError
from rnnviz.explore.learning import learning
from rnnviz.query import Query, Question
from rnnviz.tui.pages.learning import LearningPage, LearningState
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.view.view_state import ViewState
from tests.tui.pages import test_series
from tests.tui.pages.reading import SIZES, drive, ending, lines
from tests.tui.small_models import TEXT, made, moment, read, stored

STEPS, EPOCHS = (0, 1, 4, 9, 20), (0.0, 0.1, 0.4, 0.9, 2.0)


@cache
def learned(cell: str = "lstm", text: str = TEXT) -> Learning:
    """Five nets on the way from new weights to those of the small model."""
    of = replace(stored(cell), name=cell)
    first = initialise(of.model.spec, 8)
    nets = [
        Model(
            of.model.spec,
            {n: (1 - share) * first[n] + share * a for n, a in of.model.params.items()},
        )
        for share in np.linspace(0, 1, len(STEPS), dtype=np.float32)
    ]
    return learning(of, nets, STEPS, EPOCHS, text)


def at(step: int | None = None, t: int = 3, cell: str = "lstm", **changes: Any) -> ViewState:
    """The page's view state with its answer, at a snapshot."""
    query = Query(TEXT, cell)
    states = {} if step is None else {"learning": LearningState(cell, step)}
    changes = {
        "query": query, "page": "learning", "page_states": states,
        "answers": {LearningQuestion(cell, TEXT): learned(cell)}, **changes,
    }  # fmt: skip
    return moment(made(TEXT, cell), t, **changes)


def explore(question: Question) -> Any:
    """Answers the page, with the steps of the model's own name."""
    if isinstance(question, LearningQuestion):
        run = question.model.partition("@")[0]
        return replace(learned(run), run=run)
    if isinstance(question, Query):
        return read(replace(question, model=question.model.partition("@")[0]))
    raise UsageError("nothing else is asked here")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("step", [*STEPS, None])
def test_each_word_has_the_prediction_of_the_snapshot(
    size: tuple[int, int], cell: str, step: int | None
) -> None:
    said, n = lines(LearningPage, at(step, cell=cell), *size), learned(cell).index(step)
    for t, word in enumerate(TEXT.split()):
        row = next(line for line in said[3:8] if line[1:].startswith(word))
        assert number(float(learned(cell).outputs[n, t, 1]), 2) in row
    assert f"{STEPS[n]} of 20" in said[1]


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("size", [(60, 17), *SIZES])
def test_every_size_without_colours_and_with_ascii_fits(size: tuple[int, int], plain: bool) -> None:
    theme = ViewTheme("dark", colour=False, ascii_only=plain)
    assert lines(LearningPage, at(4, theme=theme), *size)


@pytest.mark.parametrize("t", range(5))
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_the_sentence_says_from_which_update_a_word_matters(t: int, cell: str) -> None:
    said, onset = ending(LearningPage, at(t=t, cell=cell), 120), learned(cell).onset(t, 1)
    assert f"“{TEXT.split()[t]}”" in said
    if onset is None:
        assert "does not matter" in said
    else:
        assert f"from update {STEPS[onset]} on" in said
    for value in (learned(cell).outputs[-1, -1, 1], learned(cell).without[-1, t, 1]):
        assert number(float(value), 2) in said


def test_the_small_models_have_words_that_matter_and_words_that_do_not() -> None:
    found = {learned(cell).onset(t, 1) for cell in ("rnn", "lstm", "gru") for t in range(5)}
    assert None in found and len(found) > 1


def test_keys_go_through_the_training_and_words() -> None:
    app, _ = drive("learning", TEXT, "lstm", explore, "left", "left", "shift+tab")
    state = app.step_screen.view_state
    assert state.page_states["learning"] == LearningState("lstm", 4)
    assert state.cursor.t == 3
    app, _ = drive("learning", TEXT, "lstm", explore, "home", "left")
    assert app.step_screen.view_state.page_states["learning"] == LearningState("lstm", 0)
    app, _ = drive("learning", TEXT, "lstm", explore, "home", "right", "end", "right", "tab")
    state = app.step_screen.view_state
    assert (state.page_states["learning"], state.cursor.t) == (LearningState("lstm", 20), 0)


def test_enter_opens_the_net_of_the_moment_and_undo_goes_back() -> None:
    app, _ = drive("learning", TEXT, "lstm", explore, "home", "right", "enter")
    state = app.step_screen.view_state
    assert (state.query.model, state.page) == ("lstm@1", "")
    app, _ = drive("learning", TEXT, "lstm", explore, "home", "right", "enter", "z")
    assert app.step_screen.view_state.query.model == "lstm"


def test_the_model_of_a_moment_is_shown_at_that_moment() -> None:
    query = Query(TEXT, "lstm@4")
    answers = {LearningQuestion("lstm@4", TEXT): learned("lstm")}
    said = lines(LearningPage, at(query=query, answers=answers), 120, 36)
    assert "update 4 of 20" in said[1]


@pytest.mark.parametrize("revealed", [False, True])
def test_what_is_hidden_is_not_drawn(revealed: bool) -> None:
    """Another end of the training, and other words after the cursor, give the same picture."""
    found, query = learned("lstm"), Query(TEXT, "lstm@4")
    later = np.array(found.outputs)
    later[3:] = 1 - later[3:]
    later[:, 3 + revealed :] = 1 - later[:, 3 + revealed :]
    values = {
        layer: {n: np.where(np.arange(5)[:, None, None] > 2, -a, a) for n, a in of.items()}
        for layer, of in found.values.items()
    }
    other = replace(found, outputs=later, without=1 - found.without, values=values)
    drawn = [
        lines(
            LearningPage,
            at(
                query=query, hidden=True, revealed=revealed,
                answers={LearningQuestion("lstm@4", TEXT): each},
            ), 120, 36,
        )
        for each in (found, other)
    ]  # fmt: skip
    assert drawn[0] == drawn[1]
    assert any("?" in line for line in drawn[0])


@pytest.mark.parametrize("lang", ["en", "tr"])
def test_a_model_without_snapshots_says_what_to_type(lang: str) -> None:
    question = LearningQuestion("lstm", TEXT)
    state = at(answers={}, failures={question: "no snapshots"}, lang=lang)
    said = " ".join(" ".join(lines(LearningPage, state, 80, 24)).split())
    assert "no snapshots" in said and "rnnviz train" in said
    assert re.search(r"rnnviz step -m last --view learning", said)


@pytest.mark.parametrize("lang", ["en", "tr"])
@pytest.mark.parametrize("size", SIZES)
def test_rounded_weights_are_named(size: tuple[int, int], lang: str) -> None:
    def said(dtype: str) -> str:
        rounded = replace(learned("lstm"), dtype=dtype)
        answers = {LearningQuestion("lstm", TEXT): rounded}
        return lines(LearningPage, at(answers=answers, lang=lang), *size)[1]

    assert "float16" in said("float16")
    assert "float" not in said("float32")
    if size[0] > 100:
        assert re.search("rounded|yuvarla", said("float16"))


def test_a_net_that_reads_numbers_is_not_called_untrained() -> None:
    state = test_series.at(query=Query(test_series.MOMENT, "jena"), page="learning")
    assert "jena reads numbers" in " ".join(lines(LearningPage, state, 80, 24))


def test_in_predict_mode_the_arrows_read_the_words_until_all_are_shown() -> None:
    T = len(TEXT.split())

    def state(*keys: str) -> ViewState:
        app, _ = drive("learning", TEXT, "lstm", explore, "tab", "p", *keys)
        return app.step_screen.view_state

    begun = state()
    assert (begun.cursor.t, begun.part_hidden) == (0, True)
    second = state("right")
    assert (second.cursor.t, second.part_hidden, second.page_states) == (1, True, begun.page_states)
    end = state(*["right"] * T)
    assert (end.cursor.t, end.part_hidden, end.hidden) == (T - 1, False, False)
    back = state(*["right"] * T, "left")
    assert back.cursor.t == T - 1
    assert back.page_state(LearningState).step == STEPS[-2]


def test_the_page_says_that_columns_are_no_stretches_of_time() -> None:
    assert "not a stretch of time" in lines(LearningPage, at(), 120, 36)[1]
