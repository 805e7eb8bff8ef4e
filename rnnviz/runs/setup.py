"""What is going to be trained, and where: a recipe with a user's changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from rnnviz.engine.backend import HOST, Backend
from rnnviz.engine.device import choose, compiling, not_kept, without_card
from rnnviz.engine.model import Model, cell_of
from rnnviz.engine.optimizers import OPTIMIZERS
from rnnviz.engine.parameters import initialise, shapes
from rnnviz.engine.spec import EmbeddingSpec, FitSpec, ModelSpec
from rnnviz.errors import UsageError, nearest, one_line
from rnnviz.recipes import Prepare, Recipe, Task
from rnnviz.runs.options import Control, Options
from rnnviz.training.events import Note
from rnnviz.training.fit import learn

#: Multiply-adds of a forward pass over all tokens of all epochs for which the packed walk takes
#: some 20 s on an x86-64 core (sentiment-lstm on the sample: 2e10, 8 s). A cell compiles in 10 s.
SMALL = 5e10


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
        net = ModelSpec.from_json(json.loads(json.dumps(replace(spec, layers=layers).to_json())))
        shapes(net)
        return net
    except ValueError as error:
        raise UsageError(f"This net cannot be built: {error}.") from error


def fit_of(recipe: Recipe, options: Options, sample: bool) -> FitSpec:
    """How it is trained; on the sample as the recipe says for that."""
    given = {"epochs": options.epochs, "batch_size": options.batch_size, "seed": options.seed}
    changes: dict[str, Any] = dict(recipe.sample) if sample else {}
    changes |= {key: value for key, value in given.items() if value is not None}
    return replace(recipe.fit, **changes)


def device(
    control: Control, spec: ModelSpec, fit: FitSpec, was: str = "", *, small: bool = False
) -> Backend:
    """Where the run is computed; a Note says what "auto" came to, and what a card cannot.

    ``was`` is the device of a run that goes on. ``small``: see :func:`is_small`. Loops that cannot
    be compiled, for whatever reason, are not taken; a Note says so.
    """
    loops = _chosen(control.device, was, lambda text: control.watch(Note(text)), small)
    if loops is HOST or not loops.on_host:
        return loops
    if compiling(loops, [cell_of(layer) for layer in spec.layers]):
        how_often = "each time" if (reason := not_kept(loops)) else "the first time only"
        control.watch(Note(f"Compiling the loops, {how_often}: some seconds."))
        if reason:
            control.watch(Note(f"They cannot be kept: {reason}."))
    if fault := _compile_fault(loops, spec, fit):
        control.watch(Note(f"The loops cannot be compiled ({fault}): computing without them."))
        return HOST
    return loops


def is_small(spec: ModelSpec, fit: FitSpec, task: Task) -> bool:
    """Whether a training takes less than about twice the time that compiling its loops takes."""
    rng = np.random.default_rng(fit.seed)
    examples = task.draw(1, rng)
    batch = next(examples.batches(fit.batch_size, rng), None)
    recurrent = sum(prod(s) for name, s in shapes(spec).items() if name.startswith("layers."))
    tokens = 0 if batch is None else len(batch[0]) * len(examples) * fit.epochs
    return tokens * recurrent < SMALL


def _compile_fault(loops: Backend, spec: ModelSpec, fit: FitSpec) -> str:
    """Why one update of a net like this one cannot be compiled, in one line; "" if it can."""
    if isinstance(spec.source, EmbeddingSpec):
        spec = replace(spec, source=replace(spec.source, vocabulary=3))
        inputs = np.ones((2, 2), np.int64)
    else:
        inputs = np.zeros((2, 2, spec.source.width), np.float32)
    model = Model(spec, initialise(spec, 0), loops)
    batch = inputs, np.zeros(2, np.float32), np.ones(2, np.float32)
    once, optimizer = FitSpec(1, optimizer=fit.optimizer), OPTIMIZERS[fit.optimizer](fit.rate)
    try:
        learn(model, optimizer, batch, once, np.random.default_rng(0))
    except Exception as error:  # a compiler has as many reasons as there are machines
        return f"{type(error).__name__}: {one_line(error)}"[:200]
    return ""


def _chosen(asked: str, was: str, say: Callable[[str], None], small: bool) -> Backend:
    if asked != "auto" or not was.startswith(HOST.name):
        return choose(asked, say, small=small)
    if was == HOST.name:
        return HOST
    loops = without_card("the run was computed there before", say)
    if loops is HOST:
        say("It had compiled loops before, which are not to be had here: the numbers of a run that "
            "goes on without them differ in their last digits.")  # fmt: skip
    return loops


def device_of(record: Mapping[str, Any]) -> str:
    """The device a run was computed on last."""
    return str(record.get("device") or HOST.name)


def moved(record: Mapping[str, Any], device: str) -> dict[str, Any]:
    """The record of a run that goes on on that device.

    "device" is the one the run was computed on last, which is where "auto" goes on. "devices", in
    the record of a run that changed it, are all of them in their order, the first one included.
    """
    was = device_of(record)
    if device == was:
        return dict(record)
    return {**record, "device": device, "devices": [*record.get("devices", [was]), device]}


def check_device(control: Control) -> None:
    """MissingError if what was asked for is not there, before any work is done."""
    if control.device != "auto":
        choose(control.device)
