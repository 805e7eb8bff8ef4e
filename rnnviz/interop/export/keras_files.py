"""A net as a file of Keras: the archive of Keras 3, its weights alone, and the legacy HDF5 file.

Configurations hold the arguments that say what is computed; Keras fills in its defaults for the
others. Reading them back takes no code of ours.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.engine.spec import EmbeddingSpec, ModelSpec, SeriesSpec
from rnnviz.errors import InvalidFileError, MissingError
from rnnviz.interop.export.keras_layers import SNAKE, KerasLayer, StepOperation, keras_net
from rnnviz.interop.export.weights import HARD_SIGMOID_SCALE, layer_arrays, scaled_gates
from rnnviz.messages import _

#: The version whose layout the files have: since 3.9 each group of weights has its layer's name.
KERAS_VERSION = "3.9.0"
_DATE = (1980, 1, 1, 0, 0, 0)


class NamedLayer:
    """A layer with the name that Keras would give it, and its arrays as (path, arrays).

    Paths are those of the groups in a file of weights, below that of the layer.
    """

    def __init__(self, layer: KerasLayer, counts: Counter[str]) -> None:
        kind = layer.kind if layer.merge is None else "Bidirectional"
        snake = SNAKE[kind]
        self.layer, self.kind = layer, kind
        self.name = f"{snake}_{counts[kind]}" if counts[kind] else snake
        counts[kind] += 1

    @property
    def inner(self) -> str:
        """The name of the layer's class in names: that inside a Bidirectional."""
        return SNAKE[self.layer.kind]

    def config(self) -> dict[str, Any]:
        """Its configuration, with the class and the module."""
        own = dict(self.layer.arguments)
        if self.layer.merge is None:
            return _config(self.layer.kind, {"name": self.name, **own})
        both = [
            _config(self.layer.kind, {"name": f"{way}_{self.inner}", **own, "go_backwards": back})
            for way, back in (("forward", False), ("backward", True))
        ]
        fields = {"name": self.name, "merge_mode": self.layer.merge}
        return _config("Bidirectional", {**fields, "layer": both[0], "backward_layer": both[1]})

    @property
    def draws(self) -> bool:
        """Whether it draws dropout masks: then its file holds the state of a generator."""
        return any(self.layer.arguments.get(n) for n in ("rate", "dropout", "recurrent_dropout"))


def _config(kind: str, config: dict[str, Any]) -> dict[str, Any]:
    return {
        "module": "keras.layers", "class_name": kind, "config": config, "registered_name": None
    }  # fmt: skip


def named(spec: ModelSpec) -> list[NamedLayer | StepOperation]:
    """The net with the names of its layers."""
    counts: Counter[str] = Counter()
    net = keras_net(spec)
    return [NamedLayer(each, counts) if isinstance(each, KerasLayer) else each for each in net]


def arrays_of(spec: ModelSpec, params: Values, layer: NamedLayer) -> list[tuple[str, list[Array]]]:
    """The arrays of a layer in Keras's order, by direction: ("forward", [kernel, …]), or by ""."""
    prefix = layer.layer.arrays
    if not prefix.startswith("layers."):
        names = [prefix] if prefix == "embedding" else [f"{prefix}.W", f"{prefix}.b"]
        return [("", [np.asarray(params[n], np.float32) for n in names if n in params])]
    k = int(prefix.removeprefix("layers."))
    recurrent = spec.layers[k]
    found = []
    for direction in recurrent.directions:
        arrays = layer_arrays(spec, params, k, direction)
        if recurrent.recurrent_activation == "hard_sigmoid":
            arrays = scaled_gates(recurrent, arrays, HARD_SIGMOID_SCALE)
        key = direction if recurrent.bidirectional else ""
        found.append((key, [arrays[n] for n in ("W", "U", "b") if n in arrays]))
    return found


# -- configurations ----------------------------------------------------------------------------


def input_config(spec: ModelSpec, shape_name: str = "batch_shape") -> dict[str, Any]:
    """The input layer: ids (batch, steps), or measurements (batch, steps, D)."""
    if isinstance(spec.source, EmbeddingSpec):
        shape: list[int | None] = [None, None]
    else:
        assert isinstance(spec.source, SeriesSpec)
        shape = [None, spec.source.steps if not spec.layers else None, spec.source.width]
    dtype = "int32" if isinstance(spec.source, EmbeddingSpec) else "float32"
    return _config("InputLayer", {shape_name: shape, "dtype": dtype, "name": "input_layer"})


def model_config(spec: ModelSpec) -> dict[str, Any]:
    """The configuration of the whole net: a Sequential, or a Functional model
    where something stands between layers."""
    net = named(spec)
    layers = [each.config() for each in net if isinstance(each, NamedLayer)]
    if len(layers) == len(net):
        config = {"name": "sequential", "layers": [input_config(spec), *layers]}
        return {
            "module": "keras", "class_name": "Sequential", "config": config, "registered_name": None
        }  # fmt: skip
    return _functional(spec, net)


def _functional(spec: ModelSpec, net: Sequence[NamedLayer | StepOperation]) -> dict[str, Any]:
    first = {**input_config(spec), "name": "input_layer", "inbound_nodes": []}
    nodes, below = [first], "input_layer"
    counts: Counter[str] = Counter()
    shape: list[int | None] = first["config"]["batch_shape"]
    for each in net:
        dtype = first["config"]["dtype"] if below == "input_layer" else "float32"
        tensor = {
            "class_name": "__keras_tensor__",
            "config": {"shape": shape, "dtype": dtype, "keras_history": [below, 0, 0]},
        }
        arguments: list[Any] = [tensor]
        if isinstance(each, NamedLayer):
            node = {**each.config(), "name": each.name}
        else:
            node = _operation(each, counts)
            if each.kind == "GetItem":
                every = {"start": None, "stop": None, "step": None}
                arguments.append([{"class_name": "__slice__", "config": every}, -1])
        node["inbound_nodes"] = [{"args": arguments, "kwargs": {}}]
        nodes.append(node)
        shape, below = _shape_above(each, shape), node["name"]
    config = {
        "name": "functional", "trainable": True, "layers": nodes,
        "input_layers": [["input_layer", 0, 0]], "output_layers": [[below, 0, 0]],
    }  # fmt: skip
    return {
        "module": "keras.src.models.functional", "class_name": "Functional", "config": config,
        "registered_name": "Functional",
    }  # fmt: skip


def _shape_above(each: NamedLayer | StepOperation, shape: list[int | None]) -> list[int | None]:
    """The shape of a layer's output for that of its input."""
    if isinstance(each, StepOperation):
        return shape if each.kind == "Flip" else [shape[0], shape[-1]]
    said = each.layer.arguments
    if each.kind == "Embedding":
        return [*shape, said["output_dim"]]
    if "units" not in said:
        return shape
    joined = 2 if each.layer.merge == "concat" else 1
    steps = shape[:-1] if said.get("return_sequences", True) else shape[:1]
    return [*steps, joined * said["units"]]


def _operation(each: StepOperation, counts: Counter[str]) -> dict[str, Any]:
    """The node of an operation between layers, without its inputs."""
    name = {"Flip": "flip", "GetItem": "get_item"}[each.kind]
    name += f"_{counts[each.kind]}" if counts[each.kind] else ""
    counts[each.kind] += 1
    config = {"name": name, "axis": 1} if each.kind == "Flip" else {"name": name}
    return {
        "module": "keras.src.ops.numpy", "class_name": each.kind, "config": config,
        "registered_name": each.kind, "name": name,
    }  # fmt: skip


# -- files -------------------------------------------------------------------------------------


def keras_archive(spec: ModelSpec, params: Values, words: Vocabulary | None = None) -> bytes:
    """A ``.keras`` file with the words as assets.

    ``assets/vocabulary.json`` also says how texts are cut; ``assets/vocabulary.txt``, one word a
    line, is left out where a word has a line break in it.
    """
    config = {**model_config(spec), "compile_config": {}}
    members = {
        "metadata.json": json.dumps({"keras_version": KERAS_VERSION}).encode(),
        "config.json": json.dumps(config).encode(),
        "model.weights.h5": keras_weights(spec, params),
    }
    if words is not None:
        document = {"words": words.to_json(), "encoding": words.encoding.to_json()}
        members["assets/vocabulary.json"] = json.dumps(document, ensure_ascii=False).encode()
        if one_a_line(words.words):
            members["assets/vocabulary.txt"] = "\n".join(words.words).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, _DATE), data)
    return out.getvalue()


def one_a_line(words: Sequence[str]) -> bool:
    """Whether words can stand in a text file, one a line: none has a line break in it."""
    return all("\n" not in word and "\r" not in word for word in words)


def keras_weights(spec: ModelSpec, params: Values) -> bytes:
    """A ``.weights.h5`` file, as ``model.save_weights`` writes it."""
    h5py = _h5py()
    out = io.BytesIO()
    with h5py.File(out, "w") as file:
        file.create_group("vars").attrs["name"] = model_config(spec)["config"]["name"]
        for layer in named(spec):
            if isinstance(layer, NamedLayer):
                for path, name, arrays in _groups(spec, params, layer):
                    group = file.create_group(f"layers/{layer.name}{path}/vars")
                    group.attrs["name"] = name
                    for n, array in enumerate(arrays):
                        group.create_dataset(str(n), data=array)
    return out.getvalue()


def _groups(
    spec: ModelSpec, params: Values, layer: NamedLayer
) -> Iterator[tuple[str, str, list[Array]]]:
    """The groups of weights of a layer: path below its own, name, arrays."""
    drawn: list[Array] = [np.zeros(2, np.uint32)]  # the seed and the state of its generator
    recurrent = layer.layer.arrays.startswith("layers.")
    if not recurrent:
        arrays = arrays_of(spec, params, layer)[0][1] if layer.layer.arrays else []
        yield "", layer.name, arrays
        if layer.draws:
            yield "/seed_generator", "seed_generator", drawn
        return
    yield "", layer.name, []
    for direction, arrays in arrays_of(spec, params, layer):
        within = f"/{direction}_layer" if direction else ""
        if direction:
            yield within, f"{direction}_{layer.inner}", []
        yield f"{within}/cell", f"{layer.inner}_cell", arrays
        if layer.draws:
            yield f"{within}/cell/seed_generator", "seed_generator", drawn


def keras_hdf5(spec: ModelSpec, params: Values) -> bytes:
    """A legacy ``.h5`` file: configuration and weights. InvalidFileError for others."""
    h5py = _h5py()
    net = named(spec)
    layers = [each for each in net if isinstance(each, NamedLayer)]
    if len(layers) < len(net):
        raise InvalidFileError(
            _(
                "An HDF5 file of Keras cannot hold a net that takes out steps between "
                "layers. Write a .keras file."
            )
        )
    sequential = [input_config(spec, "batch_input_shape"), *(each.config() for each in layers)]
    config = {
        "class_name": "Sequential",
        "config": {
            "name": "sequential",
            "layers": [{k: each[k] for k in ("class_name", "config")} for each in sequential],
        },
    }
    out = io.BytesIO()
    with h5py.File(out, "w") as file:
        file.attrs["model_config"] = json.dumps(config)
        group = file.create_group("model_weights")
        for place in (file, group):
            place.attrs["keras_version"], place.attrs["backend"] = KERAS_VERSION, "numpy"
        group.attrs["layer_names"] = [each.name.encode() for each in layers]
        for layer in layers:
            within = group.create_group(layer.name)
            weights = list(_legacy_weights(spec, params, layer))
            within.attrs["weight_names"] = [name.encode() for name, _ in weights]
            for name, array in weights:
                within.create_dataset(name, data=array)
    return out.getvalue()


def _legacy_weights(
    spec: ModelSpec, params: Values, layer: NamedLayer
) -> Iterator[tuple[str, Array]]:
    if not layer.layer.arrays:
        return
    words = {"embedding": ("embeddings",), "head": ("kernel", "bias")}
    kinds = words.get(layer.layer.arrays.partition(".")[0], ("kernel", "recurrent_kernel", "bias"))
    cell = f"/{layer.inner}_cell" if len(kinds) == 3 else ""
    for direction, arrays in arrays_of(spec, params, layer):
        within = f"/{direction}_{layer.inner}" if direction else ""
        for kind, array in zip(kinds, arrays, strict=False):
            yield f"{layer.name}{within}{cell}/{kind}", array


def _h5py() -> Any:
    try:
        import h5py
    except ModuleNotFoundError as error:
        raise MissingError(
            _("Writing a file of Keras needs h5py.\nInstall it: pip install 'rnnviz[import]'")
        ) from error
    return h5py
