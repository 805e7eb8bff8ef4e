"""The kinds of events. Tokens count from 0, as in all files; the screen counts them from 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal


@dataclass(frozen=True)
class Event:
    """Base class; ``kind`` is the event's name in the JSON line."""

    kind: ClassVar[str]


@dataclass(frozen=True)
class SessionEvent(Event):
    """The first event of a stream: which screen it comes from."""

    kind: ClassVar[str] = "session"
    session: str  # its name among the screens of this machine
    lesson: str = ""  # the id of the lesson; "" without one
    version: str = ""  # of rnnviz


@dataclass(frozen=True)
class CursorEvent(Event):
    """The cursor moved to this place."""

    kind: ClassVar[str] = "cursor"
    t: int
    part: str  # "forget", "input", …, as the trace names it
    unit: int = 0
    layer: int = 0
    zoom: Literal["sentence", "cell", "equation"] = "sentence"
    first: int = 0  # the token of the first row, where not all tokens fit
    token: str = ""  # the token itself, for those who have no trace
    tokens: int = 0  # how many there are


@dataclass(frozen=True)
class PageEvent(Event):
    """A page was opened in place of the panels; "" closes it."""

    kind: ClassVar[str] = "page"
    page: str


@dataclass(frozen=True)
class PageStateEvent(Event):
    """What a page shows was changed with one of its own keys."""

    kind: ClassVar[str] = "page_state"
    page: str
    state: Mapping[str, Any] = field(default_factory=dict)  # the fields of its PageState


@dataclass(frozen=True)
class QueryEvent(Event):
    """Another query was asked: a sentence, a model, clamps, a net by hand.

    ``step``: "edit" goes on with a series of edits; "undo" and "redo" go back and forth between
    queries; "start" is the query that was there first.
    """

    kind: ClassVar[str] = "query"
    text: str
    model: str
    target: str | None = None
    random: int | None = None
    clamps: tuple[str, ...] = ()  # as on the command line: "f[3]=0"
    net: Mapping[str, Any] | None = None  # a net by hand, as its file has it
    step: Literal["start", "ask", "edit", "undo", "redo"] = "ask"
    initial: tuple[str, ...] = ()  # states before the first token: "lstm.h=0.5 0.1"


@dataclass(frozen=True)
class ViewEvent(Event):
    """How the trace is shown: switches that the class sees, by the view state's names."""

    kind: ClassVar[str] = "view"
    changes: Mapping[str, Any]  # {"hidden": true, "backward": false}


@dataclass(frozen=True)
class ReachEvent(Event):
    """The reach of other models is shown beside that of the one on the screen."""

    kind: ClassVar[str] = "reach"


@dataclass(frozen=True)
class LessonEvent(Event):
    """The lesson came to a step, or to another phase of it.

    ``phase`` is the player's word for it, ``stage`` the place of the phase in the step, from 0;
    ``number`` is the place of the step, from 1, ``of`` how many the lesson has.
    """

    kind: ClassVar[str] = "lesson"
    lesson: str
    step: str  # the id of the step
    phase: str = ""
    stage: int = 0
    number: int = 0
    of: int = 0


@dataclass(frozen=True)
class QuestionEvent(Event):
    """A question was opened; the class commits before anything is shown."""

    kind: ClassVar[str] = "question"
    question: str  # its id
    ask: str = "choice"  # "choice", "number", "word"
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class AnswerEvent(Event):
    """A question was answered and the answer marked.

    ``answer``: an option or a word by its index from 1, or a number; None if the question was
    passed over. ``text`` is the option or the word. ``correct`` is None where nothing is right or
    wrong.
    """

    kind: ClassVar[str] = "answer"
    question: str
    answer: float | None
    correct: bool | None = None
    seconds: float = 0.0  # from the question to the answer
    text: str = ""


@dataclass(frozen=True)
class RevealEvent(Event):
    """The right answer of a question was shown."""

    kind: ClassVar[str] = "reveal"
    question: str


@dataclass(frozen=True)
class BallotEvent(Event):
    """The class is asked: what a phone shows, and what an answer to it can be.

    ``vote`` is 1, or 2 when the same question is asked once more. ``texts`` has for each language
    a mapping of "said", what is asked; "options", the choices; "curve", what the curve shows.
    ``words`` are those of the text, of which a "word" is chosen from ``first`` on. ``curve`` is
    what the net has said after the words up to the question. A number lies in ``low`` to ``high``;
    None: any.
    """

    kind: ClassVar[str] = "ballot"
    question: str
    vote: int = 1
    ask: Literal["choice", "number", "word"] = "choice"
    texts: Mapping[str, Any] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    first: int = 1
    curve: tuple[float, ...] = ()
    low: float | None = None
    high: float | None = None
    why: bool = False  # a reason of one line is asked for, too
    lesson: str = ""  # the id of the lesson, or what stands for it in the results


@dataclass(frozen=True)
class CloseVoteEvent(Event):
    """No further answers to a question; ``right`` is what is right, None if it is not known.

    ``counts``: the answers are written to the results; else they are dropped.
    """

    kind: ClassVar[str] = "close_vote"
    question: str
    vote: int = 1
    right: float | None = None
    within: float = 0.0  # the largest error of a number that counts as right
    counts: bool = True


@dataclass(frozen=True)
class TallyEvent(Event):
    """How many have answered a question; once the vote is closed also what.

    ``counts`` has the answers for each option or word, ``values`` each number in order. ``failed``
    says why the answers could not be written to the results; "" if they were.
    """

    kind: ClassVar[str] = "tally"
    question: str
    vote: int = 1
    is_open: bool = True
    answered: int = 0
    devices: int = 0
    counts: tuple[int, ...] = ()
    values: tuple[float, ...] = ()
    reasons: tuple[str, ...] = ()
    failed: str = ""


@dataclass(frozen=True)
class ScreenEvent(Event):
    """What only this screen shows: fields of its view state, by name, as a recording has them."""

    kind: ClassVar[str] = "screen"
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SizeEvent(Event):
    """The terminal has this size, in characters."""

    kind: ClassVar[str] = "size"
    width: int
    height: int


@dataclass(frozen=True)
class LineEvent(Event):
    """The input line as it is drawn: pieces [text, style]; none: it is closed."""

    kind: ClassVar[str] = "line"
    pieces: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class WindowEvent(Event):
    """A window is in front of the screen (help, a list to choose from), or is closed.

    ``rows``: the rows of the whole terminal that have changed, by number from 0, as pieces
    [text, style].
    """

    kind: ClassVar[str] = "window"
    open: bool
    rows: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ActionEvent(Event):
    """Steering: run an action of the keymap, as its key would."""

    kind: ClassVar[str] = "action"
    name: str


#: Every kind of event by its name.
KINDS: Mapping[str, type[Event]] = {
    cls.kind: cls
    for cls in (
        SessionEvent, CursorEvent, PageEvent, PageStateEvent, QueryEvent, ViewEvent, ReachEvent,
        LessonEvent, QuestionEvent, AnswerEvent, RevealEvent, ActionEvent, ScreenEvent, SizeEvent,
        LineEvent, WindowEvent, BallotEvent, CloseVoteEvent, TallyEvent,
    )
}  # fmt: skip
