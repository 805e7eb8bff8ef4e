"""The scores of units of a net that writes, and what the net loses without one of them."""

from __future__ import annotations

from typing import Final

import numpy as np

from rnnviz.analysis.text_properties import PROPERTIES
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
from rnnviz.messages import _
from rnnviz.model_files import StoredModel
from rnnviz.query import Tracer
from rnnviz.tracer.model_cache import cached_model

#: Places that are read, side by side in pieces of PIECE, of which the first WARM_UP give no score:
#: every piece begins with zeros.
PLACES: Final = 20_000
PIECE, WARM_UP = 500, 50


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
    source, text = ("", question.text) if question.text else held_out_text(stored)
    pieces = _Pieces(stored, text)
    if isinstance(question, AblationQuestion):
        return _ablation(stored.model, pieces, question)
    areas = pieces.areas(stored.model, question.layer)
    nets = (stored.untrained(seed).model for seed in range(question.untrained))
    others = [pieces.areas(net, question.layer) for net in nets]
    return PropertyScores(
        source, pieces.places, {name: int(holds.sum()) for name, holds in pieces.holds.items()},
        areas,
        {
            key: np.array([strength(other[key]).max() for other in others])
            for key, own in areas.items()
            if not np.isnan(own).all()
        },
    )  # fmt: skip


class _Pieces:
    """A text in pieces side by side: ids (T, B), and where each property holds, (N)."""

    def __init__(self, stored: StoredModel, text: str) -> None:
        vocabulary = stored.vocabulary
        text = "".join(c for c in text if vocabulary.known(c))[: PLACES + 1]
        piece = min(PIECE, len(text) - 1)
        count = max(0, len(text) - 1) // piece if piece > 0 else 0
        self.warm_up = min(WARM_UP, piece // 4)
        if not count or count * (piece - self.warm_up) < 2 * LEAST:
            raise UsageError(
                _("The text has {count} characters that the net knows, too few.").format(
                    count=len(text)
                )
            )
        self.shape = count, piece
        ids = np.array(vocabulary.encode(text), np.int64)
        self.ids, self.following = self._columns(ids[:-1]), self._columns(ids[1:])
        shown = text[:-1]
        self.holds = {
            name: self._columns(of(shown))[self.warm_up :].ravel()
            for name, of in PROPERTIES.items()
        }

    def _columns(self, a: Array) -> Array:
        count, piece = self.shape
        return a[: count * piece].reshape(count, piece).T

    @property
    def places(self) -> int:
        """N."""
        count, piece = self.shape
        return count * (piece - self.warm_up)

    def areas(self, model: Model, layer: int) -> dict[tuple[str, str], Array]:
        """By state and property: the AUC of each unit."""
        done = model.record(self.ids.copy())
        scans = [
            (scan, model.cell(k))
            for k, layer_scans in enumerate(done.scans)
            for scan in layer_scans
        ]
        scan, cell = scans[layer]
        ranks = {
            state: ranks_of(scan.stack(state)[self.warm_up :].reshape(self.places, -1))
            for state in cell.states
        }
        return {
            (state, name): areas_under_curve(array, holds)
            for state, array in ranks.items()
            for name, holds in self.holds.items()
        }

    def bits(self, model: Model) -> Array:
        """−log₂ of the probability of each next character, (N)."""
        logits = model.logits(self.ids)[self.warm_up :]
        K = logits.shape[-1]
        following = self.following[self.warm_up :].ravel()
        nats = losses.losses("softmax", logits.reshape(-1, K), following)
        found: Array = nats / np.log(2)
        return found


def _ablation(model: Model, pieces: _Pieces, question: AblationQuestion) -> Ablation:
    own, without = pieces.bits(model), pieces.bits(without_unit(model, question.unit))

    def means(at: Array) -> tuple[float, float]:
        return float(own[at].mean()), float(without[at].mean())

    enough = {n: h for n, h in pieces.holds.items() if LEAST <= h.sum() <= len(h) - LEAST}
    return Ablation(
        question.unit,
        (float(own.mean()), float(without.mean())),
        {name: means(holds) for name, holds in enough.items()},
        {name: means(~holds) for name, holds in enough.items()},
    )


def without_unit(model: Model, unit: int) -> Model:
    """A copy in which nothing reads the output h of a unit of the only layer: as if h were 0.

    Its row of the recurrent kernel is zero, and that of the dense layer above.
    """
    if len(model.spec.layers) != 1 or model.spec.layers[0].bidirectional:
        raise UsageError(_("Units are left out of nets with one layer that reads forward."))
    params = {name: array.copy() for name, array in model.params.items()}
    above = "head.dense.0.W" if model.spec.head.dense else "head.W"
    above = "head.hidden.W" if model.spec.head.hidden else above
    for name in ("layers.0.forward.U", above):
        params[name][unit] = 0
    return Model(model.spec, params, model.backend)
