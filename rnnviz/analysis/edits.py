"""What was asked for one after the other, so that it can be undone."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rnnviz.query import Query


@dataclass(frozen=True)
class EditStep:
    """A query, and the one that the changes that led to it began with."""

    query: Query
    began: Query


@dataclass(frozen=True)
class Edits:
    """The present step, those before it, and those that were undone."""

    now: EditStep
    past: tuple[EditStep, ...] = ()
    future: tuple[EditStep, ...] = ()

    @classmethod
    def begun(cls, query: Query) -> Edits:
        """Nothing was changed yet."""
        return cls(EditStep(query, query))

    def met(self, query: Query) -> Edits:
        """With what is there now: something else if it came another way than by a change."""
        known = (self.now, *self.past, *self.future)
        return self if query in {step.query for step in known} else self.anew(query)

    def anew(self, query: Query) -> Edits:
        """Something else to begin with; what was there before can be had back."""
        return Edits(EditStep(query, query), (*self.past, self.now))

    def changed(self, query: Query) -> Edits:
        """One change on."""
        if query == self.now.query:
            return self
        return Edits(EditStep(query, self.now.began), (*self.past, self.now))

    def undone(self) -> Edits:
        """One change back; itself at the first."""
        if not self.past:
            return self
        return Edits(self.past[-1], self.past[:-1], (self.now, *self.future))

    def redone(self) -> Edits:
        """What was undone last; itself where there is nothing."""
        if not self.future:
            return self
        return replace(
            self, now=self.future[0], past=(*self.past, self.now), future=self.future[1:]
        )
