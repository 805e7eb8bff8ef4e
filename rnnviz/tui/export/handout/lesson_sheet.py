"""A lesson on paper: what each step says and asks, with its picture and blanks; and the answers."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rnnviz.display import markup, visible
from rnnviz.errors import RnnvizError
from rnnviz.lessons.claims import Evaluator
from rnnviz.lessons.lesson import TRAINED, Lesson, LessonQuestion, Step
from rnnviz.lessons.player import LessonPlayer, Phase, stages
from rnnviz.lessons.predictions import allowed, spoken
from rnnviz.trace import Trace
from rnnviz.tui.export.handout.inline_svg import PagePicture
from rnnviz.tui.export.handout.scenes import Studio
from rnnviz.tui.export.handout.walk import WalkFrame
from rnnviz.tui.view.view_state import ViewState

#: The most words of an empty curve: more do not fit below it.
CURVE_WORDS = 12
#: Lines to write on.
WHY_LINES, CHANGE_LINES = 2, 2


@dataclass(frozen=True)
class ShownPhase:
    """One phase of a step, as the screen shows it."""

    number: int  # of the step, from 1
    phase: Phase
    player: LessonPlayer
    state: ViewState
    picture: PagePicture

    @property
    def tells(self) -> bool:
        """Whether it shows what a question asked for, or what a change led to."""
        return self.phase in ("revealed", "change")


def shown_phases(studio: Studio, lesson: Lesson) -> Iterator[ShownPhase]:
    """Every phase that shows something, in order; RnnvizError if a model cannot be read.

    A change that trains a net, and what is read with that net, show nothing; the learner's own
    change shows what comes before.
    """
    player = LessonPlayer(lesson)
    for index in range(len(lesson.steps)):
        for stage, (phase, _) in enumerate(stages(lesson, index)):
            player = replace(player, index=index, stage=stage)
            if phase == "own" or player.waits or player.untrained:
                continue
            state = studio.lesson_state(player, _before(studio, player))
            yield ShownPhase(index + 1, phase, player, state, studio.shown(state))


def _before(studio: Studio, player: LessonPlayer) -> Trace | None:
    """What a change is compared with: the text as the step reads it."""
    if player.change is None:
        return None
    found: Trace = studio.explorer(player.step.query)
    return found


@dataclass
class LessonSheet:
    """The HTML of a lesson's steps and of its answers."""

    studio: Studio
    lesson: Lesson
    answers: bool
    phases: list[ShownPhase] = field(default_factory=list)
    _printed: PagePicture | None = None  # the picture above, which is not printed again

    def __post_init__(self) -> None:
        self.phases = list(shown_phases(self.studio, self.lesson))

    def _say(self, key: str, **values: object) -> str:
        """A text of the handout, escaped."""
        from rnnviz import i18n

        return markup(i18n.text(f"handout.{key}", self.lesson.lang, **values))

    # -- the steps --------------------------------------------------------------------------------

    def steps(self) -> str:
        """The steps, each a section."""
        return "\n".join(self._step(n, step) for n, step in enumerate(self.lesson.steps, 1))

    def _step(self, n: int, step: Step) -> str:
        parts = [f"<h3>{n}</h3>", f'<p class="say">{markup(step.say)}</p>']
        first = next((p for p in self.phases if p.number == n and not p.tells), None)
        if first is not None and first.picture != self._printed:
            parts.append(self._figure(first.picture))
            self._printed = first.picture
        if step.query.model.startswith(TRAINED):
            parts.append(f'<p class="note">{self._say("trained", name=self.lesson.id)}</p>')
        if step.question is not None:
            parts.append(self._question(n, step, step.question, first))
        for number, change in enumerate(step.changes, 1):
            name = f"c{n}-{number}"
            if change.own is not None:
                parts.append(f'<p class="task">{self._say("own", goal=change.goal)}</p>')
                parts.append(self._lines(name, "what_you_tried", CHANGE_LINES))
            elif step.question is None or number > 1 or change.train:
                what = self._training(change.train) or visible(change.title)
                parts.append(f'<p class="task">{self._say("change", what=what)}</p>')
                parts.append(self._lines(name, "what_happens", CHANGE_LINES))
        return f'<section class="step" id="s{n}">\n' + "\n".join(parts) + "\n</section>"

    def _training(self, options: Mapping[str, object]) -> str:
        """The command of a training; "" without one."""
        if not options:
            return ""
        names = {"seconds": "time-budget"}
        words = ["rnnviz", "train", str(options["recipe"])]
        for key, value in options.items():
            if key != "recipe":
                words += [f"--{names.get(key, key.replace('_', '-'))}", str(value)]
        return visible(shlex.join(words))

    def _figure(self, picture: PagePicture) -> str:
        return f"<figure>{self.studio.sheet.svg(picture)}</figure>"

    def _question(
        self, n: int, step: Step, question: LessonQuestion, shown: ShownPhase | None
    ) -> str:
        parts = []
        if question.kind == "number":
            label = self._say("number", within=allowed(question.within))
            parts.append(
                f'<p><label>{label} <input class="blank" size="10" inputmode="decimal"></label></p>'
            )
            if shown is not None and question.of.startswith("p("):
                parts.append(self._curve(shown.state))
        else:
            words = question.options or self._words(step)
            boxes = "".join(
                f'<li><label><input type="checkbox"> {markup(word)}</label></li>' for word in words
            )
            kind = "options" if question.options else "options words"
            parts.append(f'<ul class="{kind}">{boxes}</ul>')
        if question.why:
            parts.append(self._lines(f"w{n}", "why", WHY_LINES))
        return '<div class="question">' + "\n".join(parts) + "</div>"

    def _words(self, step: Step) -> tuple[str, ...]:
        trace: Trace = self.studio.explorer(step.query)
        return tuple(f"{t} {token}" for t, token in enumerate(trace.tokens, 1))

    def _lines(self, name: str, label: str, rows: int) -> str:
        """Lines to write on, which can be typed into on a screen."""
        said = self._say(label)
        rules = "".join(f'<i style="top: {2 * row}rem"></i>' for row in range(1, rows + 1))
        return (
            f'<p class="write"><label for="{name}">{said}</label><span class="ruled">'
            f'<textarea id="{name}" rows="{rows}"></textarea>{rules}</span></p>'
        )

    def _curve(self, state: ViewState) -> str:
        """The prediction so far, and room to draw the next one; "" where it is no probability."""
        trace = state.trace
        words = trace.tokens
        if trace.head.is_number or len(words) > CURVE_WORDS or trace.series is not None:
            return ""
        k = state.shown_class()
        known = [t for t in range(len(words)) if state.prediction_known(t)]
        if len(known) == len(words):
            return ""
        wide, high, left = 560 / len(words), 120, 40

        def x(t: int) -> float:
            return left + wide * (t + 0.5)

        points = " ".join(
            f"{x(t):.0f},{10 + high * (1 - float(trace.head.readout[t, k])):.0f}" for t in known
        )
        rules = "".join(
            f'<path class="rule" d="M{left} {10 + high * (1 - y):g}h560"/>'
            f'<text x="{left - 6}" y="{14 + high * (1 - y):g}" text-anchor="end">{y:g}</text>'
            for y in (0, 0.5, 1)
        )
        names = "".join(
            f'<text x="{x(t):.0f}" y="{high + 28}" text-anchor="middle">{markup(word)}</text>'
            for t, word in enumerate(words)
        )
        dots = "".join(
            f'<circle cx="{point.partition(",")[0]}" cy="{point.partition(",")[2]}" r="3"/>'
            for point in points.split()
        )
        line = f'<polyline points="{points}"/>' if len(known) > 1 else ""
        label = self._say("curve")
        return (
            f'<svg class="curve" viewBox="0 0 600 {high + 34}" role="img" aria-label="{label}">'
            f"{rules}{names}{line}{dots}</svg>"
        )

    # -- the answers ------------------------------------------------------------------------------

    def answer_sections(self) -> list[str]:
        """What is right at each question and what each change led to, folded."""
        found = []
        for n, step in enumerate(self.lesson.steps, 1):
            told = [phase for phase in self.phases if phase.number == n and phase.tells]
            if step.question is None and not step.changes:
                continue
            parts = []
            if step.question is not None:
                right = self._say("right", answer=self._right(step, step.question))
                parts.append(f"<p><strong>{right}</strong></p>")
            if step.reveal:
                parts.append(f"<p>{markup(step.reveal)}</p>")
            last: PagePicture | None = None
            for phase in told:
                change = phase.player.change
                if change is not None and (change.title or change.say):
                    title = markup(visible(change.title))
                    parts.append(f"<p><code>{title}</code> {markup(change.say)}</p>")
                if phase.picture not in (last, self._asked_picture(n)):
                    parts.append(self._figure(self.studio.small(phase.state)))
                    last = phase.picture
            for change in step.changes:
                if change.own is not None and change.example:
                    parts.append(f"<p>{self._say('example', example=visible(change.example))}</p>")
            if parts:
                found.append(
                    f'<details id="a{n}"><summary>{n}</summary>\n'
                    + "\n".join(parts)
                    + "\n</details>"
                )
        return found

    def _asked_picture(self, n: int) -> PagePicture | None:
        return next((p.picture for p in self.phases if p.number == n and not p.tells), None)

    def _right(self, step: Step, question: LessonQuestion) -> str:
        right: Any = question.right
        if question.of:
            try:
                right = Evaluator(self.studio.explorer).value(question.of, step.query, step.against)
            except RnnvizError as error:
                return str(error)
        if question.kind == "number":
            return f"{spoken(float(right))} (±{allowed(question.within)})"
        words = question.options or self._words(step)
        at = int(right) - 1
        return visible(words[at]) if 0 <= at < len(words) else str(right)

    # -- the player -------------------------------------------------------------------------------

    def frames(self) -> Iterator[WalkFrame]:
        """The same pictures one after the other; those that tell an answer only with answers."""
        for phase in self.phases:
            if phase.tells and not self.answers:
                continue
            title = self._title(phase)
            text = visible(phase.player.said)
            question = phase.player.step.question
            if question is not None and not phase.tells and question.options:
                text += "  " + " · ".join(f"☐ {visible(option)}" for option in question.options)
            yield WalkFrame(title, text, phase.picture, f"s{phase.number}")

    def _title(self, phase: ShownPhase) -> str:
        from rnnviz import i18n

        change = phase.player.change
        title = i18n.text(
            "handout.of_lesson", self.lesson.lang, n=phase.number, N=len(self.lesson.steps)
        )
        return title + (f" · {visible(change.title)}" if change and change.title else "")
