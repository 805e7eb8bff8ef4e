"""The glossary: a paragraph for each term, and what frameworks and papers call it.

``terms.toml`` has the texts in both languages. Symbols and equations are not in it: they come from
the table of notations and from the lines of the cells.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from rnnviz.display import folded
from rnnviz.errors import UsageError, nearest
from rnnviz.messages import _

#: The columns of the table of a term; "original" is the paper that introduced it.
COLUMNS = ("keras", "pytorch", "paper", "onnx", "original")
#: A term that belongs to every part of a cell.
ALL_PARTS = "*"


@dataclass(frozen=True, eq=False)
class Term:
    """One entry; the mappings are by language."""

    key: str  # "forget-gate"
    name: Mapping[str, str]
    about: Mapping[str, str]
    aliases: tuple[str, ...] = ()
    symbol: str = ""  # CELL.NAME of the cells' lines, or two of them
    words: Mapping[str, str] | None = None  # by notation, where there is no symbol
    original: str = ""
    parts: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    see: tuple[str, ...] = ()
    lesson: str = ""

    @property
    def symbols(self) -> tuple[tuple[str, str], ...]:
        """The cells of the symbol, and its name in their lines."""
        pairs = (each.partition(".") for each in self.symbol.split())
        return tuple((cell, name) for cell, _, name in pairs)

    @property
    def cell(self) -> str:
        """The first cell of the symbol, or ""."""
        return self.symbols[0][0] if self.symbol else ""

    @property
    def value(self) -> str:
        """The name of the symbol in the lines of its cell, or ""."""
        return self.symbols[0][1] if self.symbol else ""

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that finds the term."""
        return tuple(dict.fromkeys((self.key, *self.name.values(), *self.aliases)))

    @property
    def command(self) -> str:
        """The command that opens the stepper where the term is shown, or ""."""
        if self.pages:
            return f"rnnviz step --view {self.pages[0]}"
        cell = f" --cell {self.cell}" if self.cell and self.cell != "lstm" else ""
        return f"rnnviz step{cell}" if self.parts else ""


@cache
def glossary() -> Mapping[str, Term]:
    """All terms by key, in the order of the file."""
    content = tomllib.loads(files(__name__).joinpath("terms.toml").read_text("utf-8"))
    return {key: _term(key, entry) for key, entry in content.items()}


def _term(key: str, entry: Mapping[str, object]) -> Term:
    fields = dict(entry)
    name = {lang: str(fields.pop(lang)) for lang in ("en", "tr")}
    lists = {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}
    return Term(key, name, **lists)  # type: ignore[arg-type]


@cache
def _by_name() -> tuple[Mapping[str, Term], Mapping[str, Term]]:
    """The terms by every name, as it is written, and folded."""
    exact: dict[str, Term] = {}
    loose: dict[str, Term] = {}
    for term in glossary().values():
        for name in term.names:
            exact.setdefault(name, term)
            loose.setdefault(_plain(name), term)
    return exact, loose


def _plain(name: str) -> str:
    """Upper and lower case, hyphens, underscores and spaces make no difference."""
    return folded(" ".join(name.replace("-", " ").replace("_", " ").split()))


def _only_term_with(word: str) -> Term | None:
    """The term that has this word in one of its names; None if none or several have it."""
    _, loose = _by_name()
    found = {term.key: term for name, term in loose.items() if word in name.split()}
    return next(iter(found.values())) if len(found) == 1 else None


def find(name: str) -> Term:
    """The term of a name, an alias, a name in code, or a word that only one term has.

    UsageError with the nearest name for any other.
    """
    exact, loose = _by_name()
    found = exact.get(name) or loose.get(_plain(name)) or _only_term_with(_plain(name))
    if found is None:
        # A short name, such as f, is near to everything that begins with it.
        keys = [each for each in exact if len(each) > 3 or len(name) <= 3]
        raise UsageError(
            _("There is no term {name!r} in the glossary.{hint}\nAll terms: rnnviz explain").format(
                name=name, hint=nearest(name, keys)
            )
        )
    return found


def on_screen(part: str, page: str, cell: str) -> list[Term]:
    """The terms of the open page, or of a part of a cell; the most particular ones first."""
    terms = glossary().values()
    if page:
        found = [term for term in terms if page in term.pages]
    else:
        found = [term for term in terms if part in term.parts]
        found += [term for term in terms if ALL_PARTS in term.parts]
    families = {
        "gru-2014": "gru", "lstm-slide": "lstm", "lstm-peephole": "lstm", "lstm-projection": "lstm",
    }  # fmt: skip
    own = families.get(cell, cell)
    # Of a symbol with the same part in two cells, that of the cell on the screen.
    fitting = [t for t in found if t.cell in ("", own) or t.value in ("h", "x", "g", "a_f")]
    cells = (own, "recurrent-network" if own == "rnn" else "")
    named = [term for term in terms if term.key in cells]
    return list(dict.fromkeys([*fitting, *named]))
