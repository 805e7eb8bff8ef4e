"""Compiled scans equal the recording scan, on any number of threads."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine.test_packed_scan import PADDING, V, drawn, padded_ids
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import recorded_gradients

from rnnviz.arrays import Array, Values
from rnnviz.cells import CELLS, Cell
from rnnviz.cells.variants import variant
from rnnviz.engine import compiled, losses
from rnnviz.engine import scan as recorded
from rnnviz.engine.backend import HOST
from rnnviz.engine.compiled import Lookup, threads
from rnnviz.engine.device import compiled_backend
from rnnviz.engine.directions import DirectionInput
from rnnviz.engine.embedding import WordRows, summed_rows, table_of
from rnnviz.engine.model import Model
from rnnviz.engine.optimizers import OPTIMIZERS
from rnnviz.engine.parameters import initialise
from rnnviz.engine.spec import EmbeddingSpec, HeadSpec, ModelSpec, RecurrentSpec
from rnnviz.equations import FUNCTIONS
from rnnviz.equations.functions import step as heaviside

pytest.importorskip("numba")
simd = pytest.importorskip("rnnviz.engine.compiled.simd")
vector_functions = pytest.importorskip("rnnviz.engine.compiled.vector_functions")


#: Each of these takes some seconds to compile; masks, dropout and directions compile nothing more.
#: Together they use every function, joint and other gates, one state and two, a trained vector.
COMPILED_CELLS = {
    "rnn": CELLS["rnn"], "gru": variant(CELLS["gru"], "relu", "hard_sigmoid"),
    "lstm-peephole": CELLS["lstm-peephole"], "mingru": CELLS["mingru"],
    "lstm without bias": variant(
        CELLS["lstm"], "elu", "hard_sigmoid_sixth", "softplus", clip=1.5, bias=False
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A batch, a layer, and the gradients of its outputs."""

    cell: Cell
    p: Values
    table: Array
    ids: Array
    options: dict[str, Any]
    lead: Array | None
    d_h: Array | None
    d_last: Values


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Every padding, direction and dropout; one to five blocks of sequences."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    cell = COMPILED_CELLS[draw(st.sampled_from(sorted(COMPILED_CELLS)))]
    padding = draw(st.sampled_from([p for p in PADDING if "holes" not in p]))
    reverse = draw(st.booleans())
    T, B = draw(st.sampled_from([1, 2, 33])), draw(st.sampled_from([1, 5, 40, 70, 130]))
    D, H, G = draw(st.integers(1, 18)), draw(st.sampled_from([1, 3, 16, 20])), len(cell.gates)
    ids, mask, lead = padded_ids(padding, reverse, T, B, rng)
    options: dict[str, Any] = {"mask": mask, "reverse": reverse}
    if draw(st.booleans()):
        options["initial"] = {s: rng.standard_normal((1, H)).repeat(B, 0) for s in cell.states}
    if draw(st.booleans()):
        options["recurrent_mask"] = (rng.random((G, B, H)) > 0.3) / 0.7
    if masks := draw(st.sampled_from([0, 1, G])):
        options["input_mask"] = (rng.random((masks, B, D)) > 0.3) / 0.7
    p = drawn(cell, rng, D, H)
    d_h = rng.standard_normal((T, B, H)) if draw(st.booleans()) else None
    d_last = {s: rng.standard_normal((B, H)) for s in cell.states}
    table = rng.standard_normal((V, D))
    return Case(cell, p, table, ids, options, lead, d_h, d_last)


def close(found: Array, wanted: Array, what: str, tolerance: float = 1e-10) -> None:
    """Equal to rounding: sums are in another order."""
    scale = tolerance * (1 + np.abs(wanted).max(initial=0))
    np.testing.assert_allclose(found, wanted, 0, scale, err_msg=what)


def scan(cell: Cell, p: Values, x: Any, mask: Array | None = None, **options: Any) -> Any:
    """One direction alone."""
    keep = options.pop("keep", True)
    return compiled.scan(cell, [DirectionInput(p, **options)], x, mask, keep=keep)[0]


def scan_backward(cell: Cell, p: Values, done: Any, d_h: Array | None, d_last: Values) -> Any:
    """Of one direction alone."""
    return compiled.scan_backward(cell, [p], [done], [d_h], [d_last])[0]


@settings(max_examples=150)
@given(cases(), st.booleans())
def test_a_compiled_scan_equals_the_recording_one(case: Case, lookup: bool) -> None:
    """Outputs, last states, and the gradients of weights, inputs and initial states."""
    cell, p, x, lead = case.cell, case.p, case.table[case.ids], case.lead
    plain = recorded.scan(cell, p, x, **case.options)
    back = recorded.scan_backward(cell, p, plain, case.d_h, case.d_last)
    assert compiled.supports(cell, case.options["mask"])
    source = Lookup(case.table, case.ids) if lookup else x
    done = scan(cell, p, source, lead=lead, **case.options)
    found = scan_backward(cell, p, done, case.d_h, case.d_last)

    assert done.shape == case.ids.shape + plain.last["h"].shape[1:]
    close(done.stack("h"), plain.stack("h"), "h")
    without_keep = scan(cell, p, source, lead=lead, keep=False, **case.options)
    for s in cell.states:
        close(done.last[s], plain.last[s], f"last {s}")
        close(without_keep.last[s], plain.last[s], f"last {s}, keep=False")
        # Sequences that share padding have the gradient of their sum.
        close(found.initial[s].sum(0), back.initial[s].sum(0), f"initial {s}, summed")
        if lead is None:
            close(found.initial[s], back.initial[s], f"initial {s}")
    assert found.params.keys() == back.params.keys()
    for key, g in back.params.items():
        close(found.params[key], g, key)
    D = x.shape[2]
    wanted = table_of(summed_rows(case.ids.ravel(), back.x.reshape(-1, D), V), (V, D))
    if lookup:
        rows = table_of(summed_rows(*found.rows(), V), (V, D))
    else:
        rows = table_of(summed_rows(case.ids.ravel(), found.x.reshape(-1, D), V), (V, D))
        if lead is None:
            close(found.x, back.x, "x")
    close(rows, wanted, "table")


def test_single_precision_is_within_1e_5_of_double() -> None:
    """Over 500 steps both are within 1e-5 of double precision."""
    cell, rng = CELLS["gru"], np.random.default_rng(0)
    p64, x64 = drawn(cell, rng, 14, 32), rng.standard_normal((500, 20, 14))
    d_last = {"h": rng.standard_normal((20, 32))}
    exact = recorded.scan(cell, p64, x64)
    wanted = recorded.scan_backward(cell, p64, exact, None, d_last)
    p = {key: a.astype(np.float32) for key, a in p64.items()}
    done = scan(cell, p, x64.astype(np.float32))
    assert done.last["h"].dtype == np.float32
    close(done.last["h"], exact.last["h"], "h", 1e-5)
    last = {"h": d_last["h"].astype(np.float32)}
    found = scan_backward(cell, p, done, None, last)
    for key, g in wanted.params.items():
        assert found.params[key].dtype == np.float32
        close(found.params[key], g, key, 1e-5)
    # Gradients below 1e-22 are set to zero: denormal numbers would take a hundred times as long.
    assert not found.x[0].any() and found.x[-1].any()
    assert np.abs(found.x[found.x != 0]).min() > 1e-37


def test_tanh_in_single_precision_has_a_relative_error_below_1e_6() -> None:
    """From 1e-6 to where it is flat, as the output of a GRU with its update gate at zero."""
    x = np.concatenate([np.linspace(-12, 12, 4001), np.geomspace(1e-6, 1, 1000)])
    p = {"W": [[0, 0, 1]], "U": [[0, 0, 0]], "b": [[-60, 0, 0], [0, 0, 0]]}
    p32 = {key: np.array(a, np.float32) for key, a in p.items()}
    x = x.astype(np.float32)
    h = scan(CELLS["gru"], p32, x[None, :, None]).last["h"][:, 0]
    np.testing.assert_allclose(h, np.tanh(x), 1e-6, 0)
    assert np.abs(h).max() == 1


def test_results_do_not_depend_on_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the last bit: sums are in the order of the blocks; two directions run at once."""
    cell, rng, H = CELLS["gru"], np.random.default_rng(0), 32
    drawn_twice = [drawn(cell, rng, 14, H) for _ in range(2)]
    both = [{key: a.astype(np.float32) for key, a in p.items()} for p in drawn_twice]
    x = rng.standard_normal((30, 70, 14)).astype(np.float32)
    directions = [DirectionInput(p, reverse=k == 1) for k, p in enumerate(both)]
    found = []
    for cores in (1, 3):
        monkeypatch.setattr(threads, "thread_count", lambda n=cores: n)
        threads._pool.cache_clear()
        done = compiled.scan(cell, directions, x)
        h = compiled.outputs(done)
        d_h, last = [h[..., :H], h[..., H:]], [{"h": one.last["h"]} for one in done]
        backs = compiled.scan_backward(cell, both, done, d_h, last)
        found.append([h, *(a for back in backs for a in (back.x, *back.params.values()))])
    threads._pool.cache_clear()
    for one, three in zip(*found, strict=True):
        np.testing.assert_array_equal(one, three)
    for k, p in enumerate(both):
        alone = scan(cell, p, x, reverse=k == 1)
        np.testing.assert_array_equal(found[0][0][..., k * H : (k + 1) * H], alone.stack("h"))


def test_nan_propagates() -> None:
    """Training stops at NaN; a tanh that returned 1 would hide it."""
    cell, rng = CELLS["gru"], np.random.default_rng(0)
    p = {key: a.astype(np.float32) for key, a in drawn(cell, rng, 14, 32).items()}
    x = rng.standard_normal((3, 5, 14)).astype(np.float32)
    x[1, 2, 3] = np.nan
    last = scan(cell, p, x).last["h"]
    assert np.isnan(last[2]).all() and np.isfinite(last[[0, 1, 3, 4]]).all()


@settings(max_examples=30)
@given(st.integers(1, 300), st.integers(1, 40), st.integers(1, 70), st.integers(0, 10**6))
def test_the_sum_by_word_is_the_plain_one(P: int, V: int, E: int, seed: int) -> None:
    """For words that occur often, once, or never."""
    rng = np.random.default_rng(seed)
    ids, d = rng.integers(0, V, P), rng.standard_normal((P, E))
    found, wanted = compiled.summed_rows(ids, d, V), summed_rows(ids, d, V)
    np.testing.assert_array_equal(found.words, wanted.words)
    np.testing.assert_allclose(found.rows, wanted.rows, 1e-9, 1e-12)


@pytest.mark.parametrize("E", [16, 3])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_is_the_optimizers_own(name: str, E: int) -> None:
    """Of rows with and without gradients, of other parameters, and of the optimizer's arrays."""
    rng, V, shapes = np.random.default_rng(0), 50, {"W": (8, 6), "b": (5,)}
    plain, quick = OPTIMIZERS[name](), OPTIMIZERS[name]()
    wanted = {key: rng.standard_normal(shape).astype(np.float32) for key, shape in shapes.items()}
    wanted["embedding"] = rng.standard_normal((V, E)).astype(np.float32)
    found = {key: a.copy() for key, a in wanted.items()}
    for _ in range(4):
        words = np.flatnonzero(rng.random(V) < 0.3)
        rows = WordRows(words, rng.standard_normal((len(words), E)).astype(np.float32))
        grads = {key: rng.standard_normal(s).astype(np.float32) for key, s in shapes.items()}
        HOST.step(plain, wanted, grads, rows)
        compiled.step(quick, found, grads, rows)
    for key, a in wanted.items():
        np.testing.assert_allclose(found[key], a, 1e-6, 1e-7, err_msg=key)
    assert plain.numbers() == quick.numbers()
    for key, a in plain.state().items():
        np.testing.assert_allclose(quick.state()[key], a, 1e-5, 1e-9, err_msg=key)


def test_means_of_unused_words_do_not_become_denormal() -> None:
    """Arithmetic on denormal numbers takes a hundred times as long; they would stay for ever."""
    optimizer, table = OPTIMIZERS["adam"](), np.ones((4, 16), np.float32)
    for mean in optimizer.slots("embedding", table):
        mean[...] = 1e-29
    rows = WordRows(np.array([1]), np.ones((1, 16), np.float32))
    for _ in range(200):
        compiled.step(optimizer, {"embedding": table}, {}, rows)
    mean, square = optimizer.slots("embedding", table)
    assert not mean[[0, 2, 3]].any() and mean[1].all()
    np.testing.assert_allclose(square[0], 1e-29 * 0.999**200, 1e-4)


def test_masks_are_supported_if_nested() -> None:
    """Padding at one end, lengths in any order; not sequences that end while others begin."""
    mask = np.array([[True, True], [False, True], [False, True]])
    assert compiled.supports(CELLS["gru"], mask) and compiled.supports(CELLS["gru"], mask[:, ::-1])
    assert not compiled.supports(CELLS["gru"], np.array([[True, False], [False, True]]))


def test_cells_with_further_products_are_not_supported() -> None:
    """The slide's c₋·V_o, the 2014 GRU's (r ⊙ h₋)·U and a projection mix units."""
    for name in ("lstm-slide", "gru-2014", "lstm-projection"):
        assert not compiled.supports(CELLS[name], None)


def test_every_function_is_its_definition() -> None:
    """NumPy's functions equal the definitions that compiled loops and CUDA kernels compute."""

    def is_compiled(name: str) -> bool:
        return hasattr(simd, name) or hasattr(vector_functions, name)

    a = np.linspace(-4, 4, 41)
    primitives = {
        "tanh": np.tanh, "step": heaviside, "maximum": np.maximum, "minimum": np.minimum,
        "absolute": np.abs, "exp": np.exp, "log1p": np.log1p,
    }  # fmt: skip
    for function in FUNCTIONS.values():
        if function.name == "clip":  # written with minimum and maximum
            continue
        if not function.definition:
            assert function.name in primitives and is_compiled(function.name)
            continue
        assert all(is_compiled(n.id) for n in ast.walk(ast.parse(function.definition))
                   if isinstance(n, ast.Name) and n.id != "a")  # fmt: skip
        defined = eval(function.definition, {**primitives, "a": a})
        np.testing.assert_allclose(function(a), defined, rtol=1e-12, atol=1e-15)


def _net(source: EmbeddingSpec, *layers: RecurrentSpec) -> ModelSpec:
    return ModelSpec(source, layers, HeadSpec("sigmoid", 1))


@pytest.mark.parametrize("padding", ["in front", "behind"])
@pytest.mark.parametrize(
    "spec",
    [
        _net(EmbeddingSpec(V, 3, mask_zero=False), *[RecurrentSpec("rnn", 4)] * 2),
        _net(EmbeddingSpec(V, 3), RecurrentSpec("rnn", 4, bidirectional=True)),
        _net(EmbeddingSpec(V, 3, mask_zero=False), RecurrentSpec("rnn", 4, bidirectional=True)),
        _net(EmbeddingSpec(V, 3, dropout=0.3), RecurrentSpec("rnn", 4, dropout=0.2)),
        _net(EmbeddingSpec(V, 3), RecurrentSpec("lstm-slide", 4)),
    ],
    ids=[
        "two layers, unmasked",
        "both ways",
        "both ways, unmasked",
        "dropout of words",
        "no compiled loop",
    ],
)
def test_a_models_gradients_are_numpys(spec: ModelSpec, padding: str) -> None:
    """The training pass of both backends and the recording pass, with the same dropout."""
    rng, (T, B) = np.random.default_rng(0), (25, 6)
    params = {k: a.astype(np.float64) for k, a in initialise(spec, 1).items()}
    lengths, t = rng.integers(0, T + 1, B), np.arange(T)[:, None]
    real = t >= T - lengths if padding == "in front" else t < lengths
    ids, y = np.where(real, rng.integers(1, V, (T, B)), 0), rng.integers(0, 2, B)
    found = []
    recording = Model(spec, params).record(ids, np.random.default_rng(3))
    d = losses.d_logits("sigmoid", recording.logits, y)
    grads = recorded_gradients(Model(spec, params), recording, d)
    found.append({"logits": recording.logits, **grads})
    for backend in (HOST, compiled_backend()):
        model = Model(spec, params, backend)
        done = model.forward(ids, np.random.default_rng(3))
        d = losses.d_logits("sigmoid", done.logits, y)
        found.append({"logits": done.logits, **model.gradients(done, d)})
    for other in found[1:]:
        assert other.keys() == found[0].keys()
        for key, wanted in found[0].items():
            close(other[key], wanted, key)


def test_padding_is_not_shared_with_given_initial_states() -> None:
    """The states after equal padding differ if the initial states do."""
    rng, (T, B) = np.random.default_rng(0), (6, 3)
    spec = _net(EmbeddingSpec(V, 3, mask_zero=False), RecurrentSpec("rnn", 4))
    params = {k: a.astype(np.float64) for k, a in initialise(spec, 1).items()}
    ids = np.where(np.arange(T)[:, None] >= 4, rng.integers(1, V, (T, B)), 0)
    start = [[{"h": rng.standard_normal((B, 4))}]]
    plain = Model(spec, params).record(ids, initial=start).logits
    for backend in (HOST, compiled_backend()):
        quick = Model(spec, params, backend).forward(ids, initial=start).logits
        close(quick, plain, backend.name)


def test_a_batch_that_does_not_fit_is_refused() -> None:
    """The compiled loops do not check sizes: they would read other memory."""
    p = drawn(CELLS["rnn"], np.random.default_rng(0), 3, 4)
    table = np.zeros((5, 3))
    with pytest.raises(ValueError, match="2 numbers a token, W 3 rows"):
        scan(CELLS["rnn"], p, np.zeros((4, 2, 2)))
    for ids in ([[5]], [[-1]], [[5]] * 9, [[-1]] * 9):
        with pytest.raises((IndexError, ValueError)):
            scan(CELLS["rnn"], p, Lookup(table, np.array(ids)))
    ids = np.array([[1], [2]])
    once = scan(CELLS["rnn"], p, Lookup((table + 0.5).astype(np.float32), ids))
    close(once.last["h"], scan(CELLS["rnn"], p, (table + 0.5)[ids]).last["h"], "h")


def test_ctrl_c_waits_for_all_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """They write to arrays that would be freed."""
    monkeypatch.setattr(threads, "thread_count", lambda: 2)
    threads._pool.cache_clear()
    main, begun, done = threading.current_thread(), threading.Event(), []

    def work(k: int) -> None:
        if threading.current_thread() is main:
            begun.wait(10)
            signal.raise_signal(signal.SIGINT)
        else:
            begun.set()
            time.sleep(0.2)
            signal.pthread_kill(main.ident or 0, signal.SIGINT)  # again, while it waits
            time.sleep(0.2)
            done.append(k)

    with pytest.raises(KeyboardInterrupt):
        threads.for_each(work, 2)
    threads._pool.cache_clear()
    assert len(done) == 1


def test_no_access_beside_an_array() -> None:
    """Every array ends at an inaccessible page and is filled with NaN."""
    code = """
import numpy as np
from kernels.emulated.memory import device_memory
from rnnviz.cells import CELLS
from rnnviz.engine import compiled
from rnnviz.engine.directions import DirectionInput
from rnnviz.engine.compiled import (
    backward, batch_vocabulary, gate_order, memory, passes, softmax_head,
)
from rnnviz.engine.device import compiled_backend
from rnnviz.engine.model import Model
from rnnviz.engine.spec import EmbeddingSpec, HeadSpec, ModelSpec, RecurrentSpec

for module in (backward, batch_vocabulary, gate_order, memory, passes, softmax_head):
    module.aligned = device_memory
rng = np.random.default_rng(0)

def drawn(*shape):
    a = device_memory(shape, np.float32)
    a[...] = rng.normal(size=shape)
    return a

cell, H = CELLS["gru"], 32
for T, B, D in ((5, 70, 14), (3, 6, 16), (4, 1, 1)):
    p = {"W": drawn(D, 3 * H), "U": drawn(H, 3 * H), "b": drawn(2, 3 * H)}
    ids = rng.integers(0, 4, (T, B))
    masks = {"input_mask": drawn(3, B, D), "recurrent_mask": drawn(3, B, H)}
    for options in ({}, masks, {"mask": np.arange(T)[:, None] <= np.arange(B) % T}):
        for x in (drawn(T, B, D), compiled.Lookup(drawn(4, D), ids)):
            mask = options.pop("mask", None)
            done = compiled.scan(cell, [DirectionInput(p, **options)], x, mask)[0]
            last = {"h": done.last["h"]}
            found = compiled.scan_backward(cell, [p], [done], [drawn(T, B, H)], [last])[0]
            inputs = found.rows()[1] if isinstance(x, compiled.Lookup) else found.x
            assert all(np.isfinite(a).all() for a in (*found.params.values(), inputs)), options

for (T, B), H, K in (((5, 30), 32, 64), ((3, 6), 20, 5)):
    for mask in (True, False):
        head = HeadSpec("softmax", K, reads="steps")
        spec = ModelSpec(EmbeddingSpec(K, 4, mask_zero=mask), (RecurrentSpec("gru", H),), head)
        shapes = {"W": (4, 3 * H), "U": (H, 3 * H), "b": (2, 3 * H)}
        shapes = {f"layers.0.forward.{name}": s for name, s in shapes.items()}
        shapes |= {"embedding": (K, 4), "head.W": (H, K), "head.b": (K,)}
        params = {name: drawn(*s) for name, s in shapes.items()}
        model, ids = Model(spec, params, compiled_backend()), rng.integers(0, K, (T, B))
        ids[-1, 1:] = 0
        done = model.layers_pass(ids, model.dropout_masks(ids, None))
        step = model.head_step(done, ids, drawn(B))
        assert all(np.isfinite(a).all() for a in (*step.grads.values(), step.d_features))
"""
    tests = Path(__file__).parents[1]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tests), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=env
    )
    assert done.returncode == 0, done.stderr


def test_numba_is_imported_only_to_compute() -> None:
    """Not by importing the package, nor by asking whether it supports a cell."""
    code = (
        "import sys; from rnnviz.engine import compiled; from rnnviz.cells import CELLS;"
        "print(compiled.supports(CELLS['gru'], None), compiled.is_compiled(CELLS['gru']));"
        "print('numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    supported, _, numba = done.stdout.split()
    assert (supported, numba) == ("True", "False")
