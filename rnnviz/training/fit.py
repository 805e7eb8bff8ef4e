"""Mini-batch training as a generator: take events as long as you like, stop when you like."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.data.batches import Batch, Examples, with_unknowns
from rnnviz.engine import losses
from rnnviz.engine.fast import memory
from rnnviz.engine.model import Model
from rnnviz.engine.optimizers import Optimizer, clip_by_norm
from rnnviz.engine.spec import FitSpec, HeadKind
from rnnviz.errors import RnnvizError
from rnnviz.training.events import Epoch, Evaluation, Note, Step
from rnnviz.training.halves import Compute, Halves, Whole, logits
from rnnviz.training.state import Progress, State

#: The examples of an epoch (from 1), drawn with the run's generator.
Draw = Callable[[int, np.random.Generator], Examples]

#: Examples in a batch when nothing is learnt.
EVALUATED = 256


@dataclass(frozen=True)
class Learnt:
    """What one update saw: the batch's mean loss, the sum of its metric, gradient norms."""

    loss: float
    metric: float  # right answers for classes, absolute errors for numbers
    norms: Mapping[str, float]  # by layer, before clipping

    @property
    def fault(self) -> str:
        """What is not finite; "" if everything is."""
        wrong = [f"the gradient of {name}" for name, n in self.norms.items() if not np.isfinite(n)]
        if not np.isfinite(self.loss):
            wrong.insert(0, "the loss")
        return ", ".join(wrong)


def fit(
    model: Model, draw: Draw, valid: Examples, spec: FitSpec, state: State | None = None,
    halves: Halves | None = None,
) -> Iterator[Step | Evaluation | Epoch | Note]:  # fmt: skip
    """Train ``model`` in place: a Step a batch, Evaluations while validating, an Epoch an epoch.

    ``state`` is kept up to date at every event: packed there, and given to another ``fit`` with
    the same data and spec, it gives the same numbers as if nothing had been interrupted. Without
    one the training starts afresh. An epoch is better only if strictly so (of equals the first
    stays, as in Keras). Where ``spec`` says that a batch is computed in two parts, ``halves`` may
    have a second process for them; a Note says when that is lost. RnnvizError, with epoch, batch
    and layer, if a number stops being finite; that update is not made.
    """
    if spec.monitor == "accuracy" and model.spec.head.kind == "linear":
        raise ValueError("a linear head has no accuracy: FitSpec.monitor must be 'loss'")
    if state is None:
        state = State.fresh(model.params, spec)
    memory.keep()
    state.put_into(model)
    halves = (halves or Halves()) if spec.parts == 2 else None
    while not over(state.progress, spec):
        yield from _epoch(model, draw, valid, spec, state, halves)


def over(at: Progress, spec: FitSpec) -> bool:
    """Whether all epochs are trained, or patience is at its end."""
    return at.epoch > spec.epochs or (spec.patience is not None and at.since_best >= spec.patience)


def _epoch(
    model: Model, draw: Draw, valid: Examples, spec: FitSpec, state: State, halves: Halves | None
) -> Iterator[Step | Evaluation | Epoch | Note]:
    at, began = state.progress, time.perf_counter()

    def tick() -> None:
        # What the caller does between two events is not training.
        nonlocal began
        now = time.perf_counter()
        at.epoch_seconds, began = at.epoch_seconds + now - began, now

    examples, batches = _begun(draw, spec, state)
    count = -(-len(examples) // spec.batch_size)
    at.batches = at.batches or count
    for batch in batches:
        state.optimizer.rate = _rate(spec, at.step, at.batches * spec.epochs)
        learnt = learn(model, state.optimizer, batch, spec, state.rng, halves)
        if learnt.fault:
            raise _diverged(at.epoch, at.batch + 1, learnt.fault)
        at.step, at.batch = at.step + 1, at.batch + 1
        if state.averaged is not None:
            decay = min(spec.average or 0, (1 + at.step) / (10 + at.step))
            _follow(state.averaged, model.params, decay)
        size = len(batch[1])
        _add(at.sums, {"loss": learnt.loss * size, "metric": learnt.metric})
        _add(at.norms, learnt.norms)
        tick()
        yield Step(at.epoch, spec.epochs, at.batch, count, learnt.loss, size, learnt.norms)
        yield from _notes(halves)
        began = time.perf_counter()
    evaluated = evaluation(Model(model.spec, state.kept), valid, halves=halves)
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
    yield from _notes(halves)
    yield _closed(model.spec.head.kind, spec, state, scores, len(examples))


def _notes(halves: Halves | None) -> Iterator[Note]:
    if halves is not None and (why := halves.lost()):
        yield Note(f"The second process is gone ({why}); this one goes on alone, only slower.")


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
    copy = {name: a.copy() for name, a in state.kept.items()}
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
    model: Model, optimizer: Optimizer, batch: Batch, spec: FitSpec, rng: np.random.Generator,
    compute: Compute | None = None,
) -> Learnt:  # fmt: skip
    """One step of training: forward, backward, update. Nothing is updated if it is not finite."""
    inputs, y, weight = batch
    if spec.token_dropout:
        inputs = with_unknowns(inputs, spec.token_dropout, rng)
    kind = model.spec.head.kind
    # Overflow is looked for below, and said with its place.
    with np.errstate(over="ignore", invalid="ignore"):
        compute = compute or Whole()
        found = compute.gradients(model, (inputs, y, weight), rng)
        grads = found.every()
        loss = float((losses.losses(kind, found.logits, y) * weight).mean())
        learnt = Learnt(loss, _metric_sum(kind, found.logits, y), layer_norms(grads))
        if not learnt.fault:
            if spec.clip is not None:
                clip_by_norm(grads, spec.clip)
            compute.update(model, optimizer, found)
    return learnt


def layer_norms(grads: Mapping[str, Array]) -> dict[str, float]:
    """The joint gradient norm of each layer: "embedding", "layers.0" …, "head"."""
    squares: dict[str, float] = {}
    for name, g in grads.items():
        layer = ".".join(name.split(".")[:2]) if name.startswith("layers.") else name.split(".")[0]
        squares[layer] = squares.get(layer, 0.0) + float(np.vdot(g, g))
    return {layer: float(np.sqrt(square)) for layer, square in sorted(squares.items(), key=_order)}


def _order(entry: tuple[str, float]) -> tuple[int, int]:
    kind, _, number = entry[0].partition(".")
    return ("embedding", "layers", "head").index(kind), int(number or 0)


def _follow(averaged: Values, params: Values, decay: float) -> None:
    for name, a in averaged.items():
        a += np.asarray(1 - decay, a.dtype) * (params[name] - a)


def _add(sums: dict[str, float], values: Mapping[str, float]) -> None:
    for name, value in values.items():
        sums[name] = sums.get(name, 0.0) + value


def _metric_sum(kind: HeadKind, logits: Array, y: Array) -> float:
    """Right answers for classes; absolute errors for numbers."""
    found = losses.losses if kind == "linear" else losses.correct
    return float(found(kind, logits, y).sum())


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
    model: Model, examples: Examples, batch_size: int = EVALUATED, of: str = "validation",
    halves: Halves | None = None,
) -> Generator[Evaluation, None, dict[str, float]]:  # fmt: skip
    """``evaluate`` that can be left between two batches."""
    kind, count = model.spec.head.kind, -(-len(examples) // batch_size)
    sums = {"loss": 0.0, "metric": 0.0}
    read = partial(logits, model) if halves is None else halves.reader(model)
    for done, (inputs, y, _) in enumerate(examples.batches(batch_size), 1):
        found = read(inputs)
        loss = float(losses.losses(kind, found, y).sum())
        _add(sums, {"loss": loss, "metric": _metric_sum(kind, found, y)})
        yield Evaluation(done, count, of)
    return _metrics(kind, sums, len(examples))
