"""The weights among everything that a checkpoint holds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from rnnviz.display import visible
from rnnviz.interop.contents import IgnoredEntry
from rnnviz.interop.torch.pickle_values import PickledName, TensorRecord, UnknownObject
from rnnviz.messages import N_

#: Entries of a checkpoint that hold numbers of the training, not of the net.
_TRAINING: Final = re.compile(r"optim|sched|exp_avg|scaler|amp|grad|momentum|rng|random", re.I)
#: Names of tensors in the states of optimizers.
_OPTIMIZER: Final = {"exp_avg", "exp_avg_sq", "momentum_buffer", "square_avg", "acc_delta", "sum"}
#: Entries with further copies of the weights.
_COPY: Final = re.compile(r"ema|best|average|avg|swa|target_?net|old|prev|last|initial", re.I)
#: Words that only wrap: they are no part of a module's name.
_WRAPPER: Final = re.compile(
    r"(?:model_?|net_?|network_?|module_?)?(?:state(?:_?dict)?|weights|params|parameters)?", re.I
)
#: Words in the names of packed weights.
_QUANTIZED: Final = ("_packed_params", "_all_weight_values")
_MAX_DEPTH, _MAX_NODES, _MAX_ENTRIES, _MAX_MODULES = 8, 300_000, 40, 10_000


@dataclass(frozen=True, eq=False)
class StateDict:
    """The weights of a net by name, and what else is in the file."""

    tensors: Mapping[str, TensorRecord]
    ignored: tuple[IgnoredEntry, ...]


@dataclass(frozen=True, eq=False)
class _Candidate:
    path: tuple[str, ...]
    tensors: dict[str, TensorRecord]

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each tensor."""
        return {name: tensor.shape for name, tensor in self.tensors.items()}


def _is_copy(candidate: _Candidate) -> bool:
    """Whether its name says that it is another version of the weights."""
    return any(_COPY.search(part) for part in candidate.path)


def _is_training(candidate: _Candidate) -> bool:
    """Whether it belongs to an optimizer or another part of the training."""
    if any(_TRAINING.search(part) for part in candidate.path):
        return True
    return not _OPTIMIZER.isdisjoint(candidate.tensors)


def _has_matrix(candidate: _Candidate) -> bool:
    return any(len(tensor.shape) > 1 for tensor in candidate.tensors.values())


def find_state_dict(value: Any) -> StateDict | None:
    """The weights in what a checkpoint holds; None if there are none."""
    if isinstance(value, TensorRecord):
        return StateDict({"tensor": value}, ())
    candidates = list(_candidates(value)) if isinstance(value, dict | list | tuple) else []
    usable = [c for c in candidates if not _is_training(c)]
    # Statistics of the data and states of generators often lie beside the weights.
    usable = [c for c in usable if _has_matrix(c)] or usable
    if not usable:
        return None
    chosen: list[_Candidate] = []
    ignored: list[IgnoredEntry] = []
    copies: set[tuple[str, ...]] = set()
    for candidate in sorted(usable, key=_is_copy):
        twin = next((c for c in chosen if c.shapes() == candidate.shapes()), None)
        if twin is None or not _is_copy(candidate):
            chosen.append(candidate)
        else:
            copies.add(candidate.path)
            name = ".".join(candidate.path)
            ignored.append(
                IgnoredEntry(
                    name,
                    N_("has the tensors of {name}, which is read").format(name=".".join(twin.path)),
                )
            )
    chosen.sort(key=usable.index)
    shared = _shared_path([candidate.path for candidate in chosen])
    tensors: dict[str, TensorRecord] = {}
    for candidate in chosen:
        parts = candidate.path[shared:]
        prefix = [part for part in parts if not _WRAPPER.fullmatch(part)]
        if any(".".join([*prefix, name]) in tensors for name in candidate.tensors):
            prefix = list(parts)
        for name, tensor in candidate.tensors.items():
            tensors.setdefault(".".join([*prefix, name]), tensor)
    paths = {candidate.path[: k + 1] for candidate in chosen for k in range(len(candidate.path))}
    used = {id(tensor) for tensor in tensors.values()}
    ignored += (e for e in _ignored(value, paths, used) if tuple(e.name.split(".")) not in copies)
    return StateDict(tensors, tuple(ignored[:_MAX_ENTRIES]))


def _candidates(value: Any) -> Iterator[_Candidate]:
    """Dictionaries and lists that hold tensors, outer ones first, each object once."""
    level: list[tuple[tuple[str, ...], Any]] = [((), value)]
    seen: set[int] = set()
    nodes = 0
    for _ in range(_MAX_DEPTH):
        deeper: list[tuple[tuple[str, ...], Any]] = []
        for path, node in level:
            if id(node) in seen:
                continue
            seen.add(id(node))
            items = node.items() if isinstance(node, dict) else enumerate(node)
            tensors = {}
            for key, child in items:
                nodes += 1
                if nodes > _MAX_NODES:
                    return
                if isinstance(child, TensorRecord) and isinstance(key, str | int):
                    tensors[str(key)] = child
                elif isinstance(child, dict | list | tuple) and isinstance(key, str | int):
                    deeper.append(((*path, str(key)), child))
            if any(tensor.shape for tensor in tensors.values()):
                yield _Candidate(path, tensors)
        level = deeper


def _shared_path(paths: list[tuple[str, ...]]) -> int:
    """How many parts all paths begin with."""
    count = 0
    while all(len(path) > count and path[count] == paths[0][count] for path in paths):
        count += 1
    return count


def _ignored(
    value: Any, paths: set[tuple[str, ...]], used: set[int], above: tuple[str, ...] = ()
) -> Iterator[IgnoredEntry]:
    """The entries beside the weights, on the way to them."""
    if not isinstance(value, dict):
        return
    for count, (key, child) in enumerate(value.items()):
        if count > 10 * _MAX_ENTRIES:
            return
        path = (*above, str(key) if isinstance(key, str | int) else "…")
        if path in paths:
            if len(path) < _MAX_DEPTH:
                yield from _ignored(child, paths, used, path)
        elif id(child) not in used:
            yield IgnoredEntry(".".join(path)[:200], _reason(path[-1], child))


def _reason(key: str, value: Any) -> str:
    """Why an entry is not used: what it is."""
    if isinstance(value, TensorRecord):
        return N_("a tensor of the shape {shape} beside the weights").format(shape=value.shape)
    if isinstance(value, UnknownObject):
        return N_("an object of {kind}; it was not made, and nothing of it was run").format(
            kind=value.of
        )
    if isinstance(value, PickledName):
        return N_("the name of {name}; it was not looked up").format(name=value)
    if isinstance(value, bool | int | float | type(None)):
        return (
            N_("{number}, not a weight").format(number=value)
            if abs(value or 0) < 1e15
            else N_("a number, not a weight")
        )
    if isinstance(value, str):
        return N_("a text, {text!r}").format(text=visible(value[:60]))
    if _TRAINING.search(key):
        return N_("a state of the training, not of the net")
    if isinstance(value, dict | list | tuple | set):
        return N_("{count:,} entries, not weights").format(count=len(value))
    return N_("not weights of the net")


def module_tensors(value: Any) -> dict[str, TensorRecord]:
    """The weights by name of a whole module that was saved as an object, or of a TorchScript."""
    found: dict[str, TensorRecord] = {}
    level: list[tuple[str, Any]] = [("", value)]
    seen: set[int] = set()
    for _ in range(4 * _MAX_DEPTH):
        deeper: list[tuple[str, Any]] = []
        for prefix, node in level:
            state = node.state if isinstance(node, UnknownObject) else None
            if not isinstance(state, dict) or id(node) in seen or len(seen) > _MAX_MODULES:
                continue
            seen.add(id(node))
            parts = [state.get(part) for part in ("_parameters", "_buffers", "_modules")]
            for entries in [part for part in parts if isinstance(part, dict)] or [state]:
                for name, child in entries.items():
                    if isinstance(child, TensorRecord):
                        found[f"{prefix}{name}"] = child
                    elif isinstance(child, UnknownObject):
                        deeper.append((f"{prefix}{name}.", child))
        level = deeper
    return found


def is_quantized(value: Any) -> bool:
    """Whether a state dict of a net of ``torch.quantization`` is in it."""
    level = [value]
    for _ in range(3):
        level = [node for node in level if isinstance(node, dict)][:_MAX_MODULES]
        names = (key for node in level for key in node if isinstance(key, str))
        if any(word in name for name in names for word in _QUANTIZED):
            return True
        level = [child for node in level for child in node.values()]
    return False
