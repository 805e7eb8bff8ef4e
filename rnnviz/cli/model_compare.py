"""``rnnviz models compare``: where two models begin to differ."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from rnnviz.cli import completions, options, stdout
from rnnviz.cli.commands import LocalizedCommand
from rnnviz.cli.tables import print_table, print_text
from rnnviz.display import visible
from rnnviz.messages import N_, _

if TYPE_CHECKING:
    from rnnviz.explore.model_difference import ModelDifference, SpecDifference, ValueDifference

HELP = N_("""Say where models A and B begin to differ: names, runs or files.

Both read TEXT, or A's example. Of nets of the same shapes it names the first layer, token, value
and unit that differ by more than the tolerance, the largest difference of every value, and the
weights that differ; of others the fields of their specs that do.

\b
Examples:
  rnnviz models compare sentiment-lstm edited.json
  rnnviz models compare sentiment-gru exported.keras "not good"
  rnnviz models compare imdb-lstm last --json

Exit code 0 whether they are equal or not.
""")


class Tolerance(click.FloatRange):
    """A finite number of at least 0."""

    def __init__(self) -> None:
        super().__init__(0)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number, or an error for one that is not finite."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(_("{value} is not a finite number.").format(value=value), param, ctx)
        return number


@click.command("compare", cls=LocalizedCommand, help=HELP)
@click.argument("a", shell_complete=completions.models)
@click.argument("b", shell_complete=completions.models)
@click.argument("words", nargs=-1, metavar="[TEXT]...")
@click.option("--tolerance", type=Tolerance(), default=1e-5, show_default=True,
              help=N_("Largest difference of two numbers that count as equal."))  # fmt: skip
@click.option("--data", metavar="DIR", shell_complete=completions.data_folders,
              help=N_("Of models that read a series: where its table is, or: sample."))  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help=N_("Print one JSON object."))
@options.debug
def command(
    a: str, b: str, words: tuple[str, ...], tolerance: float, data: str | None, as_json: bool
) -> None:
    """Compare two models and print what differs."""
    from rnnviz.explore.model_difference import compare_models
    from rnnviz.model_files import load

    text = " ".join(words) if words else None
    found = compare_models(load(a), load(b), text, tolerance, data)
    if as_json:
        stdout.document(found.to_json())
        return
    # Two files may have the same name.
    names = (found.a, found.b) if found.a != found.b else (a, b)
    for line in _summary(found, names):
        print_text(line)
    _print_specs(found, names)
    if found.largest:
        stdout.lines()
        _print_values(found, names)
    if found.weights:
        stdout.lines()
        _print_weights(found, names)


def _summary(found: ModelDifference, names: tuple[str, str]) -> Iterator[str]:
    one, other = map(visible, names)
    said = (
        _("{one} and {other}: the same net, {count} tokens read")
        if found.same_net
        else _("{one} and {other}: different nets, {count} tokens read")
    )
    yield said.format(one=one, other=other, count=len(found.tokens))
    if found.unread:
        yield _("Not compared on this text: {reason}").format(reason=found.unread)
        return
    for each in found.ids:
        yield _("{field}: id {a} and {b}").format(field=each.field, a=each.a, b=each.b)
    if not found.largest:
        for name, output in zip((one, other), found.outputs, strict=True):
            yield _("output of {name}: {values}").format(
                name=name, values=", ".join(map(_number, output))
            )
        return
    largest = max((each.size for each in found.largest), default=0.0)
    if found.first is None:
        yield (
            _(
                "Equal to {tolerance:g}: of all compared values the largest difference is "
                "{largest:.3g}."
            )
            if found.incomparable
            else _(
                "Equal to {tolerance:g}: of all recorded values the largest difference is "
                "{largest:.3g}."
            )
        ).format(tolerance=found.tolerance, largest=largest)
    else:
        yield (
            _("First difference: {place}: {a} and {b}").format(
                place=_place(found, found.first), a=_number(found.first.a), b=_number(found.first.b)
            )
        )
    for layer, reason in dict.fromkeys((each.layer, each.reason) for each in found.incomparable):
        values = [e.name for e in found.incomparable if (e.layer, e.reason) == (layer, reason)]
        yield _("Not compared: {values} of layer {layer}: {reason}").format(
            values=", ".join(values), layer=layer, reason=reason
        )


def _place(found: ModelDifference, at: ValueDifference) -> str:
    """Layer, token, value and unit; tokens are counted from 1, units from 0."""
    if at.layer == "head":
        return _("head, logit {unit}").format(unit=at.unit)
    token = visible(found.tokens[at.t]) if at.t < len(found.tokens) else ""
    return _("layer {layer}, token {number} {token!r}, {name} of unit {unit}").format(
        layer=at.layer, number=at.t + 1, token=token, name=at.name, unit=at.unit
    )


def _print_specs(found: ModelDifference, names: tuple[str, str]) -> None:
    if not found.specs:
        return
    rows = [(_("spec"), *names)]
    rows += [(each.field, _value_text(each, "a"), _value_text(each, "b")) for each in found.specs]
    stdout.lines()
    print_table(rows)


def _value_text(each: SpecDifference, side: str) -> str:
    value = getattr(each, side)
    return "-" if value is None else str(value)


def _print_values(found: ModelDifference, names: tuple[str, str]) -> None:
    rows = [(_("layer"), _("value"), _("largest difference"), _("token"), _("unit"), *names)]
    for each in found.largest:
        rows.append((
            each.layer, each.name, f"{each.size:.3g}", str(each.t + 1), str(each.unit),
            _number(each.a), _number(each.b),
        ))  # fmt: skip
    print_table(rows, rows[0][2:])


def _print_weights(found: ModelDifference, names: tuple[str, str]) -> None:
    rows = [(_("weights"), _("differ"), _("most at"), *names)]
    for each in found.weights:
        at = ", ".join(map(str, each.at))
        rows.append((
            each.name, _("{count:,} of {size:,}").format(count=each.count, size=each.size),
            f"[{at}]", _number(each.a), _number(each.b),
        ))  # fmt: skip
    print_table(rows, names)


def _number(value: float) -> str:
    return f"{value:.7g}"
