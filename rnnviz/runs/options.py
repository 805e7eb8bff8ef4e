"""Changes to a recipe."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """What a user may change about a recipe; None leaves the recipe's own value."""

    epochs: int | None = None
    batch_size: int | None = None
    units: int | None = None
    cell: str | None = None
    dropout: float | None = None
    recurrent_dropout: float | None = None
    limit: int | None = None  # rows of each data set
    variant: str | None = None  # another way to prepare the data, of those the recipe has
    seed: int = 0
