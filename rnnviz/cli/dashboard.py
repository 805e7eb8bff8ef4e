"""``rnnviz train`` on a terminal: the training in a separate process, the dashboard in this one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rnnviz.cli import options as cli_options
from rnnviz.cli.stderr import say
from rnnviz.errors import InterruptedTraining, RnnvizError
from rnnviz.messages import _
from rnnviz.progress import RunFailed, RunFinished

if TYPE_CHECKING:
    from rnnviz.runs import Run, TrainingJob
    from rnnviz.tui.keymap import Keymap


def train_with_dashboard(
    job: TrainingJob, *, lang: str, theme: str, colour: bool, keymap: Keymap
) -> Run:
    """Train with the dashboard on the screen.

    RnnvizError, with its exit code, as the training raised it in its own process.
    """
    from rnnviz.background import TrainingProcess
    from rnnviz.explore import explorer
    from rnnviz.runs import Run, resume_command
    from rnnviz.tui.dashboard.app import TrainApp

    name = job.recipe or str(job.resume)
    with TrainingProcess(job) as process:
        app = TrainApp(
            process, explorer(), name, lang=lang, theme=theme, colour=colour,
            ascii_only=not cli_options.unicode(), keymap=keymap,
        )  # fmt: skip
        end = app.run()
        if app.signal is not None:
            end = process.stop_and_wait()
    if app.signal is not None:
        raise _interrupted(end, app.signal)
    if end is None:
        raise RnnvizError(
            _("The dashboard broke. Train without it: rnnviz train --plain")
        ) from app.fault
    if isinstance(end, RunFailed):
        raise _error(end)
    if not end.complete:
        say(_("The time is used up. To resume: {command}").format(command=resume_command(end.path)))
    return Run(end.path)


def _interrupted(end: RunFinished | RunFailed | None, signal_number: int) -> RnnvizError:
    message = end.message if isinstance(end, RunFailed) else _("Interrupted.")
    if isinstance(end, RunFinished):
        message = _("Interrupted; the run is {path}.").format(path=end.path)
    return InterruptedTraining(message, 128 + signal_number)


def _error(end: RunFailed) -> RnnvizError:
    if end.detail and "--debug" in sys.argv:
        say(end.detail)
    error = RnnvizError(end.message)
    error.exit_code = end.exit_code
    return error
