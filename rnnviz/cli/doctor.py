"""``rnnviz doctor``: the abilities of this machine and terminal, and why some are missing."""

from __future__ import annotations

import importlib.metadata
import locale
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import Any

import click

from rnnviz.cli import config_file, options, stdout
from rnnviz.cli.commands import LocalizedCommand
from rnnviz.errors import UsageError, one_line
from rnnviz.messages import N_, _, translated
from rnnviz.version import VERSION

#: Anchor colours of the heatmap's scale, from −1 through 0 to +1, for the ramp.
RAMP = ((64, 132, 214), (30, 33, 40), (230, 140, 50))


DOCTOR_HELP = N_("""\
Report terminal, colours, size, unicode, locale, Python, numpy, GPU, paths and versions.
""")


@click.command("doctor", cls=LocalizedCommand, help=DOCTOR_HELP)
@click.option("--json", "as_json", is_flag=True, help=N_("Print one JSON object."))
@options.colour
@options.debug
def command(as_json: bool, color: str) -> None:
    """Report terminal, colours, size, unicode, locale, Python, numpy, GPU, paths and versions."""
    facts = report(options.use_colour(color))
    if as_json:
        stdout.document(facts)
        return
    for section, entries in facts.items():
        stdout.lines(section)
        for key, value in entries.items():
            stdout.lines(f"  {key}: {_switch(value)}")
    stdout.lines(_("colour ramp, −1 to +1, and the glyphs of the screen"))
    if options.colours_stdout(color):
        stdout.coloured("  " + ramp(41))
    stdout.lines("  ▁▂▃▄▅▆▇█  ━┃┏┓┗┛┳┻╋  ⊙ ⊗ ⊕ σ ∂ ₀₁₂₃₄₅₆₇₈₉")


def _switch(value: object) -> object:
    """A truth value in words; other values are unchanged."""
    return translated(str(value)) if isinstance(value, bool) else value


#: How a truth value is printed.
TRUTH = (N_("True"), N_("False"))


def ramp(levels: int) -> str:
    """The diverging scale as coloured spaces."""
    cells = []
    for n in range(levels):
        share = 2 * n / (levels - 1)
        low, high = RAMP[:2] if share <= 1 else RAMP[1:]
        part = share if share <= 1 else share - 1
        rgb = ";".join(str(round(a + (b - a) * part)) for a, b in zip(low, high, strict=True))
        cells.append(f"\x1b[48;2;{rgb}m ")
    return "".join(cells) + "\x1b[0m"


def report(colour: bool) -> dict[str, dict[str, Any]]:
    """Every fact, by section."""
    from rnnviz.lookup import imported_folder
    from rnnviz.model_files import assets, shipped
    from rnnviz.runs import runs_folder

    size = shutil.get_terminal_size()
    return {
        _("terminal"): {
            _("stdout is a terminal"): sys.stdout.isatty(),
            "TERM": os.environ.get("TERM", _("not set")),
            "COLORTERM": os.environ.get("COLORTERM", _("not set")),
            _("size"): f"{size.columns}x{size.lines}" + _small(size.columns, size.lines),
            _("colour"): _("yes") if colour else _("no (NO_COLOR, TERM or --color)"),
            _("colours"): _colours(colour),
            _("encoding"): sys.stdout.encoding,
            _("unicode"): _("yes")
            if options.unicode()
            else _("no: letters take the place of glyphs"),
            _("locale"): locale.setlocale(locale.LC_CTYPE) or "C",
            "tmux": _("yes") if os.environ.get("TMUX") else _("no"),
            "ssh": _("yes") if os.environ.get("SSH_CONNECTION") else _("no"),
        },
        _("computing"): {
            "Python": platform.python_version(),
            _("machine"): _("{system}, {count} cores").format(
                system=f"{platform.system()} {platform.machine()}", count=os.cpu_count()
            ),
            "numpy": _numpy(),
            "GPU": _gpu(),
        },
        _("versions"): {"rnnviz": VERSION} | {n: _version(n) for n in DEPENDENCIES},
        _("paths"): {
            _("config"): _config(),
            _("runs"): f"{runs_folder()}{_absent(_is_folder(runs_folder()))}",
            _("imported models"): f"{imported_folder()}{_absent(_is_folder(imported_folder()))}",
            _("models"): _("{folder} ({count} models)").format(
                folder=assets() / "models", count=len(shipped())
            ),
            _("data"): _data(),
        },
    }


def _colours(colour: bool) -> str:
    """How many colours the terminal says it has; where stdout is piped, what TERM says."""
    from rich.console import Console

    counts = {"truecolor": _("16 million"), "256": "256", "standard": "16", "windows": "16"}
    return counts.get(Console(force_terminal=colour or None).color_system or "", _("none"))


def _config() -> str:
    """The path of the config file, and why it is not used."""
    config = config_file.read()
    if config.problems:
        problem = config.problems[0]
        why = problem.message
        if problem.line is not None:
            why = _("line {number}: {problem}").format(number=problem.line, problem=why)
        return f"{config.path} " + _("(not used: {why})").format(why=why)
    return f"{config.path}{_absent(config.text is not None)}"


def _data() -> str:
    """The folder of data sets."""
    from rnnviz.data.folders import requested_folder

    try:
        folder = requested_folder(None)
    except UsageError as error:
        return _("cannot be used: {error}").format(error=one_line(error))
    return f"{folder}{_absent(_is_folder(folder))}"


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _is_folder(path: Path) -> bool:
    return _is_there(path) and path.is_dir()


DEPENDENCIES = ("textual", "rich", "click", "safetensors", "platformdirs")


def _small(columns: int, lines: int) -> str:
    return "" if columns >= 60 and lines >= 20 else " " + _("(the stepper needs 60x20)")


def _absent(here: bool) -> str:
    return "" if here else " " + _("(not there yet)")


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return _("not installed")


def _numpy() -> str:
    import numpy as np

    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {})
    threads = os.environ.get("OPENBLAS_NUM_THREADS", _("default"))
    library = f"{blas.get('name', '?')} {blas.get('version', '')}"
    return _("{version}, BLAS {library}, threads {threads}").format(
        version=np.__version__, library=library, threads=threads
    )


def _gpu() -> str:
    from rnnviz.engine.device import cuda_backend, device_name, gpu_problem

    why = gpu_problem()
    if why:
        return _("not used, computing on the CPU: {why}").format(why=why)
    return _("used by rnnviz train: {device}").format(device=device_name(cuda_backend()))
