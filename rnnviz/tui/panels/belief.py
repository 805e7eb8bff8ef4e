"""What the net believes and what changed it, in words.

Each statement comes in several lengths, longest first, for the columns that there are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from rnnviz.analysis import next_tokens
from rnnviz.analysis import series as series_analysis
from rnnviz.analysis.difference import LogitContributions
from rnnviz.analysis.prediction_change import PredictionChange, belief, prediction_change
from rnnviz.analysis.readout import saliency
from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.tui.panels.word_columns import LONGEST
from rnnviz.tui.render.segments import Line, cut
from rnnviz.tui.view.view_state import ViewState

#: The units that are named, at most.
NAMED = 2
#: The least share of the largest term that the second one has, to be named.
LEAST = 0.2


def output_name(view_state: ViewState, k: int | None = None) -> str:
    """The output of class ``k``, or of the one shown: "p(positive)", or what is forecast."""
    head = view_state.trace.head
    if k is None and head.writes and view_state.part_hidden:
        return view_state.text("next.name")
    k = view_state.shown_class() if k is None else k
    name = visible(head.labels[k])
    return name if head.is_number else view_state.text("view.believes", label=name)


def belief_text(view_state: ViewState, t: int) -> str:
    """The label the net leans to after token t, or that it is not sure.

    "" for a forecast, and for a net that writes.
    """
    head = view_state.trace.head
    if head.is_number or head.writes:
        return ""
    found = belief(view_state.trace, t)
    return view_state.text("belief.unsure") if found is None else visible(head.labels[found])


def change_line(view_state: ViewState, room: int) -> Line:
    """What the current word changed, in at most ``room`` columns."""
    theme, t = view_state.theme, view_state.cursor.t
    if view_state.part_hidden:
        return _fitting(
            [view_state.text("view.hidden" if view_state.keyless else "view.hidden_hint")],
            room,
            theme.source,
        )
    if not view_state.prediction_known(t):
        return _fitting(_reading(view_state), room, theme.ink)
    if view_state.trace.head.writes:
        return _fitting(_what_comes(view_state, t), room, theme.bold)
    moved = _moved(view_state, t)
    style = theme.bold
    if moved.before is not None and (size := _size(view_state, moved)):
        style = theme.above if size > 0 else theme.below
    if view_state.trace.head.is_number:
        style = theme.source
    return _fitting(_statements(view_state, moved), room, style)


def gradient_line(view_state: ViewState, room: int) -> Line:
    """Which word has the largest |∂L/∂x|, and what that means, in at most ``room`` columns."""
    sizes = saliency(view_state.trace)
    if view_state.hidden or not sizes.any():
        return []
    t = int(np.argmax(sizes))
    values = {"word": _word(view_state, t), "value": number(float(sizes[t]), 2)}
    section = "next" if view_state.trace.head.writes else "belief"
    keys = ("largest", "largest_short", "largest_shortest")
    texts = [view_state.text(f"{section}.{key}", **values) for key in keys]
    return _fitting(texts, room, view_state.theme.ink)


def _fitting(texts: Sequence[str], room: int, style: Style) -> Line:
    """The first text that fits; the last one is cut."""
    text = next((text for text in texts if cell_len(text) <= room), texts[-1])
    return [Segment(cut(text, room), style)]


def _word(view_state: ViewState, t: int) -> str:
    return cut(visible(view_state.trace.tokens[t]), LONGEST)


def _reading(view_state: ViewState) -> list[str]:
    """The current word is being read: the prediction before it, if there is one."""
    t, k = view_state.cursor.t, view_state.shown_class()
    short = view_state.text("belief.reading", word=_word(view_state, t))
    if t == 0 or view_state.trace.head.writes:
        return [short]
    before = number(float(view_state.readout[t - 1, k]), 2)
    name = output_name(view_state)
    was = view_state.text("belief.was", name=name, before=before, word=_word(view_state, t - 1))
    return [short + was, short]


def _what_comes(view_state: ViewState, t: int) -> list[str]:
    """The token that follows in the text, and the likeliest one, of a net that writes."""
    trace = view_state.trace
    order = np.argsort(-trace.head.readout[t], kind="stable")[:2].tolist()
    names = [cut(visible(trace.head.labels[k]), LONGEST) for k in order]
    shares = [number(float(trace.head.readout[t, k]), 2) for k in order]
    values = {"word": _word(view_state, t), "best": names[0], "q": shares[0]}
    if not next_tokens.comes(trace, t):
        values |= {"second": names[-1], "r": shares[-1]}
        return [view_state.text(f"next.{key}", **values) for key in ("last", "last_short")]
    values |= {
        "next": _word(view_state, t + 1), "p": number(view_state.output(t), 2),
        "bits": number(float(next_tokens.surprises(trace)[t]), 2),
    }  # fmt: skip
    key = "best" if next_tokens.next_ids(trace)[t] == order[0] else "came"
    return [view_state.text(f"next.{key}", **values), view_state.text("next.short", **values)]


def _moved(view_state: ViewState, t: int) -> PredictionChange:
    """The change of the shown output; of a series in the unit of the target column."""
    trace, k = view_state.trace, view_state.shown_class()
    moved = prediction_change(trace, t, k)
    if trace.series is None:
        return moved
    series, units = trace.series, moved.units
    if units is not None:
        units = LogitContributions(units.a, units.b, units.W * series.std[series.target], False)
    before = None if moved.before is None else float(series.restored(moved.before))
    return PredictionChange(before, float(series_analysis.forecasts(trace)[t]), units)


def _size(view_state: ViewState, moved: PredictionChange) -> float:
    """The change as the two printed numbers give it; of numbers whose unit is unknown as it is."""
    assert moved.before is not None
    if view_state.trace.head.is_number and view_state.trace.series is None:
        same = number(moved.after, 2) == number(moved.before, 2)
        return 0.0 if same else moved.after - moved.before
    return round(round(moved.after, 2) - round(moved.before, 2), 2)


def _statements(view_state: ViewState, moved: PredictionChange) -> list[str]:
    t, name = view_state.cursor.t, output_name(view_state)
    values = {"word": _word(view_state, t), "name": name, "after": number(moved.after, 2)}
    if moved.before is not None:
        values["before"] = number(moved.before, 2)
    if t == 0 or moved.before is None:
        sure = belief_text(view_state, t)
        now = view_state.text("belief.now", **values) + (f", {sure}" if sure else "")
        first = moved.before is not None and t == 0
        return [now + view_state.text("belief.start", **values), now] if first else [now]
    size = _size(view_state, moved)
    key = "belief.rose" if size > 0 else "belief.fell" if size < 0 else "belief.same"
    whole = view_state.text(key, **values, size=number(abs(size), 2))
    return [*(whole + more for more in _through(view_state, moved, size)), whole]


def _through(view_state: ViewState, moved: PredictionChange, size: float) -> list[str]:
    """The units that changed it most in its own direction.

    Empty if the units' terms add up to a change in the other direction: of three labels one can
    gain on its rival while both lose.
    """
    if moved.units is None or not size:
        return []
    terms = moved.units.values
    total, sign = float(terms.sum()), 1 if size > 0 else -1
    order = [int(n) for n in np.argsort(-sign * terms, kind="stable")[:NAMED]]
    if total * sign <= 0:
        return []
    chosen = [n for n in order if sign * terms[n] >= LEAST * sign * terms[order[0]]]
    head = view_state.trace.head
    rival = "" if moved.rival is None else visible(head.labels[moved.rival])
    what = "forecast" if head.is_number else "score" if not rival else "ratio"
    texts = []
    for count in range(len(chosen), 0, -1):
        units = ", ".join(
            f"{view_state.text('panel.unit', n=n)} {number(float(terms[n]), 2, True)}"
            for n in chosen[:count]
        )
        values = {"units": units, "total": number(total, 2, True), "rival": rival}
        texts += [view_state.text(f"belief.{what}{form}", **values) for form in ("", "_short")]
    return texts
