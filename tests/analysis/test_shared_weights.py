"""Shared weights: the terms of every step add up to the gradient that training and PyTorch use."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from golden import test_golden
from golden.make_golden import IDS, SPECS, TARGETS, stored, unflat, weights

from rnnviz.analysis.shared_weights import (
    column,
    gate_at,
    gate_of,
    gates,
    growth,
    products,
    read_by,
    strongest,
    undone,
    uses,
    walk,
)
from rnnviz.arrays import Array
from rnnviz.cells import CELLS, Cell
from rnnviz.cells.weights import weights_by_name
from rnnviz.clamps import Clamp
from rnnviz.engine import losses
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import shapes
from rnnviz.engine.scan import Scan, ScanGradients, scan, scan_backward
from rnnviz.equations import names
from rnnviz.equations.grammar import PEEPHOLES
from rnnviz.query import Query
from rnnviz.trace import LayerTrace
from rnnviz.tracer import trace as trace_of
from tests.tui.small_models import DRAWN, TEXT, made
from tests.tui.small_models import stored as small

every_cell = pytest.mark.parametrize("cell", CELLS)


def by_name(cell: str, arrays: dict[str, Array]) -> dict[str, Array]:
    return weights_by_name(CELLS[cell], arrays)


def summed(layer: LayerTrace) -> dict[str, Array]:
    """The whole gradient of every shared array, in the array's own shape."""
    found = {}
    for use in uses(layer):
        full = growth(layer, use).full
        found[use.weight] = full if use.read else full[0]
    return found


def recorded(
    cell: Cell, p: dict[str, Array], s: Any, u: ScanGradients, direction: str
) -> LayerTrace:
    """A layer's trace of one sequence as the engine recorded it, masked steps and all."""
    assert isinstance(s, Scan)
    values = {n: s.stack(n)[:, 0] for n in s.steps[0] if n not in ("xw", "hu")}
    T = len(s.steps)
    return LayerTrace(
        name=cell.name,
        cell=cell.name,
        title=cell.title,
        units=values["h"].shape[1],
        direction=direction,
        gates=cell.gates,
        states=cell.states,
        recorded=tuple(values),
        lines=cell.lines,
        back=cell.back,
        weights=weights_by_name(cell, p),
        values={**values, "x": s.x[:, 0]},
        grads={n: u.stack(n)[:, 0] for n in u.names},
        mask=np.ones(T, bool) if s.mask is None else s.mask[:, 0],
        reach=np.zeros(T),
        initial={n: a[0] for n, a in s.initial.items()},
    )


@pytest.mark.parametrize("shape", [{}, {"layers": 2}, {"bidirectional": True}])
@pytest.mark.parametrize("cell", DRAWN)
def test_the_terms_of_all_steps_add_up_to_the_training_gradient(cell: str, shape: Any) -> None:
    net, trace = small(cell, **shape).model, made(cell=cell, **shape)
    done = net.forward(np.array(trace.ids)[:, None])
    y = np.array([trace.head.labels.index(trace.head.target)])
    grads = net.gradients(done, losses.d_logits("sigmoid", done.logits, y))
    passes = [(k, d) for k, spec in enumerate(net.spec.layers) for d in spec.directions]
    for layer, (k, direction) in zip(trace.layers, passes, strict=True):
        prefix = f"layers.{k}.{direction}."
        mine = {n.removeprefix(prefix): g for n, g in grads.items() if n.startswith(prefix)}
        wanted, found = by_name(cell, mine), summed(layer)
        # A peephole is no product of a matrix: its sum is in the equations alone.
        wanted = {name: grad for name, grad in wanted.items() if name not in PEEPHOLES}
        assert found.keys() == wanted.keys()
        for name, grad in wanted.items():
            size = np.abs(grad).max()
            np.testing.assert_allclose(found[name], grad, 1e-5, 1e-5 * size, err_msg=name)


@pytest.mark.parametrize("name", SPECS)
def test_they_add_up_to_pytorchs_gradient_in_every_depth_direction_and_mask(name: str) -> None:
    """Three rows of the golden batch, of three lengths and padded behind, one trace each."""
    net, kind = Model(SPECS[name], weights(name)), SPECS[name].head.kind
    found: dict[str, Array] = {}
    for b in range(IDS.shape[1]):
        done = net.record(IDS[:, b : b + 1])
        d = losses.d_logits(kind, done.logits, np.array(TARGETS[kind][b : b + 1]))
        back = net.record_backward(done, d)
        for k, spec in enumerate(net.spec.layers):
            passes = zip(spec.directions, done.scans[k], back.scans[k], strict=True)
            for direction, s, u in passes:
                p = net.layer_params(k, direction)
                layer = recorded(CELLS[spec.cell], p, s, u, direction)
                for weight, grad in summed(layer).items():
                    key = f"layers.{k}.{direction}.{weight}"
                    found[key] = found.get(key, 0) + grad
    theirs = unflat(stored("torch")[f"{name}.grads"], shapes(SPECS[name]))
    for k, spec in enumerate(net.spec.layers):
        for direction in spec.directions:
            prefix = f"layers.{k}.{direction}."
            p = {n.removeprefix(prefix): a for n, a in theirs.items() if n.startswith(prefix)}
            for weight, grad in by_name(spec.cell, p).items():
                np.testing.assert_allclose(found[prefix + weight], grad, 1e-9, 1e-12)


@every_cell
def test_they_add_up_to_autograds_gradient_from_any_initial_state(cell: str) -> None:
    """The golden case of each cell: a gradient at every step, masks, states that are not zero."""
    module = CELLS[cell]
    case = test_golden.cell_case(cell)
    p = {key.removeprefix("p."): a for key, a in case.items() if key.startswith("p.")}
    found: dict[str, Array] = {}
    for b in range(test_golden.CELL_B):
        row = slice(b, b + 1)
        initial = {s: case[f"initial.{s}"][row] for s in module.states}
        last = {s: case[f"d_last.{s}"][row] for s in module.states}
        s = scan(module, p, case["x"][:, row], test_golden.READ[:, row], initial=initial)
        u = scan_backward(module, p, s, case["d_h"][:, row], last)
        for weight, grad in summed(recorded(module, p, s, u, "forward")).items():
            found[weight] = found.get(weight, 0) + grad
    like = {key: a.shape for key, a in case.items() if not key.startswith("d_")}
    leaves = unflat(stored("cells")[f"{cell}.leaves"], like)
    theirs = {key.removeprefix("p."): a for key, a in leaves.items() if key.startswith("p.")}
    for weight, grad in by_name(cell, theirs).items():
        if weight in PEEPHOLES:
            continue
        np.testing.assert_allclose(found[weight], grad, 1e-9, 1e-12, err_msg=weight)


@every_cell
def test_the_cells_own_way_back_pairs_the_same_gradients_with_the_same_matrices(cell: str) -> None:
    layer = made(cell=cell).layers[0]
    for use in uses(layer):
        if use.read:
            back = [n.formula for n in layer.back if f"d_{use.made} @ {use.weight}.T" in n.formula]
            assert len(back) == 1, use
    told = {n for line in layer.lines for n in names(line.formula)}
    wanted = {n for n in told if n in layer.weights and n not in PEEPHOLES}
    assert {use.weight for use in uses(layer)} == wanted


@every_cell
def test_every_array_belongs_to_a_gate_and_all_gates_are_there(cell: str) -> None:
    layer = made(cell=cell).layers[0]
    assert set(gates(layer)) == set(layer.gates)
    # A projection belongs to no gate.
    assert {gate_of(layer, use.weight) for use in uses(layer) if use.weight != "V"} == set(
        layer.gates
    )


def test_a_bias_is_told_from_the_recurrent_bias_of_another_gate() -> None:
    layer = made(cell="gru").layers[0]
    owners = {"b_r": "r", "b_rr": "r", "b_rz": "z", "b_z": "z", "b_rg": "g", "U_g": "g"}
    assert {name: gate_of(layer, name) for name in owners} == owners
    assert [gate_of(layer, name) for name in ("q", "a_g", "z", "h")] == ["g", "g", "z", None]


def test_the_gate_of_a_part_is_the_one_computed_there_or_done_last() -> None:
    layer = made().layers[0]
    forward = [gate_at(layer, n) for n in range(len(layer.parts))]
    back = [gate_at(layer, n, walking=True) for n in range(len(layer.parts))]
    assert layer.parts == ("read", "forget", "input", "cell", "output", "hidden", "predict")
    assert forward == ["f", "f", "i", "g", "o", "o", "o"]
    assert back == ["f", "f", "i", "o", "o", "o", "o"]


@pytest.mark.parametrize("cell", DRAWN)
def test_a_column_grows_as_the_whole_does(cell: str) -> None:
    layer = made(cell=cell).layers[0]
    for use in uses(layer):
        whole = growth(layer, use)
        for t in walk(layer):
            before, term = column(layer, use, t, 3)
            later = [s for s in walk(layer) if s > t]
            again = sum(
                (np.outer(read_by(layer, use)[s], layer.grads[use.made][s]) for s in [*later, t]),
                start=np.zeros(whole.full.shape),
            )
            np.testing.assert_allclose(before + term, again[:, 3], atol=1e-12)
            assert whole.total[t] == pytest.approx(np.linalg.norm(again))
            own = np.outer(read_by(layer, use)[t], layer.grads[use.made][t])
            assert whole.term[t] == pytest.approx(np.linalg.norm(own))
        np.testing.assert_allclose(before + term, whole.full[:, 3], atol=1e-12)


def test_running_sums_do_not_depend_on_how_many_tokens_are_worked_on_together() -> None:
    layer = made(" ".join([TEXT] * 30)).layers[0]
    use = uses(layer)[0]
    whole, read = growth(layer, use), read_by(layer, use)
    assert len(layer.mask) == 150
    for t in (0, 21, 22, 149):
        seen = list(range(t, 150))
        wanted = np.linalg.norm(read[seen].T @ layer.grads[use.made][seen])
        assert whole.total[t] == pytest.approx(wanted)


def test_the_walk_goes_against_the_reading() -> None:
    forward, backward = made(bidirectional=True).layers
    assert list(walk(forward)) == [4, 3, 2, 1, 0]
    assert list(walk(backward)) == [0, 1, 2, 3, 4]
    # At the forget gate of token 2: later tokens, and here what comes after it in the cell.
    part = forward.parts.index("forget")
    known = [undone(forward, 2, part, t, "f") for t in range(5)]
    assert known == [False, False, True, True, True]
    assert not undone(forward, 2, part + 1, 2, "f")
    assert undone(forward, 2, part + 1, 2, "h")
    assert [undone(backward, 2, part, t, "f") for t in range(5)] == [True, True, True, False, False]


@pytest.mark.parametrize("cell", DRAWN)
def test_products_and_biases_are_the_pre_activation(cell: str) -> None:
    layer = made(cell=cell).layers[0]
    for t in range(5):
        made_by: dict[str, float] = {}
        for use in uses(layer):
            value = layer.weights[use.weight][2] if not use.read else 0
            if use.read:
                found = strongest(products(layer, use, t, 2), 3)
                assert len(found.inputs) == 3 and found.rest + 3 == len(read_by(layer, use)[t])
                assert list(np.abs(found.products)) == sorted(np.abs(found.products))[::-1]
                value = found.total
            made_by[use.made] = made_by.get(use.made, 0) + float(value)
        for name, value in made_by.items():
            gated = cell == "gru" and name == "a_g"
            extra = layer.values["r"][t, 2] * layer.values["q"][t, 2] if gated else 0
            if (peephole := f"p_{name[2:]}") in layer.weights:
                c = layer.values["c"][t] if name == "a_o" else layer.state_before(t, "c")
                extra = c[2] * layer.weights[peephole][2]
            assert layer.values[name][t, 2] == pytest.approx(value + float(extra), abs=1e-6)


def test_a_pre_activation_that_is_held_teaches_its_weights_nothing() -> None:
    query = Query(TEXT, "lstm", clamps=(Clamp("a_f", 0.5, unit=2), Clamp("a_i", 0.5, t=3)))
    layer = trace_of(small("lstm"), query).layers[0]
    found = summed(layer)
    for name in ("W_f", "U_f", "b_f"):
        assert not found[name][..., 2].any() and found[name][..., 3].any()
    use = next(u for u in uses(layer) if u.weight == "W_i")
    assert list(growth(layer, use).term > 0) == [True, True, True, False, True]
    before, term = column(layer, use, 3, 2)
    assert before.any() and not term.any()
