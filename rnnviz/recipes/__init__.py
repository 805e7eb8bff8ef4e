"""Recipes: a net, its data and how it is trained; one file each, found by import."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from rnnviz.data.batches import Examples
from rnnviz.data.series import Scaling
from rnnviz.data.tokenizers import Tokenizer
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.engine.spec import FitSpec, ModelSpec
from rnnviz.errors import UsageError, nearest
from rnnviz.files import assets


@dataclass(frozen=True, eq=False)
class Task:
    """Data made ready for one recipe."""

    encoder: Vocabulary | Scaling  # how a text or a series becomes the net's input
    labels: tuple[str, ...]  # of the classes; for numbers, what is foreseen and its unit
    draw: Callable[[int, np.random.Generator], Examples]  # the examples of an epoch
    valid: Examples
    files: dict[str, str]  # file name to SHA-256
    preparation: dict[str, Any]  # counts and rules, for the record
    trained_on: str  # for the title line
    licence: str
    test: Examples | None = None  # looked at once, when all is trained

    @property
    def size(self) -> int:
        """Entries of the vocabulary, or measurements at a step."""
        return len(self.encoder)


class Prepare(Protocol):
    """Makes a recipe's data ready."""

    def __call__(
        self, folder: Path, limit: int | None, seed: int, say: Callable[[str], None]
    ) -> Task:
        """``limit`` is a number of rows of each data set; ``say`` tells the user what goes on.

        MissingError if the data is not in the folder, InvalidFileError if a file is damaged.
        """


@dataclass(frozen=True)
class Published:
    """The number a recipe is to reach, and where it was published; None: never was."""

    metric: Literal["accuracy", "mae"]
    value: float | None
    source: str
    of: Literal["validation", "test"] = "validation"


@dataclass(frozen=True)
class Recipe:
    """What ``rnnviz train NAME`` does.

    ``model`` gives the net by ``size`` of vocabulary (or number of measurements); ``size`` is that
    of the published net. Without a model the recipe is a rule to be measured, not trained: its
    ``prepare`` gives examples whose baseline is ``baseline(examples)``.
    """

    name: str
    title: str
    model: Callable[[int], ModelSpec] | None  # by Task.size
    fit: FitSpec
    prepare: Prepare
    data: str = ""  # the protocol in a line: data set first, then split and lengths
    published: Published | None = None
    size: int = 10_000
    baseline: Callable[[Examples], Mapping[str, float]] | None = None
    example: str = "this movie was not good"
    tokenizer: Tokenizer | None = None  # how its texts are cut; None: it reads a series
    sample: Mapping[str, Any] = field(default_factory=dict)  # FitSpec fields on the small sample
    notes: tuple[str, ...] = ()  # what differs from the source, a sentence each
    variants: Mapping[str, Prepare] = field(default_factory=dict)  # other ways to ready the data


def is_sample(folder: Path) -> bool:
    """Whether the folder is the small sample in the package; a result on it must say so."""
    return folder.resolve() == (assets() / "samples").resolve()


def check_rows(rows: int, limit: int | None, said: str) -> None:
    """Tell whoever asked for too few of a number of rows; ValueError where the rows are too few.

    ``said`` is what is wrong with those that were taken. UsageError if a ``limit`` is to blame.
    """
    if limit is not None and limit < rows:
        raise UsageError(f"--limit {limit} leaves too few rows: {said}. Take more of them.")
    raise ValueError(f"{rows:,} rows are too few: {said}")


def recipes() -> dict[str, Recipe]:
    """Every recipe, by name: the RECIPES of each module in this package."""
    found: dict[str, Recipe] = {}
    for module in pkgutil.iter_modules(__path__, __name__ + "."):
        for recipe in getattr(importlib.import_module(module.name), "RECIPES", ()):
            found[recipe.name] = recipe
    return found


def find(name: str) -> Recipe:
    """The recipe of that name; UsageError with the nearest one otherwise."""
    known = recipes()
    if name not in known:
        raise UsageError(
            f"Unknown recipe {name!r}.{nearest(name, known)} Recipes: {', '.join(known)}."
        )
    return known[name]
