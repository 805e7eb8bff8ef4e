"""Recipes: a net, its data and how it is trained. Each module defines its list RECIPES."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NoReturn, Protocol

import numpy as np

from rnnviz.data.batches import Examples
from rnnviz.data.folders import require_folder
from rnnviz.data.series import Scaling
from rnnviz.data.tokenizers import Tokenizer
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.engine.spec import FitSpec, HeadSpec, ModelSpec
from rnnviz.errors import UsageError, nearest
from rnnviz.files import assets
from rnnviz.messages import _


@dataclass(frozen=True, eq=False)
class Task:
    """The prepared data of a recipe."""

    encoder: Vocabulary | Scaling  # converts texts or a series to the net's input
    labels: tuple[str, ...]  # class names; for a forecast, the quantity and its unit
    draw: Callable[[int, np.random.Generator], Examples]  # the examples of an epoch
    valid: Examples
    files: dict[str, str]  # SHA-256 by file name
    preparation: dict[str, Any]  # counts and rules, stored in the run's spec.json
    trained_on: str  # shown in the title line
    licence: str
    test: Examples | None = None  # evaluated once, after training
    head: HeadSpec | None = None  # where the data decides it; None: the head of the recipe's net
    fit: Mapping[str, Any] = field(default_factory=dict)  # FitSpec fields that the data decides
    example: str | None = None  # a text of the data to step through; None: that of the recipe

    @property
    def size(self) -> int:
        """The number of vocabulary entries, or of measurements per step."""
        return len(self.encoder)


class Prepare(Protocol):
    """Prepares a recipe's data."""

    def __call__(
        self, folder: Path, limit: int | None, seed: int, say: Callable[[str], None]
    ) -> Task:
        """Read at most ``limit`` rows of each data set; ``say`` reports progress to the user.

        Raises MissingError if the data is not in the folder, InvalidFileError if it is damaged.
        """


@dataclass(frozen=True)
class Published:
    """The published result that a recipe reproduces; ``value`` is None if there is none."""

    metric: Literal["accuracy", "mae"]
    value: float | None
    source: str
    of: Literal["validation", "test"] = "validation"


@dataclass(frozen=True)
class Recipe:
    """What ``rnnviz train NAME`` does.

    ``model(size)`` returns the net for a vocabulary size (or number of measurements); the field
    ``size`` is that of the published net. A recipe without a model is a baseline that is evaluated
    and not trained: ``baseline(examples)`` returns its metrics.
    """

    name: str
    title: str
    model: Callable[[int], ModelSpec] | None  # called with Task.size
    fit: FitSpec
    prepare: Prepare
    data: str = ""  # the protocol in a line: data set, split, lengths
    published: Published | None = None
    size: int = 10_000
    package_size: int | None = None  # of the data in the package, where these are no sample
    data_folder: Callable[[str | Path | None], Path] = require_folder  # given what a user named
    baseline: Callable[[Examples], Mapping[str, float]] | None = None
    example: str = "this movie was not good"
    tokenizer: Tokenizer | None = None  # None: it reads a series
    sample: Mapping[str, Any] = field(default_factory=dict)  # FitSpec fields on the small sample
    notes: tuple[str, ...] = ()  # differences from the source, a sentence each
    variants: Mapping[str, Prepare] = field(default_factory=dict)  # other preparations, by name

    def uses_sample(self, folder: Path) -> bool:
        """Whether its data in this folder are a small sample; results must mention it."""
        return self.package_size is None and is_sample(folder)


def is_sample(folder: Path) -> bool:
    """Whether the folder is that of the samples in the package."""
    return folder.resolve() == (assets() / "samples").resolve()


def check_rows(rows: int, limit: int | None, problem: str) -> NoReturn:
    """Raise the error for too few rows: UsageError if ``limit`` is the cause, else ValueError.

    ``rows`` is the number of rows in the file; ``problem`` says what is wrong with those used.
    """
    if limit is not None and limit < rows:
        raise UsageError(
            _("--limit {limit} leaves too few rows: {problem}. Use more.").format(
                limit=limit, problem=problem
            )
        )
    raise ValueError(_("{rows:,} rows are too few: {problem}").format(rows=rows, problem=problem))


def recipes() -> dict[str, Recipe]:
    """All recipes by name, collected from RECIPES of each module in this package."""
    found: dict[str, Recipe] = {}
    for module in pkgutil.iter_modules(__path__, __name__ + "."):
        for recipe in getattr(importlib.import_module(module.name), "RECIPES", ()):
            found[recipe.name] = recipe
    return found


def find(name: str) -> Recipe:
    """The recipe of that name; UsageError with the nearest name if there is none."""
    known = recipes()
    if name not in known:
        raise UsageError(
            _("Unknown recipe {name!r}.{hint} Recipes: {known}.").format(
                name=name, hint=nearest(name, known), known=", ".join(known)
            )
        )
    return known[name]
