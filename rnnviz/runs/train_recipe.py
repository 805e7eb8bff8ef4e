"""A new run."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from rnnviz.data.folders import SAMPLE, is_requested, require_folder
from rnnviz.engine.backend import HOST, Backend
from rnnviz.engine.device import device_name
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise
from rnnviz.errors import MissingError, UsageError
from rnnviz.files import user_path
from rnnviz.lookup import is_run, runs_folder
from rnnviz.messages import _
from rnnviz.model_files import encoder_json
from rnnviz.recipes import Recipe, Task
from rnnviz.runs.backend_choice import choose_backend, is_small
from rnnviz.runs.control import Control, Watch, make_control
from rnnviz.runs.directory import Directory, resume_command
from rnnviz.runs.lock import exclusive_lock
from rnnviz.runs.options import Options
from rnnviz.runs.own_sentence import sentence_reader
from rnnviz.runs.run import Run
from rnnviz.runs.run_loop import measure, train_to_end
from rnnviz.runs.setup import (
    find_recipe,
    fit_spec,
    model_spec,
    prepare_data,
    prepare_function,
)
from rnnviz.runs.snapshot_writer import shortage
from rnnviz.runs.spec_json import new_record
from rnnviz.training.state import State


def train(
    recipe: str,
    options: Options,
    *,
    data: str | Path | None = None,
    out: str | Path | None = None,
    time_budget: float | None = None,
    stop: Callable[[], bool] | None = None,
    snapshot: Callable[[], bool] | None = None,
    watch: Watch | None = None,
    device: str = "cpu",
) -> Run:
    """Train a recipe into a new run directory.

    Without a data folder and without fetched data it is trained on the sample in the package, and
    a Note says so. UsageError for an unknown recipe or option, MissingError if its data is not in
    the folder that is named, InvalidFileError if it is damaged, InterruptedTraining if it was
    stopped (see Control); what was reached is then saved.
    """
    control = make_control(time_budget, stop, snapshot, watch, device)
    chosen = find_recipe(recipe, options)
    prepare_function(chosen, options.variant)  # an unknown variant is reported first
    directory = Directory(_new_path(chosen, out))
    folder, task = _prepare(chosen, options, data, control)
    spec = model_spec(chosen, options, task)
    fit = fit_spec(chosen, options, chosen.uses_sample(folder), task.fit)
    backend: Backend = HOST
    if spec is not None:
        small = control.requested is None and is_small(spec, fit, task)
        backend = choose_backend(control.requested, spec, fit, control.note, small=small)
    record = new_record(chosen, options, task, spec, fit, folder, device_name(backend))
    if chosen.published is not None and record["published"] is None:
        control.note(_("This net is not the published one: no published number stands beside it."))
    if text := shortage(record["snapshots"]):
        control.note(text)
    params, reader = {}, None
    if spec is not None:
        params = initialise(spec, options.seed)
        reader = sentence_reader(spec, task, params, record["example"], options.sentence)
    directory.make()
    with exclusive_lock(directory.path):
        # Another process may have trained here while the data was prepared.
        _check_empty(directory.path)
        directory.begin(record, *encoder_json(task.encoder))
        if spec is None:
            return measure(chosen, task, directory, record, control)
        state = State.fresh(params, fit)
        model = Model(spec, params, backend)
        return train_to_end(directory, task, model, fit, state, record, control, reader)


def _prepare(
    recipe: Recipe, options: Options, data: str | Path | None, control: Control
) -> tuple[Path, Task]:
    """The folder of the data and the prepared data; the sample if no other is named or found."""
    remains = _("nothing had been trained.")
    try:
        folder = recipe.data_folder(data)
        return folder, prepare_data(recipe, folder, options, control, remains)
    except MissingError:
        if is_requested(data):
            raise
    folder = require_folder(SAMPLE)
    control.note(
        _(
            "The data of {recipe} is not here, so it is trained on the small sample in the "
            "package.\nYour own: --data DIR. Where to get it: rnnviz data"
        ).format(recipe=recipe.name)
    )
    return folder, prepare_data(recipe, folder, options, control, remains)


def _new_path(recipe: Recipe, out: str | Path | None) -> Path:
    """Where the run goes; UsageError if something is there."""
    if out is None:
        name = re.sub(r"[^\w.-]+", "-", Path(recipe.name).stem).strip(".-")[:60] or "run"
        return runs_folder() / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    path = user_path(out)
    _check_empty(path)
    return path


def _check_empty(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise UsageError(_("{path} is a file. Name a new folder with --out.").format(path=path))
    if path.is_dir() and any(path.iterdir()):
        more = ""
        if (path / "spec.json").is_file():
            more = _("\nTo resume the run in it: {command}").format(command=resume_command(path))
        elif is_run(path):
            more = _(
                "\nThe run in it had not begun when it was stopped. Delete it to use the name."
            )
        raise UsageError(
            _("{path} is there already and not empty. Name a new folder with --out.{more}").format(
                path=path, more=more
            )
        )
