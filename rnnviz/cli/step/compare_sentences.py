"""``--against``: the traces of two sentences side by side, as one JSON document or a table."""

from __future__ import annotations

from collections.abc import Iterator

from rnnviz.analysis.difference import THRESHOLD, compare, logit_contributions
from rnnviz.cli.tables import aligned
from rnnviz.display import json_text, visible
from rnnviz.equations import number
from rnnviz.errors import UsageError
from rnnviz.i18n import text, units
from rnnviz.trace import Trace

#: Units named in the plain form.
NAMED = 5


def lines(a: Trace, b: Trace, form: str, lang: str) -> Iterator[str]:
    """The difference of two traces in a form, "json" or "plain"; UsageError for any other."""
    if form not in ("json", "plain"):
        raise UsageError(f"--against has no --{form} form: take --json or --plain.")
    found = compare(a, b)
    if form == "json":
        yield json_text(found.to_json())
        return

    def say(key: str, **values: object) -> str:
        return text(f"page.against.{key}", lang, **values)

    a, b = a.localized(lang), b.localized(lang)
    # Of two classes the second, as on the screen; of more the one the gradients are of.
    k = 1 if len(a.head.labels) == 2 else a.head.labels.index(a.head.target)
    label = a.head.labels[k]
    believed = text("view.believes", lang, label=label)
    yield text("plain.model", lang, name=visible(a.model), cell=a.layers[-1].title,
               units=units(a.layers[-1].units, lang), about=visible(a.about))  # fmt: skip
    cells = [["", "a", "b", f"{believed} a", f"{believed} b", say("distance")]]
    for row, (i, j) in enumerate(found.pairs):
        far = found.distances[row]
        same = far is not None and far <= THRESHOLD
        cells.append(
            [
                found.mark(row),
                "" if i is None else a.tokens[i],
                "" if j is None else b.tokens[j],
                say("missing") if i is None else number(float(a.head.readout[i, k])),
                say("missing") if j is None else number(float(b.head.readout[j, k])),
                say("missing") if far is None else say("same") if same else number(far),
            ]
        )
    yield from aligned(cells)
    told = logit_contributions(found, len(found.pairs) - 1, k)
    if told is None:
        return
    value = number(float(told.values.sum()), signed=True)
    yield say("share_end", label=visible(label), value=value)
    for place in told.largest(NAMED):
        yield f"{say('unit', n=place)}: (h_a − h_b) · W = {told.arithmetic(place).text}"
