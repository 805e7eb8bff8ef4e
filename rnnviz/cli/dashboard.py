"""``rnnviz train`` on a terminal: the training in a process of its own, the dashboard here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rnnviz.cli import options as cli_options
from rnnviz.cli.narration import say
from rnnviz.errors import InterruptedTraining, RnnvizError

if TYPE_CHECKING:
    from rnnviz.progress import TrainingFailed, TrainingFinished
    from rnnviz.runs import Options, Run


def watched(
    recipe: str | None,
    options: Options,
    lang: str,
    theme: str,
    colour: bool,
    *,
    data: str | None,
    out: Path | None,
    resume: str | None,
    time_budget: float | None,
    device: str,
) -> Run:
    """Train with the dashboard; the run it came to.

    RnnvizError, with its exit code, as the training raised it in its own process.
    """
    from rnnviz.background import Background
    from rnnviz.progress import TrainingFailed
    from rnnviz.runs import Run
    from rnnviz.tracer import tracer
    from rnnviz.training.directory import how_to_resume
    from rnnviz.tui.dashboard.app import TrainApp

    source = Background(
        recipe or "",
        options,
        data=data,
        out=out,
        resume=resume,
        time_budget=time_budget,
        device=device,
    )
    with source:
        app = TrainApp(
            source, tracer(), recipe or str(resume), lang=lang, theme=theme, colour=colour,
            ascii_only=not cli_options.unicode(),
        )  # fmt: skip
        end = app.run()
        if app.signal is not None:
            end = source.stopped()
    if app.signal is not None:
        raise _interrupted(end, app.signal)
    if end is None:
        raise RnnvizError(
            "The dashboard broke. Train without it: rnnviz train --plain"
        ) from app.fault
    if isinstance(end, TrainingFailed):
        raise _error(end)
    run = Path(end.path)
    if not end.done:
        say(f"The time is used up. Go on with: {how_to_resume(run)}")
    return Run(run)


def _interrupted(end: TrainingFinished | TrainingFailed | None, number: int) -> RnnvizError:
    """What a signal has ended, with the way to go on."""
    from rnnviz.progress import TrainingFailed, TrainingFinished

    said = end.message if isinstance(end, TrainingFailed) else "Interrupted."
    if isinstance(end, TrainingFinished):
        said = f"Interrupted; the run is {end.path}."
    return InterruptedTraining(said, 128 + number)


def _error(end: TrainingFailed) -> RnnvizError:
    if end.detail and "--debug" in sys.argv:
        say(end.detail)
    error = RnnvizError(end.message)
    error.exit_code = end.exit_code
    return error
