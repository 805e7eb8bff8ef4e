"""``rnnviz lesson``: the lessons, running one, and checking a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnnviz.cli import options, stderr, stdout
from rnnviz.cli.commands import LocalizedGroup
from rnnviz.cli.lesson_notes import run_notes
from rnnviz.cli.lesson_run import run
from rnnviz.cli.tables import print_table, print_text
from rnnviz.errors import InvalidFileError, UsageError, brief
from rnnviz.messages import N_, _

if TYPE_CHECKING:
    from rnnviz.lessons.lesson import Lesson
    from rnnviz.lessons.progress import LessonProgress

HELP = N_("""Lessons for a class or for one: predict, see, say what you saw, change it.

Without NAME it lists them. NAME is one of the list, its number, or a file.

\b
Examples:
  rnnviz lesson                     the list: minutes, level, where you were
  rnnviz lesson not                 run one; pagedown or G goes on
  rnnviz lesson not --lang tr       in Turkish; rnnviz lesson not --help: all options
  rnnviz lesson quiz --phase before --results ada.jsonl   eight questions, and what was answered
  rnnviz lesson not --notes         in a second terminal: notes and clock; steers the first one
  rnnviz lesson check mine.toml     is every claim true of the model?

Lessons of your own are in the folder that rnnviz config show names, or in --lessons DIR.
""")
_RUN = "run"


class LessonGroup(LocalizedGroup):
    """A group whose first argument may be the name of a lesson: ``lesson NAME`` runs it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert the command that runs a lesson before the name of one."""
        taking = {name for o in self.params if isinstance(o, click.Option) and not o.is_flag
                  for name in o.opts}  # fmt: skip
        at = 0
        while at < len(args) and args[at].startswith("-") and args[at] != "--":
            at += 2 if args[at] in taking else 1
        if at < len(args) and args[at] not in self.commands and _RUN in self.commands:
            args = [*args[:at], _RUN, *args[at:]]
        return super().parse_args(ctx, args)


@click.group("lesson", help=HELP, cls=LessonGroup, invoke_without_command=True)
@options.lessons
@options.lang
@click.option("--notes", is_flag=True,
              help=N_("The lecturer's terminal, of NAME or of whatever is on in another one."),
              )  # fmt: skip
@options.session
@click.option("--json", "as_json", is_flag=True, help=N_("Print the list as JSON."))
@options.debug
@click.pass_context
def command(
    ctx: click.Context, lessons: Path | None, lang: str | None, notes: bool, session: str | None,
    as_json: bool,
) -> int:  # fmt: skip
    """List the lessons."""
    if ctx.invoked_subcommand is not None:
        return 0
    if notes:
        from rnnviz import explore

        return run_notes(
            None, own_folder(lessons), explore.explorer(), session=session,
            lang=options.language(lang), theme=None, color="auto",
        )  # fmt: skip
    from rnnviz.files import user_state_folder
    from rnnviz.lessons import catalogue
    from rnnviz.lessons.progress import ProgressFile

    found, errors = catalogue.lessons(options.language(lang), own_folder(lessons))
    for error in errors:
        stderr.say("\n".join(brief(str(error))))
    if as_json:
        stdout.document([_record(lesson) for lesson in found])
        return 0
    progress = ProgressFile(user_state_folder()).read()
    print_table(
        [
            ("", _("name"), _("title"), _("min"), _("level"), _("you")),
            *(
                (
                    str(each.number or ""),
                    each.id,
                    each.title,
                    str(each.minutes),
                    str(each.level),
                    _where(each, progress.get(each.id)),
                )
                for each in found
            ),
        ],
        right=("", _("min")),
    )
    stdout.lines()
    print_text(_("rnnviz lesson NAME: run one."))
    return 0


def own_folder(lessons: Path | None) -> Path | None:
    """The user's folder of lessons: the one that is named, else the default one if it exists.

    UsageError if the named one is no folder.
    """
    from rnnviz.lessons.catalogue import default_folder

    folder = default_folder() if lessons is None else lessons.expanduser()
    if folder.is_dir():
        return folder
    if lessons is None:
        return None
    raise UsageError(_("--lessons {folder}: there is no such folder.").format(folder=lessons))


def _where(lesson: Lesson, progress: LessonProgress | None) -> str:
    """Where the learner was: "step 4 of 11", "done, 3/4"; "" if nowhere."""
    if progress is None:
        return ""
    score = f" {progress.right}/{progress.asked}" if progress.asked else ""
    if progress.done:
        return _("done") + score
    n = lesson.index(progress.step) + 1
    return _("step {n} of {count}").format(n=n, count=len(lesson.steps)) + score


def _record(lesson: Lesson) -> dict[str, Any]:
    return {
        "name": lesson.id, "number": lesson.number, "title": lesson.title,
        "question": lesson.question, "minutes": lesson.minutes, "level": lesson.level,
        "kind": lesson.kind, "steps": len(lesson.steps), "questions": len(lesson.questions),
        "path": str(lesson.path),
    }  # fmt: skip


CHECK_HELP = N_("""Check lesson files: texts, positions and, with the models, every claim.

Prints a line for each problem. Exit code 4 if there is one.
""")


@command.command("check", help=CHECK_HELP)
@click.argument("files", nargs=-1, required=True, metavar="FILE...",
                type=click.Path(path_type=Path))  # fmt: skip
@click.option("--data", metavar="DIR", help=N_("Where the table of a series model is."))
@click.option("--json", "as_json", is_flag=True, help=N_("Print a JSON list of problems."))
@options.debug
def check(files: tuple[Path, ...], data: str | None, as_json: bool) -> int:
    """Check lesson files: texts, positions and, with the models, every claim."""
    from tempfile import TemporaryDirectory

    from rnnviz import explore
    from rnnviz.cli import lesson_training
    from rnnviz.lessons.catalogue import find
    from rnnviz.lessons.check import check as problems_of
    from rnnviz.tui.keymap import ACTIONS
    from rnnviz.tui.pages import PAGES

    explorer = explore.explorer(data)
    actions = tuple(action.name for action in ACTIONS)
    pages = tuple(entry.name for entry in PAGES)
    rows: list[dict[str, str]] = []
    with TemporaryDirectory() as runs:

        def train(wanted: Mapping[str, object]) -> str:
            stderr.say(_("Training the net of the lesson, to check what is said of it …"))
            out = Path(runs, str(len(list(Path(runs).iterdir()))))
            return lesson_training.train(wanted, lambda _: None, lambda: False, out)

        for file in files:
            path = find(str(file))
            try:
                problems = problems_of(path, explorer, pages, actions=actions, train=train)
            except InvalidFileError as error:
                rows.append({"file": str(path), "lang": "", "step": "", "message": str(error)})
                continue
            rows += [
                {"file": str(path), "lang": each.lang, "step": each.step, "message": each.message}
                for each in problems
            ]
    if as_json:
        stdout.document(rows)
    else:
        for row in rows:
            where = f"{row['file']} [{row['lang']}] {row['step']}".rstrip() + ": "
            stdout.lines(f"{where if row['lang'] else ''}{row['message']}")
        if not rows:
            stdout.lines(_("Nothing is wrong."))
    return 4 if rows else 0


command.add_command(run)
