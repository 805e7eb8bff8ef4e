"""Embeddings, dense layers and all other modules, from what is left of the names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from typing import Final

from rnnviz.arrays import Array
from rnnviz.interop.contents import DenseOperation, EmbeddingOperation, FileTensor, TensorRole
from rnnviz.interop.named_arrays.modules import FoundModule, float32, shape_text, unreadable
from rnnviz.messages import N_

#: ``fc.weight``, ``fc_w``, ``dense/kernel:0``, ``Wy`` and ``by``: the module, then its tensor.
_LEAF: Final = re.compile(
    r"(?P<path>.+)[._/](?P<leaf>weight|bias|kernel|embeddings?|w|b|W|B|running_mean|running_var|"
    r"num_batches_tracked|gamma|beta|moving_mean|moving_variance)(?::0)?"
)
_SHORT: Final = re.compile(r"(?P<leaf>[WwBb])_?(?P<path>(?!eight|ias)[A-Za-z]\w*)")
_MATRIX: Final = {"weight": "w", "kernel": "w", "w": "w", "W": "w", "bias": "b", "b": "b", "B": "b"}
_NORM: Final = {"running_mean", "running_var", "num_batches_tracked", "moving_mean"}
_EMBEDDING: Final = re.compile(r"emb|lookup|word_?vec|wte", re.I)


def dense_modules(
    tensors: Mapping[str, FileTensor], used: set[str], *, rows_first: bool
) -> list[FoundModule]:
    """The modules of the tensors that are not ``used``.

    ``rows_first``: a square matrix of a dense layer has its outputs along rows, as in PyTorch.
    """
    position = {name: k for k, name in enumerate(tensors)}
    groups: dict[str, dict[str, str]] = {}
    left = tensors.keys() - used
    for name in tensors:
        if name in left:
            path, leaf = _place(name, left)
            if leaf in groups.get(path, {}):
                path, leaf = name, ""
            groups.setdefault(path, {})[leaf] = name
    return [
        _module(
            path, min(position[name] for name in group.values()),
            {leaf: tensors[name] for leaf, name in group.items()}, rows_first,
        )
        for path, group in groups.items()
    ]  # fmt: skip


def _place(name: str, names: Set[str]) -> tuple[str, str]:
    """The module of a tensor and what it is there: w, b, a statistic, or ""."""
    if found := _LEAF.fullmatch(name):
        return found["path"].rstrip("._/"), _MATRIX.get(found["leaf"], found["leaf"])
    if found := _SHORT.fullmatch(name):
        own, leaf = found["path"], found["leaf"].lower()
        # Why and by, Wya and by: the letters of what the matrix reads stand before or after.
        biases = [f"b{sep}{own[k:n]}" for sep in ("", "_") for k, n in ((0, 99), (0, -1), (1, 99))]
        if leaf == "b":
            return own, "b"
        for bias in biases:
            if bias in names and len(bias) > 1:
                return bias.removeprefix("b").removeprefix("_"), "w"
        return own, "w"
    return name, ""


def _module(
    path: str, position: int, leaves: Mapping[str, FileTensor], rows_first: bool
) -> FoundModule:
    other = {t.name: TensorRole(path, "other") for t in leaves.values()}
    weight, bias = leaves.get("w"), leaves.get("b")
    table = leaves.get("embeddings") or leaves.get("embedding") or leaves.get("")
    if table is not None and len(leaves) == 1 and len(table.shape) == 2:
        if "" in leaves and not _EMBEDDING.search(path):
            return FoundModule(
                path,
                position,
                "other",
                other,
                what=N_("matrix {table}").format(table=shape_text(table)),
            )
        return _embedding(path, position, table)
    if any(leaf in _NORM for leaf in leaves):
        return FoundModule(
            path, position, "other", other, what="BatchNorm",
            reason=N_("its epsilon is not in the file"),
        )  # fmt: skip
    if weight is not None and len(weight.shape) == 2 and set(leaves) <= {"w", "b"}:
        if bias is None:
            if _EMBEDDING.search(path):
                return _embedding(path, position, weight)
            return FoundModule(
                path, position, "matrix", {weight.name: TensorRole(path, "other")},
                (_table(path, weight),) if _usable(weight) else (),
            )  # fmt: skip
        return dense(path, position, weight, bias, rows_first=rows_first)
    what = "tensor"
    if weight is not None:
        rank = len(weight.shape)
        what = {1: "LayerNorm" if weight.shape != (1,) else "tensor", 3: "Conv1d", 4: "Conv2d"}.get(
            rank, "layer"
        )
        what = "tensor" if rank == 1 and bias is None else what
    return FoundModule(path, position, "other", other, what=what)


def _usable(tensor: FileTensor) -> bool:
    return tensor.array is not None and tensor.array.dtype.kind in "fiu" and tensor.array.size > 0


def _table(path: str, tensor: FileTensor) -> EmbeddingOperation:
    assert tensor.array is not None
    return EmbeddingOperation(path, (), table=float32(tensor.array))


def _embedding(path: str, position: int, tensor: FileTensor) -> FoundModule:
    roles = {tensor.name: TensorRole(path, "embedding")}
    if not _usable(tensor):
        return FoundModule(path, position, "other", roles, what="Embedding")
    operation = _table(path, tensor)
    if reason := unreadable(path, {"": {"table": operation.table}}):
        return FoundModule(path, position, "other", roles, what="Embedding", reason=reason)
    return FoundModule(path, position, "embedding", roles, (operation,), None, int(tensor.shape[1]))


def as_embedding(module: FoundModule, tensors: Mapping[str, FileTensor]) -> FoundModule:
    """A "matrix" that turned out to be a table of word vectors."""
    return _embedding(module.name, module.position, tensors[next(iter(module.roles))])


def dense(
    path: str, position: int, weight: FileTensor, bias: FileTensor | None, *, rows_first: bool
) -> FoundModule:
    """A dense layer; its weights have the outputs along the axis that the bias fits."""
    size = None
    if bias is not None:
        size = 1
        for n in bias.shape:
            size *= n
    fits = [axis for axis in (0, 1) if size is None or weight.shape[axis] == size]
    roles = {
        weight.name: TensorRole(path, "dense kernel"),
        **({} if bias is None else {bias.name: TensorRole(path, "dense bias")}),
    }
    if not fits or not _usable(weight) or (bias is not None and not _usable(bias)):
        reason = (
            ""
            if fits
            else N_("{weight} and its bias have different sizes").format(weight=weight.name)
        )
        return FoundModule(path, position, "other", roles, what="Linear", reason=reason)
    rows = rows_first if len(fits) == 2 else fits == [0]
    assert weight.array is not None
    matrix = float32(weight.array.T if rows else weight.array)
    shift: Array | None = None
    if bias is not None and bias.array is not None:
        shift = float32(bias.array).reshape(-1)
    operation = DenseOperation(path, (), W=matrix, b=shift)
    numbers = {"W": matrix} if shift is None else {"W": matrix, "b": shift}
    if reason := unreadable(path, {"": numbers}):
        return FoundModule(path, position, "other", roles, what="Linear", reason=reason)
    return FoundModule(
        path, position, "dense", roles, (operation,), matrix.shape[0], matrix.shape[1]
    )


def as_dense(
    module: FoundModule, tensors: Mapping[str, FileTensor], *, rows_first: bool
) -> FoundModule:
    """A "matrix" that turned out to be a dense layer without a bias."""
    weight = tensors[next(iter(module.roles))]
    return dense(module.name, module.position, weight, None, rows_first=rows_first)
