"""A lesson in one language: steps, each with what is read, said, asked, revealed and changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from rnnviz.query import Query

#: How a question is answered: an option, a number, a word of the text.
QuestionKind = Literal["choice", "number", "word"]

#: Before the id of a step, the name of the net that this step trains: "trained:yours.train".
TRAINED = "trained:"

#: What the learner types at a change of their own.
OwnKind = Literal["text", "clamp", "cell", "weight"]


@dataclass(frozen=True)
class CursorPosition:
    """Where a step puts the cursor; None leaves that part of the cursor where it is."""

    token: int | None = None  # from 1
    part: str | None = None  # its name in the trace; None with a token: the last part
    unit: int | None = None  # from 0
    layer: int | None = None  # from 1
    zoom: str | None = None  # "sentence", "cell" or "equation"


@dataclass(frozen=True)
class LessonQuestion:
    """What the class commits to before it is revealed.

    ``of`` is a claim expression whose value is the right answer: a number, or the index of a word
    from 1. ``right`` is the right option or word, from 1, where it is written in the file.
    """

    kind: QuestionKind
    options: tuple[str, ...] = ()
    right: int | None = None
    of: str = ""
    within: float = 0.0  # the largest error of a number that counts as right
    why: bool = False  # a reason of one line is asked for, too
    seen: bool = False  # "what did you see?": about what has been revealed


@dataclass(frozen=True)
class LessonChange:
    """A change of what is read: prepared, or the learner's own.

    A prepared change has a ``query``. A change of the learner's own has ``own``, a ``goal``, and
    ``reached``: a claim expression that is true of a query that reaches the goal, as that of
    ``example`` does. ``train`` are options of a training whose net is then opened.
    """

    query: Query | None = None
    title: str = ""  # the change as typed in the file: "h[3]=0"
    say: str = ""
    own: OwnKind | None = None
    goal: str = ""
    reached: str = ""
    example: str = ""
    train: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """One idea: at most forty words, spoken aloud.

    ``query`` and ``against`` are what is read at this step; ``clamps`` of the step are in the
    query. After the answer of ``question`` comes ``reveal``, with the cursor at ``reveal_cursor``.
    """

    id: str
    say: str
    query: Query
    against: str = ""
    cursor: CursorPosition | None = None
    view: str | None = None  # a page, "panels", or None: as it is
    question: LessonQuestion | None = None
    #: At a question the current token is hidden, too, as in predict mode; at a step that only says
    #: something what comes after it is.
    hide: bool = False
    reveal: str = ""
    reveal_cursor: CursorPosition | None = None
    reveal_view: str | None = None
    changes: tuple[LessonChange, ...] = ()
    claims: tuple[str, ...] = ()
    notes: str = ""


@dataclass(frozen=True)
class Lesson:
    """A lesson in one language; ``minutes`` and ``level`` (1 to 3) as its author says them.

    ``kind`` "quiz": only questions, asked before and after a course.
    """

    id: str
    path: Path
    lang: str
    title: str
    question: str
    minutes: int
    level: int
    steps: tuple[Step, ...]
    number: int | None = None
    kind: Literal["lesson", "quiz"] = "lesson"
    data: str | None = None  # where the table of a series is, as the option --data

    @property
    def questions(self) -> tuple[Step, ...]:
        """The steps that ask something."""
        return tuple(step for step in self.steps if step.question is not None)

    def index(self, step_id: str) -> int:
        """The index of a step; 0 if no step has this id, as after the file was changed."""
        return next((n for n, step in enumerate(self.steps) if step.id == step_id), 0)
