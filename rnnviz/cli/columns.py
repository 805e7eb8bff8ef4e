"""Tables as plain text: columns as wide as their widest cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rnnviz.display import visible

if TYPE_CHECKING:
    from rnnviz.engine.param_count import LayerCount


def columns(cells: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table; nothing in a cell can reach the terminal as a command."""
    safe = [[visible(cell) for cell in line] for line in cells]
    widths = [max(map(len, column)) for column in zip(*safe, strict=True)]
    return [
        "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in safe
    ]


def summary(rows: Sequence[LayerCount]) -> list[str]:
    """A net's layers as Keras prints them, each with the arithmetic of its count, and the total."""
    cells = [("layer", "output", "parameters", "arithmetic")]
    cells += [(r.layer, r.output, f"{r.count:,}", r.arithmetic) for r in rows]
    return [*columns(cells), f"total {sum(r.count for r in rows):,}"]


def published(found: Any) -> str:
    """A published number in words: ``validation accuracy 0.893 (where)``.

    ``found`` is a field of a record, so it may be anything.
    """
    if not isinstance(found, dict):
        return "never"
    value, source = found.get("value"), found.get("source")
    if not isinstance(value, float):
        return visible(f"no number ({source})")
    metric = "MAE" if found.get("metric") == "mae" else found.get("metric")
    return visible(f"{found.get('of')} {metric} {value:.4g} ({source})")
