"""The drawing of one padding mode: the sequence with its curves, and an explanation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from rich.segment import Segment
from rich.style import Style

from rnnviz.analysis.padding import (
    PaddedReading,
    PaddingComparison,
    PaddingMode,
    padded_state_norms,
    state_changes,
)
from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.trace import frozen
from rnnviz.tui.pages.padding.sequence_slots import Slot, bars, row, slots
from rnnviz.tui.panels.reach import power
from rnnviz.tui.render.segments import Line, fit, length, log_range, wrapped
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.view.off_screen import off_left_right
from rnnviz.tui.view.view_state import ViewState

GUTTER = 15
LABEL = 13  # of a row of h
GAUGE = 14


@dataclass(frozen=True, eq=False)
class Drawing:
    """One padding mode of a comparison at one view state."""

    view_state: ViewState
    answer: PaddingComparison
    mode: PaddingMode
    lane: int  # index of the layer and direction in ``Trace.layers``

    @property
    def padded(self) -> PaddedReading:
        """The reading that is drawn."""
        return self.answer.by_mode[self.mode]

    @property
    def first_word(self) -> int:
        """The step of the first word."""
        return self.answer.pads if self.mode.side == "front" else 0

    @property
    def word(self) -> int:
        """The word at the cursor, counted without padding."""
        return min(max(self.view_state.cursor.t - self.lead, 0), len(self.answer.words) - 1)

    @property
    def step(self) -> int:
        """The step of that word."""
        return self.first_word + self.word

    @property
    def pads_first(self) -> bool:
        """Whether the paddings are read before the words."""
        return (self.mode.side == "front") == self.forward

    @property
    def lead(self) -> int:
        """Paddings in front of the words in the trace."""
        ids = self.view_state.trace.ids
        return next((t for t, n in enumerate(ids) if n), 0)

    @property
    def forward(self) -> bool:
        """Whether the layer reads from left to right."""
        return self.padded.directions[self.lane] == "forward"

    def known_at(self, step: int, word: bool) -> bool:
        """Whether the cursor is past this step, in the order of reading."""
        if not word and self.pads_first:
            return True
        # Padding after the words is read together with the last word.
        return self.view_state.known(self._token(step), "h")

    def prediction_known_at(self, slot: Slot) -> bool:
        """Whether the prediction after this slot is known."""
        return self.prediction_known_after(self.at(slot), slot.kind != "pad")

    def prediction_known_after(self, step: int, word: bool) -> bool:
        """Whether the prediction after this step is known."""
        if not word and self.pads_first:
            return True
        return self.view_state.prediction_known(self._token(step))

    def _token(self, step: int) -> int:
        """The token of the trace at a step; the last word for the padding after it."""
        return self.lead + min(max(step - self.first_word, 0), len(self.answer.words) - 1)

    def known(self, slot: Slot) -> bool:
        """Whether the cursor is past this slot."""
        return self.known_at(self.at(slot), slot.kind != "pad")

    def at(self, slot: Slot) -> int:
        """The step whose state represents the slot: the one that is read last."""
        return slot.last if self.forward else slot.first

    def page_text(self, key: str, **values: object) -> str:
        """A text of the page."""
        return self.view_state.text(f"page.padding.{key}", **values)

    def slots(self, width: int) -> list[Slot]:
        """The sequence as slots in the columns right of the labels."""
        front = self.mode.side == "front"
        return slots(self.words, self.answer.pads, front, width - GUTTER - 1, self.word)

    @property
    def words(self) -> tuple[str, ...]:
        """The words, safe to print."""
        return _visible(self.answer)

    @property
    def prediction_label(self) -> str:
        """The name of the followed prediction, such as p(positive)."""
        head = self.view_state.trace.head
        return self.view_state.text(
            "view.believes", label=visible(head.labels[self.view_state.shown_class()])
        )

    @property
    def decades(self) -> tuple[int, int]:
        """The powers of ten at the ends of the scale of state changes."""
        low, high = log_range(state_changes(self.padded, self.lane))
        return max(low, high - 6), high

    def title(self, mode: PaddingMode | None = None) -> str:
        """A padding mode in words, such as "in front · unmasked"."""
        mode = mode or self.mode
        mask = "masked" if mode.masked else "unmasked"
        return self.page_text("way", side=self.page_text(mode.side), mask=self.page_text(mask))

    # -- the sequence -----------------------------------------------------------------------------

    def summary(self, width: int) -> Line:
        """The length of the sequence, and the meaning of its columns and lowest curve."""
        theme, answer = self.view_state.theme, self.answer
        words, pads = len(answer.words), answer.pads
        size = self.page_text("size", pads=pads, words=words, steps=pads + words)
        pressed = [s.last - s.first + 1 for s in self.slots(width) if s.kind == "pad"]
        notes = []
        if answer.is_trained_mode(self.mode):
            notes.append(Segment("   " + self.page_text("usual"), theme.source))
        if pressed:
            skipped = " " + self.page_text("skipped") if self.mode.masked else ""
            notes.append(
                Segment("   " + self.page_text("one", n=max(pressed)) + skipped, theme.dim)
            )
        low, high = (power(n) for n in self.decades)
        notes.append(Segment("   " + self.page_text("log", low=low, high=high), theme.dim))
        line = [Segment(" " + size, theme.ink)]
        for piece in notes:
            if length([*line, piece]) <= width:
                line.append(piece)
        return line

    def sequence(self, width: int, height: int) -> list[Line]:
        """The sequence, its steps, and three curves below it."""
        view_state, padded, lane = self.view_state, self.padded, self.lane
        theme, slots = view_state.theme, self.slots(width)
        steps = [self.at(slot) for slot in slots]
        known = [self.known(slot) for slot in slots]
        big, small = (4, 3) if height >= 34 else (3, 2) if height >= 28 else (2, 1)
        if height >= 44:
            big, small = 6, 4
        here = self.step
        at = next((k for k, s in enumerate(slots) if s.word == self.word), 0)
        now = known[at]
        lines = [_tokens(self, slots, known), self._ruler(slots)]
        believed = padded.readout
        if len(believed):
            label = view_state.shown_class()
            p = [float(believed[t, label]) for t in steps]
            styles = [theme.above if v >= 0.5 else theme.below for v in p]
            predicted = [self.prediction_known_at(slot) for slot in slots]
            unknown = "?" if view_state.part_hidden else ""
            value = number(float(believed[here, label])) if predicted[at] else unknown
            drawn = bars(slots, _only_known(p, predicted), styles, big, theme.rule)
            lines += _labelled(drawn, self.prediction_label, value, "0…1", theme)
        else:
            small += big
        size = padded_state_norms(padded, lane)
        top = float(size.max()) or 1.0
        shares = [float(size[t]) / top for t in steps]
        drawn = bars(slots, _only_known(shares, known), _marked(self, slots), small, theme.rule)
        value = number(float(size[here])) if now else ""
        ends = f"0…{number(top, 1)}"
        lines += _labelled(drawn, self.page_text("size_h"), value, ends, theme)
        return [*lines, self._moved(slots, steps, known, now)]

    def _ruler(self, slots: Sequence[Slot]) -> Line:
        """The numbers of some steps below their slots, counted from 1."""
        theme = self.view_state.theme
        words = [s for s in slots if s.kind == "word"]
        pads = [s for s in slots if s.kind == "pad"]
        chosen = next(s for s in words if s.word == self.word)
        ends = {s.x: s for s in (*pads[:1], *pads[-1:], *words[:1], *words[-1:])}
        marks: dict[int, Slot] = {}
        for slot in (chosen, *ends.values()):
            text = _number(self, slot)
            x = slot.x + slot.width - len(text) if slot in pads[1:] else slot.x
            taken = [(at, at + len(_number(self, other))) for at, other in marks.items()]
            if all(x > end or x + len(text) < start for start, end in taken):
                marks[x] = slot
        line = [Segment(fit(self.page_text("step"), GUTTER - 1, ">") + " ", theme.dim)]
        at = 0
        for x, slot in sorted(marks.items()):
            style = theme.now if slot is chosen else theme.dim
            line += [Segment(" " * (x - at)), Segment(_number(self, slot), style)]
            at = x + len(_number(self, slot))
        return line

    def _moved(
        self, slots: Sequence[Slot], steps: Sequence[int], known: Sequence[bool], now: bool
    ) -> Line:
        """The change of the state at each step, on a logarithmic scale."""
        theme, moved = self.view_state.theme, state_changes(self.padded, self.lane)
        low, high = self.decades
        with np.errstate(divide="ignore"):
            shares = np.clip((np.log10(moved) - low) / (high - low), 0, 1)
        drawn = bars(slots, _only_known([float(shares[t]) for t in steps], known),
                     _marked(self, slots), 1, theme.rule)  # fmt: skip
        value = number(float(moved[self.step])) if now else ""
        return _labelled(drawn, self.page_text("moved"), value, "", theme)[0]

    def explanation(self, width: int) -> list[Line]:
        """The effect of the padding in a sentence."""
        view_state, answer, padded, lane = self.view_state, self.answer, self.padded, self.lane
        if view_state.hidden:
            return []
        size = padded_state_norms(padded, lane)
        if not answer.pads or answer.padding_only is None:
            text = self.page_text("said_none")
        elif self.mode.masked:
            key = "said_kept_first" if self.pads_first else "said_kept_last"
            text = self.page_text(key, pads=answer.pads)
        elif self.pads_first:
            at = answer.pads - 1 if self.forward else len(answer.words)
            text = self.page_text(
                "said_moved_first", pads=answer.pads, norm=number(float(size[at]))
            )
        elif len(padded.readout):
            label = view_state.shown_class()
            values = (
                padded.readout[len(answer.words) - 1],
                padded.output,
                answer.padding_only.output,
            )
            numbers = [number(float(v[label])) for v in values]
            text = self.page_text(
                "said_moved_last", pads=answer.pads, before=numbers[0], after=numbers[1],
                alone=numbers[2],
            )  # fmt: skip
        else:
            word = len(answer.words) - 1 if self.forward else answer.pads
            alone = float(np.linalg.norm(answer.padding_only.last_state(lane)))
            after = float(np.linalg.norm(padded.last_state(lane)))
            text = self.page_text(
                "said_moved_last_norm", pads=answer.pads, before=number(float(size[word])),
                after=number(after), alone=number(alone),
            )  # fmt: skip
        return [[Segment(" " + line, view_state.theme.source)] for line in wrapped(text, width - 2)]


# -- predict first --------------------------------------------------------------------------------


def without_answer(drawing: Drawing) -> Drawing:
    """The drawing with unread values set to 0, so that no scale reveals them."""
    answer = drawing.answer
    ways = {
        mode: _known(replace(drawing, mode=mode), p, answer.pads)
        for mode, p in answer.by_mode.items()
    }
    bare = _known(replace(drawing, answer=replace(answer, pads=0)), answer.unpadded, 0)
    return replace(drawing, answer=replace(answer, by_mode=ways, unpadded=bare))


def _known(drawing: Drawing, padded: PaddedReading, pads: int) -> PaddedReading:
    front, words = drawing.mode.side == "front", len(drawing.answer.words)
    is_word = [(step >= pads) if front else (step < words) for step in range(pads + words)]
    h = []
    for lane, array in enumerate(padded.h):
        own = replace(drawing, lane=lane)
        known = np.array([own.known_at(step, word) for step, word in enumerate(is_word)])
        h.append(frozen(np.where(known[:, None], array, 0)))
    predicted = np.array(
        [drawing.prediction_known_after(step, word) for step, word in enumerate(is_word)]
    )
    readout = padded.readout
    readout = np.where(predicted[:, None], readout, 0) if len(readout) else readout
    output = np.zeros_like(padded.output)
    return replace(padded, h=tuple(h), readout=frozen(readout), output=frozen(output))


# -- helpers --------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def _visible(answer: PaddingComparison) -> tuple[str, ...]:
    return tuple(visible(word) for word in answer.words)


def _number(drawing: Drawing, slot: Slot) -> str:
    """The number of a slot's step, counted from 1; of the first paddings the first step."""
    first = slot.kind == "pad" and slot.first in (0, len(drawing.words))
    return str((slot.first if first else drawing.at(slot)) + 1)


def _marked(drawing: Drawing, slots: Sequence[Slot]) -> list[Style]:
    """Styles of the slots; the chosen word is highlighted."""
    theme = drawing.view_state.theme
    return [theme.now if slot.word == drawing.word else theme.source for slot in slots]


def _only_known(values: Sequence[float], known: Sequence[bool]) -> list[float | None]:
    return [value if seen else None for value, seen in zip(values, known, strict=True)]


def _tokens(drawing: Drawing, slots: Sequence[Slot], known: Sequence[bool]) -> Line:
    """The sequence itself."""
    theme, texts, styles = drawing.view_state.theme, [], []
    for slot, read in zip(slots, known, strict=True):
        if slot.kind == "pad":
            texts.append(slot.text)
            styles.append(theme.rule if drawing.mode.masked or not read else theme.source)
            continue
        texts.append(slot.text)
        chosen = slot.word == drawing.word and slot.kind == "word"
        styles.append(theme.chosen if chosen else theme.bold if read else theme.dim)
    line = row(slots, texts, styles)
    words = [slot.word for slot in slots if slot.kind == "word"]
    after = len(drawing.words) - words[-1] - 1 if words else 0
    before = words[0] if words else 0
    away = off_left_right(before, after)
    return [Segment(fit(away, GUTTER - 1, ">") + " ", theme.dim), *line]


def _labelled(drawn: list[Line], name: str, value: str, ends: str, theme: ViewTheme) -> list[Line]:
    """A chart with its name, the number at the cursor and its scale at the left."""
    if len(drawn) == 1:
        label = [Segment(fit(name, GUTTER - 8, ">"), theme.dim)]
        return [[*label, Segment(fit(value, 7, ">") + " ", theme.now), *drawn[0]]]
    texts = [(name, theme.dim), (value, theme.now), *([("", theme.dim)] * len(drawn))]
    if len(drawn) > 2:
        texts[len(drawn) - 1] = (ends, theme.dim)
    return [
        [Segment(fit(text, GUTTER - 1, ">"), style), Segment("│", theme.rule), *line]
        for (text, style), line in zip(texts, drawn, strict=False)
    ]
