"""Labels of classes as tables write them: words, or numbers that count from 0, 1 or -1."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from rnnviz.data.tables import cut

#: What each label of a table may be and which class it stands for; a table uses one of these.
Scheme = Mapping[str, int]

_WORDS: Final[Scheme] = {"negative": 0, "neg": 0, "positive": 1, "pos": 1}
#: Of a text for or against something: 0 negative, 1 positive.
OPINIONS: Final[tuple[Scheme, ...]] = (
    {"0": 0, "1": 1},
    {"1": 0, "2": 1},
    {"-1": 0, "1": 1},
    _WORDS,
)


def plain(label: str) -> str:
    """A label in a form in which spellings of it are equal: ``1.0`` is ``1``."""
    return re.sub(r"(?<=\d)\.0+$", "", label.strip().casefold().replace("\u2212", "-"))


def is_label(field: str, schemes: Sequence[Scheme]) -> bool:
    """Whether a field is a label of any of the schemes."""
    return any(plain(field) in scheme for scheme in schemes)


def classes(
    found: Sequence[tuple[int, str]], schemes: Sequence[Scheme], source: object, name: str,
    more: Callable[[], Iterable[str]] = tuple,
) -> list[int]:  # fmt: skip
    """The class of each (line, label): by the first of the schemes that has all the labels.

    ``more`` gives the labels of another part of the same data, for a table whose labels (all "1")
    do not tell the scheme. ValueError names the line of the first label that fits no scheme.
    """
    first: dict[str, int] = {}
    for line, label in found:
        first.setdefault(label, line)
    fitting = list(schemes)
    for label, line in first.items():
        left = [scheme for scheme in fitting if plain(label) in scheme]
        if not left:
            raise ValueError(
                f"{source}, line {line}: {name} must be {_said(fitting)}, not {cut(label)!r}"
            )
        fitting = left
    if len({tuple(scheme[plain(label)] for label in first) for scheme in fitting}) > 1:
        others = {plain(label) for label in more()}
        fitting = [s for s in fitting if others <= s.keys()] or fitting
    meant = {label: fitting[0][plain(label)] for label in first}
    return [meant[label] for _, label in found]


def check_several(source: object, labels: Sequence[int], names: Sequence[str]) -> None:
    """ValueError with the counts unless there are rows of at least two classes."""
    if len(set(labels)) < 2:
        raise ValueError(
            f"{source}: rows of at least two classes are needed, here are {counted(labels, names)}"
        )


def counted(labels: Sequence[int], names: Sequence[str]) -> str:
    """How many there are of each class: "3 negative, 0 positive"."""
    return ", ".join(f"{sum(n == k for n in labels)} {name}" for k, name in enumerate(names))


def _said(schemes: Sequence[Scheme]) -> str:
    """The labels of schemes: "0 or 1", or "1, 2, 3 or 4"."""
    said = []
    for scheme in schemes:
        *others, last = scheme
        said.append(f"{', '.join(others)} or {last}")
    return "; or ".join(said)
