"""The base class of pages, which take the place of the panels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rnnviz.cursor import Cursor
from rnnviz.query import Query, Question
from rnnviz.trace import Trace
from rnnviz.tui.render.segments import Line, heading
from rnnviz.tui.view.conclusion import Clause
from rnnviz.tui.view.page_state import PageOptions, PageState
from rnnviz.tui.view.predict_session import PredictSession
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import View


@dataclass(frozen=True)
class Change:
    """The effect of a key: a new page state, cursor or query, and a message."""

    state: PageState | None = None
    cursor: Cursor | None = None
    query: Query | None = None
    message: str = ""  # a whole sentence
    failed: bool = False  # the message is an error
    question: Question | None = None  # must be answered before the input line closes
    edit: bool = False  # the query goes on with a series of edits
    later: bool = False  # the query is read when no key has been pressed for a moment
    waits: bool = False  # the key is pressed again when the page's questions are answered
    predictions: PredictSession | None = None
    prompt: Prompt | None = None  # the input line stays open for this
    page: str | None = None  # is opened in place of the open one; "" for the panels

    def updates(self, view_state: ViewState) -> dict[str, Any]:
        """The fields of the view state that change, without the query."""
        updates: dict[str, Any] = {"status": self.message, "failed": self.failed}
        if self.state is not None:
            updates["page_states"] = {**view_state.page_states, self.state.page: self.state}
        if self.cursor is not None:
            updates["cursor"] = self.cursor
        if self.predictions is not None:
            updates["predictions"] = self.predictions
        return updates


@dataclass(frozen=True)
class Prompt:
    """An input line; ``on_submit`` turns the typed text into a change."""

    label: str  # a whole sentence
    on_submit: Callable[[ViewState, str], Change]
    initial: str = ""  # the text in the line when it opens
    selected: bool = False  # the initial text is selected, so that typing replaces it
    words: tuple[str, ...] = ()  # complete what is typed
    label_above: bool = False  # the label stands above the line and stays while one types


class Page(View):
    """A view below the sentence panel, or in place of it too; see the package ``pages``."""

    name: ClassVar[str]
    #: The actions of the keymap that the page has; ``page.PAGE.key_NAME`` labels them.
    actions: ClassVar[tuple[str, ...]] = ()
    #: Actions of all screens that do something else on this page; the key bar labels ← →
    #: and enter as ``page.PAGE.key_token_on`` and ``key_zoom_in``.
    overrides: ClassVar[tuple[str, ...]] = ()
    reveals: ClassVar[bool] = False  # in predict mode token_on reveals, also where it is overridden
    full_screen: ClassVar[bool] = False  # whether the page replaces the sentence panel too

    #: The tokens with a row in the last drawing; None: all of them.
    visible_tokens: range | None = None

    def questions(self, view_state: ViewState) -> Sequence[Question]:
        """The questions whose answers the page draws; they are in ``view_state.answers``."""
        return ()

    def conclusion(self, view_state: ViewState) -> Sequence[Clause]:
        """The sentence that the page ends with, about what is at the cursor."""
        return ()

    def conclusion_questions(self, view_state: ViewState) -> Sequence[Question]:
        """The interventions that the sentence needs; asked when the cursor rests."""
        return ()

    def conclusion_rows(self, width: int, height: int) -> int | None:
        """Lines of the sentence in a terminal of this size; None: as below any page.

        A page without a sentence of this kind gets no line for it.
        """
        return None if type(self).conclusion is not Page.conclusion else 0

    def press(self, view_state: ViewState, action: str) -> Change | Prompt | None:
        """The effect of one of the page's actions, by its name."""
        return None

    @classmethod
    def initial_state(cls, options: PageOptions) -> PageState | None:
        """The state that command-line options ask for; None: the default state."""
        return None

    @classmethod
    def applies(cls, view_state: ViewState) -> bool:
        """Whether the page applies to this trace; otherwise a report leaves it out."""
        return True

    @classmethod
    def available(cls, view_state: ViewState) -> tuple[str, ...]:
        """Those of its actions that the page has for this trace."""
        return cls.actions

    @classmethod
    def help_texts(cls, view_state: ViewState) -> tuple[str, ...]:
        """The keys of its texts that say how to read it."""
        return ("help", "help_keys")

    @classmethod
    def overridden(cls, view_state: ViewState) -> tuple[str, ...]:
        """The actions of all screens that do something else on this page now."""
        return cls.overrides

    def cursor_on_open(self, view_state: ViewState) -> Cursor:
        """The cursor after opening the page."""
        return view_state.cursor

    def cursor_on_close(self, view_state: ViewState) -> Cursor:
        """The cursor after closing the page."""
        return view_state.cursor

    def cursor_at_end(self, view_state: ViewState) -> Cursor:
        """The cursor in a report, where nothing moves."""
        return view_state.cursor

    def cursor_in(self, trace: Trace, before: ViewState) -> Cursor | None:
        """The cursor in the trace of a query that was read later; None: as in any other."""
        return None

    def next_cursor(self, view_state: ViewState) -> Cursor | None:
        """The next cursor while playing; None: as without a page, in reading order."""
        return None

    def first_cursor(self, view_state: ViewState) -> Cursor | None:
        """The cursor from which playing restarts; None: as without a page."""
        return None

    def page_text(self, view_state: ViewState, key: str, **values: object) -> str:
        """A text of this page."""
        return view_state.text(f"page.{self.name}.{key}", **values)

    def head(self, view_state: ViewState, width: int, note: str = "") -> Line:
        """The title line with the question that the page answers."""
        title, question = (
            self.page_text(view_state, "title"),
            self.page_text(view_state, "question"),
        )
        return heading(title, question, width, view_state.theme, note)
