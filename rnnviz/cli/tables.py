"""Tables as plain text: on a terminal they fit its width, elsewhere each row is one line."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rnnviz.cli import stdout
from rnnviz.display import visible
from rnnviz.messages import N_, _, translated
from rnnviz.window import size

if TYPE_CHECKING:
    from rnnviz.engine.param_count import LayerCount

#: Between columns, and in front of the further columns of a row that is folded.
_GAP, _INDENT = "  ", "    "
#: The greater it is, the fewer lines are worth a further band of columns.
_MORE_BANDS = 2
#: A terminal narrower than this gets the lines of one that is as wide as this.
_LEAST_WIDTH = 20

Rows = Sequence[Sequence[str]]


def print_table(rows: Rows, right: Collection[str] = (), indent: str = "") -> None:
    """Print rows, the first of which are the headings; ``right``: headings of numbers."""
    for line in aligned(rows, terminal_width(), right, indent):
        stdout.lines(line)


def terminal_width() -> int | None:
    """The columns of the terminal that stdout is; None for a file or a pipe."""
    return max(size()[0], _LEAST_WIDTH) if sys.stdout.isatty() else None


def aligned(
    rows: Rows, width: int | None = None, right: Collection[str] = (), indent: str = ""
) -> list[str]:
    """The rows of a table as lines of at most ``width`` columns; controls are escaped.

    ``width`` None: each row is one line. Otherwise the cells of a table that is too wide are
    wrapped between words; if that is not enough, the further columns of each row are in lines below
    it. Only a word longer than the terminal is broken. ``right`` are the headings of columns that
    are aligned at the right.
    """
    if not rows:
        return []
    cells = [[visible(cell) for cell in row] for row in rows]
    table = _Table(cells, [heading in right for heading in rows[0]])
    room = None if width is None else width - len(indent)
    if room is None or _width(table.natural) <= room:
        lines = table.lines([_Band(0, table.natural)])
    else:
        lines = table.lines(table.bands(room))
    return [f"{indent}{line}".rstrip() for line in lines]


@dataclass(frozen=True)
class _Band:
    """Columns beside each other: the number of the first, and the widths."""

    start: int
    widths: list[int]


class _Table:
    """Cells that are safe to print, and their widths in terminal columns."""

    def __init__(self, cells: list[list[str]], right: list[bool]) -> None:
        from rich.cells import cell_len

        columns = list(zip(*cells, strict=True))
        words = [[word for cell in column for word in cell.split()] for column in columns]
        self.cells, self.right = cells, right
        self.natural = [max(map(cell_len, column)) for column in columns]
        # The first column has names, which stay whole; the others are wrapped between words.
        self.least = [max(map(cell_len, column), default=0) for column in words]
        self.least[0] = self.natural[0]

    def bands(self, width: int) -> list[_Band]:
        """The columns in bands of at most ``width``: as few lines, and as few bands, as possible.

        Bands are harder to read than lines, so a further one counts as some more lines.
        """
        best: list[dict[int, tuple[int, list[_Band]]]] = [{0: (0, [])}]  # by columns, by bands
        for end in range(1, len(self.natural) + 1):
            found: dict[int, tuple[int, list[_Band]]] = {}
            for start in range(end):
                room = width - (len(_INDENT) if start else 0)
                if end > start + 1 and _width(self.least[start:end]) > room:
                    continue
                band = _Band(start, self._widths(start, end, room))
                height = len(self.lines([band]))
                for count, (lines, before) in best[start].items():
                    if count + 1 not in found or lines + height < found[count + 1][0]:
                        found[count + 1] = lines + height, [*before, band]
            best.append(found)
        return min(best[-1].values(), key=lambda way: way[0] * (_MORE_BANDS + len(way[1])))[1]

    def _widths(self, start: int, end: int, room: int) -> list[int]:
        """The widths in a band: the wide columns get the same width, as much as there is room."""
        least, natural = self.least[start:end], self.natural[start:end]
        best = [min(width, room) for width in least]
        for level in range(1, room + 1):
            widths = [max(w, min(n, level)) for w, n in zip(best, natural, strict=True)]
            if _width(widths) > room:
                break
            best = widths
        return best

    def lines(self, bands: Sequence[_Band]) -> list[str]:
        """Each row in its bands, one below the other; the second and further are indented."""
        lines = []
        for row in self.cells:
            for band in bands:
                columns = slice(band.start, band.start + len(band.widths))
                if band.start and not any(row[columns]):
                    continue
                indent = _INDENT if band.start else ""
                lines += [
                    indent + line for line in _row_lines(row[columns], band, self.right[columns])
                ]
        return lines


def _width(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _row_lines(row: Sequence[str], band: _Band, right: Sequence[bool]) -> list[str]:
    """One row of a band as lines: as many as its tallest cell has."""
    columns = [wrapped(cell, width) for cell, width in zip(row, band.widths, strict=True)]
    lines = []
    for k in range(max(map(len, columns))):
        cells = [column[k] if k < len(column) else "" for column in columns]
        lines.append(_GAP.join(map(_padded, cells, band.widths, right)).rstrip())
    return lines


def _padded(cell: str, width: int, right: bool) -> str:
    from rich.cells import cell_len

    space = " " * (width - cell_len(cell))
    return space + cell if right else cell + space


def wrapped(text: str, width: int) -> list[str]:
    """Text in lines of at most ``width`` columns, broken between words; at least one line."""
    from rich.cells import cell_len, chop_cells

    if cell_len(text) <= width:
        return [text]
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if cell_len(longer) <= width:
            lines[-1] = longer
        else:
            lines += chop_cells(word, width)
    return [line for line in lines if line] or [""]


def print_text(text: str) -> None:
    """Print a paragraph, on a terminal in lines that are broken between words and indented."""
    width = terminal_width()
    if width is None:
        stdout.lines(text)
        return
    first, *rest = wrapped(visible(text), width - len(_GAP))
    stdout.lines(first, *(_GAP + line for line in rest))


def layer_table(rows: Sequence[LayerCount], width: int | None) -> list[str]:
    """A net's layers as Keras prints them, each with the arithmetic of its count, and the total."""
    cells = [(_("layer"), _("output"), _("parameters"), _("arithmetic"))]
    cells += [(r.layer, r.output, f"{r.count:,}", r.arithmetic) for r in rows]
    return [*aligned(cells, width), _("total {count:,}").format(count=sum(r.count for r in rows))]


def published_text(record: Any) -> str:
    """A published number in words: ``validation accuracy 0.893 (where)``.

    ``record`` is a field of a JSON file, so it may be anything.
    """
    if not isinstance(record, dict):
        return _("never")
    value, source = record.get("value"), record.get("source")
    if not isinstance(value, float):
        return visible(_("no number ({source})").format(source=_in_words(source)))
    score = score_name(record.get("of"), record.get("metric"))
    return visible(f"{score} {value:.4g} ({_in_words(source)})")


#: Splits of the data, and metrics, as records and tables name them.
SPLITS = (N_("validation"), N_("test"), N_("train"))
#: Lists of sentences and of pairs "X" and "X değil" that Turkish models are measured on.
SENTENCE_LISTS = (N_("spoken"), N_("pairs"))
METRICS = (
    N_("accuracy"), N_("loss"), N_("mae"), N_("epoch"), N_("bits"), N_("perplexity"),
)  # fmt: skip


def metric_name(name: object) -> str:
    """A metric, or a split of the data, in words; ``name`` is a field of a file."""
    return translated(str(name))


def score_name(of: object, metric: object) -> str:
    """A split and a metric in words: "validation accuracy", "test MAE"."""
    name = _("MAE") if metric == "mae" else metric_name(metric)
    return _("{split} {metric}").format(split=metric_name(of), metric=name)


def _in_words(source: object) -> str:
    """Where a number was published, in words; ``source`` is a field of a file."""
    return translated(str(source))
