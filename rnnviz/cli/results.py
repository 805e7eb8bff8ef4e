"""``rnnviz results``: which questions of a lesson were hard, and what was gained."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnnviz.cli import options, stderr, stdout
from rnnviz.cli.commands import LocalizedCommand
from rnnviz.cli.tables import print_table, print_text
from rnnviz.messages import N_, _, translated

if TYPE_CHECKING:
    from rnnviz.lessons.item_statistics import Gain, ItemStatistics
    from rnnviz.lessons.results import PersonResults

#: Damaged lines that are listed; the others are counted.
LISTED = 10
HELP = N_("""\
Item statistics of answers: FILE is of one person, or of one group that answers together.

`rnnviz lesson NAME --results FILE.jsonl` writes such a file: a line an answer, no names.

\b
right         share of n who were right: near 1 is easy, near 0 is hard
separates     correlation with the other answers of the same person (item-rest, -1 to 1);
              below 0.2 the question says little about who understood the rest
gain          (after - before) / (1 - before), of those who answered both

\b
Examples:
  rnnviz lesson quiz --phase before --results ada.jsonl
  rnnviz results class/*.jsonl
  rnnviz results class/*.jsonl --csv > items.csv
""")


@click.command("results", cls=LocalizedCommand, help=HELP)
@click.argument("files", nargs=-1, required=True, metavar="FILE...",
                type=click.Path(path_type=Path))  # fmt: skip
@click.option("--json", "form", flag_value="json", help=N_("Print one JSON document."))
@click.option(
    "--csv", "form", flag_value="csv", help=N_("Print a row for each question and phase.")
)
@options.debug
def command(files: tuple[Path, ...], form: str | None) -> int:
    """Print the statistics; exit code 4 if a line of a file is damaged."""
    from rnnviz.lessons.item_statistics import gains, item_statistics
    from rnnviz.lessons.results import read_results

    people = [read_results(path) for path in _distinct(files)]
    items, gained = item_statistics(people), gains(people)
    if form == "json":
        stdout.document(_document(people, items, gained))
    elif form == "csv":
        for line in _csv_lines(items, gained):
            stdout.data(line)
    elif items:
        _print(people, items, gained)
    else:
        stderr.say(_("There are no answers in these files yet."))
    return _report_damage(people)


def _distinct(files: Sequence[Path]) -> list[Path]:
    """Each file once: a person who is named twice would count twice."""
    return list({os.path.realpath(path): path for path in files}.values())


def _report_damage(people: Sequence[PersonResults]) -> int:
    damaged = [line for person in people for line in person.damaged]
    for line in damaged[:LISTED]:
        stderr.say(str(line))
    if len(damaged) > LISTED:
        stderr.say(_("… and {count} more damaged lines.").format(count=len(damaged) - LISTED))
    for person in people:
        if person.unfinished:
            stderr.say(
                _("{path}: the last line is not complete and was left out.").format(
                    path=person.path
                )
            )
    if damaged:
        stderr.say(_("The numbers are those of all other lines. Delete the damaged ones."))
    return 4 if damaged else 0


def _document(
    people: Sequence[PersonResults], items: Sequence[ItemStatistics], gained: Sequence[Gain]
) -> dict[str, Any]:
    return {
        "schema": "rnnviz.item-statistics/1",
        "people": len(people),
        "items": [asdict(item) for item in items],
        "gains": [asdict(gain) for gain in gained],
        "damaged": [{"file": str(line.path), "line": line.number, "reason": line.reason}
                    for person in people for line in person.damaged],
    }  # fmt: skip


def _csv_lines(items: Sequence[ItemStatistics], gained: Sequence[Gain]) -> list[str]:
    """A row for each item; in a row of the phase "after" also the gain."""
    by_question = {(gain.lesson, gain.question): gain for gain in gained}
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("lesson", "question", "phase", "n", "difficulty", "discrimination", "seconds",
                     "wrong", "wrong_count", "gain_n", "gain", "second_n", "second"))  # fmt: skip
    for item in items:
        gain = by_question.get((item.lesson, item.question)) if item.phase == "after" else None
        row = asdict(item)
        second = {name: row.pop(name) for name in ("second_n", "second")}
        row |= {"gain_n": gain.n if gain else None, "gain": gain and gain.gain} | second
        writer.writerow("" if value is None else value for value in row.values())
    return buffer.getvalue().splitlines()


def _print(
    people: Sequence[PersonResults], items: Sequence[ItemStatistics], gained: Sequence[Gain]
) -> None:
    from rnnviz.lessons.item_statistics import LEAST_PEOPLE

    phones = len({record.voter for each in people for record in each.records if record.voter})
    if phones:
        print_text(_("{count} phones of a class").format(count=phones))
    print_text(
        _("1 file, one person or group each")
        if len(people) == 1
        else _("{count} files, one person or group each").format(count=len(people))
    )
    stdout.lines()
    # A column of its own where a class has voted twice.
    again = (_("second vote"),) if any(item.second_n for item in items) else ()
    heading = (
        _("question"), _("phase"), "n", _("right"), *again, _("separates"), _("seconds"),
        _("most chosen wrong answer"),
    )  # fmt: skip
    print_table(
        [
            heading,
            *(
                (item.question, translated(item.phase) or "–", str(item.n),
                 f"{item.difficulty:.2f}", *[_number(item.second) for _column in again],
                 _number(item.discrimination), f"{item.seconds:.0f}",
                 f"{item.wrong} ({item.wrong_count})" if item.wrong_count else "–")
                for item in items
            ),
        ],
        right=heading[2:-1],
    )  # fmt: skip
    if gained:
        stdout.lines()
        everything = _("all of {lesson}")
        columns = (_("before and after"), "n", _("before"), _("after"), _("gain"))
        print_table(
            [
                columns,
                *(
                    (
                        gain.question or everything.format(lesson=gain.lesson),
                        str(gain.n),
                        *_gain_cells(gain),
                    )
                    for gain in gained
                ),
            ],
            right=columns[1:],
        )
    stdout.lines()
    fewest = min(item.n for item in items)
    if fewest < LEAST_PEOPLE:
        print_text(
            _(
                "n = {fewest}: whether a question separates is given from n = {least} "
                "on. With few people the other numbers are rough, too: one more answer moves "
                "a share of {fewest} by {share:.2f}."
            ).format(fewest=fewest, least=LEAST_PEOPLE, share=1 / (fewest + 1))
        )
    print_text(_("rnnviz results --help says what the columns are."))


def _gain_cells(gain: Gain) -> tuple[str, str, str]:
    if not gain.n:
        return "–", "–", "–"
    return f"{gain.before:.2f}", f"{gain.after:.2f}", _number(gain.gain)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
