"""How well the values of a unit tell whether a property holds: the area under the ROC curve."""

from __future__ import annotations

import numpy as np

from rnnviz.arrays import Array

#: Fewer places where a property holds, or where it does not, give no score.
LEAST = 20


def areas_under_curve(ranks: Array, holds: Array) -> Array:
    """The AUC of each unit (U), given :func:`ranks_of` its values and where a property holds (N).

    The probability that the value at a place where the property holds is above that at one where
    it does not, ties counted half: the Mann–Whitney statistic (Hanley and McNeil 1982). 0.5: the
    unit says nothing about it; below 0.5 its negative value tells it. NaN where the property holds,
    or does not, at fewer than LEAST places.
    """
    yes = int(holds.sum())
    no = len(holds) - yes
    if min(yes, no) < LEAST:
        return np.full(ranks.shape[1], np.nan)
    return (holds.astype(ranks.dtype) @ ranks - yes * (yes + 1) / 2) / (yes * no)


def ranks_of(values: Array) -> Array:
    """The ranks (N, U) of each unit's values, from 1; equal values have the mean of theirs."""
    return np.stack([_ranks(np.ascontiguousarray(column)) for column in values.T], axis=1)


def _ranks(values: Array) -> Array:
    order = np.argsort(values)
    ordered = values[order]
    begins = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    found = np.empty(len(values))
    if len(begins) == len(values):
        found[order] = np.arange(1, len(values) + 1)
        return found
    ends = np.append(begins[1:], len(values))
    found[order] = np.repeat((begins + 1 + ends) / 2, ends - begins)
    return found


def strength(areas: Array) -> Array:
    """How well a unit tells a property by its value or by the negative of it: 0.5 to 1."""
    return np.maximum(areas, 1 - areas)
