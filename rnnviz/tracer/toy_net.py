"""A net by hand as a model of the engine, in float64."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from rnnviz.arrays import Values
from rnnviz.cells import CELLS
from rnnviz.cells.weights import weights_by_name
from rnnviz.data.series import Scaling
from rnnviz.engine.model import Model
from rnnviz.engine.spec import HeadSpec, ModelSpec, RecurrentSpec, SeriesSpec
from rnnviz.errors import UsageError
from rnnviz.messages import _
from rnnviz.model_files import StoredModel
from rnnviz.toy_net import LOSSES, ToyNet, model_of
from rnnviz.toy_net.number_text import inputs, tokens
from rnnviz.tracer.model_input import MAX_TOKENS, ModelInput


@lru_cache(maxsize=64)
def stored(hand: ToyNet) -> StoredModel:
    """The net as a model: a series of its inputs, one layer and a head."""
    cell, D, form = CELLS[hand.cell], hand.inputs, hand.form
    found: Values = {k: np.zeros(shape) for k, shape in cell.shapes(D, hand.units).items()}
    for name, block in weights_by_name(cell, found).items():
        block[...] = np.array(hand.array(name))  # a view of its columns in ``found``
    params = {f"layers.0.forward.{key}": array for key, array in found.items()}
    params["head.W"] = np.array(hand.array("W_y"))
    params["head.b"] = np.array(hand.array("b_y")[0])
    layer = RecurrentSpec(
        hand.cell, hand.units,
        activation=form.activation,  # type: ignore[arg-type]
        recurrent_activation=form.gate_activation,  # type: ignore[arg-type]
        output_activation=form.output_activation or None,  # type: ignore[arg-type]
        keeps=form.z == "keep",
    )  # fmt: skip
    spec = ModelSpec(SeriesSpec(D), (layer,), HeadSpec(form.head, 1))  # type: ignore[arg-type]
    identity = Scaling(("x",) * D, (0.0,) * D, (1.0,) * D, lookback=1, step=1, delay=0, target=0)
    record = {"trained_on": "no data"}
    return StoredModel(model_of(hand.cell), Model(spec, params), identity, hand.labels, record)


def with_weights(hand: ToyNet, model: Model) -> ToyNet:
    """The net with the weights of a model of the same shapes."""
    found = weights_by_name(model.cell(0), model.layer_params(0, "forward"))
    found |= {"W_y": model.params["head.W"], "b_y": model.params["head.b"]}
    return hand.having(
        {
            name: tuple(tuple(float(v) for v in row) for row in np.atleast_2d(found[name]))
            for name, _ in hand.weights
        }
    )


def target_label(hand: ToyNet) -> str | None:
    """The label of its target class, where it has one."""
    said = hand.form.target
    return None if said is None or hand.form.head == "linear" else hand.labels[int(said)]


def encode(hand: ToyNet, text: str) -> ModelInput:
    """The numbers of a text as the input, and the initial states; UsageError for words."""
    x = inputs(text, hand.inputs)
    if len(x) > MAX_TOKENS:
        raise UsageError(
            _(
                "This text has {count:,} tokens; a trace takes at most {most:,}. "
                "Shorten it and try again."
            ).format(count=len(x), most=MAX_TOKENS)
        )
    initial = {name: np.array(rows) for name, rows in hand.initial}
    linear = hand.form.head == "linear"
    return ModelInput(
        tokens(x),
        (0,) * len(x),
        initial=[[initial]],
        measurements=np.array(x)[:, None, :],
        truth=hand.form.target if linear else None,
        squared=(0.5 if hand.form.loss == LOSSES[0] else 1.0) if linear else None,
    )
