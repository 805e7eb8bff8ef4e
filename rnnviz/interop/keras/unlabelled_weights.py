"""The layers of files of weights alone, which name no classes: shapes and names tell them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Literal

from rnnviz.interop.contents import (
    FileTensor,
)
from rnnviz.interop.keras.cell_arrays import kind_of
from rnnviz.interop.keras.hdf5_tree import Hdf5Tree
from rnnviz.interop.keras.weight_stores import listed_groups

What = Literal[
    "recurrent", "embedding", "dense", "normalisation", "masking", "input", "identity", "other"
]

#: Parts of an array's name that say nothing about its layer.
_CELL: Final = re.compile(r"(?:lstm|gru|simple_rnn|rnn)_cell(?:_\d+)?|cell|cells|layer|vars")
_WAY: Final = re.compile(r"(forward|backward)_")
_IDENTITY: Final = re.compile(r"(?:spatial_?|alpha_?|gaussian_?)?(?:dropout|noise)")
#: What the groups of layers of Keras begin with.
_CLASS: Final = re.compile(
    r"lstm|gru|(?:simple_)?rnn|bidirectional|embedding|dense|time_?distributed|dropout|masking"
    r"|input|batch_norm|layer_norm|conv|attention|additive|multi_head|einsum|activation|flatten"
)
#: What the arrays of a dense layer are called.
_DENSE: Final = {"kernel", "bias", "W", "b"}
_DEEP: Final = re.compile(r"time_?distributed")


@dataclass(eq=False)
class UnlabelledLayer:
    """A layer of a file of weights, with its arrays in the order of the file."""

    name: str
    arrays: list[FileTensor] = field(default_factory=list)
    backward: list[FileTensor] = field(default_factory=list)
    hint: str = ""  # its class in snake case, or what its name begins with

    @property
    def deep(self) -> bool:
        """Whether its name says that it is applied to each step of a longer sequence."""
        return bool(_DEEP.match(self.hint))

    @property
    def cells(self) -> list[list[FileTensor]]:
        """The arrays of its cells: one, or several of StackedRNNCells; none for other layers."""
        if kind_of(self.arrays) is not None:
            return [self.arrays]
        starts = [k for k, tensor in enumerate(self.arrays) if _leaf(tensor) in ("kernel", "0")]
        if starts[:1] != [0]:
            return []
        ends = [*starts[1:], len(self.arrays)]
        parts = [self.arrays[k:end] for k, end in zip(starts, ends, strict=True)]
        return parts if all(kind_of(part) for part in parts) else []

    @property
    def what(self) -> What:
        """What the shapes and names of its arrays tell."""
        if not self.arrays:
            if self.hint.startswith("input") or self.name.endswith("_input"):
                return "input"
            if self.hint.startswith("masking"):
                return "masking"
            return "identity" if _IDENTITY.match(self.hint) else "other"
        if self.cells and (len(self.arrays) > 2 or _has_recurrent(self)):
            return "recurrent"
        shapes, leaves = [t.shape for t in self.arrays], {_leaf(t) for t in self.arrays}
        plain = leaves <= _DENSE or self.hint == "dense"
        if leaves <= {"0", "1"} and len(shapes) == 2:
            plain = plain or self.deep or not _CLASS.match(self.hint)
        if len(shapes) == 1 and len(shapes[0]) == 2:
            if self.hint.startswith("emb") or "embeddings" in leaves:
                return "embedding"
            return "dense" if plain else "other"
        if len(shapes) == 2 and len(shapes[0]) == 2 and shapes[1] == shapes[0][1:] and plain:
            return "dense"
        if "moving_mean" in leaves or "normalization" in self.hint:
            return "normalisation"
        return "other"


def _has_recurrent(layer: UnlabelledLayer) -> bool:
    """Whether a second square array is a recurrent kernel and not the kernel of something else."""
    return _leaf(layer.arrays[1]) in ("recurrent_kernel", "U") or bool(
        re.match("lstm|gru|(?:simple_?)?rnn|bidirectional", layer.hint)
    )


def _leaf(tensor: FileTensor) -> str:
    """The last word of an array's name: ``kernel``; W of Keras 1's ``dense_1_W``."""
    name = re.sub(r"_\d+$", "", _last(tensor).removesuffix(":0"))
    return name[-1] if name.endswith(("_W", "_U", "_b")) else name


def _last(tensor: FileTensor) -> str:
    return tensor.name.rpartition("/")[2]


def listed_layers(tree: Hdf5Tree) -> list[UnlabelledLayer]:
    """The layers of HDF5 with ``layer_names``; those of a nested model are in one group."""
    root = "model_weights/" if "model_weights" in tree.attributes else ""
    layers: list[UnlabelledLayer] = []
    for group, tensors in listed_groups(tree).items():
        own: dict[str, UnlabelledLayer] = {}
        for tensor in tensors:
            parts = tensor.name.removeprefix(f"{root}{group}/").split("/")[:-1]
            ways = [match[1] for p in (*parts, _last(tensor)) if (match := _WAY.match(p))]
            rest = [p for p in parts if not _CELL.fullmatch(p) and not _WAY.match(p)]
            rest = rest[rest.index(group) + 1 :] if group in rest else rest
            name = rest[-1] if rest else group
            layer = own.setdefault(name, UnlabelledLayer(name, hint=_stem(name)))
            (layer.backward if "backward" in ways else layer.arrays).append(tensor)
        if len(own) == 1:
            (only,) = own.values()
            only.name, only.hint = group, _stem(group)
        layers += own.values() if own else [UnlabelledLayer(group, hint=_stem(group))]
    return layers


def counted_layers(tree: Hdf5Tree) -> list[UnlabelledLayer]:
    """The layers of ``.weights.h5`` in the order in which they were written.

    That order is not stored; the addresses in the file tell it, where the largest one of a layer
    is least likely to be in a place that was used before.
    """
    found: dict[str, UnlabelledLayer] = {}
    written: dict[str, int] = {}
    for path in sorted(tree.attributes, key=lambda path: tree.addresses.get(path, 0)):
        parts = path.split("/")
        if parts[-1] != "vars" or parts[0].startswith("optimizer") or "seed_generator" in parts:
            continue
        ways = [match[1] for part in parts if (match := _WAY.match(part))]
        end = next((k for k, p in enumerate(parts) if _CELL.fullmatch(p) or _WAY.match(p)), 0)
        layer_path = "/".join(parts[:end])
        if not layer_path or "layers" in tree.groups_in(layer_path):  # a model, not a layer
            continue
        if layer_path not in found:
            said = tree.text(f"{layer_path}/vars", "name")
            hint = _stem(parts[end - 1])
            if said and not _CLASS.match(hint):  # a name that a program gave an attribute
                hint = _stem(said)
            found[layer_path] = UnlabelledLayer(said or parts[end - 1], hint=hint)
        numbers = sorted((n for n in tree.arrays_in(path) if n.isdecimal()), key=int)
        layer, names = found[layer_path], [f"{path}/{n}" for n in numbers]
        (layer.backward if "backward" in ways else layer.arrays).extend(
            tree.arrays[name] for name in names
        )
        addresses = [tree.addresses.get(name, 0) for name in (path, *names)]
        written[layer_path] = max(written.get(layer_path, 0), *addresses)
    paths = sorted(found, key=lambda path: written[path])
    if not all("layers" in path.split("/") for path in paths):
        # A class of one's own: its layers are written in the order of their attributes' names.
        ranks = {"embedding": 0, "dense": 2}
        paths.sort(key=lambda path: ranks.get(found[path].what, 1))
    return [found[path] for path in paths]


def _stem(name: str) -> str:
    """The beginning of a layer's name: ``lstm`` of ``lstm_12``."""
    return re.sub(r"_\d+$", "", name).lower()
