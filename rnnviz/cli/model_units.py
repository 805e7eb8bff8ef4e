"""``rnnviz models units``: what the units of a net that writes tell of a text."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnnviz import i18n
from rnnviz.cli import completions, options, stdout
from rnnviz.cli.commands import LocalizedCommand
from rnnviz.cli.tables import print_table, print_text
from rnnviz.messages import N_, _, language, translated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rnnviz.analysis.unit_properties import Ablation, PropertyScores, UnitScore

HELP = N_("""\
What the units of model NAME, a net that writes, tell of the text that it reads.

For each property of a character (in a word, late in the line, a vowel ...) the unit whose h or c
tells it best: the area under the ROC curve (AUC), 0.5 for chance and 1 for certainty. Beside it
stands the best AUC that the same search finds in untrained nets: what those have, too, the training
has not brought about. Bits lost are what a character takes more if nothing reads the unit.

FILE is a text to read; without it the text that the net was not trained on.

\b
Examples:
  rnnviz models units shakespeare-lstm
  rnnviz models units shakespeare-lstm --unit 6
  rnnviz models units names-lstm --top 3 --csv > units.csv
  rnnviz models units last my-text.txt --json | jq '.units[0]'
""")

#: The most units that are listed for a property, and untrained nets that are read.
MOST_UNITS, MOST_NETS = 100, 100


@dataclass(frozen=True)
class _Row:
    """A property, a unit that tells it, and what the net loses without the unit."""

    name: str
    score: UnitScore
    control: float | None
    holds: int
    ablation: Ablation | None

    def to_json(self, layer: int) -> dict[str, Any]:
        """The row of a JSON document."""
        name = self.name
        found = {
            "property": name, "layer": layer, "unit": self.score.unit, "value": self.score.state,
            "high": self.score.is_high, "auc": self.score.strength, "control": self.control,
            "places": self.holds, "ablation": None,
        }  # fmt: skip
        if self.ablation is not None and name in self.ablation.where:
            parts = {
                "holds": self.ablation.where[name], "elsewhere": self.ablation.elsewhere[name],
                "everywhere": self.ablation.everywhere,
            }  # fmt: skip
            found["ablation"] = {
                part: {"bits": bits, "without": without} for part, (bits, without) in parts.items()
            }
        return found


@click.command("units", cls=LocalizedCommand, help=HELP)
@click.argument("name", shell_complete=completions.models)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--layer", type=click.IntRange(0), default=0, show_default=True, metavar="N",
              help=N_("The layer, counted from 0."))  # fmt: skip
@click.option("--unit", type=click.IntRange(0), metavar="N",
              help=N_("Every property for this unit alone, counted from 0."))  # fmt: skip
@click.option("--top", type=click.IntRange(1, MOST_UNITS), default=1, show_default=True,
              metavar="N", help=N_("How many units are listed for each property."))  # fmt: skip
@click.option("--untrained", type=click.IntRange(0, MOST_NETS), default=10, show_default=True,
              metavar="N", help=N_("How many untrained nets stand beside it."))  # fmt: skip
@click.option("--ablation/--no-ablation", default=True,
              help=N_("Read the text without each listed unit, too."))  # fmt: skip
@click.option("--json", "form", flag_value="json", help=N_("Print one JSON document."))
@click.option("--csv", "form", flag_value="csv", help=N_("Print a row for each unit listed."))
@options.debug
def command(
    name: str, file: Path | None, layer: int, unit: int | None, top: int, untrained: int,
    ablation: bool, form: str | None,
) -> None:  # fmt: skip
    """List properties and the units that tell them."""
    from rnnviz.analysis.unit_properties import AblationQuestion, PropertyQuestion
    from rnnviz.data.plain_text import read_plain_text
    from rnnviz.explore import explorer
    from rnnviz.explore.unit_properties import check_unit

    text = None if file is None else read_plain_text(file)
    answer = explorer()
    found: PropertyScores = answer(PropertyQuestion(name, layer, text, untrained))
    if unit is not None:
        check_unit(unit, found.units)
    chosen = list(_chosen(found, unit, top))
    lost: dict[int, Ablation] = {}
    if ablation:
        for each in dict.fromkeys(score.unit for _name, score in chosen):
            lost[each] = answer(AblationQuestion(name, each, layer, text))
    rows = [
        _Row(of, score, found.control(of), found.holds[of], lost.get(score.unit))
        for of, score in chosen
    ]
    source = found.source if file is None else str(file)
    if form == "json":
        stdout.document({
            "schema": "rnnviz.units/1", "model": name, "layer": layer, "text": source,
            "places": found.places, "untrained": found.controls,
            "units": [row.to_json(layer) for row in rows],
        })  # fmt: skip
    elif form == "csv":
        for line in _csv_lines(rows, layer):
            stdout.data(line)
    else:
        _print(name, source, found, rows, ablation=ablation)


def _chosen(found: PropertyScores, unit: int | None, top: int) -> Iterator[tuple[str, UnitScore]]:
    """The properties, first those that training has brought about, with the units to list."""
    for name in found.by_margin():
        ranked = found.ranked(name)
        if unit is not None:
            ranked = [score for score in ranked if score.unit == unit]
        for score in ranked[: top if unit is None else 1]:
            yield name, score


def _csv_lines(rows: list[_Row], layer: int) -> list[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    parts = ("holds", "elsewhere", "everywhere")
    writer.writerow((
        "property", "layer", "unit", "value", "high", "auc", "control", "places",
        *(f"{key}_{part}" for part in parts for key in ("bits", "without")),
    ))  # fmt: skip
    for row in rows:
        record = row.to_json(layer)
        lost = record.pop("ablation") or {}
        bits = [lost.get(part, {}).get(key) for part in parts for key in ("bits", "without")]
        values = [*record.values(), *bits]
        writer.writerow("" if value is None else value for value in values)
    return buffer.getvalue().splitlines()


def _print(
    name: str, source: str, found: PropertyScores, rows: list[_Row], *, ablation: bool
) -> None:
    print_text(
        _("{model} on {text}: {places:,} characters; untrained nets beside it: {nets}").format(
            model=name, text=source, places=found.places, nets=found.controls
        )
    )
    if not rows:
        print_text(_("No property holds at enough of them for a score."))
        return
    columns = (
        N_("property"), N_("holds at"), N_("unit"), N_("value"), N_("AUC"), N_("untrained"),
    )  # fmt: skip
    lost = (N_("bits lost there"), N_("elsewhere")) if ablation else ()
    cells = [tuple(map(translated, (*columns, *lost)))]
    for row in rows:
        score, bits = row.score, row.ablation and row.ablation.lost(row.name)
        control = "-" if row.control is None else f"{row.control:.3f}"
        value = (_("{value}, high") if score.is_high else _("{value}, low")).format(
            value=score.state
        )
        cells.append((
            i18n.word("unit_property", row.name, language()), f"{row.holds:,}", str(score.unit),
            value, f"{score.strength:.3f}", control,
            *(([f"{each:+.3f}" for each in bits] if bits else ["-", "-"]) if ablation else []),
        ))  # fmt: skip
    numbers = {translated(each) for each in (*columns, *lost) if each not in ("property", "value")}
    print_table(cells, right=numbers)
