"""The net that reads a text where no model was named: the one that knows more of its words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelChoiceQuestion:
    """Which of the default sentiment nets reads this text?"""

    text: str


@dataclass(frozen=True)
class KnownWords:
    """How many words of a text a model knows."""

    model: str
    known: int
    words: int  # of the text, as the model cuts it


@dataclass(frozen=True)
class ModelChoice:
    """The net that knows the most words of a text, and the others that were asked."""

    chosen: KnownWords
    others: tuple[KnownWords, ...] = ()

    @property
    def model(self) -> str:
        """The name of the chosen net."""
        return self.chosen.model
