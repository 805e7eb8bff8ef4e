"""Nets that other frameworks build: merged directions, dense stacks, heads of every kind."""

from __future__ import annotations

import numpy as np

from rnnviz.arrays import Array
from rnnviz.engine.spec import (
    DenseSpec,
    EmbeddingSpec,
    HeadKind,
    HeadSpec,
    ModelSpec,
    RecurrentSpec,
    SeriesSpec,
)

V, E, H = 9, 3, 4
#: The number that a masked step of a series consists of.
MASKED = -1.0

_WORDS, _SERIES = EmbeddingSpec(V, E), SeriesSpec(3)
_ONE = HeadSpec("sigmoid", 1)
_STACK = (DenseSpec(6, "relu"), DenseSpec(5, "tanh", bias=False), DenseSpec(4, "sigmoid"))


def _merge(cell: str, merge: str, **options: object) -> RecurrentSpec:
    return RecurrentSpec(cell, H, bidirectional=True, merge=merge, **options)  # type: ignore[arg-type]


NETS: dict[str, ModelSpec] = {
    "sum": ModelSpec(_WORDS, (_merge("lstm", "sum"),), _ONE),
    "mul": ModelSpec(_WORDS, (_merge("gru", "mul"),), _ONE),
    "ave, mul": ModelSpec(_WORDS, (_merge("rnn", "ave"), _merge("lstm", "mul")), _ONE),
    "mul, sum at the end": ModelSpec(
        _SERIES, (_merge("lstm", "mul"), _merge("gru", "sum")), HeadSpec("linear", 1, reads="end")
    ),
    "ave at each step": ModelSpec(
        _WORDS, (_merge("gru", "ave"),), HeadSpec("softmax", 3, reads="steps")
    ),
    "reverse": ModelSpec(_WORDS, (RecurrentSpec("lstm", H, reverse=True),), _ONE),
    "reverse above both": ModelSpec(
        EmbeddingSpec(V, E, mask_zero=False),
        (_merge("gru", "concat"), RecurrentSpec("rnn", H, reverse=True), RecurrentSpec("rnn", H)),
        HeadSpec("softmax", 3, reads="end"),
    ),
    "trained initial": ModelSpec(
        EmbeddingSpec(V, E, mask_zero=False),
        (RecurrentSpec("lstm", H, trained_initial=True),
         RecurrentSpec("gru", H, bidirectional=True, trained_initial=True)),
        _ONE,
    ),
    "labels of each step": ModelSpec(
        _WORDS, (RecurrentSpec("lstm", H),), HeadSpec("softmax", 5, reads="steps", dense=_STACK[:1])
    ),
    "decisions of each step": ModelSpec(
        EmbeddingSpec(V, E, mask_zero=False), (RecurrentSpec("gru", H),),
        HeadSpec("sigmoid", 1, reads="steps"),
    ),
    "stack": ModelSpec(_WORDS, (RecurrentSpec("gru", H),), HeadSpec("softmax", 3, dense=_STACK)),
    "no bias": ModelSpec(_WORDS, (RecurrentSpec("rnn", H),), HeadSpec("softmax", 3, bias=False)),
    "several labels": ModelSpec(_WORDS, (RecurrentSpec("lstm", H),), HeadSpec("sigmoid", 4)),
    "several numbers": ModelSpec(_SERIES, (RecurrentSpec("lstm", H),), HeadSpec("linear", 3)),
    "tanh": ModelSpec(_SERIES, (RecurrentSpec("lstm", H),), HeadSpec("tanh", 1)),
    "relu": ModelSpec(_SERIES, (RecurrentSpec("gru", H),), HeadSpec("relu", 2)),
    "state": ModelSpec(_WORDS, (RecurrentSpec("lstm", H),), HeadSpec("state", H)),
    "states of each step": ModelSpec(
        _SERIES, (_merge("gru", "concat"),), HeadSpec("state", 2 * H, reads="steps")
    ),
    "masked numbers": ModelSpec(
        SeriesSpec(3, mask_value=MASKED), (_merge("lstm", "concat"), RecurrentSpec("gru", H)),
        HeadSpec("linear", 1),
    ),
    "masked numbers at each step": ModelSpec(
        SeriesSpec(3, mask_value=MASKED), (RecurrentSpec("lstm", H),),
        HeadSpec("linear", 2, reads="steps"),
    ),
    "dropout": ModelSpec(
        _WORDS, (_merge("lstm", "sum", dropout=0.2, recurrent_dropout=0.2),),
        HeadSpec("softmax", 3, dropout=0.3, reads="steps", dense=_STACK),
    ),
}  # fmt: skip


def inputs_of(spec: ModelSpec, T: int, B: int, rng: np.random.Generator) -> Array:
    """Ids (T, B) or numbers (T, B, D), with padding behind: none in the first column."""
    empty = np.arange(T)[:, None] >= T - np.arange(B) % T
    if isinstance(spec.source, EmbeddingSpec):
        return np.where(empty, 0, rng.integers(1, V, (T, B)))
    x = rng.standard_normal((T, B, spec.source.width))
    return x if spec.source.mask_value is None else np.where(empty[:, :, None], MASKED, x)


def targets_of(head: HeadSpec, T: int, B: int, rng: np.random.Generator) -> Array:
    """Targets as the losses take them; numbers far from every output and its kink."""
    rows = (T, B) if head.reads == "steps" else (B,)
    shape = rows if head.outputs == 1 or head.kind == "softmax" else (*rows, head.outputs)
    classes: dict[HeadKind, int] = {"sigmoid": 2, "softmax": head.outputs}
    if head.kind in classes:
        return rng.integers(0, classes[head.kind], shape)
    return 50.0 + rng.standard_normal(shape)
