"""Recipes trained with several seeds, and a table of their results beside the published ones.

Each run has a directory ``RECIPE-seed-K``. Finished runs are reused and interrupted ones resumed,
so a reproduction can be stopped and started again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rnnviz import runs, signals
from rnnviz.data.folders import SAMPLE, require_folder, sha256
from rnnviz.display import json_text
from rnnviz.errors import (
    InterruptedTraining,
    RnnvizError,
    UsageError,
    nearest,
    system_reason,
)
from rnnviz.files import user_path, write_atomically
from rnnviz.messages import _
from rnnviz.recipes import is_sample, recipes
from rnnviz.reproduce.job import ReproduceJob
from rnnviz.reproduce.pool import outcomes
from rnnviz.reproduce.table import Outcome, describe, markdown, rows

#: The groups that "all" stands for: the nets of the lessons.
PUBLISHED = ("imdb", "jena", "agnews")
GROUPS = ("all", *PUBLISHED, "sentiment")

Say = Callable[[str], None]


@dataclass(frozen=True)
class ReproduceOptions:
    """What to reproduce; None leaves the recipe's own value."""

    recipes: Sequence[str]  # names, or those of GROUPS
    seeds: int = 1  # 0, 1, … below it
    data: str | Path | None = None
    out: str | Path | None = None
    epochs: int | None = None
    limit: int | None = None  # rows of each data set


def reproduce(
    options: ReproduceOptions, *, jobs: int = 1, dask: str | None = None, say: Say
) -> dict[str, Any]:
    """Train the runs that are not finished; the content of ``table.json``, which is also written.

    ``jobs`` runs at a time, or on the workers of the Dask scheduler at address ``dask``. A run that
    fails is a row of the table. ``say`` gets a line per run. UsageError for an unknown recipe or a
    folder of other runs, InterruptedTraining after ctrl+c, with everything saved.
    """
    names = select(options.recipes)
    out = _make_folder(options.out)
    planned = _jobs(options, names, out)
    _check_existing(planned)
    done: list[Outcome] = []
    document: dict[str, Any] = {}
    if not (out / "table.json").exists():  # ctrl+c may come before the first outcome
        document = _write_table(out, options, names, done, len(planned))
    try:
        for outcome in outcomes(planned, jobs, dask, out, say):
            if outcome["state"] != "interrupted":
                done.append(outcome)
                say(
                    _("{run}  ({count} of {planned})").format(
                        run=describe(outcome), count=len(done), planned=len(planned)
                    )
                )
            document = _write_table(out, options, names, done, len(planned))
    except KeyboardInterrupt:
        raise _interrupted(len(done), len(planned)) from None
    if len(done) < len(planned):
        raise _interrupted(len(done), len(planned))
    return document


def select(names: Sequence[str]) -> list[str]:
    """The recipes of these names and groups, in the order given, each once."""
    known = recipes()
    selected: list[str] = []
    for full in names:
        name, _colon, variant = full.partition(":")
        if variant and (name not in known or variant not in known[name].variants):
            of = known[name].variants if name in known else ()
            raise UsageError(
                _("There is no variant {variant!r} of {name}.{hint} There are: {known}.").format(
                    variant=variant,
                    name=name,
                    hint=nearest(variant, of),
                    known=", ".join(of) or _("none"),
                )
            )
        if variant:
            selected.append(full)
            continue
        if name not in known and name not in GROUPS:
            raise UsageError(
                _(
                    "Unknown recipe {name!r}.{hint} "
                    "Name recipes (rnnviz recipes lists them) or: {groups}."
                ).format(name=name, hint=nearest(name, [*GROUPS, *known]), groups=", ".join(GROUPS))
            )
        group = PUBLISHED if name == "all" else (name,) if name in GROUPS else ()
        selected += [r for r in known if r == name or r.partition("-")[0] in group]
    return list(dict.fromkeys(selected))


def _make_folder(out: str | Path | None) -> Path:
    path = runs.runs_folder().parent / "reproduce" if out is None else user_path(out)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            _("{path} cannot be made: {reason}. Name a folder with --out.").format(
                path=path, reason=system_reason(error)
            )
        ) from error
    return path.resolve()


def _jobs(options: ReproduceOptions, names: Sequence[str], out: Path) -> list[ReproduceJob]:
    known = recipes()

    @cache
    def data(recipe: str) -> str:
        folder = known[recipe].data_folder(options.data)
        # The package may have another path on another machine: its samples are passed by name.
        return SAMPLE if is_sample(folder) else str(folder.resolve())

    return [
        ReproduceJob(
            name,
            seed,
            options.epochs,
            options.limit,
            data(name.partition(":")[0]),
            str(out / f"{name.replace(':', '-')}-seed-{seed}"),
        )
        for name in names
        for seed in range(options.seeds)
    ]


def _check_existing(planned: Sequence[ReproduceJob]) -> None:
    """UsageError if a directory has a run with other options or data."""
    digest = cache(lambda path: sha256(path) if path.exists() else "")
    for job in planned:
        path = Path(job.path)
        if not (path / "spec.json").is_file():
            continue
        record = runs.Run(path).record()
        differs = list(_differences(job, record))
        if not differs and job.finished:  # otherwise resume() compares the data
            folder = require_folder(job.data)
            recorded: dict[str, str] = record.get("data") or {}
            differs = [name for name, sha in recorded.items() if digest(folder / name) != sha]
        if differs:
            raise UsageError(
                _(
                    "{path} was trained with another {differs}.\n"
                    "Name another folder with --out, or ask for the same again."
                ).format(path=path, differs=", ".join(differs))
            )


def _differences(job: ReproduceJob, record: dict[str, Any]) -> Iterator[str]:
    if record.get("recipe") != job.name:
        yield _("recipe")
    recorded = record.get("options") or {}
    for name, value in asdict(job.options()).items():
        if recorded.get(name) != value:
            yield "--" + name.replace("_", "-")


def _write_table(
    out: Path,
    options: ReproduceOptions,
    names: Sequence[str],
    done: Sequence[Outcome],
    planned: int,
) -> dict[str, Any]:
    """Write ``table.json`` and ``table.md`` of the finished runs."""
    document: dict[str, Any] = {
        "schema": "rnnviz.reproduce/1",
        "seeds": options.seeds,
        "epochs": options.epochs,
        "limit": options.limit,
        "runs": planned,
        "runs_done": len(done),
        "rows": rows(done, names),
    }
    try:
        write_atomically(out / "table.md", markdown(document["rows"]))
        write_atomically(out / "table.json", json_text(document, indent=1) + "\n")
    except OSError as error:
        raise RnnvizError(
            _(
                "The table cannot be written into {out}: {reason}. "
                "The runs are saved there.\n"
                "Type the same command again once it can be."
            ).format(out=out, reason=system_reason(error))
        ) from error
    return document


def _interrupted(done: int, planned: int) -> InterruptedTraining:
    return InterruptedTraining(
        _(
            "Interrupted; {done} of {planned} runs are done and the others saved.\n"
            "Resume them with the same command."
        ).format(done=done, planned=planned),
        signals.exit_code(),
    )
