"""``spec.json`` read back: nothing in it is believed before it is checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from rnnviz import recipes
from rnnviz.cells import CELLS
from rnnviz.engine.optimizers import OPTIMIZERS
from rnnviz.engine.spec import FitSpec, ModelSpec
from rnnviz.errors import InvalidFileError
from rnnviz.recipes import Recipe
from rnnviz.runs.options import Options


@dataclass(frozen=True)
class RunSetup:
    """What was settled when a run began."""

    recipe: Recipe
    options: Options
    spec: ModelSpec | None  # None for a rule that is measured
    fit: FitSpec


class FieldRule(NamedTuple):
    """What a field may be, and how that is said."""

    good: Callable[[Any], bool]
    said: str


def _whole(least: int, most: float = 10**9) -> FieldRule:
    return FieldRule(
        lambda v: type(v) is int and least <= v <= most, f"a whole number of at least {least}"
    )


def _among(*names: object) -> FieldRule:
    known = {(type(name), name) for name in names}
    said = ", ".join(map(str, names))
    return FieldRule(lambda v: isinstance(v, str | int) and (type(v), v) in known, f"one of {said}")


def _or_null(wanted: FieldRule) -> FieldRule:
    return FieldRule(lambda v: v is None or wanted.good(v), f"{wanted.said}, or null")


_NUMBER = FieldRule(lambda v: type(v) in (int, float) and -1e30 <= v <= 1e30, "a number")
_POSITIVE = FieldRule(lambda v: type(v) in (int, float) and 0 <= v <= 1e30, "a number from 0 up")
_SHARE = FieldRule(
    lambda v: type(v) in (int, float) and 0 <= v < 1, "a number from 0 up to, not including, 1"
)
_TEXT = FieldRule(lambda v: isinstance(v, str), "a text")
_TEXTS = FieldRule(
    lambda v: isinstance(v, dict) and all(isinstance(text, str) for text in v.values()),
    "an object of texts",
)
_SEED = _whole(0, float("inf"))

#: The fields that are read somewhere, in the objects of the record ("": in itself).
FIELDS: Mapping[str, Mapping[str, FieldRule]] = {
    "": {
        "recipe": _TEXT, "title": _TEXT, "trained_on": _TEXT, "example": _TEXT, "folder": _TEXT,
        "device": _TEXT, "data": _TEXTS, "versions": _TEXTS,
        "devices": FieldRule(
            lambda v: isinstance(v, list) and all(isinstance(name, str) for name in v),
            "a list of texts",
        ),
    },
    "fit": {
        "epochs": _whole(1), "batch_size": _whole(1), "optimizer": _among(*OPTIMIZERS),
        "rate": _POSITIVE, "final_rate": _or_null(_POSITIVE), "warmup": _whole(0),
        "clip": _or_null(_POSITIVE), "average": _or_null(_SHARE), "token_dropout": _SHARE,
        "seed": _SEED, "keep": _among("best", "last"), "monitor": _among("accuracy", "loss"),
        "patience": _or_null(_whole(1)), "parts": _among(1, 2),
    },
    "options": {
        "epochs": _or_null(_whole(1)), "batch_size": _or_null(_whole(1)),
        "units": _or_null(_whole(1)), "cell": _or_null(_among(*CELLS)),
        "dropout": _or_null(_SHARE), "recurrent_dropout": _or_null(_SHARE),
        "limit": _or_null(_whole(1)), "variant": _or_null(_TEXT), "seed": _SEED,
        "processes": _or_null(_among(1, 2)),
    },
    "metric": {
        "name": _TEXT, "better": _among("high", "low"), "scale": _NUMBER, "unit": _TEXT,
    },
    "published": {
        "metric": _among("accuracy", "mae"), "value": _or_null(_NUMBER), "source": _TEXT,
        "of": _among("validation", "test"),
    },
}  # fmt: skip
#: Fields of earlier runs, in which a batch could be computed in two halves, by two processes.
_FORMER = ("parts", "processes")
#: What an object has at least, where the run goes on or is exported.
_NEEDED = {
    "": ("recipe", "title", "trained_on", "example", "data", "versions"),
    "fit": ("epochs",), "options": (), "metric": ("name", "better"),
    "published": ("metric", "value", "source", "of"),
}  # fmt: skip


def checked(path: Path, record: Mapping[str, Any]) -> None:
    """InvalidFileError that names the field if one that is there cannot be what it says.

    A run of before may lack some: what lists runs does without.
    """
    for where, fields in FIELDS.items():
        found = record.get(where) if where else record
        if found is None:
            continue
        if not isinstance(found, dict):
            raise _damaged(path, f"{where}: expected an object")
        for name in found.keys() & fields.keys():
            if not fields[name].good(found[name]):
                shown = repr(found[name])[:60]
                raise _damaged(
                    path, f"{_name(where, name)}: expected {fields[name].said}, found {shown}"
                )


def settled(path: Path, record: Mapping[str, Any]) -> RunSetup:
    """What a record, ``checked`` before, says was settled; it must be all there.

    InvalidFileError that names what is missing or does not fit together, UsageError if there is no
    such recipe any more.
    """
    for where, names in _NEEDED.items():
        found = record.get(where) if where else record
        if found is None and not (where == "published" and where in record):
            raise _damaged(path, f"{where} is missing")
        for name in names:
            if found is not None and name not in found:
                raise _damaged(path, f"{_name(where, name)} is missing")
    if "config" not in record:
        raise _damaged(path, "config is missing")
    recipe = recipes.find(record["recipe"])
    try:
        config = record["config"]
        spec = None if config is None else ModelSpec.from_json(config)
        options, fit = (_without(record[of], _FORMER) for of in ("options", "fit"))
        found = RunSetup(recipe, Options(**options), spec, FitSpec(**fit))
    except (TypeError, ValueError) as error:
        raise _damaged(path, str(error)) from error
    _agree(path, found, record["metric"])
    return found


def _without(found: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name not in names}


def _agree(path: Path, found: RunSetup, metric: Mapping[str, Any]) -> None:
    numbers = found.spec is None or found.spec.head.kind == "linear"
    if metric["name"] != ("mae" if numbers else "accuracy"):
        raise _damaged(path, f"metric.name: a net of this head has no {metric['name']!r}")
    if ("scale" in metric) != ("unit" in metric) or ("scale" in metric and not numbers):
        raise _damaged(path, "metric.scale: it belongs to the unit of a series")
    if found.spec is not None and numbers and found.fit.monitor == "accuracy":
        raise _damaged(path, "fit.monitor: a net for numbers has no accuracy")
    if found.spec is None and found.recipe.baseline is None:
        raise _damaged(path, f"config: {found.recipe.name} is no rule, so it has a net")


def _name(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _damaged(path: Path, why: str) -> InvalidFileError:
    return InvalidFileError(f"{path} is damaged: {why}.")
