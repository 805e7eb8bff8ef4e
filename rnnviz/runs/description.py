"""``spec.json`` as a run begins: all that is settled then."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from rnnviz.data.series import Scaling
from rnnviz.engine.spec import FitSpec, ModelSpec
from rnnviz.recipes import Recipe, Task, is_sample
from rnnviz.runs.options import Options
from rnnviz.version import VERSION


def record_of(
    recipe: Recipe, options: Options, task: Task, spec: ModelSpec | None, fit: FitSpec,
    folder: Path, device: str,
) -> dict[str, Any]:  # fmt: skip
    """``spec.json``: all that is settled when a run begins."""
    sample = is_sample(folder)
    changed = _changed(recipe, spec, task)
    title, trained_on = _names(recipe, options, task, sample, changed)
    # A number beside another net than the published one would be read as that net's to reach.
    published = None if changed else recipe.published
    return {
        "schema": "rnnviz.run/1",
        "recipe": recipe.name,
        "title": title,
        "trained_on": trained_on,
        "sample": sample,
        "example": recipe.example,
        "config": None if spec is None else spec.to_json(),
        "labels": list(task.labels),
        "fit": asdict(fit),
        "options": asdict(options),
        "metric": _metric(spec, task),
        "published": None if published is None else asdict(published),
        "data": task.files,
        "preparation": task.preparation,
        "licence": task.licence,
        "seed": options.seed,
        "device": device,
        "versions": _versions(),
        "folder": "sample" if sample else str(folder.resolve()),
    }


def _changed(recipe: Recipe, spec: ModelSpec | None, task: Task) -> list[str]:
    """What of the recipe's own net is another now, in words: "cell gru", "units 8"."""
    if spec is None or recipe.model is None:
        return []
    own = recipe.model(task.size)
    return [
        f"{name.replace('_', ' ')} {getattr(spec.layers[0], name)}"
        for name in ("cell", "units", "dropout", "recurrent_dropout")
        if any(
            getattr(a, name) != getattr(b, name)
            for a, b in zip(own.layers, spec.layers, strict=True)
        )
    ]


def _names(
    recipe: Recipe, options: Options, task: Task, sample: bool, changed: Sequence[str]
) -> tuple[str, str]:
    """Title and data, told with every number: neither hides another net, a sample or a variant."""
    title, trained_on = recipe.title, task.trained_on
    if changed:
        title += f" with {', '.join(changed)}"
    if sample:
        title += ", on the sample"
        trained_on += "" if "sample" in trained_on else " sample"
    if options.variant is not None:
        title += f", variant {options.variant}"
        trained_on += f", {options.variant}"
    return title, trained_on


def _metric(spec: ModelSpec | None, task: Task) -> Mapping[str, Any]:
    """Which number of the history counts, which way, and what gives it in the series' unit."""
    numbers = spec is None or spec.head.kind == "linear"
    name = "mae" if numbers else "accuracy"
    found: dict[str, Any] = {"name": name, "better": "low" if numbers else "high"}
    if isinstance(task.encoder, Scaling):
        column = task.encoder.columns[task.encoder.target]
        unit = column.partition("(")[2].partition(")")[0]
        found["scale"] = task.encoder.std[task.encoder.target]
        found["unit"] = {"degC": "°C"}.get(unit, unit)
    return found


def _versions() -> dict[str, str]:
    return {
        "rnnviz": VERSION,
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
