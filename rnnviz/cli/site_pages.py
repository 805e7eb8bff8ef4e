"""Reports and handouts in a folder of ``rnnviz serve``: what is written beside them for the app."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from rnnviz.cli.stderr import say
from rnnviz.errors import RnnvizError
from rnnviz.files import assets, require_writable, write_output
from rnnviz.lookup import shipped
from rnnviz.messages import _
from rnnviz.toy_net import is_toy_net
from rnnviz.window import in_browser

if TYPE_CHECKING:
    from rnnviz.lessons.lesson import Lesson
    from rnnviz.trace import Trace
    from rnnviz.tui.export.app_player import AppPlayer

TRACE: Final = ".trace"
LESSON: Final = ".toml"
#: The longest command line for the app, in characters: a part of an address.
_LONGEST: Final = 2_000


def check(page: Path) -> None:
    """UsageError if the page is in a site, and it or the file beside it cannot be written there."""
    if _site_of(page) is not None:
        from rnnviz.web.user_pages import beside

        for ending in (TRACE, LESSON):
            require_writable(beside(page, ending))


def trace_player(page: Path, trace: Trace, lang: str, *words: str) -> AppPlayer | None:
    """The app that shows a trace, which is saved beside the page; None outside of a site.

    ``words`` are further options of ``step``.
    """
    site = _site_of(page)
    if site is None:
        return None
    from rnnviz.trace.file import save_trace
    from rnnviz.web.user_pages import IN_APP, app_player, beside

    file = beside(page, TRACE)
    save_trace(trace, file)
    line = ["step", "--lang", lang, "--open", IN_APP + TRACE]
    if len(shlex.join(words)) <= _LONGEST:
        line += words
    return app_player(site, page, line, trace.text or trace.model, lang, file)


def lesson_player(page: Path, lesson: Lesson) -> AppPlayer | None:
    """The app that runs a lesson; None outside of a site, or if the lesson does not run there.

    A lesson of one's own is copied beside the page.
    """
    site = _site_of(page)
    if site is None:
        return None
    from rnnviz.web.user_pages import IN_APP, app_player, beside

    line = ["lesson", "--lang", lesson.lang]
    if lesson.path.resolve().parent == (assets() / "lessons").resolve():
        return app_player(site, page, [*line, lesson.id], lesson.title, lesson.lang)
    if not _runs_alone(lesson):
        return None
    file = beside(page, LESSON)
    write_output(file, lesson.path.read_bytes())
    return app_player(site, page, [*line, IN_APP + LESSON], lesson.title, lesson.lang, file)


def say_how_to_serve(page: Path, player: AppPlayer | None) -> None:
    """Say on stderr where a page that can open the app does so."""
    site = None if player is None else _site_of(page)
    if site is not None:
        say(
            _("It opens the app where its folder is served: rnnviz serve --folder {folder}").format(
                folder=shlex.quote(str(site))
            )
        )


def _site_of(page: Path) -> Path | None:
    if in_browser():
        return None
    from rnnviz.web.user_pages import site_of

    return site_of(page)


def _runs_alone(lesson: Lesson) -> bool:
    """Whether a lesson needs neither a file beside it nor a model that is not shipped."""
    from rnnviz.lessons.reader import read

    changed = [change.query for step in lesson.steps for change in step.changes]
    queries = [*(step.query for step in lesson.steps), *filter(None, changed)]
    if any(query.model not in shipped() and not is_toy_net(query.model) for query in queries):
        return False
    with TemporaryDirectory() as folder:
        try:
            read(Path(shutil.copy(lesson.path, folder)), lesson.lang)
        except RnnvizError:
            return False
    return True
