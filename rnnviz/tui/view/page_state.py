"""What pages remember between two keys, and the command-line options they start from."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar


@dataclass(frozen=True)
class PageState:
    """Base class of the state of a page; every field has a default."""

    page: ClassVar[str]  # the name of the page


@dataclass(frozen=True)
class PageOptions:
    """Command-line options that fill a page and open it; the first one that is set wins."""

    compare: tuple[str, ...] = ()  # the models whose cells are compared
    against: str | None = None  # the second text
    toy_net: bool = False  # the model is a toy net

    @property
    def given(self) -> tuple[str, ...]:
        """The names of the options that are set."""
        return tuple(field.name for field in fields(self) if getattr(self, field.name))
