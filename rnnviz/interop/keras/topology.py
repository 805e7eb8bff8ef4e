"""From the configuration of a model to the layers that are applied, in order.

Nested models are expanded into their layers, and a layer that is applied several times is listed
once for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from rnnviz.interop.keras.layer_config import LayerConfig, declared_shape
from rnnviz.messages import N_

#: The most layers that are applied.
MOST_CALLS: Final = 3_000
#: Classes of the calls before and after the layers of a model that TimeDistributed applies.
EACH_STEP, ALL_STEPS = N_("TimeDistributed: each step"), N_("TimeDistributed: all steps")


@dataclass(frozen=True)
class Endpoint:
    """Output ``index`` of an applied layer: 1 and 2 are the states of ``return_state``."""

    call: str
    index: int = 0


@dataclass(frozen=True, eq=False)
class Call:
    """A layer applied. ``path`` are the names of the models around it, and its own.

    ``shape`` is that of an input of the model, without the batch. ``states`` are the endpoints
    given as ``initial_state``.
    """

    name: str
    layer: LayerConfig
    path: tuple[str, ...]
    reads: tuple[Endpoint, ...] = ()
    states: tuple[Endpoint, ...] = ()
    shape: tuple[int | None, ...] | None = None
    arguments: Any = None


def expand(model: LayerConfig) -> tuple[tuple[Call, ...], tuple[Endpoint, ...]]:
    """The applied layers of a model in order, and its outputs; ValueError for a broken graph."""
    expansion = _Expansion()
    outputs = expansion.model(model, (), None)
    return tuple(expansion.calls), tuple(outputs)


def layers_of(model: LayerConfig) -> dict[tuple[str, ...], LayerConfig]:
    """The layers of a model and of those nested in it, by path; without the models themselves."""
    found: dict[tuple[str, ...], LayerConfig] = {}
    for layer in model.layers:
        if layer.is_model:
            found |= {(layer.name, *path): inner for path, inner in layers_of(layer).items()}
        else:
            found[(layer.name,)] = layer
    return found


class _Expansion:
    """Collects calls."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._names: set[str] = set()

    def model(
        self, model: LayerConfig, path: tuple[str, ...], feeds: Sequence[Endpoint] | None
    ) -> list[Endpoint]:
        """Expand a model that reads ``feeds``; None for the whole, which has inputs of its own."""
        if model.class_name == "Sequential" or all(x.inbound is None for x in model.layers):
            return self._sequential(model, path, feeds)
        return self._functional(model, path, feeds)

    def _sequential(
        self, model: LayerConfig, path: tuple[str, ...], feeds: Sequence[Endpoint] | None
    ) -> list[Endpoint]:
        at = list(feeds) if feeds is not None else []
        for layer in model.layers:
            if layer.class_name == "InputLayer":
                at = at or [self._input(layer, (*path, layer.name), layer.name)]
                continue
            if not at:
                at = [self._input(layer, (*path, f"{layer.name}_input"), f"{layer.name}_input")]
            at = self._apply(layer, path, at, (), None)
        return at

    def _functional(
        self, model: LayerConfig, path: tuple[str, ...], feeds: Sequence[Endpoint] | None
    ) -> list[Endpoint]:
        found: dict[tuple[str, int], list[Endpoint]] = {}
        inputs = _references(model.config.get("input_layers"))
        given = dict(zip([name for name, _, _ in inputs], feeds or (), strict=False))
        waiting = [(layer, k, node) for layer in model.layers for k, node in _nodes(layer)]
        while waiting:
            later = []
            for layer, k, node in waiting:
                if layer.class_name == "InputLayer":
                    own = given.get(layer.name)
                    if own is None:
                        own = self._input(layer, (*path, layer.name), layer.name)
                    found[layer.name, k] = [own]
                    continue
                reads, states = _read_node(node)
                if not all(_known(found, name, at) for name, at, _ in reads + states):
                    later.append((layer, k, node))
                    continue
                found[layer.name, k] = self._apply(
                    layer, path, [_endpoint(found, *ref) for ref in reads],
                    [_endpoint(found, *ref) for ref in states], node,
                )  # fmt: skip
            if len(later) == len(waiting):
                raise ValueError(
                    N_("the layer {name} reads one that is missing").format(
                        name=later[0][0].name[:60]
                    )
                )
            waiting = later
        ends = _references(model.config.get("output_layers"))
        return [_endpoint(found, *ref) for ref in ends if _known(found, ref[0], ref[1])]

    def _input(self, layer: LayerConfig, path: tuple[str, ...], name: str) -> Endpoint:
        own = LayerConfig(name, "InputLayer", layer.config)
        if layer.class_name == "Embedding":
            own = LayerConfig(name, "InputLayer", {"dtype": "int32"})
        self._add(Call(self._unique(name), own, path, shape=declared_shape(layer)))
        return Endpoint(self.calls[-1].name)

    def _apply(
        self, layer: LayerConfig, path: tuple[str, ...], reads: Sequence[Endpoint],
        states: Sequence[Endpoint], node: Any,
    ) -> list[Endpoint]:  # fmt: skip
        inner = (*path, layer.name)
        if layer.is_model:
            return self.model(layer, inner, reads)
        model = layer.inner() if layer.class_name == "TimeDistributed" else None
        if model is not None and model.is_model and len(reads) == 1:
            (feed,) = self._between(EACH_STEP, layer, inner, reads)
            ends = self.model(model, (*inner, model.name), [feed])
            return self._between(ALL_STEPS, layer, inner, ends)
        name = self._unique("/".join(inner))
        self._add(Call(name, layer, inner, tuple(reads), tuple(states), arguments=node))
        return [Endpoint(name)]

    def _between(
        self, kind: str, layer: LayerConfig, path: tuple[str, ...], reads: Sequence[Endpoint]
    ) -> list[Endpoint]:
        found = []
        for end in reads:
            name = self._unique("/".join((*path, kind)))
            self._add(Call(name, replace(layer, class_name=kind), path, (end,)))
            found.append(Endpoint(name))
        return found

    def _add(self, call: Call) -> None:
        if len(self.calls) >= MOST_CALLS:
            raise ValueError(N_("it applies more than {most:,} layers").format(most=MOST_CALLS))
        self.calls.append(call)

    def _unique(self, name: str) -> str:
        """The name, or with a number where a layer is applied once more."""
        unique, k = name, 1
        while unique in self._names:
            k += 1
            unique = f"{name}:{k}"
        self._names.add(unique)
        return unique


Reference = tuple[str, int, int]  # layer, its node, the node's output


def _known(found: dict[tuple[str, int], list[Endpoint]], name: str, node: int) -> bool:
    return (name, node) in found or (name, 0) in found


def _endpoint(
    found: dict[tuple[str, int], list[Endpoint]], name: str, node: int, index: int
) -> Endpoint:
    ends = found.get((name, node)) or found[name, 0]
    if len(ends) > 1:  # a model with several outputs
        return ends[min(index, len(ends) - 1)]
    return Endpoint(ends[0].call, ends[0].index or index)


def _nodes(layer: LayerConfig) -> list[tuple[int, Any]]:
    """The nodes of a layer, numbered; an input has one."""
    if layer.class_name == "InputLayer":
        return [(0, None)]
    inbound = layer.inbound if isinstance(layer.inbound, list) else []
    return list(enumerate(inbound))


def _read_node(node: Any) -> tuple[list[Reference], list[Reference]]:
    """What a node reads, and its initial states.

    Keras 1 and 2: a list of [layer, node, output, arguments], or one of these alone; Keras 3: an
    object with ``args`` and ``kwargs``.
    """
    if isinstance(node, dict):
        arguments = node.get("kwargs")
        named = dict(arguments) if isinstance(arguments, dict) else {}
        states = _references(named.pop("initial_state", None))
        named.pop("mask", None)
        return _references(node.get("args")) + _references(named), states
    reads = _references(node)
    states = []
    entries = [node] if isinstance(node, list) and node and isinstance(node[0], str) else node
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, list) and len(entry) > 3 and isinstance(entry[3], dict):
            states += _references(entry[3].get("initial_state"))
            others = {k: v for k, v in entry[3].items() if k not in ("initial_state", "mask")}
            reads += _references(others)
    return reads, states


def _references(value: Any) -> list[Reference]:
    """All references to outputs of layers in a value, in order."""
    if isinstance(value, dict):
        history = value.get("config")
        if value.get("class_name") == "__keras_tensor__" and isinstance(history, dict):
            return _references(history.get("keras_history"))
        return [ref for inner in value.values() for ref in _references(inner)]
    if not isinstance(value, list | tuple):
        return []
    if len(value) >= 3 and isinstance(value[0], str) and type(value[1]) is type(value[2]) is int:
        return [(value[0], value[1], value[2])]
    return [ref for inner in value for ref in _references(inner)]
