"""The glossary as sections of the help screen; what is on the screen comes first."""

from __future__ import annotations

from dataclasses import dataclass

from rnnviz.display import folded
from rnnviz.glossary import Term, glossary, on_screen
from rnnviz.glossary.notation_table import equation, notation_rows
from rnnviz.tui.app.help_screen import HelpSection
from rnnviz.tui.view.view_state import ViewState


@dataclass(frozen=True)
class TermSection(HelpSection):
    """A term; found by its other names too, and always whole."""

    names: tuple[str, ...] = ()

    def matching(self, words: str) -> HelpSection | None:
        """The whole section if the words are in a name or in the text."""
        texts = (*self.names, *(row for _, row in self.rows))
        return self if any(folded(words) in folded(text) for text in texts) else None

    def comes_first(self, words: str) -> bool:
        """Whether the words begin one of its names."""
        return any(folded(name).startswith(folded(words)) for name in self.names)


def sections(view_state: ViewState) -> list[HelpSection]:
    """The terms of the open page or of the current part, then all others."""
    first = on_screen(view_state.part, view_state.page, view_state.layer.cell)
    others = [term for term in glossary().values() if term not in first]
    here = view_state.text("explain.here")
    return [
        *(_section(view_state, term, f" · {here}") for term in first),
        *(_section(view_state, term, "") for term in others),
    ]


def _section(view_state: ViewState, term: Term, note: str) -> HelpSection:
    lang, layer = view_state.lang, view_state.layer
    other = next(name for code, name in term.name.items() if code != lang)
    name = term.name[lang]
    title = name if other == name else f"{name} ({other})"
    rows = [("", term.about[lang])]
    if term.value in layer.values:
        rows += [("", f"  {line}") for line in equation(term, layer.lines, layer.table)]
    named = [f"{column}: {word}" for column, word in notation_rows(term, lang)]
    rows += [("", " · ".join(named))] if named else []
    see = ", ".join(glossary()[key].name[lang] for key in term.see)
    if see:
        rows.append(("", view_state.text("explain.see", terms=see)))
    if term.lesson:
        command = f"rnnviz lesson {term.lesson}"
        rows.append(("", view_state.text("explain.lesson", command=command)))
    return TermSection(title + note, tuple(rows), term.names)
