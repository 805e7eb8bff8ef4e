"""Graphs made here, against ONNX's own evaluator: what stands between layers, what is folded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layer_runs import run_layer, side_by_side

from rnnviz.arrays import Array
from rnnviz.interop.contents import (
    ActivationOperation,
    AffineOperation,
    DenseOperation,
    EmbeddingOperation,
    InputOperation,
    LastStepOperation,
    ModelContents,
    OpaqueOperation,
    RecurrentOperation,
)
from rnnviz.interop.detection import read_contents

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

FILES = Path(__file__).parent.parent / "files" / "onnx"
T, B, D, H = 6, 2, 3, 4
RNG = np.random.default_rng(1)


def numbers(*shape: int) -> Array:
    return RNG.normal(0, 0.5, shape).astype(np.float32)


X = numbers(T, B, D)
LSTM = {"W": numbers(1, 4 * H, D), "R": numbers(1, 4 * H, H), "B": numbers(1, 8 * H)}
BOTH = {"W": numbers(2, 4 * H, D), "R": numbers(2, 4 * H, H), "B": numbers(2, 8 * H)}
GRU = {"W": numbers(1, 3 * H, D), "R": numbers(1, 3 * H, H), "B": numbers(1, 6 * H)}


def node(op: str, reads: str, gives: str, **attributes: Any) -> Any:
    """A node; names are separated by spaces, "_" is an input that is left out."""
    inputs = [name.replace("_", "") if name == "_" else name for name in reads.split()]
    return helper.make_node(op, inputs, gives.split(), **attributes)


def save(
    path: Path, nodes: Sequence[Any], constants: Mapping[str, Array], outputs: str = "y",
    opset: int = 17, functions: Sequence[Any] = (), **inputs: Sequence[int | str | None],
) -> Any:  # fmt: skip
    """Write a model; its input is ``x`` (T, B, D) unless others are given."""
    shapes = inputs or {"x": (T, B, D)}
    graph = helper.make_graph(
        list(nodes), "g",
        [helper.make_tensor_value_info(n, _type(n), shape) for n, shape in shapes.items()],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs.split()],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("own", 1)]
    model = helper.make_model(graph, opset_imports=opsets, functions=list(functions))
    path.write_bytes(model.SerializeToString())
    return model


def _type(name: str) -> int:
    return int(TensorProto.INT64 if name == "ids" else TensorProto.FLOAT)


def layers(contents: ModelContents) -> list[RecurrentOperation]:
    return [op for op in contents.operations if isinstance(op, RecurrentOperation)]


def kinds(contents: ModelContents) -> list[str]:
    return [
        op.kind if isinstance(op, OpaqueOperation) else type(op).__name__.removesuffix("Operation")
        for op in contents.operations
    ]


def close(found: Array, expected: Array) -> None:
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


ATTRIBUTES: dict[str, tuple[str, Mapping[str, Array], Mapping[str, Any]]] = {
    "lstm": ("LSTM", LSTM, {}),
    "both": ("LSTM", BOTH, {"direction": "bidirectional"}),
    "reverse": ("LSTM", LSTM, {"direction": "reverse"}),
    "clip": ("LSTM", LSTM, {"clip": 0.4}),
    "hard": ("LSTM", LSTM, {"activations": ["HardSigmoid", "Relu", "Tanh"]}),
    "parameters": (
        "LSTM", LSTM,
        {"activations": ["HardSigmoid", "Softsign", "Affine"], "activation_alpha": [1 / 6, 1.0],
         "activation_beta": [0.5, 0.0]},
    ),
    "before": ("GRU", GRU, {"linear_before_reset": 0}),
    "after": ("GRU", GRU, {"linear_before_reset": 1}),
    "leaky": ("GRU", GRU, {"activations": ["Sigmoid", "LeakyRelu"], "activation_alpha": [0.01]}),
    "no_bias": ("GRU", {"W": GRU["W"], "R": GRU["R"]}, {}),
}  # fmt: skip


def attribute_model(path: Path, name: str) -> Any:
    """The model of a row of ATTRIBUTES; ``tests/golden/make_onnx.py`` computes its outputs."""
    op, constants, attributes = ATTRIBUTES[name]
    nodes = [node(op, " ".join(["x", *constants]), "y h", hidden_size=H, **attributes)]
    return save(path, nodes, constants, "y h")


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_attributes_of_nodes(tmp_path: Path, name: str) -> None:
    attribute_model(tmp_path / "m.onnx", name)
    (layer,) = layers(read_contents(tmp_path / "m.onnx"))
    Y, states = run_layer(layer, X)
    with np.load(FILES / "attributes.npz") as expected:
        close(Y, expected[f"{name}.y"])
        close(states["h"], expected[f"{name}.h"])


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"input_forget": 1}, "input_forget couples"),
        ({"activations": ["Sigmoid", "ThresholdedRelu", "Tanh"]}, "ThresholdedRelu(1)"),
        ({"hidden_size": 9}, "hidden_size is 9"),
        ({"direction": "bidirectional"}, "for 2 direction(s)"),
        ({"direction": "sideways"}, "'sideways' is none of ONNX's"),
    ],
)
def test_what_no_cell_computes_is_refused(
    tmp_path: Path, attributes: Mapping[str, Any], reason: str
) -> None:
    save(tmp_path / "m.onnx", [node("LSTM", "x W R B", "y", **attributes)], LSTM)
    contents = read_contents(tmp_path / "m.onnx")
    assert reason in contents.refusal
    assert contents.tensors[0].shape == (1, 4 * H, D)


def test_a_batch_first_layout(tmp_path: Path) -> None:
    nodes = [node("LSTM", "x W R B", "y h c", layout=1)]
    model = save(tmp_path / "m.onnx", nodes, LSTM, "y h c", x=("batch", "time", D))
    contents = read_contents(tmp_path / "m.onnx")
    assert contents.operations[0].shape == (None, D)  # type: ignore[attr-defined]
    Y, states = run_layer(layers(contents)[0], X)
    y, h, c = ReferenceEvaluator(model).run(None, {"x": X.swapaxes(0, 1)})
    close(Y.transpose(2, 0, 1, 3), y)
    close(states["h"].swapaxes(0, 1), h)
    close(states["c"].swapaxes(0, 1), c)


def test_a_stored_initial_state_that_is_not_zero(tmp_path: Path) -> None:
    h0 = numbers(1, 1, H)
    constants = {**LSTM, "h0": h0, "shape": np.array([1, B, H])}
    nodes = [node("Expand", "h0 shape", "h"), node("LSTM", "x W R B _ h", "y")]
    model = save(tmp_path / "m.onnx", nodes, constants)
    (layer,) = layers(read_contents(tmp_path / "m.onnx"))
    assert layer.spec.trained_initial
    np.testing.assert_array_equal(layer.params["forward"]["h0"], h0[0, 0])
    np.testing.assert_array_equal(layer.params["forward"]["c0"], np.zeros(H))
    close(run_layer(layer, X)[0], ReferenceEvaluator(model).run(None, {"x": X})[0])


def test_weights_that_other_nodes_compute(tmp_path: Path) -> None:
    """Per gate i f g o, as PyTorch stores them: sliced, put together anew, transposed, cast."""
    gates = {gate: numbers(D, H).astype(np.float16) for gate in "iofg"}
    constants = {**gates, "R": LSTM["R"], "zero": np.array([0])}
    nodes = [
        node("Concat", "i o f g", "stacked", axis=1),
        node("Cast", "stacked", "single", to=TensorProto.FLOAT),
        node("Transpose", "single", "rows", perm=[1, 0]),
        node("Unsqueeze", "rows zero", "W"),
        node("LSTM", "x W R", "y"),
    ]
    model = save(tmp_path / "m.onnx", nodes, constants)
    contents = read_contents(tmp_path / "m.onnx")
    (layer,) = layers(contents)
    expected = np.concatenate([gates[gate] for gate in "ifgo"], 1)
    np.testing.assert_array_equal(layer.params["forward"]["W"], expected.astype(np.float32))
    assert not layer.spec.bias
    close(run_layer(layer, X)[0], ReferenceEvaluator(model).run(None, {"x": X})[0])
    folded = next(t for t in contents.tensors if t.name == "W")
    assert folded.role is not None
    assert folded.role.part == "kernel"


def test_words_two_directions_and_a_dense_layer_on_both_last_states(tmp_path: Path) -> None:
    constants = {
        **BOTH, "table": numbers(9, D), "K": numbers(2 * H, 5), "b": numbers(5),
        "flat": np.array([0, -1]),
    }  # fmt: skip
    nodes = [
        node("Gather", "table ids", "vectors"),
        node("Transpose", "vectors", "steps", perm=[1, 0, 2]),
        node("LSTM", "steps W R B", "_y h", direction="bidirectional"),
        node("Transpose", "h", "ht", perm=[1, 0, 2]),
        node("Reshape", "ht flat", "state"),
        node("MatMul", "state K", "product"),
        node("Add", "product b", "logits"),
        node("Softmax", "logits", "y"),
    ]
    model = save(tmp_path / "m.onnx", nodes, constants, ids=(None, None))
    contents = read_contents(tmp_path / "m.onnx")
    words, embedding, layer, dense = contents.operations
    assert isinstance(words, InputOperation)
    assert isinstance(embedding, EmbeddingOperation)
    assert isinstance(layer, RecurrentOperation)
    assert isinstance(dense, DenseOperation)
    assert (words.shape, words.dtype) == ((None,), "int64")
    assert (dense.activation, dense.each_step, layer.every_step) == ("softmax", False, False)
    ids = np.array([[1, 2, 3], [4, 5, 0]])
    _, states = run_layer(layer, embedding.table[ids.T])
    assert dense.b is not None
    logits = np.concatenate([states["h"][0], states["h"][1]], -1) @ dense.W + dense.b
    found = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    close(found, ReferenceEvaluator(model).run(None, {"ids": ids})[0])


def test_a_dense_layer_at_every_step_of_which_the_last_is_read(tmp_path: Path) -> None:
    constants = {
        **LSTM, "K": numbers(H, 5), "one": np.array([1]), "rows": np.array([-1, H]),
        "back": np.array([T, B, 5]), "last": np.array(-1),
    }  # fmt: skip
    nodes = [
        node("LSTM", "x W R B", "outputs"),
        node("Squeeze", "outputs one", "steps"),
        node("Reshape", "steps rows", "flat"),
        node("MatMul", "flat K", "product"),
        node("Reshape", "product back", "all"),
        node("Gather", "all last", "y", axis=0),
    ]
    save(tmp_path / "m.onnx", nodes, constants)
    contents = read_contents(tmp_path / "m.onnx")
    assert kinds(contents) == ["Input", "Recurrent", "Dense"]
    dense = contents.operations[-1]
    assert isinstance(dense, DenseOperation)
    assert not dense.each_step
    assert not layers(contents)[0].every_step


@pytest.mark.parametrize(("op", "merge"), [("Add", "sum"), ("Mul", "mul")])
def test_two_directions_merged_unit_by_unit(tmp_path: Path, op: str, merge: str) -> None:
    constants = {**BOTH, "f": np.array(0), "b": np.array(1)}
    nodes = [
        node("LSTM", "x W R B", "outputs h", direction="bidirectional"),
        node("Gather", "outputs f", "forward", axis=1),
        node("Gather", "outputs b", "backward", axis=1),
        node(op, "forward backward", "y"),
    ]
    save(tmp_path / "m.onnx", nodes, constants)
    contents = read_contents(tmp_path / "m.onnx")
    assert kinds(contents) == ["Input", "Recurrent"]
    assert layers(contents)[0].spec.merge == merge


def test_two_nodes_on_the_same_input_are_one_layer_of_two_directions(tmp_path: Path) -> None:
    """The second reads a reversed input and is reversed again, as some exporters write it."""
    constants = {
        **LSTM, "V": numbers(1, 4 * H, D), "S": numbers(1, 4 * H, H), "C": numbers(1, 8 * H),
        "minus": np.array([-1]), "end": np.array([-1000]), "zero": np.array([0]),
        "one": np.array([1]),
    }  # fmt: skip
    nodes = [
        node("Slice", "x minus end zero minus", "reversed"),
        node("LSTM", "x W R B", "yf"),
        node("LSTM", "reversed V S C", "yb"),
        node("Slice", "yb minus end zero minus", "turned"),
        node("Squeeze", "yf one", "sf"),
        node("Squeeze", "turned one", "sb"),
        node("Concat", "sf sb", "y", axis=2),
    ]
    model = save(tmp_path / "m.onnx", nodes, constants)
    contents = read_contents(tmp_path / "m.onnx")
    (layer,) = layers(contents)
    assert layer.spec.bidirectional
    expected = ReferenceEvaluator(model).run(None, {"x": X})[0]
    close(side_by_side(run_layer(layer, X)[0]), expected)


def test_batch_normalisation_between_layers(tmp_path: Path) -> None:
    constants = {
        **LSTM, "one": np.array([1]), "V": numbers(1, 4 * H, H), "scale": numbers(H) + 1,
        "shift": numbers(H), "mean": numbers(H), "var": np.abs(numbers(H)) + 0.5,
    }  # fmt: skip
    nodes = [
        node("LSTM", "x W R B", "outputs"),
        node("Squeeze", "outputs one", "steps"),
        node("Transpose", "steps", "channels", perm=[1, 2, 0]),
        node("BatchNormalization", "channels scale shift mean var", "normal"),
        node("Transpose", "normal", "back", perm=[2, 0, 1]),
        node("LSTM", "back V R", "y"),
    ]
    model = save(tmp_path / "m.onnx", nodes, constants)
    first, affine, second = read_contents(tmp_path / "m.onnx").operations[1:]
    assert isinstance(first, RecurrentOperation)
    assert isinstance(affine, AffineOperation)
    assert isinstance(second, RecurrentOperation)
    x = side_by_side(run_layer(first, X)[0]) * affine.scale + affine.shift
    close(run_layer(second, x)[0], ReferenceEvaluator(model).run(None, {"x": X})[0])


def test_a_part_of_the_outputs_is_not_taken_for_all_of_them(tmp_path: Path) -> None:
    constants = {
        **LSTM, "one": np.array([1]), "K": numbers(H, 2), "two": np.array([2]),
        "end": np.array([99]), "zero": np.array([0]),
    }  # fmt: skip
    nodes = [
        node("LSTM", "x W R B", "outputs"),
        node("Squeeze", "outputs one", "steps"),
        node("Slice", "steps two end zero", "later"),
        node("MatMul", "later K", "y"),
    ]
    save(tmp_path / "m.onnx", nodes, constants)
    assert kinds(read_contents(tmp_path / "m.onnx")) == ["Input", "Recurrent", "Slice", "Dense"]


def test_the_last_token_and_the_states_of_two_directions_differ(tmp_path: Path) -> None:
    constants = {**BOTH, "rows": np.array([T, B, 2 * H]), "last": np.array(-1)}
    nodes = [
        node("LSTM", "x W R B", "outputs", direction="bidirectional"),
        node("Transpose", "outputs", "moved", perm=[0, 2, 1, 3]),
        node("Reshape", "moved rows", "steps"),
        node("Gather", "steps last", "end", axis=0),
        node("Tanh", "end", "y"),
    ]
    save(tmp_path / "m.onnx", nodes, constants)
    _, _, last, tanh = read_contents(tmp_path / "m.onnx").operations
    assert isinstance(last, LastStepOperation)
    assert isinstance(tanh, ActivationOperation)


def test_branches_bodies_and_functions(tmp_path: Path) -> None:
    """A condition that shapes decide is followed; a function of the file is put in its place."""
    gives = [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)]
    then = helper.make_graph([node("LSTM", "x W R B", "out")], "then", [], gives)
    other = helper.make_graph([node("GRU", "x V S", "out")], "else", [], gives)
    twice = helper.make_function(
        "own", "Twice", ["a"], ["b"], [node("Identity", "a", "c"), node("Identity", "c", "b")],
        [helper.make_opsetid("", 17)],
    )  # fmt: skip
    call = helper.make_node("Twice", ["y"], ["z"], domain="own")
    constants = {**LSTM, "V": GRU["W"], "S": GRU["R"], "three": np.array(3)}
    nodes = [
        node("Size", "shape", "rank"),
        node("Equal", "rank three", "is"),
        node("If", "is", "y", then_branch=then, else_branch=other),
        call,
    ]
    path = tmp_path / "m.onnx"
    save(path, [node("Shape", "x", "shape"), *nodes], constants, "z", functions=[twice])
    contents = read_contents(path)
    taken, left = layers(contents)
    assert (taken.spec.cell, left.spec.cell) == ("lstm", "gru-2014")
    assert "else branch of y" in left.name
    assert [entry.name for entry in contents.ignored] == ["else branch of y"]


def test_a_recurrence_written_out_as_a_loop_is_said_to_be_one(tmp_path: Path) -> None:
    body = helper.make_graph(
        [node("MatMul", "h U", "p"), node("Tanh", "p", "h2"), node("Identity", "go", "go2")],
        "body",
        [helper.make_tensor_value_info("i", TensorProto.INT64, []),
         helper.make_tensor_value_info("go", TensorProto.BOOL, []),
         helper.make_tensor_value_info("h", TensorProto.FLOAT, [B, D])],
        [helper.make_tensor_value_info("go2", TensorProto.BOOL, []),
         helper.make_tensor_value_info("h2", TensorProto.FLOAT, [B, D])],
    )  # fmt: skip
    nodes = [node("Loop", "n go x", "y", body=body)]
    constants = {"U": numbers(D, D), "n": np.array(4), "go": np.array(True)}
    save(tmp_path / "m.onnx", nodes, constants, x=(B, D))
    assert "written out step by step" in read_contents(tmp_path / "m.onnx").refusal


def test_a_refusal_names_the_recurrent_operator_of_another_domain(tmp_path: Path) -> None:
    quantized = node("DynamicQuantizeLSTM", "x W R", "y", domain="com.microsoft", name="lstm_quant")
    save(tmp_path / "m.onnx", [quantized], {"W": LSTM["W"], "R": LSTM["R"]})
    assert "lstm_quant is DynamicQuantizeLSTM" in read_contents(tmp_path / "m.onnx").refusal
