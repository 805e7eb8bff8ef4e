"""What a page is: one larger question about the same trace and cursor, in place of the panels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from rnnviz.cursor import Cursor
from rnnviz.query import Query, Question
from rnnviz.tui.render.segments import Line, heading
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import View


@dataclass(frozen=True)
class PageKey:
    """A key that means something on this page only; its words are ``page.PAGE.key_NAME``."""

    name: str
    keys: tuple[str, ...]  # as Textual names them
    shown: str


@dataclass(frozen=True)
class Change:
    """What a key did: fields of the moment, another query to read, something to say."""

    moment: Mapping[str, Any] = field(default_factory=dict)
    query: Query | None = None
    said: str = ""  # a whole sentence
    failed: bool = False  # it says what did not work
    asked: Question | None = None  # what its success depends on, beside the query


@dataclass(frozen=True)
class Prompt:
    """A line to type into; what was typed becomes a change."""

    words: str  # what is asked, a whole sentence
    then: Callable[[ViewState, str], Change]
    filled: str = ""  # what stands there already
    selected: bool = False  # what is typed takes its place


class Page(View):
    """A view that fills the room below the sentence, or all of it."""

    name: ClassVar[str]
    keys: ClassVar[tuple[PageKey, ...]] = ()
    alone: ClassVar[bool] = False  # whether the sentence's own panel makes room too

    #: The tokens that had a line of their own in the last picture; None: as many as there are.
    sight: range | None = None

    def questions(self, moment: ViewState) -> Sequence[Question]:
        """What has to be known to draw this moment; answers stand in ``moment.answers``."""
        return ()

    def press(self, moment: ViewState, key: str) -> Change | Prompt | None:
        """What a key of this page does; ``key`` is the name of its PageKey."""
        return None

    @classmethod
    def applies(cls, moment: ViewState) -> bool:
        """Whether it has something to say about this trace: else a report leaves it out."""
        return True

    def opened(self, moment: ViewState) -> Cursor:
        """Where the cursor goes when the page opens."""
        return moment.cursor

    def closed(self, moment: ViewState) -> Cursor:
        """Where the cursor goes when the page closes."""
        return moment.cursor

    def finished(self, moment: ViewState) -> Cursor:
        """Where the cursor stands on paper, where nothing goes on."""
        return moment.cursor

    def onward(self, moment: ViewState) -> Cursor | None:
        """Where playing goes next; None: as without a page, the way the layer reads."""
        return None

    def outset(self, moment: ViewState) -> Cursor | None:
        """Where playing begins again from its end; None: as without a page."""
        return None

    def say(self, moment: ViewState, key: str, **values: object) -> str:
        """A text of this page."""
        return moment.text(f"page.{self.name}.{key}", **values)

    def head(self, moment: ViewState, width: int, note: str = "") -> Line:
        """The title line, with the question that the page answers."""
        title, question = self.say(moment, "title"), self.say(moment, "question")
        return heading(title, question, width, moment.look, note)

    def kept(self, moment: ViewState) -> Any:
        """What this page keeps of its own between two keys; None at first."""
        return moment.kept.get(self.name)

    def keep(self, moment: ViewState, value: object, said: str = "", **changes: Any) -> Change:
        """A change of what this page keeps, and of other fields of the moment."""
        return Change({"kept": {**moment.kept, self.name: value}, **changes}, said=said)
