"""``rnnviz replay``: play back what ``--record`` has kept."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnnviz.cli import config_file, options, stderr, stdout
from rnnviz.cli.commands import LocalizedCommand
from rnnviz.errors import RnnvizError, UsageError, system_reason
from rnnviz.files import require_distinct
from rnnviz.messages import N_, _, language, set_language

if TYPE_CHECKING:
    from rnnviz.tui.replay.app import ReplayApp
    from rnnviz.tui.replay.reader import RecordedSession

HELP = N_("""Play back FILE, which --record FILE of rnnviz step or rnnviz lesson has written.

The screens are shown as they were, at their pace, also without the model. Space pauses, the arrow
keys go one event on or back, tab goes to the next page, question or sentence. F7 lets you steer
from there like a live session, and returns. Off a terminal, or with --plain, it prints what
happened, a line each.

\b
Examples:
  rnnviz replay class.jsonl
  rnnviz replay class.jsonl --at 1:30 --speed 2
  rnnviz replay class.jsonl --plain
  rnnviz replay class.jsonl --at '#12' --screenshot moment.svg
  rnnviz replay class.jsonl --cast class.cast     and: asciinema play class.cast

Exit codes: 0 ok, 2 usage, 4 the file is no recording or was changed.
""")
_CLOCK = re.compile(r"(?:(?:(\d{1,4}):)?(\d{1,4}):)?(\d{1,6}(?:\.\d{0,6})?)", re.ASCII)


@click.command("replay", cls=LocalizedCommand, help=HELP)
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--at", "at", metavar="TIME|#N",
              help=N_("Begin there: seconds, minutes:seconds, or the number of an event, #12."),
              )  # fmt: skip
@click.option("--speed", type=options.Positive(), default=1.0, metavar="X",
              help=N_("Play X times as fast."))  # fmt: skip
@click.option("--plain", is_flag=True, help=N_("Lines of text, no screen."))
@click.option("--json", "as_json", is_flag=True, help=N_("Print the events as one JSON document."))
@click.option("--screenshot", type=options.output_file(), metavar="FILE",
              help=N_("Write the screen at --at to FILE.svg, .png, .pdf or .txt and stop."),
              )  # fmt: skip
@click.option(
    "--cast",
    type=options.output_file(),
    metavar="FILE.cast",
    help=N_("Write it as a cast for the player of asciinema and stop; needs no terminal."),
)
@options.lang
@options.colour
@options.device
@options.debug
def command(
    file: Path, at: str | None, speed: float, plain: bool, as_json: bool, screenshot: Path | None,
    cast: Path | None, lang: str | None, color: str, device: str,
) -> int:  # fmt: skip
    """Play back, print or draw."""
    from rnnviz.tui.replay.reader import read

    _check_outputs(file, screenshot, cast)
    recording = read(file)
    n = 0 if at is None else moment_at(recording, at)
    if recording.cut and not as_json:
        stderr.say(
            _(
                "{path} ends within an event, as after a crash: the {count:,} moments before it "
                "are here."
            ).format(path=file, count=len(recording.moments))
        )
    if as_json:
        stdout.document(_document(recording, n))
        return 0
    colour = options.use_colour(color)  # the apps remove NO_COLOR
    if screenshot is not None or cast is not None:
        _draw(recording, n, speed, screenshot, cast, colour)
        return 0
    if plain or not options.stdout_is_terminal():
        for line in plain_lines(recording, n, options.language(lang)):
            stdout.lines(line)
        return 0
    return _play(recording, n, speed, colour, device)


def _check_outputs(file: Path, screenshot: Path | None, cast: Path | None) -> None:
    from rnnviz.cli.step.files import ENDINGS
    from rnnviz.picture_files import require_converter

    if screenshot is not None:
        what, endings = ENDINGS["--screenshot"]
        if screenshot.suffix.lower() not in endings:
            raise UsageError(
                _("{option} writes {what}; name a file that ends in {endings}: {path}").format(
                    option="--screenshot", what=what, endings=", ".join(endings), path=screenshot
                )
            )
        require_converter(screenshot)
    outputs = {"--screenshot": screenshot, "--cast": cast}
    require_distinct({k: v for k, v in outputs.items() if v is not None}, [file])


def moment_at(recording: RecordedSession, typed: str) -> int:
    """The index of the moment at a time, or of the number of an event; UsageError if neither."""
    count = len(recording.moments)
    if typed.startswith("#"):
        number = int(typed[1:]) if re.fullmatch(r"#\d{1,9}", typed, re.ASCII) else 0
        if not 1 <= number <= count:
            raise UsageError(
                _("--at {typed}: this recording has events #1 to #{count}.").format(
                    typed=typed[:40], count=count
                )
            )
        return number - 1
    match = _CLOCK.fullmatch(typed.strip())
    if match is None:
        raise UsageError(
            _("--at {typed}: expected seconds, minutes:seconds or #N, for example 1:30.").format(
                typed=repr(typed[:40])
            )
        )
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    wanted = 3600 * hours + 60 * minutes + seconds
    if wanted > math.ceil(recording.seconds):
        raise UsageError(
            _("--at {typed}: this recording ends after {seconds:.1f} seconds.").format(
                typed=typed[:40], seconds=recording.seconds
            )
        )
    return recording.at(wanted)


def plain_lines(recording: RecordedSession, first: int, lang: str) -> Iterator[str]:
    """What happened, a line for each moment that says something."""
    from rnnviz import i18n
    from rnnviz.tui.replay.timeline import clock
    from rnnviz.tui.replay.words import said

    yield i18n.text(
        "replay.plain_head", lang, started=recording.header["started"],
        seconds=round(recording.seconds), count=len(recording.moments),
        model=i18n.model_name(recording.header["model"], lang),
    )  # fmt: skip
    for n, moment in enumerate(recording.moments[first:], first + 1):
        text = "; ".join(said(moment, lang))
        if text:
            yield f"{clock(moment.seconds)} #{n} {text}"
    if recording.cut:
        yield i18n.text("replay.plain_cut", lang)


def _document(recording: RecordedSession, first: int) -> dict[str, Any]:
    """The header and the events, without traces and answers."""
    from rnnviz.events.records import record_of

    header = {key: value for key, value in recording.header.items() if key != "check"}
    return header | {
        "cut": recording.cut, "moments": len(recording.moments), "seconds": recording.seconds,
        "events": [
            record_of(event, moment.seconds) | {"moment": n}
            for n, moment in enumerate(recording.moments[first:], first)
            for event in moment.events
        ],
    }  # fmt: skip


def _app(recording: RecordedSession, n: int, colour: bool, **how: Any) -> ReplayApp:
    from rnnviz.tui.replay.app import ReplayApp

    explorer = how.pop("explorer", None) or _no_explorer
    return ReplayApp(
        recording, explorer, at=n, colour=colour, ascii_only=not options.unicode(),
        keymap=config_file.user_keymap(), **how,
    )  # fmt: skip


def _no_explorer(question: object) -> Any:
    raise UsageError(_("Nothing new can be asked here."))


def _draw(
    recording: RecordedSession, n: int, speed: float, screenshot: Path | None, cast: Path | None,
    colour: bool,
) -> None:  # fmt: skip
    from rnnviz.tui.replay import drawing
    from rnnviz.tui.terminal.cast import CastWriter

    spoken = language()  # the apps speak that of the recording
    if screenshot is not None:
        app = _app(recording, n, colour, play=False, bar=False)
        asyncio.run(drawing.screenshot(app, screenshot, recording.moments[n].size))
    if cast is not None:
        writer = CastWriter(cast, recording.path.name)
        app = _app(recording, n, colour, play=False, bar=False)
        try:
            asyncio.run(drawing.write_cast(app, writer, speed))
        except OSError as error:
            raise RnnvizError(
                _("{path} cannot be written: {reason}.").format(
                    path=cast, reason=system_reason(error)
                )
            ) from error
        finally:
            writer.close()
    set_language(spoken)
    for path in (screenshot, cast):
        if path is not None:
            stderr.say(_("Written: {path}").format(path=path))


def _play(recording: RecordedSession, n: int, speed: float, colour: bool, device: str) -> int:
    """Play back in the terminal; the exit code."""
    from rnnviz import explore
    from rnnviz.cli.step.app import run_app
    from rnnviz.engine.device import choose_for_trace

    explorer = explore.explorer(None, choose_for_trace(device))
    return run_app(_app(recording, n, colour, explorer=explorer, speed=speed))
