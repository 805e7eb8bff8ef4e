"""What a step screen is given to play a lesson."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rnnviz.lessons.lesson import Lesson
from rnnviz.lessons.player import LessonPlayer
from rnnviz.lessons.progress import ProgressFile
from rnnviz.progress import Event

#: Trains with the options of a change and gives the name of the model. The second argument is
#: called with the events of the training, the third says whether to stop.
Trainer = Callable[[Mapping[str, object], Callable[[Event], None], Callable[[], bool]], str]


@dataclass(frozen=True)
class LessonSession:
    """A lesson for one screen.

    ``read`` reads the same lesson in another language. ``next`` is the lesson that comes after
    this one. ``restored``: the player is where the learner was the last time, which is told.
    """

    player: LessonPlayer
    read: Callable[[str], Lesson]
    progress: ProgressFile
    train: Trainer | None = None
    next: str = ""
    restored: bool = False
