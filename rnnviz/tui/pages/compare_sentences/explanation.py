"""Why the predictions differ: contributions of units to the logit, and a summary in words."""

from __future__ import annotations

from rich.segment import Segment

from rnnviz.analysis.difference import (
    TraceDifference,
    logit_contributions,
)
from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.query import Query
from rnnviz.tui.pages.compare_sentences.aligned_strips import is_known
from rnnviz.tui.pages.shared_gradients import blocks
from rnnviz.tui.render.segments import Line, fit, heading
from rnnviz.tui.view.conclusion import Clause
from rnnviz.tui.view.view_state import ViewState


def page_text(view_state: ViewState, key: str, **values: object) -> str:
    """A text of the page."""
    return view_state.text(f"page.against.{key}", **values)


def contributions(
    view_state: ViewState, diff: TraceDifference, count: int, width: int
) -> list[Line]:
    theme, k = view_state.theme, view_state.shown_class()
    row = last_row(view_state, diff)
    title, question = page_text(view_state, "units"), page_text(view_state, "who")
    terms = logit_contributions(diff, row, k)
    if not is_known(view_state, diff, row) or terms is None:
        ready = terms is None and None not in diff.last_read[row]
        why = page_text(view_state, "no_share" if ready else "not_yet")
        return [heading(title, question, width, theme), [Segment(" " + why, theme.dim)],
                *[[] for _ in range(count - 1)]]  # fmt: skip
    label, total = (
        visible(view_state.trace.head.labels[k]),
        number(float(terms.values.sum()), 3, True),
    )
    note = page_text(
        view_state, "share_end" if terms.whole_text else "share", label=label, value=total
    )
    lines = [heading(title, question, width, theme, note)]
    places = terms.largest(count)
    top, h = abs(float(terms.values[places[0]])) or 1.0, view_state.symbol("h")
    for place in places:
        value = float(terms.values[place])
        arithmetic = terms.arithmetic(place)
        style = theme.above if value > 0 else theme.below
        bar = blocks(abs(value) / top, 24)
        name = fit(" " + _unit(view_state, place), 12)
        sum_of = f"({h}_a − {h}_b) · W = {arithmetic.text}"
        spare = width - 13 - 8 - len(sum_of) - 2
        line = [Segment(name, theme.source), Segment(fit(arithmetic.result, 9), theme.now)]
        line += [Segment(fit(bar, 25), style)] if width >= 60 + len(sum_of) else []
        line += [Segment(sum_of if spare >= 0 else "", theme.dim)]
        lines.append(line)
    return lines


def _unit(view_state: ViewState, place: int) -> str:
    top = view_state.trace.layers[-1]
    if top.direction != "backward":
        return page_text(view_state, "unit", n=place)
    side = "←" if place >= top.units else "→"
    return page_text(view_state, "unit", n=f"{place % top.units}{side}")


def last_row(view_state: ViewState, diff: TraceDifference) -> int:
    """The row that is explained; at the last word of a it is the last row, with all of b read."""
    last = view_state.cursor.t == len(diff.a.tokens) - 1
    return len(diff.pairs) - 1 if last else diff.row_of_token[view_state.cursor.t]


def summary(view_state: ViewState, diff: TraceDifference, query: Query) -> list[Clause]:
    """What is equal and where the states diverge, up to the cursor; what one word does.

    ``query`` reads the second sentence.
    """
    first, row = diff.first_edit, last_row(view_state, diff)
    read = is_known(view_state, diff, row)
    at_end = read and row == len(diff.pairs) - 1
    if first is None and at_end:
        return [Clause((page_text(view_state, "never"),), (query,))]
    if first is None or first > row or (first == row and not read):
        return [Clause((page_text(view_state, "so_far"),))]
    parting = Clause((_parting(view_state, diff, first),), (query,), 1)
    if not at_end:
        return [parting]
    clauses = [parting, Clause((_end(view_state, diff),), (query,))]
    edits = sum(not diff.is_equal(n) for n in range(len(diff.pairs)))
    if edits > 1:
        return [*clauses, Clause((page_text(view_state, "close_many", n=edits),), rank=2)]
    k = view_state.shown_class()
    values = {
        "pa": number(float(diff.a.head.output[k]), 2),
        "pb": number(float(diff.b.head.output[k]), 2),
    }
    return [*clauses, Clause((page_text(view_state, "close_one", **values),), (query,), 3)]


def _parting(view_state: ViewState, diff: TraceDifference, first: int) -> str:
    if diff.first_divergence is not None and diff.first_divergence < first:
        return page_text(view_state, "backward")
    i, j = diff.pairs[first]
    a, b = (
        "" if t is None else visible(trace.tokens[t]) for trace, t in ((diff.a, i), (diff.b, j))
    )
    kind = {"−": "only_a", "+": "only_b", "≠": "other"}[diff.mark(first)]
    change = page_text(view_state, kind, a=a, b=b)
    if first == 0:
        return page_text(view_state, "first", change=change)
    before = visible(diff.a.tokens[diff.pairs[first - 1][0] or 0])
    return page_text(view_state, "until", before=before, change=change)


def _end(view_state: ViewState, diff: TraceDifference) -> str:
    k, head = view_state.shown_class(), diff.a.head
    label = visible(head.labels[k])
    what = view_state.text("view.believes", label=label) if not head.is_number else label
    same = sum(diff.is_equal(row) for row in range(len(diff.pairs)))
    return page_text(
        view_state, "end", same=same, pairs=len(diff.pairs), distance=number(diff.final_distance),
        what=what, pa=number(float(head.output[k])), pb=number(float(diff.b.head.output[k])),
    )  # fmt: skip
