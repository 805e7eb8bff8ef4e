"""Mini-batch training as a generator: take events as long as you like, stop when you like."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from itertools import chain, islice
from typing import Any, Protocol

import numpy as np

from rnnviz.arrays import Array, Values, contiguous
from rnnviz.data.batches import Batch, Examples, with_unknowns
from rnnviz.engine import losses, memory
from rnnviz.engine.model import Model
from rnnviz.engine.optimizers import Optimizer, clip_by_norm
from rnnviz.engine.spec import FitSpec, HeadKind
from rnnviz.errors import RnnvizError
from rnnviz.training.events import Epoch, Evaluation, Step
from rnnviz.training.on_device import DeviceExamples
from rnnviz.training.state import Progress, State
from rnnviz.training.step_result import StepResult, layer_norms

#: The examples of an epoch (from 1), drawn with the run's generator.
Draw = Callable[[int, np.random.Generator], Examples]

#: Examples in a batch when nothing is learnt.
EVALUATED = 256


def fit(
    model: Model, draw: Draw, valid: Examples, spec: FitSpec, state: State | None = None
) -> Iterator[Step | Evaluation | Epoch]:
    """Train ``model`` in place: a Step a batch, Evaluations while validating, an Epoch an epoch.

    ``state`` is kept up to date at every event: packed there, and given to another ``fit`` with
    the same data and spec, it gives the same numbers as if nothing had been interrupted. Without
    one the training starts afresh. An epoch is better only if strictly so (of equals the first
    stays, as in Keras). A model on a card is trained there: its Steps come some at a time.
    RnnvizError, with epoch, batch and layer, if a number stops being finite; that update is not
    made.
    """
    if spec.monitor == "accuracy" and model.spec.head.kind == "linear":
        raise ValueError("a linear head has no accuracy: FitSpec.monitor must be 'loss'")
    if state is None:
        state = State.fresh(model.params, spec)
    memory.keep()
    state.move(model.backend)
    state.put_into(model)
    places = DeviceExamples(model.backend)
    valid = places.of(valid)
    while not over(state.progress, spec):
        yield from _epoch(model, lambda n, rng: places.latest(draw(n, rng)), valid, spec, state)


def over(at: Progress, spec: FitSpec) -> bool:
    """Whether all epochs are trained, or patience is at its end."""
    return at.epoch > spec.epochs or (spec.patience is not None and at.since_best >= spec.patience)


def _epoch(
    model: Model, draw: Draw, valid: Examples, spec: FitSpec, state: State
) -> Iterator[Step | Evaluation | Epoch]:
    at, began = state.progress, time.perf_counter()

    def tick() -> None:
        # What the caller does between two events is not training.
        nonlocal began
        now = time.perf_counter()
        at.epoch_seconds, began = at.epoch_seconds + now - began, now

    examples, batches = _begun(draw, spec, state)
    count = -(-len(examples) // spec.batch_size)
    at.batches = at.batches or count
    learner = _learner(model, spec, state)
    for batch in chain(batches, (None,)):
        if batch is None:
            ready = learner.rest()
        else:
            state.optimizer.rate = _rate(spec, at.step, at.batches * spec.epochs)
            ready = learner.learn(batch)
            for n, learnt in enumerate(ready, at.batch + 2 - len(ready)):
                if learnt.fault:
                    raise _diverged(at.epoch, n, learnt.fault)
            at.step, at.batch = at.step + 1, at.batch + 1
            if state.averaged is not None:
                decay = min(spec.average or 0, (1 + at.step) / (10 + at.step))
                _follow(state.averaged, model.params, decay)
        for learnt in ready:
            _add(at.sums, {"loss": learnt.loss * learnt.examples, "metric": learnt.metric})
            _add(at.norms, learnt.norms)
        tick()
        for n, learnt in enumerate(ready, at.batch + 1 - len(ready)):
            size = learnt.examples
            yield Step(at.epoch, spec.epochs, n, count, learnt.loss, size, learnt.norms)
        began = time.perf_counter()
    kept = Model(model.spec, state.kept, model.backend)
    evaluated = evaluation(kept, valid)
    while True:
        try:
            moment = next(evaluated)
        except StopIteration as end:
            scores: dict[str, float] = end.value
            break
        tick()
        yield moment
        began = time.perf_counter()
    if not np.isfinite(scores["loss"]):
        raise _diverged(at.epoch, at.batch, "the validation loss")
    tick()
    yield _closed(model.spec.head.kind, spec, state, scores, len(examples))


class _Learner(Protocol):
    """Makes updates, and says what they saw; not always at once."""

    def learn(self, batch: Batch) -> list[StepResult]:
        """One update; what is known of it and of those before it that was not said yet."""

    def rest(self) -> list[StepResult]:
        """What was not said yet."""


class _AtOnce:
    """On the host every update is known when it is made."""

    def __init__(self, *given: Any) -> None:
        self._given = given

    def learn(self, batch: Batch) -> list[StepResult]:
        model, optimizer, spec, rng = self._given
        return [learn(model, optimizer, batch, spec, rng)]

    def rest(self) -> list[StepResult]:
        return []


def _learner(model: Model, spec: FitSpec, state: State) -> _Learner:
    if model.backend.on_host:
        return _AtOnce(model, state.optimizer, spec, state.rng)
    from rnnviz.training.cuda import Steps

    return Steps(model, state.optimizer, spec, state.rng)


def _begun(draw: Draw, spec: FitSpec, state: State) -> tuple[Examples, Iterator[Batch]]:
    """The epoch's examples and the batches still to come.

    In the middle of an epoch its examples are drawn again as they were, the batches done are
    skipped, and the generator is set to where it was.
    """
    at, rng = state.progress, state.rng
    now = rng.bit_generator.state
    if at.batch:
        rng.bit_generator.state = state.drawn
    else:
        state.drawn = dict(now)
        at.sums, at.norms, at.epoch_seconds = {}, {}, 0.0
    examples = draw(at.epoch, rng)
    batches = examples.batches(spec.batch_size, rng)
    if at.batch:
        batches = islice(batches, at.batch, None)
        first = next(batches, None)
        rng.bit_generator.state = now
        batches = iter(()) if first is None else _after(first, batches)
    return examples, batches


def _after(first: Batch, rest: Iterator[Batch]) -> Iterator[Batch]:
    yield first
    yield from rest


def _closed(
    kind: HeadKind, spec: FitSpec, state: State, scores: Mapping[str, float], examples: int
) -> Epoch:
    """The epoch as an event; the state moves on to the next one."""
    at = state.progress
    train = _metrics(kind, at.sums, examples)
    norms = {name: total / at.batch for name, total in at.norms.items()}
    value, number = scores[spec.monitor], at.epoch
    higher = spec.monitor == "accuracy"
    better = at.best is None or (value > at.best if higher else value < at.best)
    if better:
        at.best, at.best_epoch, at.since_best = value, number, 0
    else:
        at.since_best += 1
    seconds = at.epoch_seconds
    at.seconds += seconds
    at.epoch, at.batch, at.epoch_seconds, at.sums, at.norms = number + 1, 0, 0.0, {}, {}
    state.drawn = dict(state.rng.bit_generator.state)
    copy = state.copied()
    return Epoch(number, spec.epochs, train, scores, seconds, copy, norms, better)


def _diverged(epoch: int, batch: int, what: str) -> RnnvizError:
    return RnnvizError(
        f"The training left the numbers at epoch {epoch}, batch {batch}: {what} is not finite. "
        "Try another --seed or fewer --units, or give the recipe a smaller rate or a clip."
    )


def _rate(spec: FitSpec, step: int, total: int) -> float:
    rate = spec.rate
    if spec.final_rate is not None:
        share = min(step / max(total, 1), 1.0)
        rate = spec.final_rate + (spec.rate - spec.final_rate) * (1 + np.cos(np.pi * share)) / 2
    return float(rate * min(1.0, (step + 1) / spec.warmup) if spec.warmup else rate)


def learn(
    model: Model, optimizer: Optimizer, batch: Batch, spec: FitSpec, rng: np.random.Generator
) -> StepResult:
    """One step of training: forward, backward, update. Nothing is updated if it is not finite."""
    inputs, y, weight = batch
    if spec.token_dropout:
        inputs = with_unknowns(inputs, spec.token_dropout, rng)
    kind = model.spec.head.kind
    # Overflow is looked for below, and said with its place.
    with np.errstate(over="ignore", invalid="ignore"):
        done = model.forward(contiguous(inputs), rng)
        d_logits = losses.d_logits(kind, done.logits, y) * (weight / len(y))[:, None]
        grads, words = model.gradients_by_word(done, d_logits)
        loss = float((losses.losses(kind, done.logits, y) * weight).mean())
        metric = float(losses.metric(kind, done.logits, y))
        every = grads if words is None else {**grads, "embedding": words.rows}
        learnt = StepResult(loss, metric, layer_norms(every), len(y))
        if not learnt.fault:
            if spec.clip is not None:
                clip_by_norm(every, spec.clip)
            optimizer.step(model.params, grads)
            if words is not None:
                model.backend.step_rows(optimizer, "embedding", model.params["embedding"], words)
    return learnt


def _follow(averaged: Values, params: Values, decay: float) -> None:
    for name, a in averaged.items():
        a += a.dtype.type(1 - decay) * (params[name] - a)


def _add(sums: dict[str, float], values: Mapping[str, float]) -> None:
    for name, value in values.items():
        sums[name] = sums.get(name, 0.0) + value


def _metrics(kind: HeadKind, sums: Mapping[str, float], examples: int) -> dict[str, float]:
    name = "mae" if kind == "linear" else "accuracy"
    return {"loss": sums["loss"] / examples, name: sums["metric"] / examples}


def evaluate(model: Model, examples: Examples, batch_size: int = EVALUATED) -> dict[str, float]:
    """Mean "loss" and "accuracy" (classes) or "mae" (numbers; its loss is the same), no dropout."""
    evaluated = evaluation(model, examples, batch_size)
    while True:
        try:
            next(evaluated)
        except StopIteration as end:
            scores: dict[str, float] = end.value
            return scores


def evaluation(
    model: Model, examples: Examples, batch_size: int = EVALUATED, of: str = "validation"
) -> Generator[Evaluation, None, dict[str, float]]:
    """``evaluate`` that can be left between two batches."""
    kind, count = model.spec.head.kind, -(-len(examples) // batch_size)
    found: list[Array] = []  # of each batch the sums of loss and metric, where they were made
    placed = DeviceExamples(model.backend).of(examples)
    for done, (inputs, y, _) in enumerate(placed.batches(batch_size), 1):
        said = model.logits(contiguous(inputs))
        found += [losses.losses(kind, said, y).sum(), losses.metric(kind, said, y)]
        yield Evaluation(done, count, of)
    numbers = model.backend.floats(found)
    sums = {"loss": sum(numbers[::2]), "metric": sum(numbers[1::2])}
    return _metrics(kind, sums, len(examples))
