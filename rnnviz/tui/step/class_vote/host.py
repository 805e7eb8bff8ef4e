"""The class of a step screen, if there is one; what asks it is imported only then."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnnviz.tui.step.class_vote.control import ClassControl
    from rnnviz.tui.step.class_vote.session import ClassSession
    from rnnviz.tui.step.screen import StepScreen


class ClassHost:
    """Passes on to the control of a class; without a class it does nothing."""

    def __init__(self, screen: StepScreen) -> None:
        self.screen = screen
        self.session: ClassSession | None = None
        self.control: ClassControl | None = None

    def begin(self) -> None:
        """Show the pane, and the code that leads phones here."""
        if self.session is not None:
            from rnnviz.tui.step.class_vote.control import ClassControl

            self.control = ClassControl(self.screen, self.session)
            self.control.begin()

    def follow(self) -> None:
        """Open, close and reveal as the screen goes on; called after every change."""
        if self.control is not None:
            self.control.follow()

    def close_first(self) -> bool:
        """Close an open vote, or after a reveal ask what was seen; whether it did."""
        return self.control is not None and self.control.close_first()

    def choose(self) -> bool:
        """Choose what the class is asked in predict mode; whether there is a class."""
        return self.control is not None and self.control.choose()

    def open_window(self) -> None:
        """Show the code; or say that there is no class."""
        if self.control is None:
            self.screen.say("vote.none")
        else:
            self.control.open_window()
