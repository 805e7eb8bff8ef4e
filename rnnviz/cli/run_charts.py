"""Training runs as charts, and charts on a terminal."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnnviz.cli import echo
from rnnviz.cli.options import use_colour
from rnnviz.errors import UsageError, nearest

if TYPE_CHECKING:
    from rnnviz.charts import Chart, ColourSpan
    from rnnviz.runs import RunSummary

#: The terminal's own colours, so that they suit its background; no red beside green.
HUES = ("bright_blue", "yellow", "magenta", "cyan", "bright_yellow", "white")
#: A run's name becomes part of a format string.
BRACES = str.maketrans({"{": "{{", "}": "}}"})


def of_run(run: RunSummary, metric: str | None) -> list[Chart]:
    """Loss and metric of one run, or only the one that is asked for."""
    from rnnviz.charts import ChartText, learning

    charts = []
    for name in [metric] if metric else run.metrics:
        _check(run, name)
        published = run.published if run.published.get("metric", run.metric) == name else {}
        told = f"{_told(published)} {{value}}"
        words = ChartText(
            title=f"Training and validation {{metric}} · {run.name.translate(BRACES)}",
            published=told,
        )
        charts.append(
            learning(
                name,
                [epoch.number for epoch in run.history],
                run.values("train", name),
                run.values("valid", name),
                better=run.better(name),
                published=published.get("value"),
                words=words,
            )
        )
    return charts


def of_runs(runs: Sequence[RunSummary], metric: str | None) -> Chart:
    """The validation curves of several runs."""
    from rnnviz.charts import Chart, ChartLine, Level

    name = metric or common(runs)
    for run in runs:
        _check(run, name)
    lines = [
        ChartLine(label, [epoch.number for epoch in run.history], run.values("valid", name))
        for label, run in zip(labels(runs), runs, strict=True)
    ]
    levels = [
        Level(y, f"{told} {y:g}: {', '.join(recipes)}")
        for (told, y), recipes in to_reach(runs, name)
    ]
    return Chart(f"Validation {name}", lines, "epoch", name, levels)


def to_reach(
    runs: Sequence[RunSummary], metric: str
) -> list[tuple[tuple[str, float], dict[str, None]]]:
    """Published numbers of a metric, as ("published", 0.846), and the recipes each belongs to."""
    found: dict[tuple[str, float], dict[str, None]] = {}
    for run in runs:
        if run.published and run.published.get("metric", run.metric) == metric:
            key = _told(run.published), float(run.published["value"])
            found.setdefault(key, {})[str(run.spec["recipe"])] = None
    return list(found.items())


def _told(published: Mapping[str, Any]) -> str:
    return "published test" if published.get("of") == "test" else "published"


def common(runs: Sequence[RunSummary]) -> str:
    """The metric that counts for all of these runs, else the loss."""
    metrics = {run.metric for run in runs}
    return metrics.pop() if len(metrics) == 1 else "loss"


def labels(runs: Sequence[RunSummary]) -> list[str]:
    """Short names that tell runs apart: recipe and options that differ, else directories."""
    options = [run.spec.get("options") for run in runs]
    given = [found if isinstance(found, dict) else {} for found in options]
    keys = dict.fromkeys(key for found in given for key in found)
    different = [key for key in keys if len({repr(found.get(key)) for found in given}) > 1]
    short = []
    for run, found in zip(runs, given, strict=True):
        said = [f"{key} {found[key]}" for key in different if found.get(key) is not None]
        short.append(" ".join([run.spec["recipe"], *said]))
    return short if len(set(short)) == len(short) else [run.name for run in runs]


def _check(run: RunSummary, metric: str) -> None:
    if metric not in run.metrics:
        found = f"It has {', '.join(run.metrics)}." if run.metrics else "It has no epoch yet."
        raise UsageError(f"{run.name} has no {metric}.{nearest(metric, run.metrics)} {found}")


def show(charts: Sequence[Chart], color: str) -> None:
    """Print charts as wide as the terminal and together as high, within reason."""
    from rnnviz.charts import text

    size = shutil.get_terminal_size((80, 24))
    width, height = min(size.columns, 120), min(max((size.lines - 2) // len(charts), 12), 20)
    colour = use_colour(color) and (color == "always" or sys.stdout.isatty())
    for chart in charts:
        for row in text(chart, max(width, 20), height, ascii_only=not _braille()):
            if colour:
                echo.coloured("".join(map(_styled, row)))
            else:
                echo.lines("".join(span.text for span in row).rstrip())


def _styled(span: ColourSpan) -> str:
    if not span.text.strip():
        return span.text
    if span.role == "data":
        return click.style(span.text, fg=HUES[(span.hue or 0) % len(HUES)])
    weights = {"title": {"bold": True}, "spot": {"bold": True}, "axis": {"dim": True}}
    return click.style(span.text, **weights.get(span.role, {}))


def _braille() -> bool:
    """Whether stdout can show Braille characters; the console of Linux has no font for them."""
    try:
        "⠿●╌".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return os.environ.get("TERM") != "linux"


def check(path: Path | None) -> None:
    """UsageError where no SVG can be written at the path."""
    from rnnviz.files import require_writable

    if path is None:
        return
    if path.suffix.lower() != ".svg":
        raise UsageError(f"--output writes SVG; name a file that ends in .svg: {path}")
    require_writable(path)


def save(charts: Sequence[Chart], path: Path, dark: bool) -> None:
    """Write charts below each other to an SVG file."""
    from rnnviz.charts import figure
    from rnnviz.files import write_output

    write_output(path, figure(charts, dark=dark))
    echo.path(path)
