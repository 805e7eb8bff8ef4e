"""Tables that users bring: CSV, TSV or JSON lines with columns that are named on the command line.

Unlike the tables of known data sets (``data.tables``), whose damage ends a command, a row of these
may be faulty: it is kept aside with its line, and the user decides what happens.
"""

from __future__ import annotations

from rnnviz.data.user_tables.columns import TextColumns, choose_text_columns, find_column
from rnnviz.data.user_tables.labels import LabelledTexts, read_labelled_texts
from rnnviz.data.user_tables.reading import RowFault, UserTable, read_user_table
from rnnviz.data.user_tables.split import TableSplit, few_rows, split_rows

__all__ = [
    "LabelledTexts", "RowFault", "TableSplit", "TextColumns", "UserTable", "choose_text_columns",
    "few_rows", "find_column", "read_labelled_texts", "read_user_table", "split_rows",
]  # fmt: skip
