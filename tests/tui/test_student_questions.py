"""The questions that students ask: at most four keys from the start, and the screen answers.

The facts are computed from the trace and the weights, not read from a screen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache

import numpy as np
import pytest

import rnnviz
from rnnviz.clamps import parse
from rnnviz.explore import explorer
from rnnviz.query import Explorer, Query
from rnnviz.trace import Trace
from rnnviz.tui.step.app import RnnvizApp, settled
from tests.tui.small_models import TEXT, screen_text

MODEL = "sentiment-lstm"
UNIT = 27  # the unit at the start: of the head's products after the last word the largest


@cache
def explore() -> Explorer:
    return explorer()


@cache
def trace() -> Trace:
    answer = explore()(Query(TEXT, MODEL))
    assert isinstance(answer, Trace)
    return answer


def number(value: float, digits: int = 2) -> str:
    """A number as the screens write it, without its sign."""
    return f"{abs(value):.{digits}f}"


def why_it_fell_at_not() -> Iterable[str]:
    before, after = (trace().head.readout[t, 1] for t in (2, 3))
    h, W = trace().layers[0].values["h"], rnnviz.load(MODEL).model.params["head.W"][:, 0]
    parts = (h[3] - h[2]) * W
    unit = int(parts.argmin())
    yield f"“not”: p(positive) {number(before)} → {number(after)}, fell by {number(before - after)}"
    yield f"unit {unit} −{number(parts[unit])}"


def why_it_fell_at_not_in_short() -> Iterable[str]:
    before, after = (trace().head.readout[t, 1] for t in (2, 3))
    without = rnnviz.step(TEXT.replace("not ", ""), model=MODEL).head.output[1]
    yield f"“not”: {number(before)} → {number(after)}"
    yield f"without it the end is {number(without)}"


def f_of_the_unit_at_good() -> Iterable[str]:
    assert trace().leading_unit() == UNIT
    yield f"f₅ +{number(trace().layers[0].values['f'][4, UNIT], 3)}"


def largest_gradient() -> tuple[str, str]:
    norms = np.linalg.norm(trace().layers[0].grads["x"], axis=1)
    t = int(norms.argmax())
    return trace().tokens[t], number(norms[t], 3)


def the_largest_gradient_and_its_meaning() -> Iterable[str]:
    word, norm = largest_gradient()
    yield "sensitivity, not importance"
    yield f"a small change of “{word}” would change the loss at the end most, {norm}"


def the_largest_gradient() -> Iterable[str]:
    yield f"█{largest_gradient()[1]}"


def whether_c_is_h() -> Iterable[str]:
    values = trace().layers[0].values
    c, h = (float(values[name][1, UNIT]) for name in "ch")
    yield f"h₂ is {h / np.tanh(c):.0%} of tanh(c₂)".replace("%", " %")
    yield f"the net reads h₂, c₂ = +{number(c, 3)} stays in the cell"
    yield f"= +{number(h, 3)}"


def what_if_f_is_always_1() -> Iterable[str]:
    held = explore()(Query(TEXT, MODEL, clamps=(parse("f[*]=1"),)))
    assert isinstance(held, Trace)
    free, then = (float(one.head.readout[-1, 1]) for one in (trace(), held))
    yield "f is always 1: nothing is forgotten"
    yield f"p(positive) {number(free, 3)} → {number(then, 3)}"


def whether_an_lstm_does_not_vanish() -> Iterable[str]:
    reach = float(trace().layers[0].reach[0])
    yield "Does the LSTM not vanish? Nothing guarantees it"
    yield f"{number(reach, 3)} times"


def what_return_sequences_gives() -> Iterable[str]:
    T, H = trace().layers[0].values["h"].shape
    yield f"Without return_sequences LSTM({H}) returns its last state only"
    yield f"With return_sequences=True it would return h of every step, ({T}, {H})"
    yield "h[:, −1] takes h at the last step, “good”"


def why_8320() -> Iterable[str]:
    layer = rnnviz.load(MODEL).model.params
    names = ("layers.0.forward.W", "layers.0.forward.U", "layers.0.forward.b")
    count = sum(layer[name].size for name in names)
    D, H = layer[names[0]].shape[0], layer[names[1]].shape[0]
    yield f"4·({D}·{H} + {H}·{H} + {H}) = {count:,} parameters"
    yield f"Why {count:,} in layer 1? W_i ({D}, {H}), U_i ({H}, {H}), b_i ({H})"


Facts = Callable[[], Iterable[str]]
WIDE, NARROW = (120, 36), (80, 24)
#: What to press from the start at these sizes, and what the screen says then.
QUESTIONS: list[tuple[str, Facts, tuple[tuple[int, int], ...]]] = [
    ("right right right", why_it_fell_at_not, (WIDE,)),
    ("right right right", why_it_fell_at_not_in_short, (NARROW,)),
    ("end", f_of_the_unit_at_good, (WIDE,)),
    ("end enter", f_of_the_unit_at_good, (NARROW,)),
    ("", the_largest_gradient_and_its_meaning, ((200, 50),)),
    ("", the_largest_gradient, (WIDE, NARROW)),
    ("right comma", whether_c_is_h, (WIDE,)),
    ("right comma enter", whether_c_is_h, (NARROW,)),
    ("c O", what_if_f_is_always_1, (WIDE, NARROW)),
    ("R", whether_an_lstm_does_not_vanish, (WIDE, NARROW)),
    ("n", what_return_sequences_gives, (WIDE, NARROW)),
    ("n", why_8320, (WIDE, NARROW)),
]
CASES = [
    pytest.param(keys.split(), facts, size, id=f"{facts.__name__}-{size[0]}x{size[1]}")
    for keys, facts, sizes in QUESTIONS
    for size in sizes
]


@pytest.mark.parametrize(("keys", "facts", "size"), CASES)
async def test_the_screen_answers(keys: list[str], facts: Facts, size: tuple[int, int]) -> None:
    assert len(keys) <= 4
    it = RnnvizApp(explore(), Query(TEXT, MODEL), trace(), switch=("sentiment-rnn", MODEL))
    async with it.run_test(size=size) as pilot:
        await settled(it, pilot)
        for key in keys:
            await pilot.press(key)
            await settled(it, pilot)
        lines = [" ".join(line.split()) for line in screen_text(it)]
        # A sentence may be broken between lines, and in a panel that has one beside it.
        whole = " ".join(lines)
        halves = [
            " ".join(re.split(r" {2,}|─ ", line[x:])[0].strip("▸ ") for line in screen_text(it))
            for x in range(size[0] - 20)
        ]
        for fact in facts():
            assert any(fact in text for text in (whole, *halves)), fact
