"""Which of the default nets reads a text."""

from __future__ import annotations

from rnnviz.analysis.model_choice import ModelChoice, ModelChoiceQuestion
from rnnviz.query import Tracer
from rnnviz.tracer.known_words import choose_model


def answer(question: ModelChoiceQuestion, tracer: Tracer) -> ModelChoice:
    """The net that knows the most words of the text."""
    return choose_model(question.text)
