"""A net as a program for PyTorch."""

from __future__ import annotations

from collections.abc import Iterator

from rnnviz.display import visible
from rnnviz.engine.spec import EmbeddingSpec, ModelSpec, RecurrentSpec, SeriesSpec
from rnnviz.interop.export.example import ProgramExample
from rnnviz.interop.export.keras_layers import head_reads
from rnnviz.interop.export.torch_state import MODULES, TorchStack, dense_modules, stacks

#: The activations of dense layers and heads, of x.
ACTIVATIONS = {
    "tanh": "torch.tanh({})", "sigmoid": "torch.sigmoid({})", "relu": "torch.relu({})",
    "softmax": "torch.softmax({}, -1)", "hard_sigmoid": "torch.clamp(0.2 * {} + 0.5, 0, 1)",
    "hard_sigmoid_sixth": "nn.functional.hardsigmoid({})",
    "hard_tanh": "nn.functional.hardtanh({})", "leaky_relu": "nn.functional.leaky_relu({})",
    "softsign": "nn.functional.softsign({})", "softplus": "nn.functional.softplus({})",
    "elu": "nn.functional.elu({})", "selu": "nn.functional.selu({})",
}  # fmt: skip
#: How a file is read, by its ending; the import that it takes.
LOADERS = {
    ".npz": ("", "{{name: torch.from_numpy(a) for name, a in np.load({file!r}).items()}}"),
    ".safetensors": ("from safetensors.torch import load_file\n", "load_file({file!r})"),
    ".pt": ("", "torch.load({file!r}, weights_only=True)"),
}


def torch_program(title: str, spec: ModelSpec, file: str, example: ProgramExample) -> str:
    """The program: the module, its state dict from ``file``, and the example."""
    ending = next((ending for ending in LOADERS if file.endswith(ending)), ".pt")
    imported, loader = LOADERS[ending]
    made = "\n".join(f"        self.{line}" for line in _modules(spec))
    run = "\n".join(f"        {line}" for line in _forward(spec))
    return f"""# {visible(title)} in PyTorch, with the weights of {visible(file)}.

import numpy as np
import torch
from torch import nn
{imported}

class Net(nn.Module):
    def __init__(self):
        super().__init__()
{made}

    def forward(self, x):
{run}


net = Net()
net.load_state_dict({loader.format(file=file)})
net.eval()

# {visible(example.remark)}
inputs = torch.from_numpy({example.code(batch=True)})
# The same in rnnviz: {example.expected}
with torch.no_grad():
    print(net(inputs).numpy()[0])
"""


def _modules(spec: ModelSpec) -> Iterator[str]:
    if isinstance(spec.source, EmbeddingSpec):
        yield f"embedding = nn.Embedding({spec.source.vocabulary}, {spec.source.width})"
    for stack in stacks(spec):
        yield f"{stack.name} = {_recurrent(stack)}"
    width = _features(spec)
    units = [dense.units for _, dense in spec.head.below]
    biases = [dense.bias for _, dense in spec.head.below]
    if spec.head.kind != "state":
        units, biases = [*units, spec.head.outputs], [*biases, spec.head.bias]
    for (module, _), out, bias in zip(dense_modules(spec), units, biases, strict=True):
        yield f"{module} = nn.Linear({width}, {out}{'' if bias else ', bias=False'})"
        width = out


def _features(spec: ModelSpec) -> int:
    """The numbers that the head reads."""
    if spec.layers:
        return spec.layers[-1].output_width
    assert isinstance(spec.source, SeriesSpec)
    return spec.source.width * (spec.source.steps or 1)


def _recurrent(stack: TorchStack) -> str:
    layer = stack.layer
    arguments = [str(stack.width), str(layer.units)]
    arguments += [f"num_layers={stack.count}"] if stack.count > 1 else []
    arguments += ['nonlinearity="relu"'] if layer.activation == "relu" else []
    arguments += [] if layer.bias else ["bias=False"]
    arguments += ["batch_first=True"]
    arguments += ["bidirectional=True"] if layer.bidirectional else []
    arguments += [f"proj_size={layer.projection}"] if layer.projection is not None else []
    return f"nn.{MODULES[layer.cell].upper()}({', '.join(arguments)})"


def _forward(spec: ModelSpec) -> Iterator[str]:
    masked = isinstance(spec.source, EmbeddingSpec) and spec.source.mask_zero
    reads = head_reads(spec)
    if masked:
        yield "lengths = (x != 0).sum(1)  # padding, id 0, is at the end"
    if isinstance(spec.source, EmbeddingSpec):
        yield "x = self.embedding(x)"
    if masked:
        yield "x = nn.utils.rnn.pack_padded_sequence("
        yield "    x, lengths, batch_first=True, enforce_sorted=False"
        yield ")"
    for stack in stacks(spec):
        last = "(h, _)" if "lstm" in stack.layer.cell else "h"
        yield f"x, {last} = self.{stack.name}(x)"
    if not spec.layers:
        yield "x = x.flatten(1)"
    elif reads == "last":
        yield _last(spec.layers[-1])
    else:
        if masked:
            yield "x, _ = nn.utils.rnn.pad_packed_sequence(x, batch_first=True)"
        if reads == "end":
            yield "x = x[torch.arange(len(x)), lengths - 1]" if masked else "x = x[:, -1]"
    below = [dense.activation for _, dense in spec.head.below]
    kinds = [*below, spec.head.kind if spec.head.kind != "linear" else "identity"]
    for (module, _), activation in zip(dense_modules(spec), kinds, strict=False):
        call = f"self.{module}(x)"
        yield f"x = {ACTIVATIONS[activation].format(call) if activation != 'identity' else call}"
    yield "return x"


def _last(layer: RecurrentSpec) -> str:
    if layer.bidirectional:
        return "x = torch.cat([h[-2], h[-1]], -1)  # each direction after its last step"
    return "x = h[-1]"
