"""``rnnviz data``: the data sets, their sources and terms, and what is in them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnnviz.cli import completions, options, stdout
from rnnviz.cli.commands import LocalizedGroup
from rnnviz.cli.stderr import on_stderr, say
from rnnviz.cli.tables import SPLITS, metric_name, print_table, print_text
from rnnviz.display import visible
from rnnviz.errors import UsageError
from rnnviz.messages import N_, _, translated

if TYPE_CHECKING:
    from rnnviz.charts import Chart
    from rnnviz.data.catalogue import DataSet
    from rnnviz.data.jena import JenaSeries
    from rnnviz.data.preview import Preview

HELP = N_("""The data sets: where from, size, terms, and whether they are here.

\b
Examples:
  rnnviz data                              what there is
  rnnviz data fetch jena                   download one (asks for nothing, says the terms)
  rnnviz data show jena                    first rows and the lecture's two plots
  rnnviz data show jena -o temperature.svg the plots for a slide
  rnnviz data path                         the folder
""")

FOLDER = click.option(
    "--data", metavar="DIR", shell_complete=completions.data_folders,
    help=N_("Folder of data sets, or: sample. Default: $RNNVIZ_DATA, then rnnviz's own folder."),
)  # fmt: skip

#: Minutes in ten days, and in one.
TEN_DAYS, DAY = 14_400, 1_440
#: Characters of a text on the screen; JSON has all of it.
TEXT_LENGTH = 300


@click.group("data", cls=LocalizedGroup, invoke_without_command=True, help=HELP)
@FOLDER
@click.option("--json", "as_json", is_flag=True, help=N_("Print a JSON list."))
@options.debug
@click.pass_context
def command(ctx: click.Context, data: str | None, as_json: bool) -> None:
    """The table."""
    ctx.obj = data
    if ctx.invoked_subcommand is not None:
        return
    from rnnviz.data.catalogue import DATA_SETS
    from rnnviz.data.folders import requested_folder

    folder = requested_folder(data)
    rows = [_row(entry, folder) for entry in DATA_SETS.values()]
    if as_json:
        stdout.document(rows)
        return
    cells = [(_("name"), _("title"), _("size"), _("terms"), _("here"))]
    cells += [
        (r["name"], translated(r["title"]), _bytes(r["size"]), translated(r["licence"]), _here(r))
        for r in rows
    ]
    print_table(cells)
    stdout.lines("", _("Folder: {folder}").format(folder=folder))
    print_text(_("rnnviz data fetch NAME: download it. rnnviz data show NAME: its first rows."))


def _row(entry: DataSet, folder: Path) -> dict[str, Any]:
    from rnnviz.data.catalogue import local_files

    there = local_files(entry.name, folder)
    return {
        "name": entry.name,
        "title": entry.title,
        "about": entry.about,
        "size": entry.size,
        "licence": entry.licence,
        "terms": entry.terms,
        "citation": entry.citation,
        "home": entry.home,
        "urls": [file.urls[0] for file in entry.files],
        "folder": str(folder),
        "here": bool(there.files),
        "files": [str(path.relative_to(folder)) for path in there.files],
        "note": there.note,
    }


def _here(row: dict[str, Any]) -> str:
    if not row["here"]:
        return _("no") + (f": {translated(row['note'])}" if row["note"] else "")
    first, *others = row["files"]
    more = f" +{len(others)}" if others else ""
    return f"{first}{more}" + (f", {translated(row['note'])}" if row["note"] else "")


def _bytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


@command.command("path", help=N_("Print the folder of the data sets."))
@FOLDER
@options.debug
@click.pass_obj
def path(outer: str | None, data: str | None) -> None:
    """Print the folder of the data sets."""
    from rnnviz.data.folders import requested_folder

    folder = requested_folder(data or outer)
    stdout.path(folder)
    if not folder.is_dir():
        say(_("It is not there yet; rnnviz data fetch NAME makes it."))


FETCH_HELP = N_("""Download data set NAME; what an earlier try left is gone on with.

The terms are shown first, every file is checked before it gets its name. A file that is here
and whole is not downloaded again.
""")


@command.command("fetch", help=FETCH_HELP)
@click.argument("name", shell_complete=completions.data_sets)
@FOLDER
@click.option("--offline", is_flag=True, envvar="RNNVIZ_OFFLINE", help=N_("Refuse to download."))
@click.option("-q", "--quiet", is_flag=True, help=N_("Say only where the files are."))
@options.debug
@click.pass_obj
def fetch(outer: str | None, name: str, data: str | None, offline: bool, quiet: bool) -> None:
    """Download data set NAME; what an earlier try left is gone on with."""
    from rnnviz.data import fetch as fetching
    from rnnviz.data.catalogue import data_set, local_files
    from rnnviz.data.folders import SAMPLE, requested_folder

    entry, folder = data_set(name), requested_folder(data or outer)
    if folder == requested_folder(SAMPLE):
        raise UsageError(_("The sample comes with rnnviz; to download name a folder: --data DIR"))
    there = local_files(name, folder)
    if there.official and fetching.is_complete(name, folder, there.files):
        files = list(there.files)
        if not quiet:
            say(_("{name} is here already.").format(name=name))
    else:
        if not quiet and not offline:
            _announce(entry, folder)
        with download_progress(quiet) as show:
            files = fetching.fetch(name, folder, show, offline=offline)
    for file in files:
        stdout.path(file)


def _announce(entry: DataSet, folder: Path) -> None:
    """Print what is downloaded, and its terms."""
    say(
        _("{title}, {size}, to {folder}").format(
            title=translated(entry.title), size=_bytes(entry.size), folder=folder
        )
    )
    for file in entry.files:
        say("  " + _("from {url}").format(url=file.urls[0]))
    say(_("Terms: {terms}").format(terms=translated(entry.terms)))
    say(_("Cite: {citation}").format(citation=entry.citation))


@contextmanager
def download_progress(quiet: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """A progress bar, on a terminal only."""
    if quiet or not options.stderr_is_terminal():
        yield None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn()
    with Progress(*columns, console=on_stderr(), transient=True) as progress:
        bars: dict[str, Any] = {}

        def show(file: str, done: int, total: int) -> None:
            if file not in bars:
                bars[file] = progress.add_task(file, total=total)
            progress.update(bars[file], completed=done, total=total)

        yield show


SHOW_HELP = N_("""Show the first rows of data set NAME, its counts, and for jena its temperature.
""")


@command.command("show", help=SHOW_HELP)
@click.argument("name", shell_complete=completions.data_sets)
@FOLDER
@click.option("-n", "--rows", type=click.IntRange(1, 1000), default=3, show_default=True,
              metavar="N", help=N_("Rows to show."))  # fmt: skip
@click.option(
    "-o",
    "--output",
    "--out",
    "out",
    type=options.output_file(),
    metavar="FILE",
    help=N_("Write the plots (jena) to FILE.svg, .png or .pdf."),
)
@click.option("--json", "as_json", is_flag=True, help=N_("Print one JSON object."))
@options.debug
@click.pass_obj
def show(
    outer: str | None, name: str, data: str | None, rows: int, out: Path | None, as_json: bool
) -> None:
    """Show the first rows of data set NAME, its counts, and for jena its temperature."""
    from rnnviz.data.catalogue import data_set
    from rnnviz.data.folders import data_errors, require_folder
    from rnnviz.data.jena import jena_folder
    from rnnviz.data.preview import preview

    entry, named = data_set(name), data or outer
    folder = jena_folder(named) if name == "jena" else require_folder(named)
    if out and name != "jena":
        raise UsageError(
            _("There is no plot of {name}. Plots: rnnviz data show jena -o FILE.svg").format(
                name=name
            )
        )
    from rnnviz.cli.run_charts import check, save

    check(out)
    with data_errors(name):
        local_files = preview(name, folder, rows)
    if out and local_files.series:
        save(plots(local_files.series), out, dark=False)
    elif as_json:
        stdout.document(_document(entry, local_files))
    else:
        _print(entry, local_files)


def _document(entry: DataSet, local_files: Preview) -> dict[str, Any]:
    return {
        "name": entry.name,
        "title": entry.title,
        "files": [str(path) for path in local_files.files],
        "note": local_files.note,
        "counts": local_files.counts,
        "first": local_files.first,
    }


def _print(entry: DataSet, local_files: Preview) -> None:
    files = ", ".join(str(path) for path in local_files.files)
    print_text(translated(entry.title))
    print_text(translated(entry.about))
    print_text(
        _("Here: {files}").format(files=files)
        + (f" ({translated(local_files.note)})" if local_files.note else "")
    )
    for key, count in local_files.counts.items():
        stdout.lines(f"{_counted(key)}: {count:,}")
    for row in local_files.first:
        stdout.lines()
        for key, value in row.items():
            shown = visible(str(value))
            cut = f"{shown[:TEXT_LENGTH].rstrip()} …" if len(shown) > TEXT_LENGTH else shown
            stdout.lines(f"  {translated(key)}: {cut}")
    if local_files.series:
        _draw(plots(local_files.series))


def _counted(key: str) -> str:
    """What was counted, "train phrases", with the name of its split translated."""
    split = key.partition(" ")[0]
    said = translated(key)
    return said.replace(split, metric_name(split)) if split in SPLITS else said


def plots(series: JenaSeries) -> list[Chart]:
    """The lecture's two plots: the temperature of the whole file and of its first ten days."""
    import numpy as np

    from rnnviz.charts import Chart, ChartLine
    from rnnviz.data.jena import TEMPERATURE

    degrees = series.data[:, TEMPERATURE]
    first, last = (str(time).replace("T", " ") for time in (series.times[0], series.times[-1]))

    def chart(title: str, n: int) -> Chart:
        line = ChartLine("T (degC)", np.arange(n), degrees[:n])
        return Chart(title, [line], x_label=_("row"), y_label="T (degC)")

    rows = min(TEN_DAYS // series.interval, len(series))
    return [
        chart(_("Temperature, {first} to {last}").format(first=first, last=last), len(series)),
        chart(_("The first {days:g} days").format(days=rows * series.interval / DAY), rows),
    ]


def _draw(charts: list[Chart]) -> None:
    from rnnviz.charts import plain, text

    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    ascii_only = not encoding.lower().replace("-", "").startswith("utf")
    width = max(40, min(shutil.get_terminal_size().columns, 120))
    for chart in charts:
        stdout.lines()
        stdout.lines(*plain(text(chart, width, 16, ascii_only=ascii_only)).split("\n"))
