"""Small files of Keras 1, 2 and 3, made by the script beside them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from interop.operation_runs import run, run_layer

from rnnviz.arrays import Values
from rnnviz.errors import InvalidFileError
from rnnviz.interop.assembly import importable_nets
from rnnviz.interop.contents import (
    GateRange,
    ImportOptions,
    ModelContents,
    OpaqueOperation,
    RecurrentOperation,
)
from rnnviz.interop.detection import read_contents

FILES = Path(__file__).parent / "files" / "keras"


def expected(name: str) -> tuple[Values, Values]:
    values = dict(np.load(FILES / f"{name}.npz"))
    inputs = {k[3:]: a for k, a in values.items() if k.startswith("in|")}
    return inputs, {k[4:]: a for k, a in values.items() if k.startswith("out|")}


def layers(contents: ModelContents) -> dict[str, RecurrentOperation]:
    return {op.name: op for op in contents.operations if isinstance(op, RecurrentOperation)}


def assert_all_near(got: Values, wanted: Values) -> None:
    for name, values in wanted.items():
        assert got[name].shape == values.shape, name
        assert np.abs(got[name] - values).max() < 1e-5, name


def test_an_array_for_each_gate() -> None:
    contents = read_contents(FILES / "keras1_words.h5")
    inputs, wanted = expected("keras1_words")
    wanted.pop("final")
    assert_all_near(run(contents, inputs), wanted)
    assert contents.version == ""
    assert layers(contents)["gru_1"].spec.cell == "gru-2014"
    assert layers(contents)["bidirectional_1"].spec.recurrent_activation == "hard_sigmoid"
    assert layers(contents)["bidirectional_1"].spec.dropout == 0.2
    (role,) = [t.role for t in contents.tensors if t.name.endswith("/backward_lstm_1_U_c:0")]
    assert role is not None
    assert (role.part, role.direction) == ("recurrent kernel", "backward")
    assert role.gates == (GateRange("g", 0, 3),)
    assert "joined in the order i f c o" in contents.conversions[0]


def test_masks_products_of_directions_and_the_hard_sigmoid_of_keras_3() -> None:
    contents = read_contents(FILES / "keras3_words.keras")
    inputs, wanted = expected("keras3_words")
    del wanted["final"], wanted["both"]  # Keras sets masked outputs of two directions to zero
    assert_all_near(run(contents, inputs), wanted)
    both, memory = layers(contents).values()
    assert (both.spec.merge, both.spec.recurrent_activation) == ("mul", "hard_sigmoid_sixth")
    assert (memory.spec.cell, memory.spec.bias) == ("gru", False)
    (net,) = importable_nets(contents)
    assert net.missing == ()


def test_layers_above_one_that_reads_backwards() -> None:
    contents = read_contents(FILES / "keras3_backward.keras")
    inputs, wanted = expected("keras3_backward")
    wanted.pop("final")
    for name in ("first", "second", "third"):  # last token first in Keras, until the fourth layer
        wanted[name] = wanted[name][:, ::-1]
    assert_all_near(run(contents, inputs), wanted)
    assert [op.spec.directions for op in layers(contents).values()] == [
        ("backward",), ("forward", "backward"), ("backward",), ("forward",),
    ]  # fmt: skip


def test_stacked_cells_whose_architecture_stands_beside_their_weights(tmp_path: Path) -> None:
    contents = read_contents(FILES / "keras3_cells.weights.h5")
    inputs, wanted = expected("keras3_cells")
    wanted.pop("final")
    assert_all_near(run(contents, inputs), wanted)
    (said,) = contents.assumptions
    assert (said.value, said.option) == ("keras3_cells.json", "--config")
    # The same by the name of the architecture, and by an option.
    by_name = read_contents(FILES / "keras3_cells.json")
    assert_all_near(run(by_name, inputs), wanted)
    alone = shutil.copy(FILES / "keras3_cells.weights.h5", tmp_path / "w.h5")
    option = ImportOptions(config=FILES / "keras3_cells.json")
    told = read_contents(alone, option)
    assert_all_near(run(told, inputs), wanted)
    assert told.assumptions == ()


def test_weights_alone_say_what_is_assumed(tmp_path: Path) -> None:
    inputs, wanted = expected("keras3_cells")
    alone = shutil.copy(FILES / "keras3_cells.weights.h5", tmp_path / "w.h5")
    contents = read_contents(alone)
    # Directions of cells that reset before the product, and the top, are told by shapes.
    assert list(layers(contents)) == ["stack.0", "stack.1", "stack", "both", "top"]
    got = run(contents, {"stack_input": inputs["vectors"]})
    assert_all_near(got, {name: wanted[name] for name in ("stack", "both", "top")})
    assert {a.option for a in contents.assumptions} == {
        "--config", "--activation", "--gate-activation",
    }  # fmt: skip
    hard = read_contents(alone, ImportOptions(gate_activation="hard_sigmoid", activation="relu"))
    assert layers(hard)["top"].spec.activation == "relu"
    assert layers(hard)["top"].spec.recurrent_activation == "hard_sigmoid_sixth"
    assert {a.option for a in hard.assumptions} == {"--config"}


def test_a_nested_model_with_frozen_layers_and_batch_normalisation() -> None:
    contents = read_contents(FILES / "keras2_nested.h5")
    inputs, wanted = expected("keras2_nested")
    got = run(contents, inputs)
    assert_all_near(got, {"scores": wanted["final"]})
    assert [op.name for op in contents.operations] == [
        "vectors", "tower/low", "tower/norm", "tower/both", "scores",
    ]  # fmt: skip


def test_a_layer_for_each_step_of_a_longer_sequence() -> None:
    contents = read_contents(FILES / "keras2_deep.h5")
    inputs, wanted = expected("keras2_deep")
    characters = inputs["characters"]
    words, letters, _ = characters.shape
    got = run(contents, {"characters.step": characters.reshape(words * letters, -1)})
    spelling = got["spelling"].reshape(words, letters, -1)
    sentence = run_layer(layers(contents)["sentence"], spelling)[1]["h"]
    assert_all_near({"spelling": spelling, "sentence": sentence}, {
        "spelling": wanted["spelling"], "sentence": wanted["sentence"],
    })  # fmt: skip
    (between,) = [op for op in contents.operations if isinstance(op, OpaqueOperation)]
    assert (between.kind, between.reads) == ("TimeDistributed", ("spelling",))


def test_a_model_for_each_step_of_a_longer_sequence() -> None:
    contents = read_contents(FILES / "keras3_document.keras")
    inputs, wanted = expected("keras3_document")
    sentences = inputs["document"].reshape(6, 4)
    got = run(contents, {"document.step": sentences})["sentences/sentence/above"].reshape(2, 3, -1)
    assert_all_near({"sentences": got}, {"sentences": wanted["sentences"]})
    whole = run_layer(layers(contents)["whole"], got)[1]["h"]
    assert_all_near({"whole": whole}, {"whole": wanted["whole"]})


def test_a_decoder_begins_with_the_states_of_an_encoder() -> None:
    contents = read_contents(FILES / "keras2_pair.h5")
    inputs, wanted = expected("keras2_pair")
    decoder = layers(contents)["decoder"]
    assert decoder.initial == ("encoder", "encoder.state_2")
    got = run(contents, {**inputs, "encoder.state_2": wanted["encoder|2"]})
    assert_all_near(got, {name: wanted[name] for name in ("encoder", "decoder", "scores")})


def test_optimizers_and_classes_that_are_not_known_are_named(tmp_path: Path) -> None:
    config = json.loads((FILES / "keras3_cells.json").read_text("utf-8"))
    top = config["config"]["layers"][-1]
    top["class_name"] = "MyAttention"
    path = tmp_path / "other.json"
    path.write_text(json.dumps(config), "utf-8")
    contents = read_contents(FILES / "keras3_cells.weights.h5", ImportOptions(config=path))
    opaque = contents.operations[-1]
    assert isinstance(opaque, OpaqueOperation)
    assert (opaque.name, opaque.kind) == ("top", "MyAttention")


def test_units_that_are_not_those_of_the_arrays(tmp_path: Path) -> None:
    config = json.loads((FILES / "keras3_cells.json").read_text("utf-8"))
    config["config"]["layers"][-1]["config"]["cell"]["config"]["units"] = 7
    path = tmp_path / "other.json"
    path.write_text(json.dumps(config), "utf-8")
    contents = read_contents(FILES / "keras3_cells.weights.h5", ImportOptions(config=path))
    opaque = contents.operations[-1]
    assert isinstance(opaque, OpaqueOperation)
    assert opaque.reason == "its arrays have 2 units, its configuration 7"


def test_an_architecture_without_weights(tmp_path: Path) -> None:
    shutil.copy(FILES / "keras3_cells.json", tmp_path / "net.json")
    with pytest.raises(InvalidFileError, match=r"net\.h5"):
        read_contents(tmp_path / "net.json")


def test_an_empty_file_is_said_to_be_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.h5").touch()
    with pytest.raises(InvalidFileError, match=r"empty\.h5 is empty\."):
        read_contents(tmp_path / "empty.h5")
