"""What the server needs of a folder of files, such as that of the app in the browser."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol


class FoundFile(Protocol):
    """The answer to a request: its status, its headers, and its content if there is one."""

    @property
    def status(self) -> int:
        """The status of HTTP."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the answer."""

    @property
    def file(self) -> Path | None:
        """The file that is sent."""


class FileFolder(Protocol):
    """A folder whose files can be asked for by the path of a request."""

    def answer(self, target: str, headers: Mapping[str, str]) -> FoundFile:
        """The answer to GET of a target such as "/app.html"; the names of headers in lower case."""
