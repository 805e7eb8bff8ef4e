"""The run's own sentence, read with the current weights while they are trained."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from rnnviz import i18n
from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.progress import SentenceReading
from rnnviz.tui.dashboard.panel import DashboardPanel, DashboardState
from rnnviz.tui.panels.prediction_bars import PredictionBar, PredictionScale, picture, with_axis
from rnnviz.tui.panels.word_columns import GUTTER, LONGEST, NARROWEST, at_columns, line_label
from rnnviz.tui.render.braille_plot import Canvas, row_of, runs
from rnnviz.tui.render.segments import Line, cut, fit, heading, trimmed

#: Columns between two words, at least and at most.
GAP, WIDEST_GAP = 2, 8
#: The words have at most this share of the width; the curve has the rest.
SHARE = 0.62
#: The least columns of the curve, and the most.
CURVE, WIDEST_CURVE = 12, 120


@dataclass(frozen=True)
class _Word:
    """A word in its column."""

    x: int
    width: int
    text: str
    value: float  # the prediction after it


class SentencePanel(DashboardPanel):
    """What is predicted after each word now, and over training after the last one.

    A heading, the words and the predictions as numbers; with at least six lines also as bars. The
    curve stands right of the words; over bars it shares their scale.
    """

    def lines(self, state: DashboardState, width: int, height: int) -> list[Line]:
        reading = state.progress.reading
        if reading is None or height < 1:
            return []
        theme, k = state.theme, reading.label
        label = _label(state, reading)
        now = f"{label} {number(reading.outputs[-1][k], 2)}"
        title, ask = state.text("dashboard.sentence"), state.text("dashboard.ask_sentence")
        words, before = _words(reading, max(NARROWEST, int(width * SHARE) - GUTTER - 1))
        left = words[-1].x + words[-1].width + 2
        room = min(WIDEST_CURVE, width - left - 2)
        rows = [heading(title, ask, width, theme, now), *_numbers(state, words, before, label)]
        bars = height - len(rows)
        if bars >= 3:
            rows += _bars(state, reading, words, left, bars)
        if room < CURVE:
            return rows
        first = 1 if bars < 3 else 3
        curve = _curve(state, k, room, height - first)
        told = [*_caption(state, reading, room), *curve] if bars >= 3 else curve
        return [rows[0], *_joined(state, rows[1:height], told, left)]


def _label(state: DashboardState, reading: SentenceReading) -> str:
    started = state.progress.started
    labels = started.labels if started else ()
    known = reading.label < len(labels)
    return visible(i18n.label(labels[reading.label], state.lang)) if known else ""


def _words(reading: SentenceReading, room: int) -> tuple[list[_Word], int]:
    """The last words that fit into ``room`` columns, and how many there are before them."""
    texts = [cut(visible(token), LONGEST) for token in reading.tokens]
    wide = [max(NARROWEST, cell_len(text)) for text in texts]
    first, used = len(texts) - 1, wide[-1]
    while first > 0 and used + GAP + wide[first - 1] <= room:
        first -= 1
        used += GAP + wide[first]
    shown = range(first, len(texts))
    gap = min(WIDEST_GAP, GAP + (room - used) // len(shown))
    words, x = [], GUTTER + 1
    for t in shown:
        words.append(_Word(x, wide[t], texts[t], reading.outputs[t][reading.label]))
        x += wide[t] + gap
    return words, first


def _numbers(state: DashboardState, words: list[_Word], before: int, label: str) -> list[Line]:
    """The words, and the prediction after each."""
    theme, last = state.theme, words[-1]
    names = [(0, Segment(fit(f"‹ {before}" if before else "", GUTTER - 1, ">"), theme.dim))]
    name = state.text("view.believes", label=label)
    values = [(0, line_label(name, theme.dim))]
    for word in words:
        names.append((word.x, Segment(word.text, theme.now if word is last else theme.bold)))
        values.append((word.x, Segment(number(word.value, 2), _style(state, word.value))))
    return [at_columns(names), at_columns(values)]


def _style(state: DashboardState, value: float) -> Style:
    return state.theme.above if value >= 0.5 else state.theme.below


def _bars(
    state: DashboardState, reading: SentenceReading, words: list[_Word], left: int, rows: int
) -> list[Line]:
    """The predictions as bars, with the scale at the left."""
    bars = [
        PredictionBar(w.x - GUTTER, w.width, w.value, _style(state, w.value))
        for w in words
        if math.isfinite(w.value)
    ]
    scale = PredictionScale(0, 1, f"{cut(_label(state, reading), 8)} 1", "0", "0.5")
    lines = picture(bars, scale, max(1, left - GUTTER), rows, state.theme)
    with_axis(lines, scale, GUTTER, state.theme)
    return lines


def _caption(state: DashboardState, reading: SentenceReading, room: int) -> list[Line]:
    """What the curve is, and its first and its last value."""
    theme, k = state.theme, reading.label
    word = cut(visible(reading.tokens[-1]), LONGEST)
    started = state.progress.started
    epochs = started.epochs if started else 0
    first, last = (state.progress.sentence_curve[n][1][k] for n in (0, -1))
    name = state.text("dashboard.after_word", word=word, N=epochs)
    values = f"{number(first, 2)} → {number(last, 2)}"
    return [
        [Segment(cut(name, room), theme.dim)],
        [Segment(cut(values, room), _style(state, last))],
    ]


def _curve(state: DashboardState, k: int, width: int, rows: int) -> list[Line]:
    """The prediction after the last word over all updates of the run, from 0 to 1."""
    theme, progress = state.theme, state.progress
    canvas = Canvas[Style](width, rows, theme.ink)
    for x in range(0, width, 2) if rows >= 3 else ():
        canvas.put(row_of(0.5, rows), x, "·", theme.rule)
    steps = np.array([step for step, _ in progress.sentence_curve], np.float64)
    shares = np.array([outputs[k] for _, outputs in progress.sentence_curve], np.float64)
    across = (steps / max(1.0, progress.updates or 0, steps[-1]) * (width - 1) + 0.5) / width
    canvas.line(across, np.clip(shares, 0, 1), theme.now, glyph="*" if theme.ascii else "")
    if math.isfinite(shares[-1]):
        row = row_of(float(shares[-1]), rows)
        canvas.put(row, min(width - 1, int(across[-1] * width)), "●", theme.now)
    return [
        [Segment("│", theme.rule), *(Segment(text, style) for text, style in runs(row))]
        for row in canvas.cells
    ]


def _joined(state: DashboardState, rows: list[Line], told: list[Line], left: int) -> list[Line]:
    """The words and the curve side by side."""
    ink = state.theme.ink
    return [
        [*trimmed(row, left, ink), Segment(" ", ink), *right]
        for row, right in zip(rows, told, strict=True)
    ]
