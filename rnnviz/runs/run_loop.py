"""A run from its current state to its end: trained, saved and tested; or measured."""

from __future__ import annotations

import signal
import time
from collections.abc import Generator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from rnnviz.arrays import Values
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import shapes
from rnnviz.engine.spec import FitSpec
from rnnviz.errors import InterruptedTraining
from rnnviz.lookup import snapshot_files
from rnnviz.messages import _
from rnnviz.model_files import read_weights
from rnnviz.progress import Epoch, Event, RunFinished, RunStarted, TrainingStep, net_writes
from rnnviz.recipes import Recipe, Task
from rnnviz.runs.control import Control
from rnnviz.runs.directory import Directory, resume_command
from rnnviz.runs.own_sentence import SentenceReader
from rnnviz.runs.result import new_result
from rnnviz.runs.run import Run
from rnnviz.runs.snapshot_writer import SnapshotWriter
from rnnviz.training.fit import evaluation, fit, is_done
from rnnviz.training.state import State
from rnnviz.training.stopping import stop_signal

#: Seconds of training between two readings of the run's sentence.
READ_EVERY = 1.0
#: Seconds between two saves in the middle of an epoch.
SAVE_EVERY = 20.0


def train_to_end(
    directory: Directory, task: Task, model: Model, spec: FitSpec, state: State,
    record: Mapping[str, Any], control: Control, reader: SentenceReader | None = None,
) -> Run:  # fmt: skip
    """Train and test, or until stopped or out of time; the state is saved in every case.

    InterruptedTraining on a signal or if ``control.stop`` asks for it.
    """
    path = directory.path
    control.watch(run_started(path, record, spec.epochs))
    snapshots = SnapshotWriter(directory, model.spec, spec, state, record.get("snapshots"))
    readings = _Readings(reader, state, control)
    params = snapshots.write() if snapshots.is_due(state.progress.step) else None
    readings.send(params)
    try:
        with (
            stop_signal() as received,
            closing(_events(directory, task, model, spec, state, record, snapshots)) as events,
        ):
            saved_at = time.monotonic()
            for event in events:
                if isinstance(event, Epoch):
                    directory.add(event, state, save_best=event.best or spec.keep == "last")
                    saved_at = time.monotonic()
                    readings.send(epoch=event)
                elif isinstance(event, TrainingStep):
                    if snapshots.is_due(state.progress.step):
                        readings.send(snapshots.write())
                    readings.send_if_due()
                control.watch(event)
                if control.snapshot():
                    directory.snapshot(state.copy_eval_params())
                if task.test is None and is_done(state.progress, spec):
                    continue  # nothing is left that could be stopped
                if isinstance(event, RunFinished):
                    break
                if (number := received()) or control.stop():
                    directory.save(state)
                    raise InterruptedTraining(
                        _(
                            "Interrupted ({position}); saved in {path}.\nTo resume: {command}"
                        ).format(
                            position=_position(state, spec), path=path, command=resume_command(path)
                        ),
                        128 + (number or signal.SIGINT),
                    )
                if control.budget.used_up():
                    directory.save(state)
                    control.note(
                        _(
                            "The time is used up ({position}); saved in {path}.\n"
                            "To resume: {command}"
                        ).format(
                            position=_position(state, spec), path=path, command=resume_command(path)
                        )
                    )
                    break
                if time.monotonic() - saved_at >= SAVE_EVERY:
                    directory.save(state)
                    saved_at = time.monotonic()
    except KeyboardInterrupt:
        raise InterruptedTraining(
            _(
                "Interrupted at once; what was saved last is in {path}.\nTo resume: {command}"
            ).format(path=path, command=resume_command(path))
        ) from None
    return Run(path)


class _Readings:
    """Sends readings of the run's sentence."""

    def __init__(self, reader: SentenceReader | None, state: State, control: Control) -> None:
        self.reader, self.state, self.control = reader, state, control
        self._sent_at = 0.0  # seconds of training

    def send(self, params: Values | None = None, epoch: Epoch | None = None) -> None:
        """Send one; ``params`` are the weights if they were copied, ``epoch`` has just ended."""
        state, self._sent_at = self.state, self._seconds
        if self.reader is not None:
            if params is None:
                params = state.eval_params if state.backend.on_host else state.copy_eval_params()
            self.control.watch(self.reader.read(params, state.progress, epoch))

    def send_if_due(self) -> None:
        """Send one about once a second of training; a GPU is not waited for."""
        if self.state.backend.on_host and self._seconds - self._sent_at >= READ_EVERY:
            self.send()

    @property
    def _seconds(self) -> float:
        return self.state.progress.seconds + self.state.progress.epoch_seconds


def _position(state: State, spec: FitSpec) -> str:
    progress = state.progress
    position = _("all epochs are trained")
    if not is_done(progress, spec):
        position = _("at epoch {epoch} of {epochs}").format(
            epoch=progress.epoch, epochs=spec.epochs
        )
    return (
        _("{position}, {batch} batches into it").format(position=position, batch=progress.batch)
        if progress.batch
        else position
    )


def _events(
    directory: Directory, task: Task, model: Model, spec: FitSpec, state: State,
    record: Mapping[str, Any], snapshots: SnapshotWriter,
) -> Generator[Event, None, None]:  # fmt: skip
    """Train, test the weights in best.safetensors, and write the result."""
    test = None
    yield from fit(model, task.draw, task.valid, spec, state, snapshots.is_due)
    snapshots.write_last()
    if task.test is not None:
        weights = read_weights(directory.path / "best.safetensors", shapes(model.spec))
        test = yield from evaluation(
            Model(model.spec, weights, model.backend), task.test, of="test"
        )
    progress = state.progress
    number = state.finished if spec.keep == "last" else progress.best_epoch
    valid = Run(directory.path).history()[number - 1].valid
    directory.finish(
        new_result(
            record, state.finished, number, valid, test, progress.seconds,
            progress.snapshot_seconds, len(snapshot_files(directory.path)),
        )
    )  # fmt: skip
    yield RunFinished(directory.path, test=test or {})


def measure(
    recipe: Recipe, task: Task, directory: Directory, record: Mapping[str, Any], control: Control
) -> Run:
    """Evaluate a rule, which has no net to train."""
    if recipe.baseline is None:
        raise ValueError(f"the recipe {recipe.name} has neither a model nor a baseline")
    control.watch(run_started(directory.path, record, epochs=1))
    start = time.monotonic()
    valid = dict(recipe.baseline(task.valid))
    test = None if task.test is None else dict(recipe.baseline(task.test))
    seconds = time.monotonic() - start
    # One line, so that it can be compared with trained runs.
    directory.append(Epoch(1, {}, valid, seconds))
    result = {**new_result(record, 1, 1, valid, test, seconds), "stopped_early": False}
    directory.finish(result)
    control.watch(RunFinished(directory.path, test=test or {}))
    return Run(directory.path)


def run_started(path: Path, record: Mapping[str, Any], epochs: int) -> RunStarted:
    """The first event of a run, from its spec.json and the epochs it already has."""
    metric, published = record["metric"], record.get("published") or {}
    return RunStarted(
        path=path,
        recipe=record["recipe"],
        net=_layers(record["config"]),
        data=record["trained_on"],
        example=record["example"],
        metric=metric["name"],
        better=metric["better"],
        epochs=epochs,
        published=published.get("value"),
        source=published.get("source", ""),
        scale=metric.get("scale"),
        unit=metric.get("unit", ""),
        keep=record.get("fit", {}).get("keep", "best"),
        history=tuple(Run(path).history()),
        labels=tuple(record.get("labels", ())),
        writes=net_writes(record["config"]),
    )


def _layers(config: Mapping[str, Any] | None) -> str:
    """The recurrent layers, bottom to top: "LSTM 32 + LSTM 32"."""
    return " + ".join(
        f"{'Bi' if layer['bidirectional'] else ''}{layer['cell'].upper()} {layer['units']}"
        for layer in (config or {}).get("layers", ())
    )
