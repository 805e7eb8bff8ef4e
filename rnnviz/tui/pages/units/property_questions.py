"""What the page of units asks and knows about a net that writes: scores, and one ablation."""

from __future__ import annotations

from dataclasses import dataclass

from rnnviz.analysis.unit_properties import (
    CONTROLS,
    Ablation,
    AblationQuestion,
    PropertyQuestion,
    PropertyScores,
    UnitScore,
)
from rnnviz.tui.pages.units.units_state import UnitsState
from rnnviz.tui.view.view_state import ViewState

#: The untrained nets of each question, one more than in the one before: a score is never shown
#: without any, and leaving waits for no more than one.
STEPS = range(1, CONTROLS + 1)


def is_own(view_state: ViewState) -> bool:
    """Whether the text on the screen is scored; not where a part of it is hidden."""
    return view_state.page_state(UnitsState).own and not view_state.hidden


def state_shown(view_state: ViewState) -> str:
    """The state that colours the text; h where the cell has no other."""
    shown = view_state.page_state(UnitsState).shown
    return shown if shown in view_state.layer.states else view_state.layer.states[0]


def score_question(view_state: ViewState, untrained: int) -> PropertyQuestion:
    """The scores beside so many untrained nets."""
    query = view_state.query
    text = query.text if is_own(view_state) else None
    return PropertyQuestion(query.model, view_state.cursor.layer, text, untrained, query.random)


def next_questions(view_state: ViewState) -> tuple[PropertyQuestion, ...]:
    """The next question about the scores, or the last one; () without a model."""
    if not view_state.query.model:
        return ()
    if view_state.keyless:  # nobody waits for what comes first
        return (score_question(view_state, CONTROLS),)
    every = [score_question(view_state, n) for n in STEPS]
    answered = [n for n, each in enumerate(every) if each in view_state.answers]
    return (every[min(max(answered, default=-1) + 1, len(every) - 1)],)


def scores(view_state: ViewState) -> PropertyScores | None:
    """The scores beside as many untrained nets as are known."""
    for n in reversed(STEPS):
        found = view_state.answers.get(score_question(view_state, n))
        if isinstance(found, PropertyScores):
            return found
    return None


def ablation_question(view_state: ViewState) -> AblationQuestion | None:
    """What the net loses without the unit at the cursor; None without a model."""
    query, cursor = view_state.query, view_state.cursor
    if not query.model:
        return None
    text = query.text if is_own(view_state) else None
    return AblationQuestion(query.model, cursor.unit, cursor.layer, text, query.random)


def ablation(view_state: ViewState) -> Ablation | None:
    """The answer, once the cursor has rested."""
    found = view_state.answers.get(ablation_question(view_state))
    return found if isinstance(found, Ablation) else None


@dataclass(frozen=True)
class PropertyRow:
    """A property, the unit that tells it best, and the unit at the cursor."""

    name: str
    share: float  # of the places where it holds
    best: UnitScore
    control: float | None  # the best of the untrained nets; None before any is known
    own: UnitScore | None  # the state shown of the cursor's unit
    lost: tuple[float, float] | None  # bits without the unit, where it holds and elsewhere


def property_rows(view_state: ViewState) -> list[PropertyRow]:
    """The properties, by how far the best unit is above the untrained nets; [] before any."""
    found, without = scores(view_state), ablation(view_state)
    if found is None:
        return []
    unit, state = view_state.cursor.unit, state_shown(view_state)
    return [
        PropertyRow(
            name, found.holds[name] / found.places, best, found.control(name),
            found.of_unit(name, unit, state), None if without is None else without.lost(name),
        )
        for name in found.by_margin()
        if (best := found.best(name)) is not None
    ]  # fmt: skip


def chosen_row(view_state: ViewState, rows: list[PropertyRow]) -> int:
    """The index of the chosen property; 0 before one is chosen."""
    chosen = view_state.page_state(UnitsState).chosen
    return next((n for n, row in enumerate(rows) if row.name == chosen), 0)
