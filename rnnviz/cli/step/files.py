"""The files that ``rnnviz step`` writes: the trace, a net by hand, screenshots and the report."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from rnnviz import picture_files
from rnnviz.cli import options, site_pages
from rnnviz.cli.stderr import say
from rnnviz.cli.step.app import drawable, first_page, make_app
from rnnviz.cli.step.step_options import StepOptions
from rnnviz.cli.step.trace_source import TracedQuery
from rnnviz.errors import UsageError
from rnnviz.lookup import shipped
from rnnviz.messages import N_, _, translated

if TYPE_CHECKING:
    from rnnviz.trace import Trace
    from rnnviz.tui.export.app_player import AppPlayer

#: What an option that draws writes, and the endings of its file.
ENDINGS = {
    "--screenshot": (N_("SVG, PNG, PDF or text"), (*picture_files.ENDINGS, ".txt")),
    "--report": ("HTML", (".html", ".htm")),
}
#: Characters of a screenshot, the fewest and the most.
WIDTHS, HEIGHTS = (20, 500), (5, 300)


def check_files(step: StepOptions, inputs: Iterable[Path]) -> None:
    """UsageError if a file cannot be written, or would replace an input or another output.

    Also if it has not the ending of what its option writes.
    """
    from rnnviz.files import require_distinct

    outputs = {
        "--save": step.save, "--save-state": step.save_state,
        "--save-net": step.toy_net.save_net, "--screenshot": step.screenshot,
        "--report": step.report, "--record": step.record, "--cast": step.cast,
    }  # fmt: skip
    paths = {option: path for option, path in outputs.items() if path is not None}
    for option, (what, endings) in ENDINGS.items():
        if option in paths and paths[option].suffix.lower() not in endings:
            raise UsageError(
                _("{option} writes {what}; name a file that ends in {endings}: {path}").format(
                    option=option,
                    what=translated(what),
                    endings=_(" or ").join(endings),
                    path=paths[option],
                )
            )
        if option in paths:
            picture_files.require_converter(paths[option])
    require_distinct(paths, inputs)
    if step.report is not None:
        site_pages.check(step.report)


def save(step: StepOptions, trace: Trace) -> None:
    """Write the trace of --save, the states of --save-state and the net of --save-net."""
    if step.save is not None:
        from rnnviz.trace.file import save_trace

        save_trace(trace, step.save)
        if not step.quiet and step.save.is_file():
            say(
                _("Saved {path}. Show it again with: rnnviz step --open {quoted}").format(
                    path=step.save, quoted=shlex.quote(str(step.save))
                )
            )
    if step.save_state is not None:
        from rnnviz.trace.states import write_states

        write_states(step.save_state, trace)
        if not step.quiet and step.save_state.is_file():
            say(
                _("Saved {path}. Go on from there with: rnnviz step --state {quoted} TEXT").format(
                    path=step.save_state, quoted=shlex.quote(str(step.save_state))
                )
            )
    path = step.toy_net.save_net
    if path is not None:
        _save_net(trace, path)
        if not step.quiet and path.is_file():
            say(
                _("Saved {path}. Open it again with: rnnviz step --net {quoted}").format(
                    path=path, quoted=shlex.quote(str(path))
                )
            )


def _save_net(trace: Trace, path: Path) -> None:
    """Write the net of a trace with its input; UsageError where it is none by hand."""
    from rnnviz.analysis.toy_net import net_file_of
    from rnnviz.toy_net.net_files import save_net

    net_file = net_file_of(trace)
    if net_file is None:
        raise UsageError(_("--save-net writes a net by hand; this trace is of another model."))
    save_net(path, net_file)


def draw(step: StepOptions, traced: TracedQuery, compared: tuple[str, ...]) -> None:
    """Write the page of --report and the picture of --screenshot."""
    if step.report is not None:
        player = _player(step, traced, step.report)
        _write_report(step, traced, compared, step.report, player)
        if not step.quiet:
            say(_("Written: {path}").format(path=step.report))
            site_pages.say_how_to_serve(step.report, player)
    if step.screenshot is not None:
        _write_screenshot(step, traced, compared, step.screenshot)
        if not step.quiet:
            say(_("Written: {path}").format(path=step.screenshot))


def _player(step: StepOptions, traced: TracedQuery, path: Path) -> AppPlayer | None:
    """The app for a page in a folder of ``rnnviz serve``: the trace as the page has it."""
    given = {"--at": step.at, "--unit": step.unit, "--notation": step.notation}
    words = [f"{option}={value}" for option, value in given.items() if value is not None]
    if step.against is not None and traced.query.model in shipped():
        words.append(f"--against={step.against}")
    return site_pages.trace_player(path, traced.trace, options.language(step.lang), *words)


def _write_report(
    step: StepOptions, traced: TracedQuery, compared: tuple[str, ...], path: Path,
    player: AppPlayer | None,
) -> None:  # fmt: skip
    """Write every view of the sentence into one page of HTML."""
    import asyncio

    from rnnviz.files import write_output
    from rnnviz.tui.export.report import report

    write_output(path, asyncio.run(report(make_app(step, traced, compared), player)))


def _write_screenshot(
    step: StepOptions, traced: TracedQuery, compared: tuple[str, ...], path: Path
) -> None:
    """Write the screen, or the panel named by --view, in the form that the ending names."""
    import asyncio

    from rnnviz.files import write_output
    from rnnviz.tui.export import pictures
    from rnnviz.tui.step.app import screenshot

    size, panels = parse_size(step.size), drawable(traced.trace)
    view = first_page(step, traced, compared, panels)
    app = make_app(step, traced, compared, "" if view in panels else view)
    if view in panels:
        picture = pictures.of_panel(app.step_screen.view_state, view, size, pictures.form(path))
        write_output(path, picture_files.encoded(picture, path))
    else:
        asyncio.run(screenshot(app, path, size))


def parse_size(size: str) -> tuple[int, int]:
    """Width and height in characters; UsageError if they cannot be read or are out of range."""
    match = re.fullmatch(r"(\d{1,9})[xX×](\d{1,9})", size.strip(), re.ASCII)
    if match is None:
        raise UsageError(
            _("--size {size}: expected WIDTHxHEIGHT in characters, for example 120x36.").format(
                size=size
            )
        )
    width, height = int(match[1]), int(match[2])
    wide = _("--size {size}: a picture is {least} to {most} characters wide, not {value}.")
    high = _("--size {size}: a picture is {least} to {most} characters high, not {value}.")
    for said, value, (least, most) in ((wide, width, WIDTHS), (high, height, HEIGHTS)):
        if not least <= value <= most:
            raise UsageError(
                said.format(size=size, least=least, most=most, value=value)
                + " "
                + _("For example: --size 120x36")
            )
    return width, height
