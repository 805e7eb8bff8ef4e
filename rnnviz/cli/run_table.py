"""What is said of a training run in words and numbers: rows of tables, and JSON."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnviz.cli import echo
from rnnviz.display import finite, visible
from rnnviz.errors import damage

if TYPE_CHECKING:
    from rnnviz.runs import RunSummary


def facts(run: RunSummary, metric: str | None = None) -> dict[str, Any]:
    """The row of a run as JSON; what is best is so by ``metric``, or by the run's own."""
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


def cells(run: RunSummary, metric: str | None = None) -> dict[str, str]:
    """The row of a run in a table: what its kept weights reached, or its best by ``metric``.

    Where that is not the same epoch a further cell says of the other one.
    """
    row = facts(run, metric)
    best, kept = _said(row["best"]), _said(row["kept"])
    found = {
        "name": run.name,
        "recipe": row["recipe"],
        "state": row["state"],
        "epochs": f"{row['epochs']}/{row['epochs_asked']}" if run.epochs else "-",
    }
    if metric:
        found |= {f"best validation {metric}": best, "epoch": _said(row["best_epoch"])}
    else:
        found |= {"validation": f"{row['metric']} {kept}", "epoch": _said(row["kept_epoch"])}
    found |= {
        "published": _said(row["published"]),
        "data": str(row["trained_on"] or "-"),
        "when": row["when"][:16].replace("T", " "),
    }
    if row["kept_epoch"] != row["best_epoch"] and not metric:
        found["best"] = f"{best} in epoch {_said(row['best_epoch'])}"
    elif row["kept_epoch"] != row["best_epoch"]:
        found["kept"] = f"{kept} in epoch {_said(row['kept_epoch'])}"
    return found


def damaged(path: Path, error: Exception) -> tuple[dict[str, Any], dict[str, str]]:
    """The row of a run that cannot be read, as JSON and in a table."""
    why = damage(error, path)
    facts = {"name": path.name, "path": str(path), "state": "damaged", "damaged": why}
    return facts, {"name": path.name, "recipe": "-", "state": f"damaged: {why}"}


def whole(run: RunSummary) -> dict[str, Any]:
    """All of a run as JSON."""
    history = [
        {"epoch": e.number, "train": e.train, "valid": e.valid, "seconds": e.seconds}
        for e in run.history
    ]
    more = {"spec": run.spec, "result": run.result or None, "history": history}
    return {**facts(run), **{key: finite(value) for key, value in more.items()}}


def described(run: RunSummary) -> list[tuple[str, str]]:
    """What matters of a run, as keys and values, without what it does not say."""
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
        rows.append(("best", f"validation {run.metric} {_said(value)}{_scaled(run, value)}, "
                     f"epoch {best.number}"))  # fmt: skip
    if (saved := run.saved) is not None:
        value = saved.valid.get(run.metric, math.nan)
        reached = f", validation {run.metric} {_said(value)}{_scaled(run, value)}"
        rows.append(
            ("kept", f"the weights of epoch {saved.number}{reached if saved is not best else ''}")
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
    """All a run was computed on, in order; of a run of before it is not known."""
    return " then ".join(spec.get("devices") or [spec.get("device", "-")])


def _scaled(run: RunSummary, value: float) -> str:
    """An error in the unit of the series, where the run says how to get it."""
    metric = _mapping(run.spec.get("metric"))
    scale, unit = metric.get("scale"), metric.get("unit")
    told = metric.get("name") == run.metric and isinstance(scale, int | float)
    return f" ({value * scale:.3g} {unit})" if told and unit and scale else ""


def epochs(run: RunSummary) -> list[dict[str, str]]:
    """A row for each epoch; the best and the one whose weights are kept are marked."""
    best = run.best(run.metric)
    rows = []
    for epoch in run.history:
        row = {"epoch": str(epoch.number)}
        row |= {m: _said(epoch.train.get(m)) for m in run.metrics}
        row |= {f"validation {m}": _said(epoch.valid.get(m)) for m in run.metrics}
        mark = "best" if epoch is best else "kept" if epoch is run.saved else ""
        row |= {"seconds": _said(epoch.seconds), "": mark}
        rows.append(row)
    return rows


def _pairs(values: Mapping[str, Any]) -> str:
    shown = ((k, v) for k, v in values.items() if v is not None and not isinstance(v, dict))
    return ", ".join(
        f"{str(k).replace('_', ' ')} {_said(v) if isinstance(v, float) else v}" for k, v in shown
    )


def _said(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "-"
    return f"{value:.4g}"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def table(rows: Sequence[Mapping[str, str]]) -> None:
    """Print rows below their keys."""
    heads = list(dict.fromkeys(key for row in rows for key in row))
    cells = [
        [visible(key) for key in heads],
        *([visible(row.get(key, "-")) for key in heads] for row in rows),
    ]
    widths = [max(len(line[k]) for line in cells) for k in range(len(heads))]
    for line in cells:
        echo.lines("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip())
