"""A recipe with a user's changes: its data, its net, and how it is trained."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from rnnviz.engine.parameters import shapes
from rnnviz.engine.spec import FitSpec, ModelSpec
from rnnviz.errors import UsageError, nearest
from rnnviz.recipes import Prepare, Recipe, Task
from rnnviz.runs.control import Control
from rnnviz.runs.options import Options


def prepare_function(recipe: Recipe, variant: str | None) -> Prepare:
    """What prepares the data of a recipe or of a variant of it; UsageError if it has no such."""
    if variant is None:
        return recipe.prepare
    if variant not in recipe.variants:
        known = ", ".join(recipe.variants)
        raise UsageError(
            f"{recipe.name} has no variant {variant!r}.{nearest(variant, recipe.variants)} "
            + (f"It has: {known}." if known else "It has none.")
        )
    return recipe.variants[variant]


def prepare_data(
    recipe: Recipe, folder: Path, options: Options, control: Control, remains: str
) -> Task:
    """Read and prepare the data; ``remains`` says what is left if it is stopped meanwhile."""

    def say(text: str) -> None:
        control.note(text)
        control.check_stopped(remains)

    prepare = prepare_function(recipe, options.variant)
    task = prepare(folder, options.limit, options.seed, say)
    control.check_stopped(remains)
    return task


def model_spec(recipe: Recipe, options: Options, task: Task) -> ModelSpec | None:
    """The net, None for a rule; UsageError if it cannot be built as asked for."""
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
        spec = ModelSpec.from_json(json.loads(json.dumps(replace(spec, layers=layers).to_json())))
        shapes(spec)
    except ValueError as error:
        raise UsageError(f"This net cannot be built: {error}.") from error
    return spec


def fit_spec(recipe: Recipe, options: Options, sample: bool) -> FitSpec:
    """How it is trained; on the sample with the recipe's values for the sample."""
    given = {"epochs": options.epochs, "batch_size": options.batch_size, "seed": options.seed}
    changes: dict[str, Any] = dict(recipe.sample) if sample else {}
    changes |= {key: value for key, value in given.items() if value is not None}
    return replace(recipe.fit, **changes)
