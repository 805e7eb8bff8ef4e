"""An undo history of queries."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rnnviz.query import Query


@dataclass(frozen=True)
class EditStep:
    """A query, and the query from which its series of edits started."""

    query: Query
    origin: Query


@dataclass(frozen=True)
class EditHistory:
    """The current step, the steps before it, and the steps that were undone."""

    current: EditStep
    past: tuple[EditStep, ...] = ()
    future: tuple[EditStep, ...] = ()

    @classmethod
    def start(cls, query: Query) -> EditHistory:
        """A history without edits."""
        return cls(EditStep(query, query))

    def synced(self, query: Query) -> EditHistory:
        """The history with ``query`` as its start, unless the history already contains it.

        Call it with the query on the screen, which may have changed without an edit.
        """
        known = (self.current, *self.past, *self.future)
        return self if query in {step.query for step in known} else self.restarted(query)

    def restarted(self, query: Query) -> EditHistory:
        """The history with a new origin; undo returns to the steps before."""
        return EditHistory(EditStep(query, query), (*self.past, self.current))

    def push(self, query: Query) -> EditHistory:
        """The history after an edit."""
        if query == self.current.query:
            return self
        return EditHistory(EditStep(query, self.current.origin), (*self.past, self.current))

    def undo(self) -> EditHistory:
        """The history one step back; itself if there is none."""
        if not self.past:
            return self
        return EditHistory(self.past[-1], self.past[:-1], (self.current, *self.future))

    def redo(self) -> EditHistory:
        """The history with the last undone step; itself if there is none."""
        if not self.future:
            return self
        return replace(
            self, current=self.future[0], past=(*self.past, self.current), future=self.future[1:]
        )
