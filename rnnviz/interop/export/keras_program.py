"""A net as a program for Keras 3."""

from __future__ import annotations

from rnnviz.display import visible
from rnnviz.engine.spec import EmbeddingSpec, ModelSpec, SeriesSpec
from rnnviz.interop.export.example import ProgramExample
from rnnviz.interop.export.keras_layers import KerasLayer, keras_net


def keras_program(title: str, spec: ModelSpec, file: str, example: ProgramExample) -> str:
    """The program: the layers, their weights from ``file`` (.keras, .h5), and the example."""
    net = keras_net(spec)
    if all(isinstance(each, KerasLayer) for each in net):
        layers = [each.call("keras.layers.") for each in net if isinstance(each, KerasLayer)]
        rows = "\n".join(f"    {line}," for line in (_input(spec), *layers))
        model = f"model = keras.Sequential([\n{rows}\n])"
    else:
        lines = [
            f"x = {each.call('keras.layers.')}(x)" if isinstance(each, KerasLayer)
            else f"x = {each.code}"
            for each in net
        ]  # fmt: skip
        body = "\n".join(lines)
        model = f"inputs = x = {_input(spec)}\n{body}\nmodel = keras.Model(inputs, x)"
    return f"""# {visible(title)} in Keras 3, with the weights of {visible(file)}.

import keras
import numpy as np

{model}
model.load_weights({file!r})

# {visible(example.remark)}
inputs = {example.code(batch=True)}
# The same in rnnviz: {example.expected}
print(model.predict(inputs, verbose=0)[0])
"""


def _input(spec: ModelSpec) -> str:
    if isinstance(spec.source, EmbeddingSpec):
        return 'keras.Input((None,), dtype="int32")'
    assert isinstance(spec.source, SeriesSpec)
    steps = None if spec.layers else spec.source.steps
    return f"keras.Input(({steps}, {spec.source.width}))"
