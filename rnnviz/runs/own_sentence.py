"""The sentence of a run, read again with its current weights while it trains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Values
from rnnviz.data.encoders import WordEncoder
from rnnviz.engine.losses import label_outputs
from rnnviz.engine.model import Model
from rnnviz.engine.spec import ModelSpec
from rnnviz.errors import UsageError
from rnnviz.messages import _
from rnnviz.model_files import StoredModel
from rnnviz.progress import Epoch, SentenceReading
from rnnviz.recipes import Task
from rnnviz.tracer.model_input import ModelInput, encode
from rnnviz.tracer.prefix_logits import prefix_logits
from rnnviz.training.state import Progress

#: Longer sentences are not read: a net that reads backwards reads every beginning by itself.
MAX_TOKENS = 200


@dataclass(frozen=True, eq=False)
class SentenceReader:
    """Reads one sentence with any weights of a net, on the host."""

    spec: ModelSpec
    task: Task
    text: str

    def read(
        self, params: Values, progress: Progress, epoch: Epoch | None = None
    ) -> SentenceReading:
        """The prediction after each word, with these weights (host arrays).

        ``epoch`` is the one that has just ended, of ``progress.batches`` batches.
        """
        stored = self._stored(params)
        with np.errstate(over="ignore", invalid="ignore"):
            model_input = encode(stored, self.text)
            recording = stored.model.record(model_input.inputs, initial=model_input.initial)
            logits = prefix_logits(stored.model, recording, model_input, ())
            outputs = label_outputs(self.spec.head.kind, logits)
        number, batch = progress.epoch, progress.batch
        if epoch is not None:
            number, batch = epoch.number, progress.batches
        rows = tuple(tuple(row) for row in outputs.tolist())
        return SentenceReading(progress.step, number, batch, self.text, model_input.tokens, rows)

    def encoded(self, params: Values) -> ModelInput:
        """The sentence as the net reads it; UsageError if there is no word in it."""
        return encode(self._stored(params), self.text)

    def _stored(self, params: Values) -> StoredModel:
        task = self.task
        return StoredModel("run", Model(self.spec, params), task.encoder, task.labels, {})


def sentence_reader(
    spec: ModelSpec, task: Task, params: Values, text: str, given: str | None
) -> SentenceReader | None:
    """The reader of a run's sentence; None for a net that reads no words.

    ``given`` is the sentence that the user asked for: UsageError if it cannot be read. Any other
    sentence that cannot be read is left out.
    """
    if not isinstance(task.encoder, WordEncoder):
        return None
    reader = SentenceReader(spec, task, text)
    try:
        count = len(reader.encoded(params).tokens)
    except UsageError:
        if given is not None:
            raise
        return None
    if count <= MAX_TOKENS:
        return reader
    if given is not None:
        raise UsageError(
            _("--sentence has {count:,} words; it may have at most {most}.").format(
                count=count, most=MAX_TOKENS
            )
        )
    return None
