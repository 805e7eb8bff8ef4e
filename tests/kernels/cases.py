"""A layer on a card against the plain loops in float64: what is drawn, how far off it may be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from kernels import peephole

from rnnviz.arrays import Array, Values
from rnnviz.cells import CELLS
from rnnviz.cells.variants import variant
from rnnviz.engine.backend import HOST, Backend, LayerGradients
from rnnviz.engine.directions import DirectionInput
from rnnviz.engine.scan import scan_directions

#: Largest difference, in units of the largest number of the array.
TOLERANCE = 2e-5
#: Arrays of fewer numbers may all be small by chance.
FEW = 8
BY_NAME = {
    "rnn": CELLS["rnn"], "lstm": CELLS["lstm"], "gru": CELLS["gru"],
    "mingru": CELLS["mingru"], "peephole": peephole,
    "rnn relu": variant(CELLS["rnn"], "relu"), "gru relu": variant(CELLS["gru"], "relu"),
    "lstm hard": variant(CELLS["lstm"], "tanh", "hard_sigmoid"),
}  # fmt: skip
MASKS = ("none", "left", "right", "holes")
DIRECTIONS = ("forward", "backward", "both")
DROPOUTS = ("none", "input", "recurrent")
SIZES = (1, 10, 32, 64, 96, 128)
STEPS = (1, 2, 20, 100)


@dataclass(frozen=True)
class Case:
    """One layer, and what it reads."""

    cell: str
    mask: str = "none"
    direction: str = "forward"
    dropout: str = "none"
    H: int = 32
    T: int = 20
    B: int = 3
    D: int = 5
    outputs: bool = False  # whether something above reads every output

    def __str__(self) -> str:
        return "-".join(str(a) for a in (
            self.cell, self.mask, self.direction, self.dropout, f"H{self.H}", f"T{self.T}",
            "all" if self.outputs else "last",
        ))  # fmt: skip


def every() -> Iterator[Case]:
    """The whole product of the three shipped cells."""
    choices = product(("rnn", "lstm", "gru"), MASKS, DIRECTIONS, DROPOUTS, SIZES, STEPS)
    for n, (cell, mask, direction, dropout, H, T) in enumerate(choices):
        # Not in step with T, H or dropout alone.
        read = (n + n // len(STEPS) + n // (len(STEPS) * len(SIZES))) % 2 == 1
        yield Case(cell, mask, direction, dropout, H, T, outputs=read)


@dataclass(frozen=True, eq=False)
class Drawn:
    """The numbers of a case, in float64."""

    passes: tuple[DirectionInput, ...]
    x: Array
    mask: Array | None
    d_h: Array | None
    d_last: Array | None


def drawn(case: Case, seed: int = 0) -> Drawn:
    """Weights, inputs, masks and arriving gradients."""
    rng = np.random.default_rng(seed)
    cell, H, T, B, D = BY_NAME[case.cell], case.H, case.T, case.B, case.D
    G, R = len(cell.gates), len(cell.recurrent)

    def normal(*shape: int) -> Array:
        return rng.normal(size=shape).astype(np.float32).astype(np.float64)

    passes = []
    for direction in ("forward", "backward"):
        if case.direction not in (direction, "both"):
            continue
        p: Values = {
            name: normal(*shape) / np.sqrt(max(shape[0], 1))
            for name, shape in cell.shapes(D, H).items()
        }
        masks = R == G and case.dropout == "recurrent"
        gates = G if masks else 1
        keep = rng.random((gates, B, D)) > 0.3
        passes.append(DirectionInput(
            p, direction == "backward", {s: normal(B, H) * 0.3 for s in cell.states},
            None if case.dropout == "none" else keep / 0.7,
            (rng.random((G, B, H)) > 0.3) / 0.7 if masks else None,
        ))  # fmt: skip
    n = len(passes)
    steps, lengths = np.arange(T)[:, None], rng.integers(0, T + 1, B)
    found = {
        "none": None, "left": steps >= T - lengths, "right": steps < lengths,
        "holes": rng.random((T, B)) > 0.4,
    }[case.mask]  # fmt: skip
    if case.outputs:
        return Drawn(tuple(passes), normal(T, B, D), found, normal(T, B, n * H), None)
    return Drawn(tuple(passes), normal(T, B, D), found, None, normal(B, n * H))


def expected(case: Case, it: Drawn) -> dict[str, Array]:
    """What the plain loops say, by name."""
    cell: Any = BY_NAME[case.cell]
    done = scan_directions(cell, it.passes, it.x, it.mask)
    back = HOST.scan_backward(cell, [a.p for a in it.passes], done, it.d_h, it.d_last, True)
    return _named(cell, done, back)


def found(case: Case, it: Drawn, card: Backend) -> dict[str, Array]:
    """What the card says, by name, on the host."""
    cell: Any = BY_NAME[case.cell]

    def there(a: Array | None) -> Any:
        return None if a is None else card.asarray(_single(a))

    passes = [
        DirectionInput(
            {k: there(a) for k, a in one.p.items()}, one.reverse,
            {k: there(a) for k, a in (one.initial or {}).items()},
            there(one.input_mask), there(one.recurrent_mask),
        )
        for one in it.passes
    ]  # fmt: skip
    done = card.scan(cell, passes, there(it.x), there(it.mask), True)
    back = card.scan_backward(
        cell, [a.p for a in passes], done, there(it.d_h), there(it.d_last), True
    )  # fmt: skip
    return {name: card.host(a) for name, a in _named(cell, done, back).items()}


def _single(a: Array) -> Array:
    return a.astype(np.float32) if a.dtype == np.float64 else a


def _named(cell: Any, done: Any, back: LayerGradients) -> dict[str, Array]:
    named: dict[str, Any] = {"d_x": back.x}
    for k, (s, params) in enumerate(zip(done, back.params, strict=True)):
        named |= {f"{k}.{name}": s.last[name] for name in cell.states}
        named[f"{k}.outputs"] = s.stack("h")
        named |= {f"{k}.d_{name}": a for name, a in params.items()}
    return named


def worst(case: Case, card: Backend, seed: int = 0, it: Drawn | None = None) -> tuple[float, str]:
    """The largest difference of a case, and where it is; NaN counts as infinitely far off."""
    it = it or drawn(case, seed)
    right, said = expected(case, it), found(case, it, card)
    off = {}
    for name, a in right.items():
        if a.size:
            assert said[name].shape == a.shape, name
            gap = np.max(np.abs(said[name] - a)) / _unit(name, right)
            off[name] = float(gap) if np.isfinite(gap) else np.inf
    name = max(off, key=lambda n: off[n])
    return off[name], name


def _unit(name: str, arrays: dict[str, Array]) -> float:
    """The largest number of an array.

    Of weight gradients with a handful of numbers, as where H is 1, that of all those of the
    direction: such a sum over all steps may come to next to nothing by chance, and what rounding
    leaves of its terms is then large beside it.
    """
    beside = {name}
    if ".d_" in name and arrays[name].size < FEW:
        beside = {other for other in arrays if other.startswith(name.partition("_")[0] + "_")}
    return max(float(np.max(np.abs(arrays[n]), initial=1e-6)) for n in beside)
