"""``--compare``: the same text read by several cells, as one JSON document or a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rnnviz.analysis.model_family import MAX_MODELS, MIN_MODELS, family_by_cell
from rnnviz.analysis.readout import shown_class
from rnnviz.cli.tables import aligned, terminal_width
from rnnviz.display import json_text, visible
from rnnviz.equations import DEFAULT_NOTATION, number
from rnnviz.errors import UsageError, nearest
from rnnviz.i18n import model_name, text
from rnnviz.messages import _
from rnnviz.trace import Trace
from rnnviz.trace.notation import in_notation

SCHEMA = "rnnviz.comparison/1"


def models(names: str, model: str, offered: Sequence[str]) -> tuple[str, ...]:
    """The models of cells like ``rnn,gru`` in the family of a model, or others by name or file.

    UsageError for what is neither.
    """
    valid = family_by_cell(model, offered)
    found = []
    for name in filter(None, map(str.strip, names.split(","))):
        found.append(valid[name] if name in valid else _model(name, model, valid))
    chosen = tuple(dict.fromkeys(found))
    if not MIN_MODELS <= len(chosen) <= MAX_MODELS:
        raise UsageError(
            _(
                "--compare takes {least} to {most} cells or models, for example: --compare rnn,gru"
            ).format(least=MIN_MODELS, most=MAX_MODELS)
        )
    return chosen


def _model(name: str, model: str, cells: Mapping[str, str]) -> str:
    """The name, if there is such a model; UsageError with the nearest cell."""
    from rnnviz.lookup import locate

    try:
        locate(name)
    except UsageError:
        beside = _("It has no like with other cells.")
        if cells:
            beside = _("Cells: {names}.").format(names=", ".join(cells))
        raise UsageError(
            _(
                "--compare: there is no cell {name!r} beside {model}, and no model of that "
                "name.{close}\n"
                "{beside} Models: rnnviz models"
            ).format(name=name, model=model, close=nearest(name, cells), beside=beside)
        ) from None
    return name


def require_same_text(traces: Sequence[Trace]) -> None:
    """UsageError unless the traces have equally many tokens and outputs."""
    tokens = _(
        "--compare: {a} has {count_a} tokens of this text, {b} {count_b}: they cannot stand side "
        "by side."
    )
    outputs = _(
        "--compare: {a} has {count_a} outputs, {b} {count_b}: they cannot stand side by side."
    )
    first = traces[0]
    for other in traces[1:]:
        for said, one, two in (
            (tokens, first.tokens, other.tokens),
            (outputs, first.head.labels, other.head.labels),
        ):
            if len(one) != len(two):
                raise UsageError(
                    said.format(a=first.model, count_a=len(one), b=other.model, count_b=len(two))
                )


def lines(
    traces: Sequence[Trace],
    form: str,
    unit: int | None,
    lang: str,
    notation: str = DEFAULT_NOTATION,
) -> Iterator[str]:
    """The traces in a form, "json" or "plain"; UsageError for any other."""
    if form not in ("json", "plain"):
        raise UsageError(
            _("--compare has no --{form} form: take --json or --plain.").format(form=form)
        )
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
    column = shown_class(head)
    label = head.labels[column]
    title = text("view.believes", lang, label=visible(label)) if not head.is_number else label
    rows = [[title, *(visible(model_name(trace.model, lang)) for trace in traces)]]
    for t, token in enumerate(traces[0].tokens):
        values = (trace.head.readout[t, column] for trace in traces)
        rows.append([visible(token), *(number(float(value)) for value in values)])
    yield from aligned(rows, terminal_width())
