"""Random nets, inputs and masks, drawn with a seed or by Hypothesis."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_st

from rnnviz.arrays import Array, Values
from rnnviz.cells import CELLS, Cell
from rnnviz.cells.variants import variant
from rnnviz.cells.weights import state_widths
from rnnviz.engine.embedding import summed_rows, table_of
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import shapes
from rnnviz.engine.pass_results import Recording
from rnnviz.engine.scan import Scan, scan
from rnnviz.engine.spec import (
    EmbeddingSpec,
    HeadKind,
    HeadSpec,
    ModelSpec,
    RecurrentSpec,
    SeriesSpec,
)

MASKS = ("none", "left", "right", "holes", "one row empty")
HEADS: dict[HeadKind, int] = {"sigmoid": 1, "softmax": 3, "linear": 1}


def mask(kind: str, T: int, B: int, rng: np.random.Generator) -> Array | None:
    """(T, B) true where a token is read; at least one token of the batch is not, but for "none"."""
    if kind == "none":
        return None
    read = np.ones((T, B), bool)
    if kind == "holes":
        read = rng.random((T, B)) < 0.6
        read[T // 2, 0] = False
        return read
    for b in range(B):
        absent = (1 + b) % T if kind != "one row empty" else 0
        read[:, b] = np.arange(T) >= absent if kind == "left" else np.arange(T) < T - absent
    if kind == "one row empty":
        read[:, B // 2] = False
    return read


def ids(kind: str, T: int, B: int, V: int, rng: np.random.Generator) -> Array:
    """(T, B) word numbers, 0 where the mask of this kind is false."""
    words = rng.integers(1, V, (T, B))
    read = mask(kind, T, B, rng)
    return words if read is None else words * read


def arrays(
    wanted: Mapping[str, tuple[int, ...]], rng: np.random.Generator, scale: float = 0.7
) -> Values:
    """Normal float64 numbers of these shapes: large enough that no gate stays in the middle."""
    return {name: scale * rng.standard_normal(shape) for name, shape in wanted.items()}


def model(spec: ModelSpec, rng: np.random.Generator, scale: float = 0.7) -> Model:
    """A float64 model with random weights."""
    return Model(spec, arrays(shapes(spec), rng, scale))


def targets(kind: HeadKind, B: int, rng: np.random.Generator) -> Array:
    """(B) classes; for a linear head numbers far from every output, away from the kink of |·|."""
    if kind == "linear":
        return 50.0 + rng.standard_normal(B)
    return rng.integers(0, max(2, HEADS[kind]), B)


def recorded_gradients(net: Model, recording: Recording, d_logits: Array) -> Values:
    """Gradients of every trained array by the recording pass, given those of the logits (B, K)."""
    if not net.spec.layers:
        return net.head_gradients(recording.head, d_logits)[0]
    back = net.record_backward(recording, d_logits)
    grads = dict(back.head)
    for k, layer in enumerate(net.spec.layers):
        for direction, own in zip(layer.directions, back.scans[k], strict=True):
            grads |= {f"layers.{k}.{direction}.{key}": g for key, g in own.params.items()}
            if layer.trained_initial:
                first = {f"{s}0": g.sum(0) for s, g in own.initial.items()}
                grads |= {f"layers.{k}.{direction}.{key}": g for key, g in first.items()}
    if "embedding" in net.params:
        V, E = shape = net.params["embedding"].shape
        rows = summed_rows(recording.inputs.ravel(), back.x.reshape(-1, E), V)
        grads["embedding"] = table_of(rows, shape)
    return grads


def state_shapes(cell: Cell, p: Values, B: int) -> dict[str, tuple[int, ...]]:
    """The shape of each state, (B, H); that of a projected h is (B, P)."""
    return {s: (B, n) for s, n in state_widths(cell, p).items()}


class Run(NamedTuple):
    """A cell, its weights, and one pass over random inputs."""

    cell: Cell
    p: Values
    done: Scan


def run(
    cell: Cell,
    rng: np.random.Generator,
    T: int = 5,
    B: int = 3,
    D: int = 3,
    H: int = 4,
    *,
    masked: str = "none",
    reverse: bool = False,
    scale: float = 0.7,
) -> Run:
    """A float64 pass with random weights, inputs and initial states."""
    p = arrays(cell.shapes(D, H), rng, scale)
    initial = arrays(state_shapes(cell, p, B), rng)
    x, read = rng.standard_normal((T, B, D)), mask(masked, T, B, rng)
    return Run(cell, p, scan(cell, p, x, read, reverse=reverse, initial=initial))


#: Every cell with every pair of activations: "lstm", "lstm relu", "lstm hard_sigmoid" ...
VARIANTS: dict[str, Cell] = {
    " ".join([name, *(a for a in pair if a not in ("tanh", "sigmoid"))]): variant(cell, *pair)
    for name, cell in CELLS.items()
    for pair in product(("tanh", "relu"), ("sigmoid", "hard_sigmoid"))
}
#: And other choices, one of each kind: no activation at all, another one at the end, a z that
#: renews, every further activation, arguments that are clipped, no bias.
VARIANTS |= {
    "rnn identity": variant(CELLS["rnn"], "identity"),
    "rnn sigmoid": variant(CELLS["rnn"], "sigmoid"),
    "lstm identity": variant(CELLS["lstm"], "identity"),
    "lstm identity output": variant(CELLS["lstm"], "tanh", "sigmoid", "identity"),
    "lstm relu sigmoid output": variant(CELLS["lstm"], "relu", "hard_sigmoid", "sigmoid"),
    "gru identity": variant(CELLS["gru"], "identity"),
    "gru renews": variant(CELLS["gru"], keeps=False),
    "gru-2014 renews": variant(CELLS["gru-2014"], keeps=False),
    "gru-2014 relu renews": variant(CELLS["gru-2014"], "relu", keeps=False),
    "lstm elu, softsign output": variant(CELLS["lstm"], "elu", "sigmoid", "softsign"),
    "lstm selu, tanh, softplus": variant(CELLS["lstm"], "selu", "tanh", "softplus"),
    "gru leaky_relu, identity, clip": variant(CELLS["gru"], "leaky_relu", "identity", clip=1.0),
    "gru softsign, hard_tanh": variant(CELLS["gru"], "softsign", "hard_tanh"),
    "rnn hard_tanh": variant(CELLS["rnn"], "hard_tanh"),
    "rnn no bias": variant(CELLS["rnn"], bias=False),
    "lstm clip": variant(CELLS["lstm"], clip=0.8),
    "gru relu, hard_sigmoid_sixth, clip, no bias": variant(
        CELLS["gru"], "relu", "hard_sigmoid_sixth", clip=1.25, bias=False
    ),
    "gru-2014 identity, clip": variant(CELLS["gru-2014"], "identity", clip=0.75),
    "lstm-slide clip, no bias": variant(CELLS["lstm-slide"], clip=0.8, bias=False),
    "mingru clip, no bias": variant(CELLS["mingru"], clip=0.8, bias=False),
    "lstm-peephole softsign, clip": variant(CELLS["lstm-peephole"], "softsign", clip=0.8),
    "lstm-projection to 2": variant(CELLS["lstm-projection"], projection=2),
    "lstm-projection to 3, relu, no bias": variant(
        CELLS["lstm-projection"], "relu", bias=False, projection=3
    ),
}
cells = st.sampled_from(list(CELLS.values()))
variants = st.sampled_from(list(VARIANTS.values()))
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 4)
lengths = st.integers(1, 6)


@st.composite
def masks(draw: st.DrawFn, T: int, B: int) -> Array | None:
    """Any mask of a batch, also one that reads nothing; or none."""
    return draw(st.none() | numpy_st.arrays(np.bool_, (T, B)))


@st.composite
def specs(draw: st.DrawFn) -> ModelSpec:
    """Any model that can be described."""
    rate = st.sampled_from([0.0, 0.25, 0.5])
    source: EmbeddingSpec | SeriesSpec
    if draw(st.booleans()):
        source = EmbeddingSpec(
            draw(st.integers(1, 9)), draw(sizes), draw(st.booleans()), draw(rate)
        )
    else:
        source = SeriesSpec(draw(sizes))
    layer = st.builds(
        RecurrentSpec, st.sampled_from(list(CELLS)), sizes, st.booleans(), rate, rate,
        bias=st.booleans(),
    ) | st.builds(
        RecurrentSpec, st.just("lstm-projection"), sizes, st.booleans(), rate, rate,
        projection=sizes,
    )  # fmt: skip
    kind = draw(st.sampled_from(list(HEADS)))
    head = HeadSpec(kind, HEADS[kind], draw(rate))
    return ModelSpec(source, tuple(draw(st.lists(layer, min_size=1, max_size=3))), head)
