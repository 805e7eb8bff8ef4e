"""The table of a reproduction: what the runs of a recipe reached beside what was published."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rnnviz.display import visible

#: What one run came to, as ``job.run`` gives it.
Outcome = Mapping[str, Any]

HEADS = ("recipe", "metric", "published", "ours", "test", "seeds", "epochs", "seconds",
         "parameters", "data")  # fmt: skip
#: Columns of numbers.
_RIGHT = ("published", "ours", "test", "seeds", "epochs", "seconds", "parameters")
NOTHING = "–"


def rows(outcomes: Sequence[Outcome], names: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each recipe with a finished run, and one for each run that failed."""
    found = []
    for name in names:
        own = sorted((o for o in outcomes if o["recipe"] == name), key=lambda o: o["seed"])
        good = [o for o in own if o["run"] is not None]
        found += [_row(name, good)] if good else []
        found += [
            {"recipe": name, "seeds": [o["seed"]], "failed": o["message"]}
            for o in own
            if o["run"] is None
        ]
    return found


def _row(name: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    found = [o["run"] for o in outcomes]
    first = found[0]
    return {
        "recipe": name,
        "seeds": [o["seed"] for o in outcomes],
        "failed": None,
        **{key: first[key] for key in ("metric", "published", "parameters")},
        **{k: spread(r[k] for r in found) for k in ("ours", "test", "epochs", "seconds")},
        "data": "; ".join(dict.fromkeys(r["data"] for r in found)),
        "machines": _distinct(r["machine"] for r in found if r["machine"] is not None),
    }


def spread(values: Iterable[float | None]) -> dict[str, float] | None:
    """Median, smallest and largest of these numbers; None without any."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    return {"median": statistics.median(known), "min": min(known), "max": max(known)}


def cells(found: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """The table as text, its heads first."""
    return [HEADS, *map(_cells, found)]


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    if row["failed"] is not None:
        which = f"{row['recipe']}, seed {row['seeds'][0]}"
        return (which, "failed", *[NOTHING] * (len(HEADS) - 3), _one_line(row["failed"]))
    metric, published = row["metric"], row["published"]["value"]
    name = "MAE" if metric["name"] == "mae" else metric["name"]
    return (
        row["recipe"],
        f"{metric['of']} {name}",
        NOTHING if published is None else f"{published:.4g}",
        _between(row["ours"], ".4f"),
        NOTHING if row["test"] is None else f"{row['test']['median']:.4f}",
        str(len(row["seeds"])),
        _between(row["epochs"], "g"),
        f"{row['seconds']['median']:.{0 if row['seconds']['median'] >= 10 else 1}f}",
        f"{row['parameters']:,}",
        row["data"],
    )


def _between(numbers: Mapping[str, float] | None, form: str) -> str:
    """The median, and the range where there is one."""
    if numbers is None:
        return NOTHING
    low, middle, high = (format(numbers[key], form) for key in ("min", "median", "max"))
    return middle if low == high else f"{middle} ({low} to {high})"


def _one_line(message: str) -> str:
    return message.splitlines()[0] if message else ""


def markdown(found: Sequence[Mapping[str, Any]]) -> str:
    """The rows of ``table.json`` as Markdown: the table, and where it was computed."""
    rule = ["---:" if head in _RIGHT else "---" for head in HEADS]
    heads, *lines = cells(found)
    table = [heads, rule, *lines]
    text = [" | ".join(["", *map(_escaped, line), ""]).strip() for line in table]
    return "\n".join([*text, "", *notes(found)]) + "\n"


def _escaped(cell: str) -> str:
    return visible(cell).replace("\\", "\\\\").replace("|", "\\|")


def notes(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the columns are, and the machines, each with its recipes where there are several."""
    said = (
        "Ours: the best epoch by the metric in the row, as published (a test metric: of the epoch "
        "that was kept); median over the seeds (smallest to largest). Test: that metric on the "
        "test data. Seconds: training and validation of a run."
    )
    machines = _distinct(m for row in found for m in row.get("machines", ()))
    lines = []
    for machine in machines:
        own = [row["recipe"] for row in found if machine in row.get("machines", ())]
        of = f" ({', '.join(own)})" if len(machines) > 1 else ""
        lines.append(f"Computed on {_machine(machine)}{of}.")
    return [said, *lines]


def _machine(found: Mapping[str, Any]) -> str:
    memory = f"{found['memory_gib']} GiB, " if found["memory_gib"] else ""
    return (
        f"{found['cores']} cores, {found['architecture']}, {memory}Python {found['python']}, "
        f"numpy {found['numpy']}, rnnviz {found['rnnviz']}, {found['runs']}"
    )


def _distinct(items: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for item in items:
        if item not in found:
            found.append(item)
    return found


def said(outcome: Outcome) -> str:
    """One run in a line, for the progress."""
    which = f"{outcome['recipe']}, seed {outcome['seed']}"
    run = outcome["run"]
    if run is None:
        return f"{which}: {outcome['state']}: {' '.join(outcome['message'].splitlines())}"
    metric = run["metric"]
    test = "" if run["test"] in (None, run["ours"]) else f", test {run['test']:.4f}"
    there = ", was there" if outcome["state"] == "reused" else ""
    return (
        f"{which}: {metric['of']} {metric['name']} {run['ours']:.4f}{test}, "
        f"{run['seconds']:.1f} s{there}"
    )
