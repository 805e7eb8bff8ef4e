"""Text tables (CSV, TSV) as they are found in practice: one reader for all data sets.

A table is a plain file, one compressed with gzip or xz, or a member of a zip. Its encoding is
UTF-8, UTF-16 with a byte order mark, or Windows-1252; its delimiter a comma, tab or semicolon; it
may have a header, whose names and order differ from source to source. All of this is detected from
the content.

Damage is reported in one way: ValueError with the path and, where known, the line.
"""

from __future__ import annotations

from rnnviz.data.tables.fields import parse_int, require_text, shorten
from rnnviz.data.tables.layout import HeaderlessColumns, TableColumn, TableLayout, find_layout
from rnnviz.data.tables.rows import read_rows
from rnnviz.data.tables.source import (
    COMPRESSIONS,
    DAMAGE_ERRORS,
    MAX_BYTES,
    TableSource,
    gunzip,
    normalize_name,
    open_table,
    table_stem,
    zip_tables,
)

__all__ = [
    "COMPRESSIONS",
    "DAMAGE_ERRORS",
    "MAX_BYTES",
    "HeaderlessColumns",
    "TableColumn",
    "TableLayout",
    "TableSource",
    "find_layout",
    "gunzip",
    "normalize_name",
    "open_table",
    "parse_int",
    "read_rows",
    "require_text",
    "shorten",
    "table_stem",
    "zip_tables",
]
