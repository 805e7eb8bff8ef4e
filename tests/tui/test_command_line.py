"""The command line that leads to a view state: run through the parser, it comes back to it."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnviz.clamps import parse
from rnnviz.cli.import_options import settings_of
from rnnviz.cli.step import app as step_app
from rnnviz.cli.step import command, trace_source
from rnnviz.cli.step.step_options import StepOptions
from rnnviz.explore import explorer
from rnnviz.query import Query
from rnnviz.toy_net import edits, model_of
from rnnviz.toy_net.default_nets import default_net
from rnnviz.tui.keymap import DEFAULT_KEYMAP
from rnnviz.tui.step.app import RnnvizApp
from rnnviz.tui.step.command_line import command_line
from rnnviz.tui.view.second_sentence import SecondSentence
from rnnviz.tui.view.view_state import ViewState

TEXT = "this movie was not good"
read = explorer()


def opened(words: list[str]) -> tuple[ViewState, str]:
    """What the command line opens: the first view state, and the page."""
    step = parsed(words)
    traced = trace_source.read(step)
    compared: tuple[str, ...] = ()
    if step.compare is not None:
        from rnnviz.cli.step import compare_cells

        offered = step_app.switch_models(traced)
        compared = compare_cells.models(step.compare, traced.query.model, offered)
    step_app.check_options(step, traced.trace)
    page = step_app.first_page(step, traced, compared)
    app = step_app.make_app(step, traced, compared, page)
    return app.step_screen.view_state, page


def parsed(words: list[str]) -> StepOptions:
    assert words[:2] == ["rnnviz", "step"]
    found: dict[str, Any] = {}
    seen = click.Command(
        command.name, params=command.params, callback=lambda **params: found.update(params)
    )
    seen.__class__ = command.__class__
    with seen.make_context("step", words[2:]) as context:
        seen.invoke(context)
    explicit = found["model"] is not None
    settings = settings_of(found)
    return StepOptions(
        **found, settings=settings, model_is_explicit=explicit, keymap=DEFAULT_KEYMAP
    )


def shown(query: Query, t: int = 0, unit: int = 0, page: str = "", **states: Any) -> ViewState:
    """The view state of an app on a query."""
    switch = step_app.switch_models(trace_source.TracedQuery(read, query, read(query)))
    app = RnnvizApp(read, query, read(query), t=t, unit=unit, page_states=states, switch=switch)
    return replace(app.step_screen.view_state, page=page)


def same(before: ViewState, line: str) -> None:
    after, page = opened(shlex.split(line))
    assert after.query == before.query
    assert after.cursor == before.cursor
    assert page == before.page
    assert after.page_states == before.page_states
    assert after.trace.tokens == before.trace.tokens


CLAMPS = (parse("f[*]=1"), parse("i[3,17]=-0.5"))


@pytest.mark.parametrize(
    ("query", "place"),
    [
        (Query(TEXT, "sentiment-lstm"), (3, 17, "")),
        (Query(TEXT, "sentiment-gru"), (4, 0, "reach")),
        (Query(TEXT, "sentiment-lstm", "negative", clamps=CLAMPS), (2, 31, "clamp")),
        (Query(TEXT, "sentiment-rnn", random=7), (0, 1, "weights")),
        (Query('it\'s "fine" $HOME `ls` \\ ; rm -rf *', "sentiment-lstm"), (1, 2, "")),
        (Query("- not good", "sentiment-lstm"), (1, 2, "")),
        (Query("--help", "sentiment-lstm"), (0, 2, "")),
        (Query("çok güzel", "sentiment-lstm"), (0, 0, "hand")),
        (Query("cup final", "agnews-bilstm", "Sci/Tech"), (1, 5, "net")),
        (Query("1 0 0 1 0", model_of("lstm"), hand=default_net("lstm", 2)), (3, 1, "hand")),
        (Query("1 0 1", model_of("gru"), hand=default_net("gru", 1)), (1, 0, "")),
    ],
    ids=str,
)
def test_it_leads_back(query: Query, place: tuple[int, int, str]) -> None:
    view_state = shown(query, *place)
    same(view_state, command_line(view_state))


def test_a_series_is_named_by_its_moment() -> None:
    before = shown(Query("", "jena-gru"), 10, 3, "series")
    after, page = opened(shlex.split(command_line(before)))
    assert after.trace.text == before.trace.text and page == "series"
    assert after.trace.tokens == before.trace.tokens
    assert after.cursor == before.cursor


def test_a_second_sentence_and_compared_cells_come_back() -> None:
    second = SecondSentence("it was good")
    same(*with_line(shown(Query(TEXT, "sentiment-lstm"), 1, 2, "against", against=second)))
    same(*with_line(shown(Query(TEXT, "sentiment-lstm"), 1, 2, "", against=second)))
    after, page = opened(
        ["rnnviz", "step", TEXT, "--compare", "rnn,lstm", "-m", "sentiment-lstm", "--unit", "3"]
    )
    before = replace(after, page=page)
    same(before, command_line(before))


def with_line(view_state: ViewState) -> tuple[ViewState, str]:
    return view_state, command_line(view_state)


@pytest.mark.parametrize(
    ("cell", "typed"),
    [
        ("lstm", ["W_f[0,1]=0.25", "b_o[1]=-3", "h[0]=0.5", "W_y[1]=0.1"]),
        ("lstm", ["activation=relu", "output_activation=identity", "gate_activation=hard_sigmoid"]),
        ("gru", ["z=renew", "layout=pytorch", "U_g[0,1]=1e-07"]),
        ("gru-2014", ["head=linear", "target=0.5", "loss=squared error"]),
        ("rnn", ["target=1", "bias=none"]),
        ("rnn", ["inputs=2", "units=3", "W[1,2]=4"]),
    ],
)
def test_an_edited_net_by_hand_comes_back(cell: str, typed: list[str]) -> None:
    hand, text = default_net(cell, 2), "1 0 -0.5"
    for edit in typed:
        hand, text = edits.edited(hand, text, edit)
    view_state = shown(Query(text, model_of(cell), hand=hand), 1, 1, "hand")
    same(view_state, command_line(view_state))


@settings(max_examples=40)
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=30))
def test_any_text_is_one_word_of_the_command_without_control_characters(text: str) -> None:
    view_state = replace(shown_once(), query=Query(text, "sentiment-lstm"))
    line = command_line(view_state)
    assert line.isprintable()
    step = parsed(shlex.split(line))
    wanted = "".join(char if char.isprintable() else " " for char in text)
    assert " ".join(step.words) == ("- " if wanted == "-" else wanted)


_SHOWN: list[ViewState] = []


def shown_once() -> ViewState:
    if not _SHOWN:
        _SHOWN.append(shown(Query(TEXT, "sentiment-lstm")))
    return _SHOWN[0]
