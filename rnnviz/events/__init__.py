"""One stream of events: what happens on a step screen, and what is done to it from outside.

An event is one change: the cursor moved, a page was opened, another sentence was read, a question
was asked and answered. Events are written as JSON lines of the schema ``rnnviz.events/1``, the same
lines in a recording and on a socket. This package imports neither Textual nor NumPy.
"""

from __future__ import annotations

from rnnviz.events.kinds import (
    KINDS,
    ActionEvent,
    AnswerEvent,
    BallotEvent,
    CloseVoteEvent,
    CursorEvent,
    Event,
    LessonEvent,
    LineEvent,
    PageEvent,
    PageStateEvent,
    QueryEvent,
    QuestionEvent,
    ReachEvent,
    RevealEvent,
    ScreenEvent,
    SessionEvent,
    SizeEvent,
    TallyEvent,
    ViewEvent,
    WindowEvent,
)
from rnnviz.events.records import LONGEST_LINE, SCHEMA, EventError, line_of, parse_line

__all__ = [
    "KINDS",
    "LONGEST_LINE",
    "SCHEMA",
    "ActionEvent",
    "AnswerEvent",
    "BallotEvent",
    "CloseVoteEvent",
    "CursorEvent",
    "Event",
    "EventError",
    "LessonEvent",
    "LineEvent",
    "PageEvent",
    "PageStateEvent",
    "QueryEvent",
    "QuestionEvent",
    "ReachEvent",
    "RevealEvent",
    "ScreenEvent",
    "SessionEvent",
    "SizeEvent",
    "TallyEvent",
    "ViewEvent",
    "WindowEvent",
    "line_of",
    "parse_line",
]
