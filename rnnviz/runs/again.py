"""A run that goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rnnviz import recipes
from rnnviz.data.folders import resolve
from rnnviz.engine.model import Model, initialise, shapes
from rnnviz.engine.spec import FitSpec, ModelSpec
from rnnviz.errors import InvalidFileError, UsageError
from rnnviz.recipes import Recipe, Task
from rnnviz.runs import plan
from rnnviz.runs.course import go_on, measure
from rnnviz.runs.folder import Run, find_run
from rnnviz.runs.options import Options, Watch, controlled
from rnnviz.store import encoder_json
from rnnviz.training.directory import Directory, alone, how_to_resume
from rnnviz.training.fit import over
from rnnviz.training.state import State
from rnnviz.version import VERSION


def resume(
    run: str | Path,
    *,
    epochs: int | None = None,
    data: str | Path | None = None,
    time_budget: float | None = None,
    stop: Callable[[], bool] | None = None,
    snapshot: Callable[[], bool] | None = None,
    watch: Watch | None = None,
    processes: int = 2,
    device: str = "cpu",
) -> Run:
    """Go on with a run where it stopped, on the same data; ``epochs`` is a new number of them.

    ``run`` as in ``find_run``. UsageError if there is nothing left to do, InvalidFileError if the
    run is damaged or its data has changed. On the CPU an interrupted run comes to the same weights
    as one that was not, whether it had two processes or, now, has but one.
    """
    control = controlled(time_budget, stop, snapshot, watch, device)
    control = replace(control, processes=processes)
    plan.check_device(control)
    directory = Directory(find_run(run))
    path = directory.path
    with alone(path):
        record = Run(path).record()
        chosen, options, spec, fit = _read(path, record)
        _check_unfinished(Run(path), fit, epochs)
        kept = f"the run is as it was.\nGo on with: {how_to_resume(path)}"
        task = plan.prepared(chosen, resolve(data or record.get("folder")), options, control, kept)
        _check_same_data(path, record, task)
        if spec is None:
            directory.reopen(0)
            return measure(chosen, task, directory, record, control)
        loops = plan.device(replace(control, device=_device(control.device, record)), spec)
        params = initialise(spec, options.seed)
        state = directory.state(shapes(spec)) or State.fresh(params, fit)
        if epochs is not None:
            fit = _more_epochs(state, fit, epochs)
            record["fit"] = asdict(fit)
            directory.change(record)
        directory.reopen(state.finished)
        return go_on(directory, task, Model(spec, params, loops), fit, state, record, control)


def _read(
    path: Path, record: Mapping[str, Any]
) -> tuple[Recipe, Options, ModelSpec | None, FitSpec]:
    try:
        recipe = recipes.find(str(record["recipe"]))
        config = record["config"]
        spec = None if config is None else ModelSpec.from_json(config)
        return recipe, Options(**record["options"]), spec, FitSpec(**record["fit"])
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidFileError(f"{path / 'spec.json'} is damaged: {error}.") from error


def _device(asked: str, record: Mapping[str, Any]) -> str:
    """Unless something else is asked for a run goes on with what it began with, where that is."""
    began = str(record.get("device", "cpu"))
    return "cpu" if asked == "auto" and began == "cpu" else asked


def _check_unfinished(run: Run, fit: FitSpec, epochs: int | None) -> None:
    result = run.result()
    if result is None or (epochs is not None and epochs > int(result.get("epochs", 0))):
        return
    raise UsageError(
        f"{run.path} is finished after {result.get('epochs', 0)} epochs. "
        f"For more: {how_to_resume(run.path)} --epochs {2 * fit.epochs}"
    )


def _check_same_data(path: Path, record: Mapping[str, Any], task: Task) -> None:
    before: dict[str, str] = record.get("data") or {}
    for name in sorted({*before, *task.files}):
        if before.get(name) != task.files.get(name):
            what = "is not the file" if name in before and name in task.files else "is not what"
            raise InvalidFileError(
                f"The data file {name} {what} this run was trained on (its SHA-256 differs or it "
                "came or went).\nName the folder with the same data: --data DIR"
            )
    name, content = encoder_json(task.encoder)
    stored = path / name
    try:
        same = json.loads(stored.read_text(encoding="utf-8")) == json.loads(json.dumps(content))
    except (OSError, ValueError) as error:
        raise InvalidFileError(f"{stored} cannot be read: {error}.") from error
    if not same:
        version = dict(record.get("versions") or {}).get("rnnviz", "another version")
        raise InvalidFileError(
            f"{stored} is not what the recipe makes of this data now (begun with rnnviz {version}, "
            f"this is {VERSION}): the run cannot go on. Train anew: rnnviz train {record['recipe']}"
        )


def _more_epochs(state: State, fit: FitSpec, epochs: int) -> FitSpec:
    if epochs <= state.finished:
        raise UsageError(
            f"This run has {state.finished} epochs already; --epochs {epochs} asks for no more. "
            f"Try --epochs {state.finished + fit.epochs}"
        )
    if over(state.progress, fit):
        # Whoever asks for more after its patience ended gives it a new one.
        state.progress.since_best = 0
    return replace(fit, epochs=epochs)
