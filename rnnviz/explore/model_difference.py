"""Two models on the same text: their specs, their weights, and the first value that differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from rnnviz.arrays import Array
from rnnviz.cells import CELLS
from rnnviz.data.encoders import WordEncoder
from rnnviz.data.one_hot import OneHot
from rnnviz.data.series import Scaling
from rnnviz.data.vectors import Vectors
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.engine import losses
from rnnviz.engine.pass_results import Recording
from rnnviz.engine.spec import EmbeddingSpec, ModelSpec
from rnnviz.errors import UsageError
from rnnviz.messages import _
from rnnviz.model_files import StoredModel
from rnnviz.tracer.clamping import layer_name
from rnnviz.tracer.model_input import ModelInput, encode

SCHEMA = "rnnviz.model_comparison/1"

#: What two nets record, by layer and name, (T, ·).
RecordedValues = Mapping[tuple[str, str], Array]

#: Two functions that differ by a factor of their argument.
HARD_SIGMOIDS: Final = {"hard_sigmoid", "hard_sigmoid_sixth"}

#: Fields of a spec that matter in training only.
TRAINING = ("dropout", "recurrent_dropout")


@dataclass(frozen=True)
class SpecDifference:
    """A field of the specs that differs; None where one has no such field."""

    field: str  # layers[0].units
    a: Any
    b: Any


@dataclass(frozen=True)
class ValueDifference:
    """Two numbers of a recorded value, at the place where they differ most, or first."""

    layer: str
    name: str
    t: int
    unit: int
    a: float
    b: float

    @property
    def size(self) -> float:
        """|a - b|; infinite where only one is a number."""
        if np.isnan(self.a) and np.isnan(self.b):
            return 0.0
        size = abs(self.a - self.b)
        return float("inf") if np.isnan(size) else size


@dataclass(frozen=True)
class IncomparableValue:
    """A recorded value that two nets of equal states need not share, and why."""

    layer: str
    name: str
    reason: str


@dataclass(frozen=True)
class WeightDifference:
    """An array that differs: how many of its numbers, and where most."""

    name: str
    count: int
    size: int
    at: tuple[int, ...]
    a: float
    b: float


@dataclass(frozen=True)
class ModelDifference:
    """Two models compared.

    ``specs`` are the fields that differ, () for the same net. Of nets with the same layers and
    shapes ``weights`` are those that differ, ``largest`` the largest difference of every recorded
    name, and ``first`` the first one above the tolerance. ``outputs`` are those of the whole text;
    () where one cannot read it. ``unread`` says why, and ``ids`` the tokens that have other ids in
    the second vocabulary. ``incomparable`` are the values that are left out.
    """

    a: str
    b: str
    tolerance: float
    specs: tuple[SpecDifference, ...] = ()
    tokens: tuple[str, ...] = ()
    ids: tuple[SpecDifference, ...] = ()
    weights: tuple[WeightDifference, ...] = ()
    first: ValueDifference | None = None
    largest: tuple[ValueDifference, ...] = ()
    outputs: tuple[tuple[float, ...], ...] = ()
    unread: str = ""
    incomparable: tuple[IncomparableValue, ...] = ()

    @property
    def same_net(self) -> bool:
        """Whether they have the same architecture."""
        return not any(each.field.rpartition(".")[2] not in TRAINING for each in self.specs)

    @property
    def is_equal(self) -> bool:
        """Whether no recorded value differs by more than the tolerance."""
        return bool(self.largest) and self.first is None and not self.ids

    def to_json(self) -> dict[str, Any]:
        """The document of schema ``rnnviz.model_comparison/1``."""
        return {
            "schema": SCHEMA, "a": self.a, "b": self.b, "tolerance": self.tolerance,
            "same_net": self.same_net, "equal": self.is_equal,
            "specs": [vars(each) for each in self.specs],
            "tokens": list(self.tokens),
            "ids": [vars(each) for each in self.ids],
            "weights": [{**vars(each), "at": list(each.at)} for each in self.weights],
            "first": None if self.first is None else vars(self.first),
            "largest": [{**vars(each), "difference": each.size} for each in self.largest],
            "outputs": [list(each) for each in self.outputs],
            "unread": self.unread,
            "incomparable": [vars(each) for each in self.incomparable],
        }  # fmt: skip


def compare_models(
    a: StoredModel, b: StoredModel, text: str | None, tolerance: float,
    data: str | Path | None = None,
) -> ModelDifference:  # fmt: skip
    """Read a text, or the first model's example, with both.

    A model whose file does not say how texts become its inputs reads those of the other. UsageError
    if the first cannot read the text.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return _compared(a, b, text, tolerance, data)


def _compared(
    a: StoredModel, b: StoredModel, text: str | None, tolerance: float, data: str | Path | None
) -> ModelDifference:
    specs = tuple(_spec_differences(a.model.spec.to_json(), b.model.spec.to_json()))
    found = ModelDifference(a.name, b.name, tolerance, specs)
    shapes = [{n: p.shape for n, p in each.model.params.items()} for each in (a, b)]
    if shapes[0] == shapes[1]:
        found = replace(found, weights=tuple(_weight_differences(a, b)))
    readable, other = _with_encoders(a, b)
    said = readable.example if text is None else text
    one = encode(readable, said, data)
    found = replace(found, tokens=one.tokens)
    if reason := _other_inputs(a, b):
        return replace(found, unread=reason)
    try:
        two = one if _encodes_alike(readable, other) else encode(other, said, data)
        if len(two.inputs) != len(one.inputs):
            count = _("{model_b} reads {count_b} tokens of it, {model_a} {count_a}").format(
                model_b=b.name, count_b=len(two.tokens), model_a=a.name, count_a=len(one.tokens)
            )
            raise UsageError(count)
        recordings = [_recorded(m, each) for m, each in ((a, one), (b, two))]
    except UsageError as error:
        # The second line of a message is what to type for another command.
        return replace(found, unread=str(error).partition("\n")[0])
    outputs = tuple(_output(m, r) for m, r in zip((a, b), recordings, strict=True))
    found = replace(found, ids=tuple(_id_differences(one, two)), outputs=outputs)
    one_values, two_values = dict(_values(a, recordings[0])), dict(_values(b, recordings[1]))
    if not _are_comparable(one_values, two_values):
        return found
    incomparable = tuple(_incomparable(a.model.spec, b.model.spec))
    omitted = {(each.layer, each.name) for each in incomparable}
    both = [place for place in one_values if place in two_values and place not in omitted]
    largest = tuple(_largest(place, one_values[place], two_values[place]) for place in both)
    first = _first(a, {place: one_values[place] for place in both}, two_values, tolerance)
    return replace(found, first=first, largest=largest, incomparable=incomparable)


def _are_comparable(a: RecordedValues, b: RecordedValues) -> bool:
    """Whether two nets have the same layers, and values of the same shapes in them."""
    layers = [{layer for layer, _ in values} for values in (a, b)]
    return layers[0] == layers[1] and all(a[k].shape == b[k].shape for k in a if k in b)


def _with_encoders(a: StoredModel, b: StoredModel) -> tuple[StoredModel, StoredModel]:
    """Both, one that has no words or no scaling of its own with those of the other."""
    if _reads_as(b, a):
        return a, replace(b, encoder=a.encoder, record=a.record)
    if _reads_as(a, b):
        return replace(a, encoder=b.encoder, record=b.record), b
    return a, b


def _reads_as(a: StoredModel, b: StoredModel) -> bool:
    """Whether the first has only ids or numbers as its texts, and the second knows more."""
    if isinstance(a.encoder, WordEncoder) and not isinstance(a.encoder, Vocabulary):
        return isinstance(b.encoder, Vocabulary)
    width = a.model.spec.source.width
    return (
        isinstance(a.encoder, Vectors)
        and isinstance(b.encoder, OneHot | Scaling)
        and b.model.spec.source.width == width
    )


def _encodes_alike(a: StoredModel, b: StoredModel) -> bool:
    """Whether both read the same numbers of a text; ids depend on the padding of each net."""
    return a.encoder is b.encoder and not isinstance(a.encoder, WordEncoder)


def _other_inputs(a: StoredModel, b: StoredModel) -> str:
    """Why two nets cannot read the same inputs; "" if they may."""
    sources = [each.model.spec.source for each in (a, b)]
    forms = [
        _("ids of words")
        if isinstance(source, EmbeddingSpec)
        else _("{width} numbers a step").format(width=source.width)
        for source in sources
    ]
    if forms[0] != forms[1]:
        return f"{a.name} reads {forms[0]}, {b.name} {forms[1]}"
    return ""


def _recorded(stored: StoredModel, model_input: ModelInput) -> Recording:
    source = stored.model.spec.source
    inputs = model_input.inputs
    rows = getattr(source, "vocabulary", None)
    if rows is not None and inputs.max(initial=0) >= rows:
        raise UsageError(
            _("{model} has {rows:,} words, the text the id {highest}").format(
                model=stored.name, rows=rows, highest=inputs.max()
            )
        )
    return stored.model.record(inputs, initial=model_input.initial)


def _output(stored: StoredModel, recording: Recording) -> tuple[float, ...]:
    """The probabilities or numbers after the whole text."""
    logits = recording.logits.reshape(-1, recording.logits.shape[-1])[-1:]
    found = losses.outputs(stored.model.spec.head.kind, logits)
    return tuple(found[0].tolist())


# -- what differs -----------------------------------------------------------------------------


def _spec_differences(a: Any, b: Any, field: str = "") -> Iterator[SpecDifference]:
    """The leaves of two JSON values that differ."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for key in dict.fromkeys((*a, *b)):
            inner = f"{field}.{key}" if field else str(key)
            yield from _spec_differences(a.get(key), b.get(key), inner)
    elif isinstance(a, list | tuple) and isinstance(b, list | tuple):
        if len(a) != len(b):
            yield SpecDifference(f"{field}: number", len(a), len(b))
        for n, (one, other) in enumerate(zip(a, b, strict=False)):
            yield from _spec_differences(one, other, f"{field}[{n}]")
    elif a != b:
        yield SpecDifference(field, a, b)


def _incomparable(a: ModelSpec, b: ModelSpec) -> Iterator[IncomparableValue]:
    """Recorded values that differ where two nets compute the same states.

    Weights that were converted from one hard sigmoid to the other, or from a z that renews to one
    that keeps, give other pre-activations, and 1 - z for z.
    """
    for k, (one, other) in enumerate(zip(a.layers, b.layers, strict=True)):
        gates = [gate for gate in CELLS[one.cell].gates if gate not in ("", "g")]
        reasons: dict[str, str] = {}
        if {one.recurrent_activation, other.recurrent_activation} == HARD_SIGMOIDS:
            reasons |= dict.fromkeys(
                (f"a_{gate}" for gate in gates),
                _("the hard sigmoids of the nets differ by a factor"),
            )
        if one.keeps != other.keeps and "z" in gates:
            reasons |= dict.fromkeys(("a_z", "z"), _("z keeps in one net and renews in the other"))
        for direction in one.directions:
            for name, reason in reasons.items():
                yield IncomparableValue(layer_name(a, k, direction), name, reason)


def _id_differences(a: ModelInput, b: ModelInput) -> Iterator[SpecDifference]:
    for n, (one, other) in enumerate(zip(a.ids, b.ids, strict=True)):
        if one != other:
            yield SpecDifference(f"token {n}, {a.tokens[n]}", one, other)


def _weight_differences(a: StoredModel, b: StoredModel) -> Iterator[WeightDifference]:
    """The arrays that are not equal number by number."""
    for name, one in a.model.params.items():
        other = b.model.params[name]
        differs = ~((one == other) | (np.isnan(one) & np.isnan(other)))
        if not differs.any():
            continue
        size = np.where(differs, np.nan_to_num(np.abs(one - other), nan=np.inf), -1)
        at = tuple(int(n) for n in np.unravel_index(int(size.argmax()), size.shape))
        yield WeightDifference(
            name, int(differs.sum()), int(one.size), at, float(one[at]), float(other[at])
        )


def _values(stored: StoredModel, recording: Recording) -> Iterator[tuple[tuple[str, str], Array]]:
    """Every recorded value by layer and name, (T, ·), in the order in which it is computed."""
    spec = stored.model.spec
    for k, layer in enumerate(spec.layers):
        lines = [line.name for line in stored.model.cell(k).lines]
        for direction, scan in zip(layer.directions, recording.scans[k], strict=True):
            place = layer_name(spec, k, direction)
            yield (place, "x"), scan.x[:, 0]
            for name in lines:
                if name in scan.names:
                    yield (place, name), scan.stack(name)[:, 0]
    yield ("head", "logits"), recording.logits.reshape(-1, recording.logits.shape[-1])


def _largest(place: tuple[str, str], a: Array, b: Array) -> ValueDifference:
    size = np.nan_to_num(np.abs(a - b), nan=np.inf)
    size = np.where(np.isnan(a) & np.isnan(b), 0, size)
    t, unit = (int(n) for n in np.unravel_index(int(size.argmax()), size.shape))
    return ValueDifference(*place, t, unit, float(a[t, unit]), float(b[t, unit]))


def _first(
    stored: StoredModel, a: RecordedValues, b: RecordedValues, tolerance: float
) -> ValueDifference | None:
    """The first difference above the tolerance: of layers, steps as read, values as computed."""
    backward = _backward_layers(stored)
    for layer in dict.fromkeys(layer for layer, _name in a):
        names = [name for place, name in a if place == layer and (place, name) in b]
        steps = range(len(a[layer, names[0]]))
        for t in reversed(steps) if layer in backward else steps:
            for name in names:
                one, other = a[layer, name][t], b[layer, name][t]
                far = ~((np.abs(one - other) <= tolerance) | (np.isnan(one) & np.isnan(other)))
                if far.any():
                    unit = int(far.argmax())
                    found = float(one[unit]), float(other[unit])
                    return ValueDifference(layer, name, t, unit, *found)
    return None


def _backward_layers(stored: StoredModel) -> set[str]:
    spec = stored.model.spec
    return {
        layer_name(spec, k, "backward")
        for k, layer in enumerate(spec.layers)
        if "backward" in layer.directions
    }
