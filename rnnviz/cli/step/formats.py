"""A trace on stdout: JSON, JSON lines, CSV, or lines of text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rnnviz.cli.options import NOTATIONS
from rnnviz.display import json_text

if TYPE_CHECKING:
    from rnnviz.analysis.interventions import OutputsWithout
    from rnnviz.trace import Trace


def lines(
    trace: Trace, form: str, unit: int | None, lang: str, notation: str = NOTATIONS[0],
    without: OutputsWithout | None = None,
) -> Iterator[str]:  # fmt: skip
    """A trace as lines in a form: "json", "jsonl", "csv" or "plain", the last in a notation.

    ``without``: the outputs at the end without each token, for "plain".
    """
    if form == "json":
        yield json_text(trace.to_json())
    elif form == "jsonl":
        yield from _jsonl(trace)
    elif form == "csv":
        yield from _csv(trace)
    else:
        from rnnviz.cli.step import plain_text
        from rnnviz.trace.notation import in_notation

        unit = trace.leading_unit() if unit is None else unit
        yield from plain_text.lines(in_notation(trace, notation), unit, lang, without)
        yield from plain_text.toy_net_lines(trace, lang)


def _jsonl(trace: Trace) -> Iterator[str]:
    """One object a token, in the order of the text."""
    whole = trace.to_json()
    for t, token in enumerate(trace.tokens):
        layers = [
            {
                **{key: layer[key] for key in ("name", "cell", "units", "direction")},
                "mask": layer["mask"][t],
                "values": {name: rows[t] for name, rows in layer["values"].items()},
                "grads": {name: rows[t] for name, rows in layer["grads"].items()},
                "reach": layer["reach"][t],
            }
            for layer in whole["layers"]
        ]
        record = {
            "schema": whole["schema"], "model": trace.model, "t": t, "token": token,
            "id": trace.ids[t], "unknown": trace.unknown[t], "layers": layers,
            "readout": whole["head"]["readout"][t],
        }  # fmt: skip
        if trace.clamps:
            record["clamps"] = whole["clamps"]
        if trace.series is not None:
            record["forecast"] = whole["series"]["degrees"]["readout"][t]
        yield json_text(record)


def _csv(trace: Trace) -> Iterator[str]:
    """``t,token,layer,name,unit,value,grad``: one row per token × name × unit."""
    from rnnviz.trace.table import COLUMNS, value_rows

    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="")

    def row(*cells: object) -> str:
        buffer.seek(0)
        buffer.truncate()
        writer.writerow(cells)
        return buffer.getvalue()

    yield row(*COLUMNS)
    for cells in value_rows(trace):
        yield row(*cells)
