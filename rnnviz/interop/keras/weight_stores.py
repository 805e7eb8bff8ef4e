"""Which arrays of a file belong to which layer of a model.

Three ways to store them: HDF5 of Keras 1 and 2 (also written by Keras 3 for ``.h5``), which lists
the names of layers and arrays; that of ``.keras`` and ``.weights.h5``, where a layer's group is
named by its class and counted; and TensorFlow.js, whose arrays have the name of their layer in
theirs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from rnnviz.interop.contents import FileTensor
from rnnviz.interop.keras.hdf5_tree import Hdf5Tree
from rnnviz.interop.keras.layer_config import LayerConfig
from rnnviz.interop.keras.topology import layers_of

#: The arrays of layers by their path in the model.
Weights = dict[tuple[str, ...], tuple[FileTensor, ...]]

#: How many arrays the layers of a class have, with a bias.
_COUNTS: Final = {
    "Dense": 2, "TimeDistributedDense": 2, "Embedding": 1, "LSTM": 3, "GRU": 3, "SimpleRNN": 3,
    "CuDNNLSTM": 3, "CuDNNGRU": 3, "LSTMCell": 3, "GRUCell": 3, "SimpleRNNCell": 3,
    "Conv1D": 2, "Conv2D": 2, "Conv3D": 2, "Convolution1D": 2, "Convolution2D": 2,
    "ConvLSTM2D": 3, "Conv2DTranspose": 2, "SeparableConv1D": 3, "SeparableConv2D": 3,
}  # fmt: skip
#: Groups in which models keep their layers, in ``.keras`` files of Keras 3 and of 2.12 to 2.15.
_CONTAINERS: Final = ("layers", "_layer_checkpoint_dependencies", "_self_tracked_trackables")
#: Groups inside a layer's group, in the order in which its arrays are read.
_INNER: Final = ("forward_layer", "backward_layer", "layer", "cell", "cells")


def array_count(layer: LayerConfig) -> int | None:
    """How many arrays a layer has; None for a class that is not known, 0 for one without."""
    inner = layer.inner()
    if layer.class_name == "Bidirectional" and inner is not None:
        count = array_count(inner)
        return None if count is None else 2 * count
    if layer.class_name == "TimeDistributed" and inner is not None:
        return sum(map(_known_count, inner.layers)) if inner.is_model else array_count(inner)
    if layer.class_name == "BatchNormalization":
        return 2 + layer.flag("scale", True) + layer.flag("center", True)
    if layer.class_name in _COUNTS:
        return _COUNTS[layer.class_name] - (not layer.flag("use_bias", True))
    cell = layer.inner("cell")
    if layer.class_name == "RNN" and cell is not None:
        listed = cell.config.get("cells")
        return 3 * len(listed) if isinstance(listed, list) else array_count(cell)
    return None


def _known_count(layer: LayerConfig) -> int:
    return array_count(layer) or 0


def listed_weights(tree: Hdf5Tree, model: LayerConfig) -> Weights:
    """Those of HDF5 with ``layer_names``: by name, or by order where the names are others."""
    groups = listed_groups(tree)
    if not any(layer.name in groups for layer in model.layers):
        owners = [x for x in model.layers if x.is_model or array_count(x)]
        full = [tensors for tensors in groups.values() if tensors]
        groups = dict(zip([x.name for x in owners], full, strict=False))
    found: Weights = {}
    for layer in model.layers:
        tensors = groups.get(layer.name, ())
        if layer.is_model:
            found |= {(layer.name, *p): t for p, t in distribute(tensors, layer).items()}
        else:
            found[(layer.name,)] = tuple(tensors)
    return found


def listed_groups(tree: Hdf5Tree) -> dict[str, tuple[FileTensor, ...]]:
    """The arrays of each group in ``layer_names``, in the order of ``weight_names``."""
    root = "model_weights" if "model_weights" in tree.attributes else ""
    start = f"{root}/" if root else ""
    names = tree.texts(root, "layer_names")
    return {
        name: tuple(
            tree.arrays[path]
            for weight in tree.texts(start + name, "weight_names")
            if (path := f"{start}{name}/{weight}") in tree.arrays
        )
        for name in names
    }


def distribute(tensors: Sequence[FileTensor], model: LayerConfig) -> Weights:
    """The arrays of a model that stand in one list: by the names in theirs, else by order."""
    layers = layers_of(model)
    found: dict[tuple[str, ...], list[FileTensor]] = {path: [] for path in layers}
    by_name = _Owners(layers)
    owners = [by_name.owner(tensor.name) for tensor in tensors]
    if all(owner is not None for owner in owners):
        for owner, tensor in zip(owners, tensors, strict=True):
            if owner is not None:
                found[owner].append(tensor)
        counts = [(array_count(layers[path]), len(own)) for path, own in found.items()]
        if all(count is None or n in (count, 4 * count, 3 * count) for count, n in counts):
            return {path: tuple(own) for path, own in found.items()}
    return _in_order(tensors, layers)


class _Owners:
    """Finds the layer that an array's name contains, as whole parts between slashes."""

    def __init__(self, layers: Mapping[tuple[str, ...], LayerConfig]) -> None:
        self._paths: dict[str, list[tuple[str, ...]]] = {}
        for path, layer in layers.items():
            inner = layer.inner()
            names = [layer.name]
            if layer.class_name == "Bidirectional" and inner is not None:
                names += [f"forward_{inner.name}", f"backward_{inner.name}"]
            for name in names:
                self._paths.setdefault(name, []).append(path)

    def owner(self, name: str) -> tuple[str, ...] | None:
        """The path of the layer; None where no layer, or more than one, is named."""
        parts = set(name.split("/")[:-1])
        paths = {path for part in parts for path in self._paths.get(part, ())}
        if len(paths) > 1:  # layers of the same name in two models: the one more of whose path fits
            shares = {path: len(parts.intersection(path)) / len(path) for path in paths}
            best = max(shares.values())
            paths = {path for path, share in shares.items() if share == best}
        return paths.pop() if len(paths) == 1 else None


def _in_order(
    tensors: Sequence[FileTensor], layers: Mapping[tuple[str, ...], LayerConfig]
) -> Weights:
    """Trained arrays in the order of layers, then the statistics of normalisation.

    Ends at a layer of an unknown class that may have any number of them.
    """
    left, found = list(tensors), {path: list[FileTensor]() for path in layers}
    later: list[tuple[str, ...]] = []
    for path, layer in layers.items():
        count = array_count(layer) or 0
        if layer.class_name == "BatchNormalization":
            count -= 2
            later.append(path)
        found[path], left = left[:count], left[count:]
    for path in later:
        found[path] += left[:2]
        left = left[2:]
    return {path: tuple(own) for path, own in found.items()}


def counted_weights(tree: Hdf5Tree, model: LayerConfig, prefix: str = "") -> Weights:
    """Those of ``.keras`` and ``.weights.h5``: groups named by class and counted.

    From Keras 3.9 on a group says its layer's name, which is believed first.
    """
    found: Weights = {}
    start = f"{prefix}/" if prefix else ""
    container = next((c for c in _CONTAINERS if start + c in tree.attributes), None)
    if container is None:
        return found
    names = tree.groups_in(start + container)
    own = {tree.text(f"{start}{container}/{name}/vars", "name"): name for name in names}
    counts: Counter[str] = Counter()
    for layer in model.layers:
        group = counted_name(layer.class_name, counts)
        path = f"{start}{container}/{own.get(layer.name, group)}"
        wrapped = layer.inner() if layer.class_name == "TimeDistributed" else None
        if wrapped is not None and wrapped.is_model:
            inner = counted_weights(tree, wrapped, f"{path}/layer")
            found |= {(layer.name, wrapped.name, *p): tensors for p, tensors in inner.items()}
        elif layer.is_model:
            inner = counted_weights(tree, layer, path)
            found |= {(layer.name, *p): tensors for p, tensors in inner.items()}
        else:
            found[(layer.name,)] = tuple(arrays_below(tree, path, layer))
    return found


def counted_name(class_name: str, counts: Counter[str]) -> str:
    """The name of the next group of a class: ``simple_rnn``, ``simple_rnn_1`` …"""
    snake = re.sub(r"\W+", "", class_name)
    snake = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", snake)
    snake = re.sub("([a-z])([A-Z])", r"\1_\2", snake).lower()
    counts[snake] += 1
    return snake if counts[snake] == 1 else f"{snake}_{counts[snake] - 1}"


def arrays_below(tree: Hdf5Tree, path: str, layer: LayerConfig | None) -> Iterable[FileTensor]:
    """All arrays of a layer's group: its own by number, then those of the parts inside."""
    own = [name for name in tree.arrays_in(f"{path}/vars") if name.isdecimal()]
    yield from (tree.arrays[f"{path}/vars/{name}"] for name in sorted(own, key=int))
    names = [n for n in tree.groups_in(path) if n not in ("vars", "seed_generator")]
    order = list(_INNER)
    cell = layer.inner("cell") if layer is not None else None
    if path.endswith("/cells") and cell is not None:
        counts: Counter[str] = Counter()
        cells = cell.config.get("cells")
        for one in cells if isinstance(cells, list) else ():
            if isinstance(one, dict):
                order.append(counted_name(str(one.get("class_name")), counts))
    for name in sorted(names, key=lambda n: (order.index(n) if n in order else 99, _natural(n))):
        yield from arrays_below(tree, f"{path}/{name}", layer)


def _natural(name: str) -> tuple[str, int]:
    stem, _, number = name.rpartition("_")
    return (stem, int(number)) if number.isdecimal() else (name, 0)


def named_weights(tensors: Sequence[FileTensor], model: LayerConfig) -> Weights:
    """Those of TensorFlow.js: ``lstm_2/kernel``."""
    return distribute(tensors, model)
