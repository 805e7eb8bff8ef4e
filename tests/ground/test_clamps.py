"""Clamps: what is typed, what is refused, and what a trace with values held says."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import model as drawn
from strategies import recorded_gradients

from rnnviz.cells import CELLS
from rnnviz.clamps import Clamp, parse, parse_counted
from rnnviz.data.vocabulary import Encoding, Vocabulary
from rnnviz.engine import losses
from rnnviz.engine.model import Model
from rnnviz.engine.spec import EmbeddingSpec, HeadSpec, ModelSpec, RecurrentSpec
from rnnviz.equations import evaluate
from rnnviz.errors import InvalidFileError, UsageError
from rnnviz.model_files import StoredModel
from rnnviz.query import Query
from rnnviz.trace import Trace
from rnnviz.trace.file import open_trace, save_trace
from rnnviz.tracer import trace

WORDS = ("", "[UNK]", "a", "good", "bad", "movie", "not")
TEXT = "not a good movie truly bad"


def stored(
    cell: str = "lstm", *, both: bool = False, depth: int = 1, masked: bool = True,
    length: int | None = None,
) -> StoredModel:  # fmt: skip
    """A float64 model of seven words and 3 units with random weights."""
    spec = ModelSpec(
        EmbeddingSpec(len(WORDS), 2, masked),
        (RecurrentSpec(cell, 3, both),) * depth,
        HeadSpec("sigmoid", 1),
    )
    net = drawn(spec, np.random.default_rng(11))
    vocabulary = (
        Vocabulary(WORDS, Encoding(padding="front", length=length)) if length else Vocabulary(WORDS)
    )
    return StoredModel("tiny", net, vocabulary, ("negative", "positive"), {"trained_on": "nothing"})


def seen(net: StoredModel, *clamps: str, text: str = TEXT) -> Trace:
    """The trace with these values held; always of the same target."""
    return trace(net, Query(text, "tiny", "positive", clamps=tuple(map(parse, clamps))))


# -- what is typed --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("f[*]=1", Clamp("f", 1)),
        ("f[3]=0", Clamp("f", 0, 3)),
        ("i[3,17]=0", Clamp("i", 0, 3, 17)),
        ("h[*,2]=-0.5", Clamp("h", -0.5, None, 2)),
        ("c=0", Clamp("c", 0)),
        ("a_f[ 3 , * ] = 1e-3 ", Clamp("a_f", 1e-3, 3)),
        ("lstm.1.backward.f[*]=0", Clamp("f", 0, layer="lstm.1.backward")),
        ("gru-2014.0.m[1]=−2", Clamp("m", -2, 1, layer="gru-2014.0")),
    ],
)
def test_a_clamp_is_read_as_it_is_meant_and_written_so_that_it_is_read_again(
    typed: str, meant: Clamp
) -> None:
    assert parse(typed) == meant
    assert parse(str(meant)) == meant


drawn_clamps = st.builds(
    Clamp,
    st.sampled_from(["f", "a_i", "h", "x"]),
    st.floats(-1e6, 1e6).map(lambda value: float(f"{value:.9g}")),
    st.none() | st.integers(0, 4),
    st.none() | st.integers(0, 40),
    st.none() | st.sampled_from(["lstm", "lstm.1.backward", "gru-2014.0"]),
)
#: What a sentence may hold: words, numbers, what the form itself is written with, codes.
drawn_words = st.sampled_from(["not", "Good", "3", "*", "=", "[UNK]", "new york", "”", "İ", "\x1b"])


@given(drawn_clamps, st.lists(drawn_words, min_size=5, max_size=5))
def test_both_forms_of_a_clamp_are_read_as_the_same_one(clamp: Clamp, tokens: list[str]) -> None:
    assert parse(str(clamp)) == clamp
    assert parse_counted(str(clamp), tokens) == clamp
    shown = clamp.counted(tokens)
    assert parse_counted(shown, tokens) == clamp
    assert "[" not in shown.partition("“")[0]
    # Typed by hand: without the word, or with the word instead of the number.
    bare = re.sub(r" “[^”]*”", "", shown)
    assert parse_counted(bare, tokens) == clamp
    if clamp.t is not None and tokens[clamp.t] == "not" and tokens.count("not") == 1:
        assert parse_counted(bare.replace(f" {clamp.t + 1}", " not", 1), tokens) == clamp


@pytest.mark.parametrize(
    ("typed", "bracketed"),
    [
        ("f 3 = 0", "f[2]=0"), ("f 3 17 = 0", "f[2,17]=0"), ("f * = 1", "f[*]=1"),
        ("c = 0", "c=0"), ("f not = 0", "f[0]=0"), ("f NOT 2=0", "f[0,2]=0"),
        ("f “movie” * = -0.5", "f[3]=-0.5"), ("h * 2 = −1", "h[*,2]=-1"),
        ("lstm.1.backward.f 6 = 0", "lstm.1.backward.f[5]=0"), ("  f   6=0 ", "f[5]=0"),
    ],
)  # fmt: skip
def test_a_clamp_is_typed_as_the_screen_counts(typed: str, bracketed: str) -> None:
    assert parse_counted(typed, TEXT.split()) == parse(bracketed)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("f 7 = 0", "tokens count from 1 (“not”) to 6 (“bad”); * holds all"),
        ("f 0 = 0", "tokens count from 1 (“not”) to 6 (“bad”)"),
        ("f mvoie = 0", "there is no word “mvoie” in this text. Did you mean 'movie'?"),
        ("f 2 “not” = 0", "token 2 is “a”, not “not”"),
        ("f 2 3 4 = 0", "tokens counted from 1 and units from 0, for example 'f 4 = 0'"),
        ("f = x", "x is not a number from"),
        ("f 3 =", "for example"),
        ("= 3", "for example"),
        ("", "for example"),
    ],
)
def test_what_does_not_count_as_the_screen_does_is_refused(typed: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_counted(typed, TEXT.split())
    assert said in str(caught.value) and repr(typed) in str(caught.value)


def test_a_word_that_occurs_twice_is_refused_with_its_numbers() -> None:
    with pytest.raises(UsageError, match="“so” is token 1, 3; type one of the numbers"):
        parse_counted("f so = 0", ["so", "very", "so"])


@pytest.mark.parametrize(
    "typed", ["", "f", "f[*]", "f[3]=", "f[-1]=0", "f[1,2,3]=0", "f[x]=0", "=1", "f[1=0", "f g=1"]
)
def test_what_cannot_be_read_is_refused_with_an_example(typed: str) -> None:
    with pytest.raises(UsageError, match=r"for example 'f\[\*\]=1'"):
        parse(typed)


@pytest.mark.parametrize("value", ["one", "nan", "inf", "-inf", "1e7", "0,5"])
def test_a_value_is_a_number_of_a_sensible_size(value: str) -> None:
    with pytest.raises(UsageError, match="not a number from -1000000 to 1000000"):
        parse(f"f[*]={value}")


@pytest.mark.parametrize(
    ("clamp", "said"),
    [
        ("lstn.f[*]=0", "there is no layer 'lstn'. Did you mean 'lstm'? Layers: lstm"),
        ("z[*]=1", "LSTM has no value 'z'. Values: x, a_f, f, a_i"),
        ("a_e[*]=1", "LSTM has no value 'a_e'. Did you mean 'a_"),
        ("f[6]=1", "this text has tokens 0 to 5 (“not” to “bad”), counted from 0"),
        ("f[0,3]=1", "f has units 0 to 2"),
        ("x[0,2]=1", "x has units 0 to 1"),
    ],
)
def test_what_this_net_or_text_does_not_have_is_refused(clamp: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        seen(stored(), clamp)
    assert said in str(caught.value) and clamp.split("=")[0] in str(caught.value)


# -- what the trace says --------------------------------------------------------------------------


@pytest.mark.parametrize("cell", CELLS)
def test_a_trace_has_the_held_values_and_the_prediction_without_them(cell: str) -> None:
    net = stored(cell)
    free, held = seen(net), seen(net, "h[2]=0.25", "a[*]=1" if cell == "rnn" else "g[*,1]=-1")
    layer = held.layers[0]
    assert (layer.values["h"][2] == 0.25).all()
    name = "a" if cell == "rnn" else "g"
    assert (layer.values[name][:, 1] == (1 if cell == "rnn" else -1)).all()
    assert held.head.unclamped is not None and free.head.unclamped is None
    np.testing.assert_array_equal(held.head.unclamped, free.head.output)
    assert abs(held.head.output - free.head.output).max() > 1e-3
    assert held.clamps[0] == Clamp("h", 0.25, 2, layer=cell)


def test_the_last_of_several_clamps_wins() -> None:
    layer = seen(stored(), "f[*]=1", "f[2]=0.5", "f[2,1]=0").layers[0]
    np.testing.assert_array_equal(layer.values["f"][2], [0.5, 0, 0.5])
    assert (np.delete(layer.values["f"], 2, 0) == 1).all()
    assert [
        layer.clamped_value("f", 2, 0),
        layer.clamped_value("f", 2, 1),
        layer.clamped_value("f", 0, 0),
    ] == [0.5, 0, 1]
    assert layer.clamped_value("i", 2, 0) is None


EVERYWHERE = ["lstm.0.f[*]=1", "lstm.0.backward.c[1]=0.3", "lstm.1.x[2,3]=-1",
              "lstm.1.backward.h[*,1]=0.2", "lstm.1.a_o[0]=0.7", "lstm.0.x[3]=0.1"]  # fmt: skip


@pytest.mark.parametrize("clamp", EVERYWHERE)
def test_a_deep_net_in_both_directions_is_held_where_it_was_said(clamp: str) -> None:
    """And the gradients that arrive there are the slope of the loss when the value is moved."""
    net, meant = stored(both=True, depth=2), parse(clamp)
    others = [c for c in EVERYWHERE if c != clamp]
    held = seen(net, *others, clamp)
    (layer,) = [la for la in held.layers if la.name == meant.layer]
    assert (layer.values[meant.name][meant.where] == meant.value).all()
    up, down = (
        seen(net, *others, str(replace(meant, value=meant.value + by))).head.loss
        for by in (1e-5, -1e-5)
    )
    arrived = layer.grads[meant.name][meant.where].sum()
    assert arrived == pytest.approx((up - down) / 2e-5, rel=1e-5, abs=1e-9)
    assert not layer.propagated_grad(meant.name)[meant.where].any()
    top = held.layers[2]
    if meant.name != "x" and meant.layer and ".0" in meant.layer:
        below = np.concatenate([la.values["h"] for la in held.layers[:2]], axis=1)
        free = np.delete(np.arange(6), 3)
        np.testing.assert_array_equal(top.values["x"][:, free], below[:, free])


@pytest.mark.parametrize("clamps", [EVERYWHERE, ["lstm.1.x[*]=0.5"], ["lstm.0.x[*,0]=0.5"]])
def test_the_embedding_learns_only_from_what_was_not_held(clamps: list[str]) -> None:
    """The embedding's gradient is the slope of the loss, with a masked token in the text."""
    from rnnviz.tracer.clamping import clampings, resolve_clamps

    net = stored(both=True, depth=2).model
    ids = np.array([[3], [0], [5], [3], [2], [6]])
    named = resolve_clamps(net, [parse(c) for c in clamps], ["a"] * len(ids))
    clamped = clampings(net, named, len(ids))

    def loss(model: Model) -> float:
        logits = model.record(ids, clampings=clamped).logits
        return float(losses.losses("sigmoid", logits, np.array([1]))[0])

    done = net.record(ids, clampings=clamped)
    d_logits = losses.d_logits("sigmoid", done.logits, np.array([1]))
    grads = recorded_gradients(net, done, d_logits)
    for name in ("embedding", "layers.0.forward.W", "layers.0.backward.U", "layers.1.forward.b"):
        rng = np.random.default_rng(1)
        way = rng.standard_normal(net.params[name].shape)
        up, down = (
            loss(Model(net.spec, net.params | {name: net.params[name] + by * way}))
            for by in (1e-5, -1e-5)
        )
        slope = (up - down) / 2e-5
        assert (grads[name] * way).sum() == pytest.approx(slope, rel=1e-5, abs=1e-9), name


@pytest.mark.parametrize("cell", CELLS)
def test_every_line_of_a_cell_that_is_not_held_is_true_of_its_numbers(cell: str) -> None:
    """Forward lines give what was recorded, backward lines what arrived, also behind a clamp."""
    held = seen(stored(cell), "h[2]=0.25", "a[*,1]=1" if cell == "rnn" else "g[3]=0.4")
    layer = held.layers[0]
    for t in range(len(held.tokens)):
        known = layer.at(t)
        for line in layer.lines:
            units = [u for u in range(3) if layer.clamped_value(line.name, t, u) is None]
            found = evaluate(line.formula, known)[units]
            np.testing.assert_allclose(found, layer.values[line.name][t, units], 1e-9, 1e-12)
        for line in layer.back:
            found = evaluate(line.formula, known)
            wanted = layer.grads[line.name.removeprefix("d_")][t]
            np.testing.assert_allclose(found, wanted, 1e-9, 1e-12, err_msg=line.name)


@pytest.mark.parametrize("clamp", ["f[*]=1", "h[1,0]=0.5", "lstm.backward.f[2]=0"])
def test_a_net_that_reads_backwards_is_asked_after_each_token_with_the_same_held(
    clamp: str,
) -> None:
    """What it says after some tokens is what it says of a text that ends there."""
    net = stored(both=True)
    whole = seen(net, clamp)
    for n in range(3, 6):
        part = seen(net, clamp, text=" ".join(TEXT.split()[:n]))
        np.testing.assert_allclose(whole.head.readout[n - 1], part.head.output, 1e-12)


def test_with_padding_in_front_a_clamp_stays_with_its_word() -> None:
    """One word fewer moves every other one by one place; the held word moves with them."""
    net = stored(both=True, masked=False, length=9)
    whole = seen(net, "f[5]=0", "lstm.backward.i[*]=1")
    assert whole.tokens[3:] == tuple(TEXT.split())
    part = seen(net, "f[6]=0", "lstm.backward.i[*]=1", text=" ".join(TEXT.split()[:5]))
    assert part.tokens[6] == whole.tokens[5]
    np.testing.assert_allclose(whole.head.readout[7], part.head.output, 1e-12)
    assert whole.head.readout.shape == (9, 2)


# -- files ----------------------------------------------------------------------------------------


def test_the_json_says_what_was_held_only_where_something_was() -> None:
    net = stored()
    free, held = seen(net).to_json(), seen(net, "f[*]=1", "i[3,2]=0").to_json()
    assert "clamps" not in free and "unclamped" not in free["head"]
    assert held["schema"] == "rnnviz.trace/1"
    assert json.loads(json.dumps(held, allow_nan=False)) == held
    assert held["clamps"] == [
        {"name": "f", "value": 1.0, "t": None, "unit": None, "layer": "lstm"},
        {"name": "i", "value": 0.0, "t": 3, "unit": 2, "layer": "lstm"},
    ]
    assert held["head"]["unclamped"] == free["head"]["output"]


def test_a_saved_trace_carries_its_clamps(tmp_path: Path) -> None:
    held = seen(stored(both=True), "f[*]=1", "lstm.backward.h[0]=0.5")
    save_trace(held, tmp_path / "t.npz")
    again = open_trace(tmp_path / "t.npz")
    assert again.clamps == held.clamps and again.to_json() == held.to_json()


@pytest.mark.parametrize(
    "wrong",
    [{"t": 6}, {"unit": 3}, {"t": -1}, {"t": True}, {"name": "z"}, {"layer": "gru"},
     {"value": float("nan")}, {"value": "1"}],
)  # fmt: skip
def test_a_saved_trace_with_an_impossible_clamp_is_refused(
    wrong: dict[str, object], tmp_path: Path
) -> None:
    held = seen(stored(), "f[2,1]=1")
    clamp = replace(held.clamps[0], **wrong)  # type: ignore[arg-type]
    layer = replace(held.layers[0], clamps=(clamp,))
    save_trace(replace(held, layers=(layer,)), tmp_path / "t.npz")
    with pytest.raises(InvalidFileError):
        open_trace(tmp_path / "t.npz")
