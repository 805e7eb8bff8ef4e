"""Public ONNX models, and exports of PyTorch: layers and whole nets against expected values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from layer_runs import run_layer, side_by_side

from rnnviz.arrays import Array
from rnnviz.interop.contents import (
    DenseOperation,
    LastStepOperation,
    ModelContents,
    OpaqueOperation,
    RecurrentOperation,
)
from rnnviz.interop.detection import read_contents

FILES = Path(__file__).parent.parent / "files" / "onnx"


def layers(contents: ModelContents) -> list[RecurrentOperation]:
    return [op for op in contents.operations if isinstance(op, RecurrentOperation)]


def close(found: Array, expected: Array) -> None:
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["gru", "gru_bidirectional"])
def test_a_gru_with_linear_before_reset(name: str) -> None:
    (layer,) = layers(read_contents(FILES / f"{name}.onnx"))
    with np.load(FILES / f"{name}.npz") as values:
        Y, states = run_layer(layer, values["in|input"])
        close(Y, values["out|Y"])
        close(states["h"], values["out|Y_h"])


@pytest.mark.parametrize("name", ["lstm", "lstm_bidirectional", "rnn"])
def test_an_exported_layer_with_expanded_zero_states(name: str) -> None:
    (layer,) = layers(read_contents(FILES / f"{name}.onnx"))
    assert not layer.spec.trained_initial
    assert layer.reads == ("input",)
    with np.load(FILES / f"{name}.npz") as values:
        Y, states = run_layer(layer, values["in|input"])
        close(side_by_side(Y), values["out|output"])
        for state, array in states.items():
            close(array, values[f"out|{state}_n"])


def test_states_that_are_inputs_of_the_net() -> None:
    contents = read_contents(FILES / "lstm_with_initial_state.onnx")
    (layer,) = layers(contents)
    assert layer.initial == ("h_0", "c_0")
    with np.load(FILES / "lstm_with_initial_state.npz") as values:
        initial = {"h": values["in|h_0"], "c": values["in|c_0"]}
        Y, states = run_layer(layer, values["in|input"], initial=initial)
        close(side_by_side(Y), values["out|output"])
        close(states["c"], values["out|c_n"])


def test_two_layers_and_a_dense_layer_on_the_last_state() -> None:
    first, second, dense = read_contents(FILES / "optrnn.onnx").operations[1:]
    assert isinstance(first, RecurrentOperation)
    assert isinstance(second, RecurrentOperation)
    assert isinstance(dense, DenseOperation)
    assert (second.reads, dense.reads) == ((first.name,), (second.name,))
    assert (first.every_step, second.every_step) == (True, False)
    with np.load(FILES / "optrnn.npz") as values:
        Y, _ = run_layer(first, values["in|input"].swapaxes(0, 1))
        close(Y, values["out|/rnn/RNN_output_0"])
        _, states = run_layer(second, side_by_side(Y))
        assert dense.b is not None
        close(states["h"][0] @ dense.W + dense.b, values["out|69"])


@pytest.mark.parametrize("name", ["torch213_legacy_op17", "torch213_dynamo"])
def test_the_last_token_of_two_directions_is_not_their_last_states(name: str) -> None:
    contents = read_contents(FILES / f"{name}.onnx")
    first, second, last, dense = contents.operations[1:]
    assert isinstance(first, RecurrentOperation)
    assert isinstance(second, RecurrentOperation)
    assert isinstance(last, LastStepOperation)
    assert isinstance(dense, DenseOperation)
    assert dense.b is not None
    with np.load(FILES / "torch213.npz") as values:
        x = values["x"].swapaxes(0, 1)
        y = side_by_side(run_layer(second, side_by_side(run_layer(first, x)[0]))[0])
        close(y[-1] @ dense.W + dense.b, values["y"])


def test_an_input_is_described_as_the_layers_read_it() -> None:
    """Steps first, then what is read at a step; the batch is left out."""
    assert read_contents(FILES / "optrnn.onnx").operations[0].shape == (10, 3)  # type: ignore[attr-defined]
    assert read_contents(FILES / "gru.onnx").operations[0].shape == (5, 4)  # type: ignore[attr-defined]


def test_roles_name_the_gates_in_the_order_of_onnx() -> None:
    roles = {t.name: t.role for t in read_contents(FILES / "lstm.onnx").tensors if t.role}
    kernel, bias = roles["onnx::LSTM_110"], roles["onnx::LSTM_112"]
    assert (kernel.part, kernel.axis, kernel.order) == ("kernel", 1, "ONNX order i o f c")
    assert [(g.gate, g.start, g.stop) for g in kernel.gates] == [
        ("i", 0, 8), ("o", 8, 16), ("f", 16, 24), ("g", 24, 32)
    ]  # fmt: skip
    assert "".join(g.gate for g in bias.gates) == "iofgiofg"
    assert bias.order == "ONNX order i o f c, Wb in columns 0–31, Rb in 32–63"


def test_layers_above_a_convolution(interop_folder: Path) -> None:
    contents = read_contents(interop_folder / "fairtalk_model01" / "model_01.onnx")
    first, second = layers(contents)
    assert [op.kind for op in contents.operations if isinstance(op, OpaqueOperation)] == [
        "Conv", "PRelu", "Conv", "PRelu"
    ]  # fmt: skip
    with np.load(interop_folder / "fairtalk_model01/expected/fairtalk_model01.npz") as values:
        x = values["out|onnx::Squeeze_122"][:, 0]
        close(run_layer(second, x)[0], values["out|onnx::Squeeze_208"])
    assert (first.width, second.reads) == (128, (first.name,))


def test_weights_that_are_put_together_inside_branches(interop_folder: Path) -> None:
    """Two LSTM nodes in branches of If with the same weights, of Slice and Concat chains."""
    path = interop_folder / "silero_16k_op15_onnx/silero_vad_16k_op15.onnx"
    contents = read_contents(path)
    taken, other = layers(contents)
    assert other.name.endswith("(else branch of /model/decoder/If_1)")
    assert any("the same weights as" in line for line in contents.conversions)
    assert (taken.initial, other.initial) == (("state",), ())
    for key, array in taken.params["forward"].items():
        np.testing.assert_array_equal(array, other.params["forward"][key])

    onnx = pytest.importorskip("onnx")
    from onnx.reference import ReferenceEvaluator

    model = onnx.load(path)
    x_name = "/model/encoder/3/activation/Relu_output_0"
    model.graph.output.extend([onnx.helper.make_empty_tensor_value_info(x_name)])
    with np.load(path.parent / "expected/silero_silero_vad_16k_op15.npz") as values:
        inputs = {key.removeprefix("in|"): values[key] for key in values if key.startswith("in|")}
        x = ReferenceEvaluator(model).run([x_name], inputs)[0].transpose(2, 0, 1)
        initial = {"h": inputs["state"][:1], "c": inputs["state"][1:]}
        _, states = run_layer(taken, x, initial=initial)
        close(np.concatenate([states["h"], states["c"]]), values["out|stateN"])
