"""A model with its vocabulary or scaling, labels and record."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rnnviz.arrays import Array
from rnnviz.data.batches import pad_sequences
from rnnviz.data.encoders import Encoder, WordEncoder
from rnnviz.data.one_hot import OneHot
from rnnviz.data.series import Scaling
from rnnviz.data.token_ids import TokenIds
from rnnviz.data.vectors import Vectors
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.engine.device import choose_for_predictions
from rnnviz.engine.losses import with_other_class
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise, recurrent_size
from rnnviz.engine.spec import EmbeddingSpec
from rnnviz.errors import UsageError, shortened
from rnnviz.messages import N_, _
from rnnviz.model_files.bugs import BUGS, Bug

#: Texts that are predicted together: enough to fill a matrix product, few enough for memory.
_BATCH = 256
#: The name of a net with initial weights.
_UNTRAINED = "{} (untrained, seed {})"


def seeded(name: str) -> tuple[str, int | None]:
    """Split the name of an untrained model into model and seed; the seed is None for others."""
    shape = re.escape(_UNTRAINED).replace(r"\{\}", "(.+)")
    found = re.fullmatch(shape, name)
    if found is None or not found[2].isdecimal():
        return name, None
    return found[1], int(found[2])


@dataclass(frozen=True, eq=False)
class StoredModel:
    """A model with everything needed to use it."""

    name: str
    model: Model
    encoder: Encoder  # converts a text or a series to its input
    labels: tuple[str, ...]
    record: Mapping[str, Any]  # the JSON: training, metrics, versions, licence note ...
    weights_path: Path | None = None
    bug: Bug | None = None  # of a copy that has one

    @property
    def vocabulary(self) -> WordEncoder:
        """Its vocabulary; UsageError for a model that reads a series or vectors."""
        if isinstance(self.encoder, Scaling):
            raise UsageError(
                _(
                    "{model} reads a series ({count} measurements a step), not text. "
                    "Models of text: rnnviz models"
                ).format(model=self.name, count=len(self.encoder))
            )
        if not isinstance(self.encoder, WordEncoder):
            raise UsageError(
                _(
                    "{model} reads vectors ({count} numbers a step), not ids of "
                    "words. Models of text: rnnviz models"
                ).format(model=self.name, count=len(self.encoder))
            )
        return self.encoder

    @property
    def reads_ids(self) -> bool:
        """Whether it has an embedding, whose rows are words; else it reads numbers."""
        return isinstance(self.encoder, WordEncoder)

    @property
    def writes(self) -> bool:
        """Whether its output at every step is a probability of each next token."""
        head = self.model.spec.head
        tokens = isinstance(self.encoder, Vocabulary) and self.labels == self.encoder.words
        return tokens and head.reads == "steps" and head.kind == "softmax"

    @property
    def text_form(self) -> str:
        """What its texts are: "words" (a series, too), "ids", or "vectors"."""
        if isinstance(self.encoder, TokenIds):
            return "ids"
        return "vectors" if isinstance(self.encoder, Vectors | OneHot) else "words"

    @property
    def is_foreign(self) -> bool:
        """Whether it was read from a file of another framework itself, not from rnnviz's."""
        return "imported" in self.record and "weights_sha256" not in self.record

    @property
    def masks(self) -> bool:
        """Whether it masks its padding."""
        source = self.model.spec.source
        return isinstance(source, EmbeddingSpec) and source.mask_zero

    @property
    def about(self) -> str:
        """What it was trained on, for the title line."""
        return str(self.record.get("trained_on", ""))

    @property
    def notes(self) -> list[str]:
        """What its recipe says about it: what it gets wrong, and the like."""
        return list(self.record.get("notes", ()))

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the file of another framework does not say and was assumed; () for other nets."""
        return assumption_texts(self.record.get("imported"))

    @property
    def example(self) -> str:
        """The sentence to step through when none is given."""
        if "example" not in self.record and isinstance(self.encoder, TokenIds | Vectors):
            return self.encoder.example
        return str(self.record.get("example", "this movie was not good"))

    def tokenize(self, text: str) -> list[str]:
        """The tokens of the text in this model's vocabulary."""
        return self.vocabulary.tokenize(text)

    def untrained(self, seed: int) -> StoredModel:
        """The same net with initial weights, named "NAME (untrained, seed SEED)"."""
        params = initialise(self.model.spec, seed)
        params = params if self.bug is None else self.bug.params(params)
        model = Model(self.model.spec, params)
        record = {**self.record, "trained_on": f"nothing (seed {seed})", "metrics": {}}
        name = _UNTRAINED.format(self.name, seed)
        return StoredModel(name, model, self.encoder, self.labels, record, bug=self.bug)

    def buggy_copy(self, name: str) -> StoredModel:
        """A copy of this model with the bug of that name in ``BUGS``."""
        bug = BUGS[name]
        assert isinstance(self.vocabulary, Vocabulary), "copies with a bug are of shipped models"
        model = Model(bug.spec(self.model.spec), bug.params(self.model.params))
        encoder = bug.vocabulary(self.vocabulary)
        record = {**self.record, "trained_on": f"{self.name}, copy with a bug", "metrics": {}}
        return StoredModel(name, model, encoder, self.labels, record, self.weights_path, bug)

    def predict(self, texts: Sequence[str]) -> Array:
        """(N, K) probabilities of each label for each text, pad_sequences as in training.

        UsageError for one text instead of a list of them.
        """
        if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
            raise UsageError(
                _('predict() takes a list of texts: model.predict(["good", "not good"])')
            )
        if not texts:
            return np.zeros((0, len(self.labels)), np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            return self._predicted(texts)

    def model_for(self, tokens: int) -> Model:
        """The same model on the backend that is the quickest for so many tokens."""
        model = self.model
        backend = choose_for_predictions(tokens * recurrent_size(model.spec))
        if backend is model.backend:
            return model
        quick = Model(model.spec, model.params, backend)
        try:
            quick.predict(np.ones((1, 1), np.int64))
        except Exception:  # compilers fail in many ways, and NumPy works without them
            return model
        return quick

    def _predicted(self, texts: Sequence[str]) -> Array:
        if isinstance(self.encoder, Vectors | OneHot):
            each = [self.encoder.read(text)[-1][:, None] for text in texts]
            return self._classes(np.concatenate([self.model.predict(x) for x in each]))
        vocabulary = self.vocabulary
        length, padding = vocabulary.encoding.length, vocabulary.encoding.padding
        ids = [vocabulary.read(text)[1] or self._no_words(text) for text in texts]
        if self.masks or length is not None:
            model, batches = self.model_for(sum(map(len, ids))), range(0, len(ids), _BATCH)
            found = np.concatenate([
                model.predict(pad_sequences(ids[at : at + _BATCH], length, padding))
                for at in batches
            ])  # fmt: skip
        else:  # without mask or fixed length: texts of a batch must not change each other
            found = np.concatenate([self.model.predict(pad_sequences([row])) for row in ids])
        return self._classes(found)

    def _no_words(self, text: str) -> list[int]:
        """What a text without words is read as; UsageError where there is no unknown word."""
        unknown = self.vocabulary.encoding.unknown
        if unknown is None:
            raise UsageError(
                _("No word of {text!r} is in the vocabulary.").format(text=shortened(text, 60))
            )
        return [unknown]

    def _classes(self, found: Array) -> Array:
        """A probability for each label: of one logit, those of both classes."""
        return with_other_class(found) if self.model.spec.head.is_binary else found


def assumption_texts(imported: Any) -> tuple[str, ...]:
    """The assumptions in the field "imported" of a model's JSON, each with its option."""
    listed = imported.get("assumptions") if isinstance(imported, dict) else None
    return tuple(
        N_("{what}: {value} ({reason}). Otherwise: {option}").format(
            **{name: each.get(name, "") for name in ("what", "value", "reason", "option")}
        )
        for each in (listed if isinstance(listed, list) else ())
        if isinstance(each, dict)
    )
