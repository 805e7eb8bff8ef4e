"""What the command line cannot do in a browser: no processes, no threads, no network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from rnnviz.errors import UsageError
from rnnviz.messages import _
from rnnviz.window import in_browser

if TYPE_CHECKING:
    from rnnviz.tui.app.themed_app import ThemedApp

#: Commands that are refused there, and not listed.
REFUSED: Final = (
    "train", "reproduce", "bench", "replay", "class", "serve", "data", "config", "completion",
)  # fmt: skip

_deferred: list[ThemedApp[int]] | None = None


def refuse(what: str) -> None:
    """UsageError, where this is a browser, for a command or an option that does not work there."""
    if in_browser():
        raise UsageError(
            _(
                "{what} does not work in a browser: it needs processes, files or the network of "
                "a machine.\nOn one with Python: pip install rnnviz"
            ).format(what=what)
        )


@contextmanager
def deferred_apps() -> Iterator[list[ThemedApp[int]]]:
    """In this context a command that would run an app appends it to the list and ends.

    The event loop of a page is always running: it cannot be waited for, so that the page itself
    awaits ``app.run_async()``.
    """
    global _deferred
    before, _deferred = _deferred, []
    try:
        yield _deferred
    finally:
        _deferred = before


def defer(app: ThemedApp[int]) -> bool:
    """Append an app to the list of :func:`deferred_apps`; False outside that context."""
    if _deferred is None:
        return False
    _deferred.append(app)
    return True
