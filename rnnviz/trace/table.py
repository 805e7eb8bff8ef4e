"""A trace as a table: one row per token × name × unit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rnnviz.errors import MissingError
from rnnviz.messages import _

if TYPE_CHECKING:
    from rnnviz.trace import Trace

COLUMNS = ("t", "token", "layer", "name", "unit", "value", "grad")


def value_rows(trace: Trace) -> Iterator[tuple[int, str, str, str, int, float, float]]:
    """The rows of COLUMNS: by layer, token, recorded name and unit."""
    for layer in trace.layers:
        for t, token in enumerate(trace.tokens):
            for name in layer.recorded:
                pairs = zip(layer.values[name][t], layer.grads[name][t], strict=True)
                for unit, (value, grad) in enumerate(pairs):
                    yield t, token, layer.name, name, unit, float(value), float(grad)


def to_pandas(trace: Trace) -> Any:
    """The rows as a pandas DataFrame; MissingError where pandas is not installed."""
    try:
        import pandas
    except ImportError:
        raise MissingError(
            _("to_pandas() needs pandas, which is not installed. Get it: pip install pandas")
        ) from None
    return pandas.DataFrame.from_records(list(value_rows(trace)), columns=list(COLUMNS))
