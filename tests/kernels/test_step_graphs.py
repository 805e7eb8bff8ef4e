"""Training steps as CUDA graphs: their losses are those of the CPU, and each is one launch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from kernels import standin
from kernels.launches import step_counts
from kernels.nets import NETS, SmallNet
from kernels.standin import record
from kernels.test_no_waiting import few

from rnnviz.data.batches import Examples, Texts
from rnnviz.engine.backend import HOST, Backend
from rnnviz.engine.cuda.backend import CudaBackend
from rnnviz.engine.cuda.graph import GraphRefusedError
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise
from rnnviz.engine.spec import FitSpec
from rnnviz.errors import RnnvizError
from rnnviz.progress import TrainingStep
from rnnviz.training.cuda import step_graphs, updater
from rnnviz.training.fit import fit

Draw = Callable[[int], Examples]
#: Shapes among the nine batches of a training: of four examples and of two; or of three lengths.
SHAPES = {"agnews-bilstm": 3}


def trained(
    backend: Backend, net: SmallNet, draw: Draw | None = None, count: int = 10, **options: Any
) -> list[float]:
    """The losses of all steps: three epochs of batches of four, of which the last has two."""
    spec: FitSpec = replace(net.fit, monitor="loss", epochs=3, batch_size=4, **options)
    model = Model(net.model, initialise(net.model, 0), backend)
    examples, valid = few(net.examples, count), few(net.valid, 3)
    events = fit(model, lambda epoch, _: draw(epoch) if draw else examples, valid, spec)
    return [event.loss for event in events if isinstance(event, TrainingStep)]


def graphs_of(launches: Sequence[str]) -> int:
    """How many steps were launched as graphs."""
    return Counter(launches)["graph"]


#: Changes of a net's training that a graph must not freeze, or that change its launches.
OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "text net": ("imdb-lstm", {}),
    "recurrent dropout": ("jena-gru-dropout", {}),
    "stacked, with dropout": ("jena-stacked", {}),
    "bidirectional, masked, of several lengths": ("agnews-bilstm", {}),
    "a changing rate": ("jena-gru", {"final_rate": 1e-4, "warmup": 3, "optimizer": "adam"}),
    "token dropout": ("imdb-lstm", {"token_dropout": 0.3}),
    "clipped gradients": ("jena-gru", {"clip": 0.01}),
    "an average of the weights": ("imdb-lstm", {"average": 0.5}),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_the_losses_of_captured_steps_are_those_on_the_cpu(
    backend: CudaBackend, messages: list[str], name: str
) -> None:
    recipe, options = OPTIONS[name]
    net = NETS[recipe]
    wanted = trained(HOST, net, **options)
    record.clear()
    found = trained(backend, net, **options)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    assert len(set(wanted)) == len(wanted) == 9
    assert not messages
    if record.launches:  # the stand-in
        # The first batch of a shape is launched kernel by kernel.
        assert graphs_of(record.launches) == 9 - SHAPES.get(recipe, 2)


@pytest.mark.parametrize("name", ["text net", "recurrent dropout"])
def test_a_graph_computes_the_same_numbers_as_its_kernels_one_by_one(
    emulated_backend: CudaBackend, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    net = NETS[OPTIONS[name][0]]
    captured = trained(emulated_backend, net)
    assert graphs_of(record.launches) == 7

    def refuse(*args: Any) -> None:
        raise GraphRefusedError("a test")

    monkeypatch.setattr(step_graphs, "capture", refuse)
    assert trained(emulated_backend, net) == captured


@pytest.mark.parametrize("name", ["imdb-lstm", "jena-gru", "jena-stacked", "agnews-bilstm"])
def test_a_captured_step_is_one_launch(emulated_backend: CudaBackend, name: str) -> None:
    counts = step_counts(emulated_backend, name, graphs=True)
    assert (counts.ours, counts.arrays) == ({"graph": 1}, {})
    # Where the batch begins, and what changes: dropout masks, or the numbers of Adam.
    assert counts.uploads == (1 if name in ("imdb-lstm", "jena-gru") else 2)
    assert counts.calls == counts.uploads + 1
    assert not record.syncs


def test_results_are_read_after_sixteen_captured_steps(
    emulated_backend: CudaBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(updater, "READ_EVERY", 3)
    trained(emulated_backend, NETS["jena-gru"], count=12)
    # Of an epoch with three batches the updater waits once, and once for the validation.
    assert len(record.syncs) == 2 * 3


@pytest.mark.parametrize("order", ["reversed", "warp-greedy", "random:0"])
def test_no_order_of_the_threads_changes_a_captured_step(
    emulated_backend: CudaBackend, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    monkeypatch.setattr(standin, "schedule", order)
    net = NETS["jena-gru"]
    found = trained(emulated_backend, net, count=6)
    np.testing.assert_allclose(found, trained(HOST, net, count=6), rtol=1e-5)


def test_the_graph_of_another_shape_replaces_the_one_not_used_for_longest(
    backend: CudaBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_graphs, "MAX_GRAPHS", 1)
    kept: list[int] = []
    capture = step_graphs.capture

    def counted(*args: Any) -> Any:
        kept.append(1)
        return capture(*args)

    monkeypatch.setattr(step_graphs, "capture", counted)
    found = trained(backend, NETS["jena-gru"])
    np.testing.assert_allclose(found, trained(HOST, NETS["jena-gru"]), rtol=1e-5)
    # Of four in the first epoch, of two in the second; in the third of four and of two again.
    assert len(kept) == 4


def test_other_examples_in_each_epoch_have_their_own_graphs(
    backend: CudaBackend, messages: list[str]
) -> None:
    net = NETS["imdb-lstm"]
    texts = net.examples
    assert isinstance(texts, Texts)

    def draw(epoch: int) -> Examples:
        rows = slice(10 * epoch, 10 * epoch + 10)
        return replace(texts, ids=texts.ids[rows], y=texts.y[rows])

    found = trained(backend, net, draw)
    np.testing.assert_allclose(found, trained(HOST, net, draw), rtol=1e-5)
    assert not messages


def without_gathering(examples: Examples) -> Examples:
    """The same examples, of a kind that is copied to the GPU batch by batch."""

    class Copied:
        def __len__(self) -> int:
            return len(examples)

        batches = staticmethod(examples.batches)

    return Copied()


@pytest.mark.parametrize("name", ["imdb-lstm", "jena-gru"])
def test_batches_that_are_copied_to_the_gpu_are_copied_to_the_graph(
    backend: CudaBackend, messages: list[str], name: str
) -> None:
    net = NETS[name]
    copied = without_gathering(few(net.examples, 10))
    found = trained(backend, net, lambda epoch: copied)
    np.testing.assert_allclose(found, trained(HOST, net), rtol=1e-5)
    assert not messages


# -- steps that cannot be captured ----------------------------------------------------------------


def with_cell(net: SmallNet, cell: str) -> SmallNet:
    """The net with another cell."""
    layers = tuple(replace(layer, cell=cell) for layer in net.model.layers)
    return replace(net, model=replace(net.model, layers=layers))


def test_a_layer_without_a_kernel_is_not_captured_and_a_message_says_so_once(
    backend: CudaBackend, messages: list[str]
) -> None:
    net = with_cell(NETS["imdb-lstm"], "lstm-slide")
    found = trained(backend, net)
    np.testing.assert_allclose(found, trained(HOST, net), rtol=1e-5)
    no_kernel, no_graph = messages
    assert "step by step" in no_kernel
    assert no_graph.startswith("A training step cannot be captured as a CUDA graph: calling cuBLAS")


def test_a_driver_that_cannot_capture_is_reported_once(
    xp: Any, emulated_backend: CudaBackend, messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin_capture(self: Any, mode: int | None = None) -> None:
        raise xp.cuda.runtime.CUDARuntimeError("cudaErrorNotSupported: operation not supported")

    monkeypatch.setattr(xp.cuda.Stream, "begin_capture", begin_capture)
    net = NETS["jena-gru-dropout"]
    found = trained(emulated_backend, net)
    np.testing.assert_allclose(found, trained(HOST, net), rtol=1e-5)
    assert messages == [
        "A training step cannot be captured as a CUDA graph: cudaErrorNotSupported: operation not "
        "supported. Its kernels are launched one by one."
    ]
    assert graphs_of(record.launches) == 0


def test_a_gradient_that_is_not_finite_stops_captured_steps(backend: CudaBackend) -> None:
    net = NETS["jena-gru"]
    model = Model(net.model, initialise(net.model, 0), backend)
    spec = replace(net.fit, monitor="loss", epochs=3, batch_size=4)
    examples, before = few(net.examples, 12), []

    def draw(epoch: int, rng: np.random.Generator) -> Examples:
        if epoch == 3:
            before.append(backend.host(model.params["head.b"]))
            model.params["head.W"][0, 0] = np.inf
        return examples

    with pytest.raises(RnnvizError, match="Training diverged at epoch 3, batch 1: the loss"):
        list(fit(model, draw, few(net.valid, 3), spec))
    np.testing.assert_array_equal(backend.host(model.params["head.b"]), before[0])
