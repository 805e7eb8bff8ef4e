"""Mini-batch training as a generator of events, which can be left after any of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from itertools import chain, islice
from typing import Protocol

import numpy as np

from rnnviz.arrays import Array, Values, contiguous
from rnnviz.data.batches import Batch, Examples, drop_tokens
from rnnviz.engine import losses, memory
from rnnviz.engine.model import InitialStates, Model
from rnnviz.engine.optimizers import Optimizer, clip_by_norm
from rnnviz.engine.spec import NUMERIC_KINDS, FitSpec, HeadKind
from rnnviz.errors import RnnvizError
from rnnviz.messages import _
from rnnviz.progress import Epoch, Evaluation, TrainingStep
from rnnviz.training.carried_states import CarriedStates
from rnnviz.training.on_device import DeviceExamples
from rnnviz.training.state import Progress, State
from rnnviz.training.step_result import StepResult, layer_norms

#: The examples of an epoch (from 1), drawn with the run's generator.
Draw = Callable[[int, np.random.Generator], Examples]

#: Whether the caller is to have the state after so many updates.
Pause = Callable[[int], bool]

#: Examples in a batch of an evaluation.
EVALUATION_BATCH = 256


def fit(
    model: Model,
    draw: Draw,
    valid: Examples,
    spec: FitSpec,
    state: State | None = None,
    pause: Pause | None = None,
) -> Iterator[TrainingStep | Evaluation | Epoch]:
    """Train ``model`` in place; yields an event per batch and per epoch.

    ``state`` is up to date at every event. Packed then, and passed to another ``fit`` with the same
    data and spec, it gives the same numbers as an uninterrupted training. None starts from the
    weights of ``model``. Of equal epochs the first is the best, as in Keras. A model on a GPU is
    trained there, and its TrainingSteps come several at a time; after an update for which ``pause``
    is true they come at once, so that ``state`` can be read after exactly so many updates.
    RnnvizError, with epoch, batch and layer, if a number is not finite; that update is not made.
    ValueError if the model has no metric of the name ``spec.monitor``.
    """
    if spec.stateful and model.spec.reads_backwards:
        raise ValueError("stateful: a net that reads backwards has no states to carry on")
    if spec.monitor == "accuracy" and (kind := model.spec.head.kind) in NUMERIC_KINDS:
        raise ValueError(f"a {kind} head has no accuracy: FitSpec.monitor must be 'loss'")
    if state is None:
        state = State.fresh(model.params, spec)
    memory.keep()
    state.move(model.backend)
    state.put_into(model)
    placement = DeviceExamples(model.backend)
    valid = placement.of(valid)

    def draw_on_device(epoch: int, rng: np.random.Generator) -> Examples:
        return placement.latest(draw(epoch, rng))

    updater = _updater(model, spec, state)
    while not is_done(state.progress, spec):
        yield from _epoch(model, draw_on_device, valid, spec, state, updater, pause)


def is_done(progress: Progress, spec: FitSpec) -> bool:
    """Whether all epochs are trained, or it stops early."""
    return progress.epoch > spec.epochs or (
        spec.patience is not None and progress.since_best >= spec.patience
    )


def _epoch(
    model: Model,
    draw: Draw,
    valid: Examples,
    spec: FitSpec,
    state: State,
    updater: _Updater,
    pause: Pause | None,
) -> Iterator[TrainingStep | Evaluation | Epoch]:
    progress, began = state.progress, time.perf_counter()

    def tick() -> None:
        # What the caller does between two events is not training.
        nonlocal began
        now = time.perf_counter()
        progress.epoch_seconds, began = progress.epoch_seconds + now - began, now

    examples, batches = _epoch_batches(draw, spec, state)
    count = -(-len(examples) // spec.batch_size)
    progress.batches = progress.batches or count
    for batch in chain(batches, (None,)):
        if batch is None:
            results = updater.flush()
        else:
            state.optimizer.rate = _rate(spec, progress.step, progress.batches * spec.epochs)
            results = updater.update(batch)
            if pause is not None and pause(progress.step + 1):
                results += updater.flush()
        done = progress.batch + (batch is not None)
        for n, result in enumerate(results, done + 1 - len(results)):
            if result.fault:
                raise _diverged(progress.epoch, n, result.fault)
        if batch is not None:
            progress.step, progress.batch = progress.step + 1, done
            if state.averaged is not None:
                decay = min(spec.average or 0, (1 + progress.step) / (10 + progress.step))
                _follow(state.averaged, model.params, decay)
        for result in results:
            sums = {"loss": result.loss * result.examples, "metric": result.metric}
            _add(progress.sums, {**sums, "examples": result.examples})
            _add(progress.norms, result.norms)
        tick()
        for n, result in enumerate(results, progress.batch + 1 - len(results)):
            seconds = progress.epoch_seconds
            yield TrainingStep(
                progress.epoch, spec.epochs, n, count, result.loss, result.examples, seconds,
                result.norms,
            )  # fmt: skip
        began = time.perf_counter()
    evaluated = evaluation(
        Model(model.spec, state.eval_params, model.backend), valid, stateful=spec.stateful
    )
    while True:
        try:
            event = next(evaluated)
        except StopIteration as end:
            scores: dict[str, float] = end.value
            break
        tick()
        yield event
        began = time.perf_counter()
    if not np.isfinite(scores["loss"]):
        raise _diverged(progress.epoch, progress.batch, _("the validation loss"))
    tick()
    yield _end_epoch(model.spec.head.kind, spec, state, scores)


class _Updater(Protocol):
    """Makes optimizer updates; on a GPU their results are read several at a time."""

    def update(self, batch: Batch) -> list[StepResult]:
        """Make one update; the results that are known now and were not returned yet."""

    def flush(self) -> list[StepResult]:
        """The results that were not returned yet."""


class _HostUpdater:
    """Updates on the CPU, whose results are known at once."""

    def __init__(
        self, model: Model, optimizer: Optimizer, spec: FitSpec, rng: np.random.Generator,
        carried: CarriedStates | None = None,
    ) -> None:  # fmt: skip
        self.model, self.optimizer, self.spec, self.rng = model, optimizer, spec, rng
        self.carried = carried

    def update(self, batch: Batch) -> list[StepResult]:
        return [update(self.model, self.optimizer, batch, self.spec, self.rng, self.carried)]

    def flush(self) -> list[StepResult]:
        return []


def _updater(model: Model, spec: FitSpec, state: State) -> _Updater:
    carried = state.carried if spec.stateful else None
    if model.backend.on_host:
        return _HostUpdater(model, state.optimizer, spec, state.rng, carried)
    from rnnviz.training.cuda import CudaUpdater

    return CudaUpdater(model, state.optimizer, spec, state.rng, carried)


def _epoch_batches(draw: Draw, spec: FitSpec, state: State) -> tuple[Examples, Iterator[Batch]]:
    """The epoch's examples and the batches that are left of it.

    In the middle of an epoch its examples are drawn again, the finished batches are skipped, and
    the generator is set to its saved state.
    """
    progress, rng = state.progress, state.rng
    current = rng.bit_generator.state
    if progress.batch:
        rng.bit_generator.state = state.epoch_rng_state
    else:
        state.epoch_rng_state = dict(current)
        progress.reset_epoch()
        state.carried.reset()
    examples = draw(progress.epoch, rng)
    batches = examples.batches(spec.batch_size, rng)
    if progress.batch:
        batches = islice(batches, progress.batch, None)
        first = next(batches, None)
        rng.bit_generator.state = current
        batches = iter(()) if first is None else chain((first,), batches)
    return examples, batches


def _end_epoch(kind: HeadKind, spec: FitSpec, state: State, scores: Mapping[str, float]) -> Epoch:
    """The epoch's metrics; the state advances to the next epoch."""
    progress = state.progress
    train = _metrics(kind, progress.sums, progress.sums["examples"])
    norms = {name: total / progress.batch for name, total in progress.norms.items()}
    value, number = scores[spec.monitor], progress.epoch
    higher = spec.monitor == "accuracy"
    better = progress.best is None or (value > progress.best if higher else value < progress.best)
    if better:
        progress.best, progress.best_epoch, progress.since_best = value, number, 0
    else:
        progress.since_best += 1
    seconds = progress.epoch_seconds
    progress.seconds += seconds
    progress.epoch = number + 1
    progress.reset_epoch()
    state.epoch_rng_state = dict(state.rng.bit_generator.state)
    return Epoch(number, train, scores, seconds, norms, better)


def _diverged(epoch: int, batch: int, what: str) -> RnnvizError:
    return RnnvizError(
        _(
            "Training diverged at epoch {epoch}, batch {batch}: {what} is not finite. "
            "Try another --seed or fewer --units, or give the recipe a smaller rate or a clip."
        ).format(epoch=epoch, batch=batch, what=what)
    )


def _rate(spec: FitSpec, step: int, total: int) -> float:
    rate = spec.rate
    if spec.final_rate is not None:
        share = min(step / max(total, 1), 1.0)
        rate = spec.final_rate + (spec.rate - spec.final_rate) * (1 + np.cos(np.pi * share)) / 2
    return float(rate * min(1.0, (step + 1) / spec.warmup) if spec.warmup else rate)


def update(
    model: Model, optimizer: Optimizer, batch: Batch, spec: FitSpec, rng: np.random.Generator,
    carried: CarriedStates | None = None,
) -> StepResult:  # fmt: skip
    """Forward, backward and an optimizer update, which is left out if a number is not finite.

    ``carried``: the batch begins with these states, and those it ends with are stored there.
    """
    inputs, y, weight = batch
    if spec.token_dropout:
        inputs = drop_tokens(inputs, spec.token_dropout, rng)
    # Overflow is detected below and reported with its layer.
    with np.errstate(over="ignore", invalid="ignore"):
        inputs, initial = contiguous(inputs), None if carried is None else carried.initial()
        done = model.layers_pass(inputs, model.dropout_masks(inputs, rng), initial)
        if carried is not None:
            carried.store(done.last_states)
        loss, metric, of_head, d_features = model.head_step(done, y, weight)
        of_layers, embedding = model.layer_gradients(done, d_features)
        grads = {**of_head, **of_layers}
        every = grads if embedding is None else {**grads, "embedding": embedding.rows}
        result = StepResult(float(loss), float(metric), layer_norms(every), len(weight))
        if not result.fault:
            if spec.clip is not None:
                clip_by_norm(every, spec.clip)
            model.backend.step(optimizer, model.params, grads, embedding)
    return result


def _follow(averaged: Values, params: Values, decay: float) -> None:
    for name, a in averaged.items():
        a += a.dtype.type(1 - decay) * (params[name] - a)


def _add(sums: dict[str, float], values: Mapping[str, float]) -> None:
    for name, value in values.items():
        sums[name] = sums.get(name, 0.0) + value


def _metrics(kind: HeadKind, sums: Mapping[str, float], examples: float) -> dict[str, float]:
    name = "mae" if kind in NUMERIC_KINDS else "accuracy"
    return {"loss": sums["loss"] / examples, name: sums["metric"] / examples}


def evaluate(
    model: Model, examples: Examples, batch_size: int = EVALUATION_BATCH, *, stateful: bool = False
) -> dict[str, float]:
    """Mean "loss" and "accuracy" (classes) or "mae" (numbers, for which it is the loss)."""
    evaluated = evaluation(model, examples, batch_size, stateful=stateful)
    while True:
        try:
            next(evaluated)
        except StopIteration as end:
            scores: dict[str, float] = end.value
            return scores


def evaluation(
    model: Model, examples: Examples, batch_size: int = EVALUATION_BATCH, of: str = "validation",
    *, stateful: bool = False,
) -> Generator[Evaluation, None, dict[str, float]]:  # fmt: skip
    """``evaluate`` as a generator with an event per batch; returns the metrics.

    ``stateful``: a batch begins with the states that the one before it ended with.
    """
    kind, count = model.spec.head.kind, -(-len(examples) // batch_size)
    sums: list[Array] = []  # by batch, on the model's device
    on_device = DeviceExamples(model.backend).of(examples)
    initial: InitialStates | None = None
    for done, (inputs, y, _lengths) in enumerate(on_device.batches(batch_size), 1):
        logits, last = model.advance(contiguous(inputs), initial)
        initial, read = last if stateful else None, model.mask(inputs)
        sums += losses.totals(kind, logits, y, read)
        yield Evaluation(done, count, of)
    numbers = model.backend.floats(sums)
    totals = {"loss": sum(numbers[::3]), "metric": sum(numbers[1::3])}
    return _metrics(kind, totals, sum(numbers[2::3]))
