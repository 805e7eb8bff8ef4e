"""Relabelling: two larger nets that estimate the sentiment of single sentences of reviews.

They are trained on the SST-2 phrases and on sentences with the label of their review. Their mean
logit, shifted by the review's label, is the soft label of a sentence in the sentiment recipes.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from rnnviz.arrays import Array
from rnnviz.data.batches import Texts
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise, shapes
from rnnviz.engine.spec import EmbeddingSpec, FitSpec, HeadSpec, ModelSpec, RecurrentSpec
from rnnviz.errors import InvalidFileError, system_reason
from rnnviz.files import write_atomically
from rnnviz.messages import _
from rnnviz.model_files import pack, read_weights
from rnnviz.progress import Epoch
from rnnviz.recipes.text_pools import concatenate, sample
from rnnviz.training.fit import fit
from rnnviz.training.state import State
from rnnviz.version import VERSION

CELLS = ("gru", "lstm")
#: Sentences with their review's label in an epoch, beside all phrases.
SENTENCES = 100_000
_BATCH = 512


def relabelling_fit(base: FitSpec) -> FitSpec:
    """How the relabelling nets are trained."""
    return replace(base, epochs=5, token_dropout=0.1, seed=7)


def _spec(cell: str, V: int) -> ModelSpec:
    return ModelSpec(
        EmbeddingSpec(V, 64, dropout=0.5),
        (RecurrentSpec(cell, 64),),
        HeadSpec("sigmoid", 1, dropout=0.4),
    )


def relabelling_net(
    cell: str,
    vocabulary: Vocabulary,
    phrases: Texts,
    weak: Texts,
    valid: Texts,
    hashes: Mapping[str, str],
    fit_spec: FitSpec,
    say: Callable[[str], None],
) -> Model:
    """A net trained on ``phrases`` and on ``weak``, sentences with the label of their review.

    It is cached in the user's cache folder, because all sentiment recipes need the same two nets.
    ``hashes`` are those of the data files by name, ``say`` reports progress.
    """
    spec = _spec(cell, len(vocabulary))
    path = _cache_path(spec, fit_spec, vocabulary, hashes, (*phrases.ids, *weak.ids))
    if path.is_file():
        try:
            cached = Model(spec, read_weights(path, shapes(spec)))
        except InvalidFileError:
            say(
                _("relabelling net {cell}(64): {path} is damaged, it is trained anew").format(
                    cell=cell, path=path
                )
            )
        else:
            say(_("relabelling net {cell}(64): from {path}").format(cell=cell, path=path))
            return cached
    model = Model(spec, initialise(spec, fit_spec.seed))

    def draw(epoch: int, rng: np.random.Generator) -> Texts:
        return concatenate([phrases, sample(weak, SENTENCES, rng)])

    state = State.fresh(model.params, fit_spec)
    for event in fit(model, draw, valid, fit_spec, state):
        if isinstance(event, Epoch):
            say(
                _(
                    "relabelling net {cell}(64), epoch {epoch}/{epochs}: "
                    "validation accuracy {accuracy:.4f}, {seconds:.0f} s"
                ).format(
                    cell=cell,
                    epoch=event.number,
                    epochs=fit_spec.epochs,
                    accuracy=event.valid["accuracy"],
                    seconds=event.seconds,
                )
            )
    model = Model(spec, state.copy_eval_params())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, pack(model.params))
    except OSError as error:  # the next training trains the net again
        say(
            _("relabelling net {cell}(64): not cached in {folder}: {reason}").format(
                cell=cell, folder=path.parent, reason=system_reason(error)
            )
        )
    return model


def _cache_path(
    spec: ModelSpec,
    fit_spec: FitSpec,
    vocabulary: Vocabulary,
    hashes: Mapping[str, str],
    ids: Iterable[Sequence[int]],
) -> Path:
    """A file for each combination of net, fit, data files and encoded texts."""
    import platformdirs

    texts = hashlib.sha256("\n".join(vocabulary.words).encode())
    for row in ids:
        texts.update(array("i", (len(row), *row)))
    files = sorted(hashes.items())
    key = repr((spec, fit_spec, SENTENCES, files, texts.hexdigest(), VERSION))
    name = hashlib.sha256(key.encode()).hexdigest()[:16]
    return Path(platformdirs.user_cache_dir("rnnviz")) / f"relabel-{name}.safetensors"


def mean_logits(nets: Sequence[Model], texts: Sequence[Sequence[int]]) -> Array:
    """The mean logit of the nets for each of N texts of ids, (N)."""
    # Batches keep this order, longest first.
    order = np.argsort([-len(ids) for ids in texts], kind="stable")
    ordered = Texts([texts[int(n)] for n in order], np.zeros(len(texts), np.float32))
    means = np.empty(len(texts), np.float32)
    at = 0
    for ids, _y, _lengths in ordered.batches(_BATCH):
        logits = [net.logits(ids)[:, 0] for net in nets]
        means[order[at : at + ids.shape[1]]] = np.mean(logits, axis=0)
        at += ids.shape[1]
    return means
