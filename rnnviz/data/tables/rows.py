"""The rows of a table, each with the number of the line it ends on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from rnnviz.data.tables.layout import (
    HeaderlessColumns,
    TableColumn,
    TableLayout,
    detect_layout,
    error_text,
)
from rnnviz.data.tables.source import DAMAGE_ERRORS, TableSource, read_content
from rnnviz.files import TooLargeError
from rnnviz.messages import _

#: Rows of a table of texts; as Python objects each takes some 250 bytes besides its text.
MAX_ROWS: Final = 1_000_000


def read_rows(
    source: TableSource,
    columns: Sequence[TableColumn],
    headerless: HeaderlessColumns | None = None,
    limit: int = MAX_ROWS,
) -> Iterator[tuple[int, list[str]]]:
    """Yield (line, fields) of each row, the fields in the order of ``columns``.

    The field of a missing optional column is "". Empty lines at the end are ignored. Raises
    ValueError with the file, and the line where known, if a column is missing, a row has more or
    fewer fields than the first, or the file is damaged, without rows, or has more than ``limit``.
    """
    reader: Any = None
    empty = True
    try:
        content = read_content(source)
        layout = detect_layout(source, columns, headerless, content, complete=True)
        reader = layout.reader(content)
        if layout.header is not None:
            next(reader)
        empty_line = 0
        for count, row in enumerate(reader):
            if count >= limit:
                raise TooLargeError(_("there are more than {limit:,} rows").format(limit=limit))
            if not row:
                empty_line = empty_line or reader.line_num
                continue
            if empty_line or len(row) != layout.width:
                raise ValueError(_wrong_width(source, layout, empty_line, reader.line_num, row))
            empty = False
            yield reader.line_num, ["" if n is None else row[n] for n in layout.indices]
    except KeyError as error:  # a zip without that member
        raise ValueError(f"{source.path}: {error.args[0]}") from error
    except DAMAGE_ERRORS as error:
        if not reader:
            raise ValueError(f"{source}: {error_text(error)}") from error
        raise ValueError(
            _("{source}, after line {line}: {reason}").format(
                source=source, line=reader.line_num, reason=error_text(error)
            )
        ) from error
    if empty:
        if layout.header is None:
            raise ValueError(_("{source}: no rows inside").format(source=source))
        raise ValueError(_("{source}: no rows below the header").format(source=source))


def _wrong_width(
    source: TableSource, layout: TableLayout, empty_line: int, line: int, row: list[str]
) -> str:
    if empty_line:
        return _(
            "{source}, line {line}: {width} fields are needed, not 0 (the line is empty)"
        ).format(source=source, line=empty_line, width=layout.width)
    return _("{source}, line {line}: {width} fields are needed, not {count}").format(
        source=source, line=line, width=layout.width, count=len(row)
    )
