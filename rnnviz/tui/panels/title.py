"""Where are we? The model, the token, the part: one line at the top."""

from __future__ import annotations

from dataclasses import replace

from rich.cells import cell_len
from rich.segment import Segment

from rnnviz import i18n
from rnnviz.display import visible
from rnnviz.tui.render.segments import Line, beside, cut, length
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import View


class TitleBar(View):
    """The first line: what is read, with what, and where the cursor stands."""

    def lines(self, moment: ViewState, width: int, height: int) -> list[Line]:
        look, trace, layer, cursor = moment.look, moment.trace, moment.layer, moment.cursor
        units = i18n.units(layer.units, moment.lang)
        summary = moment.text("title.summary", cell=layer.title, units=units)
        left = [
            Segment(f" {moment.text('title.app')} ", look.bold),
            Segment(f" {visible(trace.model)} ", look.source),
            *_held(moment),
            Segment("· " + summary, look.ink),
        ]
        if len(trace.layers) > 1:
            where = moment.text(
                "title.layer", n=cursor.layer + 1, N=len(trace.layers), name=layer.name
            )
            left.append(Segment(" · " + where, look.ink))
        place = moment.text(
            "title.place",
            t=cursor.t + 1,
            T=len(trace.tokens),
            n=cursor.part + 1,
            N=len(layer.parts),
            part=moment.word("part", moment.part),
        )
        right = [Segment(place + " ", look.now)]
        beside_it = _compared(moment, width - length([*left, *right]) - 1)
        if not beside_it and len(trace.layers) == 1:
            # In a narrow terminal it stands in place of the net's size.
            beside_it = _compared(moment, width - length([*left[:-1], *right]) - 1)
            left = left[:-1] if beside_it else left
        left += beside_it
        about = Segment(f" · {visible(trace.about)}", look.dim)
        if trace.about and length([*left, about, *right]) + 1 <= width:
            left.append(about)
        if moment.seconds is not None:
            playing = moment.text("title.playing", seconds=f"{moment.seconds:g}")
            right.insert(0, Segment(playing + "  ", look.source))
        return [beside(left, right, width, look.ink)]


def _compared(moment: ViewState, room: int) -> Line:
    """Which sentence every view shows beside this one; its own page says so itself."""
    if moment.page == "against" or second_sentence.compared(moment) is None:
        return []
    text = visible(second_sentence.state(moment).text)
    for key in ("beside.note", "beside.short"):
        around = cell_len(moment.text(key, text="")) + 3
        if room >= around + 6:
            said = moment.text(key, text=cut(text, room - around))
            return [Segment(f" · {said}", moment.look.source)]
    return []


def _held(moment: ViewState) -> Line:
    """Not the net as it was trained: nobody should miss that, on whatever page."""
    clamps = moment.trace.clamps
    if not clamps:
        return []
    more = moment.text("page.clamp.more", n=len(clamps) - 1) if len(clamps) > 1 else ""
    # The last one was set last; its layer goes without saying where there is only one.
    last = clamps[-1] if len(moment.trace.layers) > 1 else replace(clamps[-1], layer=None)
    said = moment.text("page.clamp.title_held", clamps=f"{last} {more}".rstrip())
    return [Segment(f" {visible(said)} ", moment.look.chosen), Segment(" ", moment.look.ink)]
