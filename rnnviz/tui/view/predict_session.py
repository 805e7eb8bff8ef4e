"""What was predicted in predict mode, before and after it was revealed, and the score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from rnnviz.lessons.predictions import MarkedPrediction, Prediction, PredictionScore
from rnnviz.query import Query

#: What is predicted: whether the output rises, stays or falls at a token; the output after it; the
#: word that turns it; a value of a unit at the token; which token comes next in the text.
PredictTopic = Literal["direction", "output", "word", "value", "next"]


@dataclass(frozen=True)
class PredictQuestion:
    """One question about one token of one query; it has at most one answer."""

    query: Query
    topic: PredictTopic
    t: int
    label: int = 0  # the class whose output is asked
    layer: int = 0  # with the unit and the name of a value
    unit: int = 0
    name: str = ""
    notation: str = ""  # of the value: a notation may have 1 − z for z


@dataclass(frozen=True)
class PredictSession:
    """The predictions since the app was started; immutable.

    ``frontier`` is the number of tokens, in the order the layer reads them, that have been
    revealed. ``seen`` says, by query and token, what was seen after the reveal: 1 it rose, 2 it
    stayed, 3 it fell, 0 the question was skipped.
    """

    on: bool = False
    frontier: int = 0
    made: Mapping[PredictQuestion, Prediction] = field(default_factory=dict)
    marked: Mapping[PredictQuestion, MarkedPrediction] = field(default_factory=dict)
    seen: Mapping[tuple[Query, int], int] = field(default_factory=dict)
    score: PredictionScore = field(default_factory=PredictionScore)

    def committed(self, question: PredictQuestion, prediction: Prediction) -> PredictSession:
        """With a prediction; one that was made before is replaced, unless it has been marked."""
        if question in self.marked:
            return self
        return replace(self, made={**self.made, question: prediction})

    def with_mark(self, question: PredictQuestion, mark: MarkedPrediction) -> PredictSession:
        """With a prediction marked; it can no longer be changed, and it counts in the score."""
        made = {asked: p for asked, p in self.made.items() if asked != question}
        marked = {**self.marked, question: mark}
        return replace(self, made=made, marked=marked, score=self.score.plus(mark))

    def at(self, query: Query, t: int) -> Mapping[PredictQuestion, Prediction | MarkedPrediction]:
        """The predictions about a token, in the order they were made; not those of a word."""
        every: dict[PredictQuestion, Prediction | MarkedPrediction] = {**self.marked, **self.made}
        return {
            asked: found
            for asked, found in every.items()
            if asked.t == t and asked.topic != "word" and asked.query == query
        }

    def label(self, query: Query, t: int) -> int | None:
        """The class whose output was predicted at a token; None if none was."""
        if not self.on or not (self.made or self.marked):
            return None
        asked = (q for q in self.at(query, t) if q.topic in ("direction", "output"))
        return next((question.label for question in asked), None)


NO_PREDICTIONS = PredictSession()
