"""The epochs of a model's training, from its record or from the history of its run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rnnviz.analysis.training_history import TrainingHistory, TrainingHistoryQuestion
from rnnviz.errors import UsageError
from rnnviz.files import invalid_file_on_error, read_json
from rnnviz.lookup import is_run, locate
from rnnviz.messages import _
from rnnviz.progress import Epoch, net_writes
from rnnviz.query import Tracer
from rnnviz.runs.history import read_history
from rnnviz.toy_net import is_toy_net


def answer(question: TrainingHistoryQuestion, tracer: Tracer) -> TrainingHistory:
    """Read the history; UsageError for a net that was not trained here."""
    if is_toy_net(question.model):
        raise UsageError(_("A net by hand is not trained."))
    path, weights = locate(question.model)
    if path == weights:  # a file of another framework
        raise UsageError(_("{model} has no record of its training.").format(model=question.model))
    with invalid_file_on_error(path, _("model")):
        record: Mapping[str, Any] = read_json(path)
        training = record.get("training", {})
        if is_run(path.parent):
            epochs = read_history(path.with_name("history.jsonl"))
        else:
            epochs = [Epoch.from_json(line) for line in training.get("history", [])]
        metric, published = record.get("metric") or {}, record.get("published") or {}
        if net_writes(record.get("config")):
            epochs = [epoch.with_bits() for epoch in epochs]
            metric, published = {"name": "bits", "better": "low"}, {}
        comparable = published.get("of", "validation") == "validation"
        history = TrainingHistory(
            tuple(epochs),
            str(metric.get("name", "loss")),
            "high" if metric.get("better") == "high" else "low",
            record.get("metrics", {}).get("epoch"),
            published.get("value") if comparable else None,
            str(training.get("command", "")),
        )
    if not history.epochs:
        raise UsageError(_("{model} has no record of its training.").format(model=question.model))
    return history
