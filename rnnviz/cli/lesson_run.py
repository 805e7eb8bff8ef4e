"""``rnnviz lesson NAME``: a lesson on the screen, as lines of text, or as JSON."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnnviz.cli import (
    completions,
    config_file,
    lesson_training,
    options,
    session_files,
    stdout,
)
from rnnviz.cli.commands import Choice, LocalizedCommand
from rnnviz.cli.lesson_notes import run_notes
from rnnviz.errors import UsageError, nearest
from rnnviz.files import reason, user_state_folder
from rnnviz.messages import N_, _

if TYPE_CHECKING:
    from rnnviz.lessons.lesson import Lesson
    from rnnviz.lessons.player import LessonPlayer
    from rnnviz.lessons.progress import ProgressFile
    from rnnviz.lessons.results import ResultPhase, ResultsFile
    from rnnviz.query import Explorer
    from rnnviz.tui.step.app import RnnvizApp

PHASES = ("before", "after")


RUN_HELP = N_("""Run the lesson NAME: on a terminal as a screen, elsewhere as lines of text.
""")


@click.command("run", cls=LocalizedCommand, hidden=True, help=RUN_HELP)
@click.argument("name", metavar="NAME", shell_complete=completions.lessons)
@options.lessons
@options.lang
@options.theme
@options.colour
@options.device
@click.option("--step", metavar="ID", help=N_("Begin at this step: its id, or its number."))
@click.option("--restart", is_flag=True, help=N_("Begin at the first step, not where you were."))
@click.option("--plain", is_flag=True, help=N_("Lines of text, no screen."))
@click.option("--answers", is_flag=True,
              help=N_("With --plain: what is right, and the notes for the lecturer."))  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help=N_("Print the lesson as JSON."))
@click.option("--results", type=options.output_file(), metavar="FILE.jsonl",
              help=N_("Append a line for each answer: no names; see rnnviz results."))  # fmt: skip
@click.option("--phase", type=Choice(PHASES),
              help=N_("Of a quiz: before the course no answer is told."))  # fmt: skip
@click.option(
    "--notes",
    is_flag=True,
    help=N_("The lecturer's terminal: notes, answers and clock; it steers the other one."),
)
@options.session
@session_files.record
@session_files.cast
@click.option("--data", metavar="DIR", help=N_("Where the table of a series model is."))
@options.debug
@click.pass_context
def run(
    ctx: click.Context,
    name: str,
    lessons: Path | None,
    lang: str | None,
    theme: str | None,
    color: str,
    device: str,
    step: str | None,
    restart: bool,
    plain: bool,
    answers: bool,
    as_json: bool,
    results: Path | None,
    phase: str | None,
    notes: bool,
    session: str | None,
    record: Path | None,
    cast: Path | None,
    data: str | None,
) -> int:
    """Run the lesson NAME: on a terminal as a screen, elsewhere as lines of text."""
    from rnnviz import explore
    from rnnviz.cli.lesson import own_folder
    from rnnviz.engine.device import choose_for_trace
    from rnnviz.lessons import catalogue
    from rnnviz.lessons.player import LessonPlayer
    from rnnviz.lessons.quiz import in_phase
    from rnnviz.lessons.reader import read
    from rnnviz.tui.keymap import key_texts

    keymap = config_file.user_keymap()
    group: Any = {} if ctx.parent is None else ctx.parent.params
    lang = options.language(lang or group.get("lang"))
    folder = own_folder(lessons or group.get("lessons"))
    path = catalogue.find(name, folder)
    chosen_phase: ResultPhase = phase or ""  # type: ignore[assignment]  # one of PHASES

    def read_in(lang: str) -> Lesson:
        return in_phase(read(path, lang, key_texts(keymap, lang)), chosen_phase)

    lesson = read_in(lang)
    explorer = explore.explorer(data or lesson.data, choose_for_trace(device))
    as_json = as_json or bool(group.get("as_json"))
    notes = notes or bool(group.get("notes"))
    on_screen = options.stdout_is_terminal() and not (notes or as_json or plain or answers)
    session_files.check(record, cast, [path], screen=on_screen)
    if notes:
        return run_notes(
            path, folder, explorer, session=session or group.get("session"), lang=lang,
            theme=theme, color=color,
        )  # fmt: skip
    at_step = None if step is None else step_of(lesson, step)
    if as_json:
        from rnnviz.cli.lesson_text import lesson_record

        stdout.document(lesson_record(lesson))
        return 0
    if not on_screen:
        from rnnviz.cli.lesson_text import lesson_lines

        for line in lesson_lines(lesson, explorer if answers else None, first=at_step or 1):
            stdout.lines(line)
        return 0
    from rnnviz.lessons.progress import ProgressFile
    from rnnviz.lessons.results import ResultsFile

    answers_file = None if results is None else ResultsFile(results)
    player = LessonPlayer(lesson)
    progress = ProgressFile(user_state_folder())
    if at_step is not None:
        player = player.at_step(at_step)
    elif not restart and not phase:
        player = where_it_was(player, progress)
    app = make_app(
        player, explorer, progress, restored=at_step is None and not player.at_start,
        next_lesson=next_lesson(lesson, folder), lang=lang, theme=theme, color=color,
        keymap=keymap, read=read_in,
    )  # fmt: skip
    if answers_file is not None:
        record_answers(app, answers_file, chosen_phase)
    return session_files.run_app(app, record, cast, lesson.title)


def record_answers(app: RnnvizApp, file: ResultsFile, phase: ResultPhase) -> None:
    """Append each answer to a file as soon as it is marked; a full disk is told and not fatal."""
    from rnnviz.events import AnswerEvent, Event
    from rnnviz.lessons.results import ResultRecord

    screen, sitting = app.step_screen, secrets.token_hex(4)

    def answered(event: Event) -> None:
        lesson = screen.view_state.lesson
        if not isinstance(event, AnswerEvent) or lesson is None:
            return
        record = ResultRecord(
            lesson.player.lesson.id, event.question, event.answer, event.correct, event.seconds,
            phase, event.text, sitting,
        )  # fmt: skip
        try:
            file.append(record)
        except OSError as error:
            screen.call_later(
                screen.fail, "status.not_saved", path=str(file.path), reason=reason(error)
            )

    screen.event_stream.subscribe(answered)


def make_app(
    player: LessonPlayer,
    explorer: Explorer,
    progress: ProgressFile,
    *,
    read: Callable[[str], Lesson],
    lang: str = "en",
    theme: str | None = None,
    color: str = "auto",
    restored: bool = False,
    next_lesson: str = "",
    **app_options: Any,
) -> RnnvizApp:
    """The app of a lesson, not running yet.

    ``restored``: the player is where the learner was, which is told. RnnvizError if the text of
    its step cannot be read.
    """
    from rnnviz.analysis import model_family
    from rnnviz.tui.step.app import RnnvizApp
    from rnnviz.tui.step.lesson.session import LessonSession

    query = player.scene.query
    trace = explorer(query)
    lesson_training.prepare(player.lesson)
    kind = model_family.input_kind(query, trace)
    session = LessonSession(
        player, read, progress, train=lesson_training.train, next=next_lesson, restored=restored
    )
    return RnnvizApp(
        explorer, query, trace, switch=model_family.switch_models(kind), lang=lang,
        theme=options.theme_name(theme), colour=options.use_colour(color),
        ascii_only=not options.unicode(), lesson=session, **app_options,
    )  # fmt: skip


def step_of(lesson: Lesson, typed: str) -> int:
    """The number, from 1, of a step typed as a number or an id; UsageError if there is none."""
    ids = [step.id for step in lesson.steps]
    if typed.isdecimal() and 1 <= int(typed[:6]) <= len(ids):
        return int(typed)
    for full in (typed, f"{lesson.id}.{typed}"):
        if full in ids:
            return ids.index(full) + 1
    raise UsageError(
        _(
            "--step {typed}: {id} has no such step.{close} Its steps are 1 to {count}: {names}."
        ).format(
            typed=typed[:80],
            id=lesson.id,
            close=nearest(typed, ids),
            count=len(ids),
            names=", ".join(ids),
        )
    )


def where_it_was(player: LessonPlayer, progress: ProgressFile) -> LessonPlayer:
    """The player at the step of the last time; a lesson that was finished begins anew."""
    known = progress.read().get(player.lesson.id)
    if known is None or known.step == player.lesson.steps[-1].id:
        return player
    return player.at_step(known.step)


def next_lesson(lesson: Lesson, folder: Path | None) -> str:
    """The lesson that comes after a numbered one in the list; "" if there is none."""
    from rnnviz.lessons import catalogue

    if lesson.number is None or lesson.kind == "quiz":
        return ""
    listed = [each for each in catalogue.lessons(lesson.lang, folder)[0] if each.kind == "lesson"]
    after = [each.id for each in listed if each.number and each.number > lesson.number]
    return after[0] if after else ""
