"""Page of the net: every layer and direction as a lane over the words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from rnnviz.analysis import layer_stack
from rnnviz.arrays import Array
from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.query import Question
from rnnviz.trace import Trace
from rnnviz.tui.pages import conclusions
from rnnviz.tui.pages.net.layer_counts import (
    count_line,
    end_text,
    paragraphs,
    question,
    summary,
)
from rnnviz.tui.pages.net.layer_diagram import (
    ARROW,
    GUTTER,
    DiagramState,
    is_known,
    lanes,
    least_height,
    page_text,
    word_columns,
    word_line,
)
from rnnviz.tui.render.segments import Line, fit, wrapped
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.conclusion import Clause
from rnnviz.tui.view.page import Change, Page
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import CellPicked

MARGIN = 22  # columns left of the probabilities
SCORE = 10  # columns of a label's probability
ROOMY = 100  # from this width on, the second sentence has its own line


class NetPage(Page):
    """The head at the top, the layers below it, the words at the bottom."""

    name = "net"
    full_screen = True
    actions = ("last_output", "whole_net")

    def questions(self, view_state: ViewState) -> Sequence[Question]:
        asked = question(view_state)
        return () if asked is None else (asked,)

    def conclusion(self, view_state: ViewState) -> Sequence[Clause]:
        known = _ready(view_state, view_state.page_state(DiagramState))
        arrow = ARROW[view_state.layer.direction]
        return conclusions.net(view_state, known=known, arrow=arrow)

    def conclusion_questions(self, view_state: ViewState) -> Sequence[Question]:
        query = conclusions.silent_query(view_state)
        return () if query is None else (query,)

    def press(self, view_state: ViewState, key: str) -> Change:
        """Show what ``h[:, -1]`` would give, or the whole net at once."""
        state = view_state.page_state(DiagramState)
        if key == "last_output":
            return Change(replace(state, trap=not state.trap))
        return Change(replace(state, whole=not state.whole))

    def picked(self, view_state: ViewState, x: int, y: int) -> CellPicked | None:
        """Move the cursor to the clicked word."""
        columns = word_columns(view_state, self.size.width)
        at = (x - GUTTER) // columns.each
        return CellPicked(t=columns.first + at) if x >= GUTTER and at < columns.count else None

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        state = view_state.page_state(DiagramState)
        columns = word_columns(view_state, width)
        self.visible_tokens = columns.tokens
        top = [self.head(view_state, width), *head(view_state, state, width)]
        if second_sentence.difference(view_state) is not None and width >= ROOMY:
            top.append(other(view_state, state, width))
        net = summary(view_state)
        below = [word_line(view_state, columns)]
        if net is not None:
            total = "   " + page_text(view_state, "total", count=f"{net.total:,}")
            top += [count_line(view_state, row, width, total) for row in net.at("head")[-1:]]
            below += [count_line(view_state, row, width) for row in net.at("source")]
        room = height - len(top) - len(below)
        every = view_state.trace.head.reads == "steps"  # then no state is the wrong one
        words: list[Line] = []
        for k, paragraph in enumerate(paragraphs(view_state, width, not state.trap and not every)):
            # What the layers return comes before the cells of units, the rest after them.
            least = least_height(view_state.trace, with_cells=k > 0)
            if room - len(words) - len(paragraph) >= least:
                words += paragraph
        drawn = lanes(view_state, state, columns, width, room - len(words))
        return [*top, *drawn, *below, *words]


def other(view_state: ViewState, state: DiagramState, width: int) -> Line:
    """The prediction for the second sentence; an empty line until it is known."""
    diff, theme = second_sentence.difference(view_state), view_state.theme
    if diff is None or not _ready(view_state, state) or view_state.hidden:
        return []
    head_input = layer_stack.head_input(diff.b, diff.b.head.reads)
    output = diff.b.head.output if head_input is None else head_input.output
    name = f"{second_sentence.MARK} {view_state.text('beside.other')}"
    return _scores(view_state, name, output, _labels(view_state.trace, width), theme.source)


def _ready(view_state: ViewState, state: DiagramState) -> bool:
    """Whether all states that the head reads are computed."""
    return all(
        is_known(view_state, state, s.layer, s.t)
        for s in layer_stack.head_states(view_state.trace, view_state.trace.head.reads)
    )


def head(view_state: ViewState, state: DiagramState, width: int) -> list[Line]:
    """The head's inputs and output, and its output for ``h[:, -1]`` if that is shown."""
    trace, theme = view_state.trace, view_state.theme
    right = layer_stack.head_input(trace, trace.head.reads)
    ready = _ready(view_state, state)
    states = _states(view_state, layer_stack.head_states(trace, trace.head.reads))
    name = "output" if trace.head.kind == "state" else "head"
    takes = f" {page_text(view_state, name)}  {states}"
    lines: list[Line] = [[Segment(fit(takes, width), theme.ink)]]
    labels = _labels(trace, width)
    names = "".join(fit(visible(trace.head.labels[k]), SCORE - 1) + " " for k in labels)
    lines.append([Segment(" " * MARGIN), Segment(names, theme.dim)])
    if not ready or view_state.hidden:
        every = trace.head.reads == "steps" or trace.head.kind == "state"
        waits = "waits_step" if every else "waits"
        text = "?" if ready else page_text(view_state, waits)
        more = " " + page_text(view_state, "next")
        if not ready and len(trace.layers) > 1 and cell_len(text + more) < width:
            text += more
        lines.append([Segment(" " + text, theme.dim)])
    else:
        output = trace.head.output if right is None else right.output
        same = trace.head.reads == "last" or not layer_stack.differs_at_end(trace)
        key = "last_step" if trace.head.reads == "steps" else "right" if same else "trap"
        lines.append(_scores(view_state, page_text(view_state, key), output, labels, theme.now))
    trap = state.trap and trace.head.reads == "last"
    return [*lines, *(_trap(view_state, labels, width) if trap else [])]


def _labels(trace: Trace, width: int) -> list[int]:
    """The labels that fit; the likeliest ones, in their own order."""
    room = max(1, (width - MARGIN) // SCORE)
    output = trace.head.output
    return sorted(sorted(range(len(output)), key=lambda k: -float(output[k]))[:room])


def _scores(
    view_state: ViewState, name: str, output: Array, labels: list[int], style: Style
) -> Line:
    theme = view_state.theme
    line = [Segment(fit(f" {name}", MARGIN), style)]
    best = max(labels, key=lambda k: float(output[k]))
    for k in labels:
        text = fit(number(float(output[k])), SCORE)
        line.append(Segment(text, theme.now if k == best else theme.ink))
    return line


def _trap(view_state: ViewState, labels: list[int], width: int) -> list[Line]:
    trace, theme = view_state.trace, view_state.theme
    wrong, differs = layer_stack.head_input(trace, "end"), layer_stack.differs_at_end(trace)
    hidden = differs and wrong is None
    text = page_text(view_state, "hidden_head") if hidden else end_text(view_state)
    paragraph = [[Segment(" " + line, theme.source)] for line in wrapped(text, width - 2)]
    if wrong is None or not differs or view_state.hidden:
        return paragraph
    return [
        _scores(view_state, page_text(view_state, "trap"), wrong.output, labels, theme.wrong),
        *paragraph,
    ]


def _states(view_state: ViewState, taken: tuple[layer_stack.HeadState, ...]) -> str:
    """The head's input, such as s = [h→“back” ; h←“Cup”]."""
    trace = view_state.trace
    parts = []
    for s in taken:
        arrow, word = ARROW[trace.layers[s.layer].direction], visible(trace.tokens[s.t])
        parts.append(page_text(view_state, "state", arrow=arrow, word=word))
    joined = parts[0] if len(parts) == 1 else f"[{' ; '.join(parts)}]"
    every = page_text(view_state, "at_each_step") if trace.head.reads == "steps" else ""
    if trace.head.kind == "state":
        return joined + every
    return page_text(view_state, "takes", states=joined) + "   s · W + b" + every
