"""Screens that can be left once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.await_complete import AwaitComplete

if TYPE_CHECKING:
    from textual.screen import Screen

    Base = Screen[Any]
else:  # a second Screen among the bases would hide the component classes of the first
    Base = object


class DismissOnce(Base):
    """A screen that ignores every key that would leave it again.

    Keys wait in a queue: a second esc may be read when the first one has closed the screen, and
    Textual's `dismiss` would then close the screen below.
    """

    _dismissed = False

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Leave the screen, unless it is not there or has been left."""
        if self._dismissed or not self.is_current:
            return AwaitComplete()
        self._dismissed = True
        return super().dismiss(result)
