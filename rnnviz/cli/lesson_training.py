"""A training that a lesson asks for: in a process of its own, so that the screen stays quick."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rnnviz import signals
from rnnviz.cli.browser_limits import refuse
from rnnviz.errors import InterruptedTraining, RnnvizError, UsageError, nearest
from rnnviz.messages import _
from rnnviz.window import in_browser

if TYPE_CHECKING:
    from rnnviz.lessons.lesson import Lesson
    from rnnviz.progress import Event
    from rnnviz.runs import TrainingJob

#: Seconds between two looks at whether to stop.
TICK = 0.2


def prepare(lesson: Lesson) -> None:
    """Start what a process of its own needs, before an app takes the place of stderr.

    Python's resource tracker inherits stderr, and an app replaces it by one that is no file.
    """
    trains = any(change.train for step in lesson.steps for change in step.changes)
    if trains and not in_browser():
        from multiprocessing import resource_tracker

        with signals.deferred():
            resource_tracker.ensure_running()


def train(
    wanted: Mapping[str, object],
    watch: Callable[[Event], None],
    stop: Callable[[], bool],
    out: Path | None = None,
) -> str:
    """Train as a change of a lesson says; the path of the run, which is a model's name.

    ``out`` is its directory; None: a new one where runs are kept. RnnvizError if the training fails
    or is stopped.
    """
    refuse("train")
    from rnnviz.background import TrainingProcess
    from rnnviz.progress import RunFailed

    with TrainingProcess(replace(training_job(wanted), out=out)) as process:
        while process.end is None:
            if stop():
                process.stop_and_wait()
                raise InterruptedTraining(_("The training was stopped."), 130)
            if (event := process.receive(TICK)) is not None:
                watch(event)
        end = process.end
    if isinstance(end, RunFailed):
        raise RnnvizError(end.message)
    return str(end.path)


def training_job(wanted: Mapping[str, object]) -> TrainingJob:
    """The job of a change: a recipe, its data and seconds, and options of ``rnnviz train``.

    UsageError for any other name, and for a value of another type.
    """
    from rnnviz import runs

    numbers = {field.name: field.type for field in fields(runs.Options)}
    names = ("recipe", "data", "seconds", *numbers)
    given: dict[str, object] = {}
    for name, value in wanted.items():
        if name not in names:
            raise UsageError(
                _("train: there is no {name!r}.{close}").format(
                    name=name, close=nearest(name, names)
                )
            )
        text = name in ("recipe", "data", "cell", "variant", "sentence")
        whole = name not in ("seconds", "rate", "clip", "dropout", "recurrent_dropout")
        expected = str if text else int if whole else (int, float)
        if not isinstance(value, expected) or isinstance(value, bool):
            raise UsageError(
                (
                    _("train: {name} = {value!r} is not a text.")
                    if text
                    else _("train: {name} = {value!r} is not a number.")
                ).format(name=name, value=value)
            )
        given[name] = value
    recipe, data, seconds = (given.pop(name, None) for name in ("recipe", "data", "seconds"))
    options = runs.Options(**given)  # type: ignore[arg-type]
    budget = float(seconds) if isinstance(seconds, int | float) else None
    return runs.TrainingJob(
        str(recipe), options, str(data) if data else "sample", time_budget=budget
    )
