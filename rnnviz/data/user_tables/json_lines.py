"""JSON lines: an object a line, whose keys are the columns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rnnviz.data.tables.layout import decode_lines
from rnnviz.data.tables.rows import MAX_ROWS
from rnnviz.errors import InvalidFileError
from rnnviz.files import TooLargeError, parse_json
from rnnviz.messages import _


def is_json_lines(content: bytes, encoding: str) -> bool:
    """Whether a text's first line is an object; InvalidFileError if it is one list of them."""
    first = next((line for line in decode_lines(content, encoding) if line.strip()), "")
    begin = first.lstrip("\ufeff \t")
    if begin.rstrip() == "[" or begin[:2] == "[{":
        raise InvalidFileError(
            _("This is one JSON list. Write an object a line: jq -c '.[]' FILE.json > FILE.jsonl")
        )
    if begin[:1] != "{":
        return False
    try:
        return isinstance(json.loads(begin), dict)
    except (ValueError, RecursionError):
        return False


def json_rows(
    lines: Iterator[str],
) -> tuple[list[str], list[list[str]], list[int], list[tuple[int, str]]]:
    """The keys of all objects, their values as text, the lines, and the faults (line, why).

    The value of a missing key and null are an empty text.
    """
    objects: list[dict[str, str]] = []
    numbers: list[int] = []
    faults: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if len(objects) >= MAX_ROWS:
            raise TooLargeError(
                _("there are more than {most:,} rows; keep a part of them").format(most=MAX_ROWS)
            )
        try:
            value = parse_json(line.lstrip("\ufeff"))
            if not isinstance(value, dict):
                raise ValueError(_("a {type} and not an object").format(type=type(value).__name__))
            objects.append({str(key): _text(each) for key, each in value.items()})
            numbers.append(number)
        except (ValueError, RecursionError) as error:
            faults.append(
                (number, _("not a JSON object ({reason})").format(reason=str(error)[:80]))
            )
    keys = list(dict.fromkeys(key for each in objects for key in each))
    rows = [[each.get(key, "") for key in keys] for each in objects]
    return keys, rows, numbers, faults


def _text(value: Any) -> str:
    """A value as a field; lists and objects as JSON, which no column is chosen from by itself."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
