"""The table of the page: each property, the unit that tells it best, and the cursor's unit."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.equations import MINUS
from rnnviz.tui.pages.units.property_questions import (
    PropertyRow,
    ablation,
    chosen_row,
    property_rows,
    scores,
    state_shown,
)
from rnnviz.tui.render.segments import Line, cut, fit, heading, trimmed, window
from rnnviz.tui.view.view_state import ViewState

#: Columns: the mark and the name of a property, the share of places, the best unit, its score, that
#: of the untrained nets, that of the cursor's unit, and the bits lost without it. Where there is no
#: room for all of them, the share and the last three are left out.
NAME, SHARE, UNIT, AREA, CONTROL, OWN, LOST = 24, 6, 10, 6, 12, 7, 7
TABLE = NAME + SHARE + UNIT + AREA + CONTROL + OWN + 2 * LOST
#: Columns of the bar of a score, where there is room.
BAR = (8, 40)
#: Lines that are no rows of the table.
AROUND = 3


def three(value: float) -> str:
    """An area under the curve."""
    return f"{value:.3f}"


def signed(value: float) -> str:
    """Bits lost, with their sign."""
    return f"{value:+.2f}".replace("-", MINUS)


def unit_name(view_state: ViewState, state: str, unit: int) -> str:
    """A state of a unit: "c 6"."""
    return f"{view_state.symbol(state)} {unit}"


def table(view_state: ViewState, width: int, room: int) -> list[Line]:
    """Heading, names of the columns, as many rows as fit, and the whole loss."""
    rows, theme = property_rows(view_state), view_state.theme
    found = scores(view_state)
    assert found is not None
    at = chosen_row(view_state, rows)
    say = view_state.text
    nets = say("page.units.controls", nets=found.controls)
    lines = [heading(say("page.units.scores"), "", width, theme, nets)]
    if not rows:
        return [*lines, [Segment(f" {say('page.units.no_scores')}", theme.dim)]]
    count = max(1, min(len(rows), room - AROUND))
    first = window(len(rows), at, count)
    lines.append(_columns(view_state, width))
    for n in range(first, first + count):
        lines.append(_row(view_state, rows[n], n == at, width))
    return [*lines, _whole(view_state, width)][: max(3, room)]


def row_at(view_state: ViewState, room: int, y: int) -> PropertyRow | None:
    """The row in this line of :func:`table`."""
    rows = property_rows(view_state)
    count = max(1, min(len(rows), room - AROUND))
    n = window(len(rows), chosen_row(view_state, rows), count) + y - 2
    return rows[n] if 2 <= y < 2 + count and 0 <= n < len(rows) else None


def _columns(view_state: ViewState, width: int) -> Line:
    say = view_state.text
    own = unit_name(view_state, state_shown(view_state), view_state.cursor.unit)
    whole = width >= TABLE
    texts = [
        fit(" " + say("page.units.column_property"), NAME),
        fit(say("page.units.column_holds"), SHARE, ">") if whole else "",
        "  " + fit(say("page.units.column_best"), UNIT - 2),
        fit("AUC", AREA, ">"),
        fit(say("page.units.column_untrained"), CONTROL, ">"),
    ]
    if whole:
        columns = ("there", LOST), ("elsewhere", LOST)
        texts.append(fit(own, OWN, ">"))
        texts += [fit(say(f"page.units.column_{name}"), wide, ">") for name, wide in columns]
    bar = bar_width(width)
    texts += ["  " + fit(say("page.units.column_bar"), bar)] if bar else []
    return trimmed([Segment("".join(texts), view_state.theme.dim)], width, view_state.theme.ink)


def _row(view_state: ViewState, row: PropertyRow, chosen: bool, width: int) -> Line:
    theme, best = view_state.theme, row.best
    name = view_state.word("unit_property", row.name)
    here = (best.unit, best.state) == (view_state.cursor.unit, state_shown(view_state))
    unit = unit_name(view_state, best.state, best.unit) + (" ↑" if best.is_high else " ↓")
    own = "–" if row.own is None else three(row.own.strength)
    lost = (_waiting(view_state),) * 2 if row.lost is None else tuple(map(signed, row.lost))
    whole = width >= TABLE
    share = fit(f"{100 * row.share:.0f} %", SHARE, ">") if whole else ""
    line: Line = [
        Segment(fit(("▸" if chosen else " ") + name, NAME), theme.now if chosen else theme.ink),
        Segment(share, theme.dim),
        Segment("  " + fit(unit, UNIT - 2), theme.now if here else theme.source),
        Segment(fit(three(best.strength), AREA, ">"), theme.source),
        Segment(fit("…" if row.control is None else three(row.control), CONTROL, ">"), theme.ink),
    ]
    if whole:
        line.append(Segment(fit(own, OWN, ">"), theme.now if here else theme.ink))
        line.append(Segment("".join(fit(each, LOST, ">") for each in lost), theme.ink))
    if bar := bar_width(width):
        line += _bar(view_state, row, bar)
    return trimmed(line, width, theme.ink)


def _waiting(view_state: ViewState) -> str:
    """What stands for a number that is asked for when the cursor rests, unless it hides any."""
    return "–" if view_state.hidden else "…"


def bar_width(width: int) -> int:
    """The columns of the bars; 0 where there is no room."""
    room = min(width - TABLE - 4, BAR[1])
    return room if room >= BAR[0] else 0


def _bar(view_state: ViewState, row: PropertyRow, width: int) -> Line:
    """A score from 0.5 to 1: what the untrained nets have in dots, what is above it full."""
    theme = view_state.theme
    end = round((row.best.strength - 0.5) * 2 * width)
    base = min(end, round(((row.control or 0.5) - 0.5) * 2 * width))
    return [
        Segment("  " + "░" * base, theme.dim), Segment("█" * (end - base), theme.source),
    ]  # fmt: skip


def _whole(view_state: ViewState, width: int) -> Line:
    """What a character takes with and without the unit; before it is known that it is asked."""
    found, n = ablation(view_state), view_state.cursor.unit
    values = dict.fromkeys(("whole", "without"), _waiting(view_state)) | {"n": str(n)}
    if found is not None:
        values["whole"], values["without"] = (f"{bits:.2f}" for bits in found.everywhere)
    forms = ("", "_short") if width >= TABLE else ("_alone",)
    texts = [view_state.text(f"page.units.lost{form}", **values) for form in forms]
    text = next((each for each in texts if cell_len(each) < width - 1), texts[-1])
    return [Segment(cut(f" {text}", width), view_state.theme.dim)]
