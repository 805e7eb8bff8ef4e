"""``--record`` and ``--cast``: what a session on the screen leaves in files."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rnnviz.cli import options, stderr
from rnnviz.cli.browser_limits import refuse
from rnnviz.errors import UsageError, system_reason
from rnnviz.files import require_distinct, require_replaceable
from rnnviz.messages import N_, _

if TYPE_CHECKING:
    from rnnviz.tui.step.app import RnnvizApp

F = TypeVar("F", bound=Callable[..., Any])


def record(f: F) -> F:
    """--record."""
    return click.option(
        "--record", type=options.output_file(), metavar="FILE",
        help=N_("Write what the screen shows to FILE while it runs; play it with rnnviz replay."),
    )(f)  # fmt: skip


def cast(f: F) -> F:
    """--cast."""
    return click.option(
        "--cast", type=options.output_file(), metavar="FILE.cast",
        help=N_("Write what the terminal is given to FILE, for the player of asciinema."),
    )(f)  # fmt: skip


def check(
    record: Path | None, cast: Path | None, inputs: Iterable[Path] = (), *, screen: bool
) -> None:
    """UsageError, before anything is computed, if a file cannot be written.

    ``screen``: the screen will be opened; without it there is nothing to record.
    """
    paths = {"--record": record, "--cast": cast}
    given = {option: path for option, path in paths.items() if path is not None}
    if given:
        refuse(" ".join(given))
    if given and not screen:
        raise UsageError(
            _(
                "{options} keeps what the screen shows: run it on a terminal, without an option "
                "that prints or draws."
            ).format(options=" ".join(given))
        )
    require_distinct(given, inputs)
    if record is not None:
        from rnnviz.events.recording import START

        require_replaceable(record, START)
    if cast is not None:
        from rnnviz.tui.terminal.cast import START as CAST_START

        require_replaceable(cast, CAST_START)


def run_app(
    app: RnnvizApp, record: Path | None, cast: Path | None, title: str, *, quiet: bool = False
) -> int:
    """Run an app in the terminal and write its files; the exit code.

    Unless ``quiet``, stderr has each file and the command that plays it.
    """
    from rnnviz.cli.step.app import run_app as run

    recorder = None
    with ExitStack() as closing:
        if record is not None:
            from rnnviz.events.recording import RecordingWriter
            from rnnviz.tui.replay.recorder import Recorder

            recorder = Recorder(app, RecordingWriter(record))
            closing.callback(recorder.close)
        if cast is not None:
            from rnnviz.tui.terminal.cast import CastWriter

            app.cast = CastWriter(cast, title)
            closing.callback(app.cast.close)
        code = run(app)
    if recorder is not None and not recorder.ended and not quiet:
        stderr.say(
            _("Recorded: {path}. Replay it: rnnviz replay {quoted}").format(
                path=record, quoted=shlex.quote(str(record))
            )
        )
    if app.cast is not None and app.cast.error is None and not quiet:
        stderr.say(
            _("Recorded: {path}. Replay it: asciinema play {quoted}").format(
                path=cast, quoted=shlex.quote(str(cast))
            )
        )
    if recorder is not None and recorder.ended:
        stderr.say(
            _("The recording ends early, {path} cannot be written: {reason}.").format(
                path=record, reason=recorder.ended
            )
        )
    if app.cast is not None and app.cast.error is not None:
        stderr.say(
            _("The cast ends early, {path} cannot be written: {reason}.").format(
                path=cast, reason=system_reason(app.cast.error)
            )
        )
    return code
