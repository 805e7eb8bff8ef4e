"""What every registered cell owes: true equations, true numbers on screen, true Jacobians."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import MASKS, VARIANTS, Run, run, seeds, sizes, variants

from rnnviz.arrays import Array, Values
from rnnviz.cells import CELLS, Cell
from rnnviz.cells.weights import weights_by_name
from rnnviz.engine.jacobians import jacobians, split_states
from rnnviz.engine.reach import reach, spectral_norms
from rnnviz.engine.scan import Scan, ScanGradients, scan, scan_backward
from rnnviz.equations import Line, evaluate, is_weight, names, numbers

every_cell = pytest.mark.parametrize("cell", VARIANTS.values(), ids=VARIANTS.keys())
both_ways = pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reversed"])


def gradients(r: Run, rng: np.random.Generator, scale: float = 1.0) -> ScanGradients:
    """A walk back from random gradients at every output and every last state."""
    d_h = scale * rng.standard_normal(r.done.stack("h").shape)
    d_last = {s: scale * rng.standard_normal(r.done.last[s].shape) for s in r.cell.states}
    return scan_backward(r.cell, r.p, r.done, d_h=d_h, d_last=d_last)


def known_before(r: Run, t: int) -> Values:
    """The names a formula may use before anything happened at token t: (B, ·)."""
    known: Values = {**weights_by_name(r.cell, r.p), "x": r.done.x[t]}
    return known | {f"{s}_prev": r.done.before()[t][s] for s in r.cell.states}


def arriving(r: Run, back: ScanGradients, t: int) -> Values:
    """The gradients that reach token t from above and from later tokens."""
    step = back.steps[t]
    return {"d_h_out": step["h_out"]} | {f"d_{s}_next": step[f"{s}_next"] for s in r.cell.states}


def gradient(back: ScanGradients, t: int, line: Line) -> Array:
    """What the engine recorded for a line of ``back``."""
    name = line.name.removeprefix("d_")
    return back.x[t] if name == "x" else back.steps[t][name]


# -- equations ------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(cell=variants, seed=seeds, T=sizes, B=sizes, D=sizes, H=sizes, reverse=st.booleans())
def test_every_forward_line_gives_the_recorded_value_from_earlier_lines_alone(
    cell: Cell, seed: int, T: int, B: int, D: int, H: int, reverse: bool
) -> None:
    """A line that reads a name before its turn dies of a KeyError."""
    r = run(cell, np.random.default_rng(seed), T, B, D, H, reverse=reverse)
    for t in range(T):
        known = known_before(r, t)
        for line in cell.lines:
            known[line.name] = evaluate(line.formula, known)
            recorded = r.done.steps[t][line.name]
            np.testing.assert_allclose(known[line.name], recorded, 1e-11, 1e-13, err_msg=line.name)


@settings(max_examples=60)
@given(cell=variants, seed=seeds, T=sizes, B=sizes, D=sizes, H=sizes, reverse=st.booleans())
def test_every_backward_line_gives_the_recorded_gradient_from_earlier_lines_alone(
    cell: Cell, seed: int, T: int, B: int, D: int, H: int, reverse: bool
) -> None:
    """Forward values, weights and what arrives are known; everything else comes line by line."""
    rng = np.random.default_rng(seed)
    r = run(cell, rng, T, B, D, H, reverse=reverse)
    back = gradients(r, rng)
    for t in range(T):
        known = known_before(r, t) | {line.name: r.done.steps[t][line.name] for line in cell.lines}
        known |= arriving(r, back, t)
        for line in cell.back:
            known[line.name] = evaluate(line.formula, known)
            recorded = gradient(back, t, line)
            np.testing.assert_allclose(known[line.name], recorded, 1e-10, 1e-12, err_msg=line.name)


@every_cell
@both_ways
@pytest.mark.parametrize("masked", ["none", "holes"])
def test_what_a_step_gives_back_arrives_at_the_step_before(
    cell: Cell, reverse: bool, masked: str
) -> None:
    """d_h_prev of a token is d_h_next of the token read before it; the first is ``initial``."""
    rng = np.random.default_rng(2)
    r = run(cell, rng, masked=masked, reverse=reverse)
    back = gradients(r, rng)
    order = list(r.done.order)
    assert order == ([4, 3, 2, 1, 0] if reverse else [0, 1, 2, 3, 4])
    for s in cell.states:
        for earlier, later in itertools.pairwise(order):
            given_back, arrived = back.steps[later][f"{s}_prev"], back.steps[earlier][f"{s}_next"]
            np.testing.assert_array_equal(given_back, arrived)
        np.testing.assert_array_equal(back.steps[order[0]][f"{s}_prev"], back.initial[s])


@every_cell
def test_lines_name_all_that_is_recorded_and_read_all_weights(cell: Cell) -> None:
    """Nothing happens behind the equations' back, and no part of a step is torn in two."""
    rng = np.random.default_rng(4)
    r = run(cell, rng)
    assert {line.name for line in cell.lines} == r.done.steps[0].keys() - {"xw", "hu"}
    given_back = {f"d_{n}" for n in gradients(r, rng).steps[0]} - {"d_xw", "d_hu", "d_h_out"}
    wanted = {line.name for line in cell.back} | {f"d_{s}_next" for s in cell.states}
    assert wanted == given_back | {"d_x"}
    read = {name for line in cell.lines for name in names(line.formula)}
    assert weights_by_name(cell, r.p).keys() <= read
    for lines in (cell.lines, cell.back):
        assert len({line.name for line in lines}) == len(lines)
    parts = [line.part for line in cell.lines]
    assert [p for n, p in enumerate(parts) if p not in parts[:n]] == [
        p for n, p in enumerate(parts) if n == 0 or p != parts[n - 1]
    ]


@every_cell
def test_a_line_that_comes_too_early_fails(cell: Cell) -> None:
    """The order is part of the claim: the same lines backwards are no equations."""
    known = known_before(run(cell, np.random.default_rng(4)), 1)
    with pytest.raises(KeyError):
        for line in reversed(cell.lines):
            known[line.name] = evaluate(line.formula, known)


@every_cell
@both_ways
@pytest.mark.parametrize("masked", MASKS[1:])
def test_a_masked_step_keeps_the_states_and_hands_all_gradients_around(
    cell: Cell, reverse: bool, masked: str
) -> None:
    """Where the mask is false the state is the one before, and no gate has a gradient."""
    rng = np.random.default_rng(8)
    r = run(cell, rng, masked=masked, reverse=reverse)
    back = gradients(r, rng)
    assert r.done.mask is not None
    assert not r.done.mask.all()
    gates = {line.name for line in cell.lines} - set(cell.states)
    for t, absent in enumerate(~r.done.mask):
        before = r.done.before()[t]
        for s in cell.states:
            np.testing.assert_array_equal(r.done.steps[t][s][absent], before[s][absent])
            arrived = back.steps[t][s][absent]
            np.testing.assert_array_equal(back.steps[t][f"{s}_prev"][absent], arrived)
        assert not back.x[t][absent].any()
        assert all(not back.steps[t][gate][absent].any() for gate in gates)
        for line in cell.lines:
            known = known_before(r, t) | r.done.steps[t]
            value = evaluate(line.formula, known)[~absent]
            recorded = r.done.steps[t][line.name][~absent]
            np.testing.assert_allclose(value, recorded, 1e-11, 1e-13)


# -- Jacobians ------------------------------------------------------------------------------------


def side_by_side(cell: Cell, values: Values) -> Array:
    """All states of one sequence as one vector (S)."""
    return np.concatenate([values[s][0] for s in cell.states])


def onward(r: Run, t: int, until: int, state: Array) -> Array:
    """All states after token ``until``, having replaced those after token t."""
    order = list(r.done.order)
    tokens = sorted(order[order.index(t) + 1 : order.index(until) + 1])
    if not tokens:
        return state
    initial = split_states(r.cell, r.p, state[None])
    read = None if r.done.mask is None else r.done.mask[tokens]
    done = scan(
        r.cell,
        r.p,
        r.done.x[tokens],
        read,
        reverse=order[0] != 0,
        initial=initial,
        recurrent_mask=r.done.recurrent_mask,
    )
    return side_by_side(r.cell, done.last)


def numeric(r: Run, t: int, until: int) -> Array:
    """∂(states after ``until``) / ∂(states after t) by differences, (S, S), row by result."""
    at, step = side_by_side(r.cell, r.done.steps[t]), 1e-5
    columns = []
    for nudge in step * np.eye(len(at)):
        near = onward(r, t, until, at + nudge) - onward(r, t, until, at - nudge)
        far = onward(r, t, until, at + 2 * nudge) - onward(r, t, until, at - 2 * nudge)
        columns.append((8 * near - far) / (12 * step))
    return np.stack(columns, axis=1)


def found(r: Run) -> dict[int, Array]:
    """The engine's Jacobian of each token."""
    each: dict[int, Array] = {}
    for tokens, J, scale in jacobians(r.cell, r.p, r.done):
        each |= {t: J[n] * scale[n] for n, t in enumerate(tokens)}
    return each


@every_cell
@both_ways
@pytest.mark.parametrize("masked", ["none", "left", "right", "holes"])
@pytest.mark.parametrize("dropped", [False, True], ids=["", "recurrent dropout"])
def test_jacobians_are_those_of_differences_and_of_the_chain_of_steps(
    cell: Cell, reverse: bool, masked: str, dropped: bool
) -> None:
    """∂(h, c after the last step) / ∂(h, c after t): through both states, around masked steps."""
    rng = np.random.default_rng(14)
    r = run(cell, rng, B=1, masked=masked, reverse=reverse)
    if dropped:
        drop = (rng.random((len(cell.gates), 1, len(r.p["U"]))) < 0.6) / 0.6
        again = scan(
            cell, r.p, r.done.x, r.done.mask,
            reverse=reverse, initial=r.done.initial, recurrent_mask=drop,
        )  # fmt: skip
        r = Run(cell, r.p, again)
    exact, order = found(r), list(r.done.order)
    last, norms = order[-1], reach(cell, r.p, r.done)
    assert sorted(exact) == list(range(5))
    chain = np.eye(len(side_by_side(cell, r.done.last)))
    for earlier, later in zip(order[-2::-1], order[:0:-1], strict=True):
        chain = chain @ numeric(r, earlier, later)
        np.testing.assert_allclose(exact[earlier], chain, 1e-7, 1e-8)
        np.testing.assert_allclose(exact[earlier], numeric(r, earlier, last), 1e-7, 1e-8)
    np.testing.assert_array_equal(exact[last], np.eye(len(chain)))
    for t, J in exact.items():
        assert norms[t] == pytest.approx(np.linalg.norm(J, 2), rel=1e-9)


@settings(max_examples=40)
@given(cell=variants, seed=seeds, T=sizes, H=st.integers(1, 20), reverse=st.booleans())
def test_reach_is_the_norm_of_the_jacobian_for_any_shape(
    cell: Cell, seed: int, T: int, H: int, reverse: bool
) -> None:
    """One at the last step; else the largest singular value, never more, at most 1.5 % less."""
    r = run(cell, np.random.default_rng(seed), T, 1, 2, H, reverse=reverse)
    norms = reach(cell, r.p, r.done)
    assert norms.dtype == np.float64
    for t, J in found(r).items():
        true = np.linalg.norm(J, 2)
        assert true * 0.985 <= norms[t] <= true * (1 + 1e-9)
    assert norms[r.done.order[-1]] == pytest.approx(1)


@settings(max_examples=60)
@given(S=st.integers(1, 70), seed=seeds, spread=st.floats(0, 40), dtype=st.sampled_from("fd"))
def test_a_spectral_norm_is_at_most_one_and_a_half_percent_too_small(
    S: int, seed: int, spread: float, dtype: str
) -> None:
    """From equal singular values to spectra that leave the range of the power used."""
    rng = np.random.default_rng(seed)
    left, right = (np.linalg.qr(rng.standard_normal((2, S, S)))[0] for _ in range(2))
    values = np.exp(-spread * rng.random((2, 1, S))) * 10.0 ** rng.integers(-12, 13)
    J = ((left * values) @ right).astype(dtype)
    true = values.max(-1)[:, 0]
    rounding = 2e-5 if dtype == "f" else 1e-9
    norms = spectral_norms(J)
    assert (norms <= true * (1 + rounding)).all()
    assert (norms >= true * (0.985 - rounding)).all()
    np.testing.assert_array_equal(spectral_norms(np.zeros_like(J)), 0)


@every_cell
def test_reach_over_many_steps_underflows_to_its_true_size(cell: Cell) -> None:
    """The Jacobian of 300 steps is below the smallest float32; its norm is not lost."""
    rng = np.random.default_rng(3)
    long = run(cell, rng, T=300, B=1, scale=0.25)
    p = {name: a.astype(np.float32) for name, a in long.p.items()}
    done = scan(cell, p, long.done.x.astype(np.float32))
    short, true = reach(cell, p, done), reach(cell, long.p, scan(cell, long.p, long.done.x))
    assert true[0] < 1e-50
    np.testing.assert_allclose(short, true, rtol=5e-3)


def test_jacobians_are_of_one_sequence() -> None:
    """A batch has no one last state."""
    r = run(CELLS["gru"], np.random.default_rng(3), B=2)
    with pytest.raises(ValueError, match="one sequence"):
        reach(r.cell, r.p, r.done)


# -- numbers as printed ---------------------------------------------------------------------------

#: The functions of a reader of printed arithmetic, written anew.
READ: dict[str, Callable[[float], float]] = {
    "hardσ₆": lambda a: min(max(a / 6 + 0.5, 0.0), 1.0),
    "hardσ": lambda a: min(max(0.2 * a + 0.5, 0.0), 1.0),
    "σ": lambda a: 1 / (1 + math.exp(-a)) if a > -700 else 0.0,
    "hardtanh": lambda a: min(max(a, -1.0), 1.0),
    "tanh": math.tanh,
    "leakyrelu": lambda a: a if a > 0 else 0.01 * a,
    "relu": lambda a: max(a, 0.0),
    "softsign": lambda a: a / (1 + abs(a)),
    "softplus": lambda a: math.log1p(math.exp(a)) if a < 700 else a,
    "seluslope": lambda y: 1.0507009873554805 if y > 0 else y + 1.7580993408473766,
    "selu": lambda a: 1.0507009873554805 * (a if a > 0 else 1.6732632423543772 * math.expm1(a)),
    "elu": lambda a: a if a > 0 else math.expm1(a),
    "abs": abs,
    "exp": math.exp,
    "clip": lambda a: a,  # the limit follows
    "step": lambda a: 1.0 if a > 0 else 0.0,
    "slope₆": lambda y: 1 / 6 if 0 < y < 1 else 0.0,
    "slope": lambda y: 0.2 if 0 < y < 1 else 0.0,
}
TOKEN = re.compile(rf"\d+(?:\.\d+)?(?:e−?\d+)?|{'|'.join(READ)}|[()+−×²,]")


class Reader:
    """A reader of printed arithmetic that shares nothing with the writer: recursive descent."""

    def __init__(self, text: str) -> None:
        self.tokens = TOKEN.findall(text)
        assert "".join(self.tokens) == text.replace(" ", ""), text
        assert "(+" not in text, text
        assert not re.search(r"[+−×] [+−]", text), f"two signs in a row: {text}"

    def next(self, *wanted: str) -> str | None:
        """Take the next token if it is one of these."""
        if self.tokens and self.tokens[0] in wanted:
            return self.tokens.pop(0)
        return None

    def value(self) -> float:
        """All of it."""
        total = self.sum()
        assert not self.tokens, self.tokens
        return total

    def sum(self) -> float:
        """Products, added and subtracted; a minus in front belongs to the first product."""
        sign = -1 if self.next("−") else 1
        total = sign * self.product()
        while operator := self.next("+", "−"):
            total += self.product() * (1 if operator == "+" else -1)
        return total

    def product(self) -> float:
        """Powers, multiplied."""
        total = self.power()
        while self.next("×"):
            total *= self.power()
        return total

    def power(self) -> float:
        """One operand, perhaps squared."""
        base = self.operand()
        return base**2 if self.next("²") else base

    def operand(self) -> float:
        """A number, a bracket or a function."""
        function = self.next(*READ)
        if function is None and self.next("(") is None:
            return float(self.tokens.pop(0).replace("−", "-"))
        if function is not None:
            assert self.next("(")
        inside = self.sum()
        if function == "clip":
            assert self.next(",")
            limit = float(self.tokens.pop(0))
            inside = min(max(inside, -limit), limit)
        assert self.next(")")
        return READ[function](inside) if function else inside


def printed(text: str) -> float:
    """The number a printed result stands for."""
    return float(text.replace("−", "-"))


def fits(value: float, text: str) -> bool:
    """Is ``value``, rounded as far as the printed result is, that result?"""
    mantissa, _, exponent = text.partition("e")
    size = 10.0 ** int(exponent.replace("−", "-") or "0")
    unit = size * 10.0 ** -len(mantissa.partition(".")[2])
    # Half a unit of the last printed digit, the rounding of the reader itself, and that of σ near
    # 0, which is (1 + tanh) / 2.
    return abs(value - printed(text)) <= unit * (0.5 + 1e-6) + abs(value) * 1e-12 + 2e-16


def values_at(r: Run, back: ScanGradients, t: int, b: int) -> Values:
    """Every name a formula may use, for one row of the batch."""
    known: Values = {n: a[b] for n, a in known_before(r, t).items() if not is_weight(n)}
    known |= weights_by_name(r.cell, r.p)
    known |= {name: a[b] for name, a in r.done.steps[t].items()}
    known |= {f"d_{name}": a[b] for name, a in back.steps[t].items()}
    return known | {"d_x": back.x[t][b]}


def check_printed(r: Run, back: ScanGradients) -> None:
    """Every line, step and unit: the arithmetic as printed gives the result as printed.

    The values are those of a trace: float32.
    """
    for t in range(len(r.done.steps)):
        known = {name: a.astype(np.float32) for name, a in values_at(r, back, t, 0).items()}
        for line in (*r.cell.lines, *r.cell.back):
            for unit in range(known[line.name].shape[-1]):
                shown = numbers(line.formula, known, unit)
                left, _, right = shown.text.rpartition(" = ")
                assert right == shown.result
                assert fits(Reader(left).value(), right), f"{line.name}: {shown.text}"
                assert right[0] in "+−"


@every_cell
def test_the_printed_result_is_the_recorded_value(cell: Cell) -> None:
    """To the last printed digit, forward and backward."""
    rng = np.random.default_rng(9)
    r = run(cell, rng)
    back = gradients(r, rng)
    for t in range(5):
        known = values_at(r, back, t, 0)
        for line in (*cell.lines, *cell.back):
            for unit, recorded in enumerate(known[line.name]):
                assert fits(float(recorded), numbers(line.formula, known, unit).result), line.name


@pytest.mark.parametrize("scale", [1e-4, 0.1, 0.7, 3.0, 6.0])
def test_printed_arithmetic_gives_the_printed_result(scale: float) -> None:
    """From weights next to nothing to saturated gates."""
    for seed, cell in enumerate(VARIANTS.values()):
        rng = np.random.default_rng(seed)
        r = run(cell, rng, T=3, B=1, D=2, H=3, scale=scale)
        check_printed(r, gradients(r, rng))


@pytest.mark.parametrize("size", [1e-2, 1e-4, 1e-6, 1e-9, 1e-12, 1e-30, 1e4, 1e6])
def test_printed_arithmetic_gives_the_printed_result_for_tiny_and_huge_gradients(
    size: float,
) -> None:
    """A gradient that has almost vanished is what the lesson is about."""
    for seed, cell in enumerate(VARIANTS.values()):
        rng = np.random.default_rng(seed)
        r = run(cell, rng, T=3, B=1, D=2, H=3)
        check_printed(r, gradients(r, rng, size))


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.5 − 0.25 × 2.0", 0.0), ("(−0.5)²", 0.25), ("−0.5²", -0.25), ("1 − (0.5 − 0.25)", 0.75),
     ("σ(0.000) + 1.5e−2", 0.515), ("(−0.5) × (1 − tanh(0.000)²)", -0.5)],
)  # fmt: skip
def test_the_reader_itself_reads_arithmetic_as_a_person_does(text: str, value: float) -> None:
    """Signs, brackets and powers, before it judges others."""
    assert Reader(text).value() == pytest.approx(value)
    assert fits(value, f"{value:+.3f}".replace("-", "−"))
    assert not fits(value + 0.0006, f"{value:+.3f}".replace("-", "−"))


def test_the_scan_of_a_reversed_layer_is_indexed_by_token() -> None:
    """steps[t] belongs to token t, and its state before is that of token t + 1."""
    r = run(CELLS["rnn"], np.random.default_rng(0), reverse=True)
    done: Scan = r.done
    assert done.last is done.steps[0]
    assert done.before()[1] is done.steps[2]
    assert done.before()[4] is done.initial
