"""Can you calculate it? A net of a few short numbers, its whole arithmetic, and every edit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.analysis import toy_net
from rnnviz.analysis.edit_history import EditHistory
from rnnviz.cursor import Cursor
from rnnviz.display import visible
from rnnviz.errors import RnnvizError, UsageError, one_line
from rnnviz.hand import EXAMPLE, GATES, LARGEST, MOST, Hand, WeightEntry, edits, model_of, typed
from rnnviz.hand.files import save_net
from rnnviz.hand.friendly import friendly
from rnnviz.query import Query, Question
from rnnviz.trace import Trace
from rnnviz.tui.pages.toy_net.entries import ToyNetView, choices, kind
from rnnviz.tui.pages.toy_net.page_layout import arranged
from rnnviz.tui.pages.toy_net.token_strip import Strip
from rnnviz.tui.pages.toy_net.weight_table import values
from rnnviz.tui.render.segments import Line, cut, wrapped
from rnnviz.tui.view.page import Change, Page, PageKey, Prompt
from rnnviz.tui.view.page_state import PageState
from rnnviz.tui.view.view_state import ViewState

#: What + and − add.
BY = 0.1
#: To which their sums are rounded.
DECIMALS = 12
#: Below this height the lines that explain give way to those that calculate.
LOW = 26


@dataclass(frozen=True)
class ToyNetState(PageState):
    """The edits of the net, the chosen entry, and what is shown."""

    page: ClassVar[str] = "hand"
    history: EditHistory | None = None  # None until a key of the page is pressed
    chosen: int = 0  # index in the entries that can be chosen at a token
    values: bool = False  # show the values of every unit instead of the weights


class ToyNetPage(Page):
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
        PageKey("values", ("8",), "8"),
        PageKey("write", ("7",), "7"),
    )

    @classmethod
    def applies(cls, moment: ViewState) -> bool:
        return toy_net.toy_net_of(moment.trace) is not None

    def questions(self, moment: ViewState) -> Sequence[Question]:
        """The net as it was before it was changed."""
        began = _history(moment).current.origin
        return () if began.hand is None or began == asked(moment) else (began,)

    def lines(self, moment: ViewState, width: int, height: int) -> list[Line]:
        hand = toy_net.toy_net_of(moment.trace)
        if hand is None:
            said = f"{self.say(moment, 'large')} {self.say(moment, 'begin')}"
            return [self.head(moment, width), [], *_told(moment, said, width)]
        every, state = choices(hand, moment.cursor), moment.page_state(ToyNetState)
        chosen = every[state.chosen % len(every)]
        before = next((moment.answers.get(q) for q in self.questions(moment)), None)
        shown = ToyNetView(moment, hand, chosen, before if isinstance(before, Trace) else None)
        low = height < LOW
        strip = Strip(shown, width)
        read, *predicted = strip.lines()
        head = self.head(moment, width, cut(visible(hand.form.title), width // 2))
        top = [head, *self._about(shown, width, low), read, *predicted]
        end = self._chosen(shown, width)[: 1 if low else 2]
        room = height - len(top) - len(end)
        if state.values:
            middle = [[], *values(shown, width)][:room]
        else:
            middle = arranged(shown, width, room)
        over_tokens = strip.values()
        spare = room - len(middle)
        if spare > len(over_tokens):
            top[-len(predicted) :] = [*over_tokens, *predicted, []]
            spare -= len(over_tokens) + 1
        return [*top, *middle, *([[]] * spare), *end]

    def _about(self, shown: ToyNetView, width: int, low: bool) -> list[Line]:
        """What kind of net this is, and what it does or how much of it was changed."""
        hand, moment = shown.hand, shown.moment
        said = [shown.say(key, **values) for key, values in toy_net.convention_texts(moment.trace)]
        while low and len(said) > 1 and cell_len(" · ".join(said)) > width - 2:
            said.pop()
        kind = _told(moment, " · ".join(said), width)[:3]
        named = not low or "z" in GATES[hand.cell]
        if shown.changes:
            every = sum(len(hand.entries(name)) for name in hand.names)
            changed = _told(moment, shown.say("changed", n=shown.changes, all=every), width)
            return [*kind, *changed] if named else changed
        first = friendly(hand.cell, hand.units, hand.inputs)
        if hand != first:
            return kind
        more = " " + shown.say("does_more") if hand.units > 1 and not low else ""
        story = f"does_{hand.cell.partition('-')[0]}"
        told = _told(moment, shown.say(story) + more, width)
        return [*kind, *told] if named else told

    def _chosen(self, shown: ToyNetView, width: int) -> list[Line]:
        """What the chosen entry is, and the keys that change it."""
        look, entry, moment = shown.moment.look, shown.chosen, shown.moment
        gate = toy_net.gate_of_weight(entry.name)
        said = shown.say(
            self._kind(shown, entry), entry=shown.hand.written(entry),
            value=toy_net.full_literal(shown.value(entry)),
            t=entry.row + 1, unit=entry.column, from_unit=entry.row, input=entry.column,
            from_input=entry.row,
            gate=moment.word("name", gate) if gate else shown.say("sum"),
            state=moment.word("name", entry.name),
        )  # fmt: skip
        was = shown.was(entry)
        began = (
            f"  ({shown.say('began', value=toy_net.full_literal(was))})" if was is not None else ""
        )
        line = [
            Segment(cut(f" ▸ {said}", width - len(began)), look.now),
            Segment(began, look.dim),
        ]
        keys = "" if moment.paper else f" {shown.say('keys')}"
        return [line, [Segment(cut(keys, width), look.dim)]]

    def _kind(self, shown: ToyNetView, entry: WeightEntry) -> str:
        """The text that says what an entry is; of several inputs it says which."""
        name = kind(entry)
        return f"{name}_each" if name in ("of_x", "of_W") and shown.hand.inputs > 1 else name

    # -- the keys -------------------------------------------------------------------------------

    def press(self, moment: ViewState, key: str) -> Change | Prompt | None:
        history = _history(moment)
        state = replace(moment.page_state(ToyNetState), history=history)
        if key in ("undo", "redo"):
            return self._undo_or_redo(moment, history, key)
        query = history.current.query
        if query.hand is None:
            return self._begin(moment, history) if key == "type" else None
        if key == "reset":
            return _ask(moment, history.push(history.current.origin))
        if key == "units":
            return self._typed(moment, "", f"units={query.hand.units % MOST + 1}")
        if key == "values":
            return Change(replace(state, values=not state.values))
        if key == "write":
            words, filled = self.say(moment, "write"), f"{query.hand.cell}.toml"
            return Prompt(words, self._write, filled)
        every = choices(query.hand, _within(moment.cursor, query.hand, query.text))
        at = state.chosen % len(every)
        if key in ("back", "next"):
            at += 1 if key == "next" else -1
            return Change(replace(state, chosen=at % len(every)))
        return self._edit(moment, history, query.hand, every[at], key)

    def _undo_or_redo(self, moment: ViewState, history: EditHistory, key: str) -> Change:
        changed = history.undo() if key == "undo" else history.redo()
        if changed is history:
            text = "nothing_back" if key == "undo" else "nothing_on"
            return Change(message=self.say(moment, text))
        return _ask(moment, changed)

    def _begin(self, moment: ViewState, history: EditHistory) -> Change:
        """Start a toy net in place of a model that is too large, of the same cell if possible."""
        cell = next((c for c in ("rnn", "gru") if c == moment.layer.cell), "lstm")
        query = Query(EXAMPLE, model_of(cell), hand=friendly(cell))
        history = history.restarted(query)
        return Change(ToyNetState(history), query=history.current.query)

    def _edit(
        self, moment: ViewState, history: EditHistory, hand: Hand, entry: WeightEntry, key: str
    ) -> Change | Prompt:
        query = history.current.query
        x = entry.name == "x"
        value = (
            typed.inputs(query.text, hand.inputs)[entry.row][entry.column]
            if x
            else hand.value(entry)
        )
        if key == "type":
            name = hand.written(entry)
            words = self.say(moment, "prompt", entry=name, value=toy_net.full_literal(value))
            return Prompt(words, lambda now, said: self._typed(now, name, said))
        value = round(value + (BY if key == "more" else -BY), DECIMALS)
        if abs(value) > LARGEST:
            return Change(message=self.say(moment, "at_end"), failed=True)
        hand, text = edits.changed(hand, query.text, entry, value + 0.0)
        return _ask(moment, history.push(replace(query, hand=hand, text=text)))

    def _typed(self, moment: ViewState, name: str, said: str) -> Change:
        """A line was typed: a value for the chosen entry, or an edit that names another."""
        history = _history(moment)
        query = history.current.query
        if query.hand is None or not said:
            return Change()
        whole = said if "=" in said else f"{name}={said}"
        try:
            hand, text = edits.edited(query.hand, query.text, whole)
        except UsageError as error:
            return Change(message=one_line(error), failed=True)
        # A class that was asked for is not there in another head, or not asked for any more.
        other = hand.labels != query.hand.labels or hand.form.target != query.hand.form.target
        query = replace(
            query, hand=hand, text=text, model=model_of(hand.cell),
            target=None if other else query.target,
        )  # fmt: skip
        return _ask(moment, history.push(query))

    def _write(self, moment: ViewState, said: str) -> Change:
        """Write the net to the file that was typed."""
        net, path = toy_net.net_file_of(moment.trace), Path(said).expanduser()
        if net is None or not said:
            return Change()
        try:
            if path.exists():
                return Change(message=self.say(moment, "there", file=visible(said)), failed=True)
            save_net(path, net)
        except (OSError, ValueError, RnnvizError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            told = self.say(moment, "not_written", file=visible(said), reason=reason)
            return Change(message=told, failed=True)
        return Change(message=self.say(moment, "written", file=visible(said)))


def _history(moment: ViewState) -> EditHistory:
    """The edits so far; the query on the screen may have changed without one."""
    history, query = moment.page_state(ToyNetState).history, asked(moment)
    return EditHistory.start(query) if history is None else history.synced(query)


def _ask(moment: ViewState, history: EditHistory) -> Change:
    """Read the history's current query."""
    state = replace(moment.page_state(ToyNetState), history=history)
    return Change(state, query=history.current.query)


def asked(moment: ViewState) -> Query:
    """The query of the moment; of a net by hand with all its numbers, however it was asked for."""
    hand = toy_net.toy_net_of(moment.trace)
    if hand is None:
        return moment.query
    text, model = " ".join(moment.trace.tokens), model_of(hand.cell)
    return replace(moment.query, text=text, model=model, random=None, hand=hand)


def _within(cursor: Cursor, hand: Hand, text: str) -> Cursor:
    """The place in a net that was edited; the trace on the screen may still be of a larger one."""
    last = len(typed.inputs(text, hand.inputs)) - 1
    return replace(cursor, t=min(cursor.t, last), unit=min(cursor.unit, hand.units - 1))


def _told(moment: ViewState, said: str, width: int) -> list[Line]:
    return [[Segment(f" {line}", moment.look.dim)] for line in wrapped(said, width - 2)]
