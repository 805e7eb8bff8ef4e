"""Where a run is computed: as asked for, or the fastest backend that pays off for its net."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from rnnviz.engine.backend import HOST, Backend
from rnnviz.engine.device import SMALL, cache_problem, choose, choose_cpu, must_compile
from rnnviz.engine.layer_cells import cell_of
from rnnviz.engine.model import Model
from rnnviz.engine.optimizers import OPTIMIZERS
from rnnviz.engine.parameters import initialise, recurrent_size
from rnnviz.engine.spec import EmbeddingSpec, FitSpec, ModelSpec
from rnnviz.errors import one_line
from rnnviz.messages import _
from rnnviz.recipes import Task
from rnnviz.training.fit import update

Say = Callable[[str], None]


def requested_backend(device: str, say: Say) -> Backend | None:
    """The backend of "cpu" or "cuda"; None for "auto", which depends on the net.

    MissingError if it is not available, UsageError if there is no such device.
    """
    return None if device == "auto" else choose(device, say)


def choose_backend(
    requested: Backend | None, spec: ModelSpec, fit: FitSpec, say: Say, *,
    previous: str = "", small: bool = False,
) -> Backend:  # fmt: skip
    """The requested backend, else the fastest; ``say`` gets a line about what was chosen.

    ``previous`` is the device of a run that is resumed: what was computed on the CPU stays there.
    ``small``: see :func:`is_small`. If compiling fails, for whatever reason, it is NumPy.
    """
    backend = _automatic(previous, say, small) if requested is None else requested
    if backend is HOST or not backend.on_host:
        return backend
    if must_compile(backend, [cell_of(layer) for layer in spec.layers]):
        if reason := cache_problem(backend):
            say(_("Compiling the loops, each time: some seconds."))
            say(_("The compiled loops cannot be cached: {reason}.").format(reason=reason))
        else:
            say(_("Compiling the loops, the first time only: some seconds."))
    if fault := _compile_fault(backend, spec, fit):
        say(
            _("The loops cannot be compiled ({fault}): computing without them.").format(fault=fault)
        )
        return HOST
    return backend


def _automatic(previous: str, say: Say, small: bool) -> Backend:
    if not previous.startswith(HOST.name):
        return choose("auto", say, small=small)
    if previous == HOST.name:
        return HOST
    backend = choose_cpu(_("the run was computed there before"), say)
    if backend is HOST:
        say(
            _(
                "The run used compiled loops before, which are not available here: without them "
                "its numbers differ in their last digits."
            )
        )
    return backend


def is_small(spec: ModelSpec, fit: FitSpec, task: Task) -> bool:
    """Whether training takes less than about twice the time that compiling its loops takes."""
    rng = np.random.default_rng(fit.seed)
    examples = task.draw(1, rng)
    batch = next(examples.batches(fit.batch_size, rng), None)
    tokens = 0 if batch is None else len(batch[0]) * len(examples) * fit.epochs
    return tokens * recurrent_size(spec) < SMALL


def _compile_fault(backend: Backend, spec: ModelSpec, fit: FitSpec) -> str:
    """Why one update of a net like this one cannot be compiled, in one line; "" if it can."""
    if isinstance(spec.source, EmbeddingSpec):
        spec = replace(spec, source=replace(spec.source, vocabulary=3))
        inputs = np.ones((2, 2), np.int64)
    else:
        inputs = np.zeros((2, 2, spec.source.width), np.float32)
    model = Model(spec, initialise(spec, 0), backend)
    y = np.zeros((2, 2) if spec.head.reads == "steps" else 2, np.float32)
    batch = inputs, y, np.ones(2, np.float32)
    once, optimizer = FitSpec(1, optimizer=fit.optimizer), OPTIMIZERS[fit.optimizer](fit.rate)
    try:
        update(model, optimizer, batch, once, np.random.default_rng(0))
    except Exception as error:  # compilers fail in many ways, and NumPy works without them
        return f"{type(error).__name__}: {one_line(error)}"[:200]
    return ""
