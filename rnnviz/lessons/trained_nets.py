"""The nets that the steps of a lesson train, for whatever is read with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rnnviz.errors import UsageError
from rnnviz.lessons.lesson import TRAINED, Lesson
from rnnviz.messages import _
from rnnviz.query import Explorer

#: Trains with the options of a change and gives the name of the model.
TrainingFunction = Callable[[Mapping[str, object]], str]


@dataclass(frozen=True, eq=False)
class TrainedNets:
    """An explorer that also answers what is asked about the nets of a lesson's trainings.

    ``trained:STEP`` is the net that a step trains, ``trained:STEP@UPDATE`` one of its snapshots.

    Each is trained once, when it is first asked about. ``trained`` has their names by options, and
    may be shared: the languages of a lesson train the same nets.
    """

    explorer: Explorer
    lesson: Lesson
    train: TrainingFunction | None
    trained: dict[str, str] = field(default_factory=dict)

    def __call__(self, question: Any) -> Any:
        """The answer; UsageError if no step trains the net, or nothing can train it."""
        return self.explorer(self._resolved(question))

    def _resolved(self, question: Any) -> Any:
        """The question, or the query in it, with the name of the net that was trained."""
        if (query := getattr(question, "query", None)) is not None:
            return replace(question, query=self._resolved(query))
        model = getattr(question, "model", "")
        if not model.startswith(TRAINED):
            return question
        step, at, update = model.removeprefix(TRAINED).partition("@")
        return replace(question, model=f"{self._model(step)}{at}{update}")

    def _model(self, step_id: str) -> str:
        found = [s for s in self.lesson.steps if s.id == step_id]
        options = [change.train for step in found for change in step.changes if change.train]
        if not options:
            raise UsageError(_("no step {id!r} trains a net.").format(id=step_id))
        if self.train is None:
            raise UsageError(_("the net of step {id!r} is not trained here.").format(id=step_id))
        key = repr(sorted(options[0].items()))
        if key not in self.trained:
            self.trained[key] = self.train(options[0])
        return self.trained[key]
