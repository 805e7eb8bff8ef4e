"""Can you calculate it? A net of a few short numbers, its whole arithmetic, and every edit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.segment import Segment

from rnnviz.errors import UsageError, one_line
from rnnviz.findings import hand as found
from rnnviz.findings.edits import Edits
from rnnviz.hand import EXAMPLE, MOST, Entry, Hand, model_of, typed
from rnnviz.hand.friendly import friendly
from rnnviz.query import Query, Question
from rnnviz.trace import Trace
from rnnviz.tui.byhand.entries import Shown, choices, kind
from rnnviz.tui.byhand.room import arranged
from rnnviz.tui.byhand.strip import Strip
from rnnviz.tui.draw import Line, wrapped
from rnnviz.tui.moment import Moment
from rnnviz.tui.page import Change, Page, PageKey, Prompt

#: What + and − add.
BY = 0.1
#: Below this height the lines that explain give way to those that calculate.
LOW = 26


@dataclass(frozen=True)
class Kept:
    """What the page keeps between two keys."""

    edits: Edits
    chosen: int = 0  # of the entries that can be chosen at a token


class ByHand(Page):
    """The table of weights, the arithmetic of the chosen unit, and what an edit does to them."""

    name = "hand"
    alone = True
    keys = (
        PageKey("back", ("g",), "g"),
        PageKey("next", ("j",), "j"),
        PageKey("more", ("plus", "m"), "+"),
        PageKey("less", ("minus", "o"), "-"),
        PageKey("type", ("x",), "x"),
        PageKey("undo", ("z",), "z"),
        PageKey("redo", ("y",), "y"),
        PageKey("reset", ("0",), "0"),
        PageKey("units", ("9",), "9"),
    )

    @classmethod
    def applies(cls, moment: Moment) -> bool:
        return found.of_trace(moment.trace) is not None

    def questions(self, moment: Moment) -> Sequence[Question]:
        """The net as it was before it was changed."""
        began = self._state(moment).edits.now.began
        return () if began.hand is None or began == asked(moment) else (began,)

    def lines(self, moment: Moment, width: int, height: int) -> list[Line]:
        hand = found.of_trace(moment.trace)
        head = self.head(moment, width)
        if hand is None:
            said = f"{self.say(moment, 'large')} {self.say(moment, 'begin')}"
            return [head, [], *_told(moment, said, width)]
        every = choices(hand, moment.cursor)
        chosen = every[self._state(moment).chosen % len(every)]
        before = next((moment.answers.get(q) for q in self.questions(moment)), None)
        shown = Shown(moment, hand, chosen, before if isinstance(before, Trace) else None)
        low = height < LOW
        strip = Strip(shown, width)
        read, *predicted = strip.lines()
        top = [head, *self._about(shown, width, low), read, *predicted]
        end = self._chosen(shown)[: 1 if low else 2]
        middle = arranged(shown, width, height - len(top) - len(end))
        values = strip.values()
        spare = height - len(top) - len(middle) - len(end)
        if spare > len(values):
            top[-len(predicted) :] = [*values, *predicted, []]
            spare -= len(values) + 1
        return [*top, *middle, *([[]] * spare), *end]

    def _about(self, shown: Shown, width: int, low: bool) -> list[Line]:
        """What this net does, or how much of it was changed."""
        hand = shown.hand
        if shown.changes:
            every = sum(len(hand.entries(name)) for name in hand.names)
            return _told(shown.moment, shown.say("changed", n=shown.changes, all=every), width)
        if hand.weights != friendly(hand.cell, hand.units).weights:
            return []
        more = " " + shown.say("does_more") if hand.units > 1 and not low else ""
        return _told(shown.moment, shown.say(f"does_{hand.cell}") + more, width)

    def _chosen(self, shown: Shown) -> list[Line]:
        """What the chosen entry is, and the keys that change it."""
        look, entry, moment = shown.moment.look, shown.chosen, shown.moment
        gate = found.gate(entry.name)
        said = shown.say(
            kind(entry), entry=shown.hand.written(entry), value=found.written(shown.value(entry)),
            t=entry.row + 1, unit=entry.column, from_unit=entry.row,
            gate=moment.word("name", gate) if gate else shown.say("sum"),
            state=moment.word("name", entry.name),
        )  # fmt: skip
        line = [Segment(f" ▸ {said}", look.now)]
        was = shown.was(entry)
        if was is not None:
            line.append(Segment(f"  ({shown.say('began', value=found.written(was))})", look.dim))
        return [line, [Segment(" " + shown.say("keys"), look.dim)]]

    # -- the keys -------------------------------------------------------------------------------

    def press(self, moment: Moment, key: str) -> Change | Prompt | None:
        state = self._state(moment)
        if key in ("undo", "redo"):
            return self._through(moment, state, key)
        query = state.edits.now.query
        if query.hand is None:
            return self._begin(moment, state) if key == "type" else None
        if key == "reset":
            return self._changing(moment, state, state.edits.now.began)
        if key == "units":
            fresh = friendly(query.hand.cell, query.hand.units % MOST + 1)
            return self._asking(moment, Kept(state.edits.anew(replace(query, hand=fresh))))
        every = choices(query.hand, moment.cursor)
        at = state.chosen % len(every)
        if key in ("back", "next"):
            at += 1 if key == "next" else -1
            return self.keep(moment, replace(state, chosen=at % len(every)))
        return self._edit(moment, state, query.hand, every[at], key)

    def _through(self, moment: Moment, state: Kept, key: str) -> Change:
        edits = state.edits.undone() if key == "undo" else state.edits.redone()
        if edits is state.edits:
            return Change(said=self.say(moment, "nothing_back" if key == "undo" else "nothing_on"))
        return self._asking(moment, replace(state, edits=edits))

    def _begin(self, moment: Moment, state: Kept) -> Change:
        """A net by hand in place of one that is too large; of the same cell where there is one."""
        cell = next((c for c in ("rnn", "gru") if c == moment.layer.cell), "lstm")
        fresh = Query(EXAMPLE, model_of(cell), hand=friendly(cell))
        return self._asking(moment, Kept(state.edits.anew(fresh)))

    def _edit(
        self, moment: Moment, state: Kept, hand: Hand, entry: Entry, key: str
    ) -> Change | Prompt:
        query = state.edits.now.query
        x = entry.name == "x"
        value = typed.inputs(query.text)[entry.row] if x else hand.value(entry)
        if key == "type":
            name = hand.written(entry)
            words = self.say(moment, "prompt", entry=name, value=found.written(value))
            return Prompt(words, lambda now, said: self._typed(now, name, said))
        value = round(value + (BY if key == "more" else -BY), typed.DECIMALS)
        if abs(value) > typed.LARGEST:
            return Change(said=self.say(moment, "at_end"), failed=True)
        hand, text = typed.changed(hand, query.text, entry, value + 0.0)
        return self._changing(moment, state, replace(query, hand=hand, text=text))

    def _typed(self, moment: Moment, name: str, said: str) -> Change:
        """A line was typed: a value for the chosen entry, or an edit that names another."""
        state = self._state(moment)
        query = state.edits.now.query
        if query.hand is None or not said:
            return Change()
        whole = said if "=" in said else f"{name}={said}"
        try:
            hand, text = typed.edited(query.hand, query.text, whole)
        except UsageError as error:
            return Change(said=one_line(error), failed=True)
        return self._changing(moment, state, replace(query, hand=hand, text=text))

    def _changing(self, moment: Moment, state: Kept, query: Query) -> Change:
        return self._asking(moment, replace(state, edits=state.edits.changed(query)))

    def _asking(self, moment: Moment, state: Kept) -> Change:
        return replace(self.keep(moment, state), query=state.edits.now.query)

    def _state(self, moment: Moment) -> Kept:
        """What is kept, after whatever was asked for without this page."""
        kept, query = self.kept(moment), asked(moment)
        if not isinstance(kept, Kept):
            return Kept(Edits.begun(query))
        return replace(kept, edits=kept.edits.met(query))


def asked(moment: Moment) -> Query:
    """The query of the moment; of a net by hand with all its numbers, however it was asked for."""
    hand = found.of_trace(moment.trace)
    if hand is None:
        return moment.query
    text, model = " ".join(moment.trace.tokens), model_of(hand.cell)
    return replace(moment.query, text=text, model=model, random=None, hand=hand)


def _told(moment: Moment, said: str, width: int) -> list[Line]:
    return [[Segment(f" {line}", moment.look.dim)] for line in wrapped(said, width - 2)]
