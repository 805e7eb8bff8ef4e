"""Recipes: a net, its data and how it is trained; one file each, found by import."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from rnnviz.data.batches import Examples
from rnnviz.data.text import Vocabulary
from rnnviz.engine.spec import FitSpec, ModelSpec
from rnnviz.errors import UsageError, nearest


@dataclass(frozen=True, eq=False)
class Task:
    """Data made ready for one recipe."""

    vocabulary: Vocabulary
    labels: tuple[str, ...]
    draw: Callable[[int, np.random.Generator], Examples]  # the examples of an epoch
    valid: Examples
    files: dict[str, str]  # file name to SHA-256
    preparation: dict[str, Any]  # counts and rules, for the record
    trained_on: str  # for the title line
    licence: str


class Prepare(Protocol):
    """Makes a recipe's data ready."""

    def __call__(
        self, folder: Path, limit: int | None, seed: int, say: Callable[[str], None]
    ) -> Task:
        """``limit`` is a number of rows of each data set; ``say`` tells the user what goes on."""


@dataclass(frozen=True)
class Recipe:
    """What ``rnnviz train NAME`` does."""

    name: str
    title: str
    model: Callable[[int], ModelSpec]  # by vocabulary size
    fit: FitSpec
    prepare: Prepare
    example: str = "this movie was not good"


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
