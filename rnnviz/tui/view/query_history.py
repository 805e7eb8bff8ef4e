"""The queries of a screen, to undo and to redo."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rnnviz.cursor import Cursor
from rnnviz.query import Query

#: How many queries can be undone.
MOST = 200


@dataclass(frozen=True)
class QueryStep:
    """A query, and the query from which its series of edits began: itself without edits.

    ``cursor`` is where the cursor was when another query was asked; None before that.
    """

    query: Query
    origin: Query
    cursor: Cursor | None = None


@dataclass(frozen=True)
class QueryHistory:
    """The current step, the steps before it, and the steps that were undone, the next one first.

    ``current`` is the latest query that was asked, also while its trace is not there yet.
    """

    current: QueryStep
    past: tuple[QueryStep, ...] = ()
    future: tuple[QueryStep, ...] = ()

    @classmethod
    def start(cls, query: Query) -> QueryHistory:
        """A history of one query."""
        return cls(QueryStep(query, query))

    def pushed(self, query: Query, cursor: Cursor, *, edit: bool = False) -> QueryHistory:
        """The history after another query; itself if it is the current one.

        ``cursor`` is where the cursor is now; ``edit``: the query goes on with a series of edits.
        """
        if query == self.current.query:
            return self
        past = (*self.past, replace(self.current, cursor=cursor))[-MOST:]
        return QueryHistory(QueryStep(query, self.current.origin if edit else query), past)

    def undone(self, cursor: Cursor) -> QueryHistory:
        """The history one step back; itself if there is none."""
        if not self.past:
            return self
        left = replace(self.current, cursor=cursor)
        return QueryHistory(self.past[-1], self.past[:-1], (left, *self.future))

    def redone(self, cursor: Cursor) -> QueryHistory:
        """The history with the last undone step; itself if there is none."""
        if not self.future:
            return self
        left = replace(self.current, cursor=cursor)
        return QueryHistory(self.future[0], (*self.past, left), self.future[1:])

    def without(self, query: Query) -> QueryHistory:
        """The history without the steps before and after of a query that cannot be read."""
        return replace(
            self,
            past=tuple(step for step in self.past if step.query != query),
            future=tuple(step for step in self.future if step.query != query),
        )
