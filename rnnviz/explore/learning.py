"""One sentence read with every snapshot of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from rnnviz.analysis.learning import LONGEST, Learning, LearningQuestion
from rnnviz.arrays import Array
from rnnviz.data.encoders import WordEncoder
from rnnviz.engine import losses
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import shapes
from rnnviz.engine.pass_results import Recording
from rnnviz.errors import InvalidFileError, RnnvizError, UsageError
from rnnviz.explore.interventions import outputs_of, texts_without
from rnnviz.files import size_text
from rnnviz.lookup import SNAPSHOTS, locate
from rnnviz.messages import _
from rnnviz.model_files import StoredModel, read_weights
from rnnviz.query import Tracer
from rnnviz.runs.run import Run
from rnnviz.toy_net import is_toy_net
from rnnviz.trace import frozen
from rnnviz.tracer.clamping import layer_name
from rnnviz.tracer.model_cache import cached_model, modified
from rnnviz.tracer.model_input import PAD, encode
from rnnviz.tracer.prefix_logits import prefix_logits

#: The most bytes that the weights of all snapshots may take in memory. A run stores 20 MB, which
#: are twice as many if they are float16.
ROOM = 50_000_000


def answer(question: LearningQuestion, tracer: Tracer) -> Learning:
    """Read the text with every snapshot.

    UsageError for a model without snapshots, for one that reads no words, and for a text that is
    too long; InvalidFileError if the snapshots are damaged or larger than those of a run.
    """
    name, path = _run_of(question.model)
    snapshots = Run(path).snapshots()
    if not snapshots:
        raise _no_snapshots(question.model)
    steps = tuple(snapshot.step for snapshot in snapshots)
    stored = cached_model(f"{name}@{steps[0]}")
    if not isinstance(stored.encoder, WordEncoder):
        raise UsageError(_("The page of learning is for nets that read words."))
    size = 4 * len(snapshots) * sum(array.size for array in stored.model.params.values())
    if size > ROOM:
        raise InvalidFileError(
            _(
                "The snapshots of {model} take {size} of memory; a run that rnnviz wrote takes at "
                "most {most}."
            ).format(model=name, size=size_text(size), most=size_text(ROOM))
        )
    nets = _nets(stored, tuple((s.path, modified(s.path)) for s in snapshots))
    epochs = tuple(snapshot.epoch for snapshot in snapshots)
    found = learning(replace(stored, name=name), nets, steps, epochs, question.text)
    return replace(found, dtype=min(snapshot.dtype for snapshot in snapshots))


def _run_of(model: str) -> tuple[str, Path]:
    """The name of the run that a model belongs to, and its directory."""
    if is_toy_net(model):
        raise UsageError(_("A net by hand is not trained."))
    record, weights = locate(model)
    if record.name != "spec.json":
        raise _no_snapshots(model)
    path, run = record.parent, model
    if weights.parent.name == SNAPSHOTS:
        run, _at, step = model.rpartition("@")
        if step != weights.stem:  # it is named by its file
            return str(path.absolute()), path
    # "last" may soon be another run.
    return path.name if run == "last" and _is_name_of(path.name, record) else run, path


def _is_name_of(name: str, record: Path) -> bool:
    try:
        return locate(name)[0] == record
    except RnnvizError:
        return False


def _no_snapshots(model: str) -> UsageError:
    return UsageError(
        _(
            "{model} has no snapshots of its training. Train a net that keeps them, and open it: "
            "rnnviz train, then rnnviz step -m last --view learning"
        ).format(model=model)
    )


@lru_cache(maxsize=2)
def _nets(stored: StoredModel, files: tuple[tuple[Path, int], ...]) -> tuple[Model, ...]:
    """The nets of weight files, each with the time at which it was written."""
    wanted = shapes(stored.model.spec)
    return tuple(Model(stored.model.spec, read_weights(path, wanted)) for path, _written in files)


def learning(
    stored: StoredModel, nets: Sequence[Model], steps: Sequence[int], epochs: Sequence[float],
    text: str,
) -> Learning:  # fmt: skip
    """Read a text with each of these nets, which differ from ``stored`` in their weights alone.

    ``stored.name`` is that of the run. One pass of a net reads the text, another one all texts
    without one of its words.
    """
    readings = [replace(stored, model=net) for net in nets]
    tokens = encode(readings[0], text).tokens
    words = len(tokens) - tokens.count(PAD) - (stored.vocabulary.encoding.start is not None)
    if words > LONGEST:
        raise UsageError(
            _("This text has {count:,} words; snapshots read at most {most}.").format(
                count=words, most=LONGEST
            )
        )
    texts = texts_without(stored, text, tokens)
    outputs, values = [], []
    without = np.full((len(nets), len(tokens), len(stored.labels)), np.nan)
    with np.errstate(over="ignore", invalid="ignore"):
        for n, each in enumerate(readings):
            # States after padding depend on the weights, so the text is encoded for each net.
            model_input = encode(each, text)
            recording = each.model.record(model_input.inputs, initial=model_input.initial)
            logits = prefix_logits(each.model, recording, model_input, ())
            outputs.append(losses.label_outputs(each.model.spec.head.kind, logits))
            values.append(_values(each.model, recording))
            without[n, list(texts)] = outputs_of(each, list(texts.values()))
    layers = {
        layer: {name: frozen(np.stack([v[layer][name] for v in values])) for name in names}
        for layer, names in values[0].items()
    }
    return Learning(
        run=stored.name,
        steps=tuple(steps),
        epochs=tuple(epochs),
        tokens=tokens,
        labels=stored.labels,
        outputs=frozen(np.stack(outputs)),
        without=frozen(without),
        values=layers,
    )


def _values(model: Model, recording: Recording) -> Mapping[str, Mapping[str, Array]]:
    """By layer the recorded values (T, H) of one text, without pre-activations."""
    return {
        layer_name(model.spec, k, direction): {
            name: scan.stack(name)[:, 0] for name in scan.names if not name.startswith("a_")
        }
        for k, spec in enumerate(model.spec.layers)
        for direction, scan in zip(spec.directions, recording.scans[k], strict=True)
    }
