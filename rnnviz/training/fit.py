"""Mini-batch training as a generator: take events as long as you like, stop when you like."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.data.batches import Examples, batches, with_unknowns
from rnnviz.engine import losses
from rnnviz.engine.model import Model
from rnnviz.engine.optimizers import OPTIMIZERS, Optimizer, clip_by_norm
from rnnviz.engine.spec import FitSpec
from rnnviz.errors import RnnvizError
from rnnviz.training.events import Epoch, Step

#: The examples of an epoch (from 1), drawn with the run's generator.
Draw = Callable[[int, np.random.Generator], Examples]


def fit(model: Model, draw: Draw, valid: Examples, spec: FitSpec) -> Iterator[Step | Epoch]:
    """Train ``model`` in place; yields a Step a batch and an Epoch an epoch.

    RnnvizError, with the epoch and batch named, if the loss stops being a number.
    """
    rng = np.random.default_rng(spec.seed)
    optimizer: Optimizer = OPTIMIZERS[spec.optimizer](spec.rate)
    averaged = {n: a.copy() for n, a in model.params.items()} if spec.average else None
    step, total = 0, 0
    for number in range(1, spec.epochs + 1):
        began = time.perf_counter()
        examples = draw(number, rng)
        count = -(-len(examples) // spec.batch_size)
        total = total or count * spec.epochs
        loss_sum = right = 0.0
        for batch, (ids, y, w) in enumerate(batches(examples, spec.batch_size, rng), 1):
            optimizer.rate = _rate(spec, step, total)
            loss, hits = _learn(model, optimizer, (ids, y, w), spec, rng)
            step += 1
            if not np.isfinite(loss):
                raise RnnvizError(
                    f"The loss stopped being a number at epoch {number}, batch {batch}. "
                    "Try a smaller rate, or clip the gradients."
                )
            if averaged is not None:
                _follow(averaged, model.params, min(spec.average or 0, (1 + step) / (10 + step)))
            loss_sum, right = loss_sum + loss * len(y), right + hits
            yield Step(number, spec.epochs, batch, count, loss)
        kept = model.params if averaged is None else averaged
        train = {"loss": loss_sum / len(examples), "accuracy": right / len(examples)}
        scores = evaluate(Model(model.spec, kept), valid)
        copy = {name: a.copy() for name, a in kept.items()}
        yield Epoch(number, spec.epochs, train, scores, time.perf_counter() - began, copy)


def _rate(spec: FitSpec, step: int, total: int) -> float:
    rate = spec.rate
    if spec.final_rate is not None:
        share = min(step / max(total, 1), 1.0)
        rate = spec.final_rate + (spec.rate - spec.final_rate) * (1 + np.cos(np.pi * share)) / 2
    return float(rate * min(1.0, (step + 1) / spec.warmup) if spec.warmup else rate)


def _learn(
    model: Model,
    optimizer: Optimizer,
    batch: tuple[Array, Array, Array],
    spec: FitSpec,
    rng: np.random.Generator,
) -> tuple[float, float]:
    """One update; the batch's mean loss and its number of right answers."""
    ids, y, weight = batch
    if spec.token_dropout:
        ids = with_unknowns(ids, spec.token_dropout, rng)
    kind = model.spec.head.kind
    done = model.forward(ids, rng)
    d = losses.d_logits(kind, done.logits, y) * (weight / len(y))[:, None]
    grads = model.gradients(done, d)
    if spec.clip is not None:
        clip_by_norm(grads, spec.clip)
    optimizer.step(model.params, grads)
    loss = float((losses.losses(kind, done.logits, y) * weight).mean())
    return loss, float(losses.correct(kind, done.logits, y).sum())


def _follow(averaged: Values, params: Values, decay: float) -> None:
    for name, a in averaged.items():
        a += np.asarray(1 - decay, a.dtype) * (params[name] - a)


def evaluate(model: Model, examples: Examples, batch_size: int = 256) -> dict[str, float]:
    """Mean loss and accuracy, dropout off."""
    kind, loss, right = model.spec.head.kind, 0.0, 0.0
    for ids, y, _ in batches(examples, batch_size):
        logits = model.forward(ids).logits
        loss += float(losses.losses(kind, logits, y).sum())
        right += float(losses.correct(kind, logits, y).sum())
    return {"loss": loss / len(examples), "accuracy": right / len(examples)}
