"""``rnnviz recipes``: what can be trained, and the published number to reach."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from rnnviz.cli import completions, options, stdout
from rnnviz.cli.tables import (
    layer_table,
    print_table,
    print_text,
    published_text,
    terminal_width,
)

if TYPE_CHECKING:
    from rnnviz.engine.param_count import LayerCount
    from rnnviz.recipes import Recipe

OPTIMIZER_NAMES = {
    "rmsprop": "RMSprop", "rmsprop-2017": "RMSprop as in 2017", "adam": "Adam",
}  # fmt: skip

HELP = """List the recipes: the net, the data, the published number to reach and where it stands.

\b
Examples:
  rnnviz recipes
  rnnviz recipes show imdb-lstm
  rnnviz recipes show jena-gru --json
"""


@click.group("recipes", invoke_without_command=True, help=HELP)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@options.debug
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Print the table of recipes."""
    if ctx.invoked_subcommand is not None:
        return
    from rnnviz.recipes import recipes

    known = list(recipes().values())
    if as_json:
        stdout.document([_row(recipe) for recipe in known])
        return
    cells = [("recipe", "net", "data", "published", "where")]
    print_table([*cells, *map(_cells, known)])
    stdout.lines()
    print_text("rnnviz recipes show NAME: protocol, layers and parameter counts.")
    print_text("rnnviz train NAME --data sample: train on the sample in the package.")


@command.command("show")
@click.argument("name", shell_complete=completions.recipes)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@options.debug
def show(name: str, as_json: bool) -> None:
    """Show the net of recipe NAME, how it is trained, and what differs from its source."""
    from rnnviz.recipes import find

    recipe = find(name)
    rows = _parameters(recipe)
    if as_json:
        stdout.document(_document(recipe, rows))
        return
    print_text(f"{recipe.name}: {recipe.title}")
    if recipe.data:
        print_text(f"data: {recipe.data}")
    if rule := _rule(recipe):
        print_text(f"text: {rule}")
    print_text(f"training: {_training(recipe)}")
    print_text(f"published: {published_text(_published(recipe))}")
    nothing = ["nothing to train: a rule that is measured"]
    stdout.lines(*layer_table(rows, terminal_width()) if rows else nothing)
    for line in _package_lines(recipe):
        print_text(line)
    for note in recipe.notes:
        print_text(f"note: {note}")
    if recipe.variants:
        print_text(f"variants of the data (train --variant): {', '.join(recipe.variants)}")


def _rule(recipe: Recipe) -> str:
    """How its texts are tokenized; empty where it reads none."""
    from rnnviz.data.tokenizers import TOKENIZERS

    return TOKENIZERS[recipe.tokenizer] if recipe.tokenizer else ""


def _parameters(recipe: Recipe) -> list[LayerCount]:
    from rnnviz.engine.param_count import parameters

    return [] if recipe.model is None else parameters(recipe.model(recipe.size))


def _package(recipe: Recipe) -> dict[str, int] | None:
    """The width and the parameter count with the data in the package, where they are no sample."""
    from rnnviz.engine.param_count import parameters

    if recipe.package_size is None:
        return None
    rows = [] if recipe.model is None else parameters(recipe.model(recipe.package_size))
    return {"size": recipe.package_size, "total": sum(row.count for row in rows)}


def _package_lines(recipe: Recipe) -> Iterator[str]:
    package = _package(recipe)
    if package is not None and package["total"]:
        yield (
            f"with the table in the package ({package['size']} columns): "
            f"{package['total']:,} parameters"
        )


def _published(recipe: Recipe) -> dict[str, Any] | None:
    return None if recipe.published is None else asdict(recipe.published)


def _row(recipe: Recipe) -> dict[str, Any]:
    return {
        "name": recipe.name,
        "title": recipe.title,
        "data": recipe.data,
        "total": sum(row.count for row in _parameters(recipe)),
        "published": _published(recipe),
    }


def _document(recipe: Recipe, rows: list[LayerCount]) -> dict[str, Any]:
    return {
        "name": recipe.name,
        "parameters": [row.to_json() for row in rows],
        "total": sum(row.count for row in rows),
        "published": _published(recipe),
        "title": recipe.title,
        "data": recipe.data,
        "tokenizer": recipe.tokenizer and {"name": recipe.tokenizer, "rule": _rule(recipe)},
        "fit": asdict(recipe.fit),
        "sample": dict(recipe.sample),
        "package": _package(recipe),
        "config": None if recipe.model is None else recipe.model(recipe.size).to_json(),
        "notes": list(recipe.notes),
        "variants": list(recipe.variants),
    }


def _cells(recipe: Recipe) -> tuple[str, str, str, str, str]:
    said, where, found = "-", "", recipe.published
    if found is not None:
        where = found.source
        if found.value is not None:
            of = "" if found.of == "validation" else "test "
            said = f"{of}{found.metric} {found.value:.4g}"
    data = recipe.data.partition(",")[0]
    return recipe.name, recipe.title, data, said, where


def _training(recipe: Recipe) -> str:
    if recipe.model is None:
        return "none"
    fit = recipe.fit
    epochs = "1 epoch" if fit.epochs == 1 else f"{fit.epochs} epochs"
    name = OPTIMIZER_NAMES.get(fit.optimizer, fit.optimizer)
    return f"{epochs}, batches of {fit.batch_size}, {name}, rate {fit.rate:g}"
