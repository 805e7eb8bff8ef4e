"""Why the predictions differ: contributions of units to the logit, and a summary in words."""

from __future__ import annotations

from rich.segment import Segment

from rnnviz.analysis.difference import (
    TraceDifference,
    logit_contributions,
)
from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.tui.pages.compare_sentences.aligned_strips import known
from rnnviz.tui.pages.shared_gradients import blocks
from rnnviz.tui.render.segments import Line, fit, heading, wrapped
from rnnviz.tui.view.view_state import ViewState


def say(moment: ViewState, key: str, **values: object) -> str:
    """A text of the page."""
    return moment.text(f"page.against.{key}", **values)


def contributions(moment: ViewState, found: TraceDifference, count: int, width: int) -> list[Line]:
    look, k = moment.look, moment.shown_class()
    row = last_row(moment, found)
    title, question = say(moment, "units"), say(moment, "who")
    told = logit_contributions(found, row, k)
    if not known(moment, found, row) or told is None:
        ready = told is None and None not in found.last_read[row]
        why = say(moment, "no_share" if ready else "not_yet")
        return [heading(title, question, width, look), [Segment(" " + why, look.dim)],
                *[[] for _ in range(count - 1)]]  # fmt: skip
    label, total = (
        visible(moment.trace.head.labels[k]),
        number(float(told.values.sum()), 3, True),
    )
    note = say(moment, "share_end" if told.whole_text else "share", label=label, value=total)
    lines = [heading(title, question, width, look, note)]
    places = told.largest(count)
    top = abs(float(told.values[places[0]])) or 1.0
    for place in places:
        value = float(told.values[place])
        done = told.arithmetic(place)
        style = look.above if value > 0 else look.below
        bar = blocks(abs(value) / top, 24)
        name = fit(" " + _unit(moment, place), 12)
        sum_of = f"(h_a − h_b) · W = {done.text}"
        spare = width - 13 - 8 - len(sum_of) - 2
        line = [Segment(name, look.source), Segment(fit(done.result, 9), look.now)]
        line += [Segment(fit(bar, 25), style)] if width >= 60 + len(sum_of) else []
        line += [Segment(sum_of if spare >= 0 else "", look.dim)]
        lines.append(line)
    return lines


def _unit(moment: ViewState, place: int) -> str:
    top = moment.trace.layers[-1]
    if top.direction != "backward":
        return say(moment, "unit", n=place)
    side = "←" if place >= top.units else "→"
    return say(moment, "unit", n=f"{place % top.units}{side}")


def last_row(moment: ViewState, found: TraceDifference) -> int:
    """The pair whose reading is explained: at the last word of a, all of b is read too."""
    last = moment.cursor.t == len(found.a.tokens) - 1
    return len(found.pairs) - 1 if last else found.row_of_token[moment.cursor.t]


def summary(moment: ViewState, found: TraceDifference, width: int) -> list[str]:
    """What is the same and where they part, as far as it was read."""
    first, row = found.first_edit, last_row(moment, found)
    read = known(moment, found, row)
    at_end = read and row == len(found.pairs) - 1
    if first is None and at_end:
        return wrapped(say(moment, "never"), width - 2)
    if first is None or first > row or (first == row and not read):
        return wrapped(say(moment, "so_far"), width - 2)
    said = whole_summary(moment, found) if at_end else _parting(moment, found, first)
    return wrapped(said, width - 2)


def whole_summary(moment: ViewState, found: TraceDifference) -> str:
    """Everything there is to say at the end."""
    if found.first_edit is None:
        return say(moment, "never")
    return _parting(moment, found, found.first_edit) + " " + _end(moment, found)


def _parting(moment: ViewState, found: TraceDifference, first: int) -> str:
    if found.first_divergence is not None and found.first_divergence < first:
        return say(moment, "backward")
    i, j = found.pairs[first]
    a, b = (
        "" if t is None else visible(trace.tokens[t]) for trace, t in ((found.a, i), (found.b, j))
    )
    kind = {"−": "only_a", "+": "only_b", "≠": "other"}[found.mark(first)]
    change = say(moment, kind, a=a, b=b)
    if first == 0:
        return say(moment, "first", change=change)
    before = visible(found.a.tokens[found.pairs[first - 1][0] or 0])
    return say(moment, "until", before=before, change=change)


def _end(moment: ViewState, found: TraceDifference) -> str:
    k, head = moment.shown_class(), found.a.head
    label = visible(head.labels[k])
    what = moment.text("view.believes", label=label) if head.kind != "linear" else label
    same = sum(found.is_equal(row) for row in range(len(found.pairs)))
    return say(
        moment, "end", same=same, pairs=len(found.pairs), distance=number(found.final_distance),
        what=what, pa=number(float(head.output[k])), pb=number(float(found.b.head.output[k])),
    )  # fmt: skip
