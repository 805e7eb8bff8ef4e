"""The config file: defaults of options for every command, and the user's keys.

TOML: one line for each setting, and a table ``[keys]`` with a key or a list of keys for each
action. The file is read whenever a command starts, so this module imports nothing heavy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnviz.cli.config_path import config_path as config_path
from rnnviz.cli.language import LANGUAGES
from rnnviz.cli.options import COLOURS, DEVICES, NOTATIONS, SWITCH, THEMES
from rnnviz.errors import UsageError, nearest
from rnnviz.files import read_limited, reason
from rnnviz.messages import _

if TYPE_CHECKING:
    from rnnviz.tui.keymap import Keymap

#: The settings and their values (None: any text).
SETTINGS: dict[str, tuple[str, ...] | None] = {
    "model": None,
    "lang": LANGUAGES,
    "theme": THEMES,
    "notation": NOTATIONS,
    "color": COLOURS,
    "device": DEVICES,
    "lessons": None,
    "presenter": SWITCH,
}
#: The name of the table of keys.
KEYS = "keys"
#: The largest file in bytes, and the most lines of one value when its line is searched.
_LIMIT, _VALUE_LINES = 100_000, 100
_POSITION = re.compile(r" ?\(at (?:line (\d+), column \d+|end of document)\)")


@dataclass(frozen=True)
class Problem:
    """Why the file cannot be used: the line, from 1 (None: unknown), and what is wrong."""

    line: int | None
    message: str

    def at(self, path: Path) -> str:
        """The message after ``PATH:LINE:``, as compilers write it."""
        where = f"{path}" if self.line is None else f"{path}:{self.line}"
        return _("Config file {where}: {message}").format(where=where, message=self.message)


@dataclass(frozen=True)
class ConfigFile:
    """A config file as it was read; without settings if there is none or it has problems."""

    path: Path
    text: str | None = None  # None: there is no file, or it cannot be read
    settings: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by action
    problems: tuple[Problem, ...] = ()

    def line_of(self, *names: str) -> int | None:
        """The line, from 1, where ``"theme"`` or ``"keys", "predict"`` begins; None if unknown."""
        return _line_of(self.text or "", names)

    def check(self) -> None:
        """UsageError with the first problem, if there is one."""
        if self.problems:
            hint = _("Mend it: rnnviz config edit, or delete it: rnnviz works without.")
            raise UsageError(f"{self.problems[0].at(self.path)}\n{hint}")


def read() -> ConfigFile:
    """The config file, with everything that is wrong with it."""
    path = config_path()
    try:
        path.stat()
    except (OSError, ValueError):  # no such file, or no access to its folder
        return ConfigFile(path)
    text = None
    try:
        text = read_limited(path, _LIMIT).decode("utf-8")
        table = _parsed(text)
    except Exception as error:  # a damaged file makes a parser raise nearly anything
        return ConfigFile(path, text, problems=(_unreadable(error, text),))
    problems = tuple(_problems(table, text))
    if problems:
        return ConfigFile(path, text, problems=problems)
    keys = {action: _as_tuple(value) for action, value in table.pop(KEYS, {}).items()}
    return ConfigFile(path, text, table, keys)


def user_keymap(config: ConfigFile | None = None) -> Keymap:
    """The keys of the screens, with those of the config file.

    Raises UsageError with file and line for an unknown action or key, and for a key that two
    actions would share.
    """
    config = read() if config is None else config
    config.check()
    keymap = _keymap(config)
    if isinstance(keymap, Problem):
        raise UsageError(f"{keymap.at(config.path)}\n" + _("Mend it: rnnviz config edit"))
    return keymap


def keymap_problem(config: ConfigFile) -> Problem | None:
    """What is wrong with the table of keys: the first action that cannot have its keys."""
    keymap = _keymap(config)
    return keymap if isinstance(keymap, Problem) else None


def _keymap(config: ConfigFile) -> Keymap | Problem:
    from rnnviz.tui.keymap import DEFAULT_KEYMAP, KeymapError

    try:
        return DEFAULT_KEYMAP.with_keys(config.keys)
    except KeymapError as error:
        return Problem(config.line_of(KEYS, error.action), str(error))


def _parsed(text: str) -> dict[str, Any]:
    import tomllib

    return tomllib.loads(text)


def _unreadable(error: Exception, text: str | None) -> Problem:
    """The problem of a file that is no TOML, or that cannot be read at all."""
    said = _("it cannot be read: {reason}.").format(reason=reason(error))
    if text is None:
        return Problem(None, said)
    found = _POSITION.search(str(error))
    if found is None:
        return Problem(None, said)
    line = int(found[1]) if found[1] else len(text.rstrip().splitlines()) or 1
    return Problem(
        line, _("this is no TOML: {reason}.").format(reason=_POSITION.sub("", reason(error)))
    )


def _problems(table: Mapping[str, Any], text: str) -> Iterator[Problem]:
    """What is wrong with each entry, in the order of the file."""
    for name, value in table.items():
        if name == KEYS:
            yield from _key_problems(value, text)
        elif name not in SETTINGS:
            known = [*SETTINGS, f"[{KEYS}]"]
            message = _("unknown key {name!r}.{close} Keys: {keys}.").format(
                name=name[:60], close=nearest(name, [*SETTINGS, KEYS]), keys=", ".join(known)
            )
            yield Problem(_line_of(text, (name,)), message)
        else:
            valid = SETTINGS[name]
            if not isinstance(value, str) or (valid and value not in valid):
                close = nearest(value, valid) if valid and isinstance(value, str) else ""
                message = (
                    _("{name} must be one of {values}, found {found}.")
                    if valid
                    else _("{name} must be a text, found {found}.")
                ).format(name=name, values=", ".join(valid or ()), found=_short(value)) + close
                yield Problem(_line_of(text, (name,)), message)


def _key_problems(table: object, text: str) -> Iterator[Problem]:
    """Entries of ``[keys]`` that are neither a key nor a list of keys."""
    if not isinstance(table, dict):
        message = _("{keys} must be a table: [{keys}], found {found}.").format(
            keys=KEYS, found=_short(table)
        )
        yield Problem(_line_of(text, (KEYS,)), message)
        return
    for action, value in table.items():
        if not all(isinstance(key, str) for key in _as_tuple(value)):
            example = f'{action} = "x" or {action} = ["x", "f2"]'
            message = _(
                "[{keys}] {action} must be a key or a list of keys, as in {example}."
            ).format(keys=KEYS, action=action, example=example)
            yield Problem(_line_of(text, (KEYS, action)), message)


def _as_tuple(value: object) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list) else (value,)


def _short(value: object) -> str:
    try:
        return repr(value)[:60]
    except (RecursionError, ValueError):  # lists in lists, a number of a million digits
        return f"a {type(value).__name__}"


def _line_of(text: str, names: Sequence[str]) -> int | None:
    """The line, from 1, where an entry begins; None if it is not written out as such.

    tomllib tells no lines. So the entry begins in the first line that has its name and behind which
    the file, cut off there, has the entry, while cut off before it has not.
    """
    lines = text.split("\n")
    for n, line in enumerate(lines):
        if names[-1] not in line or _has("\n".join(lines[:n]), names) is not False:
            continue
        for end in range(n + 1, min(n + _VALUE_LINES, len(lines)) + 1):
            found = _has("\n".join(lines[:end]), names)
            if found:
                return n + 1
            if found is False:  # a complete entry, or a comment, that has the name somewhere
                break
    return None


def _has(text: str, names: Sequence[str]) -> bool | None:
    """Whether a TOML text has an entry; None if it is no TOML, as a value that is cut off."""
    try:
        table: Any = _parsed(text)
    except (ValueError, RecursionError):
        return None
    for name in names:
        if not isinstance(table, dict) or name not in table:
            return False
        table = table[name]
    return True
