"""A layer on the GPU compared with the recording scan in float64: inputs and tolerances."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.cells import CELLS
from rnnviz.cells.variants import variant
from rnnviz.engine.backend import HOST, Backend, LayerGradients
from rnnviz.engine.directions import DirectionInput
from rnnviz.engine.embedding import Lookup
from rnnviz.engine.scan import scan_directions

#: The largest difference allowed, relative to the largest number of the array.
TOLERANCE = 2e-5
#: Arrays of fewer numbers may all be small by chance (see _scale).
FEW_NUMBERS = 8
CELLS_BY_NAME = {
    "rnn": CELLS["rnn"], "lstm": CELLS["lstm"], "gru": CELLS["gru"],
    "mingru": CELLS["mingru"], "lstm-peephole": CELLS["lstm-peephole"],
    "rnn relu": variant(CELLS["rnn"], "relu"), "gru relu": variant(CELLS["gru"], "relu"),
    "lstm hard": variant(CELLS["lstm"], "tanh", "hard_sigmoid"),
    "lstm no bias": variant(
        CELLS["lstm"], "elu", "hard_sigmoid_sixth", "softplus", clip=1.5, bias=False
    ),
}  # fmt: skip
MASKS = ("none", "left", "right", "holes")
DIRECTIONS = ("forward", "backward", "both")
DROPOUTS = ("none", "input", "recurrent")
SIZES = (1, 10, 32, 64, 96, 128)
STEPS = (1, 2, 20, 100)


@dataclass(frozen=True)
class Case:
    """One layer and its input."""

    cell: str
    mask: str = "none"
    direction: str = "forward"
    dropout: str = "none"
    H: int = 32
    T: int = 20
    B: int = 3
    D: int = 5
    outputs: bool = False  # gradients arrive at every output, otherwise at the last

    def __str__(self) -> str:
        return "-".join(str(a) for a in (
            self.cell, self.mask, self.direction, self.dropout, f"H{self.H}", f"T{self.T}",
            "all" if self.outputs else "last",
        ))  # fmt: skip


def every() -> Iterator[Case]:
    """All combinations for the three cells of PyTorch and Keras."""
    choices = product(("rnn", "lstm", "gru"), MASKS, DIRECTIONS, DROPOUTS, SIZES, STEPS)
    for n, (cell, mask, direction, dropout, H, T) in enumerate(choices):
        # Independent of T, H and dropout each.
        read = (n + n // len(STEPS) + n // (len(STEPS) * len(SIZES))) % 2 == 1
        yield Case(cell, mask, direction, dropout, H, T, outputs=read)


@dataclass(frozen=True, eq=False)
class CaseArrays:
    """The arrays of a case, in float64."""

    passes: tuple[DirectionInput, ...]
    x: Array
    mask: Array | None
    d_h: Array | None
    d_last: Array | None


def random_arrays(case: Case, seed: int = 0) -> CaseArrays:
    """Random weights, inputs, masks and gradients of the outputs."""
    rng = np.random.default_rng(seed)
    cell, H, T, B, D = CELLS_BY_NAME[case.cell], case.H, case.T, case.B, case.D
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
    mask = {
        "none": None, "left": steps >= T - lengths, "right": steps < lengths,
        "holes": rng.random((T, B)) > 0.4,
    }[case.mask]  # fmt: skip
    if case.outputs:
        return CaseArrays(tuple(passes), normal(T, B, D), mask, normal(T, B, n * H), None)
    return CaseArrays(tuple(passes), normal(T, B, D), mask, None, normal(B, n * H))


def expected(case: Case, arrays: CaseArrays) -> dict[str, Array]:
    """The results of the recording scan, by name."""
    cell: Any = CELLS_BY_NAME[case.cell]
    done = scan_directions(cell, arrays.passes, arrays.x, arrays.mask)
    back = HOST.scan_backward(
        cell, [a.p for a in arrays.passes], done, arrays.d_h, arrays.d_last, True
    )
    return _named(cell, done, back)


def computed(
    case: Case, arrays: CaseArrays, backend: Backend, lookup: Lookup | None = None,
    table: Array | None = None,
) -> dict[str, Array]:  # fmt: skip
    """The results of a backend, by name, on the host.

    With ``lookup`` the layer reads that instead of ``arrays.x``, and adds to ``table`` (V, D).
    """
    cell: Any = CELLS_BY_NAME[case.cell]

    def on_device(a: Array | None) -> Any:
        return None if a is None else backend.asarray(_single(a))

    passes = [
        DirectionInput(
            {k: on_device(a) for k, a in one.p.items()}, one.reverse,
            {k: on_device(a) for k, a in (one.initial or {}).items()},
            on_device(one.input_mask), on_device(one.recurrent_mask),
        )
        for one in arrays.passes
    ]  # fmt: skip
    x = on_device(arrays.x) if lookup is None else lookup
    done = backend.scan(cell, passes, x, on_device(arrays.mask), True)
    params = [a.p for a in passes]
    out = None
    if table is not None:
        targets = tuple({name: np.empty_like(a) for name, a in p.items()} for p in params)
        out = LayerGradients(targets, None, table=table)
    back = backend.scan_backward(
        cell, params, done, on_device(arrays.d_h), on_device(arrays.d_last), True, out
    )  # fmt: skip
    return {name: backend.host(a) for name, a in _named(cell, done, back).items()}


def _single(a: Array) -> Array:
    return a.astype(np.float32) if a.dtype == np.float64 else a


def _named(cell: Any, done: Any, back: LayerGradients) -> dict[str, Array]:
    named: dict[str, Any] = {"d_x": back.x if back.table is None else back.table}
    for k, (s, params) in enumerate(zip(done, back.params, strict=True)):
        named |= {f"{k}.{name}": s.last[name] for name in cell.states}
        named[f"{k}.outputs"] = s.stack("h")
        named |= {f"{k}.d_{name}": a for name, a in params.items()}
    return named


def largest_difference(
    case: Case, backend: Backend, seed: int = 0, arrays: CaseArrays | None = None
) -> tuple[float, str]:
    """The largest relative difference of a case, and the array it is in; infinite for NaN."""
    arrays = arrays or random_arrays(case, seed)
    wanted, results = expected(case, arrays), computed(case, arrays, backend)
    differences = {}
    for name, a in wanted.items():
        if a.size:
            assert results[name].shape == a.shape, name
            difference = np.max(np.abs(results[name] - a)) / _scale(name, wanted)
            differences[name] = float(difference) if np.isfinite(difference) else np.inf
    name = max(differences, key=lambda n: differences[n])
    return differences[name], name


def _scale(name: str, arrays: dict[str, Array]) -> float:
    """The largest number of an array.

    For weight gradients of a few numbers, for example if H is 1, that of all weight gradients of
    the direction: such a sum over all steps may be close to zero by chance, and the rounding errors
    of its terms are then large in comparison.
    """
    names = {name}
    if ".d_" in name and arrays[name].size < FEW_NUMBERS:
        names = {other for other in arrays if other.startswith(name.partition("_")[0] + "_")}
    return max(float(np.max(np.abs(arrays[n]), initial=1e-6)) for n in names)
