"""Training runs as rows of tables and as JSON."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnviz import i18n
from rnnviz.cli.tables import metric_name, print_table
from rnnviz.display import finite
from rnnviz.errors import damage
from rnnviz.lookup import snapshot_files
from rnnviz.messages import N_, _, language, translated

if TYPE_CHECKING:
    from rnnviz.runs import RunSummary


#: The names of options and of what a net is trained with, as ``_pairs`` writes them.
NAMES = (
    N_("batch size"), N_("units"), N_("cell"), N_("dropout"), N_("recurrent dropout"), N_("limit"),
    N_("variant"), N_("seed"), N_("rate"), N_("final rate"), N_("warmup"), N_("clip"),
    N_("average"), N_("token dropout"), N_("keep"), N_("monitor"), N_("patience"), N_("layers"),
    N_("bidirectional"), N_("embedding"), N_("mask"), N_("sentence"), N_("optimizer"),
    N_("snapshots"), N_("last"),
)  # fmt: skip
#: The title of a run: that of its recipe, and what was changed.
_TITLE = re.compile(r"(.*?)(?: with (.*?))?(, on the sample)?(?:, variant (.*))?")
#: How a run ended, in its files and in tables.
STATES = (N_("finished"), N_("stopped early"), N_("running"), N_("interrupted"))


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
        **_bits(run),
        "published": run.published.get("value") if metric == run.metric else None,
        "published_of": run.published.get("of"),
        "published_source": run.published.get("source"),
        "test": finite(run.result.get("test")) or None,
        "trained_on": run.spec.get("trained_on"),
        "seconds_an_epoch": round(sum(seconds) / len(seconds), 3) if seconds else None,
        "when": time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(run.modified)),
    }


def _bits(run: RunSummary) -> dict[str, float | None]:
    """The bits a token and the perplexity of the saved weights, of a net that writes."""
    if run.shown_metric != "bits":
        return {}
    valid = {} if run.saved is None else run.saved.valid
    return {name: finite(valid.get(name)) for name in ("bits", "perplexity")}


def table_row(run: RunSummary, metric: str | None = None) -> dict[str, str]:
    """The row of a run in a table: of the saved weights, or of the best epoch by ``metric``.

    If these are different epochs, another cell has the value of the other one.
    """
    row = facts(run, metric or run.shown_metric)
    best, saved = _number(row["best"]), _number(row["kept"])
    cells = {
        _("name"): run.name,
        _("recipe"): row["recipe"],
        _("state"): translated(row["state"]),
        _("epochs"): f"{row['epochs']}/{row['epochs_asked']}" if run.epochs else "-",
    }
    if metric:
        cells |= {
            _("best validation {metric}").format(metric=metric_name(metric)): best,
            _("epoch"): _number(row["best_epoch"]),
        }
    else:
        cells |= {
            _("validation"): f"{metric_name(row['metric'])} {saved}",
            _("epoch"): _number(row["kept_epoch"]),
        }
    cells |= {
        _("published"): _number(row["published"]),
        _("data"): i18n.trained_on(str(row["trained_on"] or "-"), language()),
        _("when"): row["when"][:16].replace("T", " "),
    }
    if row["kept_epoch"] != row["best_epoch"] and not metric:
        cells[_("best")] = _("{value} in epoch {epoch}").format(
            value=best, epoch=_number(row["best_epoch"])
        )
    elif row["kept_epoch"] != row["best_epoch"]:
        cells[_("kept")] = _("{value} in epoch {epoch}").format(
            value=saved, epoch=_number(row["kept_epoch"])
        )
    return cells


def damaged_row(path: Path, error: Exception) -> tuple[dict[str, Any], dict[str, str]]:
    """The row of an unreadable run, as JSON and in a table."""
    why = damage(error, path)
    row = {"name": path.name, "path": str(path), "state": "damaged", "damaged": why}
    cells = {_("name"): path.name, _("recipe"): "-"}
    return row, cells | {_("state"): _("damaged: {why}").format(why=why)}


def to_json(run: RunSummary) -> dict[str, Any]:
    """All files of a run as JSON."""
    history = [
        {"epoch": e.number, "train": e.train, "valid": e.valid, "seconds": e.seconds}
        for e in run.history
    ]
    files = snapshot_files(run.path)
    kept = {"steps": list(files), "bytes": _bytes(files)}
    more = {"snapshots": kept, "spec": run.spec, "result": run.result or None, "history": history}
    return {**facts(run), **{key: finite(value) for key, value in more.items()}}


def description(run: RunSummary) -> list[tuple[str, str]]:
    """The properties of a run as keys and values; missing ones are left out."""
    spec, best, published = run.spec, run.best(run.shown_metric), run.published
    changed = {k: v for k, v in _mapping(spec.get("options")).items() if v is not None}
    rows = [
        (_("run"), run.name),
        (_("recipe"), f"{spec['recipe']}: {_title(str(spec.get('title', '')))}"),
        (_("state"), _state(run)),
        (_("trained on"), i18n.trained_on(str(spec.get("trained_on", "-")), language())),
        (_("options"), _pairs(changed)),
        (_("fit"), _pairs(_mapping(spec["fit"])) if run.epochs else ""),
    ]  # fmt: skip
    if best is not None:
        value = best.valid[run.shown_metric]
        said = _("{score}, epoch {number}")
        rows.append((_("best"), said.format(score=_score(run, value), number=best.number)))
    if (saved := run.saved) is not None:
        value = saved.valid.get(run.shown_metric, math.nan)
        said = _("the weights of epoch {number}").format(number=saved.number)
        rows.append((_("kept"), said if saved is best else f"{said}, {_score(run, value)}"))
    if files := snapshot_files(run.path):
        steps, size = " ".join(map(str, files)), f"{_bytes(files) / 1e6:.1f}"
        shown = _("{count}, {size} MB, of the updates {steps}: {name}@STEP")
        said = shown.format(count=len(files), size=size, steps=steps, name=run.name)
        rows.append((_("snapshots"), said))
    if test := _mapping(run.result.get("test")):
        rows.append((_("test"), _pairs(test)))
    if published:
        of = _("{split} {metric}").format(
            split=metric_name(published.get("of", "validation")),
            metric=metric_name(published.get("metric", run.metric)),
        )
        where = translated(str(published.get("source", "-")))
        rows.append((_("published"), f"{of} {published['value']:g} ({where})"))
    for name, digest in _mapping(spec.get("data")).items():
        rows.append((_("data"), f"{name}  sha256 {str(digest)[:16]}…"))
    rows += [
        (_("computed"), f"{_devices(spec)}, {_pairs(_mapping(spec.get('versions')))}"),
        (_("folder"), str(run.path)),
    ]
    return [(key, value) for key, value in rows if value]


def _title(text: str) -> str:
    """What was trained, in the language of this process."""
    found = _TITLE.fullmatch(text)
    if found is None:  # it has several lines
        return text
    recipe, changes, sample, variant = found.groups()
    said = translated(recipe)
    if changes:
        said = _("{recipe} with {changes}").format(recipe=said, changes=changes)
    if sample:
        said = _("{recipe}, on the sample").format(recipe=said)
    return said if not variant else _("{recipe}, variant {name}").format(recipe=said, name=variant)


def _state(run: RunSummary) -> str:
    state = translated(run.state)
    if not run.epochs:
        return _("{state}: a rule that is measured, not trained").format(state=state)
    return _("{state}, {count} of {epochs} epochs").format(
        state=state, count=len(run.history), epochs=run.epochs
    )


def _score(run: RunSummary, value: float) -> str:
    """The validation metric of a run, with its unit."""
    return f"{_validation(run.shown_metric)} {_number(value)}{_in_unit(run, value)}"


def _validation(metric: str) -> str:
    """The name of a metric of validation."""
    return _("validation {metric}").format(metric=metric_name(metric))


def _bytes(files: Mapping[int, Path]) -> int:
    """The size of files of a run, which may be removed meanwhile."""
    return sum(file.stat().st_size for file in files.values() if file.is_file())


def _devices(spec: Mapping[str, Any]) -> str:
    """All devices of a run, in order; runs of earlier versions have none."""
    return _(" then ").join(spec.get("devices") or [spec.get("device", "-")])


def _in_unit(run: RunSummary, value: float) -> str:
    """An error in the unit of the series, if the run has one."""
    metric = _mapping(run.spec.get("metric"))
    scale, unit = metric.get("scale"), metric.get("unit")
    has_unit = metric.get("name") == run.metric and isinstance(scale, int | float)
    return f" ({value * scale:.3g} {unit})" if has_unit and unit and scale else ""


def epoch_rows(run: RunSummary) -> list[dict[str, str]]:
    """A row per epoch; the best one and the one whose weights are saved are marked."""
    best = run.best(run.shown_metric)
    rows = []
    for epoch in run.history:
        row = {_("epoch"): str(epoch.number)}
        row |= {metric_name(m): _number(epoch.train.get(m)) for m in run.metrics}
        row |= {_validation(m): _number(epoch.valid.get(m)) for m in run.metrics}
        mark = _("best") if epoch is best else _("kept") if epoch is run.saved else ""
        row |= {_("seconds"): _number(epoch.seconds), "": mark}
        rows.append(row)
    return rows


def _pairs(values: Mapping[str, Any]) -> str:
    pairs = ((k, v) for k, v in values.items() if v is not None and not isinstance(v, dict))
    return ", ".join(
        f"{translated(str(k).replace('_', ' '))} "
        f"{_number(v) if isinstance(v, float) else translated(str(v))}"
        for k, v in pairs
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
