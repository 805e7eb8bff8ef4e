"""The text of ``rnnviz evaluate``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from rnnviz import i18n
from rnnviz.cli import stdout
from rnnviz.cli.tables import print_table
from rnnviz.display import visible
from rnnviz.messages import _, language

if TYPE_CHECKING:
    from rnnviz.explore.evaluation import TableEvaluation
    from rnnviz.explore.series_evaluation import SeriesEvaluation

#: Classes up to which the confusion matrix is printed whole; of more, the most frequent errors.
WHOLE: Final = 12
#: Characters of a text in a list.
_SHOWN: Final = 100


class WorstExample(NamedTuple):
    """A text with a large loss."""

    line: int
    loss: float
    label: str
    predicted: str
    probability: float  # of the predicted class
    text: str


def worst_examples(found: TableEvaluation, count: int) -> list[WorstExample]:
    """The examples with the largest losses, the largest first."""
    evaluation, rows = found.evaluation, found.rows
    losses, predicted = evaluation.losses, evaluation.predicted
    return [
        WorstExample(
            rows.lines[n], float(losses[n]), evaluation.labels[evaluation.classes[n]],
            evaluation.labels[predicted[n]], float(evaluation.probabilities[n, predicted[n]]),
            rows.texts[n],
        )
        for n in map(int, evaluation.worst(count))
    ]  # fmt: skip


def print_report(found: TableEvaluation, name: str) -> None:
    """Accuracy, confusion matrix, precision and recall, calibration."""
    evaluation = found.evaluation
    often, share = evaluation.most_frequent
    often = i18n.label(often, language())
    right = int(evaluation.confusion.diagonal().sum())
    count = len(evaluation.classes)
    stdout.lines(
        visible(
            _("{model} on {name}: {count:,} texts").format(
                model=found.model, name=name, count=count
            )
        ),
        visible(
            _(
                "accuracy {accuracy:.4f} ({right:,} of {count:,}); always {often!r}: {share:.4f}"
            ).format(
                accuracy=evaluation.accuracy, right=right, count=count, often=often, share=share
            )
        ),
        _("loss {loss:.4f}").format(loss=evaluation.losses.mean()),
        "",
    )
    _print_classes(found)
    stdout.lines(
        "",
        _("Calibration: expected calibration error {error:.4f}").format(
            error=evaluation.calibration_error
        ),
    )
    heading = (_("confidence"), _("texts"), _("mean"), _("right"))
    rows: list[tuple[str, ...]] = [heading]
    rows += [
        (_("{low:.1f} to {high:.1f}").format(low=each.low, high=each.high),
         f"{each.examples:,}", _share(each.confidence), _share(each.accuracy))
        for each in evaluation.reliability if each.examples
    ]  # fmt: skip
    print_table(rows, heading[1:], "  ")


def _print_classes(found: TableEvaluation) -> None:
    evaluation = found.evaluation
    confusion, spoken = evaluation.confusion, language()
    labels = [i18n.label(label, spoken) for label in evaluation.labels]
    if len(labels) <= WHOLE:
        stdout.lines(_("Texts by their class (rows) and the predicted one (columns)"))
        heading = (_("class"), *labels, _("recall"))
        rows: list[tuple[str, ...]] = [heading]
        for k, each in enumerate(evaluation.by_class):
            counts = [f"{n:,}" for n in confusion[k].tolist()]
            rows.append((labels[k], *counts, _share(each.recall)))
        rows.append((_("precision"), *(_share(each.precision) for each in evaluation.by_class), ""))
        print_table(rows, heading[1:], "  ")
        return
    rows = [(_("class"), _("texts"), _("precision"), _("recall"))]
    rows += [
        (
            i18n.label(each.label, spoken),
            f"{each.examples:,}",
            _share(each.precision),
            _share(each.recall),
        )
        for each in sorted(evaluation.by_class, key=lambda each: -each.examples)
    ]
    print_table(rows, rows[0][1:], "  ")
    wrong = [
        (int(n), labels[i], labels[k])
        for i, row in enumerate(confusion.tolist()) for k, n in enumerate(row) if i != k and n
    ]  # fmt: skip
    stdout.lines("", _("Most frequent errors"))
    shown = sorted(wrong, key=lambda each: -each[0])[:10]
    print_table([(_("texts"), _("class"), _("predicted")), *((str(n), a, b) for n, a, b in shown)],
                (_("texts"),), "  ")  # fmt: skip


def print_worst(found: TableEvaluation, count: int) -> None:
    """The examples with the largest losses, each with its line."""
    examples = worst_examples(found, count)
    if not examples:
        return
    stdout.lines("", _("Largest losses"))
    rows = [(_("line"), _("loss"), _("class"), _("predicted"), "p", _("text"))]
    spoken = language()
    rows += [
        (f"{each.line}", f"{each.loss:.2f}", i18n.label(each.label, spoken),
         i18n.label(each.predicted, spoken), f"{each.probability:.3f}", short(each.text))
        for each in examples
    ]  # fmt: skip
    print_table(rows, (_("line"), _("loss"), "p"), "  ")


def print_series(found: SeriesEvaluation, count: int) -> None:
    """The errors of the forecasts, beside the naive ones, and the worst windows."""
    half, most, nearly = found.quantiles((0.5, 0.9, 0.99))
    stdout.lines(
        visible(
            _("{model} on {name}: {count:,} windows, {column}").format(
                model=found.model,
                name=found.table.name,
                count=len(found.truths),
                column=found.column,
            )
        ),
        _("mean absolute error {error:.4g}; naive, the last value stays: {naive:.4g}").format(
            error=found.errors.mean(), naive=found.naive_errors.mean()
        ),
        _("errors: half up to {half:.4g}, 90 % up to {most:.4g}, 99 % up to {nearly:.4g}").format(
            half=half, most=most, nearly=nearly
        ),
    )
    if not count:
        return
    stdout.lines("", _("Largest errors"))
    heading = (
        _("window"), _("moment"), _("forecast"), _("came"), _("error"), _("naive error"),
    )  # fmt: skip
    rows: list[tuple[str, ...]] = [heading]
    rows += [
        (str(each.window), each.moment, *(f"{value:.4g}" for value in each[2:]))
        for each in found.worst(count)
    ]
    print_table(rows, (heading[0], *heading[2:]), "  ")


def short(text: str) -> str:
    """A text on one line, shortened."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
