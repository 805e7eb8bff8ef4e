"""The language of the command line: of its help, errors and tables, and of its screens.

It is found before click parses anything, because the errors of parsing are in it, too.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

LANGUAGES = ("en", "tr")
VARIABLE = "RNNVIZ_LANG"
_FLAG = "--lang"
#: The largest config file that is read, in bytes.
_LIMIT = 100_000


def chosen_language(args: Sequence[str]) -> str:
    """The language of the flag, else of RNNVIZ_LANG, else of the config file, else of the locale.

    A value that is no language is skipped here; whoever uses it raises the error.
    """
    return (
        _of_flag(args)
        or _known(os.environ.get(VARIABLE))
        or _known(_of_config())
        or language_of_locale()
    )


def language_of_locale() -> str:
    """The language of the locale if there are texts in it, else English."""
    variable = locale_variable()
    return "tr" if variable and os.environ[variable].lower().startswith("tr") else "en"


def locale_variable() -> str | None:
    """The variable that says the language, or None."""
    return next((v for v in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(v)), None)


def _of_flag(args: Sequence[str]) -> str | None:
    """The language of the last ``--lang tr`` or ``--lang=tr`` in front of ``--``."""
    found = None
    for n, arg in enumerate(args):
        if arg == "--":
            break
        if arg == _FLAG:
            found = _known(args[n + 1] if n + 1 < len(args) else None) or found
        elif arg.startswith(f"{_FLAG}="):
            found = _known(arg.removeprefix(f"{_FLAG}=")) or found
    return found


def _of_config() -> object:
    """The entry "lang" of the config file; None where there is no such file or no TOML in it."""
    from rnnviz.cli.config_path import config_path

    try:
        path = config_path()
        if not path.is_file():
            return None
        import tomllib

        from rnnviz.files import read_limited

        return tomllib.loads(read_limited(path, _LIMIT).decode("utf-8")).get("lang")
    except Exception:  # the commands say what is wrong with the file
        return None


def _known(value: object) -> str | None:
    return value if isinstance(value, str) and value in LANGUAGES else None
