"""``rnnviz lesson --notes``: the lecturer's terminal beside the screen of the class."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rnnviz.cli import config_file, options
from rnnviz.errors import UsageError
from rnnviz.messages import _

if TYPE_CHECKING:
    from rnnviz.lessons.lesson import Lesson
    from rnnviz.query import Explorer


def run_notes(
    path: Path | None, folder: Path | None, explorer: Explorer, *, session: str | None, lang: str,
    theme: str | None, color: str,
) -> int:  # fmt: skip
    """Run the notes of the lesson in a file, or with None of whatever lesson is on.

    ``folder`` has the user's own lessons. Raises MissingError where there are no Unix sockets.
    """
    from rnnviz.cli.step.app import run_app
    from rnnviz.events.sessions import require_support
    from rnnviz.lessons import catalogue
    from rnnviz.lessons.reader import read
    from rnnviz.tui.keymap import key_texts
    from rnnviz.tui.notes.app import NotesApp

    if not options.stdout_is_terminal():
        name = _("NAME") if path is None else path.stem
        raise UsageError(
            _(
                "--notes needs a terminal.\nAs text: rnnviz lesson {name} --plain --answers"
            ).format(name=name)
        )  # fmt: skip
    require_support()

    keymap = config_file.user_keymap()

    def read_lesson(name: str, lang: str) -> Lesson:
        own = path if path is not None and path.stem == name else catalogue.find(name, folder)
        return read(own, lang, key_texts(keymap, lang))

    app = NotesApp(
        None if path is None else read_lesson(path.stem, lang), read_lesson, explorer,
        session=session, lang=lang, theme=options.theme_name(theme),
        colour=options.use_colour(color), ascii_only=not options.unicode(), keymap=keymap,
    )  # fmt: skip
    return run_app(app)
