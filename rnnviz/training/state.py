"""The state of a training: all that is needed to resume it exactly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.engine.backend import HOST, Backend
from rnnviz.engine.model import Model
from rnnviz.engine.optimizers import OPTIMIZERS, Optimizer
from rnnviz.engine.spec import FitSpec
from rnnviz.errors import InvalidFileError
from rnnviz.messages import _
from rnnviz.training.carried_states import PREFIX, CarriedStates

SCHEMA = "rnnviz.state/1"
#: Prefixes of arrays in the file besides the weights, which have none.
OPTIMIZER, AVERAGE = "optimizer.", "average."


@dataclass
class Progress:
    """The position of a training, in plain numbers."""

    epoch: int = 1  # the current or next one
    batch: int = 0  # finished batches of it
    step: int = 0  # finished batches in total
    batches: int = 0  # of the first epoch; 0: not known yet
    sums: dict[str, float] = field(default_factory=dict)  # of the epoch so far, over examples
    norms: dict[str, float] = field(default_factory=dict)  # of the epoch so far, over batches
    best: float | None = None  # monitored value
    best_epoch: int = 0
    since_best: int = 0  # epochs
    epoch_seconds: float = 0.0
    seconds: float = 0.0  # of the finished epochs
    snapshot_seconds: float = 0.0  # of writing snapshots, which are in no other field

    def reset_epoch(self) -> None:
        """Clear what belongs to the current epoch: batches, sums, norms and seconds."""
        self.batch, self.sums, self.norms, self.epoch_seconds = 0, {}, {}, 0.0


@dataclass(eq=False)
class State:
    """Weights, optimizer, generator and position; ``fit`` updates it before every event."""

    params: Values
    optimizer: Optimizer
    rng: np.random.Generator
    epoch_rng_state: dict[str, Any]  # of the generator, when the epoch began
    averaged: Values | None = None
    progress: Progress = field(default_factory=Progress)
    backend: Backend = HOST  # the arrays are on its device
    carried: CarriedStates = field(default_factory=CarriedStates)  # of a stateful training

    @classmethod
    def fresh(cls, params: Values, spec: FitSpec) -> State:
        """The state before the first batch; ``params`` are not copied."""
        rng = np.random.default_rng(spec.seed)
        averaged = {n: a.copy() for n, a in params.items()} if spec.average else None
        optimizer: Optimizer = OPTIMIZERS[spec.optimizer](spec.rate)
        return cls(params, optimizer, rng, dict(rng.bit_generator.state), averaged)

    @property
    def eval_params(self) -> Values:
        """The weights that are validated and saved: the moving average if there is one."""
        return self.params if self.averaged is None else self.averaged

    @property
    def finished(self) -> int:
        """The number of epochs trained and validated."""
        return self.progress.epoch - 1

    def copy_eval_params(self) -> Values:
        """Copies of ``eval_params`` on the host."""
        return {n: np.array(self.backend.host(a)) for n, a in self.eval_params.items()}

    def move(self, backend: Backend) -> None:
        """Move all arrays to another device."""
        if backend is self.backend:
            return
        previous, self.backend = self.backend, backend

        def moved(arrays: Mapping[str, Array]) -> Values:
            return {n: backend.asarray(previous.host(a)) for n, a in arrays.items()}

        self.optimizer.restore(moved(self.optimizer.state()))
        self.params = moved(self.params)
        self.averaged = None if self.averaged is None else moved(self.averaged)
        self.carried.restore(moved(self.carried.arrays()))

    def put_into(self, model: Model) -> None:
        """Copy the weights into ``model``, whose arrays the state then shares."""
        for name, a in model.params.items():
            if a is not self.params[name]:
                a[...] = self.params[name]
        self.params = model.params

    def pack(self) -> bytes:
        """The bytes of a safetensors file: arrays, and a JSON text in its metadata."""
        from safetensors.numpy import save

        arrays = dict(self.params)
        arrays |= {OPTIMIZER + n: a for n, a in self.optimizer.state().items()}
        arrays |= {AVERAGE + n: a for n, a in (self.averaged or {}).items()}
        arrays |= self.carried.arrays()
        names = {cls: name for name, cls in OPTIMIZERS.items()}
        record = {
            "schema": SCHEMA,
            "optimizer": names[type(self.optimizer)],
            "progress": asdict(self.progress),
            "generator": {"epoch": self.epoch_rng_state, "now": self.rng.bit_generator.state},
        }
        on_host = {name: np.ascontiguousarray(self.backend.host(a)) for name, a in arrays.items()}
        return bytes(save(on_host, {"state": json.dumps(record)}))

    @classmethod
    def unpack(cls, data: bytes, shapes: Mapping[str, tuple[int, ...]], where: str) -> State:
        """What ``pack`` wrote for a model of these shapes.

        InvalidFileError, with ``where`` in it, for anything else.
        """
        try:
            return _unpacked(data, shapes)
        except Exception as error:
            # The libraries that read the parts raise a dozen kinds of errors for damaged files.
            raise InvalidFileError(
                _(
                    "{where} is not a complete state of this training ({reason}). "
                    "Delete it to start again from the first epoch."
                ).format(where=where, reason=error)
            ) from error


def _unpacked(data: bytes, shapes: Mapping[str, tuple[int, ...]]) -> State:
    from safetensors.numpy import load

    # load() has checked the header, but does not return the metadata.
    arrays: Values = {name: a.copy() for name, a in load(data).items()}
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    record = json.loads(header["__metadata__"]["state"])
    if record["schema"] != SCHEMA:
        raise ValueError(_("its schema is {schema!r}").format(schema=record["schema"]))
    optimizer: Optimizer = OPTIMIZERS[record["optimizer"]]()
    optimizer.restore(_with_prefix(OPTIMIZER, arrays))
    averaged = _with_prefix(AVERAGE, arrays)
    params = {name: arrays[name] for name in shapes}
    for kind in (params, averaged):
        _check(kind, shapes)
    for name, a in arrays.items():
        if not np.isfinite(a).all():
            raise ValueError(_("{name} is not all finite numbers").format(name=name))
    rng, epoch = np.random.default_rng(), record["generator"]["epoch"]
    rng.bit_generator.state = epoch  # raises unless it is a state of this generator
    rng.bit_generator.state = record["generator"]["now"]
    progress = _progress(record["progress"])
    state = State(params, optimizer, rng, epoch, averaged or None, progress)
    state.carried.restore({n: a for n, a in arrays.items() if n.startswith(PREFIX)})
    return state


def _with_prefix(prefix: str, arrays: Mapping[str, Array]) -> Values:
    return {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}


def _check(arrays: Values, shapes: Mapping[str, tuple[int, ...]]) -> None:
    if arrays and set(arrays) != set(shapes):
        raise ValueError(_("an array is missing"))
    for name, a in arrays.items():
        if a.shape != shapes[name] or a.dtype.kind != "f":
            raise ValueError(
                _("{name} is not {shape} numbers").format(name=name, shape=shapes[name])
            )


def _progress(record: Mapping[str, Any]) -> Progress:
    progress = Progress(**record)
    for f in fields(Progress):
        value = getattr(progress, f.name)
        if f.type == "int" and (type(value) is not int or value < 0):
            raise ValueError(_("{name} is {value!r}").format(name=f.name, value=value))
    return progress
