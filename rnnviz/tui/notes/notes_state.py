"""What the notes terminal knows: the lesson from its file, and what the class sees from events."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rnnviz.events import (
    AnswerEvent,
    CursorEvent,
    Event,
    LessonEvent,
    PageEvent,
    QueryEvent,
    QuestionEvent,
    SessionEvent,
    TallyEvent,
    ViewEvent,
)
from rnnviz.lessons.lesson import Lesson, Step
from rnnviz.lessons.player import LessonPlayer, stages
from rnnviz.tui.keymap import DEFAULT_KEYMAP, Keymap
from rnnviz.tui.render.theme import ASCII, ViewTheme


@dataclass(frozen=True, eq=False)
class NotesState:
    """Everything the notes terminal draws; immutable, replaced at every change."""

    theme: ViewTheme
    lang: str = "en"
    keymap: Keymap = DEFAULT_KEYMAP
    name: str = ""  # the lesson that was asked for; "" follows whatever is on
    lesson: Lesson | None = None
    session: SessionEvent | None = None  # the screen that is followed; None: there is none
    place: LessonEvent | None = None  # where the lesson is
    cursor: CursorEvent | None = None
    query: QueryEvent | None = None
    page: str = ""
    hidden: bool = False
    answer: AnswerEvent | None = None  # to the question of this step
    vote: TallyEvent | None = None  # what the phones of a class were asked; None: nothing
    right: str = ""  # the right answer of this step, once it is known
    seconds: float | None = None  # since the screen began; None before the first one
    status: str = ""
    failed: bool = False  # the status is an error message

    def text(self, key: str, **values: object) -> str:
        """The text of a key in the chosen language."""
        text = self.keymap.text(key, self.lang, **values)
        return text.translate(ASCII) if self.theme.ascii else text

    def after(self, event: Event) -> NotesState:
        """The state after an event of the screen."""
        match event:
            case SessionEvent():
                return replace(self, session=event, vote=None)
            case LessonEvent(step=step):
                if self.place is None or self.place.step != step:
                    return replace(self, place=event, answer=None, right="")
                return replace(self, place=event)
            case QuestionEvent():
                return replace(self, answer=None)
            case AnswerEvent():
                return replace(self, answer=event)
            case TallyEvent():
                return replace(self, vote=event if event.question else None)
            case CursorEvent():
                return replace(self, cursor=event)
            case QueryEvent():
                return replace(self, query=event)
            case PageEvent(page=page):
                return replace(self, page=page)
            case ViewEvent(changes=changes):
                return replace(self, hidden=bool(changes.get("hidden", self.hidden)))
            case _:
                return self

    @property
    def player(self) -> LessonPlayer | None:
        """The lesson at the place where the class is; at its first step before that is known."""
        if self.lesson is None:
            return None
        if self.place is None or self.place.lesson != self.lesson.id:
            return LessonPlayer(self.lesson)
        index = self.lesson.index(self.place.step)
        stage = min(max(self.place.stage, 0), len(stages(self.lesson, index)) - 1)
        return LessonPlayer(self.lesson, index, stage)

    @property
    def step(self) -> Step | None:
        """The step of the lesson."""
        return None if self.player is None else self.player.step

    @property
    def is_asked(self) -> bool:
        """Whether the question of the step is open."""
        return self.place is not None and self.place.phase == "ask" and self.step is not None

    @property
    def is_voting(self) -> bool:
        """Whether phones have answered a vote that is open."""
        return self.vote is not None and self.vote.is_open and bool(self.vote.answered)

    def next_player(self) -> LessonPlayer | None:
        """The lesson one phase on, whether the question is answered or not; None at the end."""
        player = self.player
        if player is None:
            return None
        if player.stage + 1 < len(stages(player.lesson, player.index)):
            return replace(player, stage=player.stage + 1)
        if player.index + 1 < len(player.lesson.steps):
            return LessonPlayer(player.lesson, player.index + 1)
        return None
