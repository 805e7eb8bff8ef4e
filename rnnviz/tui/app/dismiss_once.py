"""A mixin for screens that are dismissed at most once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.await_complete import AwaitComplete

if TYPE_CHECKING:
    from textual.screen import Screen

    Base = Screen[Any]
else:  # a second Screen among the bases would hide the component classes of the first
    Base = object


class DismissOnce(Base):
    """Ignores every call of ``dismiss`` after the first.

    Keys wait in a queue: a second escape may be handled after the first one has closed the screen,
    and Textual's ``dismiss`` would then close the screen below.
    """

    _dismissed = False

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Dismiss the screen, unless it is not current or was dismissed before."""
        if self._dismissed or not self.is_current:
            return AwaitComplete()
        self._dismissed = True
        return super().dismiss(result)
