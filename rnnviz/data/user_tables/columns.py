"""Which columns of a user's table are the text and the label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from rnnviz.data.tables.fields import shorten
from rnnviz.data.tables.source import normalize_name
from rnnviz.data.user_tables.reading import UserTable
from rnnviz.errors import UsageError, nearest
from rnnviz.messages import _

#: Names under which tables have their text and their label, the likeliest first.
TEXT_NAMES: Final = (
    "text", "review", "review text", "reviewtext", "sentence", "tweet", "comment", "comment text",
    "message", "sms", "content", "body", "document", "utterance", "query", "headline",
    "description", "title", "v2", "metin", "yorum", "cümle", "mesaj", "görüş",
)  # fmt: skip
LABEL_NAMES: Final = (
    "label", "labels", "sentiment", "class", "class index", "category", "target", "polarity",
    "emotion", "intent", "topic", "rating", "stars", "score", "airline sentiment", "is spam",
    "spam", "toxic", "v1", "etiket", "sınıf", "duygu", "durum", "kategori", "puan",
)  # fmt: skip


class TextColumns(NamedTuple):
    """Indices of the columns, whether the first row names them, and what was assumed."""

    text: tuple[int, ...]  # joined by a space
    label: int
    header: bool
    remarks: tuple[str, ...]


def choose_text_columns(
    table: UserTable,
    text: Sequence[str],
    label: str | None,
    header: bool | None,
    otherwise: str = "",
) -> TextColumns:
    """The columns a user named, or the obvious ones; UsageError if they are not there.

    ``text`` and ``label``: names or numbers from 1; ``text`` may be empty. ``header``: whether the
    first row has the names; None finds out. ``otherwise``: what else a message advises where the
    columns are not obvious.
    """
    names, remarks = table.first_row, []
    if table.width < 2:
        raise UsageError(
            _("{table} has one column, {column!r}: a text and a label are needed.").format(
                table=table.name, column=shorten(names[0])
            )
        )
    normal = [normalize_name(name) for name in names]
    if not text:
        at = _obvious(normal, TEXT_NAMES)
        if at is None:
            raise UsageError(_not_obvious(table, _("text"), otherwise))
        text = [names[at]]
        remarks.append(
            _("The text is column {name!r}, by its name; another: --text NAME").format(
                name=names[at]
            )
        )
    if label is None:
        at = _obvious(normal, LABEL_NAMES)
        if at is None:
            raise UsageError(_not_obvious(table, _("label"), otherwise))
        label = names[at]
        remarks.append(
            _("The label is column {name!r}, by its name; another: --label NAME").format(
                name=names[at]
            )
        )
    if header is None:
        header, remark = _find_header(table, text, label)
        remarks += [remark] if remark else []
    texts = tuple(find_column(table, name, "--text", header) for name in text)
    labels = find_column(table, label, "--label", header)
    if labels in texts:
        raise UsageError(
            _("--text and --label are the same column, {label!r}.").format(label=label)
        )
    if len(set(texts)) < len(texts):
        raise UsageError(
            _("--text names a column twice: {columns}.").format(columns=", ".join(text))
        )
    for name, at in zip((*text, label), (*texts, labels), strict=True):
        if is_position(table, name) and at != int(name) - 1:
            remarks.append(
                _("{name!r} is taken as the name of column {number}; if not: --no-header").format(
                    name=name, number=at + 1
                )
            )
    return TextColumns(texts, labels, header or table.keyed, tuple(remarks))


def _find_header(table: UserTable, text: Sequence[str], label: str) -> tuple[bool, str]:
    """Whether the first row has the names of the columns, and what was assumed.

    It has them where it has a name that was asked for. A number that was asked for is a position,
    and a name only where the row is a header by the column of the labels.
    """
    names = table.first_row
    asked = [name for name in (*text, label) if not is_position(table, name)]
    if table.keyed or any(_by_name(names, name) is not None for name in asked):
        return True, ""
    position = int(label) - 1 if is_position(table, label) else None
    at = _by_name(names, label)
    at = position if at is None else at
    first = shorten(", ".join(names))
    if at is not None and _looks_like_header(table, at) and not _occurs_below(table, position):
        return True, (
            _(
                "The first row ({first}) is taken as the names of the columns; if not: --no-header"
            ).format(first=first)
        )
    return False, _(
        "The first row ({first}) is taken as data; if it has the names: --header"
    ).format(first=first)


def is_position(table: UserTable, wanted: str) -> bool:
    """Whether a column that is asked for may be its number from 1."""
    return wanted.isascii() and wanted.isdigit() and 1 <= int(wanted[:9]) <= table.width


def find_column(table: UserTable, wanted: str, option: str, header: bool) -> int:
    """The index of a column by its name, else by its number from 1; UsageError if it is none.

    ``header``: whether the first row has the names; else columns only have numbers.
    """
    names = table.first_row
    at = _by_name(names, wanted) if header or table.keyed else None
    if at is not None:
        return at
    if is_position(table, wanted):
        return int(wanted) - 1
    if not header and not table.keyed and _by_name(names, wanted) is not None:
        raise UsageError(
            _(
                "--no-header: then columns have numbers, as {option} 1, and {wanted!r} is none."
            ).format(option=option, wanted=wanted)
        )
    listed = shorten(", ".join(names))
    raise UsageError(
        _(
            "{table} has no column {wanted!r}.{similar} Its first row: {listed}.\n"
            "Columns can also be given by number: {option} 1 to {width}"
        ).format(
            table=table.name,
            wanted=wanted,
            similar=nearest(wanted, names),
            listed=listed,
            option=option,
            width=table.width,
        )
    )


def _by_name(names: Sequence[str], wanted: str) -> int | None:
    """The index of the column of a name; None where none has it, or several have a number."""
    for same in (str, normalize_name):
        matching = [k for k, name in enumerate(names) if same(name) == same(wanted)]
        if len(matching) > 1:
            if wanted.isdigit():
                return None
            raise UsageError(
                _("{count} columns are named {wanted!r}. Give its number: {numbers}.").format(
                    count=len(matching),
                    wanted=wanted,
                    numbers=_(" or ").join(str(k + 1) for k in matching),
                )
            )
        if matching:
            return matching[0]
    return None


def _obvious(normal: Sequence[str], known: Sequence[str]) -> int | None:
    return next((normal.index(name) for name in known if normal.count(name) == 1), None)


def _not_obvious(table: UserTable, wanted: str, otherwise: str) -> str:
    listed = shorten(", ".join(table.first_row))
    return (
        _(
            "Which column of {table} is the {wanted}? Its first row: {listed}.\n"
            "Name both: --text COLUMN --label COLUMN, or by number: --text 2 --label 1. "
            "{otherwise}"
        ).format(table=table.name, wanted=wanted, listed=listed, otherwise=otherwise)
    ).rstrip()


def _occurs_below(table: UserTable, column: int | None) -> bool:
    """Whether the column has the value of its first row again, as no header has."""
    if column is None:
        return False
    first, *others = (row[column].strip() for row in table.rows)
    return first in others


def _looks_like_header(table: UserTable, label: int) -> bool:
    """Whether the label of the first row occurs nowhere else, while others occur again."""
    first, *others = (row[label].strip() for row in table.rows)
    return first not in others and len(set(others)) < len(others)
