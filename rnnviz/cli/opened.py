"""``--open``: a saved trace, and who may answer what is asked beside it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnviz.errors import UsageError

if TYPE_CHECKING:
    from rnnviz.query import Explorer, Query, Question
    from rnnviz.trace import Trace


def query(trace: Trace) -> Query:
    """What would be asked to read the text of a saved trace once more."""
    from rnnviz.analysis.toy_net import toy_net_of
    from rnnviz.model_files.stored import seeded
    from rnnviz.query import Query

    name, seed = seeded(trace.model)
    return Query(trace.text, name, trace.head.target, seed, trace.clamps, toy_net_of(trace))


def with_its_weights(read: Explorer, trace: Trace, path: Path) -> Explorer:
    """The explorer, but of the trace's own model only if that still has the weights it had.

    A file keeps a model's name. Another net may have that name here, or none: a second reading
    would be compared with other weights, and nobody would see it.
    """
    asked = query(trace)

    @cache
    def same() -> bool:
        try:
            return _same(read(asked), trace)
        except UsageError:
            return False

    def answer(question: Question) -> Any:
        if getattr(question, "model", asked.model) == asked.model and not same():
            raise UsageError(
                f"{path} was read with weights that {asked.model} does not have here: what it "
                "holds can be shown, but nothing else read with them.\n"
                "Read the text anew: rnnviz step -m MODEL TEXT"
            )
        return read(question)

    return answer


def _same(a: Trace, b: Trace) -> bool:
    import numpy as np

    return len(a.layers) == len(b.layers) and all(
        one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)
        for one, other in zip(_weights(a), _weights(b), strict=True)
    )


def _weights(trace: Trace) -> list[dict[str, Any]]:
    return [*(dict(la.weights) for la in trace.layers), {"W": trace.head.W, "b": trace.head.b}]
