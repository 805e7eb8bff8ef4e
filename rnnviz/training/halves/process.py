"""The second process: how it is started, asked, and ended."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from rnnviz.arrays import Array
from rnnviz.data.batches import Batch
from rnnviz.engine.embedding import WordRows
from rnnviz.engine.model import Model
from rnnviz.engine.optimizers import Optimizer
from rnnviz.training.halves.half import Part
from rnnviz.training.halves.memory import Shared

#: Seconds a process may take to end once nobody is there to answer to.
GRACE = 2.0

_PACKAGE = Path(__file__).parents[3]
#: The folder goes behind the interpreter's own, so that nothing there can hide what it has.
_CODE = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from rnnviz.training.halves.second import main; main()"
)
_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")


class Lost(Exception):
    """The second process has ended, or cannot do what it was asked; the message says why."""


class Second:
    """A process that computes second halves of a model's batches.

    The model's arrays move into memory that both share, so that every update is seen there. Raises
    OSError where there is no such process or memory to be had.
    """

    def __init__(self, model: Model) -> None:
        if not hasattr(os, "memfd_create"):
            raise OSError("no memory that can be shared without a name")
        dtype = next(iter(model.params.values())).dtype.str
        handle = os.memfd_create("rnnviz")
        ours, theirs = socket.socketpair()
        try:
            self.shared = Shared(handle, model.spec, dtype)
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _CODE, str(_PACKAGE)],
                # A ctrl+c is for the first process alone, which finishes its batch and saves.
                stdin=theirs.fileno(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                process_group=0, pass_fds=(handle,),
                env=os.environ | dict.fromkeys(_THREADS, "1"),
            )  # fmt: skip
        finally:
            theirs.close()
            os.close(handle)
            self._line = Connection(ours.detach())
        for name, a in self.shared.params.items():
            a[...] = model.params[name]
        model.params = dict(self.shared.params)
        self._ready = False
        self._optimizer: Optimizer | None = None
        self._say({"memory": handle, "spec": model.spec.to_json(), "dtype": dtype})

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def ready(self, timeout: float = 0.0) -> bool:
        """Whether it has imported what it needs; Lost if it ended before."""
        if not self._ready:
            try:
                self._ready = self._line.poll(timeout) and self._hear() == {}
            except OSError as error:
                raise self._lost(error) from error
        return self._ready

    def lend(self, params: Model) -> bool:
        """Let it read a model's weights; True if they are those that are trained."""
        if all(a is self.shared.params[name] for name, a in params.params.items()):
            return True
        for name, a in params.params.items():
            self.shared.read[name][...] = a
        return False

    def begin(self, batch: Batch, seed: Sequence[int] | None) -> bool:
        """Set it to work on gradients; False if the batch is too large for it."""
        return self._begin(batch, {"task": "part", "seed": seed})

    def part(self) -> Part:
        """What it came to, in memory that the next half is written over."""
        answer = self._answer()
        (logits,) = self.shared.take(answer["arrays"])
        words = None
        if self.shared.words is not None and self.shared.rows is not None:
            n = answer["words"]
            words = WordRows(self.shared.words[:n], self.shared.rows[:n])
        return Part(logits, self.shared.grads, words)

    def keep(self, optimizer: Optimizer) -> None:
        """Move what an optimizer has gathered for the embedding to where both can step it."""
        if self._optimizer is not optimizer:
            self._optimizer = optimizer
            found = [a for n, a in optimizer.state().items() if n.partition(".")[2] == "embedding"]
            for k, room in enumerate(self.shared.gathered):
                room[...] = found[k] if k < len(found) else 0
            optimizer.adopt("embedding", self.shared.gathered)

    def begin_update(self, found: WordRows, first: int, name: str, numbers: Any) -> bool:
        """Set it to work on the embedding from row ``first`` on; False if that is too much.

        ``found``: the gradients, counted from that row. ``name``, ``numbers``: of the optimizer
        that has stepped everything else.
        """
        message = {"task": "update", "first": first, "optimizer": name, "numbers": numbers}
        return self._begin(found, message)

    def finish_update(self) -> None:
        """Wait for that."""
        self._answer()

    def begin_reading(self, inputs: Array, trained: bool) -> bool:
        """Set it to work on logits, without dropout; False if they are too many for it."""
        return self._begin([inputs], {"task": "read", "trained": trained})

    def logits(self) -> Array:
        """What it read."""
        (found,) = self.shared.take(self._answer()["arrays"])
        return found

    def close(self) -> None:
        """End it."""
        self._line.close()
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _begin(self, arrays: Sequence[Array], message: dict[str, Any]) -> bool:
        places = self.shared.put(arrays)
        if places is None:
            return False
        self._say({**message, "arrays": places})
        return True

    def _answer(self) -> dict[str, Any]:
        answer = self._hear()
        if "failed" in answer:
            raise Lost(answer["failed"])
        return answer

    def _say(self, message: dict[str, Any]) -> None:
        try:
            self._line.send_bytes(json.dumps(message).encode())
        except OSError as error:
            raise self._lost(error) from error

    def _hear(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self._line.recv_bytes())
        except (EOFError, OSError) as error:
            raise self._lost(error) from error
        return found

    def _lost(self, error: Exception) -> Lost:
        try:
            code = self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            return Lost(f"it does not answer: {error}")
        if code < 0:
            return Lost(f"killed by {signal.Signals(-code).name}")
        return Lost(f"it ended with code {code}")
