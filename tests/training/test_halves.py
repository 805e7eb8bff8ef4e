"""Two halves of a batch come to the whole, to the last bit the same in one process or in two."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from training import tiny  # type: ignore[import-not-found, unused-ignore]

from rnnviz.data.batches import Batch, Examples, Texts
from rnnviz.engine.model import Model, initialise, shapes
from rnnviz.engine.optimizers import OPTIMIZERS
from rnnviz.engine.spec import (
    EmbeddingSpec,
    FitSpec,
    HeadSpec,
    ModelSpec,
    RecurrentSpec,
    SeriesSpec,
)
from rnnviz.errors import RnnvizError
from rnnviz.training.events import Epoch, Evaluation, Event, Note, Step
from rnnviz.training.fit import evaluate, evaluation, fit, learn
from rnnviz.training.halves import Compute, Halves, begun, memory, process, usual_parts
from rnnviz.training.state import State

pytestmark = pytest.mark.skipif(
    not hasattr(os, "memfd_create"), reason="no nameless memory to share on this system"
)

WORDS, CLASSES = EmbeddingSpec(12, 5), HeadSpec("softmax", 3)


def words(*layers: RecurrentSpec, mask: bool = True, dropout: float = 0.0) -> ModelSpec:
    return ModelSpec(replace(WORDS, mask_zero=mask, dropout=dropout), layers, CLASSES)


def layer(cell: str, both: bool = False, dropout: float = 0.0) -> RecurrentSpec:
    return RecurrentSpec(cell, 6, both, dropout=dropout, recurrent_dropout=dropout)


NETS = {
    **{f"{cell}, masked": words(layer(cell)) for cell in ("rnn", "lstm", "gru")},
    **{f"{cell}, unmasked": words(layer(cell), mask=False) for cell in ("rnn", "lstm", "gru")},
    "stacked and bidirectional": words(layer("lstm", True), layer("gru", True), mask=False),
    "a cell of the slow loops": words(layer("lstm-slide")),
    "series": ModelSpec(SeriesSpec(3), (layer("gru"), layer("lstm")), HeadSpec("linear", 1)),
    "no recurrent layer": ModelSpec(SeriesSpec(3, 9), (), HeadSpec("linear", 1, hidden=4)),
}
DROPPED = {
    "dropped words": words(layer("gru", True, 0.3), dropout=0.2),
    "dropped series": ModelSpec(
        SeriesSpec(3), (layer("lstm", dropout=0.3),), HeadSpec("linear", 1)
    ),
}


def batches(spec: ModelSpec, B: int = 11, count: int = 4) -> list[Batch]:
    """Unequal lengths, longest first, and unequal weights."""
    rng, made = np.random.default_rng(7), []
    for _ in range(count):
        y = rng.random(B).astype(np.float32)
        inputs = rng.standard_normal((9, B, 3), np.float32)
        if isinstance(spec.source, EmbeddingSpec):
            lengths = np.sort(rng.integers(1, 10, B))[::-1]
            front = not spec.source.mask_zero
            at = np.arange(9)[::-1] if front else np.arange(9)
            inputs = np.where(at[:, None] < lengths, rng.integers(1, 12, (9, B)), 0)
            y = rng.integers(0, 3, B).astype(np.float32)
        made.append((inputs, y, rng.random(B).astype(np.float32)))
    return made


def trained(
    spec: ModelSpec, compute: Compute | None, given: list[Batch], model: Model | None = None
) -> tuple[list[tuple[float, float]], Model]:
    """Losses and metrics of a few steps, and the net they led to."""
    model = model or Model(spec, initialise(spec, 0))
    optimizer, rng = OPTIMIZERS["adam"](1e-2), np.random.default_rng(1)
    done = [learn(model, optimizer, b, FitSpec(1, clip=1.0), rng, compute) for b in given]
    return [(one.loss, one.metric) for one in done], model


@pytest.fixture
def second() -> Iterator[Callable[[Model], Halves]]:
    """What begins a second process, which has ended by the end of the test."""
    every: list[Halves] = []

    def start(model: Model) -> Halves:
        every.append(Halves().start(model))
        assert every[-1].wait(30)
        return every[-1]

    yield start
    for halves in every:
        halves.close()


def same(a: Model, b: Model) -> None:
    for name in a.params:
        np.testing.assert_array_equal(a.params[name], b.params[name], name)


@pytest.mark.parametrize("name", [*NETS, *DROPPED])
def test_two_processes_compute_exactly_what_one_does(
    name: str, second: Callable[[Model], Halves]
) -> None:
    spec = (NETS | DROPPED)[name]
    given = batches(spec)
    losses, one = trained(spec, Halves(), given)
    model = Model(spec, initialise(spec, 0))
    halves = second(model)
    again, two = trained(spec, halves, given, model)
    assert halves.pids and halves.lost() == ""
    assert again == losses
    same(one, two)


@pytest.mark.parametrize("name", NETS)
def test_two_halves_come_to_the_whole(name: str) -> None:
    given = batches(NETS[name])
    losses, plain = trained(NETS[name], None, given)
    found, apart = trained(NETS[name], Halves(), given)
    np.testing.assert_allclose(found, losses, rtol=1e-5)
    for key, a in plain.params.items():
        np.testing.assert_allclose(apart.params[key], a, atol=1e-6, err_msg=key)


@pytest.mark.parametrize("B", [1, 2, 3])
def test_the_smallest_batches_have_halves_as_well(
    B: int, second: Callable[[Model], Halves]
) -> None:
    spec = NETS["gru, unmasked"]
    given = batches(spec, B)
    model = Model(spec, initialise(spec, 0))
    losses, _ = trained(spec, second(model), given, model)
    wanted, _ = trained(spec, None, given)
    np.testing.assert_allclose(losses, wanted, rtol=1e-5)


def test_each_half_draws_its_own_dropout_and_every_batch_another() -> None:
    """Equal sequences in both halves, at weights that stay as they are."""
    spec = ModelSpec(SeriesSpec(3), (layer("gru", dropout=0.5),), HeadSpec("linear", 1))
    model, rng = Model(spec, initialise(spec, 0)), np.random.default_rng(0)
    row = np.random.default_rng(1).standard_normal((9, 1, 3), np.float32)
    batch = (np.repeat(row, 2, 1), np.zeros(2, np.float32), np.ones(2, np.float32))
    logits = np.concatenate([Halves().gradients(model, batch, rng).logits for _ in range(4)])
    assert len(np.unique(logits)) == 8


def test_no_number_is_drawn_where_nothing_drops() -> None:
    spec, rng = NETS["gru, masked"], np.random.default_rng(0)
    before = rng.bit_generator.state
    Halves().gradients(Model(spec, initialise(spec, 0)), batches(spec)[0], rng)
    assert rng.bit_generator.state == before


def test_a_batch_too_large_for_the_shared_memory_is_computed_alone(
    monkeypatch: pytest.MonkeyPatch, second: Callable[[Model], Halves]
) -> None:
    spec = NETS["series"]
    model = Model(spec, initialise(spec, 0))
    halves = second(model)
    monkeypatch.setattr(memory, "ROOM", 300)
    given, begin, tried = batches(spec), process.Second.begin, []

    def noted(self: process.Second, *asked: Any) -> bool:
        tried.append(begin(self, *asked))
        return tried[-1]

    monkeypatch.setattr(process.Second, "begin", noted)
    losses, found = trained(spec, halves, given, model)
    wanted, one = trained(spec, Halves(), given)
    assert losses == wanted and halves.pids and tried == [False] * len(given)
    same(found, one)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_process_steps_half_of_a_large_embedding(
    name: str, second: Callable[[Model], Halves]
) -> None:
    """Longer than the stretches that optimizers work on, of odd length, and gone on with."""
    spec = replace(NETS["gru, masked"], source=EmbeddingSpec(2001, 17))
    # Words of both halves of the table.
    given, states = [(150 * ids, y, weight) for ids, y, weight in batches(spec)], []
    for start in (second, lambda model: Halves()):
        model = Model(spec, initialise(spec, 0))
        halves, optimizer = start(model), OPTIMIZERS[name](1e-2)
        rng = np.random.default_rng(0)
        for batch in given[:2]:
            learn(model, optimizer, batch, FitSpec(1), rng, halves)
        resumed = OPTIMIZERS[name](1e-2)
        resumed.restore(optimizer.state())
        for batch in given[2:]:
            learn(model, resumed, batch, FitSpec(1), rng, halves)
        states.append({**resumed.state(), **model.params})
    for key, a in states[0].items():
        np.testing.assert_array_equal(a, states[1][key], key)
        assert a.any(), key


# -- evaluation -----------------------------------------------------------------------------------


def test_both_processes_evaluate_the_weights_they_are_given(
    second: Callable[[Model], Halves],
) -> None:
    """Those that are trained, also after a step, and others."""
    valid = tiny.texts(70, 3)
    spec = ModelSpec(WORDS, (layer("gru"),), HeadSpec("sigmoid", 1))
    model = Model(spec, initialise(spec, 0))
    halves = second(model)

    def both(net: Model) -> list[dict[str, float]]:
        return [scores(net, valid, halves), scores(net, valid, Halves())]

    first = both(model)
    assert first[0] == first[1] == pytest.approx(evaluate(model, valid), rel=1e-5)
    trained(spec, halves, [next(valid.batches(70))], model)
    after = both(model)
    assert after[0] == after[1] != first[0]
    other = both(Model(spec, initialise(spec, 5)))
    assert other[0] == other[1] and other[0] not in (first[0], after[0])
    assert both(model) == after


def scores(model: Model, examples: Examples, halves: Halves) -> dict[str, float]:
    evaluated = evaluation(model, examples, 16, halves=halves)
    while True:
        try:
            next(evaluated)
        except StopIteration as end:
            found: dict[str, float] = end.value
            return found


# -- a process that is lost ---------------------------------------------------------------------


NET = tiny.words_net(12)
FIT = replace(tiny.FIT, epochs=2, parts=2)
VALID = tiny.texts(300, 2)


def events(
    watch: Callable[[Event, Halves], bool | None] = lambda event, halves: None,
    *, processes: int = 2, state: State | None = None,
) -> tuple[list[Event], State, Model]:  # fmt: skip
    """A training with two halves, up to the event at which ``watch`` is true."""
    model = Model(NET, initialise(NET, 0))
    state = state or State.fresh(model.params, FIT)
    seen: list[Event] = []
    with begun(model, 2, processes) as halves:
        assert processes == 1 or halves.wait(30)
        for event in fit(model, draw, VALID, FIT, state, halves):
            seen.append(event)
            if watch(event, halves):
                break
    return seen, state, model


def draw(epoch: int, rng: np.random.Generator) -> Texts:
    pool = tiny.texts(200, 1)
    rows = rng.permutation(len(pool))[:100]
    return Texts([pool.ids[int(n)] for n in rows], pool.y[rows])


def numbers(seen: list[Event]) -> list[object]:
    """All but the time it took."""
    epochs = [{**e.to_json(), "seconds": 0} for e in seen if isinstance(e, Epoch)]
    return [e for e in seen if isinstance(e, Step)] + epochs


@pytest.fixture
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also on a machine that has but one."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1}, raising=False)


@pytest.mark.parametrize("when", [Step, Evaluation])
def test_a_training_goes_on_alone_when_its_second_process_is_killed(
    when: type, two_processors: None
) -> None:
    wanted, _, one = events(processes=1)
    killed: list[int] = []

    def kill(event: Event, halves: Halves) -> None:
        if isinstance(event, when) and not killed:
            killed.extend(halves.pids)
            os.kill(killed[0], signal.SIGKILL)

    seen, _, two = events(kill)
    assert killed
    notes = [e.text for e in seen if isinstance(e, Note)]
    assert len(notes) == 1 and "killed by SIGKILL" in notes[0]
    assert numbers(seen) == numbers(wanted)
    same(one, two)


def test_a_failure_of_the_second_process_is_told_and_survived(
    second: Callable[[Model], Halves], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = NETS["series"]
    model = Model(spec, initialise(spec, 0))
    halves, given = second(model), batches(spec)
    begin = process.Second._begin
    monkeypatch.setattr(
        process.Second, "_begin", lambda self, arrays, message: begin(self, arrays[:1], message)
    )
    losses, _ = trained(spec, halves, given, model)
    assert losses == trained(spec, Halves(), given)[0]
    assert "ValueError" in halves.lost() and halves.pids == [] and halves.lost() == ""


def test_a_loss_in_the_middle_of_an_update_ends_the_training(
    two_processors: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(self: process.Second) -> None:
        raise process.Lost("killed by SIGKILL")

    monkeypatch.setattr(process.Second, "finish_update", lose)
    with pytest.raises(RnnvizError, match=r"update \(killed by SIGKILL\).\n.*--resume"):
        events()


def test_without_a_second_process_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = NETS["series"]
    for broken in ("raise SystemExit(3)", "import no_such_module"):
        monkeypatch.setattr(process, "_CODE", broken)
        model = Model(spec, initialise(spec, 0))
        with Halves().start(model) as halves:
            assert not halves.wait(30)
            losses, _ = trained(spec, halves, batches(spec), model)
        assert losses == trained(spec, Halves(), batches(spec))[0]
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with Halves().start(Model(spec, initialise(spec, 0))) as halves:
        assert halves.pids == [] and halves.lost() == ""


def test_a_number_that_is_none_is_still_named_with_its_batch(two_processors: None) -> None:
    def spoil(event: Event, halves: Halves) -> None:
        if isinstance(event, Step) and (event.epoch, event.batch) == (1, 3):
            assert halves.pids
            state.params["layers.0.forward.U"][0, 0] = np.inf

    model = Model(NET, initialise(NET, 0))
    state = State.fresh(model.params, FIT)
    with pytest.raises(RnnvizError, match=r"epoch 1, batch 4: .*layers\.0"):
        events(spoil, state=state)


def test_the_second_process_ends_when_the_first_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from rnnviz.engine.model import Model, initialise\n"
        "from rnnviz.engine.spec import *\n"
        "from rnnviz.training.halves import Halves\n"
        "spec = ModelSpec(SeriesSpec(3), (RecurrentSpec('gru', 4),), HeadSpec('linear', 1))\n"
        "halves = Halves().start(Model(spec, initialise(spec, 0)))\n"
        "assert halves.wait(30); print(*halves.pids, flush=True); time.sleep(60)"
    )
    first = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    pid = int(first.stdout.readline())
    assert alive(pid)
    first.kill()
    first.communicate()
    until = time.monotonic() + 20
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.02)
    assert not alive(pid)


def alive(pid: int) -> bool:
    """Whether there is such a process, and not only its exit code."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_ctrl_c_is_not_for_the_second_process(second: Callable[[Model], Halves]) -> None:
    spec = NETS["series"]
    halves = second(Model(spec, initialise(spec, 0)))
    (pid,) = halves.pids
    assert os.getpgid(pid) != os.getpgid(0)
    os.kill(pid, signal.SIGINT)
    time.sleep(0.2)
    assert alive(pid)


def test_no_process_is_left_behind(two_processors: None) -> None:
    pids: list[int] = []

    def leave(event: Event, halves: Halves) -> bool:
        pids.extend(halves.pids)
        return True

    events(leave)
    assert len(pids) == 1 and not alive(pids[0])


# -- gone on with ---------------------------------------------------------------------------------


@pytest.mark.parametrize("processes", [1, 2])
def test_a_training_in_two_halves_goes_on_bit_for_bit(processes: int, two_processors: None) -> None:
    """Also with another number of processes than it began with."""
    wanted, whole_run, _ = events(processes=1)
    for at in (0, 6, 8, 9, 12):
        left = iter(range(100))
        first, state, _ = events(lambda event, halves, at=at, left=left: next(left) == at)
        again = State.unpack(state.pack(), shapes(NET), "here")
        rest, ended, _ = events(processes=processes, state=again)
        assert numbers(first + rest)[-2:] == numbers(wanted)[-2:], at
        ended.progress.seconds = whole_run.progress.seconds
        assert ended.pack() == whole_run.pack(), at


# -- how many --------------------------------------------------------------------------------------


def test_small_batches_and_one_processor_have_one_part(
    two_processors: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = ModelSpec(SeriesSpec(3), (RecurrentSpec("gru", 64),), HeadSpec("linear", 1))
    assert usual_parts(wide, 128) == 2
    assert usual_parts(wide, 1) == 1
    assert usual_parts(NETS["no recurrent layer"], 128) == 1
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0}, raising=False)
    assert usual_parts(wide, 128) == 1
    with begun(Model(wide, initialise(wide, 0)), 2) as halves:
        assert halves.pids == []


@pytest.mark.parametrize(("parts", "processes"), [(1, 2), (2, 1)])
def test_nothing_is_started_for_one_part_or_one_process(
    parts: int, processes: int, two_processors: None
) -> None:
    spec = NETS["series"]
    with begun(Model(spec, initialise(spec, 0)), parts, processes) as halves:
        assert halves.pids == []
