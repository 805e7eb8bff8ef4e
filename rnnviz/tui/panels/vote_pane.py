"""The pane of a class: its phones, how many have answered, and what once the vote is closed."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.display import visible
from rnnviz.lessons.predictions import (
    AnswerKey,
    MarkedPrediction,
    Prediction,
    quoted,
    spoken,
)
from rnnviz.tui.render.segments import Line, beside, cut, trimmed
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.vote_state import BINS, VoteState, bins, median_of
from rnnviz.tui.view.widget import View

#: The most options with a line of their own, and columns of a name and of a bar.
MOST, NAME, BAR = 6, 34, 24
_HEIGHTS = " ▁▂▃▄▅▆▇█"


class VotePane(View):
    """The vote of a class; nothing without a class."""

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        vote = view_state.vote
        if vote is None:
            return []
        lines = [_heading(view_state, vote, width)]
        if vote.question:
            lines += _body(view_state, vote, width)
        return [trimmed(line, width, view_state.theme.ink) for line in lines[:height]]


def vote_height(view_state: ViewState, room: int) -> int:
    """Lines of the pane, the same from the question to the reveal; ``room``: the most it gets."""
    vote = view_state.vote
    if vote is None:
        return 0
    if not vote.question:
        return 1
    if vote.ask == "number":
        needed = 4 if vote.bounded else 3
    else:
        needed = 2 + min(MOST, len(vote.options(view_state.lang)))
    return max(2, min(needed, room))


def _heading(view_state: ViewState, vote: VoteState, width: int) -> Line:
    theme, say = view_state.theme, view_state.text
    link = vote.links[0] if vote.links else ""
    place = f" {say('vote.phones', n=vote.devices)} ─"
    title = cut(say("vote.title", link=link), width - cell_len(place) - 4)
    left = [Segment("─ ", theme.rule), Segment(title, theme.bold), Segment(" ", theme.rule)]
    gap = width - cell_len(place) - cell_len(title) - 3
    right = [Segment("─" * max(0, gap), theme.rule), Segment(place, theme.source)]
    return beside([*left, *right], [], width, theme.rule)


def _body(view_state: ViewState, vote: VoteState, width: int) -> list[Line]:
    theme, say = view_state.theme, view_state.text
    if not vote.is_counted:
        key = "vote.closing" if vote.closing else "vote.open" if vote.vote == 1 else "vote.second"
        text = say(key, answered=vote.answered, n=vote.devices)
        hint = say("vote.key_close" if view_state.lesson is not None else "vote.key_close_token")
        return [[Segment(f"  ● {text}", theme.now)], [Segment(f"  ▸ {hint}", theme.source)]]
    if not vote.answered:
        return [[Segment("  " + say("vote.nobody"), theme.ink)]]
    lines = _numbers(view_state, vote) if vote.ask == "number" else _choices(view_state, vote)
    text = say("vote.counted" if vote.vote == 1 else "vote.counted_twice", n=vote.answered)
    if not vote.is_revealed and vote.vote == 1:
        text += " · " + say("vote.key_again")
    if vote.reasons:
        text += " · " + quoted(vote.reasons[-1])
    return [*lines, [Segment("  " + cut(text, width - 3), theme.ink)]]


def _choices(view_state: ViewState, vote: VoteState) -> list[Line]:
    """A bar for each option, or for the words that were chosen most; before it that of the first
    vote."""
    names = vote.options(view_state.lang)
    shown = [n for n in range(len(names)) if n < len(vote.counts)]
    if len(shown) > MOST:
        most = sorted(shown, key=lambda n: -vote.counts[n])[:MOST]
        shown = sorted(most)
    room = min(NAME, max([cell_len(visible(names[n])) for n in shown], default=0)) + 2
    return [_choice(view_state, vote, n, names[n], room) for n in shown]


def _choice(view_state: ViewState, vote: VoteState, n: int, name: str, room: int) -> Line:
    theme = view_state.theme
    right = vote.is_revealed and vote.right == n + 1
    style = theme.now if right else theme.ink
    label = cut(visible(name), NAME)
    line: Line = [
        Segment(f"  {'✓' if right else ' '} {n + 1} ", style),
        Segment(label + " " * (room - cell_len(label)), style),
    ]
    for counts in filter(None, (vote.first_counts, vote.counts)):
        full = max(1, sum(counts))
        size = round(BAR * counts[n] / full)
        earlier = counts is vote.first_counts
        bar = theme.dim if earlier else theme.now if right else theme.source
        percent = view_state.text("words.percent", n=round(100 * counts[n] / full))
        text = f"{counts[n]} ({percent})"
        line.append(Segment(("░" if earlier else "█") * size, bar))
        line.append(Segment(f" {text}".ljust(BAR - size + 14), style))
    return line


def _numbers(view_state: ViewState, vote: VoteState) -> list[Line]:
    """A histogram, the median, and after the reveal the gap to what is right."""
    theme = view_state.theme
    lines: list[Line] = []
    if vote.bounded:
        line: Line = [Segment("    0 ", theme.dim)]
        for values in filter(None, (vote.first_values, vote.values)):
            if values is vote.first_values and vote.first_values:
                line += [Segment(_histogram(values), theme.dim), Segment(" 1   0 ", theme.dim)]
            else:
                line += _marked(view_state, vote, _histogram(values))
        lines.append([*line, Segment(" 1", theme.dim)])
    level = median_of(vote.values)
    assert level is not None
    text = view_state.text("vote.median", value=spoken(level))
    if (before := median_of(vote.first_values)) is not None:
        text = view_state.text("vote.medians", first=spoken(before), value=spoken(level))
    style = theme.ink
    if vote.is_revealed and vote.right is not None:
        marked = MarkedPrediction(Prediction(level), AnswerKey("number", vote.right, vote.within))
        gap = marked.gap
        key = "vote.exact" if not gap else "vote.high" if gap > 0 else "vote.low"
        text += " · " + view_state.text(key, right=spoken(vote.right), gap=spoken(abs(gap)))
        style = theme.now if marked.is_right else theme.wrong
    return [*lines, [Segment(f"    {text}", style)]]


def _histogram(values: Sequence[float]) -> str:
    counted = bins(tuple(values))
    most = max(counted) or 1
    return "".join(_HEIGHTS[-(-8 * n // most)] for n in counted)


def _marked(view_state: ViewState, vote: VoteState, drawn: str) -> Line:
    """The histogram, with the bin of what is right in another colour once it is revealed."""
    theme = view_state.theme
    if not vote.is_revealed or vote.right is None:
        return [Segment(drawn, theme.source)]
    at = min(BINS - 1, max(0, int(vote.right * BINS)))
    sign = drawn[at] if drawn[at] != " " else "▲"
    return [
        Segment(drawn[:at], theme.source), Segment(sign, theme.now),
        Segment(drawn[at + 1 :], theme.source),
    ]  # fmt: skip
