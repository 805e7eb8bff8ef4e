"""Recurrent layers under PyTorch's names: ``weight_ih_l0``, ``bias_hh_l1_reverse`` …

Cells have the same names without ``_l0``; nets written by hand often have ``w_ih``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from rnnviz.interop.contents import FileTensor, ImportOptions
from rnnviz.interop.named_arrays.modules import FoundModule
from rnnviz.interop.named_arrays.torch_layers import torch_module
from rnnviz.messages import N_

_NAME: Final = re.compile(
    r"(?P<path>(?:.*[._/:])?)(?P<kind>weight|bias|w|b|W|B)_?(?P<part>ih|hh|hr)"
    r"(?:_?l\[?(?P<layer>\d{1,3})\]?)?(?P<reverse>_reverse)?(?P<raw>_raw)?"
)
_NORM: Final = re.compile(
    r"(?P<path>(?:.*[._/:])?)(?:[a-z_]*norm|ln_?)[a-z_0-9]*\.[a-z_]+", re.IGNORECASE
)


@dataclass(frozen=True)
class TensorKey:
    """A tensor's place in its module. ``part``: w_ih, w_hh, w_hr, b_ih or b_hh."""

    path: str
    layer: int | None
    direction: Literal["forward", "backward"]
    part: str
    raw: bool = False


def _key(name: str) -> TensorKey | None:
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    return TensorKey(
        found["path"],
        None if found["layer"] is None else int(found["layer"]),
        "backward" if found["reverse"] else "forward",
        f"{found['kind'][0].lower()}_{found['part']}",
        bool(found["raw"]),
    )


def torch_modules(
    tensors: Mapping[str, FileTensor], options: ImportOptions
) -> tuple[list[FoundModule], set[str]]:
    """The recurrent modules under PyTorch's names, and the names of the tensors they consist of."""
    groups: dict[str, dict[TensorKey, str]] = {}
    for name in tensors:
        key = _key(name)
        if key is not None and key.part != "b_hr":
            groups.setdefault(key.path, {})[key] = name
    copies = _use_raw_weights(groups)
    groups = {p: g for p, g in groups.items() if {"w_ih", "w_hh"} <= {key.part for key in g}}
    position = {name: k for k, name in enumerate(tensors)}
    modules = []
    for path, group in groups.items():
        layers: dict[int | None, dict[tuple[str, str], FileTensor]] = {}
        for key, name in sorted(group.items(), key=lambda item: item[0].layer or 0):
            layers.setdefault(key.layer, {})[key.direction, key.part] = tensors[name]
        first = min(position[name] for name in group.values())
        modules.append(torch_module(path.rstrip("._/:"), first, layers, options))
    used = {name for group in groups.values() for name in group.values()} | copies
    norms = _norms_inside(name for name in tensors if name not in used)
    return [_without_norm(module, norms) for module in modules], used


def _use_raw_weights(groups: dict[str, dict[TensorKey, str]]) -> set[str]:
    """Put ``weight_hh_l0_raw`` where ``weight_hh_l0`` is expected; return the names replaced.

    AWD-LSTM drops recurrent weights in training: it keeps them under ``_raw``, and the other name
    holds what the last dropout left of them. The raw ones may be in the module around.
    """
    replaced: set[str] = set()
    for path in list(groups):
        for key, name in list(groups[path].items()):
            if not key.raw:
                continue
            del groups[path][key]
            inner = f"{path}module."
            home = inner if inner in groups else path
            target = replace(key, path=home, raw=False)
            if target in groups[home]:
                replaced.add(groups[home][target])
            groups[home][target] = name
    return replaced


def _norms_inside(names: Iterable[str]) -> dict[str, str]:
    """By the path of a module: the name of a normalization's tensor inside it."""
    return {found["path"]: name for name in names if (found := _NORM.fullmatch(name))}


def _without_norm(module: FoundModule, norms: Mapping[str, str]) -> FoundModule:
    """The module; not to be stepped through where it has a normalization inside.

    A cell with ``layernorm_i.weight`` beside its ``weight_ih`` is not the plain cell.
    """
    path = _NAME.fullmatch(next(iter(module.roles)))
    extra = norms.get(path["path"]) if path and path["path"] else None
    if extra is None or module.kind != "recurrent":
        return module
    return replace(
        module, kind="other", operations=(), what=N_("RNN with normalization"),
        reason=N_("it has {extra} inside, which the plain cell does not have").format(extra=extra),
    )  # fmt: skip
