"""Reading files within limits, writing them atomically, and paths that users type."""

from __future__ import annotations

from rnnviz.files.archives import LimitedReader, TooLargeError, buffered, open_member, open_zip
from rnnviz.files.atomic import keep_mode, open_part, write_atomically, write_new, write_output
from rnnviz.files.line_file import LineFile, require_replaceable
from rnnviz.files.paths import (
    NO_SPACE,
    UNUSABLE_NAME,
    assets,
    require_distinct,
    require_writable,
    user_path,
    user_state_folder,
)
from rnnviz.files.readers import (
    JSON_LIMIT,
    invalid_file_on_error,
    open_regular,
    parse_json,
    read_json,
    read_limited,
    reason,
    size_text,
)

__all__ = [
    "JSON_LIMIT",
    "NO_SPACE",
    "UNUSABLE_NAME",
    "LimitedReader",
    "LineFile",
    "TooLargeError",
    "assets",
    "buffered",
    "invalid_file_on_error",
    "keep_mode",
    "open_member",
    "open_part",
    "open_regular",
    "open_zip",
    "parse_json",
    "read_json",
    "read_limited",
    "reason",
    "require_distinct",
    "require_replaceable",
    "require_writable",
    "size_text",
    "user_path",
    "user_state_folder",
    "write_atomically",
    "write_new",
    "write_output",
]
