"""Reader for JSON files: TensorFlow.js models, and Keras architectures with weights beside them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from rnnviz.errors import InvalidFileError
from rnnviz.files import open_regular, read_json
from rnnviz.interop.contents import IgnoredEntry, ImportOptions, ModelContents
from rnnviz.interop.keras.flow import Net
from rnnviz.interop.keras.hdf5 import read_parsed
from rnnviz.interop.keras.hdf5_file import MAX_BYTES
from rnnviz.interop.keras.hdf5_launch import read_tree
from rnnviz.interop.keras.model_contents import (
    build_model,
    contents,
    is_architecture,
    numbers_of,
)
from rnnviz.interop.keras.tfjs_manifest import read_manifest
from rnnviz.interop.keras.weight_stores import named_weights
from rnnviz.messages import N_, _

_LIMIT: Final = 30_000_000
#: Endings of a file of weights with the name of a JSON architecture.
_WEIGHTS: Final = (
    ".h5", ".hdf5", ".weights.h5", "_weights.h5", "_weights.hdf5", "-weights.h5", "-weights.hdf5",
)  # fmt: skip


def read(path: Path, options: ImportOptions) -> ModelContents:
    """What is in a JSON file; errors as ``rnnviz.interop.detection.read_contents``."""
    data = read_json(path, _LIMIT)
    if isinstance(data, dict) and ("weightsManifest" in data or "modelTopology" in data):
        return _read_tfjs(data, path, options)
    config = data.get("model_config", data) if isinstance(data, dict) else None
    if not is_architecture(config):
        raise InvalidFileError(
            _(
                "{path} is JSON, but neither a TensorFlow.js model nor the architecture of a "
                "Keras model."
            ).format(path=path)
        )
    weights = _weights_beside(path)
    if weights is None:
        name = path.name.removesuffix(".json")
        raise InvalidFileError(
            _(
                "{path} is the architecture of a Keras model without its weights. Put them "
                "beside it as {stem}.h5, or name both: FILE.h5 --config {file}"
            ).format(path=path, stem=name[:60], file=path.name[:60])
        )
    with open_regular(weights, MAX_BYTES) as file:
        tree = read_tree(file, weights)
    return read_parsed(tree, weights, replace(options, config=path))


def _weights_beside(path: Path) -> Path | None:
    stem = path.name.removesuffix(".json")
    for ending in _WEIGHTS:
        candidate = path.with_name(stem + ending)
        if candidate.is_file() and not candidate.is_symlink():
            return candidate
    return None


def _read_tfjs(data: dict[str, Any], path: Path, options: ImportOptions) -> ModelContents:
    topology = data.get("modelTopology")
    graph = data.get("format") == "graph-model" or (
        isinstance(topology, dict) and ("node" in topology or "library" in topology)
    )
    tensors = read_manifest(data.get("weightsManifest", []), path)
    version = _version(data, topology)
    net = Net(options, numbers_of(version))
    if graph:
        reason = N_(
            "a graph model: a TensorFlow program without layers. Convert the Keras model "
            "anew with tensorflowjs_converter --output_format=tfjs_layers_model, or name "
            "its Keras file"
        )
        return contents(
            net,
            path,
            N_("TensorFlow.js graph model"),
            version,
            tensors,
            framework="tfjs",
            refusal=reason,
        )
    config = topology.get("model_config", topology) if isinstance(topology, dict) else None
    if not is_architecture(config):
        reason = N_("it has weights without an architecture (modelTopology)")
        return contents(
            net,
            path,
            N_("TensorFlow.js weights"),
            version,
            tensors,
            framework="tfjs",
            refusal=reason,
        )
    build_model(net, config, path, lambda model: named_weights(tensors, model))
    if any(t.array is not None and t.dtype in ("uint8", "uint16") for t in tensors):
        net.conversions.append(
            N_("whole numbers of quantised arrays became value = number · scale + min")
        )
    ignored = [
        IgnoredEntry(key, N_("it is used by training only"))
        for key in ("trainingConfig", "training_config")
        if key in data or (isinstance(topology, dict) and key in topology)
    ]
    return contents(
        net, path, N_("TensorFlow.js layers model"), version, tensors, ignored, framework="tfjs"
    )


def _version(data: dict[str, Any], topology: Any) -> str:
    """Keras's version, or that of TensorFlow.js where it wrote the model itself."""
    found = topology.get("keras_version") if isinstance(topology, dict) else None
    if not isinstance(found, str):
        found = data.get("generatedBy")
        found = found.removeprefix("keras v") if isinstance(found, str) else ""
    return found[:60]
