"""``rnnviz config``: the config file, and where each setting comes from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click
from click.core import ParameterSource

from rnnviz.cli import completions, config_file, options, stdout
from rnnviz.cli.click_errors import error_text
from rnnviz.cli.commands import LocalizedGroup
from rnnviz.cli.config_file import KEYS, SETTINGS, ConfigFile, Problem
from rnnviz.cli.language import locale_variable
from rnnviz.cli.stderr import say
from rnnviz.cli.tables import print_table
from rnnviz.errors import RnnvizError, UsageError, nearest
from rnnviz.files import write_atomically
from rnnviz.messages import N_, _, language, translated

HELP = N_("""The config file: defaults for every command, and keys of the stepper.

A flag comes before its RNNVIZ_ variable, that before the config file, that before the default.

\b
Examples:
  rnnviz config show                  every setting, and where its value comes from
  rnnviz config edit                  open the file in $VISUAL or $EDITOR
  rnnviz config validate              file, line, and the nearest valid name
  RNNVIZ_THEME=light rnnviz config show --json

\b
The file is TOML:
  theme = "light"
  [keys]
  predict = ["p", "f2"]
""")

#: What a new file says of each setting.
_COMMENTS = {
    "model": N_("the model of step; rnnviz models lists them"),
    "lang": N_("language of the screen; without it that of the locale"),
    "theme": N_("colours of the screen"),
    "notation": N_("symbols of the screen: Keras's, PyTorch's, a paper's, ONNX's"),
    "color": N_("colour codes: auto looks at the terminal and at NO_COLOR"),
    "device": N_("where to compute"),
    "lessons": N_("a folder of lessons of your own, beside the shipped ones"),
    "presenter": N_("whether step opens in presenter mode"),
}
#: Variables that are no settings of the file.
_OTHER_VARIABLES = ("RNNVIZ_DATA", "RNNVIZ_OFFLINE", "RNNVIZ_BENCH_PYTHON", "RNNVIZ_COMPLETE")


@click.group("config", cls=LocalizedGroup, help=HELP)
@options.debug
def command() -> None:
    """The commands of the config file."""


@command.command("path", help=N_("Print the path of the config file, which need not exist."))
@options.debug
def path() -> None:
    """Print the path of the config file, which need not exist."""
    stdout.path(config_file.config_path())


#: Where a value may come from.
SOURCES = (N_("flag"), N_("environment"), N_("file"), N_("locale"), N_("default"))


@dataclass(frozen=True)
class Setting:
    """The value of a setting, and where it comes from."""

    name: str
    value: str
    source: str  # of SOURCES: "flag", "environment", "file", "locale" or "default"
    where: str  # the flag, the variable, or PATH:LINE; "" for a default

    def to_json(self) -> dict[str, str]:
        """As one JSON object."""
        return {
            "name": self.name, "value": self.value, "source": self.source, "where": self.where,
        }  # fmt: skip


SHOW_HELP = N_("""Show every setting, its value and where that comes from.

With flags it shows what they change, as a command would take them.
""")


@command.command("show", help=SHOW_HELP)
@click.option("-m", "--model", envvar="RNNVIZ_MODEL", metavar="NAME", help=N_("As in step."),
              shell_complete=completions.models)  # fmt: skip
@options.lang
@options.theme
@options.notation
@options.colour
@options.device
@options.presenter
@options.lessons
@click.option("--json", "as_json", is_flag=True, help=N_("Print one JSON object."))
@options.debug
@click.pass_context
def show(ctx: click.Context, /, as_json: bool, **values: Any) -> None:
    """Show every setting, its value and where that comes from."""
    config = config_file.read()
    config.check()
    settings = [_setting(ctx, config, name, values[name]) for name in SETTINGS]
    data = _data_folder()
    for problem in _variable_problems():
        say(problem)
    if as_json:
        stdout.document(
            {
                "path": str(config.path),
                "exists": config.text is not None,
                "settings": [setting.to_json() for setting in (*settings, data)],
                "keys": {action: list(keys) for action, keys in config.keys.items()},
            }
        )
        return
    rows = [(_("setting"), _("value"), _("from"))]
    rows += [
        (each.name, each.value, each.where or translated(each.source)) for each in (*settings, data)
    ]
    for action, keys in config.keys.items():
        where = _in_file(config, KEYS, action)
        rows.append((f"{KEYS}.{action}", ", ".join(keys) or _("none"), where))
    print_table(rows)
    state = "" if config.text is not None else " " + _("(not there yet: rnnviz config edit)")
    stdout.lines("", _("File: {path}{state}").format(path=config.path, state=state))


def _setting(ctx: click.Context, config: ConfigFile, name: str, value: object) -> Setting:
    value = options.SWITCH[value] if isinstance(value, bool) else value
    source = ctx.get_parameter_source(name)
    if source is ParameterSource.COMMANDLINE:
        return Setting(name, str(value), "flag", f"--{name}")
    if source is ParameterSource.ENVIRONMENT:
        return Setting(name, str(value), "environment", _variable(name))
    if source is ParameterSource.DEFAULT_MAP:
        return Setting(name, str(value), "file", _in_file(config, name))
    if name == "lang":
        return _language()
    return Setting(name, str(value or _default(name)), "default", "")


def _default(name: str) -> str:
    """What a command takes where nothing is set."""
    from rnnviz.lookup import DEFAULT

    if name == "lessons":
        from rnnviz.lessons.catalogue import default_folder

        return str(default_folder())
    return {"model": DEFAULT, "theme": options.theme_name(None)}[name]


def _language() -> Setting:
    """The language of the locale."""
    variable = locale_variable()
    if variable is None:
        return Setting("lang", options.language(None), "default", "")
    where = f"{variable}={os.environ[variable]}"
    return Setting("lang", options.language(None), "locale", where)


def _data_folder() -> Setting:
    """The folder of data sets, which has a variable and no line in the file."""
    from rnnviz.data.folders import FOLDER_VARIABLE, requested_folder

    given = os.environ.get(FOLDER_VARIABLE)
    source, where = ("environment", FOLDER_VARIABLE) if given else ("default", "")
    return Setting("data", str(requested_folder(None)), source, where)


def _variable(name: str) -> str:
    return f"RNNVIZ_{name.upper()}"


def _in_file(config: ConfigFile, *names: str) -> str:
    line = config.line_of(*names)
    return str(config.path) if line is None else f"{config.path}:{line}"


def _variable_problems() -> Iterator[str]:
    """Variables that look like settings and are not read."""
    known = [*map(_variable, SETTINGS), *_OTHER_VARIABLES]
    for name in sorted(os.environ):
        if name.startswith("RNNVIZ_") and name not in known:
            yield _("{name} is not read.{close}").format(name=name, close=nearest(name, known))


VALIDATE_HELP = N_("""\
Check the config file; every problem with its line. Exit code 2 if there is one.
""")


@command.command("validate", help=VALIDATE_HELP)
@click.option("--json", "as_json", is_flag=True, help=N_("Print one JSON object."))
@options.debug
def validate(as_json: bool) -> int:
    """Check the config file; every problem with its line. Exit code 2 if there is one."""
    config = config_file.read()
    problems = [*_all_problems(config)]
    if as_json:
        found = [{"line": each.line, "message": each.message} for each in problems]
        stdout.document({"path": str(config.path), "valid": not found, "problems": found})
        return 2 if problems else 0
    return _report(config, problems)


def _report(config: ConfigFile, problems: list[Problem]) -> int:
    """Say what is wrong, or that nothing is; the exit code."""
    for problem in problems:
        say(problem.at(config.path))
    if problems:
        return 2
    if config.text is None:
        say(_("There is no config file {path}; rnnviz works without.").format(path=config.path))
    else:
        stdout.lines(
            _("{path}: valid; settings {settings}, keys {keys}").format(
                path=config.path, settings=len(config.settings), keys=len(config.keys)
            )
        )
    return 0


def _all_problems(config: ConfigFile) -> Iterator[Problem]:
    """Those of the file itself, and names in it that do not exist."""
    from rnnviz.lookup import locate

    yield from config.problems
    problem = config_file.keymap_problem(config)
    if problem is not None:
        yield problem
    if "model" in config.settings:
        try:
            locate(config.settings["model"])
        except RnnvizError as error:
            yield Problem(config.line_of("model"), f"model: {error}")


EDIT_HELP = N_("""Open the config file in $VISUAL or $EDITOR, and check it afterwards.

If there is none yet, one is made in which every line is a comment.
""")


@command.command("edit", help=EDIT_HELP)
@options.debug
def edit() -> int:
    """Open the config file in $VISUAL or $EDITOR, and check it afterwards."""
    path = config_file.config_path()
    if config_file.read().text is None and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, template())
    try:
        click.edit(filename=str(path))
    except (click.ClickException, ValueError) as error:  # ValueError: a quotation without end
        said = error_text(error) if isinstance(error, click.ClickException) else error
        raise UsageError(
            f"{said}\n" + _("Name an editor: EDITOR=nano rnnviz config edit")
        ) from error
    config = config_file.read()
    return _report(config, [*_all_problems(config)])


def template() -> str:
    """A config file in which every line is a comment."""
    from rnnviz.tui.keymap import DEFAULT_KEYMAP, MODEL_KEYS

    values: dict[str, Any] = {name: (choices or [None])[0] for name, choices in SETTINGS.items()}
    lines = ["# " + _("Defaults of rnnviz. Remove the # of a line to use it."), ""]
    for name, choices in SETTINGS.items():
        value = values[name] or _default(name)
        valid = f"; {', '.join(choices)}" if choices else ""
        lines.append(f'# {name} = "{value}"  # {translated(_COMMENTS[name])}{valid}')
    lines += ["", f"# [{KEYS}]  # " + _("an action of the screens, and a key or a list of keys")]
    models = [_("model {n}").format(n=n) for n in range(1, MODEL_KEYS + 1)]
    for action in DEFAULT_KEYMAP.actions:
        keys = ", ".join(f'"{_typed(key)}"' for key in action.keys)
        keys = f"[{keys}]" if len(action.keys) > 1 else keys
        about = DEFAULT_KEYMAP.words(action, language(), models)
        lines.append(f"# {action.name} = {keys}  # {about}")
    return "\n".join(lines) + "\n"


def _typed(key: str) -> str:
    """A key as it is typed, "?", where that is one character, else its name, "f1"."""
    from rnnviz.tui.keymap import display_key

    shown = display_key(key)
    return shown if len(shown) == 1 and shown.isascii() and shown not in '"\\' else key
