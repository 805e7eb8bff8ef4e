"""``rnnviz explain``: the glossary, with what Keras, PyTorch, papers and ONNX call each term."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from rnnviz.cli import completions, options, stdout
from rnnviz.cli.commands import LocalizedCommand
from rnnviz.cli.tables import aligned, terminal_width
from rnnviz.messages import N_

if TYPE_CHECKING:
    from rnnviz.glossary import Term

HELP = N_("""Explain a term in one paragraph, with the notation of Keras, PyTorch, a paper and ONNX.

TERM is a term in English or Turkish, or a name in code. Without TERM it lists all terms.

\b
Examples:
  rnnviz explain                     the list
  rnnviz explain forget-gate
  rnnviz explain "kaybolan gradyan" --lang tr
  rnnviz explain weight_hh_l0        a name of PyTorch
  rnnviz explain z --json
""")


@click.command("explain", cls=LocalizedCommand, help=HELP)
@click.argument("words", nargs=-1, metavar="[TERM]", shell_complete=completions.terms)
@options.lang
@options.notation
@click.option("--json", "as_json", is_flag=True, help=N_("Print one JSON document."))
@options.debug
def command(words: tuple[str, ...], lang: str | None, notation: str, as_json: bool) -> int:
    """Print the list of terms, or one of them."""
    from rnnviz.glossary import find

    language = options.language(lang)
    if not words:
        _print_list(language, as_json)
        return 0
    term = find(" ".join(words))
    if as_json:
        stdout.document(_record(term, notation))
        return 0
    for line in text_lines(term, language, notation, terminal_width() or 88):
        stdout.lines(line)
    return 0


def text_lines(term: Term, lang: str, notation: str, width: int) -> Iterator[str]:
    """The paragraph, the equation, the table, and where to see it."""
    import textwrap

    from rnnviz.glossary import glossary
    from rnnviz.glossary.notation_table import notation_rows
    from rnnviz.i18n import text

    other = next(name for code, name in term.name.items() if code != lang)
    name = term.name[lang]
    yield name if other == name else f"{name} ({other})"
    yield ""
    yield from textwrap.wrap(term.about[lang], min(width, 88))
    equations = list(_equations(term, notation))
    if equations:
        yield ""
        yield from (f"  {line}" for line in equations)
    rows = notation_rows(term, lang)
    if rows:
        yield ""
        yield from (f"  {line}" for line in aligned(rows, None))
    yield ""
    if term.see:
        names = ", ".join(glossary()[key].name[lang] for key in term.see)
        yield text("explain.see", lang, terms=names)
    if term.command:
        yield text("explain.shown", lang, command=term.command)
    if term.lesson:
        yield text("explain.lesson", lang, command=f"rnnviz lesson {term.lesson}")


def _equations(term: Term, notation: str) -> Iterator[str]:
    if not term.symbol:
        return
    from rnnviz.cells import CELLS
    from rnnviz.equations import symbol_table, turned
    from rnnviz.equations.symbol_table import keeps
    from rnnviz.glossary.notation_table import equation

    lines = CELLS[term.cell].lines
    if term.cell == "gru" and keeps(notation) is False:
        lines = tuple(map(turned, lines))
    yield from equation(term, lines, symbol_table(notation, term.cell))


def _record(term: Term, notation: str) -> dict[str, Any]:
    from rnnviz.glossary import COLUMNS
    from rnnviz.glossary.notation_table import word

    return {
        "term": term.key, "name": dict(term.name), "about": dict(term.about),
        "aliases": list(term.aliases),
        "notation": {column: word(term, column) for column in COLUMNS if word(term, column)},
        "equations": list(_equations(term, notation)), "see": list(term.see),
        "command": term.command, "lesson": term.lesson,
    }  # fmt: skip


def _print_list(lang: str, as_json: bool) -> None:
    from rnnviz.glossary import glossary

    terms = glossary().values()
    if as_json:
        stdout.document([{"term": term.key, "name": dict(term.name)} for term in terms])
        return
    other = "tr" if lang == "en" else "en"
    rows = [[term.key, term.name[lang], term.name[other]] for term in terms]
    for line in aligned(rows, terminal_width()):
        stdout.lines(line)
