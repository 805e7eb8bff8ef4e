"""What is going to be trained: a recipe with a user's changes, and the record of both."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from rnnviz.cells import CELLS, variant
from rnnviz.data.series import Scaling
from rnnviz.engine.device import choose, compiling
from rnnviz.engine.loops import Loops
from rnnviz.engine.spec import FitSpec, ModelSpec
from rnnviz.errors import UsageError, nearest
from rnnviz.recipes import Prepare, Recipe, Task, is_sample
from rnnviz.runs.options import Control, Options
from rnnviz.training.events import Note
from rnnviz.training.halves import usual_parts
from rnnviz.version import VERSION


def preparation(recipe: Recipe, variant: str | None) -> Prepare:
    """What readies the data of a recipe, or of a variant of it; UsageError if it has none so."""
    if variant is None:
        return recipe.prepare
    if variant not in recipe.variants:
        known = ", ".join(recipe.variants)
        raise UsageError(
            f"{recipe.name} has no variant {variant!r}.{nearest(variant, recipe.variants)} "
            + (f"It has: {known}." if known else "It has none.")
        )
    return recipe.variants[variant]


def prepared(recipe: Recipe, folder: Path, options: Options, control: Control, kept: str) -> Task:
    """The data, ready; ``kept`` says what is left if it is to end here."""
    prepare = preparation(recipe, options.variant)
    task = prepare(folder, options.limit, options.seed, lambda text: control.say(text, kept))
    control.unless_stopped(kept)
    return task


def net(recipe: Recipe, options: Options, task: Task) -> ModelSpec | None:
    """The net, None for a rule; UsageError if it cannot be as asked for."""
    changes = {
        "cell": options.cell,
        "units": options.units,
        "dropout": options.dropout,
        "recurrent_dropout": options.recurrent_dropout,
    }
    given: dict[str, Any] = {key: value for key, value in changes.items() if value is not None}
    spec = None if recipe.model is None else recipe.model(task.size)
    if given and (spec is None or not spec.layers):
        flags = ", ".join("--" + key.replace("_", "-") for key in given)
        raise UsageError(f"{recipe.name} has no recurrent layer, so it cannot take {flags}.")
    if spec is None:
        return None
    layers = tuple(replace(layer, **given) for layer in spec.layers)
    try:
        return ModelSpec.from_json(json.loads(json.dumps(replace(spec, layers=layers).to_json())))
    except ValueError as error:
        raise UsageError(f"This net cannot be built: {error}.") from error


def fit_of(recipe: Recipe, options: Options, sample: bool) -> FitSpec:
    """How it is trained; on the sample as the recipe says for that."""
    given = {"epochs": options.epochs, "batch_size": options.batch_size, "seed": options.seed}
    changes: dict[str, Any] = dict(recipe.sample) if sample else {}
    changes |= {key: value for key, value in given.items() if value is not None}
    return replace(recipe.fit, **changes)


def device(control: Control, spec: ModelSpec) -> Loops:
    """Where the run is computed; a Note says what "auto" came to, and what a card cannot."""
    loops = choose(control.device, lambda text: control.watch(Note(text)))
    named: Any = CELLS  # modules are hashable, which their protocol cannot say
    cells = [variant(named[s.cell], s.activation, s.recurrent_activation) for s in spec.layers]
    if compiling(loops, cells):
        control.watch(Note("Compiling the loops, the first time only: some seconds."))
    return loops


def check_device(control: Control) -> None:
    """MissingError if what was asked for is not there, before any work is done."""
    if control.device != "auto":
        choose(control.device)


def in_parts(fit: FitSpec, spec: ModelSpec | None, options: Options) -> FitSpec:
    """The same, with the number of parts in which this net's batches are computed.

    Not that of processes: where there is one processor a run with two parts has the same numbers.
    """
    if spec is None:
        return fit
    return replace(fit, parts=options.processes or usual_parts(spec, fit.batch_size))


def record_of(
    recipe: Recipe, options: Options, task: Task, spec: ModelSpec | None, fit: FitSpec,
    folder: Path, device: str,
) -> dict[str, Any]:  # fmt: skip
    """``spec.json``: all that is settled when a run begins."""
    sample = is_sample(folder)
    title, trained_on = _names(recipe, options, task, sample)
    return {
        "schema": "rnnviz.run/1",
        "recipe": recipe.name,
        "title": title,
        "trained_on": trained_on,
        "sample": sample,
        "example": recipe.example,
        "config": None if spec is None else spec.to_json(),
        "labels": list(task.labels),
        "fit": asdict(fit),
        "options": asdict(options),
        "metric": _metric(spec, task),
        "published": None if recipe.published is None else asdict(recipe.published),
        "data": task.files,
        "preparation": task.preparation,
        "licence": task.licence,
        "seed": options.seed,
        "device": device,
        "versions": _versions(),
        "folder": "sample" if sample else str(folder.resolve()),
    }


def _names(recipe: Recipe, options: Options, task: Task, sample: bool) -> tuple[str, str]:
    """Title and data, told with every number: neither hides a sample or a variant."""
    title, trained_on = recipe.title, task.trained_on
    if sample:
        title += ", on the sample"
        trained_on += "" if "sample" in trained_on else " sample"
    if options.variant is not None:
        title += f", variant {options.variant}"
        trained_on += f", {options.variant}"
    return title, trained_on


def _metric(spec: ModelSpec | None, task: Task) -> Mapping[str, Any]:
    """Which number of the history counts, which way, and what gives it in the series' unit."""
    numbers = spec is None or spec.head.kind == "linear"
    name = "mae" if numbers else "accuracy"
    found: dict[str, Any] = {"name": name, "better": "low" if numbers else "high"}
    if isinstance(task.encoder, Scaling):
        column = task.encoder.columns[task.encoder.target]
        unit = column.partition("(")[2].partition(")")[0]
        found["scale"] = task.encoder.std[task.encoder.target]
        found["unit"] = {"degC": "°C"}.get(unit, unit)
    return found


def _versions() -> dict[str, str]:
    return {
        "rnnviz": VERSION,
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
