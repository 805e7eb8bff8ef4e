"""One run of the compiled loops over a batch, and the walk back over it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from rnnviz.arrays import Array, aligned
from rnnviz.engine.compiled import threads
from rnnviz.engine.compiled.blocks import Blocks
from rnnviz.engine.compiled.job import Back, Job, Kept, Net, Room, Seen
from rnnviz.engine.compiled.kernels import common
from rnnviz.engine.compiled.memory import addresses, zeros

#: Rows of gates that are worked on together. They have to fit the cache beside the weights.
ROOM = 64


@dataclass(frozen=True, eq=False)
class Pass:
    """What a run left."""

    blocks: Blocks
    kernels: Any
    job: Job
    words: Array  # the job's fields as the loops take them

    @property
    def states(self) -> Array:
        """(states, rows, H)."""
        return self.job.kept.S

    @property
    def last(self) -> Array:
        """(states, B, units)."""
        return self.blocks.back(self.job.kept.last, self.job.net.units)


class Inputs(NamedTuple):
    """Where the gradients of the input go."""

    by_entry: bool  # one after the other, or by token
    x: Array  # (entries, wide) or (T, B, wide)
    x_from: Array  # (entries): where the input of each began


class Returned(NamedTuple):
    """The gradients of a walk back, apart from the input's."""

    W: Array  # (wide, width)
    U: Array  # (H, recurrent_width)
    b: Array  # (N)
    own: Array  # (·, H)
    initial: Array  # (states, B, units)


def forward(
    kernels: Any, blocks: Blocks, net: Net, seen: Seen, start: Array, *, every: bool
) -> Pass:
    """Read all tokens from ``start`` (states, B, H) on; ``every``: keep the gates."""
    dtype = net.W.dtype
    room = _room(blocks, net, seen)
    kept = Kept(
        int(every),
        aligned((blocks.gate_rows if every else len(blocks.places.first) * ROOM, net.N), dtype),
        aligned((net.states, blocks.state_rows, net.H), dtype),
        blocks.state_rows * net.H,
        blocks.of(start, net.H),
    )
    none = np.empty(0, dtype)
    back = Back(0, none, 0, 0, 0, none, none, none, none, none, 0, 0, none, none)
    job = Job(blocks.places, net, seen, kept, room, back)
    parts = (net, seen, kept, room, back)
    words = np.concatenate([blocks.words, addresses(field for part in parts for field in part)])
    _run(kernels.forward, net, words, blocks)
    return Pass(blocks, kernels, job, words)


def backward(
    done: Pass, out: tuple[Array, tuple[int, int, int]] | None, outs: int, carry: Array,
    inputs: Inputs | None,
) -> Returned:  # fmt: skip
    """Walk back.

    ``out`` as ``flat`` gives it: the gradients of the first ``outs`` states at every step;
    ``carry`` (states, B, H): those of the states after the last step.
    """
    net, blocks = done.job.net, done.blocks
    n, dtype = len(blocks.places.first), net.W.dtype
    array, apart = out or (np.empty(0, dtype), (0, 0, 0))
    into = inputs or Inputs(False, np.empty(0, dtype), np.empty(0, np.int64))
    of_W = (n, 0 if done.job.seen.ready else net.wide, net.width)
    back = Back(
        outs, array, *apart, blocks.of(carry, net.H), zeros(of_W, dtype),
        zeros((n, net.H, net.recurrent_width), dtype), zeros((n, net.N), dtype),
        zeros((n, *net.own.shape), dtype), int(inputs is not None), *into,
    )  # fmt: skip
    back = back._replace(by_entry=int(into.by_entry))
    words = np.concatenate([done.words[: -len(back)], addresses(back)])
    _run(done.kernels.backward, net, words, blocks)
    # Block by block, so that the sum does not depend on who was first.
    W, U, b, own = (a.sum(0) for a in (back.W, back.U, back.b, back.own))
    return Returned(W, U, b, own, blocks.back(back.carry, net.units))


def outputs(done: Pass, idle: Array) -> Array:
    """h after every step, (T, B, units); ``idle`` as the loop wants it."""
    places, net = done.job.places, done.job.net
    out = aligned((places.steps, places.batch, net.units), net.W.dtype)
    idle = np.ascontiguousarray(idle)
    words = np.concatenate([done.words, addresses([idle, out])])
    _run(common().collect, net, words, done.blocks)
    return out


def _run(kernel: Any, net: Net, words: Array, blocks: Blocks) -> None:
    """Every block."""
    like = net.W[:0, 0]
    threads.each(lambda k: kernel(like, words, k), len(blocks.places.first))


def _room(blocks: Blocks, net: Net, seen: Seen) -> Room:
    n = len(blocks.places.first)
    widths = (seen.x_groups * net.wide, seen.h_groups * net.H, net.N, max(net.H, net.wide))
    # Zeros: rows that only fill up a product must not hold what makes arithmetic slow.
    read, state, d, spare = (zeros((n, ROOM, width), net.W.dtype) for width in widths)
    return Room(ROOM, read, state, d, spare, np.empty((n, ROOM), np.int64))
