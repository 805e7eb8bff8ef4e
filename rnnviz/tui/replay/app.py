"""The app that plays a recording back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rnnviz.errors import InvalidFileError, RnnvizError, UsageError
from rnnviz.messages import _
from rnnviz.query import Explorer, Query, Question
from rnnviz.trace import Trace
from rnnviz.trace.weights import weights_digest
from rnnviz.tui.replay.reader import RecordedSession
from rnnviz.tui.replay.screen import ReplayScreen
from rnnviz.tui.step.app import RnnvizApp
from rnnviz.tui.step.screen import StepScreen
from rnnviz.tui.view.view_state import ViewState

if TYPE_CHECKING:
    from rnnviz.tui.step.lesson.session import LessonSession


class ReplayApp(RnnvizApp):
    """A step screen on a recording; ``explorer`` answers what the viewer asks while steering.

    ``at`` is the moment that is shown first; ``play``: it plays on from there; ``bar``: with the
    time line; ``speed``: so many times as fast.
    """

    def __init__(
        self, recording: RecordedSession, explorer: Explorer, *, at: int = 0, play: bool = True,
        bar: bool = True, speed: float = 1.0, **options: Any,
    ) -> None:  # fmt: skip
        self.recording, self.first_moment, self.plays, self.bar = recording, at, play, bar
        self.speed = speed
        moment = recording.moments[at]
        view_state = moment.view_state
        super().__init__(
            recorded_first(recording, explorer), view_state.query, view_state.trace,
            lang=view_state.lang, theme=moment.theme, notation=view_state.notation, **options,
        )  # fmt: skip

    def screen_on(
        self, explorer: Explorer, view_state: ViewState, lesson: LessonSession | None
    ) -> StepScreen:
        """The screen of the recording."""
        return ReplayScreen(explorer, view_state, self.recording, self.bar, self.speed)

    @property
    def replay_screen(self) -> ReplayScreen:
        """The screen of the recording."""
        assert isinstance(self.step_screen, ReplayScreen)
        return self.step_screen

    def begin(self) -> None:
        """Allow painting, and show the first moment."""
        super().begin()
        self.replay_screen.begin(self.first_moment, self.plays)

    @property
    def fault(self) -> Exception | None:
        """The error that ended the app; of a recorded moment that cannot be drawn, of the file."""
        error, screen = super().fault, self.replay_screen
        if error is None or isinstance(error, RnnvizError) or screen.steering:
            return error
        return unusable(self.recording, screen.at, error)


def unusable(recording: RecordedSession, n: int, error: Exception) -> InvalidFileError:
    """The error of a moment that cannot be drawn."""
    found = InvalidFileError(
        _(
            "{path}, line {number}: what it shows cannot be drawn ({reason}).\nTake a copy that "
            "was not edited, or record anew: rnnviz step --record FILE"
        ).format(
            path=recording.path, number=recording.moments[n].number, reason=type(error).__name__
        )
    )
    found.__cause__ = error
    return found


def recorded_first(recording: RecordedSession, explorer: Explorer) -> Explorer:
    """An explorer with the answers of a recording; others need the model that was recorded.

    A model here may have the recorded name and other weights: what it says would not belong to
    what is on the screen. UsageError then, and where there is no such model.
    """
    known: dict[Question, Any] = {}
    checked: dict[str, str] = {}  # by model: why it does not answer; "" if it does

    def answer(question: Question) -> Any:
        if not known:
            known.update(recording.answers())
        if question in known:
            return known[question]
        query = getattr(question, "query", question)
        model = getattr(query, "model", None)
        if isinstance(model, str) and getattr(query, "hand", None) is None:
            if model not in checked:
                checked[model] = _why_not(recording, explorer, model)
            if checked[model]:
                raise UsageError(checked[model])
        return explorer(question)

    return answer


def _why_not(recording: RecordedSession, explorer: Explorer, model: str) -> str:
    """Why a model does not answer beside what was recorded with it; "" if it does."""
    recorded = [trace for trace in recording.traces if trace.model == model and trace.hand is None]
    if not recorded:
        return ""
    trace = recorded[0]
    try:
        here: Trace = explorer(Query(trace.text, model))
    except RnnvizError:
        return _("This needs the model {model}, which is not here.").format(model=model)
    if weights_digest(here) == weights_digest(trace):
        return ""
    return _(
        "This needs the model {model} with the weights that were recorded; here it has others."
    ).format(model=model)
