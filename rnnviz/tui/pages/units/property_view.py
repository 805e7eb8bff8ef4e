"""The page of units of a net that writes: its text by one unit, and which unit tells what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.segment import Segment

from rnnviz.analysis.unit_properties import UnitScore
from rnnviz.cursor import Cursor, fitted
from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.query import Question
from rnnviz.tui.pages.conclusions import checked, texts
from rnnviz.tui.pages.units.property_questions import (
    ablation_question,
    chosen_row,
    is_own,
    next_questions,
    property_rows,
    scores,
    state_shown,
)
from rnnviz.tui.pages.units.property_table import AROUND, row_at, signed, table, three, unit_name
from rnnviz.tui.pages.units.unit_curve import curve_height, unit_curve
from rnnviz.tui.pages.units.unit_text import (
    largest,
    text_height,
    token_at,
    unit_text,
    unit_values,
)
from rnnviz.tui.pages.units.units_state import UnitsState
from rnnviz.tui.render.segments import Line, heading, wrapped
from rnnviz.tui.view.conclusion import Clause
from rnnviz.tui.view.page import Change
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import CellPicked

#: The actions of the page that are those of a net that writes, and what enter does.
ACTIONS = ("next", "colour_text", "scored_text", "previous")
OVERRIDES = ("zoom_in",)
#: Lines of the title and of the heading of the text; the least lines of the text.
TOP, LEAST_TEXT = 2, 2


def cursor_on_open(view_state: ViewState) -> Cursor:
    """The end of the text, unless a token has been chosen or what comes is hidden."""
    if view_state.hidden or view_state.cursor.t:
        return view_state.cursor
    last = len(view_state.trace.tokens) - 1
    return fitted(replace(view_state.cursor, t=last, part=10**6), view_state.trace)


# -- keys -----------------------------------------------------------------------------------------


def press(view_state: ViewState, key: str) -> Change | None:
    """Another property, the unit that tells it best, the other state, or the other text."""
    state, rows = view_state.page_state(UnitsState), property_rows(view_state)
    at = chosen_row(view_state, rows)
    if key == "colour_text":
        own = view_state.layer.states
        n = own.index(state_shown(view_state)) + 1
        return Change(replace(state, shown=own[n % len(own)]))
    if key == "scored_text":
        if view_state.hidden:
            return Change(message=view_state.text("page.units.own_hidden"), failed=True)
        return Change(replace(state, own=not state.own))
    if not rows:
        return None
    if key in ("next", "previous"):
        n = (at + (1 if key == "next" else -1)) % len(rows)
        return Change(replace(state, chosen=rows[n].name))
    best = rows[at].best
    state = replace(state, chosen=rows[at].name, shown=best.state)
    return Change(state, replace(view_state.cursor, unit=best.unit))


def picked(view_state: ViewState, size: tuple[int, int], x: int, y: int) -> CellPicked | None:
    """A token of the text, or the best unit of a property."""
    width, height = size
    room = _text_room(view_state, width, height)
    if TOP <= y < TOP + room:
        t = token_at(view_state, width, room, x, y - TOP)
        return None if t is None else CellPicked(t=t)
    if scores(view_state) is None:
        return None
    row = row_at(view_state, height - TOP - room, y - TOP - room)
    return None if row is None else CellPicked(unit=row.best.unit)


# -- the sentence at the end ----------------------------------------------------------------------


def conclusion_questions(view_state: ViewState) -> Sequence[Question]:
    """The ablation of the unit at the cursor."""
    found = ablation_question(view_state)
    return () if found is None else (found,)


def conclusion(view_state: ViewState) -> Sequence[Clause]:
    """How well the unit tells the chosen property, and what is lost without it."""
    found, rows = scores(view_state), property_rows(view_state)
    if found is None or not rows:
        return ()
    row = rows[chosen_row(view_state, rows)]
    unit, state = view_state.cursor.unit, state_shown(view_state)
    own = row.own or UnitScore(unit, state, 0.5)
    values: dict[str, object] = {
        "unit": unit_name(view_state, state, unit), "n": unit, "auc": three(own.strength),
        "property": view_state.word("unit_property", row.name), "nets": found.controls,
        "best": unit_name(view_state, row.best.state, row.best.unit),
        "most": three(row.best.strength),
        "control": "…" if row.control is None else three(row.control),
    }  # fmt: skip
    here = (row.best.unit, row.best.state) == (unit, state)
    key = "tells" if here else "other"
    clauses = [texts(view_state, "units", (key, f"{key}_short"), **values)]
    question = ablation_question(view_state)
    if row.lost is not None and question is not None:
        values |= dict(zip(("there", "elsewhere"), map(signed, row.lost), strict=True))
        clause = texts(view_state, "units", ("lost", "lost_short"), **values)
        clauses.append(checked(clause, (question,), 1))
    return clauses


# -- drawing --------------------------------------------------------------------------------------


def lines(view_state: ViewState, head: Line, width: int, height: int) -> list[Line]:
    """The text, and below it the table, or the reason why there is none yet."""
    room = _text_room(view_state, width, height)
    text = unit_text(view_state, width, room)
    found = [head, _title(view_state, width), *text, *[[] for _ in range(room - len(text))]]
    if scores(view_state) is not None:
        found += table(view_state, width, height - len(found))
        below = curve_height(height - len(found))
        return [*found, *(unit_curve(view_state, width, below) if below else [])]
    theme = view_state.theme
    said = wrapped(_why(view_state), width - 2)
    title = heading(view_state.text("page.units.scores"), "", width, theme)
    return [*found, title, *([Segment(f" {line}", theme.dim)] for line in said)]


def note(view_state: ViewState, keys: str) -> str:
    """The unit, and the text whose places are scored."""
    found, (n, H) = scores(view_state), (view_state.cursor.unit, view_state.layer.units)
    values: dict[str, object] = {"n": n, "H": H, "keys": keys}
    if found is None:
        return view_state.text("page.units.note_alone", **values)
    own = is_own(view_state)
    source = view_state.text("page.units.this_text") if own else visible(found.source)
    places = f"{found.places:,}"
    return view_state.text("page.units.note_scores", source=source, places=places, **values)


def _text_room(view_state: ViewState, width: int, height: int) -> int:
    """The lines of the text: what the table leaves, at most what the text takes."""
    rows = len(property_rows(view_state)) or 11
    most = max(LEAST_TEXT, height - TOP - AROUND - rows)
    return min(most, text_height(view_state, width))


def _title(view_state: ViewState, width: int) -> Line:
    """The heading of the text, with the value at the cursor."""
    n, state = view_state.cursor.unit, state_shown(view_state)
    title = view_state.text("page.units.text_by", state=view_state.symbol(state), n=n)
    values, said = unit_values(view_state), []
    if len(values) > view_state.cursor.t:
        value = number(float(values[view_state.cursor.t]), 3, True)
        token = visible(view_state.trace.tokens[view_state.cursor.t])
        symbol = view_state.symbol(state, view_state.cursor.t + 1)
        said.append(view_state.text("page.units.value", h=symbol, value=value, token=token))
    said.append(view_state.text("page.units.scale", most=number(largest(view_state), 2)))
    return heading(title, "", width, view_state.theme, " · ".join(said))


def _why(view_state: ViewState) -> str:
    """The reason why there are no scores, or not yet."""
    for question in next_questions(view_state):
        reason = view_state.failures.get(question)
        if reason is not None:
            other = view_state.text("page.units.other_text") if is_own(view_state) else ""
            return f"{visible(reason)} {other}".rstrip()
    return view_state.text("page.units.scoring")
