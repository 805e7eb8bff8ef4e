"""Tables as plain text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rnnviz.display import visible

if TYPE_CHECKING:
    from rnnviz.engine.param_count import LayerCount


def aligned(cells: Sequence[Sequence[str]]) -> list[str]:
    """The rows of a table as lines, columns as wide as their widest cell; controls are escaped."""
    safe = [[visible(cell) for cell in line] for line in cells]
    widths = [max(map(len, column)) for column in zip(*safe, strict=True)]
    return [
        "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in safe
    ]


def layer_table(rows: Sequence[LayerCount]) -> list[str]:
    """A net's layers as Keras prints them, each with the arithmetic of its count, and the total."""
    cells = [("layer", "output", "parameters", "arithmetic")]
    cells += [(r.layer, r.output, f"{r.count:,}", r.arithmetic) for r in rows]
    return [*aligned(cells), f"total {sum(r.count for r in rows):,}"]


def published_text(record: Any) -> str:
    """A published number in words: ``validation accuracy 0.893 (where)``.

    ``record`` is a field of a JSON file, so it may be anything.
    """
    if not isinstance(record, dict):
        return "never"
    value, source = record.get("value"), record.get("source")
    if not isinstance(value, float):
        return visible(f"no number ({source})")
    metric = "MAE" if record.get("metric") == "mae" else record.get("metric")
    return visible(f"{record.get('of')} {metric} {value:.4g} ({source})")
