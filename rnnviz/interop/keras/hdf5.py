"""The content of HDF5 files: models and weights of Keras 1, 2 and 3."""

from __future__ import annotations

from pathlib import Path

from rnnviz.errors import InvalidFileError
from rnnviz.files import reason
from rnnviz.interop.contents import Assumption, ImportOptions, ModelContents
from rnnviz.interop.keras.flow import Net
from rnnviz.interop.keras.hdf5_tree import Hdf5Tree, json_attribute
from rnnviz.interop.keras.model_contents import (
    build_guess,
    build_model,
    contents,
    is_architecture,
    is_listed,
    numbers_of,
    read_architecture,
    tree_entries,
)
from rnnviz.interop.keras.unlabelled_weights import counted_layers, listed_layers
from rnnviz.interop.keras.weight_stores import counted_weights, listed_weights
from rnnviz.messages import N_


def read_parsed(tree: Hdf5Tree, path: Path, options: ImportOptions) -> ModelContents:
    """What is in an HDF5 file, from its content; errors as those of ``read_contents``."""
    try:
        own = json_attribute(tree, "model_config")
    except ValueError as error:
        raise InvalidFileError(f"{path}: {reason(error)}.") from error
    root = "model_weights" if "model_weights" in tree.attributes else ""
    version = tree.text("", "keras_version") or tree.text(root, "keras_version")
    net = Net(options, _version(tree, version))
    listed = bool(tree.texts(root, "layer_names"))
    if not listed and not _is_counted(tree):
        refusal = N_(
            "an HDF5 file, but not of Keras: neither layer_names nor a group of layers in it"
        )
        return contents(
            net, path, "HDF5", "", tree.arrays.values(), tree_entries(tree), "unknown",
            _foreign(tree, refusal),
        )  # fmt: skip
    what = N_("Keras model") if own is not None else N_("Keras weights")
    beside, config = None, own
    if own is None:
        beside = options.config or _architecture_beside(path)
        if beside is not None:
            config, said = read_architecture(beside)
            if not version and said:
                version = said
                net.version = numbers_of(said)
    if config is not None and is_architecture(config) and is_listed(config):
        build_model(
            net, config, path,
            lambda model: listed_weights(tree, model) if listed else counted_weights(tree, model),
        )  # fmt: skip
        if beside is not None and options.config is None:
            net.assumptions.append(Assumption(
                N_("the architecture"), beside.name, "--config",
                N_("the file has weights alone, and a configuration of that name stands beside it"),
            ))  # fmt: skip
    else:
        build_guess(net, path, listed_layers(tree) if listed else counted_layers(tree))
    return contents(
        net,
        path,
        N_("{what}, HDF5").format(what=what),
        version,
        tree.arrays.values(),
        tree_entries(tree),
    )


def _version(tree: Hdf5Tree, said: str) -> tuple[int, ...]:
    """Keras's version. Files of ``.weights.h5`` name none; they are of 2.12 and later.

    TensorFlow 1.13 to 2.1 call theirs 2.2.4-tf. Only those of 2 have a GRU with two biases, and
    most of its users were on 2, so that it counts as 2.3, whose defaults it has.
    """
    if not said and _is_counted(tree):
        return (3,)
    return (2, 3) if said == "2.2.4-tf" else numbers_of(said)


def _is_counted(tree: Hdf5Tree) -> bool:
    """Whether arrays stand in groups ``vars``, as in ``.weights.h5``."""
    return any(path.rpartition("/")[2] == "vars" for path in tree.attributes)


def _foreign(tree: Hdf5Tree, usual: str) -> str:
    """Why a file that is not of Keras is refused, with what it seems to be."""
    if any("LSTMCell/W_P_" in path for path in tree.arrays):
        return N_(
            "weights of TensorFlow 1 (the language model of ELMo), not of Keras: its "
            "LSTM cells have projections, clipped states and connections past layers "
            "that no file describes"
        )
    if any("LSTMCell" in path or "MultiRNNCell" in path for path in tree.arrays):
        return N_("weights of TensorFlow 1, not of Keras: no file says how the cells are connected")
    return usual


def _architecture_beside(path: Path) -> Path | None:
    """A configuration with the name of a file of weights, as ``model.to_json()`` writes it."""
    stem = path.name
    for ending in (".h5", ".hdf5", ".hdf", ".keras"):
        stem = stem.removesuffix(ending)
    short = stem
    for ending in (".weights", "_weights", "-weights"):
        short = short.removesuffix(ending)
    for name in dict.fromkeys((stem, short)):
        candidate = path.with_name(f"{name}.json")
        if not candidate.is_file() or candidate.is_symlink():
            continue
        try:
            read_architecture(candidate)
        except InvalidFileError:  # another JSON file of that name
            continue
        return candidate
    return None
