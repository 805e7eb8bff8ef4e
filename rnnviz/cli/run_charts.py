"""Charts of training runs, printed on a terminal or written as pictures."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnnviz.cli import stdout
from rnnviz.cli.options import colours_stdout
from rnnviz.cli.tables import metric_name
from rnnviz.errors import UsageError, nearest
from rnnviz.messages import _, translated

if TYPE_CHECKING:
    from rnnviz.charts import Chart, ColourSpan
    from rnnviz.runs import RunSummary

#: Colours of the terminal's own palette, which suit its background; no red beside green.
COLOURS = ("bright_blue", "yellow", "magenta", "cyan", "bright_yellow", "white")
#: Escapes braces: a run's name becomes part of a format string.
ESCAPED_BRACES = str.maketrans({"{": "{{", "}": "}}"})


def of_run(run: RunSummary, metric: str | None) -> list[Chart]:
    """The curves of one run: of all metrics, or of one."""
    from rnnviz.charts import ChartText, learning_curves

    charts = []
    for name in [metric] if metric else run.metrics:
        _check(run, name)
        published = run.published if run.published.get("metric", run.metric) == name else {}
        words = ChartText(
            title=_("Training and validation {metric}")
            + f" · {run.name.translate(ESCAPED_BRACES)}",
            training=_("training"),
            validation=_("validation"),
            epoch=_("epoch"),
            best=_("best {value}, epoch {epoch}"),
            published=f"{_published_label(published)} {{value}}",
        )
        charts.append(
            learning_curves(
                metric_name(name),
                [epoch.number for epoch in run.history],
                run.values("train", name),
                run.values("valid", name),
                better=run.better(name),
                published=published.get("value"),
                texts=words,
            )
        )
    return charts


def of_runs(runs: Sequence[RunSummary], metric: str | None) -> Chart:
    """The validation curves of several runs."""
    from rnnviz.charts import Chart, ChartLine, Level

    name = metric or common_metric(runs)
    for run in runs:
        _check(run, name)
    lines = [
        ChartLine(label, [epoch.number for epoch in run.history], run.values("valid", name))
        for label, run in zip(labels(runs), runs, strict=True)
    ]
    levels = [
        Level(y, f"{label} {y:g}: {', '.join(recipes)}")
        for (label, y), recipes in published_values(runs, name)
    ]
    title = _("Validation {metric}").format(metric=metric_name(name))
    return Chart(title, lines, _("epoch"), metric_name(name), levels)


def published_values(
    runs: Sequence[RunSummary], metric: str
) -> list[tuple[tuple[str, float], dict[str, None]]]:
    """Published numbers of a metric, as ("published", 0.846), and the recipes each belongs to."""
    values: dict[tuple[str, float], dict[str, None]] = {}
    for run in runs:
        if run.published and run.published.get("metric", run.metric) == metric:
            key = _published_label(run.published), float(run.published["value"])
            values.setdefault(key, {})[str(run.spec["recipe"])] = None
    return list(values.items())


def _published_label(published: Mapping[str, Any]) -> str:
    return _("published test") if published.get("of") == "test" else _("published")


def common_metric(runs: Sequence[RunSummary]) -> str:
    """The main metric of all these runs if it is the same, else the loss."""
    metrics = {run.shown_metric for run in runs}
    return metrics.pop() if len(metrics) == 1 else "loss"


def labels(runs: Sequence[RunSummary]) -> list[str]:
    """Distinct labels: the recipe and the options that differ, else the directories."""
    records = [run.spec.get("options") for run in runs]
    options = [record if isinstance(record, dict) else {} for record in records]
    keys = dict.fromkeys(key for own in options for key in own)
    different = [key for key in keys if len({repr(own.get(key)) for own in options}) > 1]
    short = []
    for run, own in zip(runs, options, strict=True):
        pairs = [
            f"{translated(key.replace('_', ' '))} {own[key]}"
            for key in different
            # A table is named by its file, which is the recipe's name.
            if own.get(key) is not None and not isinstance(own[key], dict)
        ]
        short.append(" ".join([run.spec["recipe"], *pairs]))
    return short if len(set(short)) == len(short) else [run.name for run in runs]


def _check(run: RunSummary, metric: str) -> None:
    if metric not in run.metrics:
        known = _("It has no epoch yet.")
        if run.metrics:
            known = _("It has {names}.").format(names=", ".join(run.metrics))
        raise UsageError(
            _("{name} has no {metric}.{close} {known}").format(
                name=run.name, metric=metric, close=nearest(metric, run.metrics), known=known
            )
        )


def show(charts: Sequence[Chart], color: str) -> None:
    """Print charts that together fill the terminal, within limits."""
    from rnnviz.charts import text

    size = shutil.get_terminal_size((80, 24))
    width, height = min(size.columns, 120), min(max((size.lines - 2) // len(charts), 12), 20)
    colour = colours_stdout(color)
    for chart in charts:
        for row in text(chart, max(width, 20), height, ascii_only=not _braille()):
            if colour:
                stdout.coloured("".join(map(_styled, row)))
            else:
                stdout.lines("".join(span.text for span in row).rstrip())


def _styled(span: ColourSpan) -> str:
    if not span.text.strip():
        return span.text
    if span.role == "data":
        return click.style(span.text, fg=COLOURS[(span.hue or 0) % len(COLOURS)])
    weights = {"title": {"bold": True}, "spot": {"bold": True}, "axis": {"dim": True}}
    return click.style(span.text, **weights.get(span.role, {}))


def _braille() -> bool:
    """Whether stdout can show Braille characters; the Linux console has no font for them."""
    try:
        "⠿●╌".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return os.environ.get("TERM") != "linux"


def check(path: Path | None) -> None:
    """UsageError unless a picture can be written at the path, MissingError for a library."""
    from rnnviz import picture_files
    from rnnviz.files import require_writable

    if path is None:
        return
    if path.suffix.lower() not in picture_files.ENDINGS:
        endings = _(" or ").join(picture_files.ENDINGS)
        raise UsageError(
            _("--output writes a picture; name a file that ends in {endings}: {path}").format(
                endings=endings, path=path
            )
        )
    picture_files.require_converter(path)
    require_writable(path)


def save(charts: Sequence[Chart], path: Path, dark: bool) -> None:
    """Write charts to a picture, one below the other."""
    from rnnviz.charts import figure
    from rnnviz.files import write_output
    from rnnviz.picture_files import encoded

    write_output(path, encoded(figure(charts, dark=dark), path))
    stdout.path(path)
