"""A recipe with a user's changes: its data, its net, and how it is trained."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rnnviz import recipes
from rnnviz.data.user_tables.choice import TableChoice
from rnnviz.engine.parameters import shapes
from rnnviz.engine.spec import MOST_LAYERS, EmbeddingSpec, FitSpec, ModelSpec
from rnnviz.errors import UsageError, nearest
from rnnviz.messages import _
from rnnviz.recipes import Prepare, Recipe, Task
from rnnviz.recipes.user_series import series_recipe
from rnnviz.recipes.user_texts import text_recipe
from rnnviz.recipes.user_writing import writing_recipe
from rnnviz.runs.control import Control
from rnnviz.runs.options import Options


def find_recipe(name: str, options: Options) -> Recipe:
    """The recipe of that name, or that of the user's table; UsageError if there is none."""
    if options.table is None:
        return recipes.find(name)
    if options.table.write:
        return writing_recipe(options.table)
    if options.table.series is not None:
        return series_recipe(options.table)
    return text_recipe(options.table, options.mask is not False)


def of_table(path: Path, options: Options, given: Mapping[str, Any]) -> tuple[str, Options, Path]:
    """Recipe, options and folder of a training on the user's table ``path``.

    ``given``: fields of TableChoice. UsageError for one that it does not have or that cannot be.
    """
    text = given.get("text", ())
    fields = {**given, "text": [text] if isinstance(text, str) else list(text)}
    try:
        choice = TableChoice.from_json({"file": path.name, **fields})
    except ValueError as error:
        raise UsageError(f"{error}.") from error
    return path.name, replace(options, table=choice), path.parent


def table_lines(path: Path, options: Options) -> list[str]:
    """What is said about a table before it is trained on; raises as its preparation does."""
    lines: list[str] = []
    recipe = find_recipe(path.name, options)
    recipe.prepare(path.parent, options.limit, options.seed, lines.append)
    return lines


def prepare_function(recipe: Recipe, variant: str | None) -> Prepare:
    """What prepares the data of a recipe or of a variant of it; UsageError if it has no such."""
    if variant is None:
        return recipe.prepare
    if variant not in recipe.variants:
        known = ", ".join(recipe.variants)
        if not known:
            raise UsageError(
                _("{recipe} has no variant {variant!r}. It has none.").format(
                    recipe=recipe.name, variant=variant
                )
            )
        raise UsageError(
            _("{recipe} has no variant {variant!r}.{hint} It has: {known}.").format(
                recipe=recipe.name,
                variant=variant,
                hint=nearest(variant, recipe.variants),
                known=known,
            )
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


def own_model(recipe: Recipe, task: Task) -> ModelSpec | None:
    """The net of a recipe for its data, without a user's changes; None for a rule."""
    if recipe.model is None:
        return None
    spec = recipe.model(task.size)
    return spec if task.head is None else replace(spec, head=task.head)


def model_spec(recipe: Recipe, options: Options, task: Task) -> ModelSpec | None:
    """The net, None for a rule; UsageError if it cannot be built as asked for."""
    spec = own_model(recipe, task)
    check_changes(recipe, options, spec)
    if spec is None:
        return None
    spec = _changed(spec, options)
    try:
        spec = ModelSpec.from_json(json.loads(json.dumps(spec.to_json())))
        shapes(spec)
    except ValueError as error:
        raise UsageError(_("This net cannot be built: {reason}.").format(reason=error)) from error
    return spec


#: Options that change recurrent layers, those that change the reading of words, and those that
#: change the training, by their names in Options.
_OF_LAYERS = ("cell", "units", "dropout", "recurrent_dropout", "layers", "bidirectional")
_OF_WORDS = ("embedding", "mask", "sentence")
_OF_TRAINING = ("rate", "clip", "patience", "snapshots")


def check_changes(recipe: Recipe, options: Options, spec: ModelSpec | None) -> None:
    """UsageError for options that have no meaning for this net."""
    if spec is None or not spec.layers:
        _refuse(
            options, _OF_LAYERS, _("{recipe} has no recurrent layer").format(recipe=recipe.name)
        )
    if spec is None:
        _refuse(
            options,
            _OF_TRAINING,
            _("{recipe} is a rule that is measured, not trained").format(recipe=recipe.name),
        )
    if spec is not None and spec.head.reads == "steps" and options.bidirectional:
        why = _("{recipe} foresees each next token, which a layer that reads backwards has read")
        _refuse(options, ("bidirectional",), why.format(recipe=recipe.name))
    if spec is None or not isinstance(spec.source, EmbeddingSpec):
        _refuse(
            options, _OF_WORDS, _("{recipe} reads numbers and no words").format(recipe=recipe.name)
        )


def _refuse(options: Options, names: tuple[str, ...], why: str) -> None:
    flags = [_flag(name, getattr(options, name)) for name in names]
    if given := [flag for flag in flags if flag]:
        raise UsageError(
            _("{why}, so it cannot take {options}.").format(why=why, options=", ".join(given))
        )


def _flag(name: str, value: object) -> str:
    """The flag of an option that is given, else ""."""
    dashed = name.replace("_", "-")
    return "" if value is None else f"--no-{dashed}" if value is False else f"--{dashed}"


def _changed(spec: ModelSpec, options: Options) -> ModelSpec:
    """The net with a user's changes; further layers are as the last one."""
    names = ("cell", "units", "dropout", "recurrent_dropout", "bidirectional")
    given: dict[str, Any] = {
        name: getattr(options, name) for name in names if getattr(options, name) is not None
    }
    layers = tuple(replace(layer, **given) for layer in spec.layers)
    if options.layers is not None:
        if options.layers > MOST_LAYERS:
            raise UsageError(
                _("--layers {layers}: {most} are the most.").format(
                    layers=options.layers, most=MOST_LAYERS
                )
            )
        more = options.layers - len(layers)
        layers = (*layers[: options.layers], *[layers[-1]] * max(more, 0))
    source = spec.source
    if isinstance(source, EmbeddingSpec):
        source = replace(
            source,
            width=source.width if options.embedding is None else options.embedding,
            mask_zero=source.mask_zero if options.mask is None else options.mask,
        )
    return replace(spec, source=source, layers=layers)


def fit_spec(
    recipe: Recipe, options: Options, sample: bool, decided: Mapping[str, Any] | None = None
) -> FitSpec:
    """How it is trained; on the sample with the recipe's values for the sample.

    ``decided``: the values that depend on the data, ``Task.fit``.

    A rate that the user gives falls to the same share of it as the recipe's rate does. UsageError
    if the patience cannot end before the epochs do.
    """
    names = ("epochs", "batch_size", "seed", "rate", "clip", "patience")
    given = {name: getattr(options, name) for name in names}
    changes: dict[str, Any] = dict(recipe.sample) if sample else {}
    changes |= decided or {}
    changes |= {key: value for key, value in given.items() if value is not None}
    if options.rate is not None and recipe.fit.final_rate is not None:
        changes["final_rate"] = recipe.fit.final_rate * options.rate / recipe.fit.rate
    fit = replace(recipe.fit, **changes)
    if options.patience is not None and options.patience >= fit.epochs:
        raise UsageError(
            _(
                "--patience {patience} cannot end a training of {epochs} epochs: "
                "give a smaller one, or more --epochs."
            ).format(patience=options.patience, epochs=fit.epochs)
        )
    return fit
