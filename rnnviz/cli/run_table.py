"""Training runs as rows of tables and as JSON."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnviz.cli.tables import print_table
from rnnviz.display import finite
from rnnviz.errors import damage

if TYPE_CHECKING:
    from rnnviz.runs import RunSummary


def facts(run: RunSummary, metric: str | None = None) -> dict[str, Any]:
    """The row of a run as JSON; the best epoch is chosen by ``metric``, or by the run's own."""
    metric = metric or run.metric
    best = run.best(metric)
    seconds = [e.seconds for e in run.history if math.isfinite(e.seconds)]
    return {
        "name": run.name,
        "path": str(run.path),
        "recipe": run.spec["recipe"],
        "state": run.state,
        "epochs": len(run.history),
        "epochs_asked": run.epochs,
        "metric": metric,
        "best": None if best is None else best.valid[metric],
        "best_epoch": None if best is None else best.number,
        "kept": None if run.saved is None else run.saved.valid.get(metric),
        "kept_epoch": None if run.saved is None else run.saved.number,
        "published": run.published.get("value") if metric == run.metric else None,
        "published_of": run.published.get("of"),
        "published_source": run.published.get("source"),
        "test": finite(run.result.get("test")) or None,
        "trained_on": run.spec.get("trained_on"),
        "seconds_an_epoch": round(sum(seconds) / len(seconds), 3) if seconds else None,
        "when": time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(run.modified)),
    }


def table_row(run: RunSummary, metric: str | None = None) -> dict[str, str]:
    """The row of a run in a table: of the saved weights, or of the best epoch by ``metric``.

    If these are different epochs, another cell has the value of the other one.
    """
    row = facts(run, metric)
    best, saved = _number(row["best"]), _number(row["kept"])
    cells = {
        "name": run.name,
        "recipe": row["recipe"],
        "state": row["state"],
        "epochs": f"{row['epochs']}/{row['epochs_asked']}" if run.epochs else "-",
    }
    if metric:
        cells |= {f"best validation {metric}": best, "epoch": _number(row["best_epoch"])}
    else:
        cells |= {"validation": f"{row['metric']} {saved}", "epoch": _number(row["kept_epoch"])}
    cells |= {
        "published": _number(row["published"]),
        "data": str(row["trained_on"] or "-"),
        "when": row["when"][:16].replace("T", " "),
    }
    if row["kept_epoch"] != row["best_epoch"] and not metric:
        cells["best"] = f"{best} in epoch {_number(row['best_epoch'])}"
    elif row["kept_epoch"] != row["best_epoch"]:
        cells["kept"] = f"{saved} in epoch {_number(row['kept_epoch'])}"
    return cells


def damaged_row(path: Path, error: Exception) -> tuple[dict[str, Any], dict[str, str]]:
    """The row of an unreadable run, as JSON and in a table."""
    why = damage(error, path)
    row = {"name": path.name, "path": str(path), "state": "damaged", "damaged": why}
    return row, {"name": path.name, "recipe": "-", "state": f"damaged: {why}"}


def to_json(run: RunSummary) -> dict[str, Any]:
    """All files of a run as JSON."""
    history = [
        {"epoch": e.number, "train": e.train, "valid": e.valid, "seconds": e.seconds}
        for e in run.history
    ]
    more = {"spec": run.spec, "result": run.result or None, "history": history}
    return {**facts(run), **{key: finite(value) for key, value in more.items()}}


def description(run: RunSummary) -> list[tuple[str, str]]:
    """The properties of a run as keys and values; missing ones are left out."""
    spec, best, published = run.spec, run.best(run.metric), run.published
    changed = {k: v for k, v in _mapping(spec.get("options")).items() if v is not None}
    rows = [
        ("run", run.name),
        ("recipe", f"{spec['recipe']}: {spec.get('title', '')}"),
        ("state", f"{run.state}, {len(run.history)} of {run.epochs} epochs" if run.epochs
         else f"{run.state}: a rule that is measured, not trained"),
        ("trained on", str(spec.get("trained_on", "-"))),
        ("options", _pairs(changed)),
        ("fit", _pairs(_mapping(spec["fit"])) if run.epochs else ""),
    ]  # fmt: skip
    if best is not None:
        value = best.valid[run.metric]
        rows.append(("best", f"validation {run.metric} {_number(value)}{_in_unit(run, value)}, "
                     f"epoch {best.number}"))  # fmt: skip
    if (saved := run.saved) is not None:
        value = saved.valid.get(run.metric, math.nan)
        score = f", validation {run.metric} {_number(value)}{_in_unit(run, value)}"
        rows.append(
            ("kept", f"the weights of epoch {saved.number}{score if saved is not best else ''}")
        )
    if test := _mapping(run.result.get("test")):
        rows.append(("test", _pairs(test)))
    if published:
        of = f"{published.get('of', 'validation')} {published.get('metric', run.metric)}"
        rows.append(("published", f"{of} {published['value']:g} ({published.get('source', '-')})"))
    for name, digest in _mapping(spec.get("data")).items():
        rows.append(("data", f"{name}  sha256 {str(digest)[:16]}…"))
    rows += [
        ("computed", f"{_devices(spec)}, {_pairs(_mapping(spec.get('versions')))}"),
        ("folder", str(run.path)),
    ]
    return [(key, value) for key, value in rows if value]


def _devices(spec: Mapping[str, Any]) -> str:
    """All devices of a run, in order; runs of earlier versions have none."""
    return " then ".join(spec.get("devices") or [spec.get("device", "-")])


def _in_unit(run: RunSummary, value: float) -> str:
    """An error in the unit of the series, if the run has one."""
    metric = _mapping(run.spec.get("metric"))
    scale, unit = metric.get("scale"), metric.get("unit")
    has_unit = metric.get("name") == run.metric and isinstance(scale, int | float)
    return f" ({value * scale:.3g} {unit})" if has_unit and unit and scale else ""


def epoch_rows(run: RunSummary) -> list[dict[str, str]]:
    """A row per epoch; the best one and the one whose weights are saved are marked."""
    best = run.best(run.metric)
    rows = []
    for epoch in run.history:
        row = {"epoch": str(epoch.number)}
        row |= {m: _number(epoch.train.get(m)) for m in run.metrics}
        row |= {f"validation {m}": _number(epoch.valid.get(m)) for m in run.metrics}
        mark = "best" if epoch is best else "kept" if epoch is run.saved else ""
        row |= {"seconds": _number(epoch.seconds), "": mark}
        rows.append(row)
    return rows


def _pairs(values: Mapping[str, Any]) -> str:
    pairs = ((k, v) for k, v in values.items() if v is not None and not isinstance(v, dict))
    return ", ".join(
        f"{str(k).replace('_', ' ')} {_number(v) if isinstance(v, float) else v}" for k, v in pairs
    )


def _number(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "-"
    return f"{value:.4g}"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def print_runs(rows: Sequence[Mapping[str, str]]) -> None:
    """Print rows; their keys are the headings."""
    headings = list(dict.fromkeys(key for row in rows for key in row))
    print_table([headings, *([row.get(key, "-") for key in headings] for row in rows)])
