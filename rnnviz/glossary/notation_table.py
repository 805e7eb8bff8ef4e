"""What each framework and paper calls a term, and its equation: from the table of notations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rnnviz.equations import (
    Line,
    SymbolNames,
    SymbolTable,
    notation_title,
    shares,
    symbol_table,
    symbols,
)
from rnnviz.equations.symbol_table import catalogue, keeps
from rnnviz.glossary import COLUMNS, Term
from rnnviz.i18n import text as text_of

#: The arrays of all gates, which have a name of their own in each framework.
ARRAYS = ("W", "U", "b")
#: Stands for the order of the gates in these arrays.
ORDER = "order"


def notation_rows(term: Term, lang: str) -> list[tuple[str, str]]:
    """Pairs of a framework or paper and its word or symbol; [] if none has one."""
    rows = [(column, word(term, column)) for column in COLUMNS]
    rows = [(column, text) for column, text in rows if text]
    if term.symbol == "gru.z":
        rows = [(column, f"{text} · {_sense(column, lang)}") for column, text in rows]
    paper = text_of("explain.original", lang)
    return [(column_title(term, column) or paper, text) for column, text in rows]


def _sense(column: str, lang: str) -> str:
    """What z is the share of: Cho et al. 2014 have it keep, Chung et al. 2014 renew."""
    renews = column in catalogue() and keeps(column) is False
    return text_of("explain.renews" if renews else "explain.keeps", lang)


def column_title(term: Term, column: str) -> str:
    """The title of a column: "PyTorch"; "" for a paper that the text itself names."""
    named = column in catalogue() and not (column == "paper" and "paper" in (term.words or {}))
    return notation_title(column) if named else ""


def word(term: Term, column: str) -> str:
    """What a framework or paper calls the term; "" if nothing."""
    if term.words and column in term.words:
        return term.words[column]
    if column == "original":
        return term.original
    if not term.symbol:
        return ""
    found = (_symbol(symbol_table(column, cell), name) for cell, name in term.symbols)
    return " / ".join(dict.fromkeys(each for each in found if each))


def _symbol(table: SymbolTable, name: str) -> str:
    if name in ARRAYS:
        return str(getattr(SymbolNames(table), name))
    if name == ORDER:
        return " ".join(table.gates.get(gate, gate) for gate in table.order)
    return table.value(name)


def equation(term: Term, lines: Sequence[Line], table: SymbolTable) -> Iterator[str]:
    """The lines that compute the term's symbol, or take a share by it, as a table writes them."""
    if term.value in ARRAYS or not term.symbol:
        return
    for line in lines:
        used = any(share.gate == term.value for share in shares(line.formula))
        if line.name in (f"a_{term.value}", term.value) or used:
            written = "".join(text for text, _ in symbols(line.formula, None, table))
            left = "".join(text for text, _ in symbols(line.name, None, table))
            yield f"{left} = {written}"
