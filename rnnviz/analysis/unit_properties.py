"""What a unit of a net that writes does: how well its value tells a property of the text.

Units that follow the position in the line or the inside of a quotation were found by Karpathy,
Johnson and Fei-Fei, "Visualizing and understanding recurrent networks", 2015, by looking. Here each
unit has a score, and beside it stands the best score in untrained nets: a property of the last
character alone can be read off a random net as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rnnviz.analysis.unit_scores import strength
from rnnviz.arrays import Array

#: The untrained nets of the control, with the seeds from 0 on.
CONTROLS = 10


@dataclass(frozen=True)
class PropertyQuestion:
    """The scores of all units of a layer for each property of a text, and those of untrained nets.

    Where ``text`` is None the held-out text of the model is read. ``random`` is the seed of initial
    weights in place of the trained ones.
    """

    model: str
    layer: int = 0  # index in ``Trace.layers``
    text: str | None = None
    untrained: int = CONTROLS
    random: int | None = None


@dataclass(frozen=True)
class AblationQuestion:
    """What the loss becomes if nothing reads the output of a unit."""

    model: str
    unit: int
    layer: int = 0
    text: str | None = None
    random: int | None = None


@dataclass(frozen=True)
class UnitScore:
    """A unit and one of its states, and how well this tells a property."""

    unit: int
    state: str  # "h" or "c"
    area: float  # the AUC; below 0.5 the value is low where the property holds

    @property
    def strength(self) -> float:
        """The AUC of the value or of its negative, 0.5 to 1."""
        return max(self.area, 1 - self.area)

    @property
    def is_high(self) -> bool:
        """Whether the value is high, not low, where the property holds."""
        return self.area >= 0.5


@dataclass(frozen=True, eq=False)
class PropertyScores:
    """N places of a text, H units, and for each state and property the AUC of each unit."""

    source: str  # the text that was read; "" for a text that was given
    places: int  # N
    holds: Mapping[str, int]  # by property: at how many places it holds
    areas: Mapping[tuple[str, str], Array]  # by state and property: (H)
    untrained: Mapping[tuple[str, str], Array]  # the best strength in each untrained net

    def ranked(self, name: str) -> list[UnitScore]:
        """The units for a property, each with each of its states, the strongest first."""
        found = [
            UnitScore(unit, state, float(area))
            for (state, of), areas in self.areas.items()
            if of == name
            for unit, area in enumerate(areas)
            if not np.isnan(area)
        ]
        return sorted(found, key=lambda each: -each.strength)

    def best(self, name: str) -> UnitScore | None:
        """The strongest of :meth:`ranked`; None for a property that has no scores."""
        best: UnitScore | None = None
        for (state, of), areas in self.areas.items():
            if of != name or not len(areas) or np.isnan(areas).any():
                continue
            unit = int(np.argmax(strength(areas)))
            found = UnitScore(unit, state, float(areas[unit]))
            best = found if best is None or found.strength > best.strength else best
        return best

    def of_unit(self, name: str, unit: int, state: str) -> UnitScore | None:
        """The score of one state of a unit; None where there is none."""
        areas = self.areas.get((state, name))
        if areas is None or not unit < len(areas) or np.isnan(areas[unit]):
            return None
        return UnitScore(unit, state, float(areas[unit]))

    def control(self, name: str) -> float | None:
        """The best strength for a property in any of the untrained nets, of all states."""
        found = [a.max() for (_, of), a in self.untrained.items() if of == name and len(a)]
        return float(max(found)) if found else None

    @property
    def units(self) -> int:
        """H."""
        return len(next(iter(self.areas.values())))

    @property
    def controls(self) -> int:
        """The number of untrained nets."""
        return max(map(len, self.untrained.values()), default=0)

    def by_margin(self) -> list[str]:
        """The properties that have scores, by how far the best unit is above the control.

        Without a control by the score of the best unit.
        """
        margins = {
            name: best.strength - (self.control(name) or 0)
            for name in self.holds
            if (best := self.best(name)) is not None
        }
        return sorted(margins, key=lambda name: -margins[name])


@dataclass(frozen=True, eq=False)
class Ablation:
    """The mean bits of a character with and without a unit, by property: where it holds and not."""

    unit: int
    everywhere: tuple[float, float]  # whole net, without the unit
    where: Mapping[str, tuple[float, float]]
    elsewhere: Mapping[str, tuple[float, float]]

    def lost(self, name: str) -> tuple[float, float] | None:
        """The bits that a character takes more without the unit, where a property holds and not."""
        if name not in self.where or name not in self.elsewhere:
            return None
        there, elsewhere = self.where[name], self.elsewhere[name]
        return there[1] - there[0], elsewhere[1] - elsewhere[0]
