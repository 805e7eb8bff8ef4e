"""What the layers of each framework can say, and why a net cannot be written for one.

``FEATURES`` is the one table: exports ask it before anything is written, and the documents show it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from rnnviz.engine.spec import EmbeddingSpec, ModelSpec, RecurrentSpec, SeriesSpec
from rnnviz.equations.functions import SIGMOIDS
from rnnviz.messages import N_

Target = Literal["keras", "pytorch", "onnx"]

#: The targets and their names in messages.
TARGETS: Final[Mapping[Target, str]] = {"keras": "Keras", "pytorch": "PyTorch", "onnx": "ONNX"}

KERAS, PYTORCH, ONNX = TARGETS
ALL: Final[tuple[Target, ...]] = tuple(TARGETS)


NO_LAYER: Final = N_("{target} has no such layer")


@dataclass(frozen=True)
class Feature:
    """Something that a recurrent layer may have, and the targets whose layers can say it.

    ``has`` tells whether a layer has it, ``reason`` what to say where a target cannot; its
    ``{target}`` is the target.
    """

    name: str
    has: Callable[[RecurrentSpec], bool]
    targets: tuple[Target, ...]
    reason: str = NO_LAYER


def _cell(*names: str) -> Callable[[RecurrentSpec], bool]:
    return lambda layer: layer.cell in names


def _is_lstm(layer: RecurrentSpec) -> bool:
    return layer.cell in ("lstm", "lstm-peephole", "lstm-projection")


#: Activations by the targets whose recurrent layers have them, apart from tanh and sigmoid gates.
IN_BOTH: Final = (
    "relu", "sigmoid", "identity", "hard_sigmoid_sixth", "softsign", "softplus", "elu"
)  # fmt: skip
IN_KERAS: Final = ("hard_tanh", "selu")
IN_ONNX: Final = ("leaky_relu", "hard_sigmoid")


def _rnn_relu(layer: RecurrentSpec) -> bool:
    return (layer.cell, layer.activation) == ("rnn", "relu")


def _state(*names: str) -> Callable[[RecurrentSpec], bool]:
    """Whether a layer has one of these where the cell's lines say tanh."""
    return lambda layer: (
        not _rnn_relu(layer)
        and bool(
            {layer.activation, layer.output_activation if _is_lstm(layer) else None} & {*names}
        )
    )


def _gates(*names: str) -> Callable[[RecurrentSpec], bool]:
    """Whether a layer has one of these, not sigmoid, for its gates."""
    return lambda layer: (
        layer.cell != "rnn" and layer.recurrent_activation in {*names} - {"sigmoid"}
    )


def _projects_to_all(layer: RecurrentSpec) -> bool:
    return layer.cell == "lstm-projection" and layer.projection in (None, layer.units)


def _z_renews(layer: RecurrentSpec) -> bool:
    return not layer.keeps and layer.cell in ("gru", "gru-2014")


def _z_is_odd(layer: RecurrentSpec) -> bool:
    """Whether 1 - z is not the same function of negated weights."""
    return _z_renews(layer) and layer.recurrent_activation not in SIGMOIDS


def _has_own_output(layer: RecurrentSpec) -> bool:
    """Whether tanh(c) of an LSTM is another function than that of its candidate."""
    return _is_lstm(layer) and (layer.output_activation or layer.activation) != layer.activation


#: The cells in the order of the table in the documents.
CELL_FEATURES: Final = (
    Feature("`rnn`", _cell("rnn"), ALL),
    Feature("`lstm`", _cell("lstm"), ALL),
    Feature("`gru`", _cell("gru"), ALL),
    Feature("`gru-2014`, reset before the product", _cell("gru-2014"), (KERAS, ONNX),
            N_("a GRU of {target} resets after the product")),
    Feature("`lstm-peephole`", _cell("lstm-peephole"), (ONNX,),
            N_("an LSTM of {target} has no peepholes")),
    Feature("`lstm-projection`", _cell("lstm-projection"), (PYTORCH,),
            N_("an LSTM of {target} has no projection")),
    Feature("`lstm-slide`", _cell("lstm-slide"), ()),
    Feature("`mingru`", _cell("mingru"), ()),
)  # fmt: skip

#: What layers of these cells may have besides.
FEATURES: Final = (
    Feature("activation relu of `rnn`", _rnn_relu, ALL),
    Feature("activation relu, sigmoid, linear, hard sigmoid of Keras 3, softsign, softplus, elu",
            _state(*IN_BOTH), (KERAS, ONNX), N_("a layer of {target} has tanh")),
    Feature("activation hard tanh, selu", _state(*IN_KERAS), (KERAS,),
            N_("a layer of {target} has no such activation")),
    Feature("activation leaky relu, hard sigmoid of Keras 2", _state(*IN_ONNX), (ONNX,),
            N_("a layer of {target} has no such activation")),
    Feature("gates with hard sigmoid of Keras 2 or 3, relu, tanh, linear, softsign, softplus, elu",
            _gates(*IN_BOTH, "tanh", "hard_sigmoid"), (KERAS, ONNX),
            N_("the gates of {target} are sigmoid")),
    Feature("gates with hard tanh, selu", _gates(*IN_KERAS), (KERAS,),
            N_("the gates of {target} have no such activation")),
    Feature("gates with leaky relu", _gates("leaky_relu"), (ONNX,),
            N_("the gates of {target} have no such activation")),
    Feature("another activation of c than of the candidate", _has_own_output, (ONNX,),
            N_("an LSTM of {target} has one activation for both")),
    Feature("z renews instead of keeping", lambda la: _z_renews(la) and not _z_is_odd(la), ALL),
    Feature("z renews, and is no sigmoid", _z_is_odd, (),
            N_("the z of {target} keeps, and 1 - z is no such gate")),
    Feature("without a bias", lambda la: not la.bias, ALL),
    Feature("bidirectional, `concat`", lambda la: la.bidirectional and la.merge == "concat", ALL),
    Feature("bidirectional, `sum` `mul` `ave`",
            lambda la: la.bidirectional and la.merge != "concat", (KERAS, ONNX),
            N_("{target} joins two directions side by side only")),
    Feature("backwards only", lambda la: la.reverse and not la.bidirectional, (KERAS, ONNX),
            N_("{target} has no layer that only reads backwards")),
    Feature("clipped pre-activations", lambda la: la.clip is not None, (ONNX,),
            N_("{target} clips no pre-activations")),
    Feature("a projection to as many units", _projects_to_all, (),
            N_("a projection of {target} is to fewer units")),
    Feature("trained initial states", lambda la: la.trained_initial, (ONNX,),
            N_("a layer of {target} stores no initial states")),
)  # fmt: skip


def refusals(spec: ModelSpec, target: Target) -> tuple[str, ...]:
    """Why a net cannot be written for a target, a reason for each layer; () where it can."""
    found = []
    for k, layer in enumerate(spec.layers):
        if (reason := layer_refusal(layer, target)) is not None:
            found.append(
                N_("layer {number} ({cell}): {reason}").format(
                    number=k + 1, cell=layer.cell, reason=reason
                )
            )
    found += _net_refusals(spec, target)
    return tuple(found)


def layer_refusal(layer: RecurrentSpec, target: Target) -> str | None:
    """Why a layer cannot be one of the target's, or None."""
    if not any(cell.has(layer) and target in cell.targets for cell in CELL_FEATURES):
        reason = next((cell.reason for cell in CELL_FEATURES if cell.has(layer)), NO_LAYER)
        return reason.format(target=TARGETS[target])
    lacking = (f for f in FEATURES if f.has(layer) and target not in f.targets)
    return next((f.reason.format(target=TARGETS[target]) for f in lacking), None)


def _net_refusals(spec: ModelSpec, target: Target) -> list[str]:
    """What of the net as a whole a target cannot say."""
    masked = isinstance(spec.source, EmbeddingSpec) and spec.source.mask_zero
    top = spec.layers[-1] if spec.layers else None
    found = []
    if isinstance(spec.source, SeriesSpec) and spec.source.mask_value is not None:
        if target != KERAS:
            found.append(
                N_("{target} cannot skip steps by their values").format(target=TARGETS[target])
            )
    other = {"leaky_relu", "hard_sigmoid"} & {dense.activation for _, dense in spec.head.below}
    if target == KERAS and other:
        found.append(
            N_("a dense layer of Keras has another {activations}").format(
                activations=" and ".join(sorted(other))
            )
        )
    if target == KERAS and masked and any(la.reverse for la in spec.layers[:-1]):
        found.append(N_("Keras does not reverse the mask of a layer that reads backwards only"))
    if target == ONNX and masked and top is not None and spec.head.reads != "last":
        if len(top.directions) > 1 or top.reverse:
            found.append(
                N_("the outputs at the last token are not those at the end of a padded batch")
            )
    return found


def table() -> list[str]:
    """The features and the targets that can say them, as rows of Markdown for the documents."""
    rows = [("a layer", *TARGETS.values()), ("---",) * (len(TARGETS) + 1)]
    for feature in (*CELL_FEATURES, *FEATURES):
        said = ("yes" if target in feature.targets else "–" for target in TARGETS)
        rows.append((feature.name, *said))
    return [f"| {' | '.join(row)} |" for row in rows]
