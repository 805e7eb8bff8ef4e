"""The text of ``rnnviz evaluate``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from rnnviz.cli import stdout
from rnnviz.cli.tables import print_table
from rnnviz.display import visible

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
    right = int(evaluation.confusion.diagonal().sum())
    count = len(evaluation.classes)
    stdout.lines(
        visible(f"{found.model} on {name}: {count:,} texts"),
        visible(
            f"accuracy {evaluation.accuracy:.4f} ({right:,} of {count:,}); always {often!r}: "
            f"{share:.4f}"
        ),
        f"loss {evaluation.losses.mean():.4f}",
        "",
    )
    _print_classes(found)
    stdout.lines("", f"Calibration: expected calibration error {evaluation.calibration_error:.4f}")
    rows = [("confidence", "texts", "mean", "right")]
    rows += [
        (f"{each.low:.1f} to {each.high:.1f}", f"{each.examples:,}", _share(each.confidence),
         _share(each.accuracy))
        for each in evaluation.reliability if each.examples
    ]  # fmt: skip
    print_table(rows, ("texts", "mean", "right"), "  ")


def _print_classes(found: TableEvaluation) -> None:
    evaluation = found.evaluation
    labels, confusion = evaluation.labels, evaluation.confusion
    if len(labels) <= WHOLE:
        stdout.lines("Texts by their class (rows) and the predicted one (columns)")
        heading = ("class", *labels, "recall")
        rows = [heading]
        for k, each in enumerate(evaluation.by_class):
            counts = [f"{n:,}" for n in confusion[k].tolist()]
            rows.append((each.label, *counts, _share(each.recall)))
        rows.append(("precision", *(_share(each.precision) for each in evaluation.by_class), ""))
        print_table(rows, heading[1:], "  ")
        return
    rows = [("class", "texts", "precision", "recall")]
    rows += [
        (each.label, f"{each.examples:,}", _share(each.precision), _share(each.recall))
        for each in sorted(evaluation.by_class, key=lambda each: -each.examples)
    ]
    print_table(rows, rows[0][1:], "  ")
    wrong = [
        (int(n), labels[i], labels[k])
        for i, row in enumerate(confusion.tolist()) for k, n in enumerate(row) if i != k and n
    ]  # fmt: skip
    stdout.lines("", "Most frequent errors")
    shown = sorted(wrong, key=lambda each: -each[0])[:10]
    print_table([("texts", "class", "predicted"), *((str(n), a, b) for n, a, b in shown)],
                ("texts",), "  ")  # fmt: skip


def print_worst(found: TableEvaluation, count: int) -> None:
    """The examples with the largest losses, each with its line."""
    examples = worst_examples(found, count)
    if not examples:
        return
    stdout.lines("", "Largest losses")
    rows = [("line", "loss", "class", "predicted", "p", "text")]
    rows += [
        (f"{each.line}", f"{each.loss:.2f}", each.label, each.predicted, f"{each.probability:.3f}",
         short(each.text))
        for each in examples
    ]  # fmt: skip
    print_table(rows, ("line", "loss", "p"), "  ")


def print_series(found: SeriesEvaluation, count: int) -> None:
    """The errors of the forecasts, beside the naive ones, and the worst windows."""
    half, most, nearly = found.quantiles((0.5, 0.9, 0.99))
    stdout.lines(
        visible(
            f"{found.model} on {found.table.name}: {len(found.truths):,} windows, {found.column}"
        ),
        f"mean absolute error {found.errors.mean():.4g}; naive, the last value stays: "
        f"{found.naive_errors.mean():.4g}",
        f"errors: half up to {half:.4g}, 90 % up to {most:.4g}, 99 % up to {nearly:.4g}",
    )
    if not count:
        return
    stdout.lines("", "Largest errors")
    heading = ("window", "moment", "forecast", "came", "error", "naive error")
    rows: list[tuple[str, ...]] = [heading]
    rows += [
        (str(each.window), each.moment, *(f"{value:.4g}" for value in each[2:]))
        for each in found.worst(count)
    ]
    print_table(rows, ("window", *heading[2:]), "  ")


def short(text: str) -> str:
    """A text on one line, shortened."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
