"""The table of a reproduction: the results of each recipe beside the published ones."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rnnviz.display import visible

#: The outcome of a run, as returned by ``job.run``.
Outcome = Mapping[str, Any]

HEADINGS = ("recipe", "metric", "published", "ours", "test", "seeds", "epochs", "seconds",
         "parameters", "data")  # fmt: skip
#: Columns aligned to the right.
_RIGHT = ("published", "ours", "test", "seeds", "epochs", "seconds", "parameters")
NO_VALUE = "–"


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
    return [HEADINGS, *map(_cells, rows)]


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    if row["failed"] is not None:
        which = f"{row['recipe']}, seed {row['seeds'][0]}"
        return (which, "failed", *[NO_VALUE] * (len(HEADINGS) - 3), _one_line(row["failed"]))
    metric, published = row["metric"], row["published"]["value"]
    name = "MAE" if metric["name"] == "mae" else metric["name"]
    return (
        row["recipe"],
        f"{metric['of']} {name}",
        NO_VALUE if published is None else f"{published:.4g}",
        _median_and_range(row["ours"], ".4f"),
        NO_VALUE if row["test"] is None else f"{row['test']['median']:.4f}",
        str(len(row["seeds"])),
        _median_and_range(row["epochs"], "g"),
        f"{row['seconds']['median']:.{0 if row['seconds']['median'] >= 10 else 1}f}",
        f"{row['parameters']:,}",
        row["data"],
    )


def _median_and_range(numbers: Mapping[str, float] | None, form: str) -> str:
    """The median, and the range of different values."""
    if numbers is None:
        return NO_VALUE
    low, middle, high = (format(numbers[key], form) for key in ("min", "median", "max"))
    return middle if low == high else f"{middle} ({low} to {high})"


def _one_line(message: str) -> str:
    return message.splitlines()[0] if message else ""


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows of ``table.json`` as Markdown: the table, and where it was computed."""
    rule = ["---:" if heading in _RIGHT else "---" for heading in HEADINGS]
    headings, *lines = cells(rows)
    table = [headings, rule, *lines]
    text = [" | ".join(["", *map(_escaped, line), ""]).strip() for line in table]
    return "\n".join([*text, "", *notes(rows)]) + "\n"


def _escaped(cell: str) -> str:
    return visible(cell).replace("\\", "\\\\").replace("|", "\\|")


def notes(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The meaning of the columns, and the machines, with their recipes if there are several."""
    columns = (
        "Ours: the best epoch by the metric in the row, as published (a test metric: of the epoch "
        "that was kept); median over the seeds (smallest to largest). Test: that metric on the "
        "test data. Seconds: training and validation of a run."
    )
    machines = _distinct(m for row in rows for m in row.get("machines", ()))
    lines = []
    for machine in machines:
        own = [row["recipe"] for row in rows if machine in row.get("machines", ())]
        of = f" ({', '.join(own)})" if len(machines) > 1 else ""
        lines.append(f"Computed on {_machine(machine)}{of}.")
    return [columns, *lines]


def _machine(machine: Mapping[str, Any]) -> str:
    memory = f"{machine['memory_gib']} GiB, " if machine["memory_gib"] else ""
    return (
        f"{machine['cores']} cores, {machine['architecture']}, {memory}Python {machine['python']}, "
        f"numpy {machine['numpy']}, rnnviz {machine['rnnviz']}, {machine['runs']}"
    )


def _distinct(items: Iterable[Any]) -> list[Any]:
    distinct: list[Any] = []
    for item in items:
        if item not in distinct:
            distinct.append(item)
    return distinct


def describe(outcome: Outcome) -> str:
    """One run in a line."""
    which = f"{outcome['recipe']}, seed {outcome['seed']}"
    run = outcome["run"]
    if run is None:
        return f"{which}: {outcome['state']}: {' '.join(outcome['message'].splitlines())}"
    metric = run["metric"]
    test = "" if run["test"] in (None, run["ours"]) else f", test {run['test']:.4f}"
    reused = ", was there" if outcome["state"] == "reused" else ""
    return (
        f"{which}: {metric['of']} {metric['name']} {run['ours']:.4f}{test}, "
        f"{run['seconds']:.1f} s{reused}"
    )
