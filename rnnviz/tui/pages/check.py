"""Page of the gradient check: a backward pass beside finite differences of the net that runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from rnnviz.analysis.gradient_check import (
    AGREES,
    EPSILON,
    CheckedEntry,
    CheckedGradients,
    GradientCheck,
)
from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.lookup import BUGGY_COPIES
from rnnviz.query import Question
from rnnviz.trace.notation import weight_sign
from rnnviz.tui.render.segments import Line, fit, wrapped
from rnnviz.tui.view.off_screen import off_above_below
from rnnviz.tui.view.page import Change, Page
from rnnviz.tui.view.page_state import PageState
from rnnviz.tui.view.view_state import ViewState

#: Columns of an entry's name, of a gradient, and of an error with the mark before it.
NAME, GRADIENT, ERROR = 18, 12, 11
#: Before the error of two numbers that agree, and of two that do not.
EQUAL, UNEQUAL = "=", "≠"


@dataclass(frozen=True)
class CheckState(PageState):
    """The copy with a bug that the net on the screen is the original of; "" if there is none."""

    page: ClassVar[str] = "check"
    copy: str = ""


class CheckPage(Page):
    """A row for each trained array of the cursor's layer, of the embedding and of the head."""

    name = "check"
    full_screen = True
    actions = ("exchange",)

    def questions(self, view_state: ViewState) -> Sequence[Question]:
        return (GradientCheck(view_state.query),)

    def press(self, view_state: ViewState, key: str) -> Change:
        """Mend a copy with a bug, or go back from its original to the copy."""
        query = view_state.latest_query
        state = view_state.page_state(CheckState)
        if original := BUGGY_COPIES.get(query.model):
            answer = view_state.answers.get(GradientCheck(view_state.query))
            bug = answer.bug if isinstance(answer, CheckedGradients) else ""
            said = self.page_text(view_state, f"mended_{bug}", model=original) if bug else ""
            mended = replace(query, model=original, target=None)
            return Change(CheckState(query.model), query=mended, message=said)
        if BUGGY_COPIES.get(state.copy) == query.model:
            return Change(query=replace(query, model=state.copy, target=None))
        return Change(message=self.page_text(view_state, "no_bug", names=", ".join(BUGGY_COPIES)))

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        theme, question = view_state.theme, GradientCheck(view_state.query)
        found = view_state.answers.get(question)
        if view_state.hidden or not isinstance(found, CheckedGradients):
            failed = view_state.failures.get(question, "")
            key = "hidden" if view_state.hidden else "computing"
            said = visible(failed) if failed else self.page_text(view_state, key)
            style = theme.wrong if failed else theme.dim
            paragraph = [[Segment(f" {line}", style)] for line in wrapped(said, width - 2)]
            return [self.head(view_state, width), *paragraph]
        around = [
            *self._compared(view_state, found, width),
            *self._verdict(view_state, found, width),
        ]
        rows = self._rows(view_state, found, width)
        room = max(1, height - len(around) - 2)
        left_out = max(0, len(rows) - room)
        note = self.page_text(view_state, "note", epsilon=number(EPSILON).replace(".0", ""))
        if left_out:
            note += "  " + off_above_below(view_state, 0, left_out, width)
        titles = self._titles(view_state, found, width)
        return [self.head(view_state, width, note), titles, *rows[:room], *around]

    # -- drawing ------------------------------------------------------------------------------

    def _titles(self, view_state: ViewState, found: CheckedGradients, width: int) -> Line:
        names = [("difference", GRADIENT), ("backward", GRADIENT + ERROR)]
        if self._has_original(view_state, found, width):
            names.append(("original", GRADIENT))
        texts = [fit(self.page_text(view_state, key), columns) for key, columns in names]
        wide = self._name_columns(view_state, found)
        return [Segment(" " * wide + "".join(texts), view_state.theme.dim)]

    def _rows(self, view_state: ViewState, found: CheckedGradients, width: int) -> list[Line]:
        theme, rows, wide = view_state.theme, [], self._name_columns(view_state, found)
        original = self._has_original(view_state, found, width)
        # From the loss downwards; where there is little room, the biases are left out.
        head = [e for e in found.entries if e.layer is None and e.word is None]
        embedding = [e for e in found.entries if e.word is not None]
        layer = [e for e in found.entries if e.layer == view_state.cursor.layer]
        layer.sort(key=lambda entry: "UWVb".find(entry.name[0]))
        for entry in (*head, *embedding, *layer):
            sign = 1
            if entry.layer is not None:
                sign = weight_sign(view_state.trace, entry.layer, entry.name)
            row = [
                Segment(fit(f" {self._entry_name(view_state, entry, NAME - 2)}", wide), theme.ink),
                Segment(_gradient(sign * entry.difference), theme.now),
                *self._compare(view_state, sign * entry.backward, entry.error),
            ]
            if original and entry.original is not None and entry.original_error is not None:
                row += self._compare(view_state, sign * entry.original, entry.original_error)
            rows.append(row)
        return rows

    def _has_original(self, view_state: ViewState, found: CheckedGradients, width: int) -> bool:
        """Whether the gradients of the original are shown: the verdict has the result anyway."""
        needed = self._name_columns(view_state, found) + 3 * GRADIENT + 2 * ERROR
        return bool(found.original) and needed <= width

    def _name_columns(self, view_state: ViewState, found: CheckedGradients) -> int:
        """Columns of the names: a notation may have longer ones."""
        names = (self._entry_name(view_state, entry, NAME - 2) for entry in found.entries)
        return max(NAME, 2 + max(cell_len(name) for name in names))

    def _compare(self, view_state: ViewState, gradient: float, error: float) -> Line:
        """A gradient, and its relative error behind = or ≠."""
        theme = view_state.theme
        agrees = error <= AGREES
        style = theme.dim if agrees else theme.wrong
        mark = f"{EQUAL if agrees else UNEQUAL} {number(error, 2)}"
        return [
            Segment(_gradient(gradient), theme.ink if agrees else theme.wrong),
            Segment(fit(mark, ERROR), style),
        ]

    def _entry_name(self, view_state: ViewState, entry: CheckedEntry, width: int) -> str:
        """The place of an entry: "U_f 29,0", "E good,21", "head W 10,0"."""
        if entry.word is not None:
            index = f",{entry.index[1]}"
            return f"E {fit(visible(entry.word), min(width - 2 - len(index), 10)).strip()}{index}"
        index = ",".join(map(str, entry.index))
        if entry.layer is None:
            return self.page_text(view_state, "of_head", name=f"{entry.name} {index}")
        layer = view_state.trace.layers[entry.layer]
        if len(entry.index) == 2 and not entry.name.startswith("b"):
            written = layer.entry(entry.name, *entry.index)
            return written.replace("[", " ").rstrip("]")
        return f"{layer.symbol(entry.name)} {index}"

    def _compared(self, view_state: ViewState, found: CheckedGradients, width: int) -> list[Line]:
        """What the columns are."""
        theme = view_state.theme
        key = "compared_copy" if found.original else "compared"
        said = self.page_text(view_state, key, model=found.original)
        return [[Segment(f" {line}", theme.dim)] for line in wrapped(said, width - 2)]

    def _verdict(self, view_state: ViewState, found: CheckedGradients, width: int) -> list[Line]:
        """The largest error of each comparison, and where it is."""
        theme, entries = view_state.theme, found.entries
        worst = max(entries, key=lambda entry: entry.error)
        lines = [("backward", worst, worst.error)]
        if found.original:
            other = max(entries, key=lambda entry: entry.original_error or 0.0)
            lines.append(("original", other, other.original_error or 0.0))
        out: list[Line] = []
        for key, entry, error in lines:
            agrees = error <= AGREES
            said = self.page_text(
                view_state, f"{key}_{'agrees' if agrees else 'differs'}",
                error=number(error, 2), place=self._place(view_state, entry), count=len(entries),
            )  # fmt: skip
            style: Style = theme.now if agrees else theme.wrong
            mark = EQUAL if agrees else UNEQUAL
            out += [[Segment(f" {line}", style)] for line in wrapped(f"{mark} {said}", width - 2)]
        return out

    def _place(self, view_state: ViewState, entry: CheckedEntry) -> str:
        """The name of an entry, with its layer where there is more than one."""
        name, layers = self._entry_name(view_state, entry, 24), view_state.trace.layers
        if entry.layer is None or len(layers) == 1:
            return name
        return self.page_text(view_state, "in_layer", name=name, n=entry.layer + 1)


def _gradient(value: float) -> str:
    return fit(number(value, 5, True, GRADIENT - 1), GRADIENT)
