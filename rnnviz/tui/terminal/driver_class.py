"""Which of Textual's drivers runs the app, and the filter that removes colours."""

from __future__ import annotations

import re
from functools import lru_cache

from textual.driver import Driver

_SGR = re.compile("\x1b\\[([0-9;]*)m")


def driver_for(default: type[Driver], colour: bool) -> type[Driver]:
    """The driver class to use in place of Textual's default for this platform.

    On Linux and macOS that is :class:`rnnviz.tui.terminal.driver.TerminalDriver`. Without
    ``colour`` it writes no colour codes.
    """
    if default.__name__ == "LinuxDriver":
        from rnnviz.tui.terminal.driver import TerminalDriver

        default = TerminalDriver
    if colour:
        return default

    class ColourlessDriver(default):  # type: ignore[misc, valid-type]
        def write(self, data: str) -> None:
            super().write(without_colour(data))

    return ColourlessDriver


def without_colour(data: str) -> str:
    """The data without colour codes; bold, underline and other attributes stay."""
    return _SGR.sub(lambda match: _attributes(match[1]), data)


@lru_cache(maxsize=1024)
def _attributes(codes: str) -> str:
    """An SGR sequence with the parameters ``codes``, without those that set a colour."""
    given = iter(codes.split(";"))
    kept = []
    for code in given:
        if code in ("38", "48"):  # followed by 5;n or 2;r;g;b
            for _ in range(1 if next(given, "") == "5" else 3):
                next(given, "")
        elif not (code.isdigit() and (30 <= int(code) <= 49 or 90 <= int(code) <= 107)):
            kept.append(code)
    return f"\x1b[{';'.join(kept)}m" if kept else ""
