"""Texts with their classes, from the columns of a user's table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from rnnviz.data.labels import normalize_label
from rnnviz.data.tables.fields import shorten
from rnnviz.data.user_tables.columns import TextColumns
from rnnviz.data.user_tables.reading import RowFault, UserTable
from rnnviz.errors import InvalidFileError, UsageError
from rnnviz.messages import _

#: What happens to rows that cannot be used: up to one in twenty is skipped, any, or none.
BadRows = Literal["few", "skip", "refuse"]
BAD_ROWS: Final = ("few", "skip", "refuse")
FEW: Final = 20
#: Classes of a table, characters of the name of one, and faults that a message names.
MAX_CLASSES: Final = 200
_MAX_LABEL: Final = 100
_NAMED_FAULTS: Final = 5
#: Names in the order in which people expect them; others are sorted.
_ORDER: Final = {
    name: rank
    for rank, names in enumerate(
        (("very negative",), ("negative", "neg", "bad", "olumsuz", "no", "false", "ham", "hayır"),
         ("neutral", "mixed", "nötr"),
         ("positive", "pos", "good", "olumlu", "yes", "true", "spam", "evet"), ("very positive",))
    )
    for name in names
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class LabelledTexts:
    """Usable rows: texts, classes, lines; and what happened to the others."""

    texts: list[str]  # (N)
    classes: list[int]  # (N)
    lines: list[int]  # (N)
    names: tuple[str, ...]  # of the classes
    skipped: list[RowFault]
    remarks: tuple[str, ...] = ()

    def __len__(self) -> int:
        """N."""
        return len(self.texts)


def read_labelled_texts(
    table: UserTable, columns: TextColumns, bad_rows: BadRows = "few", *, least: int = 2
) -> LabelledTexts:
    """The texts and classes of a table, which are at least ``least``.

    InvalidFileError, with the lines, if there are too many faulty rows; with the reason if the
    label column cannot be one of classes.
    """
    texts, labels, lines, faults = usable_rows(table, columns)
    faulty_rows(table, faults, len(texts), bad_rows)
    names, classes, remarks = _classes(table, columns, labels, least)
    return LabelledTexts(texts, classes, lines, names, faults, remarks)


def usable_rows(
    table: UserTable, columns: TextColumns
) -> tuple[list[str], list[str], list[int], list[RowFault]]:
    """Texts, labels and lines of the rows that have both, and the faults in order of lines."""
    texts: list[str] = []
    labels: list[str] = []
    lines: list[int] = []
    faults = list(table.faults)
    first = 1 if columns.header else 0
    for line, row in zip(table.lines[first:], table.rows[first:], strict=True):
        text = " ".join(filter(None, (row[k].strip() for k in columns.text)))
        label = row[columns.label].strip()
        if not text or not label:
            faults.append(
                RowFault(line, _("the label is empty") if text else _("the text is empty"))
            )
            continue
        texts.append(text)
        labels.append(label)
        lines.append(line)
    return texts, labels, lines, sorted(faults)


def faults_text(faults: Sequence[RowFault]) -> str:
    """The first faults, and the number of further ones."""
    named = "; ".join(map(str, faults[:_NAMED_FAULTS]))
    more = len(faults) - _NAMED_FAULTS
    return _("{named}; and {more:,} more").format(named=named, more=more) if more > 0 else named


def faulty_rows(table: UserTable, faults: Sequence[RowFault], good: int, bad_rows: BadRows) -> None:
    """InvalidFileError if there are more faulty rows than may be skipped."""
    if not good:
        if not faults:
            raise InvalidFileError(
                _("{path} has no rows that can be used below its header.").format(path=table.path)
            )
        raise InvalidFileError(
            _("{path} has no rows that can be used: {faults}.").format(
                path=table.path, faults=faults_text(faults)
            )
        )
    few = len(faults) * FEW <= good + len(faults)
    if not faults or bad_rows == "skip" or (bad_rows == "few" and few):
        return
    said = _("{path}: {count:,} of {rows:,} rows cannot be used: {faults}.\n{remedy}")
    remedy = _("Mend them, or leave them out: --bad-rows skip")
    raise InvalidFileError(
        said.format(
            path=table.path,
            count=len(faults),
            rows=good + len(faults),
            faults=faults_text(faults),
            remedy=_("Mend them") if bad_rows == "refuse" else remedy,
        )
    )


def label_key(label: str) -> str:
    """A label with its spellings unified: case, spaces, 1.0 and 1,0 are 1."""
    return normalize_label(re.sub(r"(?<=\d),0+$", "", " ".join(label.split())))


def _classes(
    table: UserTable, columns: TextColumns, labels: Sequence[str], least: int
) -> tuple[tuple[str, ...], list[int], tuple[str, ...]]:
    """The names of the classes, the class of each row, and what was assumed."""
    column = table.first_row[columns.label] if columns.header else str(columns.label + 1)
    spellings = Counter(labels)
    counts: Counter[str] = Counter()
    written: dict[str, Counter[str]] = {}
    for spelling, count in spellings.items():
        key = label_key(spelling)
        counts[key] += count
        written.setdefault(key, Counter())[spelling] += count
    _check_classes(table, column, counts, len(labels), least)
    keys = sorted(counts, key=_class_order)
    display = {key: _display(key, written[key]) for key in keys}
    remarks = [
        _("The labels {labels} are one class: {name!r}").format(
            labels=_(" and ").join(map(repr, sorted(written[key])[:4])), name=display[key]
        )
        for key in keys
        if len(written[key]) > 1
    ]
    number = {spelling: keys.index(label_key(spelling)) for spelling in spellings}
    names = tuple(display[key] for key in keys)
    return names, [number[label] for label in labels], tuple(remarks)


def _check_classes(
    table: UserTable, column: str, counts: Counter[str], rows: int, least: int
) -> None:
    column, count = shorten(column), len(counts)
    if count < least:
        raise InvalidFileError(
            _(
                "{path}: every row has the label {label!r} (column {column!r}). Rows of at "
                "least two classes are needed."
            ).format(path=table.path, label=shorten(next(iter(counts))), column=column)
        )
    reason = ""
    if least > 1 and count == rows:
        reason = _(
            "as many different values as rows ({rows:,}), as names and numbers of rows have"
        ).format(rows=rows)
    elif count > MAX_CLASSES or (least > 1 and 2 < count > rows / 3):
        reason = _("{count:,} different values in {rows:,} rows").format(count=count, rows=rows)
    elif any(len(key) > _MAX_LABEL for key in counts):
        reason = _("values of more than {most} characters").format(most=_MAX_LABEL)
    if reason:
        raise UsageError(
            _(
                "The column {column!r} of {table} has {reason}: these are no classes.\n"
                "Name the column of the classes (2 to {most}, several rows each): --label "
                "NAME"
            ).format(column=column, table=table.name, reason=reason, most=MAX_CLASSES)
        )


def _display(key: str, written: Counter[str]) -> str:
    """A class as most rows write it; numbers without their zeros."""
    best = max(written, key=lambda spelling: (written[spelling], spelling))
    return key if key[-1:].isdigit() and key != best.casefold() else " ".join(best.split())


def _class_order(key: str) -> tuple[int, float, str]:
    """Numbers by their value, then opposites as they are usually listed, then the alphabet."""
    try:
        return 0, float(key.replace(",", ".")), key
    except ValueError:
        return 1, _ORDER.get(key, len(_ORDER)), key
