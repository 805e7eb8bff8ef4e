"""A quiz before a course and after it."""

from __future__ import annotations

from dataclasses import replace

from rnnviz.errors import UsageError
from rnnviz.lessons.lesson import Lesson
from rnnviz.lessons.results import ResultPhase
from rnnviz.messages import _


def in_phase(lesson: Lesson, phase: ResultPhase) -> Lesson:
    """The steps of a phase: before the course the questions alone, so that no answer is told.

    UsageError for a lesson that is no quiz: its reveals would tell the answers.
    """
    if phase and lesson.kind != "quiz":
        raise UsageError(
            _(
                "--phase {phase}: {lesson} is a lesson, not a quiz. Leave --phase out, or: "
                "rnnviz lesson quiz --phase {phase}"
            ).format(phase=phase, lesson=lesson.id)
        )
    return replace(lesson, steps=lesson.questions) if phase == "before" else lesson
