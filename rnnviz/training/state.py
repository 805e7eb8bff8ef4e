"""All that is needed to go on with a training exactly where it stopped."""

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

SCHEMA = "rnnviz.state/1"
#: Names in the file: the weights as in every weight file, the rest behind these.
OPTIMIZER, AVERAGE = "optimizer.", "average."


@dataclass
class Progress:
    """Where a training stands, in plain numbers."""

    epoch: int = 1  # the one that is trained, or comes next
    batch: int = 0  # batches of it that are done
    step: int = 0  # batches done in all
    batches: int = 0  # in the first epoch; 0: not known yet
    sums: dict[str, float] = field(default_factory=dict)  # of the epoch so far, over examples
    norms: dict[str, float] = field(default_factory=dict)  # of the epoch so far, over batches
    best: float | None = None  # monitored value
    best_epoch: int = 0
    since_best: int = 0  # epochs
    epoch_seconds: float = 0.0
    seconds: float = 0.0  # of the finished epochs


@dataclass(eq=False)
class State:
    """A training as it stands; ``fit`` keeps it up to date at every event it yields."""

    params: Values
    optimizer: Optimizer
    rng: np.random.Generator
    drawn: dict[str, Any]  # the generator's state when the epoch began
    averaged: Values | None = None
    progress: Progress = field(default_factory=Progress)
    loops: Backend = HOST  # where the arrays live

    @classmethod
    def fresh(cls, params: Values, spec: FitSpec) -> State:
        """The state before the first batch; ``params`` are taken over, not copied."""
        rng = np.random.default_rng(spec.seed)
        averaged = {n: a.copy() for n, a in params.items()} if spec.average else None
        optimizer: Optimizer = OPTIMIZERS[spec.optimizer](spec.rate)
        return cls(params, optimizer, rng, dict(rng.bit_generator.state), averaged)

    @property
    def kept(self) -> Values:
        """The weights that are validated and kept: the moving average where there is one."""
        return self.params if self.averaged is None else self.averaged

    @property
    def finished(self) -> int:
        """Epochs that are trained and validated."""
        return self.progress.epoch - 1

    def copied(self) -> Values:
        """Copies of what is kept, on the host."""
        return {n: np.array(self.loops.host(a)) for n, a in self.kept.items()}

    def move(self, loops: Backend) -> None:
        """Put all arrays onto another device."""
        if loops is self.loops:
            return
        before, self.loops = self.loops, loops

        def moved(arrays: Mapping[str, Array]) -> Values:
            return {n: loops.asarray(before.host(a)) for n, a in arrays.items()}

        self.optimizer.restore(moved(self.optimizer.state()))
        self.params = moved(self.params)
        self.averaged = None if self.averaged is None else moved(self.averaged)

    def put_into(self, model: Model) -> None:
        """Give ``model`` these weights; from then on its arrays are the state's."""
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
        names = {cls: name for name, cls in OPTIMIZERS.items()}
        record = {
            "schema": SCHEMA,
            "optimizer": names[type(self.optimizer)],
            "progress": asdict(self.progress),
            "generator": {"epoch": self.drawn, "now": self.rng.bit_generator.state},
        }
        whole = {name: np.ascontiguousarray(self.loops.host(a)) for name, a in arrays.items()}
        return bytes(save(whole, {"state": json.dumps(record)}))

    @classmethod
    def unpack(cls, data: bytes, shapes: Mapping[str, tuple[int, ...]], where: str) -> State:
        """What ``pack`` wrote for a model of these shapes.

        InvalidFileError, with ``where`` in it, for anything else.
        """
        try:
            return _unpacked(data, shapes)
        except Exception as error:
            # Damage shows as any of a dozen errors of the libraries that read the parts.
            raise InvalidFileError(
                f"{where} is no complete state of this training ({error}). "
                "Delete it to start again from the first epoch."
            ) from error


def _unpacked(data: bytes, shapes: Mapping[str, tuple[int, ...]]) -> State:
    from safetensors.numpy import load

    # The library drops the metadata; having read the rest, it has checked the header.
    arrays: Values = {name: a.copy() for name, a in load(data).items()}
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    record = json.loads(header["__metadata__"]["state"])
    if record["schema"] != SCHEMA:
        raise ValueError(f"its schema is {record['schema']!r}")
    optimizer: Optimizer = OPTIMIZERS[record["optimizer"]]()
    optimizer.restore(_behind(OPTIMIZER, arrays))
    averaged = _behind(AVERAGE, arrays)
    params = {name: arrays[name] for name in shapes}
    for kind in (params, averaged):
        _check(kind, shapes)
    for name, a in arrays.items():
        if not np.isfinite(a).all():
            raise ValueError(f"{name} is not all finite numbers")
    rng, epoch = np.random.default_rng(), record["generator"]["epoch"]
    rng.bit_generator.state = epoch  # fails where it is no state of this generator
    rng.bit_generator.state = record["generator"]["now"]
    return State(params, optimizer, rng, epoch, averaged or None, _progress(record["progress"]))


def _behind(prefix: str, arrays: Mapping[str, Array]) -> Values:
    found = arrays.items()
    return {name.removeprefix(prefix): a for name, a in found if name.startswith(prefix)}


def _check(arrays: Values, shapes: Mapping[str, tuple[int, ...]]) -> None:
    if arrays and set(arrays) != set(shapes):
        raise ValueError("an array is missing")
    for name, a in arrays.items():
        if a.shape != shapes[name] or a.dtype.kind != "f":
            raise ValueError(f"{name} is not {shapes[name]} numbers")


def _progress(record: Mapping[str, Any]) -> Progress:
    found = Progress(**record)
    for f in fields(Progress):
        value = getattr(found, f.name)
        if f.type == "int" and (type(value) is not int or value < 0):
            raise ValueError(f"{f.name} is {value!r}")
    return found
