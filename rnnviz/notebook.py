"""A trace that shows itself in a notebook."""

from __future__ import annotations

from dataclasses import fields

from rnnviz.trace import Trace


class NotebookTrace(Trace):
    """A trace with the picture that Jupyter shows for the last value of a cell."""

    @classmethod
    def of(cls, trace: Trace) -> NotebookTrace:
        """The same trace; arrays are shared."""
        return cls(**{field.name: getattr(trace, field.name) for field in fields(trace)})

    def _repr_svg_(self) -> str:
        """The prediction after each token, and the top layer's gates and states, as SVG."""
        from rnnviz.tui.export.notebook import trace_svg

        return trace_svg(self)
