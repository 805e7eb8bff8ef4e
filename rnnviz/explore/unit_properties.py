"""The scores of units of a net that writes, and what the net loses without one of them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from rnnviz.analysis.unit_properties import (
    Ablation,
    AblationQuestion,
    PropertyQuestion,
    PropertyScores,
)
from rnnviz.analysis.unit_scores import LEAST, areas_under_curve, ranks_of, strength
from rnnviz.arrays import Array
from rnnviz.engine import losses
from rnnviz.engine.model import Model
from rnnviz.errors import UsageError
from rnnviz.explore.held_out_text import held_out_text
from rnnviz.explore.scored_text import ScoredText, scored_text
from rnnviz.messages import _
from rnnviz.model_files import StoredModel
from rnnviz.query import Tracer
from rnnviz.tracer.model_cache import cached_model

#: By state and property: the AUC of each unit, (H).
Areas = dict[tuple[str, str], Array]


def answer(
    question: PropertyQuestion | AblationQuestion, tracer: Tracer
) -> PropertyScores | Ablation:
    """UsageError for a net that does not write, and a text that is too short."""
    stored = cached_model(question.model)
    if not stored.writes:
        raise UsageError(
            _("{model} gives no next token, so the text says nothing about its units.").format(
                model=stored.name
            )
        )
    source, text = "", question.text
    if text is None:
        source, text = held_out_text(stored)
    if isinstance(question, AblationQuestion):
        return ablation(stored, text, question)
    return property_scores(stored, source, text, question)


def property_scores(
    stored: StoredModel, source: str, text: str, question: PropertyQuestion
) -> PropertyScores:
    """The scores on a text, whose name is ``source``; UsageError for one that is too short."""
    areas = _areas(stored, question.random, text, question.layer)
    read = _read(stored, text)
    seeds = range(question.untrained)
    others = [_areas(stored, seed, text, question.layer) for seed in seeds]
    return PropertyScores(
        source, read.places, {name: int(holds.sum()) for name, holds in read.holds.items()},
        areas,
        {
            key: np.array([strength(other[key]).max() for other in others])
            for key, own in areas.items()
            if not np.isnan(own).all()
        },
    )  # fmt: skip


@lru_cache(maxsize=4)
def _read(stored: StoredModel, text: str) -> ScoredText:
    return scored_text(stored, text)


def _net(stored: StoredModel, random: int | None) -> Model:
    """The trained net, or one with initial weights."""
    return stored.model if random is None else stored.untrained(random).model


@lru_cache(maxsize=64)
def _areas(stored: StoredModel, random: int | None, text: str, layer: int) -> Areas:
    """The scores of one net; a question that goes on from another one asks only for the rest."""
    read, net = _read(stored, text), _net(stored, random)
    done = net.record(read.ids)
    scans = [
        (scan, net.cell(k)) for k, layer_scans in enumerate(done.scans) for scan in layer_scans
    ]
    if not 0 <= layer < len(scans):
        raise UsageError(
            _("There is no layer {layer}: {model} has {count}, counted from 0.").format(
                layer=layer, model=stored.name, count=len(scans)
            )
        )
    scan, cell = scans[layer]
    ranks = {state: ranks_of(scan.stack(state)[read.scored]) for state in cell.states}
    return {
        (state, name): areas_under_curve(array, holds)
        for state, array in ranks.items()
        for name, holds in read.holds.items()
    }


@lru_cache(maxsize=8)
def _bits(stored: StoredModel, random: int | None, text: str) -> Array:
    """The bits of the whole net, which every ablation is compared with."""
    return bits(_net(stored, random), _read(stored, text))


def bits(model: Model, read: ScoredText) -> Array:
    """−log₂ of the probability of each next character, (T, B); 0 where nothing is read."""
    logits = model.logits(read.ids)
    K = logits.shape[-1]
    nats = losses.losses("softmax", logits.reshape(-1, K), read.following.ravel())
    found: Array = np.where(read.read, nats.reshape(read.ids.shape) / np.log(2), 0)
    return found


def ablation(stored: StoredModel, text: str, question: AblationQuestion) -> Ablation:
    """The loss on a text with and without a unit; UsageError for a text that is too short."""
    read, net = _read(stored, text), _net(stored, question.random)
    without = bits(without_unit(net, question.unit, question.layer), read)
    own = _bits(stored, question.random, text)
    scored = own[read.scored], without[read.scored]

    def means(at: Array) -> tuple[float, float]:
        return float(scored[0][at].mean()), float(scored[1][at].mean())

    enough = {n: h for n, h in read.holds.items() if LEAST <= h.sum() <= len(h) - LEAST}
    return Ablation(
        question.unit,
        (float(own[read.read].mean()), float(without[read.read].mean())),
        {name: means(holds) for name, holds in enough.items()},
        {name: means(~holds) for name, holds in enough.items()},
    )


def check_unit(unit: int, count: int) -> None:
    """UsageError for a unit that a layer of so many does not have."""
    if not 0 <= unit < count:
        raise UsageError(
            _("There is no unit {unit}: the layer has {count}, counted from 0.").format(
                unit=unit, count=count
            )
        )


def without_unit(model: Model, unit: int, layer: int = 0) -> Model:
    """A copy in which nothing reads the output h of a unit: as if h were 0.

    Its row of the recurrent kernel is zero, and that of the layer above. UsageError for a unit that
    is not there, and for a net with two directions.
    """
    layers, head = model.spec.layers, model.spec.head
    if any(each.bidirectional for each in layers):
        raise UsageError(_("Units are left out of nets that read in one direction."))
    params = {name: array.copy() for name, array in model.params.items()}
    names = [f"layers.{k}.{each.directions[0]}" for k, each in enumerate(layers)]
    own, above = [*names, *(name for name, _dense in head.below), "head"][layer : layer + 2]
    check_unit(unit, len(params[f"{above}.W"]))
    for name in (f"{own}.U", f"{above}.W"):
        params[name][unit] = 0
    return Model(model.spec, params, model.backend)
