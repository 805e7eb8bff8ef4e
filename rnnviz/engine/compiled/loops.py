"""The loops over time, for one block of sequences: the text that every cell's module is made of.

Nobody calls these functions here: ``source.py`` writes them into a module, with the cell's own
``forward_row`` and ``backward_row`` and the matrix product, and there they are compiled.

What they work on is in ``job.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rnnviz.arrays import Array
from rnnviz.engine.compiled.job import Back, Floats, Ints, Kept, Net, Places, Room, Seen

if TYPE_CHECKING:
    from rnnviz.engine.compiled.opening import opened_job
    from rnnviz.engine.compiled.simd import add, assign, at, fill, floats, get, lanes, mul, put

    def forward_row(*args: Any) -> None:
        """The cell's lines for one sequence at one step."""

    def backward_row(*args: Any) -> None:
        """The cell's backward lines for one sequence at one step."""

    def product(*args: Any) -> None:
        """C += A·B."""

    def product_from(*args: Any) -> None:
        """C = I + A·B."""


def copied(a: Floats, i: int, b: Floats, j: int, n: int) -> None:
    """n numbers from a to b; they are whole vectors."""
    for k in range(0, n, lanes(a)):
        put(b, j + k, get(a, i + k))


def copied_exactly(a: Floats, i: int, b: Floats, j: int, n: int) -> None:
    """n numbers from a to b; they need not be whole vectors."""
    whole = n // lanes(a) * lanes(a)
    copied(a, i, b, j, whole)
    for k in range(whole, n):
        assign(b, j + k, at(a, i + k))


def masked(a: Floats, i: int, b: Floats, j: int, mask: Floats, m: int, n: int) -> None:
    """The same times a mask."""
    whole = n // lanes(a) * lanes(a)
    for k in range(0, whole, lanes(a)):
        put(b, j + k, mul(get(a, i + k), get(mask, m + k)))
    for k in range(whole, n):
        assign(b, j + k, at(a, i + k) * at(mask, m + k))


def cleared(a: Floats, i: int, n: int) -> None:
    """Zeros; n are whole vectors."""
    for k in range(0, n, lanes(a)):
        put(a, i + k, fill(a, 0.0))


def added(a: Floats, i: int, b: Floats, j: int, n: int) -> None:
    """b += a; n are whole vectors."""
    for k in range(0, n, lanes(a)):
        put(b, j + k, add(get(b, j + k), get(a, i + k)))


def look_input(
    places: Places, net: Net, seen: Seen, room: Room, k: int, s: int, R: int, row: int
) -> None:
    """Put x of R sequences at step s side by side, as each gate sees it, from ``row`` on."""
    first, start = at(places.first, k), at(places.tokens, s) * places.batch
    for r in range(R):
        token = start + at(places.rows, first + r)
        assign(room.tokens, k * room.rows + row + r, token)
        if seen.ready:
            continue
        x = at(seen.x_at, token)
        # Whole vectors, and so the next token's first numbers, too; but nothing behind the last.
        n = net.wide if x + net.wide <= seen.x_end else net.D
        for g in range(seen.x_groups):
            to = ((k * seen.x_groups + g) * room.rows + row + r) * net.wide
            if seen.x_masked:
                m = (g * places.total + first + r) * net.wide
                masked(seen.x, x, room.read, to, seen.x_masks, m, n)
            else:
                copied_exactly(seen.x, x, room.read, to, n)


def look_state(
    places: Places,
    net: Net,
    seen: Seen,
    S: Floats,
    room: Room,
    k: int,
    s: int,
    R: int,
    row: int,
) -> None:
    """The same for h_prev."""
    first, H = at(places.first, k), net.H
    h = at(places.states, k * (places.steps + 1) + s) * H
    for g in range(seen.h_groups):
        to = ((k * seen.h_groups + g) * room.rows + row) * H
        if seen.h_masked:
            m = (g * places.total + first) * H
            masked(S, h, room.seen, to, seen.h_masks, m, R * H)
        else:
            copied(S, h, room.seen, to, R * H)


def change(places: Places, net: Net, kept: Kept, k: int, s: int, before: int, now: int) -> None:
    """Fetch the states of sequences that read from step s on; put away those that stop."""
    H = net.H
    for i in range(net.states):
        held = i * kept.S_size + at(places.states, k * (places.steps + 1) + s) * H
        rest = (i * places.total + at(places.first, k)) * H
        if now > before:
            copied(kept.last, rest + before * H, kept.S, held + before * H, (now - before) * H)
        elif before > now:
            copied(kept.S, held + now * H, kept.last, rest + now * H, (before - now) * H)


def begin_gates(places: Places, net: Net, seen: Seen, room: Room, k: int, s: int, a: int) -> int:
    """Rows of gates from ``a`` on begin with b + x·W: for as many steps as there is room for.

    The step after those.
    """
    T, N, width = places.steps, net.N, net.width
    start, rows = s, 0
    while s < T:
        R = at(places.active, k * T + s)
        if rows + (R + 3) // 4 * 4 > room.rows:
            break
        look_input(places, net, seen, room, k, s, R, rows)
        rows += (R + 3) // 4 * 4
        s += 1
    n = width // seen.x_groups
    if seen.ready:
        for r in range(rows):
            copied(net.bias, net.zero, room.d, a + r * N, N)
        row = net.zero
        for step in range(start, s):
            R = at(places.active, k * T + step)
            for r in range(row, row + R):
                x = at(seen.x_at, at(room.tokens, k * room.rows + r))
                added(seen.x, x, room.d, a + r * N, width)
            row += (R + 3) // 4 * 4
        return s
    for g in range(seen.x_groups):
        x = (k * seen.x_groups + g) * room.rows * net.wide
        product_from(net.bias, g * n, net.zero, room.d, a + g * n, N, room.read, x, net.wide,
                     net.one, net.W, g * n, width, rows, n, net.D)  # fmt: skip
    for r in range(rows):
        copied(net.bias, width, room.d, a + r * N + width, N - width)
    return s


def read_apart(
    places: Places,
    net: Net,
    seen: Seen,
    S: Floats,
    room: Room,
    k: int,
    s: int,
    R: int,
    a: int,
) -> None:
    """Add h_prev·U to the gates of R sequences from a copy of h_prev.

    The copy is as each gate sees it through its mask. Where the last four rows are not all
    sequences, numbers that nobody wants stand behind h_prev itself; some make arithmetic slow.
    """
    H, n, up = net.H, net.recurrent_width // seen.h_groups, (R + 3) // 4 * 4
    look_state(places, net, seen, S, room, k, s, R, net.zero)
    for g in range(seen.h_groups):
        h = (k * seen.h_groups + g) * room.rows * H
        product(room.d, a + net.apart + g * n, net.N, room.seen, h, H, net.one,
                net.U, g * n, net.recurrent_width, up, n, net.units)  # fmt: skip


def forward(like: Array, words: Ints, k: int) -> None:
    """Read all tokens of block k. ``words`` are the fields of a Job; ``like`` has its precision."""
    job = opened_job(like, words)
    places, net, seen, kept, room = job.places, job.net, job.seen, job.kept, job.room
    A, S, N, H, T = room.d, kept.S, net.N, net.H, places.steps
    n, before, s = net.recurrent_width, net.zero, net.zero
    while s < T:
        a = k * room.rows * N
        end = begin_gates(places, net, seen, room, k, s, a)
        while s < end:
            R = at(places.active, k * T + s)
            up = (R + 3) // 4 * 4
            change(places, net, kept, k, s, before, R)
            before = R
            h_prev, h = at(places.states, k * (T + 1) + s), at(places.states, k * (T + 1) + s + 1)
            if R == up and seen.h_groups == 1 and seen.h_masked == 0:
                product(A, a + net.apart, N, S, h_prev * H, H, net.one,
                        net.U, net.zero, n, up, n, net.units)  # fmt: skip
            else:
                read_apart(places, net, seen, S, room, k, s, R, a)
            K = (at(places.gates, k * T + s) if kept.every else k * room.rows) * N
            for r in range(R):
                forward_row(A, a + r * N, kept.A, K + r * N, S, kept.S_size, (h_prev + r) * H,
                            (h + r) * H, net.own, H)  # fmt: skip
            a += up * N
            s += 1
    change(places, net, kept, k, T, before, net.zero)


def arrive(places: Places, net: Net, back: Back, k: int, s: int) -> None:
    """Add the gradients of step s's outputs to what comes back from later steps."""
    first, H = at(places.first, k), net.H
    R = at(places.real, k) if places.hold else at(places.active, k * places.steps + s)
    for i in range(back.outs):
        start = i * back.out_state + at(places.tokens, s) * back.out_token
        carry = (i * places.total + first) * H
        for r in range(R):
            row = start + at(places.rows, first + r) * back.out_row
            added(back.out, row, back.carry, carry + r * H, H)


def backward(like: Array, words: Ints, k: int) -> None:
    """Walk block k back, and sum up its weights' gradients."""
    job = opened_job(like, words)
    places, net, kept, back, room = job.places, job.net, job.kept, job.back, job.room
    H, N, T = net.H, net.N, places.steps
    carry, rows, entry = at(places.first, k) * H, net.zero, net.zero
    for s in range(T - 1, -1, -1):
        R = at(places.active, k * T + s)
        arrive(places, net, back, k, s)
        if R == 0:
            continue
        up = (R + 3) // 4 * 4
        if rows + up > room.rows:
            entry += sum_up(places, net, job.seen, back, room, k, rows, entry)
            rows = net.zero
        look_input(places, net, job.seen, room, k, s, R, rows)
        look_state(places, net, job.seen, kept.S, room, k, s, R, rows)
        a, before = at(places.gates, k * T + s), at(places.states, k * (T + 1) + s)
        after = at(places.states, k * (T + 1) + s + 1)
        d = (k * room.rows + rows) * N
        for r in range(R):
            backward_row(
                kept.A, (a + r) * N, kept.S, kept.S_size, (before + r) * H, (after + r) * H,
                back.carry, places.total * H, carry + r * H, room.d, d + r * N,
                net.own, back.own, k, H,
            )  # fmt: skip
        # Products take four rows at a time.
        cleared(room.d, d + R * N, (up - R) * N)
        through(places, net, job.seen, back, room, k, R, d)
        rows += R
    sum_up(places, net, job.seen, back, room, k, rows, entry)


def through(
    places: Places, net: Net, seen: Seen, back: Back, room: Room, k: int, R: int, d: int
) -> None:
    """The gradient of h_prev: what comes through U."""
    H, N, n, up = net.H, net.N, net.recurrent_width // seen.h_groups, (R + 3) // 4 * 4
    first = at(places.first, k)
    carry, spare = first * H, k * room.rows * max(H, net.wide)
    for g in range(seen.h_groups):
        gates = d + net.apart + g * n
        if not seen.h_masked:
            product(back.carry, carry, H, room.d, gates, N, net.one, net.UT, g * n * H, H, up, H, n)
            continue
        cleared(room.spare, spare, up * H)
        product(room.spare, spare, H, room.d, gates, N, net.one, net.UT, g * n * H, H, up, H, n)
        m = (g * places.total + first) * H
        masked(room.spare, spare, room.spare, spare, seen.h_masks, m, R * H)
        added(room.spare, spare, back.carry, carry, R * H)


def sum_up(
    places: Places,
    net: Net,
    seen: Seen,
    back: Back,
    room: Room,
    k: int,
    rows: int,
    entry: int,
) -> int:
    """The share of some rows in the weights' gradients, and the gradients of their inputs.

    The number of rows.
    """
    H, N, width, wide = net.H, net.N, net.width, net.wide
    d = k * room.rows * N
    for r in range(rows):
        added(room.d, d + r * N, back.b, k * N, N)
    U_width = net.recurrent_width
    n = U_width // seen.h_groups
    for g in range(seen.h_groups):
        h = (k * seen.h_groups + g) * room.rows * H
        product(back.U, k * H * U_width + g * n, U_width, room.seen, h, net.one, H,
                room.d, d + net.apart + g * n, N, H, n, rows)  # fmt: skip
    if not seen.ready:
        n = width // seen.x_groups
        for g in range(seen.x_groups):
            x = (k * seen.x_groups + g) * room.rows * wide
            product(back.W, k * wide * width + g * n, width, room.read, x, net.one, wide,
                    room.d, d + g * n, N, wide, n, rows)  # fmt: skip
            if back.need_x:
                give_input(places, net, seen, back, room, k, g, rows, entry)
    elif back.need_x:
        for r in range(rows):
            to = at(places.entries, k) + entry + r
            copied(room.d, d + r * N, back.x, to * wide, width)
            assign(back.x_from, to, at(seen.x_at, at(room.tokens, k * room.rows + r)))
    return rows


def give_input(
    places: Places, net: Net, seen: Seen, back: Back, room: Room, k: int, g: int, rows: int,
    entry: int,
) -> None:  # fmt: skip
    """The gradients of some rows' inputs, through the gates of a group."""
    wide, N, n = net.wide, net.N, net.width // seen.x_groups
    up, spare = (rows + 3) // 4 * 4, k * room.rows * max(net.H, wide)
    cleared(room.spare, spare, up * wide)
    product(room.spare, spare, wide, room.d, k * room.rows * N + g * n, N, net.one,
            net.WT, g * n * wide, wide, up, wide, n)  # fmt: skip
    for r in range(rows):
        token = at(room.tokens, k * room.rows + r)
        to, row = token, spare + r * wide
        if back.by_entry:
            to = at(places.entries, k) + entry + r
            assign(back.x_from, to, at(seen.x_at, token))
        if seen.x_masked:
            place = at(places.place, token % places.batch)
            m = (g * places.total + place) * wide
            masked(room.spare, row, room.spare, row, seen.x_masks, m, wide)
        if g == 0:
            copied(room.spare, row, back.x, to * wide, wide)
        else:
            added(room.spare, row, back.x, to * wide, wide)


def collect(like: Array, words: Ints, k: int) -> None:
    """h after every step, (T, B, units): the last array in ``words``.

    The array before it has, (T, H), that of all that have not begun; or, (places, H), that before
    the first step.
    """
    job, n = opened_job(like, words), len(words) - 2
    idle, out = floats(like, words[n]), floats(like, words[n + 1])
    places, kept, H, T = job.places, job.kept, job.net.H, job.places.steps
    units, first = job.net.units, at(places.first, k)
    for s in range(T):
        after = at(places.states, k * (T + 1) + s + 1)
        for r in range(at(places.real, k)):
            row = at(places.rows, first + r)
            to = (at(places.tokens, s) * places.batch + row) * units
            if r < at(places.active, k * T + s):
                copied_exactly(kept.S, (after + r) * H, out, to, units)
            elif places.hold == 0:
                copied_exactly(idle, s * H, out, to, units)
            elif s == 0:
                copied_exactly(idle, (first + r) * H, out, to, units)
            else:
                earlier = (at(places.tokens, s - 1) * places.batch + row) * units
                copied_exactly(out, earlier, out, to, units)
