"""``--compare``: the same text read by several cells, as one JSON document or a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rnnviz.analysis.model_family import MAX_MODELS, MIN_MODELS, family_by_cell
from rnnviz.analysis.readout import shown_class
from rnnviz.cli.tables import aligned, terminal_width
from rnnviz.display import json_text, visible
from rnnviz.equations import DEFAULT_NOTATION, number
from rnnviz.errors import UsageError, nearest
from rnnviz.i18n import text
from rnnviz.trace import Trace
from rnnviz.trace.notation import in_notation

SCHEMA = "rnnviz.comparison/1"


def models(names: str, model: str, offered: Sequence[str]) -> tuple[str, ...]:
    """The models of cells like ``rnn,gru`` in the family of a model; UsageError for others."""
    valid = family_by_cell(model, offered)
    cells = [cell.strip() for cell in names.split(",") if cell.strip()]
    for cell in cells:
        if cell not in valid:
            beside = f"Cells: {', '.join(valid)}." if valid else "It has no like with other cells."
            raise UsageError(
                f"--compare: there is no {cell!r} beside {model}.{nearest(cell, valid)}\n{beside}"
            )
    chosen = tuple(dict.fromkeys(valid[cell] for cell in cells))
    if not MIN_MODELS <= len(chosen) <= MAX_MODELS:
        raise UsageError(
            f"--compare takes {MIN_MODELS} to {MAX_MODELS} cells, for example: --compare rnn,gru"
        )
    return chosen


def lines(
    traces: Sequence[Trace],
    form: str,
    unit: int | None,
    lang: str,
    notation: str = DEFAULT_NOTATION,
) -> Iterator[str]:
    """The traces in a form, "json" or "plain"; UsageError for any other."""
    if form not in ("json", "plain"):
        raise UsageError(f"--compare has no --{form} form: take --json or --plain.")
    if form == "json":
        yield json_text({"schema": SCHEMA, "traces": [trace.to_json() for trace in traces]})
        return
    from rnnviz.cli.step import plain_text

    yield from _table([trace.localized(lang) for trace in traces], lang)
    for trace in traces:
        yield ""
        chosen = trace.leading_unit() if unit is None else unit
        yield from plain_text.lines(in_notation(trace, notation), chosen, lang)


def _table(traces: Sequence[Trace], lang: str) -> Iterator[str]:
    """A row a token: each cell's prediction if the text ended there."""
    head = traces[0].head
    # Of two classes the second, as on the screen; of more the one the gradients are of.
    label = head.labels[shown_class(head)]
    title = text("view.believes", lang, label=visible(label)) if not head.is_number else label
    rows = [[title, *(visible(trace.model) for trace in traces)]]
    for t, token in enumerate(traces[0].tokens):
        values = (trace.head.readout[t, trace.head.labels.index(label)] for trace in traces)
        rows.append([visible(token), *(number(float(value)) for value in values)])
    yield from aligned(rows, terminal_width())
