"""``rnnviz bench``: what a training step costs here, beside other frameworks."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnnviz.cli import completions, options, stdout
from rnnviz.cli.commands import LocalizedCommand
from rnnviz.cli.stderr import say
from rnnviz.cli.tables import print_table, print_text
from rnnviz.errors import UsageError, nearest
from rnnviz.messages import N_, _, translated

if TYPE_CHECKING:
    from rnnviz.bench.workloads import Workload
    from rnnviz.engine.backend import Backend

#: The workloads by default.
DEFAULT_WORKLOADS = "imdb-rnn,imdb-lstm,imdb-gru,jena-gru"

HELP = N_("""Measure a training step: forward, backward, update, one batch.

Ours and every installed peer train in turn on the same batches from the same weights, each in a
process of its own. Medians over the rounds; peak resident memory of all its processes; "start" is
import, building, compiling and the first step.

With --limit: how far our step is from what the machine could do. The floating-point operations of a
step's matrix products are counted, forward and backward, for the tokens that are computed: none
that is masked, padding that all sequences share once, and x·W once for each word of a batch. The
"limit" is the time they would take at the rate of a large product of float32 matrices on the cores
that training uses, measured in alternation with our step; "ratio" is our step to it. Functions such
as tanh are listed by themselves: they, the gates' arithmetic and the optimizer are not in the
limit.

With --device cuda: the parts of a step on the card, ours beside our plain loop and torch.nn, all in
this process.

\b
Examples:
  rnnviz bench
  rnnviz bench --workload all --python ~/peers/bin/python
  rnnviz bench --workload imdb-lstm,jena-gru --peers torch,keras-tf-xla --json
  rnnviz bench --scaling --workload imdb-lstm
  rnnviz bench --limit --workload all
  rnnviz bench --device cuda --workload all
""")


@click.command("bench", cls=LocalizedCommand, help=HELP)
@click.option(
    "--workload",
    "workloads",
    multiple=True,
    metavar="NAME,…",
    shell_complete=completions.workloads,
    help=N_("Nets to train, or: all. Default: imdb-rnn,imdb-lstm,imdb-gru,jena-gru."),
)
@click.option("--peers", multiple=True, metavar="NAME,…", shell_complete=completions.peers,
              help=N_("Of torch, torch-1, keras-tf, keras-tf-xla, keras-jax, jax; or: none. "
                      "Default: those installed."))  # fmt: skip
@click.option(
    "--python",
    envvar="RNNVIZ_BENCH_PYTHON",
    metavar="PATH",
    default=sys.executable,
    help=N_("The Python that has the peers. Default: the one that runs rnnviz."),
)
@click.option("--rounds", type=click.IntRange(1, 1000), default=7, show_default=True, metavar="N",
              help=N_("Turns of each."))  # fmt: skip
@click.option(
    "--scaling",
    is_flag=True,
    help=N_("Our cost at several lengths, batch sizes and numbers of batches."),
)
@click.option("--limit", is_flag=True,
              help=N_("Our step beside the time of its matrix products alone."))  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help=N_("Print one JSON object."))
@options.device
@click.option("-q", "--quiet", is_flag=True, help=N_("Say nothing while measuring."))
@options.debug
def command(
    workloads: tuple[str, ...],
    peers: tuple[str, ...],
    python: str,
    rounds: int,
    scaling: bool,
    limit: bool,
    as_json: bool,
    device: str,
    quiet: bool,
) -> int:
    """Parse, measure, print."""
    from rnnviz.bench.workloads import WORKLOADS
    from rnnviz.engine.backend import HOST
    from rnnviz.engine.device import choose

    if limit and (scaling or device == "cuda"):
        raise UsageError(_("--limit is neither for --scaling nor for --device cuda."))
    # "auto" is the CPU: the peers are compared on the CPU.
    backend = HOST if device == "auto" else choose(device)
    names = _names(
        workloads or (DEFAULT_WORKLOADS,),
        WORKLOADS,
        _("Unknown workload {name!r}.{close} There are: {names}."),
    )
    nets = [WORKLOADS[name] for name in names]
    record: dict[str, Any] = {"schema": "rnnviz.bench/1", "machine": _machine(), "rounds": rounds}
    progress = _Progress(quiet)
    _warn_if_busy(record["machine"], progress)
    if backend is not HOST:
        record |= _on_gpu(nets, backend, rounds, progress, show=not as_json)
        nets = []
    with tempfile.TemporaryDirectory(prefix="rnnviz-bench-") as folder:
        if not nets:
            pass
        elif limit:
            record["limit"] = _limit(nets, rounds, Path(folder), progress, show=not as_json)
        elif scaling:
            record["scaling"] = _scaling(nets, rounds, Path(folder), progress, show=not as_json)
        else:
            record |= _compared(
                nets, peers, python, rounds, Path(folder), progress, show=not as_json
            )
    if as_json:
        stdout.document(record)
    return 0


class _Progress:
    """Says on stderr what is being measured."""

    def __init__(self, quiet: bool) -> None:
        self.quiet, self.subject = quiet, ""

    def __call__(self, text: str) -> None:
        if not self.quiet:
            say(f"{self.subject}{text}")


def _compared(
    nets: Sequence[Workload], asked: tuple[str, ...], python: str, rounds: int, folder: Path,
    progress: _Progress, *, show: bool,
) -> dict[str, Any]:  # fmt: skip
    from rnnviz.bench.comparison import compare
    from rnnviz.bench.peers import PEERS
    from rnnviz.bench.process import installed

    wanted = (
        []
        if asked == ("none",)
        else _names(
            asked or ("all",), PEERS, _("Unknown peer {name!r}.{close} There are: {names}.")
        )
    )
    here = installed(python, wanted)
    missing = [name for name in wanted if name not in here]
    workloads = []
    for net in nets:
        progress.subject = f"{net.name}: "
        comparison = compare(net, here, python, rounds, folder, progress)
        workloads.append(comparison.to_json())
        if show:
            _print(comparison.title, comparison.rows(), comparison.notes())
    if show and missing:
        stdout.lines(
            _("not installed in {python}: {names}").format(python=python, names=", ".join(missing))
        )
    return {"python": python, "workloads": workloads, "not_installed": missing}


def _on_gpu(
    nets: Sequence[Workload], backend: Backend, rounds: int, progress: _Progress, *, show: bool
) -> dict[str, Any]:
    from rnnviz.bench.gpu_timing import measure, rows
    from rnnviz.engine.device import device_name

    workloads, device = [], device_name(backend)
    if show:
        stdout.lines(device, "")
    with tempfile.TemporaryDirectory(prefix="rnnviz-bench-") as folder:
        for net in nets:
            progress.subject = f"{net.name}: "
            results = measure(net, rounds, Path(folder), progress)
            workloads.append({"name": net.name, "results": [r.to_json() for r in results]})
            if show:
                failed = [f"{r.name}: {r.error}" for r in results if r.error]
                _print(
                    f"{net.name}: {translated(net.about)}; {net.shape}; ms", rows(results), failed
                )
    return {"device": device, "workloads": workloads}


def _scaling(
    nets: Sequence[Workload], rounds: int, folder: Path, progress: _Progress, *, show: bool
) -> list[dict[str, Any]]:
    from rnnviz.bench.scaling import measure_scaling

    curves = []
    for net in nets:
        rows = measure_scaling(net, rounds, folder, progress)
        curves += [row.to_json() for row in rows]
        if show:
            print_text(f"{net.name}: {translated(net.about)}; {net.shape}")
            for row in rows:
                print_text(row.line())
            stdout.lines()
    return curves


def _limit(
    nets: Sequence[Workload], rounds: int, folder: Path, progress: _Progress, *, show: bool
) -> dict[str, Any]:
    from rnnviz.bench.limit import SIZE, cores, measure_limit, rates_text, rows

    limits = []
    for net in nets:
        progress.subject = f"{net.name}: "
        limits.append(measure_limit(net, rounds, folder, progress))
    if show:
        table = rows(limits)
        print_table(table, right=table[0][1:])
        stdout.lines()
        print_text(rates_text(limits))
    return {
        "matrix": SIZE, "cores": cores(), "workloads": [limit.to_json() for limit in limits],
    }  # fmt: skip


def _print(title: str, rows: Sequence[Sequence[str]], notes: Sequence[str]) -> None:
    """Print a title, a table of numbers and what was not measured."""
    print_text(title)
    print_table(rows, right=rows[0][1:], indent="  ")
    stdout.lines(*(f"  {note}" for note in notes), "")


def _names(given: Sequence[str], known: Mapping[str, object], unknown: str) -> list[str]:
    """The names in repeatable, comma-separated options, each once; "all" stands for all.

    ``unknown`` is the template of the error.
    """
    names = [name.strip() for option in given for name in option.split(",") if name.strip()]
    if names == ["all"]:
        return list(known)
    for name in names:
        if name not in known:
            raise UsageError(
                unknown.format(name=name, close=nearest(name, known), names=", ".join(known))
            )
    return list(dict.fromkeys(names))


def _machine() -> dict[str, Any]:
    return {
        "system": f"{platform.system()} {platform.machine()}", "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }  # fmt: skip


def _warn_if_busy(machine: Mapping[str, Any], progress: _Progress) -> None:
    load, cores = machine["load"], machine["cores"] or 1
    if load is not None and load > 0.5:
        progress(
            _(
                "This machine is busy (load {load:.1f}, {cores} cores): read ratios, not times."
            ).format(load=load, cores=cores)
        )
