"""Asking for a prediction on the step screen: an option, a number, a word, and a reason.

The list and the lines are those of the app; the lesson player asks with them too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rnnviz.display import visible
from rnnviz.lessons.predictions import read_number, spoken
from rnnviz.tui.render.segments import cut, wrapped
from rnnviz.tui.view.page import Change, Prompt
from rnnviz.tui.view.token_text import typed_text
from rnnviz.tui.view.view_state import ViewState

#: Columns of a line of the title and of an option, and of the list's frame around them.
TITLE, OPTION, FRAME = 66, 80, 12

if TYPE_CHECKING:
    from rnnviz.tui.step.screen import StepScreen


def ask_option(
    screen: StepScreen,
    title: str,
    options: Sequence[str],
    then: Callable[[int], None],
    about: Sequence[str] = (),
    *,
    numbered: bool = False,
) -> None:
    """Open a list of options; ``then`` gets the chosen one, from 1, unless esc was pressed.

    ``about`` are second lines of the options; missing ones are empty. ``numbered``: the digits
    choose.
    """
    from rnnviz.tui.app.choice_list import ChoiceList, ListRow

    width = max(20, screen.size.width - FRAME)
    lines = [*about, *[""] * (len(options) - len(about))]
    rows = [ListRow(n, *_in_two_lines(option, line, min(OPTION, width)))
            for n, (option, line) in enumerate(zip(options, lines, strict=True), 1)]  # fmt: skip
    keys = screen.view_state.keymap["type"].keys

    def chosen(n: int | None) -> None:
        if n is not None:
            then(n)

    screen.playback.stop()
    title = "\n".join(wrapped(title, min(TITLE, width)))
    screen.app.push_screen(ChoiceList(title, rows, opened_by=keys, numbered=numbered), chosen)


def _in_two_lines(option: str, about: str, width: int) -> tuple[str, str]:
    """An option and the line below it; one that is too long goes on there."""
    first, *more = wrapped(option, width) or [""]
    return first, cut(" ".join([*more, about]).strip(), width)


def number_prompt(
    label: str,
    then: Callable[[ViewState, float], Change],
    limits: tuple[float, float] | None = None,
    initial: str = "",
) -> Prompt:
    """A line for a number; ``then`` turns it into a change.

    What is not a number, or outside the ``limits``, is told, and the line stays open.
    """

    def submit(view_state: ViewState, typed: str) -> Change:
        value = read_number(typed, view_state.lang)
        if value is None:
            said = view_state.text("predict.no_number", typed=visible(typed))
            return Change(message=said, failed=True)
        if limits is not None and not limits[0] <= value <= limits[1]:
            low, high = (spoken(limit, 0) for limit in limits)
            said = view_state.text("predict.no_such", low=low, high=high)
            return Change(message=said, failed=True)
        return then(view_state, value)

    return Prompt(label, submit, initial, selected=bool(initial), label_above=True)


def next_token_prompt(
    view_state: ViewState, word: str, then: Callable[[ViewState, int], Change]
) -> Prompt:
    """A line for the token that comes after a word; ``then`` turns its id into a change.

    Nothing is a space. What is no token of the net is told, and the line stays open.
    """

    def submit(now: ViewState, typed: str) -> Change:
        token = typed_text(typed)
        labels = now.trace.head.labels
        if token not in labels:
            said = now.text("next.unknown", token=visible(token))
            return Change(message=said, failed=True)
        return then(now, labels.index(token))

    return Prompt(view_state.text("predict.ask_next", word=word), submit, label_above=True)


def reason_prompt(view_state: ViewState, then: Callable[[ViewState, str], Change]) -> Prompt:
    """A line for a reason; an empty one skips it."""
    label = view_state.text("predict.ask_why", enter=view_state.text("key.enter"))

    def submit(now: ViewState, typed: str) -> Change:
        return then(now, " ".join(typed.split()))

    return Prompt(label, submit, label_above=True)
