"""The title bar: model, token and part in one line."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment

from rnnviz import i18n
from rnnviz.display import in_one_line, visible
from rnnviz.equations import DEFAULT_NOTATION, notation_title
from rnnviz.trace.notation import written_clamp
from rnnviz.tui.render.segments import Line, beside, cut, length
from rnnviz.tui.view import predict_notice, second_sentence
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import View


class TitleBar(View):
    """The first line of the screen: the model, its size, and the cursor's position."""

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        theme, trace, layer, cursor = (
            view_state.theme,
            view_state.trace,
            view_state.layer,
            view_state.cursor,
        )
        units = i18n.units(layer.units, view_state.lang)
        summary = view_state.text("title.summary", cell=layer.title, units=units)
        size = Segment("· " + summary, theme.ink)
        left = [
            Segment(f" {view_state.text('title.app')} ", theme.bold),
            Segment(f" {visible(i18n.model_name(trace.model, view_state.lang))} ", theme.source),
            *_badge(view_state),
            *_held(view_state),
            size,
        ]
        values = {"n": cursor.layer + 1, "N": len(trace.layers), "name": visible(layer.name)}
        where = Segment(" · " + view_state.text("title.layer", **values), theme.ink)
        if len(trace.layers) > 1:
            left.append(where)
        said = view_state.text("title.assumed", count=len(trace.assumptions))
        assumed = Segment(f" · {said}", theme.dim)
        if trace.assumptions:
            left.append(assumed)
        if layer.notation != DEFAULT_NOTATION:
            named = view_state.text("title.notation", name=notation_title(layer.notation))
            left.append(Segment(f" · {named}", theme.now))
        place = view_state.text(
            "next.place" if trace.head.writes else "title.place",
            t=cursor.t + 1,
            T=len(trace.tokens),
            n=cursor.part + 1,
            N=len(layer.parts),
            part=view_state.word("part", view_state.part),
        )
        right = [Segment(place + " ", theme.now)]
        marked = view_state.predictions.on or trace.clamps or trace.assumptions
        program = left[0]
        if trace.assumptions and length([*left, *right]) >= width:
            left.remove(program)
        if (len(trace.layers) > 1 or marked) and length([*left, *right]) >= width:
            left.remove(size)
        if program in left and length([*left, *right]) >= width:
            left.remove(program)
        if where in left and length([*left, *right]) >= width:
            short = view_state.text("title.layer_short", **values)
            left[left.index(where)] = Segment(f" · {short}", theme.ink)
        if assumed in left and length([*left, *right]) >= width:
            left.remove(assumed)  # the help lists them
        if length([*left, *right]) >= width and layer.notation != DEFAULT_NOTATION:
            left = _shortened(view_state, left, size, f" · {named}", width - length(right))
        beside_it = _compared(view_state, width - length([*left, *right]) - 1)
        if not beside_it and len(trace.layers) == 1:
            # In a narrow terminal it replaces the size of the net.
            smaller = [each for each in left if each is not size]
            beside_it = _compared(view_state, width - length([*smaller, *right]) - 1)
            left = smaller if beside_it else left
        left += beside_it
        about = Segment(f" · {visible(trace.about)}", theme.dim)
        rest = [each for each in left if each is not assumed]  # which ``about`` counts, too
        if trace.about and length([*rest, about, *right]) + 1 <= width:
            left = [*rest, about]
        if view_state.seconds is not None:
            playing = view_state.text("title.playing", seconds=f"{view_state.seconds:g}")
            right.insert(0, Segment(playing + "  ", theme.source))
        return [beside(left, right, width, theme.ink)]


def _shortened(view_state: ViewState, left: Line, size: Segment, named: str, room: int) -> Line:
    """The left side with a shorter name of the notation, without the size, without the name."""
    at = next(n for n, each in enumerate(left) if each.text == named)
    notation = view_state.layer.notation
    for text in (notation_title(notation), notation_title(notation, short=True)):
        left = [*left[:at], Segment(f" · {text}", view_state.theme.now), *left[at + 1 :]]
        for line in (left, [each for each in left if each is not size]):
            if length(line) < room:
                return line
    return [each for n, each in enumerate(left) if n != at]


def _compared(view_state: ViewState, room: int) -> Line:
    """The second sentence that the views compare with, except on its own page."""
    if view_state.page == "against" or second_sentence.difference(view_state) is None:
        return []
    text = in_one_line(second_sentence.state(view_state).text)
    for key in ("beside.note", "beside.short"):
        around = cell_len(view_state.text(key, text="")) + 3
        if room >= around + 6:
            label = view_state.text(key, text=cut(text, room - around))
            return [Segment(f" · {label}", view_state.theme.source)]
    return []


def _badge(view_state: ViewState) -> Line:
    """That predict mode is on, and the score."""
    text = predict_notice.badge(view_state)
    if not text:
        return []
    theme = view_state.theme
    return [Segment(f" {text} ", theme.chosen), Segment(" ", theme.ink)]


def _held(view_state: ViewState) -> Line:
    """The clamps: shown on every page, since the net is not as it was trained."""
    trace = view_state.trace
    clamps = (trace.source or trace).clamps
    if not clamps:
        return []
    more = view_state.text("page.clamp.more", n=len(clamps) - 1) if len(clamps) > 1 else ""
    # Name the latest clamp, without its layer if the net has only one.
    last = written_clamp(clamps[-1], trace).counted(trace.tokens, len(trace.layers) > 1)
    text = view_state.text("page.clamp.title_held", clamps=f"{last} {more}".rstrip())
    return [
        Segment(f" {visible(text)} ", view_state.theme.chosen),
        Segment(" ", view_state.theme.ink),
    ]
