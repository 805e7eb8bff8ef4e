"""What a word did to the prediction, and whether a unit or the word itself did it, in a sentence.

The sentence is the same above a small set of panels and below a large one. What it says of a unit
or a word comes from readings in which the unit was held or the word left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rnnviz.analysis.interventions import (
    HeldStates,
    HoldQuestion,
    LeaveOutQuestion,
    OutputsWithout,
    memory,
    strongest_unit,
    strongest_word,
    unit_effect,
)
from rnnviz.analysis.prediction_change import prediction_change
from rnnviz.analysis.readout import saliency
from rnnviz.arrays import Array
from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.query import Question
from rnnviz.tui.panels.belief import belief_text, output_name
from rnnviz.tui.panels.word_columns import LONGEST
from rnnviz.tui.render.segments import cut
from rnnviz.tui.view.conclusion import Clause
from rnnviz.tui.view.page_state import PageState
from rnnviz.tui.view.view_state import ViewState

#: A probability that changes by less is not explained.
LITTLE = 0.02


@dataclass(frozen=True)
class WordLeftOut(PageState):
    """Whether every view shows what becomes of the prediction without the current word."""

    page: ClassVar[str] = "without_word"
    shown: bool = False


def leaves_out(view_state: ViewState) -> bool:
    """Whether the screen shows the prediction without the current word."""
    return view_state.page_state(WordLeftOut).shown and not is_asked(view_state)


def word(view_state: ViewState, t: int) -> str:
    """A token, safe to print and truncated; a number of a toy net with its symbol."""
    token = visible(view_state.trace.tokens[t])
    return cut(
        token if view_state.trace.hand is None else f"{view_state.symbol('x', t + 1)} = {token}",
        LONGEST,
    )


def unit_of_output(view_state: ViewState, outputs: Array) -> Array:
    """Outputs of the net in the unit of the screen: a forecast in that of its column."""
    series = view_state.trace.series
    return np.asarray(outputs if series is None else series.restored(outputs), np.float64)


def is_little(view_state: ViewState, before: float, after: float) -> bool:
    """Whether a change is too small to ask what did it."""
    if view_state.trace.head.is_number:
        return number(before, 2) == number(after, 2)
    return abs(after - before) < LITTLE


def hold_question(view_state: ViewState) -> HoldQuestion | None:
    """The units of the layer held at the current token; None without the net."""
    if not view_state.query.model or view_state.hidden:
        return None
    return HoldQuestion(view_state.query, view_state.cursor.layer, view_state.cursor.t)


def leave_out_question(view_state: ViewState) -> LeaveOutQuestion | None:
    """Every word left out once; None without the net."""
    if not view_state.query.model or view_state.hidden:
        return None
    return LeaveOutQuestion(view_state.query)


def questions(view_state: ViewState) -> list[Question]:
    """The interventions that the sentence needs."""
    found = (hold_question(view_state), leave_out_question(view_state))
    return [question for question in found if question is not None]


def without(view_state: ViewState) -> OutputsWithout | None:
    """The outputs without each word, once they are known."""
    answer: OutputsWithout | None = view_state.answers.get(leave_out_question(view_state))
    T = len(view_state.trace.tokens)
    return answer if answer is not None and len(answer.outputs) == T else None


def clauses(view_state: ViewState) -> list[Clause]:
    """The sentence of the panels, as far as it is known and not hidden."""
    if view_state.hidden:
        if view_state.prediction_known(view_state.cursor.t):
            return [_moved(view_state)[0]]
        return [Clause((view_state.text("conclusion.hidden"),))]
    if leaves_out(view_state):
        return left_out_clauses(view_state)
    if not view_state.prediction_known(view_state.cursor.t):
        return [_reading(view_state)]
    moved, before, after = _moved(view_state)
    found = [moved]
    if before is not None and not is_little(view_state, before, after):
        found += _units(view_state, before, after)
    return before_answer(view_state, [*found, *_words(view_state)])


def is_asked(view_state: ViewState) -> bool:
    """Whether a lesson has asked something and not shown the answer yet."""
    lesson = view_state.lesson
    return lesson is not None and lesson.player.phase in ("ask", "committed")


def before_answer(view_state: ViewState, clauses: Sequence[Clause]) -> list[Clause]:
    """The clauses that a question of a lesson leaves: no reasons, and nothing from the end."""
    asked = is_asked(view_state)
    return [clause for clause in clauses if not (asked and clause.checked)]


def left_out_clauses(view_state: ViewState) -> list[Clause]:
    """The sentence without the current word: what is read, and where it ends."""
    say, t, k = view_state.text, view_state.cursor.t, view_state.class_at_end()
    question, found = leave_out_question(view_state), without(view_state)
    name = word(view_state, t)
    if question is None or question in view_state.failures:
        reason = view_state.failures.get(question, "")
        return [Clause((f"{say('conclusion.no_net')} {visible(reason)}".strip(),))]
    if found is None:
        return [Clause((say("conclusion.reading_without", word=name),))]
    if not found.possible[t]:
        return [Clause((say("conclusion.only_word", word=name),))]
    outputs = unit_of_output(view_state, found.outputs[t])
    end = float(view_state.readout[-1, k])
    values = {
        "word": name, "name": output_name(view_state, k), "value": number(float(outputs[k]), 2),
        "end": number(end, 2), "label": "", "was": "",
    }  # fmt: skip
    if not view_state.trace.head.is_number:
        labels = view_state.trace.head.labels
        values["label"] = f" ({visible(labels[int(np.argmax(found.outputs[t]))])})"
        values["was"] = f" ({visible(labels[int(np.argmax(view_state.trace.head.output))])})"
    key = "ends_averaged" if found.averaged else "ends_without"
    same = "_same" if values["value"] == values["end"] else ""
    texts = [say(f"conclusion.{key}{same}", **values)]
    if not found.averaged:
        tokens = enumerate(view_state.trace.tokens)
        between = "" if view_state.trace.head.writes else " "
        rest = between.join(visible(w) for n, w in tokens if n != t and found.possible[n])
        texts = [say(f"conclusion.sentence_without{same}", rest=rest, **values), *texts]
        texts += [say(f"conclusion.ends_without{same}_short", **values)]
    return [Clause(tuple(texts), (question,))]


def _reading(view_state: ViewState) -> Clause:
    """The prediction after the current word is not known yet: what the unit keeps so far."""
    layer, t, unit = view_state.layer, view_state.cursor.t, view_state.cursor.unit
    state = memory(layer)
    say, name = view_state.text, word(view_state, t)
    if view_state.known(t, state):
        before, after = layer.state_before(t, state)[unit], layer.values[state][t, unit]
        values = {
            "word": name, "n": unit, "c": layer.symbol(state),
            "before": number(float(before), 2, True), "after": number(float(after), 2, True),
        }  # fmt: skip
        return Clause((say("conclusion.state", **values),))
    return Clause((say("conclusion.reading", word=name),))


def _moved(view_state: ViewState) -> tuple[Clause, float | None, float]:
    """What the word did to the prediction; the prediction before it and after it."""
    t, k = view_state.cursor.t, view_state.shown_class()
    moved = prediction_change(view_state.trace, t, k)
    after = float(view_state.readout[t, k])
    values = {
        "word": word(view_state, t), "name": output_name(view_state), "after": number(after, 2),
        "believed": belief_text(view_state, t),
    }  # fmt: skip
    if moved.before is None:
        return Clause((view_state.text("conclusion.now", **values),)), None, after
    before = float(unit_of_output(view_state, np.array(moved.before)))
    values["before"] = number(before, 2)
    same = values["before"] == values["after"]
    key = "same" if same else "rose" if after > before else "fell"
    keys = (key, "same_short" if same else "moved_short")
    texts = [view_state.text(f"conclusion.{key}", **values) for key in keys]
    return Clause(tuple(texts), steady=True), before, after


def _units(view_state: ViewState, before: float, after: float) -> list[Clause]:
    """Whether one unit does it: its state held at this word as it was before."""
    question, k = hold_question(view_state), view_state.shown_class()
    answer: HeldStates | None = view_state.answers.get(question)
    if question is None or answer is None or answer.here is None:
        return []
    held = unit_of_output(view_state, answer.here[:, k])
    if len(held) != view_state.layer.units:
        return []
    best = strongest_unit(held, before, after)
    chosen = unit_effect(held, before, after, view_state.cursor.unit)
    key = "one_unit" if best.alone else "no_unit"
    values = {
        "n": best.unit, "c": view_state.layer.symbol(answer.state),
        "value": number(best.value, 2),
    }  # fmt: skip
    texts = [
        view_state.text(f"conclusion.{key}{form}", **values) for form in ("", "_middle", "_short")
    ]
    found = [Clause(tuple(texts), (question,), 2)]
    if chosen.unit != best.unit:
        layer, t = view_state.layer, view_state.cursor.t
        was, now = (
            number(float(a[chosen.unit]), 2, True)
            for a in (layer.state_before(t, answer.state), layer.values[answer.state][t])
        )
        values = {
            "n": chosen.unit, "c": layer.symbol(answer.state), "before": was, "after": now,
            "value": number(chosen.value, 2),
        }  # fmt: skip
        found.append(Clause((view_state.text("conclusion.chosen_unit", **values),), (question,), 3))
    return found


def _words(view_state: ViewState) -> list[Clause]:
    """What leaving out the word does to the end; at the end, which word does it most."""
    question, found = leave_out_question(view_state), without(view_state)
    t, k = view_state.cursor.t, view_state.class_at_end()
    if question is None or found is None or not found.possible[t]:
        return []
    if t != view_state.layer.order[-1]:
        return [without_clause(view_state, t, found, question)]
    outputs = unit_of_output(view_state, found.outputs[:, k])
    best = strongest_word(found, float(view_state.trace.head.output[k]), k)
    if best is None:
        return []
    end, value = float(view_state.readout[-1, k]), float(outputs[best])
    if is_little(view_state, end, value):
        key = "no_token" if view_state.trace.head.is_number else "no_word"
        return [Clause((view_state.text(f"conclusion.{key}", little=LITTLE),), (question,), 1)]
    values = {"word": word(view_state, best), "value": _named(view_state, k, value)}
    form = "averaged_" if found.averaged else ""
    texts = [view_state.text(f"conclusion.{form}most{short}", **values) for short in ("", "_short")]
    clauses = [Clause(tuple(texts), (question,), 1)]
    largest = int(np.argmax(saliency(view_state.trace)))
    if largest != best:
        text = view_state.text("conclusion.gradient_elsewhere", word=word(view_state, largest))
        clauses.append(Clause((text,), (question,), 4))
    return clauses


def _named(view_state: ViewState, k: int, value: float) -> str:
    """The output at the end; of a net that writes with its token, which is that after the last."""
    text = number(value, 2)
    return f"{output_name(view_state, k)} {text}" if view_state.trace.head.writes else text


def without_clause(
    view_state: ViewState, t: int, found: OutputsWithout, question: Question, rank: int = 1
) -> Clause:
    """Where the text would end without token t, or that it would end as it does."""
    k = view_state.class_at_end()
    value = float(unit_of_output(view_state, found.outputs[t])[k])
    named = _named(view_state, k, value)
    values = {"word": word(view_state, t), "value": named, "little": LITTLE}
    little = is_little(view_state, float(view_state.readout[-1, k]), value)
    key = "averaged_" if found.averaged else ""
    key += "little" if little else "without"
    if little and view_state.trace.head.is_number:
        texts = [view_state.text(f"conclusion.{key}_short", **values)]
        return Clause(tuple(texts), (question,), rank)
    texts = [view_state.text(f"conclusion.{key}{form}", **values) for form in ("", "_short")]
    return Clause(tuple(texts), (question,), rank)
