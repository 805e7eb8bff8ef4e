"""What a step screen is given to ask a class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from rnnviz.events import Event


class ClassLink(Protocol):
    """The way to the server of the phones; neither side waits for the other."""

    received: Callable[[Event], None]

    def send(self, event: Event) -> None:
        """Send an event to the server."""


@dataclass(frozen=True)
class ClassSession:
    """A class for one screen; ``links`` lead to the page of the phones, the best one first."""

    link: ClassLink
    links: tuple[str, ...]
