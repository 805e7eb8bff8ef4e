"""``--against``: the traces of two sentences side by side, as one JSON document or a table."""

from __future__ import annotations

from collections.abc import Iterator

from rnnviz.analysis.difference import THRESHOLD, compare, logit_contributions
from rnnviz.analysis.readout import shown_class
from rnnviz.cli.step.plain_text import model_line
from rnnviz.cli.tables import aligned, terminal_width
from rnnviz.display import json_text, visible
from rnnviz.equations import number
from rnnviz.errors import UsageError
from rnnviz.i18n import is_imported, text
from rnnviz.messages import _
from rnnviz.trace import Trace

#: Units listed in the plain form.
LISTED_UNITS = 5


def lines(a: Trace, b: Trace, form: str, lang: str) -> Iterator[str]:
    """The difference of two traces in a form, "json" or "plain"; UsageError for any other."""
    if form not in ("json", "plain"):
        raise UsageError(
            _("--against has no --{form} form: take --json or --plain.").format(form=form)
        )
    difference = compare(a, b)
    if form == "json":
        yield json_text(difference.to_json())
        return

    def label_text(key: str, **values: object) -> str:
        return text(f"page.against.{key}", lang, **values)

    imported = is_imported(a.about)
    a, b = a.localized(lang), b.localized(lang)
    # Of two classes the second, as on the screen; of more the one the gradients are of.
    k = shown_class(a.head)
    label = a.head.labels[k]
    prediction = text("view.believes", lang, label=label)
    yield model_line(a, lang, imported=imported)
    cells = [["", "a", "b", f"{prediction} a", f"{prediction} b", label_text("distance")]]
    missing = label_text("missing")
    for row, (i, j) in enumerate(difference.pairs):
        distance = difference.distances[row]
        if distance is None:
            apart = missing
        else:
            apart = label_text("same") if distance <= THRESHOLD else number(distance)
        cells.append(
            [
                difference.mark(row),
                "" if i is None else a.tokens[i],
                "" if j is None else b.tokens[j],
                missing if i is None else number(float(a.head.readout[i, k])),
                missing if j is None else number(float(b.head.readout[j, k])),
                apart,
            ]
        )
    yield from aligned(cells, terminal_width())
    contributions = logit_contributions(difference, len(difference.pairs) - 1, k)
    if contributions is None:
        return
    value = number(float(contributions.values.sum()), signed=True)
    yield label_text("share_end", label=visible(label), value=value)
    for unit in contributions.largest(LISTED_UNITS):
        arithmetic = contributions.arithmetic(unit).text
        yield f"{label_text('unit', n=unit)}: (h_a − h_b) · W = {arithmetic}"
