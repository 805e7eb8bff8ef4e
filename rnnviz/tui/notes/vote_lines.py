"""The vote of a class in the notes: how many have answered, and what, once it is closed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median, quantiles

from rich.segment import Segment

from rnnviz.display import visible
from rnnviz.events import TallyEvent
from rnnviz.lessons.predictions import quoted, spoken
from rnnviz.tui.notes.notes_state import NotesState
from rnnviz.tui.render.segments import Line, wrapped
from rnnviz.tui.view.predict_notice import DIRECTIONS, SEEN

#: The most options or words that are named, and reasons.
MOST, REASONS = 5, 3


def vote_lines(state: NotesState, vote: TallyEvent, width: int) -> Iterator[Line]:
    """The lines of a vote."""
    theme, say = state.theme, state.text
    if vote.is_open:
        key = "vote.open" if vote.vote == 1 else "vote.second"
        text = f"● {say(key, answered=vote.answered, n=vote.devices)}"
        yield [Segment("  " + text, theme.now)]
        return
    said = _numbers(state, vote) if vote.values else _choices(state, vote)
    if vote.vote > 1:
        said = f"{say('notes.second')}: {said}"
    yield from ([Segment("  " + line, theme.ink)] for line in wrapped(said, width))
    for why in vote.reasons[-REASONS:]:
        yield from ([Segment("  " + line, theme.dim)] for line in wrapped(quoted(why), width))


def _numbers(state: NotesState, vote: TallyEvent) -> str:
    """The median, and between which numbers the middle half lies."""
    answers = state.text("vote.counted", n=vote.answered)
    said = state.text("vote.median", value=spoken(float(median(vote.values))))
    if len(vote.values) > 2:
        low, _, high = quantiles(vote.values, n=4, method="inclusive")
        said += f", {state.text('notes.half', low=spoken(low), high=spoken(high))}"
    return f"{answers} · {said}"


def _choices(state: NotesState, vote: TallyEvent) -> str:
    """How many have chosen what, the choice of most first; nothing is said of what nobody chose."""
    if not vote.answered:
        return state.text("vote.nobody")
    names = _names(state, vote.question)
    order = sorted(range(len(vote.counts)), key=lambda n: -vote.counts[n])
    said = []
    for n in order[:MOST]:
        if vote.counts[n]:
            name = visible(names[n]) if n < len(names) else str(n + 1)
            percent = state.text("words.percent", n=round(100 * vote.counts[n] / vote.answered))
            said.append(f"{name} {vote.counts[n]} ({percent})")
    return f"{state.text('vote.counted', n=vote.answered)} · {', '.join(said)}"


def _names(state: NotesState, question: str) -> Sequence[str]:
    """What the numbers of options or words stand for, in the language of this terminal.

    A question of predict mode ends in what it asks about; see ``class_vote.questions``.
    """
    step, words = state.step, () if state.query is None else state.query.text.split()
    if step is not None and step.id == question and step.question is not None:
        return step.question.options or words
    kind = question.rpartition(" ")[2]
    names = {"direction": DIRECTIONS, "seen": SEEN}.get(kind)
    if names is not None:
        return [state.text(f"predict.{name}") for name in names]
    return words if kind == "word" else ()
