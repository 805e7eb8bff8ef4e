"""``rnnviz class``: the lecturer's screen, and the page on which phones answer."""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnnviz.cli import completions, config_file, options, session_files, stderr
from rnnviz.cli.step import text_arguments
from rnnviz.errors import MissingError, RnnvizError, UsageError, system_reason
from rnnviz.messages import N_, _

if TYPE_CHECKING:
    from rnnviz.classroom.process import ClassProcess
    from rnnviz.tui.step.app import RnnvizApp
    from rnnviz.web.files import StaticFolder

#: The port where --port is not given, so that the link stays the same from lecture to lecture; if
#: it is taken, any free one.
PORT = 8420
#: Every address of this machine in the network, of IPv4: there each phone has one of its own.
EVERYWHERE = "0.0.0.0"
EVERYWHERE_6 = "::"

HELP = N_("""A class that answers from its phones: the screen here, a page of this machine there.

Phones open the link of the QR code: nothing to install, no account, no names. They get the
questions of the lesson, or with a TEXT those of predict mode (p). The key that goes on closes the
vote and shows what the class has answered; the next one shows what is right. % shows the code
again, and lets the class vote a second time.

The command listens on the network as long as it runs, and says where. Everything stays in memory
but the answers, a line each in a file: see rnnviz results.

\b
Examples:
  rnnviz class not                              a lesson: its name, its number, or a file
  rnnviz class "this movie was not good"        predict mode: p, then →
  rnnviz class not --results monday.jsonl
  rnnviz class not --host 192.168.1.5 --port 9000
  rnnviz class not --per-address 500            all phones are behind one address
""")


@click.command("class", help=HELP, cls=text_arguments.TextCommand)
@click.argument("words", nargs=-1, metavar="[LESSON|TEXT]...", callback=text_arguments.unmarked)
@options.lessons
@options.lang
@options.theme
@options.colour
@options.device
@click.option("-m", "--model", envvar="RNNVIZ_MODEL", metavar="NAME",
              shell_complete=completions.models,
              help=N_("Of a TEXT: a model that rnnviz models lists."))  # fmt: skip
@click.option("--step", metavar="ID", help=N_("Begin at this step: its id, or its number."))
@click.option("--restart", is_flag=True, help=N_("Begin at the first step, not where you were."))
@click.option("--host", metavar="ADDRESS", default=EVERYWHERE, show_default=True,
              help=N_("Listen on this address of this machine; 0.0.0.0: on all of them."),
              )  # fmt: skip
@click.option("--port", type=click.IntRange(0, 65535), metavar="N",
              help=N_("Listen on this port; without it 8420, or a free one."))  # fmt: skip
@click.option("--per-address", type=click.IntRange(1, 500), default=4, show_default=True,
              metavar="N", help=N_("How many phones may come from one address."))  # fmt: skip
@click.option("--results", type=options.output_file(), metavar="FILE.jsonl",
              help=N_("Append a line for each answer: no names; see rnnviz results."))  # fmt: skip
@click.option("--presenter/--no-presenter", default=True,
              help=N_("One thing at a time, large, with a clock."))  # fmt: skip
@session_files.record
@session_files.cast
@click.option("--data", metavar="DIR", help=N_("Where the table of a series model is."))
@options.debug
def command(
    words: tuple[str, ...],
    lessons: Path | None,
    lang: str | None,
    theme: str | None,
    color: str,
    device: str,
    model: str | None,
    step: str | None,
    restart: bool,
    host: str,
    port: int | None,
    per_address: int,
    results: Path | None,
    presenter: bool,
    record: Path | None,
    cast: Path | None,
    data: str | None,
) -> int:
    """Open the screen and the page of the phones."""
    _require_packages()
    if not options.stdout_is_terminal():
        raise UsageError(
            _("rnnviz class needs a terminal: it is the lecturer's screen. Run it in one.")
        )
    session_files.check(record, cast, screen=True)
    lesson = _lesson_file(words, lessons)
    if lesson is not None:
        app, title = _lesson_app(
            lesson, lessons, lang, theme, color, device, step, restart, presenter, data
        )
    else:
        app, title = _text_app(words, model, lang, theme, color, device, presenter, data)
    host, hosts = _own_hosts(host)
    path = _results_file() if results is None else results
    try:
        with _started(host, port, per_address, path, hosts) as process:
            from rnnviz.tui.step.class_vote.session import ClassSession

            links = _say_open(hosts, process.port)
            app.step_screen.class_host.session = ClassSession(process, links)
            code = session_files.run_app(app, record, cast, title)
    finally:
        answered = path.exists() and path.stat().st_size > 0
        if results is None and not answered:
            path.unlink(missing_ok=True)
    if answered:
        stderr.say(_("Answers: {path}. See them: rnnviz results FILE").format(path=path))
    return code


def _own_hosts(host: str) -> tuple[str, list[str]]:
    """Where to listen, and the addresses at which phones find it, the best one first.

    A machine that has addresses of IPv6 only listens on those where it was to listen everywhere.
    """
    from rnnviz.network_addresses import listening_host, own_addresses

    host = listening_host(host)
    hosts = own_addresses(host)
    if not hosts and host == EVERYWHERE and (hosts := own_addresses(EVERYWHERE_6)):
        host = EVERYWHERE_6
    return host, hosts or ["::1" if ":" in host else "127.0.0.1"]


def _say_open(hosts: list[str], port: int) -> tuple[str, ...]:
    """Tell who finds the page and where; the links."""
    from rnnviz.network_addresses import is_loopback, link, qr_lines

    links = tuple(link(each, port) for each in hosts)
    shown = "\n".join(f"  {each}" for each in links)
    if all(map(is_loopback, hosts)):
        stderr.say(_("Only this machine finds the page of the class, at:\n{links}").format(
            links=shown
        ))  # fmt: skip
        return links
    if options.unicode():
        stderr.say("\n".join(qr_lines(links[0])))
    stderr.say(
        _(
            "Phones of this network find the page of the class, as long as it is open, at:\n{links}"
        ).format(links=shown)
    )
    return links


def _require_packages() -> None:
    """MissingError without the packages of the extra "class"."""
    try:
        import aiohttp  # noqa: F401
        import segno  # noqa: F401
    except ImportError as error:
        raise MissingError(
            _("A class needs aiohttp and segno.\nGet them: pip install 'rnnviz[class]'")
        ) from error


def _started(
    host: str, port: int | None, per_address: int, results: Path, hosts: list[str]
) -> ClassProcess:
    """The process of the server; RnnvizError if it cannot listen there."""
    from rnnviz.classroom.process import ClassProcess
    from rnnviz.classroom.worker import ClassSettings
    from rnnviz.lessons.results import ResultsFile

    ResultsFile(results).close()  # an error of its path is told before the screen opens
    key, sitting = secrets.token_bytes(32), secrets.token_hex(4)
    # Phones that are led to an address of IPv6 have its network in common.
    shared = tuple(hosts) if ":" in hosts[0] else ()
    make = partial(ClassSettings, host, per_address=per_address, key=key, sitting=sitting,
                   results=results.absolute(), app=_app_files(), shared=shared)  # fmt: skip
    if port is None:
        with suppress(RnnvizError):
            return ClassProcess(make(port=PORT)).start()
    return ClassProcess(make(port=port or 0)).start()


def _app_files() -> StaticFolder | None:
    """The files of the app in the browser, if rnnviz serve has made them; nothing is downloaded."""
    from rnnviz.web.files import StaticFolder
    from rnnviz.web.site import cache_folder, is_current

    folder = cache_folder() / "site"
    return StaticFolder(folder) if is_current(folder) else None


def _results_file() -> Path:
    """A new file for the answers of this class, in the user's folder."""
    import platformdirs

    folder = Path(platformdirs.user_data_dir("rnnviz")) / "classes"
    name = time.strftime("%Y-%m-%d-%H%M%S")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.jsonl"
        while True:
            try:
                path.touch(exist_ok=False)
                return path
            except FileExistsError:  # of a class that began in the same second
                path = folder / f"{name}-{secrets.token_hex(2)}.jsonl"
    except OSError as error:
        raise UsageError(
            _(
                "{folder} cannot be written: {reason}. Name another file: --results FILE.jsonl"
            ).format(folder=folder, reason=system_reason(error))
        ) from error


def _lesson_file(words: tuple[str, ...], lessons: Path | None) -> Path | None:
    """The file of the lesson that is named; None for a text."""
    from rnnviz.cli.lesson import own_folder
    from rnnviz.lessons import catalogue

    folder = own_folder(lessons)
    if len(words) != 1:
        return None
    named = words[0] in catalogue.lesson_files(folder) or words[0].endswith(".toml")
    return catalogue.find(words[0], folder) if named or words[0].isdecimal() else None


def _lesson_app(
    path: Path, lessons: Path | None, lang: str | None, theme: str | None, color: str,
    device: str, step: str | None, restart: bool, presenter: bool, data: str | None,
) -> tuple[RnnvizApp, str]:  # fmt: skip
    """The app of a lesson, and its title."""
    from rnnviz import explore
    from rnnviz.cli.lesson import own_folder
    from rnnviz.cli.lesson_run import make_app, next_lesson, step_of, where_it_was
    from rnnviz.engine.device import choose_for_trace
    from rnnviz.files import user_state_folder
    from rnnviz.lessons.lesson import Lesson
    from rnnviz.lessons.player import LessonPlayer
    from rnnviz.lessons.progress import ProgressFile
    from rnnviz.lessons.reader import read
    from rnnviz.tui.keymap import key_texts

    keymap = config_file.user_keymap()

    def read_in(lang: str) -> Lesson:
        return read(path, lang, key_texts(keymap, lang))

    lesson = read_in(options.language(lang))
    player, progress = LessonPlayer(lesson), ProgressFile(user_state_folder())
    if step is not None:
        player = player.at_step(step_of(lesson, step))
    elif not restart:
        player = where_it_was(player, progress)
    app = make_app(
        player, explore.explorer(data or lesson.data, choose_for_trace(device)), progress,
        restored=step is None and not player.at_start,
        next_lesson=next_lesson(lesson, own_folder(lessons)), lang=options.language(lang),
        theme=theme, color=color, keymap=keymap, read=read_in, presenter=presenter,
    )  # fmt: skip
    return app, lesson.title


def _text_app(
    words: tuple[str, ...], model: str | None, lang: str | None, theme: str | None, color: str,
    device: str, presenter: bool, data: str | None,
) -> tuple[RnnvizApp, str]:  # fmt: skip
    """The app of a text, and the text."""
    from rnnviz.cli.step import app, trace_source
    from rnnviz.cli.step.step_options import StepOptions
    from rnnviz.cli.step.toy_net_options import ToyNetOptions
    from rnnviz.import_settings import ImportSettings

    source = click.get_current_context().get_parameter_source("model")
    step = StepOptions(
        words=words, model=model, settings=ImportSettings(),
        model_is_explicit=source is click.core.ParameterSource.COMMANDLINE, input_file=None,
        cell=None, toy_net=ToyNetOptions(), target=None, random=None, data=data, clamps=(),
        state=None, saved_trace=None, device=device, against=None, compare=None, form=None,
        save=None, save_state=None, screenshot=None, report=None, record=None, cast=None,
        quiet=False, at=None, unit=None, view=None, size="120x36", lang=lang, theme=theme,
        notation=options.NOTATIONS[0], presenter=presenter, color=color,
        keymap=config_file.user_keymap(),
    )  # fmt: skip
    traced = trace_source.read(step)
    trace_source.narrate(step, traced)
    return app.make_app(step, traced, (), app.first_page(step, traced, ())), traced.query.text
