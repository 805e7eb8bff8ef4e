"""Which columns of a user's table are the text and the label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from rnnviz.data.tables.fields import shorten
from rnnviz.data.tables.source import normalize_name
from rnnviz.data.user_tables.reading import UserTable
from rnnviz.errors import UsageError, nearest

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
    table: UserTable, text: Sequence[str], label: str | None, header: bool | None
) -> TextColumns:
    """The columns a user named, or the obvious ones; UsageError if they are not there.

    ``text`` and ``label``: names or numbers from 1; ``text`` may be empty. ``header``: whether the
    first row has the names; None finds out.
    """
    names, remarks = table.first_row, []
    if table.width < 2:
        raise UsageError(
            f"{table.name} has one column, {shorten(names[0])!r}: a text and a label are needed."
        )
    normal = [normalize_name(name) for name in names]
    if not text:
        at = _obvious(normal, TEXT_NAMES)
        if at is None:
            raise UsageError(_not_obvious(table, "text"))
        text = [names[at]]
        remarks.append(f"The text is column {names[at]!r}, by its name; another: --text NAME")
    if label is None:
        at = _obvious(normal, LABEL_NAMES)
        if at is None:
            raise UsageError(_not_obvious(table, "label"))
        label = names[at]
        remarks.append(f"The label is column {names[at]!r}, by its name; another: --label NAME")
    texts = tuple(find_column(table, name, "--text") for name in text)
    labels = find_column(table, label, "--label")
    if labels in texts:
        raise UsageError(f"--text and --label are the same column, {label!r}.")
    if len(set(texts)) < len(texts):
        raise UsageError(f"--text names a column twice: {', '.join(text)}.")
    named = [n for n in (*text, label) if _by_name(names, n) is not None]
    if table.keyed or named:
        if header is False and named and not table.keyed:
            raise UsageError(
                f"--no-header: then columns have numbers, as --text 1, and {named[0]!r} is none."
            )
        return TextColumns(texts, labels, True, tuple(remarks))
    if header is None:
        header = _looks_like_header(table, labels)
        first = shorten(", ".join(names))
        remarks.append(
            f"The first row ({first}) is taken as the names of the columns; if not: --no-header"
            if header
            else f"The first row ({first}) is taken as data; if it has the names: --header"
        )
    return TextColumns(texts, labels, header, tuple(remarks))


def find_column(table: UserTable, wanted: str, option: str) -> int:
    """The index of a column by its name, else by its number from 1; UsageError if it is none."""
    at = _by_name(table.first_row, wanted)
    if at is not None:
        return at
    if wanted.isascii() and wanted.isdigit() and 1 <= int(wanted[:9]) <= table.width:
        return int(wanted) - 1
    names = table.first_row
    listed = shorten(", ".join(names))
    raise UsageError(
        f"{table.name} has no column {wanted!r}.{nearest(wanted, names)} Its first row: {listed}.\n"
        f"Columns can also be given by number: {option} 1 to {table.width}"
    )


def _by_name(names: Sequence[str], wanted: str) -> int | None:
    for same in (str, normalize_name):
        matching = [k for k, name in enumerate(names) if same(name) == same(wanted)]
        if len(matching) > 1:
            raise UsageError(
                f"{len(matching)} columns are named {wanted!r}. Give its number: "
                f"{' or '.join(str(k + 1) for k in matching)}."
            )
        if matching:
            return matching[0]
    return None


def _obvious(normal: Sequence[str], known: Sequence[str]) -> int | None:
    return next((normal.index(name) for name in known if normal.count(name) == 1), None)


def _not_obvious(table: UserTable, what: str) -> str:
    listed = shorten(", ".join(table.first_row))
    return (
        f"Which column of {table.name} is the {what}? Its first row: {listed}.\n"
        "Name both: --text COLUMN --label COLUMN, or by number: --text 2 --label 1. To forecast a "
        "column of numbers: --series COLUMN --lookback 24 --horizon 1"
    )


def _looks_like_header(table: UserTable, label: int) -> bool:
    """Whether the label of the first row occurs nowhere else, while others occur again."""
    first, *others = (row[label].strip() for row in table.rows)
    return bool(others) and first not in others and len(set(others)) < len(others)
