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
from rnnviz.errors import UsageError, one_line
from rnnviz.version import VERSION

#: Anchor colours of the heatmap's scale, from −1 through 0 to +1, for the ramp.
RAMP = ((64, 132, 214), (30, 33, 40), (230, 140, 50))


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
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
            stdout.lines(f"  {key}: {value}")
    stdout.lines("colour ramp, −1 to +1, and the glyphs of the screen")
    if options.colours_stdout(color):
        stdout.coloured("  " + ramp(41))
    stdout.lines("  ▁▂▃▄▅▆▇█  ━┃┏┓┗┛┳┻╋  ⊙ ⊗ ⊕ σ ∂ ₀₁₂₃₄₅₆₇₈₉")


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
        "terminal": {
            "stdout is a terminal": sys.stdout.isatty(),
            "TERM": os.environ.get("TERM", "not set"),
            "COLORTERM": os.environ.get("COLORTERM", "not set"),
            "size": f"{size.columns}x{size.lines}" + _small(size.columns, size.lines),
            "colour": "yes" if colour else "no (NO_COLOR, TERM or --color)",
            "colours": _colours(),
            "encoding": sys.stdout.encoding,
            "unicode": "yes" if options.unicode() else "no: letters take the place of glyphs",
            "locale": locale.setlocale(locale.LC_CTYPE) or "C",
            "tmux": "yes" if os.environ.get("TMUX") else "no",
            "ssh": "yes" if os.environ.get("SSH_CONNECTION") else "no",
        },
        "computing": {
            "Python": platform.python_version(),
            "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
            "numpy": _numpy(),
            "GPU": _gpu(),
        },
        "versions": {"rnnviz": VERSION} | {n: _version(n) for n in DEPENDENCIES},
        "paths": {
            "config": _config(),
            "runs": f"{runs_folder()}{_absent(_is_folder(runs_folder()))}",
            "imported models": f"{imported_folder()}{_absent(_is_folder(imported_folder()))}",
            "models": f"{assets() / 'models'} ({len(shipped())} models)",
            "data": _data(),
        },
    }


def _colours() -> str:
    """How many colours the terminal says it has."""
    from rich.console import Console

    counts = {"truecolor": "16 million", "256": "256", "standard": "16", "windows": "16"}
    return counts.get(Console().color_system or "", "none")


def _config() -> str:
    """The path of the config file, and why it is not used."""
    config = config_file.read()
    if config.problems:
        problem = config.problems[0]
        where = "" if problem.line is None else f"line {problem.line}: "
        return f"{config.path} (not used: {where}{problem.message})"
    return f"{config.path}{_absent(config.text is not None)}"


def _data() -> str:
    """The folder of data sets."""
    from rnnviz.data.folders import requested_folder

    try:
        folder = requested_folder(None)
    except UsageError as error:
        return f"cannot be used: {one_line(error)}"
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
    return "" if columns >= 60 and lines >= 20 else " (the stepper needs 60x20)"


def _absent(here: bool) -> str:
    return "" if here else " (not there yet)"


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _numpy() -> str:
    import numpy as np

    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {})
    threads = os.environ.get("OPENBLAS_NUM_THREADS", "default")
    library = f"{blas.get('name', '?')} {blas.get('version', '')}"
    return f"{np.__version__}, BLAS {library}, threads {threads}"


def _gpu() -> str:
    from rnnviz.engine.device import cuda_backend, device_name, gpu_problem

    why = gpu_problem()
    if why:
        return f"not used, computing on the CPU: {why}"
    return f"used by rnnviz train: {device_name(cuda_backend())}"
