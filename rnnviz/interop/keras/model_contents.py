"""The contents of a Keras file from its configuration, its weights and what was found in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from rnnviz.errors import InvalidFileError
from rnnviz.files import read_json, reason
from rnnviz.interop.contents import (
    FileTensor,
    IgnoredEntry,
    ModelContents,
    OpaqueOperation,
    RecurrentOperation,
    TensorRole,
)
from rnnviz.interop.keras.flow import Net
from rnnviz.interop.keras.guessed_net import add_guessed
from rnnviz.interop.keras.hdf5_tree import Hdf5Tree
from rnnviz.interop.keras.layer_config import read_layer
from rnnviz.interop.keras.operations import build
from rnnviz.interop.keras.unlabelled_weights import UnlabelledLayer
from rnnviz.interop.keras.vocabulary import add_words_beside
from rnnviz.interop.keras.weight_stores import Weights
from rnnviz.messages import N_, _


def numbers_of(version: str) -> tuple[int, ...]:
    """A version as numbers: (2, 2, 4) of "2.2.4-tf"; (2,) of TensorFlow.js; (0,) of ""."""
    if version.startswith("tfjs"):
        return (2, 3)
    match = re.match(r"\d{1,9}(?:\.\d{1,9})*", version, re.ASCII)
    return tuple(int(part) for part in match[0].split(".")) if match else (0,)


def is_architecture(data: Any) -> bool:
    """Whether a JSON value is the configuration of a Keras model."""
    return (
        isinstance(data, dict)
        and isinstance(data.get("class_name"), str)
        and isinstance(data.get("config"), dict | list)
    )


def read_architecture(path: Path) -> tuple[Any, str]:
    """The configuration in a JSON file and Keras's version; InvalidFileError for other JSON."""
    data = read_json(path)
    version = data.get("keras_version") if isinstance(data, dict) else None
    if isinstance(data, dict) and is_architecture(data.get("model_config")):
        data = data["model_config"]
    if not is_architecture(data):
        raise InvalidFileError(
            _("{path} does not describe a Keras model (model.to_json()).").format(path=path)
        )
    return data, version if isinstance(version, str) else ""


def build_model(net: Net, config: Any, path: Path, weights: Any) -> None:
    """Read the configuration and add its operations; ``weights`` gives those of a model."""
    try:
        model = read_layer(config)
        found: Weights = weights(model)
        build(net, model, found)
    except (KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidFileError(
            _("{path}: the configuration of its model is damaged ({error_type}).").format(
                path=path, error_type=type(error).__name__
            )
        ) from error
    except ValueError as error:
        raise InvalidFileError(
            _("{path}: the graph of its layers is damaged: {reason}.").format(
                path=path, reason=reason(error)
            )
        ) from error


def build_guess(net: Net, path: Path, layers: Sequence[UnlabelledLayer]) -> None:
    """Add the operations of a file of weights alone."""
    try:
        add_guessed(net, layers)
    except ValueError as error:
        raise InvalidFileError(
            _("{path}: the names in it are damaged: {reason}.").format(
                path=path, reason=reason(error)
            )
        ) from error


def is_listed(config: Any) -> bool:
    """Whether a configuration lists layers; that of a class of one's own does not."""
    inner = config.get("config")
    return isinstance(inner, list) or (isinstance(inner, dict) and bool(inner.get("layers")))


def with_roles(
    arrays: Iterable[FileTensor], roles: Mapping[str, TensorRole]
) -> tuple[FileTensor, ...]:
    """The tensors of a file with their roles."""
    return tuple(replace(t, role=roles.get(t.name)) for t in arrays)


def tree_entries(tree: Hdf5Tree) -> list[IgnoredEntry]:
    """What of an HDF5 file was not read, optimizer and all."""
    entries = list(tree.ignored)
    arrays, numbers = tree.slots
    if arrays:
        entries.append(IgnoredEntry(
            N_("optimizer ({arrays} arrays, {numbers:,} numbers)").format(
                arrays=arrays, numbers=numbers
            ),
            N_("the state of the optimizer is used by training only"),
        ))  # fmt: skip
    return entries


def refusal_of(net: Net) -> str:
    """Why nothing can be stepped through: no recurrent layer, or none that can be expressed."""
    if any(isinstance(op, RecurrentOperation) for op in net.operations):
        return ""
    said = N_("none of its layers is a recurrent one that rnnviz computes")
    for op in net.operations:
        if isinstance(op, OpaqueOperation) and re.search(r"LSTM|GRU|RNN|Bidirectional", op.kind):
            return f"{said}; {op.name[:60]} ({op.kind[:60]}): {op.reason}"
    return said


def contents(
    net: Net, path: Path, format: str, version: str, arrays: Iterable[FileTensor],
    ignored: Iterable[IgnoredEntry] = (), framework: Literal["keras", "tfjs", "unknown"] = "keras",
    refusal: str = "",
) -> ModelContents:  # fmt: skip
    """Everything that was found."""
    add_words_beside(net)
    return ModelContents(
        path, format, framework, version, with_roles(arrays, net.roles), tuple(net.operations),
        tuple(net.conversions), tuple(net.assumptions), (*net.ignored, *ignored), net.vocabulary,
        refusal=refusal or refusal_of(net),
    )  # fmt: skip
