"""Values held in a pass: computed again from the equations alone, and nudged one by one.

The recomputation below uses neither the cells nor the engine. A nudge moves a number after it was
held, so that the slope it gives is what arrives there, and is zero for all that only a held value
was made from.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from gradcheck import relative_error
from strategies import arrays, mask

from rnnviz.arrays import Array, Values
from rnnviz.cells import CELLS, Cell
from rnnviz.engine.clamping import Clamping
from rnnviz.engine.jacobians import step_jacobians
from rnnviz.engine.reach import reach, scan_backward_with_reach
from rnnviz.engine.scan import Scan, ScanGradients, scan, scan_backward

T, D, H = 6, 3, 4
#: (name, token, value) -> the value as it is used.
Change = Callable[[str, int, Array], Array]

NAMES = {name: ("x", *(line.name for line in cell.lines)) for name, cell in CELLS.items()}
#: What a class tries first, and everything at once.
SETS: dict[str, Callable[[str], list[str]]] = {
    "a gate": lambda cell: [next(n for n in ("f", "z", "a") if n in NAMES[cell])],
    "every state": lambda cell: list(CELLS[cell].states),
    "the input": lambda cell: ["x"],
    "a sum": lambda cell: [n for n in NAMES[cell] if n.startswith("a")],
    "everything somewhere": lambda cell: list(NAMES[cell]),
}


def held_of(names: list[str], rng: np.random.Generator, share: float = 0.4) -> Clamping:
    """These names held here and there, at least once and not everywhere."""
    found = Clamping({}, {})
    for name in names:
        shape = (T, 1, D if name == "x" else H)
        where = rng.random(shape) < share
        where.flat[0], where.flat[-1] = False, True
        found.where[name], found.values[name] = where, rng.uniform(-1, 1, shape)
    return found


def logistic(a: Array) -> Array:
    return 1 / (1 + np.exp(-a))


def again(
    cell: str,
    p: Values,
    x: Array,
    read: Array | None,
    initial: Values,
    change: Change,
    reverse: bool = False,
) -> list[Values]:
    """One sequence (T, D) by the equations, each value changed when it is made."""
    gates = {"rnn": [""], "lstm": list("ifgo"), "gru": list("zrg")}[cell]
    part = {g: np.s_[..., k * H : (k + 1) * H] for k, g in enumerate(gates)}
    h, c = initial["h"][0], initial.get("c", np.zeros((1, H)))[0]
    steps: list[Values] = [{} for _ in x]
    for t in reversed(range(T)) if reverse else range(T):
        v = steps[t]

        def make(name: str, value: Array, t: int = t, v: Values = v) -> Array:
            v[name] = change(name, t, value)
            return v[name]

        seen = make("x", x[t])
        W, U, b = p["W"], p["U"], p["b"]
        if cell == "rnn":
            after = {"h": np.tanh(make("a", seen @ W + h @ U + b))}
        elif cell == "lstm":
            a = seen @ W + h @ U + b
            i = make("i", logistic(make("a_i", a[part["i"]])))
            f = make("f", logistic(make("a_f", a[part["f"]])))
            g = make("g", np.tanh(make("a_g", a[part["g"]])))
            o = make("o", logistic(make("a_o", a[part["o"]])))
            new = f * c + i * g if read is None or read[t] else c
            c = make("c", new)
            after = {"h": o * np.tanh(c)}
        else:
            w, u = seen @ W + b[0], h @ U + b[1]
            z = make("z", logistic(make("a_z", w[part["z"]] + u[part["z"]])))
            r = make("r", logistic(make("a_r", w[part["r"]] + u[part["r"]])))
            q = make("q", u[part["g"]])
            g = make("g", np.tanh(make("a_g", w[part["g"]] + r * q)))
            after = {"h": z * h + (1 - z) * g}
        h = make("h", after["h"] if read is None or read[t] else h)
    return steps


def keeping(held: Clamping, nudge: tuple[str, int, int] | None = None, by: float = 0.0) -> Change:
    """Hold; and move one number by so much."""

    def change(name: str, t: int, value: Array) -> Array:
        value = value.copy()
        if name in held.where:
            where = held.where[name][t, 0]
            value[where] = held.values[name][t, 0, where]
        if nudge is not None and nudge[:2] == (name, t):
            value[nudge[2]] += by
        return value

    return change


class Case:
    """A cell with random weights and one sequence, read with values held."""

    def __init__(self, cell: str, chosen: str, masked: str, reverse: bool) -> None:
        rng = np.random.default_rng(31)
        self.name, self.cell, self.reverse = cell, CELLS[cell], reverse
        self.p = arrays(self.cell.shapes(D, H), rng)
        self.x = rng.standard_normal((T, 1, D))
        self.read = mask(masked, T, 1, rng)
        self.initial = arrays(dict.fromkeys(self.cell.states, (1, H)), rng)
        self.held = held_of(SETS[chosen](cell), rng)
        self.d_h = rng.standard_normal((T, 1, H))
        self.d_last = {s: rng.standard_normal((1, H)) for s in self.cell.states}

    def scan(self, **other: object) -> Scan:
        given: dict[str, object] = {"initial": self.initial, "clamping": self.held, **other}
        p, x = given.pop("p", self.p), given.pop("x", self.x)
        return scan(self.cell, p, x, self.read, reverse=self.reverse, **given)  # type: ignore[arg-type]

    def objective(self, done: Scan) -> float:
        far = sum(float((self.d_last[s] * done.last[s]).sum()) for s in self.cell.states)
        return far + float((self.d_h * done.stack("h")).sum())

    def again(self, nudge: tuple[str, int, int] | None = None, by: float = 0.0) -> list[Values]:
        read = None if self.read is None else self.read[:, 0]
        change = keeping(self.held, nudge, by)
        x = self.x[:, 0]
        return again(self.name, self.p, x, read, self.initial, change, self.reverse)

    def last(self, steps: list[Values]) -> Array:
        return np.concatenate([steps[0 if self.reverse else -1][s] for s in self.cell.states])


cases = pytest.mark.parametrize(
    "case",
    [
        pytest.param((cell, chosen, masked, reverse), id=f"{cell}-{chosen}-{masked}-{reverse}")
        for cell in ("rnn", "lstm", "gru")
        for chosen in SETS
        for masked, reverse in (("none", False), ("holes", False), ("left", True))
    ],
)
every_cell = pytest.mark.parametrize("chosen", SETS)
Drawn = tuple[str, str, str, bool]


@cases
def test_values_are_those_of_the_equations_with_the_held_ones_in_place(case: Drawn) -> None:
    it = Case(*case)
    done, steps = it.scan(), it.again()
    for name in NAMES[it.name]:
        ours = done.x if name == "x" else done.stack(name)
        wanted = np.stack([v[name] for v in steps])
        np.testing.assert_allclose(ours[:, 0], wanted, 1e-12, 1e-14, err_msg=name)
        if name in it.held.where:
            where = it.held.where[name]
            np.testing.assert_array_equal(ours[where], it.held.values[name][where])


@cases
def test_what_arrives_at_a_value_is_the_slope_of_a_nudge(case: Drawn) -> None:
    it = Case(*case)
    done = it.scan()
    plain = scan_backward(it.cell, it.p, done, it.d_h, it.d_last)
    quick, _ = scan_backward_with_reach(it.cell, it.p, done, it.d_h, it.d_last)

    def objective(nudge: tuple[str, int, int], by: float) -> float:
        steps = it.again(nudge, by)
        far = np.concatenate([it.d_last[s][0] for s in it.cell.states]) @ it.last(steps)
        return float(far + sum(it.d_h[t, 0] @ v["h"] for t, v in enumerate(steps)))

    for name in NAMES[it.name]:
        for t in range(T):
            for unit in range(D if name == "x" else H):
                at = (name, t, unit)
                slope = (objective(at, 1e-5) - objective(at, -1e-5)) / 2e-5
                for back in (plain, quick):
                    assert of(back, name)[t, 0, unit] == pytest.approx(slope, rel=1e-5, abs=1e-8)


def of(back: ScanGradients, name: str) -> Array:
    return back.x if name == "x" else back.stack(name)


@cases
def test_reach_is_the_norm_of_nudged_states_with_values_held(case: Drawn) -> None:
    it = Case(*case)
    far = reach(it.cell, it.p, it.scan())
    order = list(reversed(range(T))) if it.reverse else list(range(T))
    for t in order[:-1]:
        slopes = [
            (it.last(it.again((s, t, unit), 1e-5)) - it.last(it.again((s, t, unit), -1e-5))) / 2e-5
            for s in it.cell.states
            for unit in range(H)
        ]
        if it.name == "lstm" and (it.read is None or it.read[t, 0]):
            # A nudge of c moves this token's own h as well; reach takes the two apart.
            J = np.array(slopes)
            own = state_on_state(it, t)
            J[H:] -= own @ J[:H]
            slopes = list(J)
        norm = np.linalg.norm(np.array(slopes), 2)
        assert far[t] == pytest.approx(norm, rel=1e-4, abs=1e-8), t
    assert far[order[-1]] == pytest.approx(1)


def state_on_state(it: Case, t: int) -> Array:
    """How this token's h moves with its c (H, H)."""
    found = np.zeros((H, H))
    for unit in range(H):
        up, down = (it.again(("c", t, unit), by)[t]["h"] for by in (1e-5, -1e-5))
        found[unit] = (up - down) / 2e-5
    return found


@pytest.mark.parametrize("masked", ["none", "holes"])
@every_cell
@pytest.mark.parametrize("cell", CELLS)
def test_every_gradient_is_that_of_the_held_pass(cell: str, chosen: str, masked: str) -> None:
    """Weights, inputs, first states and the held values themselves, in a random direction."""
    it = Case(cell, chosen, masked, False)
    back = scan_backward(it.cell, it.p, it.scan(), it.d_h, it.d_last)
    at = {f"p.{k}": a for k, a in it.p.items()} | {"x": it.x}
    at |= {f"0.{k}": a for k, a in it.initial.items()}
    at |= {f"held.{k}": a for k, a in it.held.values.items()}
    grads = {f"p.{k}": a for k, a in back.params.items()} | {"x": back.below}
    grads |= {f"0.{k}": a for k, a in back.initial.items()}
    for name, where in it.held.where.items():
        grads[f"held.{name}"] = np.where(where, of(back, name), 0)

    def part(given: dict[str, Array], prefix: str) -> dict[str, Array]:
        return {k.removeprefix(prefix): a for k, a in given.items() if k.startswith(prefix)}

    def objective(given: dict[str, Array]) -> float:
        held = Clamping(it.held.where, part(given, "held."))
        done = it.scan(p=part(given, "p."), x=given["x"], initial=part(given, "0."), clamping=held)
        return it.objective(done)

    assert relative_error(objective, at, grads, np.random.default_rng(2)) < 1e-7
    quick, _ = scan_backward_with_reach(it.cell, it.p, it.scan(), it.d_h, it.d_last)
    for name, gradient in back.params.items():
        np.testing.assert_allclose(quick.params[name], gradient, 1e-9, 1e-11, err_msg=name)
    np.testing.assert_allclose(quick.below, back.below, 1e-10, 1e-12)


@pytest.mark.parametrize("masked", ["none", "holes"])
@every_cell
@pytest.mark.parametrize("cell", CELLS)
def test_a_step_feels_nothing_of_what_is_behind_a_held_value(
    cell: str, chosen: str, masked: str
) -> None:
    """Each step's Jacobian, for cells that mix units on their own as well."""
    it = Case(cell, chosen, masked, False)
    done = it.scan()
    J = step_jacobians(it.cell, it.p, done, range(T))
    for t in range(T):
        before = done.before()[t]
        read = None if it.read is None else it.read[t : t + 1]
        held = Clamping(
            {n: w[t : t + 1] for n, w in it.held.where.items()},
            {n: a[t : t + 1] for n, a in it.held.values.items()},
        )

        def after(
            start: Array, t: int = t, read: Array | None = read, held: Clamping = held
        ) -> Array:
            states = dict(zip(it.cell.states, start.reshape(-1, 1, H), strict=True))
            x = it.x[t : t + 1]
            last = scan(it.cell, it.p, x, read, initial=states, clamping=held).last
            return np.concatenate([last[s][0] for s in it.cell.states])

        start = np.concatenate([before[s][0] for s in it.cell.states])
        for k in range(len(start)):
            by = np.zeros_like(start)
            by[k] = 1e-5
            slope = (after(start + by) - after(start - by)) / 2e-5
            np.testing.assert_allclose(J[t][:, k], slope, 1e-6, 1e-9)


def test_a_batch_is_held_alike_in_every_row() -> None:
    rng = np.random.default_rng(3)
    cell: Cell = CELLS["lstm"]
    p = arrays(cell.shapes(D, H), rng)
    x = rng.standard_normal((T, 2, D))
    held = held_of(["f", "c", "x"], rng)
    both = scan(cell, p, x, clamping=held)
    for b in range(2):
        one = scan(cell, p, x[:, b : b + 1], clamping=held)
        np.testing.assert_allclose(one.stack("h")[:, 0], both.stack("h")[:, b], 1e-12)


def test_nothing_held_is_the_pass_as_it_was() -> None:
    rng = np.random.default_rng(3)
    cell: Cell = CELLS["gru"]
    p, x = arrays(cell.shapes(D, H), rng), rng.standard_normal((T, 2, D))
    free, none = scan(cell, p, x), scan(cell, p, x, clamping=Clamping({}, {}))
    for name in NAMES["gru"][1:]:
        np.testing.assert_array_equal(free.stack(name), none.stack(name))
