"""Texts of a net that reads numbers: typed, drawn at random, or in a file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from rnnviz.arrays import Array
from rnnviz.data.number_files import read_numbers
from rnnviz.errors import UsageError
from rnnviz.files import user_path
from rnnviz.messages import _
from rnnviz.toy_net.number_text import number_literal, table

#: A text that draws its numbers: how many steps, and the seed.
_RANDOM: Final = re.compile(r"\s*random(?:\s+(\d{1,6}))?(?:\s+(\d{1,9}))?\s*", re.ASCII)
#: Steps of random numbers where the text does not say how many.
_STEPS: Final = 8
#: The most numbers of a token that it is shown with; longer ones are shown by their position.
_SHOWN: Final = 3
#: Decimal places of a shown number.
_PLACES: Final = 3


@dataclass(frozen=True)
class Vectors:
    """``width`` numbers a step, as they are: nothing is scaled.

    A text is one of three things. Numbers, token after token: ``1 0.5; 0 1``. ``random 8 0``: eight
    steps drawn from a standard normal distribution with the seed 0. ``@FILE``: a file of them, see
    :func:`~rnnviz.data.number_files.read_numbers`.
    """

    width: int

    def __len__(self) -> int:
        """D, the numbers of a step."""
        return self.width

    @property
    def example(self) -> str:
        """The text that is read where none is given."""
        return f"random {_STEPS} 0"

    def read(self, text: str) -> tuple[list[str], Array]:
        """The tokens and numbers (T, D), float32, of a text; UsageError for any other text."""
        text = text.strip()
        if (drawn := _RANDOM.fullmatch(text)) is not None:
            steps, seed = int(drawn[1] or _STEPS), int(drawn[2] or 0)
            if not steps:
                raise UsageError(
                    _('"{text}" is no step. Type for example: random {steps} {seed}').format(
                        text=text, steps=_STEPS, seed=seed
                    )
                )
            x = np.random.default_rng(seed).standard_normal((steps, self.width))
        elif text.startswith("@"):
            x = read_numbers(user_path(text[1:]), self.width)
        else:
            x = self._typed(text)
        found = x.astype(np.float32)
        return self._tokens(found), found

    def text(self, x: Array) -> str:
        """A text that :meth:`read` reads as these numbers (T, D)."""
        return "; ".join(" ".join(map(number_literal, row)) for row in x.tolist())

    def to_json(self) -> dict[str, Any]:
        """The width as a JSON object."""
        return {"width": self.width}

    @classmethod
    def from_json(cls, value: object) -> Vectors:
        """Read what ``to_json`` wrote; ValueError if it is invalid."""
        width = value.get("width") if isinstance(value, dict) else None
        if type(width) is not int or not 1 <= width <= 10_000_000:
            raise ValueError(_("vectors: expected a width of at least 1"))
        return cls(width)

    def _typed(self, text: str) -> Array:
        """The numbers (T, D) of a typed text."""
        try:
            rows = [row for row in table(text) if row]
        except UsageError as error:
            if _is_numbers(text):
                raise
            raise UsageError(
                _("This net reads numbers, not words. {reason}\n{how}").format(
                    reason=error, how=self._how()
                )
            ) from None
        if not rows:
            raise UsageError(_("There is no number in this text. {how}").format(how=self._how()))
        if self.width == 1 and len(rows) == 1:
            rows = [[value] for value in rows[0]]
        for t, row in enumerate(rows, 1):
            if len(row) != self.width:
                said = (
                    _("Step {t} has 1 number; this net reads {width} a step. {how}")
                    if len(row) == 1
                    else _("Step {t} has {count} numbers; this net reads {width} a step. {how}")
                )
                raise UsageError(
                    said.format(t=t, count=len(row), width=self.width, how=self._how())
                )
        return np.array(rows)

    def _how(self) -> str:
        """What to type instead."""
        if self.width > _SHOWN:
            return _(
                'Name a file with {width} columns (--input FILE), or draw some: "{example}".\n'
                "If its steps are one-hot words or characters: --vocab FILE with {width:,} "
                "entries"
            ).format(width=self.width, example=self.example)
        steps = ("; " if self.width > 1 else " ").join(
            " ".join(f"{(t + k) % 2}" for k in range(self.width)) for t in range(3)
        )
        return _('Type for example "{steps}", or name a file: --input FILE').format(steps=steps)

    def _tokens(self, x: Array) -> list[str]:
        """Each step as it is shown: ``0.5``, ``(1, 0.5)``; of wider ones the position, ``x1``."""
        if self.width > _SHOWN:
            return [f"x{t}" for t in range(1, len(x) + 1)]
        rows = [
            ", ".join(number_literal(round(value, _PLACES)) for value in row) for row in x.tolist()
        ]
        return rows if self.width == 1 else [f"({row})" for row in rows]


def _is_numbers(text: str) -> bool:
    """Whether a text has no words in it, only numbers, be they in range or not."""
    return all(re.match(r"[+-]?\.?\d", part) for part in re.split(r"[\s,;]+", text.strip()))


def file_text(path: Path) -> str:
    """The text that stands for a file of numbers."""
    return f"@{path}"
