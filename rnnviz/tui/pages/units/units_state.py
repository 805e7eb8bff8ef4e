"""What the page of units remembers between two keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rnnviz.tui.view.page_state import PageState

#: Thresholds above which a unit counts as active, in the order of the key.
THRESHOLDS = (0.3, 0.2, 0.1, 0.05, 0.7, 0.5)


@dataclass(frozen=True)
class UnitsState(PageState):
    """The threshold above which a unit counts as active; of a net that writes, what it shows.

    ``shown`` is the state that colours the text, "h" or "c"; ``chosen`` a property, "" for the
    first one; ``own``: the scores are those on the text of the screen.
    """

    page: ClassVar[str] = "units"
    threshold: float = THRESHOLDS[0]
    shown: str = "h"
    chosen: str = ""
    own: bool = False
