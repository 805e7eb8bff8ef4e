"""``rnnviz models``: what there is to step through, and what a model is made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnnviz.cli import options
from rnnviz.errors import InvalidFileError, UsageError

if TYPE_CHECKING:
    from rnnviz.store import Stored


@click.group("models", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@options.debug
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List the models that ship with rnnviz and those trained here."""
    if ctx.invoked_subcommand is not None:
        return
    from rnnviz.runs import runs
    from rnnviz.store import load, shipped

    rows = []
    known = [(name, "shipped") for name in shipped()]
    for name, origin in [*known, *((str(path), "trained here") for path in runs())]:
        try:
            rows.append(_row(load(name)) | {"from": origin})
        except InvalidFileError as error:
            # One damaged run must not hide the others.
            click.echo(f"rnnviz: {error}", err=True)
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    _table(rows)
    click.echo("\nrnnviz models show NAME: layers and parameter counts.")
    click.echo("rnnviz step -m NAME TEXT: step through one.")


def _row(stored: Stored) -> dict[str, Any]:
    spec = stored.model.spec
    layers = " + ".join(
        f"{'Bi' if layer.bidirectional else ''}{layer.cell}({layer.units})" for layer in spec.layers
    )
    return {
        "name": stored.name,
        "net": layers,
        "parameters": sum(int(a.size) for a in stored.model.params.values()),
        "trained_on": stored.about,
        "metrics": stored.record.get("metrics", {}),
    }


def _table(rows: list[dict[str, Any]]) -> None:
    cells = [("name", "net", "parameters", "trained on", "validation accuracy", "from")]
    for row in rows:
        accuracy = row["metrics"].get("validation_accuracy")
        shown = f"{accuracy:.3f}" if accuracy is not None else "-"
        count = f"{row['parameters']:,}"
        cells.append((row["name"], row["net"], count, row["trained_on"], shown, row["from"]))
    widths = [max(len(line[k]) for line in cells) for k in range(len(cells[0]))]
    for line in cells:
        click.echo("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip())


@command.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@options.debug
def show(name: str, as_json: bool) -> None:
    """Show the layers of model NAME with the arithmetic of each parameter count."""
    from rnnviz.engine.summary import parameters
    from rnnviz.store import load

    stored = load(name)
    rows = parameters(stored.model.spec)
    if as_json:
        document = {
            "name": stored.name,
            "weights": str(stored.weights_path),
            "config": stored.model.spec.to_json(),
            "metrics": stored.record.get("metrics", {}),
            "parameters": [row.to_json() for row in rows],
            "training": stored.record.get("training", {}),
        }
        click.echo(json.dumps(document, ensure_ascii=False))
        return
    click.echo(f"{stored.name}: {stored.about}")
    cells = [("layer", "output", "parameters", "arithmetic")]
    cells += [(r.layer, r.output, f"{r.count:,}", r.arithmetic) for r in rows]
    widths = [max(len(line[k]) for line in cells) for k in range(4)]
    for line in cells:
        click.echo("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip())
    click.echo(f"total {sum(r.count for r in rows):,}")
    for key, value in stored.record.get("metrics", {}).items():
        click.echo(f"{key.replace('_', ' ')}: {value}")
    click.echo(f"weights: {stored.weights_path}")


@command.command("export")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@options.debug
def export(name: str, file: Path) -> None:
    """Write model NAME to FILE.json and FILE.safetensors (float16), to keep or to hand out."""
    from rnnviz.runs import export

    if not file.parent.is_dir():
        raise UsageError(f"There is no folder {file.parent}. Make it first: mkdir -p {file.parent}")
    export(name, file.with_suffix(".json"))
    click.echo(str(file.with_suffix(".json")))
