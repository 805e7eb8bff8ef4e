"""Changes to a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rnnviz.data.user_tables.choice import TableChoice


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
    rate: float | None = None
    clip: float | None = None
    patience: int | None = None
    layers: int | None = None  # the number of recurrent layers
    bidirectional: bool | None = None
    embedding: int | None = None  # numbers of a word vector
    mask: bool | None = None  # whether padding is masked
    sentence: str | None = None  # read again and again while training
    snapshots: int | None = None  # how often the weights are kept
    table: TableChoice | None = None  # instead of a recipe's data, a table of the user's own

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Options:
        """The options in spec.json; TypeError or ValueError for unknown fields."""
        table = record.get("table")
        choice = None if table is None else TableChoice.from_json(table)
        return cls(**{**record, "table": choice})
