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


@dataclass(frozen=True)
class PropertyQuestion:
    """The scores of all units of a layer for each property of a text, and those of untrained nets.

    Without ``text`` the held-out text of the model is read.
    """

    model: str
    layer: int = 0  # index in ``Trace.layers``
    text: str = ""
    untrained: int = 10  # nets with other seeds


@dataclass(frozen=True)
class AblationQuestion:
    """What the loss becomes if nothing reads the output of a unit."""

    model: str
    unit: int
    layer: int = 0
    text: str = ""


@dataclass(frozen=True, eq=False)
class PropertyScores:
    """N places of a text, H units, and for each state and property the AUC of each unit."""

    source: str  # the text that was read
    places: int  # N
    holds: Mapping[str, int]  # by property: at how many places it holds
    areas: Mapping[tuple[str, str], Array]  # by state and property: (H)
    untrained: Mapping[tuple[str, str], Array]  # the best strength in each untrained net

    def ranked(self, name: str) -> list[tuple[float, str, int]]:
        """Strength, state and unit for a property, the strongest first; [] where none is known."""
        found = [
            (float(value), state, unit)
            for (state, of), areas in self.areas.items()
            if of == name
            for unit, value in enumerate(strength(areas))
            if not np.isnan(value)
        ]
        return sorted(found, key=lambda each: -each[0])

    def control(self, name: str) -> float:
        """The best strength for a property in any of the untrained nets, of all states."""
        found = [a.max() for (_, of), a in self.untrained.items() if of == name and len(a)]
        return float(max(found, default=np.nan))


@dataclass(frozen=True, eq=False)
class Ablation:
    """The mean bits of a character with and without a unit, by property: where it holds and not."""

    unit: int
    everywhere: tuple[float, float]  # whole net, without the unit
    where: Mapping[str, tuple[float, float]]
    elsewhere: Mapping[str, tuple[float, float]]
