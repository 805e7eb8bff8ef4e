"""What a user says about a table of their own."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, get_args

from rnnviz.data.standardization import Language
from rnnviz.data.user_tables.labels import BadRows
from rnnviz.messages import _


@dataclass(frozen=True)
class TableChoice:
    """A table and its columns, as they were named; None leaves a value to the content.

    ``validation`` and ``test`` are shares of the rows. ``max_length`` is in words, ``vocabulary``
    in entries. ``language`` determines the lower case of I and İ. Times of a series are a column;
    None: the first one that has times.
    """

    file: str  # its name in the data folder
    text: tuple[str, ...] = ()
    label: str | None = None
    header: bool | None = None
    encoding: str | None = None
    bad_rows: BadRows = "few"
    validation: float = 0.2
    test: float = 0.0
    max_length: int | None = None
    vocabulary: int | None = None
    language: Language | None = None
    series: str | None = None  # the column to forecast, instead of text and label
    time: str | None = None
    lookback: int | None = None  # rows of a window
    horizon: int | None = None  # rows from the last one of a window to the value that is forecast
    write: bool = False  # the file is one text, to write like it
    words: bool = False  # it is written word by word, not letter by letter

    @classmethod
    def from_json(cls, value: object) -> TableChoice:
        """Read the fields of a JSON object; ValueError that names a wrong one."""
        if not isinstance(value, dict):
            raise ValueError(_("a table must be an object"))
        record: dict[str, Any] = dict(value)
        known = {f.name for f in fields(cls)}
        if unknown := set(record) - known:
            raise ValueError(_("a table has no field {name!r}").format(name=min(map(str, unknown))))
        if not isinstance(record.get("text", []), list | tuple):
            raise ValueError(_("the text of a table must be a list of columns"))
        record["text"] = tuple(record.get("text", ()))
        texts = (record.get("file"), *record["text"])
        optional = (record.get(name) for name in ("label", "encoding", "series", "time"))
        names = ("max_length", "vocabulary", "lookback", "horizon")
        whole = [record.get(name) for name in names]
        shares = (record.get("validation", 0.2), record.get("test", 0.0))
        if (
            not all(isinstance(text, str) for text in texts)
            or not all(text is None or isinstance(text, str) for text in optional)
            or not all(n is None or (type(n) is int and 1 <= n < 10**9) for n in whole)
            or not all(type(x) in (int, float) and 0 <= x < 1 for x in shares)
            or record.get("header") not in (None, True, False)
            or not all(record.get(name, False) in (True, False) for name in ("write", "words"))
            or record.get("bad_rows", "few") not in get_args(BadRows)
            or record.get("language") not in (None, *get_args(Language))
        ):
            raise ValueError(_("the fields of a table have values they cannot have"))
        return cls(**record)
