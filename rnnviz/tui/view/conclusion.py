"""The sentence that a page ends with: clauses in several lengths, as many as fit.

A clause that says why something changed is checked by an intervention, and names the questions
whose answers its numbers come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from rnnviz.query import Question
from rnnviz.tui.render.segments import cut, wrapped

#: Columns in which a steady clause may be long.
ROOMY = 150
#: Clauses from this rank on are added when all others have their longest text that fits.
SPARE = 3


@dataclass(frozen=True)
class Clause:
    """A part of the sentence, or a whole sentence if it ends with a full stop."""

    texts: tuple[str, ...]  # the same in several lengths, longest first
    checked: tuple[Question, ...] = ()  # the interventions that its numbers come from
    rank: int = 0  # the clause with the highest rank is left out first
    steady: bool = False  # short where room is scarce, whether or not the others are known yet

    @property
    def shortest(self) -> str:
        """The shortest text."""
        return self.texts[-1]


def sentence(texts: Sequence[str]) -> str:
    """The clauses as one sentence."""
    whole = ""
    for text in texts:
        if whole:
            whole += " " if whole.endswith((".", "!", "?")) else "; "
        whole += text
    return whole if not whole or whole.endswith((".", "!", "?", "…", ":")) else whole + "."


def fitted(clauses: Sequence[Clause], width: int, rows: int) -> list[str]:
    """The sentence in at most ``rows`` lines of ``width`` columns.

    Clauses are left out from the highest rank on; then these get their longer texts first, since
    what has the lowest rank is on the screen already. Clauses of rank SPARE come after that, if
    there is room. If one clause alone does not fit it is cut.
    """
    if not clauses or width <= 0 or rows <= 0:
        return []
    ranked = sorted(range(len(clauses)), key=lambda n: clauses[n].rank)
    needed = [n for n in ranked if clauses[n].rank < SPARE] or ranked[:1]
    roomy = width * rows >= ROOMY
    chosen: dict[int, str] = {}
    for group in (needed, [n for n in ranked if n not in needed]):
        for n in group:
            trial = {**chosen, n: clauses[n].shortest}
            if not chosen or len(_lines(trial, width)) <= rows:
                chosen = trial
        for n in reversed(group):
            for text in clauses[n].texts if n in chosen else ():
                trial = {**chosen, n: text}
                if clauses[n].steady and text != clauses[n].shortest and not roomy:
                    continue
                if len(_lines(trial, width)) <= rows:
                    chosen = trial
                    break
    found = _lines(chosen, width)
    if len(found) > rows:
        found = [*found[: rows - 1], cut(" ".join(found[rows - 1 :]), width)]
    return found


def _lines(chosen: dict[int, str], width: int) -> list[str]:
    whole = sentence([chosen[n] for n in sorted(chosen)])
    return [whole] if cell_len(whole) <= width else wrapped(whole, width)
