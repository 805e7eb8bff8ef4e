"""Class labels as tables contain them: words, or numbers that count from 0, 1 or -1."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from rnnviz.data.tables import shorten
from rnnviz.messages import _

#: The class number of each label; a table uses one scheme throughout.
LabelScheme = Mapping[str, int]

#: Schemes of sentiment: 0 negative, 1 positive.
SENTIMENT_SCHEMES: Final[tuple[LabelScheme, ...]] = (
    {"0": 0, "1": 1},
    {"1": 0, "2": 1},
    {"-1": 0, "1": 1},
    {"negative": 0, "neg": 0, "positive": 1, "pos": 1},
)


def normalize_label(label: str) -> str:
    """A label with its spellings unified: ``1.0`` is ``1``, ``Pos`` is ``pos``."""
    return re.sub(r"(?<=\d)\.0+$", "", label.strip().casefold().replace("\u2212", "-"))


def is_label(field: str, schemes: Sequence[LabelScheme]) -> bool:
    """Whether a field is a label of any of the schemes."""
    return any(normalize_label(field) in scheme for scheme in schemes)


def class_numbers(
    labels: Sequence[tuple[int, str]], schemes: Sequence[LabelScheme], source: object, name: str,
    other_labels: Callable[[], Iterable[str]] = tuple,
) -> list[int]:  # fmt: skip
    """The class number of each (line, label), by the first scheme that has all the labels.

    ``other_labels`` returns the labels of another part of the same data, for a table whose labels
    (all "1") do not determine the scheme. Raises ValueError with the line of the first label that
    fits no scheme.
    """
    first_line: dict[str, int] = {}
    for line, label in labels:
        first_line.setdefault(label, line)
    fitting = list(schemes)
    for label, line in first_line.items():
        left = [scheme for scheme in fitting if normalize_label(label) in scheme]
        if not left:
            raise ValueError(
                _("{source}, line {line}: {name} must be {labels}, not {label!r}").format(
                    source=source,
                    line=line,
                    name=name,
                    labels=_labels_text(fitting),
                    label=shorten(label),
                )
            )
        fitting = left
    if (
        len({tuple(scheme[normalize_label(label)] for label in first_line) for scheme in fitting})
        > 1
    ):
        others = {normalize_label(label) for label in other_labels()}
        fitting = [scheme for scheme in fitting if others <= scheme.keys()] or fitting
    numbers = {label: fitting[0][normalize_label(label)] for label in first_line}
    return [numbers[label] for _, label in labels]


def require_two_classes(source: object, labels: Sequence[int], names: Sequence[str]) -> None:
    """Raise ValueError with the counts unless the labels are of at least two classes."""
    if len(set(labels)) < 2:
        raise ValueError(
            _("{source}: rows of at least two classes are needed, here are {found}").format(
                source=source, found=class_counts(labels, names)
            )
        )


def class_counts(labels: Sequence[int], names: Sequence[str]) -> str:
    """The number of rows of each class: "3 negative, 0 positive"."""
    return ", ".join(f"{sum(n == k for n in labels)} {name}" for k, name in enumerate(names))


def _labels_text(schemes: Sequence[LabelScheme]) -> str:
    """The labels of schemes: "0 or 1", or "1, 2, 3 or 4"."""
    texts = []
    for scheme in schemes:
        *others, last = scheme
        texts.append(_("{labels} or {last}").format(labels=", ".join(others), last=last))
    return _("; or ").join(texts)
