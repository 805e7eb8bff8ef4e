"""The pane of a lesson below the title: what is said, what is asked, and which key goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.analysis.readout import shown_class
from rnnviz.display import visible
from rnnviz.lessons.predictions import MarkedPrediction, allowed, outcome, quoted, spoken, verdict
from rnnviz.tui.render.segments import Line, beside, cut, trimmed, wrapped
from rnnviz.tui.view.lesson_state import LessonState, last_output
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.vote_state import answer_text
from rnnviz.tui.view.widget import View

if TYPE_CHECKING:
    from rnnviz.lessons.lesson import Lesson, LessonQuestion, Step
    from rnnviz.lessons.player import LessonPlayer

#: Columns of the longest line of speech, and the lines of a screen that has room for empty ones.
SPEECH, ROOMY = 96, 30


class LessonPane(View):
    """What the lesson says now; nothing without a lesson."""

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        lesson = view_state.lesson
        if lesson is None:
            return []
        theme, player = view_state.theme, lesson.player
        lines = [_heading(view_state, player, width)]
        speech = wrapped(visible(player.said), _speech_width(width))
        below = _below(view_state, lesson, _speech_width(width))
        # Speech goes first: of lines that do not fit, the lowest are left out.
        room = height - len(lines) - len(below) - 1
        roomy = len(speech) + 2 <= room
        lines += [[]] * roomy
        lines += [[Segment("  " + line, theme.bold)] for line in speech[: max(1, room)]]
        text = _hint(view_state, lesson)
        hint = [Segment(f"  ▸ {text}" if text else "", theme.source)]
        empty: list[Line] = [[]] * max(0, height - len(lines) - len(below) - 1)
        lines = [*lines, *below, *empty, hint]
        return [trimmed(line, width, theme.ink) for line in lines[:height]]


def pane_height(view_state: ViewState, width: int, height: int) -> int:
    """Lines of the pane, the same in every phase of a step: a reveal moves no other view.

    ``height``: lines of the screen; at least fourteen are left to the views.
    """
    lesson = view_state.lesson
    if lesson is None:
        return 0
    needed = _needed(lesson.player.lesson, lesson.player.index, _speech_width(width))
    roomy = 2 if height >= ROOMY else 0
    return max(4, min(needed + roomy, height - 14))


def _needed(lesson: Lesson, index: int, width: int) -> int:
    """The heading, the longest speech of a step, the lines below it, and the hint."""
    from rnnviz.lessons.player import LessonPlayer, is_revealed_later, stages

    step = lesson.steps[index]
    player = LessonPlayer(lesson, index)
    speeches = [replace(player, stage=n).said for n in range(len(stages(lesson, index)))]
    speech = max(len(wrapped(visible(text), width)) for text in speeches)
    below = 0
    if step.question is not None:
        below = max(2 if step.question.why else 1, len(_options(step, width)))
    if step.changes or index == len(lesson.steps) - 1:
        below = max(below, 1)
    if index and is_revealed_later(lesson, index - 1):
        below += 1
    return 1 + speech + below + 1


def _speech_width(width: int) -> int:
    return min(SPEECH, width - 4)


def _heading(view_state: ViewState, player: LessonPlayer, width: int) -> Line:
    theme, lesson = view_state.theme, player.lesson
    place = view_state.text(
        "lesson.place", n=player.index + 1, N=len(lesson.steps), minutes=lesson.minutes
    )
    score = player.score
    if score.asked:
        place += " · " + view_state.text("lesson.score", score=score)
    place = f" {place} ─"
    title = cut(visible(lesson.title), width - cell_len(place) - 4)
    left = [Segment("─ ", theme.rule), Segment(title, theme.bold), Segment(" ", theme.rule)]
    gap = width - cell_len(place) - cell_len(title) - 3
    right = [Segment("─" * max(0, gap), theme.rule), Segment(place, theme.source)]
    return beside([*left, *right], [], width, theme.rule)


def _below(view_state: ViewState, lesson: LessonState, width: int) -> list[Line]:
    """The lines below the speech: options, the answer, or what a change has done."""
    theme, player = view_state.theme, lesson.player
    phase, question = player.phase, player.step.question
    if phase in ("change", "own"):
        changed: list[Line] = [[Segment("  " + _changed(view_state, lesson, width), theme.now)]]
        late = player.late_question if phase == "change" else None
        if late is not None and late.id in player.answers:
            changed += _answered(view_state, player, late)[:1]
        return changed
    if question is None:
        ends = player.at_end
        return [[Segment("  " + _end(view_state, lesson), theme.now)]] if ends else []
    # While the class votes once more, what it said the first time is hidden.
    if phase == "ask" or (phase == "committed" and _is_voting(view_state)):
        if question.options:
            return [[Segment("  " + line, theme.now)] for line in _options(player.step, width)]
        kind = "lesson.ask_number" if question.kind == "number" else "lesson.ask_word"
        within = allowed(question.within)
        return [[Segment("  " + view_state.text(kind, within=within), theme.now)]]
    lines = _answered(view_state, player, player.step)
    if phase == "revealed" and player.change is not None:
        lines[-1] = [*lines[-1], Segment(" · " + _effect(view_state, lesson), theme.ink)]
    return lines


def _options(step: Step, width: int) -> list[str]:
    """The options of a choice, as many in a line as fit."""
    question = step.question
    if question is None:
        return []
    lines = [""]
    for n, option in enumerate(question.options, start=1):
        text = f"{n} {visible(option)}"
        longer = f"{lines[-1]}   {text}" if lines[-1] else text
        if cell_len(longer) <= width:
            lines[-1] = longer
        else:
            first, *more = wrapped(text, width - 2)
            lines += [first, *("  " + line for line in more)]
    return lines if lines[0] else lines[1:]


def _answered(view_state: ViewState, player: LessonPlayer, step: Step) -> list[Line]:
    """What was answered; once it is revealed beside what is right."""
    theme, say, question = view_state.theme, view_state.text, step.question
    assert question is not None
    answer, names = player.answers.get(step.id), _names(view_state, question)
    revealed = step is not player.step or player.phase == "revealed"
    if answer is None or answer.prediction is None:
        lines: list[Line] = [[Segment("  " + say("lesson.no_answer"), theme.ink)]]
        if not revealed or answer is None or answer.key is None:
            return lines
        right = _named(question, answer.key.right, names)
        return [[*lines[0], Segment(" " + say("lesson.right", right=right), theme.ink)]]
    prediction, marked = answer.prediction, answer.marked
    if revealed and marked is not None:
        lines = [_marked(view_state, marked, names)]
    else:
        own = _named(question, prediction.answer, names)
        text = answer_text(view_state, "lesson.yours", answer=own)
        lines = [[Segment("  " + text, theme.now)]]
    if prediction.why:
        why = say("lesson.why", why=visible(prediction.why))
        lines.append([Segment("  " + why, theme.ink)])
    return lines


def _marked(view_state: ViewState, marked: MarkedPrediction, names: Sequence[str]) -> Line:
    theme = view_state.theme
    style = theme.now if marked.is_right else theme.wrong
    mark = "✓" if marked.is_right else "✗"
    lang, of_class = view_state.lang, view_state.vote is not None
    text = f"{outcome(marked, lang, names, of_class=of_class)} · {verdict(marked, lang)}"
    return [Segment(f"  {mark} {text}", style)]


def _names(view_state: ViewState, question: LessonQuestion) -> tuple[str, ...]:
    """What the numbers of options and words stand for."""
    return tuple(map(visible, question.options or view_state.trace.tokens))


def _named(question: LessonQuestion, value: float, names: Sequence[str]) -> str:
    """An answer as a text: a number, or the option or word it stands for."""
    at = int(value) - 1
    if question.kind == "number" or not 0 <= at < len(names):
        return spoken(value)
    return quoted(names[at])


def _changed(view_state: ViewState, lesson: LessonState, width: int) -> str:
    """What the change is and what it has done to the output."""
    player, say = lesson.player, view_state.text
    change, step = player.change, player.step
    assert change is not None
    if change.train and lesson.training:
        return lesson.training
    if player.phase == "own":
        if player.own is None:
            return ""
        output = _output(view_state)
        key = "lesson.reached" if player.reached else "lesson.not_yet"
        result = f"{output} …" if player.reached is None else say(key, output=output)
        typed = cut(visible(player.own.text), width - cell_len(result) - 4)
        return f"“{typed}” {result}" if change.own == "text" else result
    text = visible(change.title)
    if len(step.changes) > 1:
        text = say(
            "lesson.change", n=(player.change_index or 0) + 1, N=len(step.changes), what=text
        )
    effect = _effect(view_state, lesson)
    return f"{cut(text, width - cell_len(effect) - 3)} · {effect}" if effect else text


def _effect(view_state: ViewState, lesson: LessonState) -> str:
    """The output at the end of the text before the change and with it."""
    if lesson.before is None or view_state.query != lesson.player.scene.query:
        return ""  # the change is not read yet
    before = spoken(last_output(lesson.before))
    return _output(view_state, before + " → ")


def _output(view_state: ViewState, before: str = "") -> str:
    """The output at the end of the text: "p(positive) .93"."""
    trace = view_state.trace
    value = before + spoken(last_output(trace))
    if trace.series is not None:
        return view_state.text("lesson.forecast", value=value)
    label = visible(trace.head.labels[shown_class(trace.head)])
    return f"{view_state.text('view.believes', label=label)} {value}"


def _is_voting(view_state: ViewState) -> bool:
    return view_state.vote is not None and view_state.vote.is_going


def _end(view_state: ViewState, lesson: LessonState) -> str:
    """The word at the end: the score, and the lesson that comes next."""
    score = lesson.player.score
    text = answer_text(view_state, "lesson.end", score=score) if score.asked else ""
    if lesson.next:
        text += " " + view_state.text("lesson.next", command=f"rnnviz lesson {lesson.next}")
    return text.strip()


def _hint(view_state: ViewState, lesson: LessonState) -> str:
    """The key that goes on, and what it does; "" while the pane of the class says it."""
    player = lesson.player
    if _is_voting(view_state):
        return ""
    key = {
        "ask": "lesson.key_answer", "committed": "lesson.key_reveal", "own": "lesson.key_own",
    }.get(player.phase, "lesson.key_on")  # fmt: skip
    options = () if player.step.question is None else player.step.question.options
    if player.phase == "ask" and options:
        return view_state.text("lesson.key_choose", n=len(options))
    if player.phase == "committed" and (not player.can_answer or player.lesson.kind == "quiz"):
        key = "lesson.key_on"
    if player.at_end:
        key = "lesson.key_end"
    elif key == "lesson.key_on" and (change := player.next().change) is not None:
        key = "lesson.key_own_next" if change.own else "lesson.key_change"
    if key == "lesson.key_reveal":
        return answer_text(view_state, key)
    return view_state.text(key)
