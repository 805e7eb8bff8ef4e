"""What the compiled loops are given: sizes, and arrays known by where they begin.

Rows of units have H numbers, rows of inputs D (in ``read`` and in the gradients ``wide``), rounded
up to whole vectors. A row of gates has N numbers, in blocks of H: products with W of the gates
whose two products stay apart or that do not read h, sums of both products of the other gates, and
products with U of those that stay apart. So x·W fills the first blocks, and h_prev·U the last.
"""

from __future__ import annotations

from typing import NamedTuple

from rnnviz.arrays import Array

#: Arrays of the net's precision, and arrays of int64.
Floats = Array
Ints = Array


class Places(NamedTuple):
    """Which sequences stand where: block k has the places from first[k] on."""

    steps: int  # T
    batch: int  # B
    total: int  # places of all blocks
    hold: int  # 1: a sequence that does not read keeps its state; 0: it has not begun
    rows: Ints  # (total): the sequence at each place
    tokens: Ints  # (T): in the order they are read
    first: Ints  # (blocks)
    real: Ints  # (blocks): sequences in it
    active: Ints  # (blocks, T): the first so many read at this step
    gates: Ints  # (blocks, T): the first row of gates of a step
    states: Ints  # (blocks, T + 1): the first row of states before a step
    place: Ints  # (B): where each sequence stands
    entries: Ints  # (blocks): tokens read in the blocks before


class Net(NamedTuple):
    """Weights and sizes."""

    #: Numbers the compiler does not know; for known ones it compiles a function once more.
    zero: int
    one: int
    units: int
    H: int  # the same, rounded up
    D: int  # of x
    wide: int  # the same, rounded up
    width: int  # of x·W: every gate's block
    recurrent_width: int  # of h_prev·U: the blocks of the gates that read h
    apart: int  # where h_prev·U begins in a row of gates
    N: int  # of a row of gates
    states: int
    W: Floats  # (D, width)
    U: Floats  # (units, recurrent_width)
    WT: Floats  # (width, wide)
    UT: Floats  # (recurrent_width, H)
    bias: Floats  # (N)
    own: Floats  # (vectors of the cell's own, H)


class Seen(NamedTuple):
    """What is read."""

    ready: int  # 1: x are rows of x·W, because many tokens are the same word
    x: Floats
    x_end: int  # numbers of it
    x_at: Ints  # (T, B): where a token's input begins
    x_groups: int  # 1, or G: gates see x through masks of their own
    h_groups: int
    x_masked: int  # whether there are masks at all
    h_masked: int
    x_masks: Floats  # (x_groups, places, wide)
    h_masks: Floats  # (h_groups, places, H)


class Kept(NamedTuple):
    """What forward leaves."""

    every: int  # 0: backward needs no gates
    A: Floats  # (rows, N): what backward reads of a step; without ``every``, some room
    S: Floats  # (states, rows, H)
    S_size: int  # numbers of one state
    last: Floats  # (states, places, H): in: what each sequence starts from; out: where it ends


class Room(NamedTuple):
    """Space for a few steps at a time, a stretch for each block."""

    rows: int
    read: Floats  # (blocks, x_groups, rows, wide)
    seen: Floats  # (blocks, h_groups, rows, H)
    d: Floats  # (blocks, rows, N): forwards the gates, on the way back their gradients
    spare: Floats  # (blocks, rows, H or wide)
    tokens: Ints  # (blocks, rows): t·B + b of each row


class Back(NamedTuple):
    """What backward reads and leaves."""

    outs: int  # states with a gradient at every step: none, h, or all
    out: Floats  # those gradients, and how far apart they stand:
    out_state: int
    out_token: int
    out_row: int
    carry: Floats  # (states, places, H): in: after the last step; out: before the first
    W: Floats  # (blocks, wide, width)
    U: Floats  # (blocks, H, recurrent_width)
    b: Floats  # (blocks, N)
    own: Floats  # (blocks, ·, H)
    need_x: int
    by_entry: int  # 1: the input's gradient in the order the tokens are read
    x: Floats  # (entries, wide) or (T, B, wide)
    x_from: Ints  # (entries): where the input of each begins


class Job(NamedTuple):
    """All of it."""

    places: Places
    net: Net
    seen: Seen
    kept: Kept
    room: Room
    back: Back


class Sum(NamedTuple):
    """Rows to be summed up by word, in parts, and what is made of the sums."""

    one: int  # a number the compiler does not know
    width: int
    d: Floats  # (uses, width)
    order: Ints  # (uses): sorted by word
    starts: Ints  # (words + 1): where each word's uses begin in that order
    bounds: Ints  # (parts + 1): the first word of each part
    rows: Floats  # (words, width): the sums, or these times WT, (words, wide)
    # Where the rows are gradients of words' products with W:
    wide: int
    table: Floats  # (words, wide): the words' own rows
    WT: Floats  # (width, wide)
    W: Floats  # (parts, wide, width): W's gradient
    room: int
    sums: Floats  # (parts, room, width)
    products: Floats  # (parts, room, wide)
