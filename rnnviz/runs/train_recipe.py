"""A new run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from rnnviz import recipes
from rnnviz.data.folders import SAMPLE, is_named, resolve
from rnnviz.engine.backend import HOST, Backend
from rnnviz.engine.device import described
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise
from rnnviz.errors import MissingError, UsageError
from rnnviz.files import user_path
from rnnviz.model_files import encoder_json
from rnnviz.model_files.places import is_run, runs_folder
from rnnviz.recipes import Recipe, Task, is_sample
from rnnviz.runs import setup
from rnnviz.runs.description import record_of
from rnnviz.runs.options import Control, Options, Watch, controlled
from rnnviz.runs.run import Run
from rnnviz.runs.run_loop import go_on, measure
from rnnviz.training.directory import Directory, alone, how_to_resume
from rnnviz.training.events import Note
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
    """Train a recipe into a run directory; the best (or, if it says so, the last) epoch is kept.

    Where no folder of data is named and none was fetched, the sample in the package is taken, and
    a Note says so. UsageError for an unknown recipe or option, MissingError if its data is not in
    the folder that is named, InvalidFileError if it is damaged, InterruptedTraining if it was
    stopped (see Control); what was reached is then saved.
    """
    control = controlled(time_budget, stop, snapshot, watch, device)
    setup.check_device(control)
    chosen = recipes.find(recipe)
    setup.preparation(chosen, options.variant)  # a wrong name is told before any other trouble
    directory = Directory(_place(chosen, out))
    folder, task = _data(chosen, options, data, control)
    spec = setup.net(chosen, options, task)
    fit = setup.fit_of(chosen, options, is_sample(folder))
    loops: Backend = HOST
    if spec is not None:
        loops = setup.device(control, spec, fit, small=setup.is_small(spec, fit, task))
    record = record_of(chosen, options, task, spec, fit, folder, described(loops))
    if chosen.published is not None and record["published"] is None:
        control.watch(
            Note("This net is not the published one: no published number stands beside it.")
        )
    directory.make()
    with alone(directory.path):
        # While the data was made ready another training may have begun here, and even ended.
        _check_free(directory.path)
        directory.begin(record, *encoder_json(task.encoder))
        if spec is None:
            return measure(chosen, task, directory, record, control)
        params = initialise(spec, options.seed)
        state = State.fresh(params, fit)
        return go_on(directory, task, Model(spec, params, loops), fit, state, record, control)


def _data(
    recipe: Recipe, options: Options, data: str | Path | None, control: Control
) -> tuple[Path, Task]:
    """The folder of the data, and the data made ready.

    Whoever names a folder means it. Where none is named and the data was not fetched the sample in
    the package is taken.
    """
    kept = "nothing had been trained."
    try:
        folder = resolve(data)
        return folder, setup.prepared(recipe, folder, options, control, kept)
    except MissingError:
        if is_named(data):
            raise
    folder = resolve(SAMPLE)
    control.watch(
        Note(
            f"The data of {recipe.name} is not here, so it is trained on the small sample in the "
            "package.\nYour own: --data DIR. Where to get it: rnnviz data"
        )
    )
    return folder, setup.prepared(recipe, folder, options, control, kept)


def _place(recipe: Recipe, out: str | Path | None) -> Path:
    """Where the run goes; UsageError if something is there."""
    if out is None:
        return runs_folder() / f"{recipe.name}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    path = user_path(out)
    _check_free(path)
    return path


def _check_free(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise UsageError(f"{path} is a file. Name a new folder with --out.")
    if path.is_dir() and any(path.iterdir()):
        more = ""
        if (path / "spec.json").is_file():
            more = f"\nTo go on with the run in it: {how_to_resume(path)}"
        elif is_run(path):
            more = "\nThe run in it had not begun when it was stopped. Delete it to use the name."
        raise UsageError(
            f"{path} is there already and not empty. Name a new folder with --out.{more}"
        )
