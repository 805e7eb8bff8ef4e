"""The course of a run from where it stands to its end: trained, saved, tested; or measured."""

from __future__ import annotations

import signal
import time
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from rnnviz.engine.model import Model
from rnnviz.engine.parameters import shapes
from rnnviz.engine.spec import FitSpec
from rnnviz.errors import InterruptedTraining
from rnnviz.model_files import read_weights
from rnnviz.recipes import Recipe, Task
from rnnviz.runs.options import Control
from rnnviz.runs.result import result_of
from rnnviz.runs.run import Run
from rnnviz.training.directory import Directory, how_to_resume
from rnnviz.training.events import Epoch, Event, Note, RunFinished, RunStarted
from rnnviz.training.fit import evaluation, fit, over
from rnnviz.training.state import State
from rnnviz.training.stopping import asked_to_stop

#: Seconds between two saves in the middle of an epoch.
SAVE_EVERY = 20.0


def go_on(
    directory: Directory, task: Task, model: Model, spec: FitSpec, state: State,
    record: Mapping[str, Any], control: Control,
) -> Run:  # fmt: skip
    """Train to the end, or until it is stopped or its time is used up; all of it is saved."""
    path = directory.path
    control.watch(RunStarted(path, record, spec.epochs, state.finished))
    try:
        with (
            asked_to_stop() as asked,
            closing(_events(directory, task, model, spec, state, record, control)) as events,
        ):
            saved = time.monotonic()
            for event in events:
                if isinstance(event, Epoch):
                    directory.add(event, state, event.best or spec.keep == "last")
                    saved = time.monotonic()
                control.watch(event)
                if control.snapshot():
                    directory.snapshot(state.copied())
                if task.test is None and over(state.progress, spec):
                    continue  # nothing is left that could be stopped
                if isinstance(event, RunFinished):
                    break
                if (number := asked()) or control.stop():
                    directory.save(state)
                    raise InterruptedTraining(
                        f"Interrupted {_where(state, spec, path)}", 128 + (number or signal.SIGINT)
                    )
                if control.budget.over():
                    directory.save(state)
                    control.watch(Note(f"The time is used up {_where(state, spec, path)}"))
                    break
                if time.monotonic() - saved >= SAVE_EVERY:
                    directory.save(state)
                    saved = time.monotonic()
    except KeyboardInterrupt:
        raise InterruptedTraining(
            f"Interrupted at once; what was saved before is kept in {path}.\n"
            f"Go on with: {how_to_resume(path)}"
        ) from None
    return Run(path)


def _where(state: State, spec: FitSpec, path: Path) -> str:
    at = state.progress
    done = "all epochs are trained" if over(at, spec) else f"at epoch {at.epoch} of {spec.epochs}"
    batch = f", {at.batch} batches into it" if at.batch else ""
    return f"({done}{batch}); saved in {path}.\nGo on with: {how_to_resume(path)}"


def _events(
    directory: Directory, task: Task, model: Model, spec: FitSpec, state: State,
    record: Mapping[str, Any], control: Control,
) -> Generator[Event, None, None]:  # fmt: skip
    """What training says, then the test of the weights that were kept, then the result."""
    test = None
    for event in fit(model, task.draw, task.valid, spec, state):
        yield _in_unit(event, record["metric"]) if isinstance(event, Epoch) else event
    if task.test is not None:
        kept = read_weights(directory.path / "best.safetensors", shapes(model.spec))
        test = yield from evaluation(Model(model.spec, kept, model.backend), task.test, of="test")
    at = state.progress
    number = state.finished if spec.keep == "last" else at.best_epoch
    valid = Run(directory.path).history()[number - 1]["valid"]
    result = result_of(record, state.finished, number, valid, test, at.seconds)
    directory.finish(result)
    yield RunFinished(directory.path, result)


def _in_unit(epoch: Epoch, metric: Mapping[str, Any]) -> Epoch:
    if "scale" not in metric:
        return epoch
    return replace(epoch, real=(epoch.valid["mae"] * metric["scale"], metric["unit"]))


def measure(
    recipe: Recipe, task: Task, directory: Directory, record: Mapping[str, Any], control: Control
) -> Run:
    """A rule instead of a net: there is nothing to train, only to measure."""
    if recipe.baseline is None:
        raise ValueError(f"the recipe {recipe.name} has neither a model nor a baseline")
    control.watch(RunStarted(directory.path, record, 1))
    start = time.monotonic()
    valid = dict(recipe.baseline(task.valid))
    test = None if task.test is None else dict(recipe.baseline(task.test))
    seconds = time.monotonic() - start
    # It has no epochs; its one line lets it stand beside the runs that have.
    directory.measured(Epoch(1, 1, {}, valid, seconds, {}).to_json())
    result = {**result_of(record, 1, 1, valid, test, seconds), "stopped_early": False}
    directory.finish(result)
    control.watch(RunFinished(directory.path, result))
    return Run(directory.path)
