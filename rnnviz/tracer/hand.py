"""A net by hand as a model: its literal numbers put where the engine expects them, in float64."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from rnnviz.arrays import Values
from rnnviz.cells import CELLS, weights_by_name
from rnnviz.data.series import Scaling
from rnnviz.engine.model import Model
from rnnviz.engine.spec import HeadSpec, ModelSpec, RecurrentSpec, SeriesSpec
from rnnviz.errors import UsageError
from rnnviz.hand import LABELS, Hand, model_of
from rnnviz.hand.typed import inputs
from rnnviz.store import Stored
from rnnviz.tracer.reading import MAX_TOKENS, Reading

#: One number a step, taken as it is.
_AS_TYPED = Scaling(("x",), (0.0,), (1.0,), lookback=1, step=1, delay=0, target=0)


@lru_cache(maxsize=64)
def stored(hand: Hand) -> Stored:
    """The net as a model with one input and a sigmoid head."""
    cell = CELLS[hand.cell]
    found: Values = {k: np.zeros(shape) for k, shape in cell.shapes(1, hand.units).items()}
    for name, block in weights_by_name(cell, found).items():
        block[...] = np.array(hand.array(name))  # a view of its columns in ``found``
    params = {f"layers.0.forward.{key}": array for key, array in found.items()}
    params["head.W"] = np.array(hand.array("W_y"))
    params["head.b"] = np.array(hand.array("b_y")[0])
    layer = RecurrentSpec(hand.cell, hand.units)
    spec = ModelSpec(SeriesSpec(1), (layer,), HeadSpec("sigmoid", 1))
    record = {"trained_on": "no data"}
    return Stored(model_of(hand.cell), Model(spec, params), _AS_TYPED, LABELS, record)


def read(hand: Hand, text: str) -> Reading:
    """The numbers of a text, and the states they begin with; UsageError for words."""
    x = inputs(text)
    if len(x) > MAX_TOKENS:
        raise UsageError(
            f"This text has {len(x):,} numbers; a trace takes at most {MAX_TOKENS:,}. "
            "Shorten it and try again."
        )
    initial = {name: np.array(rows) for name, rows in hand.initial}
    given = np.array(x)[:, None, None]
    return Reading(tuple(text.split()), (0,) * len(x), initial=[[initial]], given=given)
