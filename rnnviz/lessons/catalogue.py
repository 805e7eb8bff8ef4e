"""The lessons there are: the shipped ones, and those of the user's own folder."""

from __future__ import annotations

import re
from pathlib import Path

from rnnviz.display import folded
from rnnviz.errors import InvalidFileError, UsageError, nearest
from rnnviz.files.paths import assets
from rnnviz.i18n import LANGUAGES
from rnnviz.lessons.lesson import Lesson
from rnnviz.lessons.reader import read
from rnnviz.messages import _


def shipped_folder() -> Path:
    """The folder of the shipped lessons."""
    return assets() / "lessons"


def default_folder() -> Path:
    """The folder of the user's own lessons where no other is named; it may not exist."""
    import platformdirs

    return Path(platformdirs.user_data_dir("rnnviz")) / "lessons"


def lesson_files(folder: Path | None = None) -> dict[str, Path]:
    """The lesson files by name: the shipped ones, and those of ``folder``, which come first."""
    found = {path.stem: path for path in sorted(shipped_folder().glob("*.toml"))}
    if folder is not None:
        found |= {path.stem: path for path in sorted(folder.glob("*.toml"))}
    return found


def lessons(lang: str, folder: Path | None = None) -> tuple[list[Lesson], list[InvalidFileError]]:
    """Every lesson, by number and then by name, and the errors of files that are none."""
    found: list[Lesson] = []
    errors: list[InvalidFileError] = []
    for path in lesson_files(folder).values():
        try:
            found.append(read(path, lang))
        except InvalidFileError as error:
            errors.append(error)
    found.sort(key=lambda lesson: (lesson.number is None, lesson.number or 0, lesson.id))
    return found, errors


def find(name: str, folder: Path | None = None) -> Path:
    """The file of a lesson: by its name, by its number in the list, or the path of a file.

    UsageError with the nearest name, or with the lesson whose title was typed, if there is none.
    """
    files = lesson_files(folder)
    if name in files:
        return files[name]
    path = Path(name).expanduser()
    if path.suffix == ".toml" and path.is_file():
        return path
    if name.isdecimal():
        for lesson in lessons("en", folder)[0]:
            if lesson.number == int(name):
                return lesson.path
    if path.suffix == ".toml":
        raise UsageError(_("There is no lesson file {name}.").format(name=name))
    raise UsageError(
        _("There is no lesson {name!r}.{hint}\nrnnviz lesson lists them.").format(
            name=name, hint=nearest(name, files) or _hint_of_title(name, folder)
        )
    )


def _hint_of_title(typed: str, folder: Path | None) -> str:
    """ " Did you mean 'not'?" for a lesson with the typed words in its title, else its question.

    In any language; "" if there is none. Words of one or two letters are in many titles.
    """
    words = _words(typed)
    if not words or min(map(len, words)) < 3:
        return ""
    found = [lesson for lang in LANGUAGES for lesson in lessons(lang, folder)[0]]
    for texts in ([each.title for each in found], [each.question for each in found]):
        for lesson, text in zip(found, texts, strict=True):
            if words <= _words(text):
                return nearest(lesson.id, [lesson.id])
    return ""


def _words(text: str) -> set[str]:
    return {*re.findall(r"\w+", folded(text))}
