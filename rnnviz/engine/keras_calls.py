"""The layers of a net as calls of Keras: ``LSTM(32, return_sequences=True)``."""

from __future__ import annotations

from rnnviz.engine.spec import EmbeddingSpec, ModelSpec, RecurrentSpec

#: The layer class of a cell, and the argument that gives its variant.
LAYERS = {
    "rnn": ("SimpleRNN", ""),
    "lstm": ("LSTM", ""),
    "gru": ("GRU", ""),
    "gru-2014": ("GRU", "reset_after=False"),
}


def keras_calls(spec: ModelSpec) -> list[str]:
    """A call for each row of :func:`rnnviz.engine.param_count.parameters`; "" where there is none.

    Dropout of the head is a layer of its own in Keras, written before the call of the head.
    """
    calls = []
    if isinstance(spec.source, EmbeddingSpec):
        arguments = [str(spec.source.vocabulary), str(spec.source.width)]
        arguments += ["mask_zero=True"] if spec.source.mask_zero else []
        calls.append(f"Embedding({', '.join(arguments)})")
    last = len(spec.layers) - 1
    calls += [_recurrent(layer, k < last) for k, layer in enumerate(spec.layers)]
    if not spec.layers:
        calls.append("Flatten()")
    dropout = f"Dropout({spec.head.dropout:g}), " if spec.head.dropout else ""
    if spec.head.hidden:
        calls.append(f'Dense({spec.head.hidden}, activation="relu")')
    activation = "" if spec.head.kind == "linear" else f', activation="{spec.head.kind}"'
    return [*calls, f"{dropout}Dense({spec.head.outputs}{activation})"]


def _recurrent(layer: RecurrentSpec, sequences: bool) -> str:
    if layer.cell not in LAYERS or layer.output_activation is not None or not layer.keeps:
        return ""
    name, variant = LAYERS[layer.cell]
    arguments = [str(layer.units)]
    activation = "linear" if layer.activation == "identity" else layer.activation
    arguments += [f'activation="{activation}"'] if activation != "tanh" else []
    gates = layer.recurrent_activation
    arguments += [f'recurrent_activation="{gates}"'] if gates != "sigmoid" else []
    arguments += [f"dropout={layer.dropout:g}"] if layer.dropout else []
    arguments += [f"recurrent_dropout={layer.recurrent_dropout:g}"] * bool(layer.recurrent_dropout)
    arguments += ["return_sequences=True"] if sequences else []
    arguments += [variant] if variant else []
    call = f"{name}({', '.join(arguments)})"
    return f"Bidirectional({call})" if layer.bidirectional else call
