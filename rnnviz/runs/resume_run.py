"""A run that goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rnnviz.data.folders import resolve, sha256
from rnnviz.engine.device import described
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise, shapes
from rnnviz.engine.spec import FitSpec
from rnnviz.errors import InvalidFileError, UsageError
from rnnviz.files import read_json
from rnnviz.model_files import encoder_json
from rnnviz.model_files.places import find_run
from rnnviz.recipes import Task
from rnnviz.runs import setup
from rnnviz.runs.options import Watch, controlled
from rnnviz.runs.run import Run
from rnnviz.runs.run_loop import go_on, measure
from rnnviz.training.directory import Directory, alone, how_to_resume
from rnnviz.training.events import Note
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
    device: str = "auto",
) -> Run:
    """Go on with a run where it stopped, on the same data; ``epochs`` is a new number of them.

    ``run`` as in ``find_run``. UsageError if there is nothing left to do, InvalidFileError if the
    run is damaged or its data has changed. On the CPU an interrupted run comes to the same weights
    as one that was not: "auto" goes on with the loops it had, and a run that was computed on the
    CPU never goes to a card by itself.
    """
    control = controlled(time_budget, stop, snapshot, watch, device)
    setup.check_device(control)
    directory = Directory(find_run(run))
    path = directory.path
    with alone(path):
        record, begun = Run(path).record(), Run(path).settled()
        options, spec, fit = begun.options, begun.spec, begun.fit
        _check_unfinished(Run(path), fit, epochs)
        folder = resolve(data or record.get("folder"))
        _check_files(folder, record)
        kept = f"the run is as it was.\nGo on with: {how_to_resume(path)}"
        task = setup.prepared(begun.recipe, folder, options, control, kept)
        _check_same_data(path, record, task)
        if spec is None:
            directory.reopen(0)
            return measure(begun.recipe, task, directory, record, control)
        loops = setup.device(control, spec, fit, was=setup.device_of(record))
        params = initialise(spec, options.seed)
        state = directory.state(shapes(spec)) or State.fresh(params, fit)
        if epochs is not None:
            fit = _more_epochs(state, fit, epochs)
        directory.reopen(state.finished)
        if record["fit"].get("parts") == 2:
            control.watch(
                Note("The run computed each batch in two halves before, which this version does "
                     "not: from here on its numbers differ in their last digits.")
            )  # fmt: skip
        now = setup.moved({**record, "fit": asdict(fit)}, described(loops))
        if now != record:
            directory.change(now)
        return go_on(directory, task, Model(spec, params, loops), fit, state, now, control)


def _check_unfinished(run: Run, fit: FitSpec, epochs: int | None) -> None:
    result = run.result()
    if result is None or (epochs is not None and epochs > result["epochs"]):
        return
    raise UsageError(
        f"{run.path} is finished after {result['epochs']} epochs. "
        f"For more: {how_to_resume(run.path)} --epochs {2 * fit.epochs}"
    )


def _check_files(folder: Path, record: Mapping[str, Any]) -> None:
    """Before anything is made of them: what is not there the preparation tells better."""
    for name, digest in record["data"].items():
        path = folder / name
        if (path.is_file() or path.is_dir()) and sha256(path) != digest:
            raise _other_data(name, "is not the file")


def _check_same_data(path: Path, record: Mapping[str, Any], task: Task) -> None:
    before: Mapping[str, str] = record["data"]
    for name in sorted({*before, *task.files}):
        if before.get(name) != task.files.get(name):
            both = name in before and name in task.files
            raise _other_data(name, "is not the file" if both else "is not what")
    name, content = encoder_json(task.encoder)
    if read_json(path / name) != json.loads(json.dumps(content)):
        version = record["versions"].get("rnnviz", "another version")
        raise InvalidFileError(
            f"{path / name} is not what the recipe makes of this data now (begun with rnnviz "
            f"{version}, this is {VERSION}): the run cannot go on. "
            f"Train anew: rnnviz train {record['recipe']}"
        )


def _other_data(name: str, what: str) -> InvalidFileError:
    return InvalidFileError(
        f"The data file {name} {what} this run was trained on (its SHA-256 differs or it "
        "came or went).\nName the folder with the same data: --data DIR"
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
