"""``rnnviz recipes``: what can be trained, and the published number to reach."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from rnnviz.cli import completions, options, stdout
from rnnviz.cli.commands import LocalizedGroup
from rnnviz.cli.tables import (
    layer_table,
    metric_name,
    print_table,
    print_text,
    published_text,
    terminal_width,
)
from rnnviz.messages import N_, _, translated

if TYPE_CHECKING:
    from rnnviz.engine.param_count import LayerCount
    from rnnviz.recipes import Recipe

OPTIMIZER_NAMES = {
    "rmsprop": "RMSprop", "rmsprop-2017": N_("RMSprop as in 2017"), "adam": "Adam",
}  # fmt: skip

HELP = N_("""List the recipes: the net, the data, the published number to reach and where it stands.

\b
Examples:
  rnnviz recipes
  rnnviz recipes show imdb-lstm
  rnnviz recipes show jena-gru --json
""")


@click.group("recipes", cls=LocalizedGroup, invoke_without_command=True, help=HELP)
@click.option("--json", "as_json", is_flag=True, help=N_("Print a JSON list."))
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
    cells = [(_("recipe"), _("net"), _("data"), _("published"), _("where"))]
    print_table([*cells, *map(_cells, known)])
    stdout.lines()
    print_text(_("rnnviz recipes show NAME: protocol, layers and parameter counts."))
    print_text(_("rnnviz train NAME --data sample: train on the sample in the package."))


SHOW_HELP = N_("""Show the net of recipe NAME, how it is trained, and what differs from its source.
""")


@command.command("show", help=SHOW_HELP)
@click.argument("name", shell_complete=completions.recipes)
@click.option("--json", "as_json", is_flag=True, help=N_("Print one JSON object."))
@options.debug
def show(name: str, as_json: bool) -> None:
    """Show the net of recipe NAME, how it is trained, and what differs from its source."""
    from rnnviz.recipes import find

    recipe = find(name)
    rows = _parameters(recipe)
    if as_json:
        stdout.document(_document(recipe, rows))
        return
    print_text(f"{recipe.name}: {translated(recipe.title)}")
    if recipe.data:
        print_text(_("data: {data}").format(data=translated(recipe.data)))
    if rule := _rule(recipe):
        print_text(_("text: {rule}").format(rule=translated(rule)))
    print_text(_("training: {training}").format(training=_training(recipe)))
    print_text(_("published: {score}").format(score=published_text(_published(recipe))))
    nothing = [_("nothing to train: a rule that is measured")]
    stdout.lines(*layer_table(rows, terminal_width()) if rows else nothing)
    for line in _package_lines(recipe):
        print_text(line)
    for note in recipe.notes:
        print_text(_("note: {note}").format(note=translated(note)))
    if recipe.variants:
        print_text(
            _("variants of the data (train --variant): {names}").format(
                names=", ".join(recipe.variants)
            )
        )


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
            _("with the table in the package ({size} columns): {total:,} parameters").format(
                size=package["size"], total=package["total"]
            )
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
        where = translated(found.source)
        if found.value is not None:
            of_test = _("{split} {metric}") if found.of != "validation" else "{metric}"
            name = of_test.format(split=metric_name("test"), metric=metric_name(found.metric))
            said = f"{name} {found.value:.4g}"
    data = translated(recipe.data).partition(",")[0]
    return recipe.name, translated(recipe.title), data, said, where


def _training(recipe: Recipe) -> str:
    if recipe.model is None:
        return _("none")
    fit = recipe.fit
    epochs = _("1 epoch") if fit.epochs == 1 else _("{count} epochs").format(count=fit.epochs)
    name = translated(OPTIMIZER_NAMES.get(fit.optimizer, fit.optimizer))
    return _("{epochs}, batches of {size}, {optimizer}, rate {rate:g}").format(
        epochs=epochs, size=fit.batch_size, optimizer=name, rate=fit.rate
    )
