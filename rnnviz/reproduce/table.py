"""The table of a reproduction: the results of each recipe beside the published ones."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rnnviz import i18n
from rnnviz.display import visible
from rnnviz.messages import _, language, translated

#: The outcome of a run, as returned by ``job.run``.
Outcome = Mapping[str, Any]

_LEFT, _RIGHT = "---", "---:"
NO_VALUE = "–"


def headings() -> dict[str, str]:
    """The heading of each column, and its rule in Markdown, which aligns numbers to the right."""
    return {
        _("recipe"): _LEFT,
        _("metric"): _LEFT,
        _("published"): _RIGHT,
        _("ours"): _RIGHT,
        _("test"): _RIGHT,
        _("seeds"): _RIGHT,
        _("epochs"): _RIGHT,
        _("seconds"): _RIGHT,
        _("parameters"): _RIGHT,
        _("data"): _LEFT,
    }


def rows(outcomes: Sequence[Outcome], names: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each recipe with a finished run, and one for each run that failed."""
    table = []
    for name in names:
        own = sorted((o for o in outcomes if o["recipe"] == name), key=lambda o: o["seed"])
        done = [o for o in own if o["run"] is not None]
        table += [_row(name, done)] if done else []
        table += [
            {"recipe": name, "seeds": [o["seed"]], "failed": o["message"]}
            for o in own
            if o["run"] is None
        ]
    return table


def _row(name: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    results = [o["run"] for o in outcomes]
    first = results[0]
    return {
        "recipe": name,
        "seeds": [o["seed"] for o in outcomes],
        "failed": None,
        **{key: first[key] for key in ("metric", "published", "parameters")},
        **{k: spread(r[k] for r in results) for k in ("ours", "test", "epochs", "seconds")},
        "data": "; ".join(dict.fromkeys(r["data"] for r in results)),
        "machines": _distinct(r["machine"] for r in results if r["machine"] is not None),
    }


def spread(values: Iterable[float | None]) -> dict[str, float] | None:
    """Median, smallest and largest of these numbers; None without any."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    return {"median": statistics.median(known), "min": min(known), "max": max(known)}


def cells(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """The table as text, headings first."""
    return [tuple(headings()), *map(_cells, rows)]


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    if row["failed"] is not None:
        which = _which(row["recipe"], row["seeds"][0])
        empty = [NO_VALUE] * (len(headings()) - 3)
        return (which, _("failed"), *empty, _one_line(row["failed"]))
    metric, published = row["metric"], row["published"]["value"]
    name = "MAE" if metric["name"] == "mae" else metric["name"]
    return (
        row["recipe"],
        _metric(metric["of"], name),
        NO_VALUE if published is None else f"{published:.4g}",
        _median_and_range(row["ours"], ".4f"),
        NO_VALUE if row["test"] is None else f"{row['test']['median']:.4f}",
        str(len(row["seeds"])),
        _median_and_range(row["epochs"], "g"),
        f"{row['seconds']['median']:.{0 if row['seconds']['median'] >= 10 else 1}f}",
        f"{row['parameters']:,}",
        i18n.trained_on(row["data"], language()),
    )


def _median_and_range(numbers: Mapping[str, float] | None, form: str) -> str:
    """The median, and the range of different values."""
    if numbers is None:
        return NO_VALUE
    low, middle, high = (format(numbers[key], form) for key in ("min", "median", "max"))
    if low == high:
        return middle
    return _("{middle} ({low} to {high})").format(middle=middle, low=low, high=high)


def _which(recipe: str, seed: int) -> str:
    return _("{recipe}, seed {seed}").format(recipe=recipe, seed=seed)


def _metric(of: str, name: str) -> str:
    """A metric of a part of the data: "validation accuracy"."""
    name = _("accuracy") if name == "accuracy" else name
    if of == "validation":
        return _("validation {metric}").format(metric=name)
    return _("test {metric}").format(metric=name) if of == "test" else f"{of} {name}"


def _one_line(message: str) -> str:
    return message.splitlines()[0] if message else ""


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows of ``table.json`` as Markdown: the table, and where it was computed."""
    first, *lines = cells(rows)
    table = [first, headings().values(), *lines]
    text = [" | ".join(["", *map(_escaped, line), ""]).strip() for line in table]
    return "\n".join([*text, "", *notes(rows)]) + "\n"


def _escaped(cell: str) -> str:
    return visible(cell).replace("\\", "\\\\").replace("|", "\\|")


def notes(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The meaning of the columns, and the machines, with their recipes if there are several."""
    columns = _(
        "Ours: the best epoch by the metric in the row, as published (a test metric: of the epoch "
        "that was kept); median over the seeds (smallest to largest). Test: that metric on the "
        "test data. Seconds: training and validation of a run."
    )
    machines = _distinct(m for row in rows for m in row.get("machines", ()))
    lines = []
    for machine in machines:
        own = [row["recipe"] for row in rows if machine in row.get("machines", ())]
        of = f" ({', '.join(own)})" if len(machines) > 1 else ""
        lines.append(_("Computed on {machine}{of}.").format(machine=_machine(machine), of=of))
    return [columns, *lines]


def _machine(machine: Mapping[str, Any]) -> str:
    memory = f"{machine['memory_gib']} GiB, " if machine["memory_gib"] else ""
    return _(
        "{cores} cores, {architecture}, {memory}Python {python}, numpy {numpy}, rnnviz {rnnviz}, "
        "{runs}"
    ).format(**{**machine, "memory": memory, "runs": translated(machine["runs"])})


def _distinct(items: Iterable[Any]) -> list[Any]:
    distinct: list[Any] = []
    for item in items:
        if item not in distinct:
            distinct.append(item)
    return distinct


def describe(outcome: Outcome) -> str:
    """One run in a line."""
    which, run = _which(outcome["recipe"], outcome["seed"]), outcome["run"]
    if run is None:
        state, message = translated(outcome["state"]), " ".join(outcome["message"].splitlines())
        return f"{which}: {state}: {message}"
    metric = _metric(run["metric"]["of"], run["metric"]["name"])
    said = f"{which}: {metric} {run['ours']:.4f}"
    if run["test"] not in (None, run["ours"]):
        said += _(", test {value:.4f}").format(value=run["test"])
    said += _(", {seconds:.1f} s").format(seconds=run["seconds"])
    return said + _(", was there") if outcome["state"] == "reused" else said
