"""Resuming a run where it stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rnnviz.data.folders import require_folder, sha256
from rnnviz.engine.device import device_name
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise, shapes
from rnnviz.engine.spec import FitSpec
from rnnviz.errors import InvalidFileError, UsageError
from rnnviz.files import read_json
from rnnviz.lookup import find_run
from rnnviz.messages import _
from rnnviz.model_files import encoder_json
from rnnviz.recipes import Task
from rnnviz.runs.backend_choice import choose_backend
from rnnviz.runs.control import Watch, make_control
from rnnviz.runs.directory import Directory, resume_command
from rnnviz.runs.lock import exclusive_lock
from rnnviz.runs.own_sentence import sentence_reader
from rnnviz.runs.run import Run
from rnnviz.runs.run_loop import measure, train_to_end
from rnnviz.runs.setup import prepare_data
from rnnviz.runs.spec_json import device_of, with_device
from rnnviz.training.fit import is_done
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
    """Resume a run where it stopped, on the same data; ``epochs`` is a new number of them.

    ``run`` as in ``find_run``. UsageError if there is nothing left to do, InvalidFileError if the
    run is damaged or its data has changed. On the CPU an interrupted run reaches the same weights
    as an uninterrupted one: "auto" keeps the loops of a run that was computed on the CPU, and
    never moves it to a GPU.
    """
    control = make_control(time_budget, stop, snapshot, watch, device)
    directory = Directory(find_run(run))
    path = directory.path
    with exclusive_lock(path):
        record, setup = Run(path).record(), Run(path).setup()
        spec, fit = setup.spec, setup.fit
        _check_unfinished(Run(path), fit, epochs)
        folder = require_folder(data or record.get("folder"))
        _check_files(folder, record)
        remains = _("the run is as it was.\nTo resume: {command}").format(
            command=resume_command(path)
        )
        task = prepare_data(setup.recipe, folder, setup.options, control, remains)
        _check_same_data(path, record, task)
        if spec is None:
            directory.reopen(0, 0)
            return measure(setup.recipe, task, directory, record, control)
        previous = device_of(record)
        backend = choose_backend(control.requested, spec, fit, control.note, previous=previous)
        params = initialise(spec, setup.options.seed)
        state = directory.state(shapes(spec)) or State.fresh(params, fit)
        if epochs is not None:
            fit = _more_epochs(state, fit, epochs)
        if (record.get("snapshots") or {}).get("count"):
            directory.check_snapshots()
        directory.reopen(state.finished, state.progress.step)
        if record["fit"].get("parts") == 2:
            control.note(
                _(
                    "The run computed each batch in two halves before, which this version does "
                    "not: from here on its numbers differ in their last digits."
                )
            )
        resumed = with_device({**record, "fit": asdict(fit)}, device_name(backend))
        if resumed != record:
            directory.write_record(resumed)
        model = Model(spec, params, backend)
        reader = sentence_reader(spec, task, params, record["example"], setup.options.sentence)
        return train_to_end(directory, task, model, fit, state, resumed, control, reader)


def _check_unfinished(run: Run, fit: FitSpec, epochs: int | None) -> None:
    result = run.result()
    if result is None or (epochs is not None and epochs > result["epochs"]):
        return
    raise UsageError(
        _("{path} is finished after {epochs} epochs. For more: {command} --epochs {more}").format(
            path=run.path,
            epochs=result["epochs"],
            command=resume_command(run.path),
            more=2 * fit.epochs,
        )
    )


def _check_files(folder: Path, record: Mapping[str, Any]) -> None:
    """InvalidFileError if a data file has changed; a missing one is reported by the preparation."""
    for name, digest in record["data"].items():
        path = folder / name
        if (path.is_file() or path.is_dir()) and sha256(path) != digest:
            raise _changed_file(name)


def _check_same_data(path: Path, record: Mapping[str, Any], task: Task) -> None:
    previous: Mapping[str, str] = record["data"]
    for name in sorted({*previous, *task.files}):
        if previous.get(name) != task.files.get(name):
            in_both = name in previous and name in task.files
            raise _changed_file(name) if in_both else _other_data(name)
    name, content = encoder_json(task.encoder)
    if read_json(path / name) != json.loads(json.dumps(content)):
        version = record["versions"].get("rnnviz", _("another version"))
        raise InvalidFileError(
            _(
                "{file} is not what the recipe makes of this data now (begun with rnnviz "
                "{version}, this is {current}): the run cannot be resumed. "
                "Train anew: rnnviz train {recipe}"
            ).format(file=path / name, version=version, current=VERSION, recipe=record["recipe"])
        )


def _changed_file(name: str) -> InvalidFileError:
    return InvalidFileError(
        _(
            "The data file {name} is not the file this run was trained on (its SHA-256 differs or "
            "it came or went).\nName the folder with the same data: --data DIR"
        ).format(name=name)
    )


def _other_data(name: str) -> InvalidFileError:
    return InvalidFileError(
        _(
            "The data file {name} is not what this run was trained on (its SHA-256 differs or it "
            "came or went).\nName the folder with the same data: --data DIR"
        ).format(name=name)
    )


def _more_epochs(state: State, fit: FitSpec, epochs: int) -> FitSpec:
    if epochs <= state.finished:
        raise UsageError(
            _(
                "This run has {finished} epochs already; --epochs {epochs} asks for no more. "
                "Try --epochs {more}"
            ).format(finished=state.finished, epochs=epochs, more=state.finished + fit.epochs)
        )
    if is_done(state.progress, fit):
        # It had stopped early: more epochs restart its patience.
        state.progress.since_best = 0
    return replace(fit, epochs=epochs)
