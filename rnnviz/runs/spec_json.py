"""``spec.json``: written when a run begins, and checked field by field when read."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from rnnviz.cells import CELLS
from rnnviz.data.folders import SAMPLE
from rnnviz.data.series import Scaling
from rnnviz.engine.backend import HOST
from rnnviz.engine.optimizers import OPTIMIZERS
from rnnviz.engine.spec import EmbeddingSpec, FitSpec, ModelSpec
from rnnviz.errors import InvalidFileError
from rnnviz.messages import N_, _, translated
from rnnviz.recipes import Recipe, Task, is_sample
from rnnviz.runs.options import Options
from rnnviz.runs.setup import find_recipe, own_model
from rnnviz.runs.snapshot_files import DTYPES
from rnnviz.runs.snapshot_writer import MOST, snapshot_plan
from rnnviz.version import VERSION

# -- writing ------------------------------------------------------------------------------------


def new_record(
    recipe: Recipe, options: Options, task: Task, spec: ModelSpec | None, fit: FitSpec,
    folder: Path, device: str,
) -> dict[str, Any]:  # fmt: skip
    """``spec.json`` of a new run; ``spec`` is None for a rule that is measured."""
    sample = recipe.uses_sample(folder)
    changed = _changes(recipe, spec, task)
    title, trained_on = _titles(recipe, options, task, sample, changed)
    # The published number belongs to the recipe's own net only.
    published = None if changed else recipe.published
    return {
        "schema": "rnnviz.run/1",
        "recipe": recipe.name,
        "title": title,
        "trained_on": trained_on,
        "sample": sample,
        "example": _sentence(recipe, options, task),
        "config": None if spec is None else spec.to_json(),
        "labels": list(task.labels),
        "fit": asdict(fit),
        "options": asdict(options),
        "snapshots": snapshot_plan(spec, options.snapshots),
        "metric": _metric(spec, task),
        "published": None if published is None else asdict(published),
        "data": task.files,
        "preparation": task.preparation,
        "licence": task.licence,
        "seed": options.seed,
        "device": device,
        "versions": _versions(),
        "folder": SAMPLE if is_sample(folder) else str(folder.resolve()),
    }


def _sentence(recipe: Recipe, options: Options, task: Task) -> str:
    """The sentence that is read while training: the user's, one of the data, or the recipe's."""
    own = recipe.example if task.example is None else task.example
    return own if options.sentence is None else options.sentence


def _changes(recipe: Recipe, spec: ModelSpec | None, task: Task) -> list[str]:
    """How the net differs from the recipe's own, in words: "cell gru", "units 8"."""
    own = own_model(recipe, task)
    if spec is None or own is None:
        return []
    changes = []
    if len(spec.layers) != len(own.layers):
        changes.append(f"{len(spec.layers)} layers")
    changes += [
        f"{name.replace('_', ' ')} {getattr(spec.layers[0], name)}"
        for name in ("cell", "units", "dropout", "recurrent_dropout")
        if any(
            getattr(a, name) != getattr(b, name)
            for a, b in zip(own.layers, spec.layers, strict=False)
        )
    ]
    directions = [tuple(layer.bidirectional for layer in net.layers) for net in (own, spec)]
    if directions[0][: len(directions[1])] != directions[1][: len(directions[0])]:
        changes.append("bidirectional" if all(directions[1]) else "one direction")
    if isinstance(spec.source, EmbeddingSpec) and isinstance(own.source, EmbeddingSpec):
        if spec.source.width != own.source.width:
            changes.append(f"embedding {spec.source.width}")
        if spec.source.mask_zero != own.source.mask_zero:
            changes.append("mask" if spec.source.mask_zero else "no mask")
    return changes


def _titles(
    recipe: Recipe, options: Options, task: Task, sample: bool, changed: Sequence[str]
) -> tuple[str, str]:
    """The title and the data, naming every change of the net, the sample and the variant."""
    title, trained_on = recipe.title, task.trained_on
    if changed:
        title += f" with {', '.join(changed)}"
    if sample:
        title += ", on the sample"
        trained_on += "" if "sample" in trained_on else " sample"
    if options.variant is not None:
        title += f", variant {options.variant}"
        trained_on += f", {options.variant}"
    return title, trained_on


def _metric(spec: ModelSpec | None, task: Task) -> Mapping[str, Any]:
    """The main metric, which values are better, and what converts it to the series' unit."""
    regression = spec is None or spec.head.kind == "linear"
    name = "mae" if regression else "accuracy"
    metric: dict[str, Any] = {"name": name, "better": "low" if regression else "high"}
    if isinstance(task.encoder, Scaling):
        column = task.encoder.columns[task.encoder.target]
        unit = column.partition("(")[2].partition(")")[0]
        metric["scale"] = task.encoder.std[task.encoder.target]
        metric["unit"] = {"degC": "°C"}.get(unit, unit)
    return metric


def _versions() -> dict[str, str]:
    return {
        "rnnviz": VERSION,
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def device_of(record: Mapping[str, Any]) -> str:
    """The device a run was last computed on."""
    return str(record.get("device") or HOST.name)


def with_device(record: Mapping[str, Any], device: str) -> dict[str, Any]:
    """The record of a run that is resumed on that device.

    "device" is the one the run was last computed on, which "auto" stays with. "devices", in the
    record of a run that changed it, lists all of them in order, the first one included.
    """
    previous = device_of(record)
    if device == previous:
        return dict(record)
    return {**record, "device": device, "devices": [*record.get("devices", [previous]), device]}


# -- reading ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RunSetup:
    """Recipe, options, net and fit of a run, from its spec.json."""

    recipe: Recipe
    options: Options
    spec: ModelSpec | None  # None for a rule that is measured
    fit: FitSpec


class FieldRule(NamedTuple):
    """The values a field may have, and a message that says which, with its fields."""

    accepts: Callable[[Any], bool]
    expected: str
    values: Mapping[str, object] = MappingProxyType({})

    def description(self) -> str:
        """Which values the field may have, in the user's language."""
        values = {
            name: value.description() if isinstance(value, FieldRule) else value
            for name, value in self.values.items()
        }
        return translated(self.expected).format(**values)


def _whole(least: int, most: float = 10**9) -> FieldRule:
    return FieldRule(
        lambda v: type(v) is int and least <= v <= most,
        N_("a whole number of at least {least}"),
        {"least": least},
    )


def _among(*names: object) -> FieldRule:
    known = {(type(name), name) for name in names}
    listed = ", ".join(map(str, names))
    return FieldRule(
        lambda v: isinstance(v, str | int) and (type(v), v) in known,
        N_("one of {listed}"),
        {"listed": listed},
    )


def _or_null(wanted: FieldRule) -> FieldRule:
    return FieldRule(
        lambda v: v is None or wanted.accepts(v), N_("{wanted}, or null"), {"wanted": wanted}
    )


_NUMBER = FieldRule(lambda v: type(v) in (int, float) and -1e30 <= v <= 1e30, N_("a number"))
_POSITIVE = FieldRule(
    lambda v: type(v) in (int, float) and 0 <= v <= 1e30, N_("a number from 0 up")
)
_SHARE = FieldRule(
    lambda v: type(v) in (int, float) and 0 <= v < 1,
    N_("a number from 0 up to, not including, 1"),
)
_TEXT = FieldRule(lambda v: isinstance(v, str), N_("a text"))
_TEXTS = FieldRule(
    lambda v: isinstance(v, dict) and all(isinstance(text, str) for text in v.values()),
    N_("an object of texts"),
)
_SEED = _whole(0, float("inf"))

#: The fields that are read, by the object they are in ("": the record itself).
FIELDS: Mapping[str, Mapping[str, FieldRule]] = {
    "": {
        "recipe": _TEXT, "title": _TEXT, "trained_on": _TEXT, "example": _TEXT, "folder": _TEXT,
        "device": _TEXT, "data": _TEXTS, "versions": _TEXTS,
        "devices": FieldRule(
            lambda v: isinstance(v, list) and all(isinstance(name, str) for name in v),
            N_("a list of texts"),
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
        "rate": _or_null(_POSITIVE), "clip": _or_null(_POSITIVE), "patience": _or_null(_whole(1)),
        "layers": _or_null(_whole(1)), "bidirectional": _or_null(_among(True, False)),
        "embedding": _or_null(_whole(1)), "mask": _or_null(_among(True, False)),
        "sentence": _or_null(_TEXT), "snapshots": _or_null(_whole(0, MOST)),
        "table": FieldRule(lambda v: v is None or isinstance(v, dict), N_("an object, or null")),
        "processes": _or_null(_among(1, 2)),
    },
    "snapshots": {
        "count": _whole(0, MOST), "dtype": _among(*DTYPES), "asked": _whole(1, MOST),
    },
    "metric": {
        "name": _TEXT, "better": _among("high", "low"), "scale": _NUMBER, "unit": _TEXT,
    },
    "published": {
        "metric": _among("accuracy", "mae"), "value": _or_null(_NUMBER), "source": _TEXT,
        "of": _among("validation", "test"),
    },
}  # fmt: skip
#: Fields of earlier versions, which could compute a batch in two halves, in two processes.
_OBSOLETE = ("parts", "processes")
#: Fields that are required to resume or export a run.
_REQUIRED = {
    "": ("recipe", "title", "trained_on", "example", "data", "versions"),
    "fit": ("epochs",), "options": (), "metric": ("name", "better"),
    "published": ("metric", "value", "source", "of"),
}  # fmt: skip


def check_fields(path: Path, record: Mapping[str, Any]) -> None:
    """InvalidFileError that names the first field with a value it cannot have.

    Missing fields are accepted: runs of earlier versions lack some, and can still be listed.
    """
    for where, fields in FIELDS.items():
        part = record.get(where) if where else record
        if part is None:
            continue
        if not isinstance(part, dict):
            raise _damaged(path, _("{where}: expected an object").format(where=where))
        for name in part.keys() & fields.keys():
            if not fields[name].accepts(part[name]):
                value = repr(part[name])[:60]
                raise _damaged(
                    path,
                    _("{field}: expected {expected}, found {value}").format(
                        field=_name(where, name), expected=fields[name].description(), value=value
                    ),
                )


def parse_setup(path: Path, record: Mapping[str, Any]) -> RunSetup:
    """The setup in a record that passed ``check_fields``.

    InvalidFileError that names what is missing or contradictory, UsageError if the recipe no longer
    exists.
    """
    for where, names in _REQUIRED.items():
        part = record.get(where) if where else record
        if part is None and not (where == "published" and where in record):
            raise _damaged(path, _("{where} is missing").format(where=where))
        for name in names:
            if part is not None and name not in part:
                raise _damaged(path, _("{field} is missing").format(field=_name(where, name)))
    if "config" not in record:
        raise _damaged(path, _("config is missing"))
    try:
        config = record["config"]
        spec = None if config is None else ModelSpec.from_json(config)
        options, fit = (_without(record[of], _OBSOLETE) for of in ("options", "fit"))
        given = Options.from_json(options)
        recipe = find_recipe(record["recipe"], given)
        setup = RunSetup(recipe, given, spec, FitSpec(**fit))
    except (TypeError, ValueError) as error:
        raise _damaged(path, str(error)) from error
    _check_consistent(path, setup, record["metric"])
    return setup


def _without(record: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in names}


def _check_consistent(path: Path, setup: RunSetup, metric: Mapping[str, Any]) -> None:
    regression = setup.spec is None or setup.spec.head.kind == "linear"
    if metric["name"] != ("mae" if regression else "accuracy"):
        raise _damaged(
            path,
            _("metric.name: a net of this head has no {metric!r}").format(metric=metric["name"]),
        )
    if ("scale" in metric) != ("unit" in metric) or ("scale" in metric and not regression):
        raise _damaged(path, _("metric.scale: it belongs to the unit of a series"))
    if setup.spec is not None and regression and setup.fit.monitor == "accuracy":
        raise _damaged(path, _("fit.monitor: a net for numbers has no accuracy"))
    if setup.spec is None and setup.recipe.baseline is None:
        raise _damaged(
            path, _("config: {recipe} is no rule, so it has a net").format(recipe=setup.recipe.name)
        )


def _name(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _damaged(path: Path, why: str) -> InvalidFileError:
    return InvalidFileError(_("{path} is damaged: {why}.").format(path=path, why=why))
