"""A compositor that draws and writes only the columns that have changed.

Textual's own divides every changed line where any widget begins or ends, writes a changed span from
the beginning of its widget, and writes every segment with all its attributes and a reset. Textual
has no public way to use another compositor, so this one extends private classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from textual._compositor import ChopsUpdate, Compositor, LayoutUpdate
from textual.geometry import Region

from rnnviz.tui.terminal.ansi_encoding import Piece, encoded

if TYPE_CHECKING:
    from textual.screen import Screen

    Base = Screen[Any]
else:  # a second Screen among the bases would hide the component classes of the first
    Base = object

Spans = dict[int, list[tuple[int, int]]]


class PartialUpdate(ChopsUpdate):
    """Pieces of lines, each written at its place."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        super().__init__([], [], [])
        self.pieces = pieces

    def render_segments(self, console: Console) -> str:
        """The data for the terminal."""
        return encoded(self.pieces, console)


class FullUpdate(LayoutUpdate):
    """The whole screen, written like a partial update."""

    def render_segments(self, console: Console) -> str:
        """The data for the terminal."""
        pieces: list[Piece] = []
        for y, strips in enumerate(self.strips, self.region.y):
            x = self.region.x
            for strip in strips:
                pieces.append((y, x, strip, 0, strip.cell_length))
                x += strip.cell_length
        return encoded(pieces, console)


class DiffCompositor(Compositor):
    """Textual's compositor with updates in fewer bytes."""

    def render_full_update(self, simplify: bool = False) -> LayoutUpdate:
        """The whole screen; ``simplify``: join segments of one style."""
        update = super().render_full_update(simplify)
        return FullUpdate(update.strips, update.region)

    def render_partial_update(self) -> ChopsUpdate | None:
        """The parts of the screen that were marked dirty since the last update."""
        screen = self.size.region
        regions = [region.intersection(screen) for region in self._dirty_regions]
        self._dirty_regions.clear()
        left: Spans = {}
        for y, start, end in self._regions_to_spans(filter(None, regions)):
            left.setdefault(y, []).append((start, end))
        pieces = list(self._pieces(left))
        return PartialUpdate(sorted(pieces, key=lambda piece: piece[:2])) if pieces else None

    def _pieces(self, left: Spans) -> Iterator[Piece]:
        """The parts of the spans that each widget draws; widgets in front come first."""
        for widget, (region, clip) in self.visible_widgets.items():
            if not left:
                return
            seen = region.intersection(clip)
            rows = [y for y in seen.line_range if y in left]
            if not any(_touch(left[y], seen) for y in rows):
                continue
            lines = widget.render_lines(seen.translate((-region.x, -region.y)))
            for y in rows:
                strip, rest = lines[y - seen.y], []
                for start, end in left[y]:
                    first, last = max(start, seen.x), min(end, seen.right)
                    if first >= last:
                        rest.append((start, end))
                        continue
                    yield y, first, strip, first - seen.x, last - seen.x
                    rest += [(a, b) for a, b in ((start, first), (last, end)) if a < b]
                left[y] = rest
                if not rest:
                    del left[y]


def _touch(spans: list[tuple[int, int]], seen: Region) -> bool:
    return any(start < seen.right and end > seen.x for start, end in spans)


class DiffScreen(Base):
    """A mixin for screens that are drawn by a :class:`DiffCompositor`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._compositor = DiffCompositor()  # Textual's Screen makes its own and has no argument

    def refresh(
        self,
        *regions: Region,
        repaint: bool | None = None,
        layout: bool = False,
        recompose: bool = False,
    ) -> Self:
        """Ask for a repaint; a layout paints what it moves and, unless told to, nothing else.

        Textual asks for a layout of the whole screen whenever a widget has been mounted.
        """
        repaint = not layout if repaint is None else repaint
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def lay_out(self) -> None:
        """Lay out and paint, in one update.

        Textual paints the layout first, and then every widget that has a new size or has asked for
        a repaint in the meantime.
        """
        ready = all(child.is_mounted for child in self.children)
        if not (ready and self.is_current and self.size) or self.app._batch_count:
            self.children[0].refresh(layout=True)  # when Textual next paints
            return
        for child in self.children:
            if child._repaint_required:
                child._repaint_required = False
                self._dirty_widgets.add(child)
        self._clear_arrangement_cache()
        self._layout_updates += 1
        self._refresh_layout()
        self._layout_required = self._repaint_required = False
        self._dirty_widgets.clear()
