"""Who reads what, in which order? Every layer and direction as a lane over the words."""

from __future__ import annotations

from dataclasses import replace

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from rnnviz.analysis import layer_stack
from rnnviz.arrays import Array
from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.trace import Trace
from rnnviz.tui.pages.net.layer_diagram import (
    ARROW,
    GUTTER,
    DiagramState,
    grid,
    known,
    lanes,
    said,
    words,
)
from rnnviz.tui.render.segments import Line, fit, wrapped
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.page import Change, Page, PageKey
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import CellPicked

MARGIN = 22  # columns left of the probabilities
SCORE = 10  # columns of a label's probability
ROOMY = 100  # columns from which on the other sentence has a line of its own


class NetPage(Page):
    """The head on top, the layers below it, the words at the bottom."""

    name = "net"
    alone = True
    keys = (PageKey("trap", ("x",), "x"), PageKey("whole", ("o",), "o"))

    def press(self, moment: ViewState, key: str) -> Change:
        """The trap, or the whole net at once."""
        state = moment.page_state(DiagramState)
        if key == "trap":
            return Change(replace(state, trap=not state.trap))
        return Change(replace(state, whole=not state.whole))

    def picked(self, moment: ViewState, x: int, y: int) -> CellPicked | None:
        """A click on a word goes there."""
        seen = grid(moment, self.size.width)
        at = (x - GUTTER) // seen.each
        return CellPicked(t=seen.first + at) if x >= GUTTER and at < seen.count else None

    def lines(self, moment: ViewState, width: int, height: int) -> list[Line]:
        kept = moment.page_state(DiagramState)
        seen = grid(moment, width)
        self.sight = seen.tokens
        top = [self.head(moment, width), *head(moment, kept, width)]
        if second_sentence.compared(moment) is not None and width >= ROOMY:
            top.append(other(moment, kept, width))
        below = lanes(moment, kept, seen, width, height - len(top) - 1)
        return [*top, *below, words(moment, seen)]


def other(moment: ViewState, kept: DiagramState, width: int) -> Line:
    """What the head says of the second sentence; the line is there from the beginning."""
    found, look = second_sentence.compared(moment), moment.look
    if found is None or not _ready(moment, kept) or moment.hidden:
        return []
    asked = layer_stack.head_input(found.b, "last")
    output = found.b.head.output if asked is None else asked.output
    name = f"{second_sentence.OTHER} {moment.text('beside.other')}"
    return _scores(moment, name, output, _labels(moment.trace, width), look.source)


def _ready(moment: ViewState, kept: DiagramState) -> bool:
    """Have all states been computed that the head takes?"""
    return all(
        known(moment, kept, s.layer, s.t) for s in layer_stack.head_states(moment.trace, "last")
    )


def head(moment: ViewState, kept: DiagramState, width: int) -> list[Line]:
    """What the head takes and says; with the trap, what it would have said."""
    trace, look = moment.trace, moment.look
    right = layer_stack.head_input(trace, "last")
    ready = _ready(moment, kept)
    takes = f" {said(moment, 'head')}  {_states(moment, layer_stack.head_states(trace, 'last'))}"
    lines: list[Line] = [[Segment(fit(takes, width), look.ink)]]
    labels = _labels(trace, width)
    names = "".join(fit(visible(trace.head.labels[k]), SCORE - 1) + " " for k in labels)
    lines.append([Segment(" " * MARGIN), Segment(names, look.dim)])
    if not ready or moment.hidden:
        text = "?" if ready else said(moment, "waits")
        more = " " + said(moment, "next")
        if not ready and len(trace.layers) > 1 and cell_len(text + more) < width:
            text += more
        lines.append([Segment(" " + text, look.dim)])
    else:
        output = trace.head.output if right is None else right.output
        lines.append(_scores(moment, said(moment, "right"), output, labels, look.now))
    return [*lines, *(_trap(moment, labels, width) if kept.trap else [])]


def _labels(trace: Trace, width: int) -> list[int]:
    """The labels there is room for; of many the likeliest, in their own order."""
    room = max(1, (width - MARGIN) // SCORE)
    output = trace.head.output
    return sorted(sorted(range(len(output)), key=lambda k: -float(output[k]))[:room])


def _scores(moment: ViewState, name: str, output: Array, labels: list[int], style: Style) -> Line:
    look = moment.look
    line = [Segment(fit(f" {name}", MARGIN), style)]
    best = max(labels, key=lambda k: float(output[k]))
    for k in labels:
        text = fit(number(float(output[k])), SCORE)
        line.append(Segment(text, look.now if k == best else look.ink))
    return line


def _trap(moment: ViewState, labels: list[int], width: int) -> list[Line]:
    trace, look = moment.trace, moment.look
    wrong, T = layer_stack.head_input(trace, "end"), len(trace.tokens)
    taken = layer_stack.head_states(trace, "end")
    backward = [s for s in taken if trace.layers[s.layer].direction == "backward"]
    if not layer_stack.differs_at_end(trace):
        text = said(moment, "no_trap_same" if backward else "no_trap_one")
    elif wrong is None:
        text = said(moment, "hidden_head")
    else:
        # A layer above others reads words that already know of each other.
        below = len(layer_stack.levels(trace)) - 1
        key = "trapped_deep" if below else "trapped"
        word = visible(trace.tokens[-1])
        text = said(moment, key, word=word, read=backward[0].tokens_read, T=T, below=below)
    told = [[Segment(" " + line, look.source)] for line in wrapped(text, width - 2)]
    if wrong is None or not layer_stack.differs_at_end(trace) or moment.hidden:
        return told
    return [_scores(moment, said(moment, "trap"), wrong.output, labels, look.wrong), *told]


def _states(moment: ViewState, taken: tuple[layer_stack.HeadState, ...]) -> str:
    """s = [h→“back” ; h←“Cup”]."""
    trace = moment.trace
    parts = []
    for s in taken:
        arrow, word = ARROW[trace.layers[s.layer].direction], visible(trace.tokens[s.t])
        parts.append(said(moment, "state", arrow=arrow, word=word))
    joined = parts[0] if len(parts) == 1 else f"[{' ; '.join(parts)}]"
    return said(moment, "takes", states=joined) + "   s · W + b"
