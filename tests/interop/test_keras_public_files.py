"""Every public file of Keras and TensorFlow.js: outputs as the frameworks computed them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from interop.operation_runs import run, run_layer

from rnnviz.arrays import Array, Values
from rnnviz.interop.contents import ImportOptions, ModelContents, RecurrentOperation
from rnnviz.interop.detection import read_contents

MADE = "made_here/"
#: How far outputs move when inputs move by 1e-6, where no JSON says it; measured in float64.
MOVES = {"textgenrnn_default": {"rnn_1": 2.5e-4, "rnn_2": 2.8e-3}}
#: The file, and the expected values of a folder with several.
FILES = {
    "textgenrnn_default/textgenrnn_weights.hdf5": "",
    "impsy_dim2_h5/musicMDRNN-dim2-layers2-units32-mixtures5-scale10.h5": "",
    "umberto_binary/binary_model.h5": "",
    "yongyug_rnnoise16k/weights-improvement-119-0.02670.hdf5": "",
    "hatice_keras3/lstm_model.keras": "",
    "zabir_bilstm/bilstm.h5": "",
    "chars2vec_eng50/weights.h5": "",
    "reiinakano_tfjs/model.json": "",
    MADE + "tfkeras_cudnn.h5": "tfkeras_cudnn",
    MADE + "tfjs_uint8/model.json": "tfjs_uint8",
    MADE + "tfjs_uint16/model.json": "tfjs_uint16",
    MADE + "tfjs_float16/model.json": "tfjs_float16",
    MADE + "tfjs_float32_sharded/model.json": "tfjs_float32_sharded",
}


def expected(folder: Path, file: str, name: str) -> tuple[Values, Values, dict[str, float]]:
    """Inputs, outputs and how far each output moves when an input moves by 1e-6."""
    where = folder / file.split("/")[0] / "expected"
    (npz,) = [p for p in where.glob("*.npz") if not name or p.stem == name]
    values = dict(np.load(npz))
    about = npz.with_suffix(".json")
    moves: dict[str, Any] = MOVES.get(where.parent.name, {})
    if about.exists():
        moves = json.loads(about.read_text("utf-8")).get(
            "max_change_when_input_perturbed_by_1e_6", {}
        )
    inputs = {k[3:]: v for k, v in values.items() if k.startswith("in|")}
    outputs = {k[4:]: v for k, v in values.items() if k.startswith("out|")}
    if not inputs:
        outputs = {k: v for k, v in values.items() if k not in ("x", "ids")}
        inputs = {"": values["x" if "x" in values else "ids"]}
    return inputs, outputs, {key.removeprefix("out|"): move for key, move in moves.items()}


def recurrent(contents: ModelContents) -> dict[str, RecurrentOperation]:
    return {op.name: op for op in contents.operations if isinstance(op, RecurrentOperation)}


def assert_near(name: str, got: Array, wanted: Array, move: float = 0.0) -> None:
    assert got.shape == wanted.shape, name
    scale = max(1.0, float(np.abs(wanted).max()))  # outputs reach 75
    assert np.abs(got - wanted).max() < max(1e-5 * scale, 10 * move), name


@pytest.mark.parametrize("file", FILES)
def test_outputs_are_those_of_the_framework(interop_folder: Path, file: str) -> None:
    inputs, outputs, moves = expected(interop_folder, file, FILES[file])
    contents = read_contents(interop_folder / file)
    assert contents.refusal == ""
    if "" in inputs:
        inputs = {contents.operations[0].name: inputs[""]}
    wanted = {name: values for name, values in outputs.items() if "(" not in name}
    got = run(contents, inputs)
    # What opaque layers give stands among the expected values: layers above them are run, too.
    opaque = {n: a for n, a in wanted.items() if n not in got}
    got = run(contents, inputs | opaque)
    assert set(recurrent(contents)) <= set(wanted)
    for name in wanted.keys() - opaque.keys():
        op = recurrent(contents).get(name)
        if op is not None and wanted[name].ndim == 3 and not op.every_step:
            got[name] = run_layer(op, got[op.reads[0]])[0]
        assert_near(name, got[name], wanted[name], moves.get(name, 0.0))


@pytest.mark.parametrize("ending", ["h5", "keras"])
def test_a_layer_that_reads_backwards_below_others(interop_folder: Path, ending: str) -> None:
    wanted = dict(np.load(interop_folder / MADE / "expected" / "keras315.npz"))
    contents = read_contents(interop_folder / MADE / f"keras315.{ending}")
    got = run(contents, {"input_layer": wanted["ids"]})
    kept = wanted["ids"] != 0
    assert_near("emb", got["emb"], wanted["emb"])
    assert_near("bi", got["bi"][kept], wanted["bi"][kept])  # Keras sets the others to zero
    # Keras has the outputs of go_backwards last token first ...
    assert_near("mygru", got["mygru"], wanted["mygru"][:, ::-1])
    # ... and leaves the mask as it was, which is said: sequences without padding agree.
    whole = kept.all(1)
    assert whole.tolist() == [False, True, False]
    for name in ("srnn", "out"):
        assert_near(name, got[name][whole], wanted[name][whole])
    assert [entry.name for entry in contents.ignored] == ["the mask above mygru"]


def test_states_that_the_net_takes_as_inputs(interop_folder: Path) -> None:
    folder = interop_folder / "impsy_dim2_keras"
    (file,) = folder.glob("*.keras")
    values = dict(np.load(folder / "expected" / "impsy_dim2_keras.npz"))
    contents = read_contents(file)
    layers = recurrent(contents)
    assert layers["lstm_0"].initial == ("state_h_0", "state_c_0")
    assert layers["lstm_1"].initial == ("state_h_1", "state_c_1")
    x = values["in|inputs"]
    for k in (0, 1):
        begin = [values[f"in|state_h_{k}"], values[f"in|state_c_{k}"]]
        outputs, last = run_layer(layers[f"lstm_{k}"], x, initial=begin)
        assert_near("h", last["h"], values[f"out|lstm_{k}|1_h"])
        assert_near("c", last["c"], values[f"out|lstm_{k}|2_c"])
        x = outputs


def test_layers_of_a_nested_model_whose_weights_are_in_one_group(interop_folder: Path) -> None:
    folder = interop_folder / "delft_bidgru_crf"
    values = dict(np.load(folder / "expected" / "delft_bidgru_crf.npz"))
    contents = read_contents(folder / "model_weights.hdf5")
    layers = recurrent(contents)
    assert set(layers) == {"time_distributed_3", "bidirectional_4", "bidirectional_5"}
    for name, op in layers.items():
        got, _ = run_layer(op, values[f"in|{name}"])
        assert_near(name, got, values[f"out|{name}"])


def test_weights_alone_of_keras_3_with_what_the_user_says(interop_folder: Path) -> None:
    path = interop_folder / MADE / "keras315.weights.h5"
    config = ImportOptions(config=interop_folder / MADE / "none.json")
    with pytest.raises(Exception, match=r"none\.json"):
        read_contents(path, config)
    contents = read_contents(path)
    assert [type(op).__name__ for op in contents.operations] == [
        "InputOperation", "EmbeddingOperation", "RecurrentOperation", "InputOperation",
        "RecurrentOperation", "RecurrentOperation", "DenseOperation",
    ]  # fmt: skip
    assert {a.option for a in contents.assumptions} == {
        "--config", "--activation", "--gate-activation", "--head", "--output",
    }  # fmt: skip


def test_a_vocabulary_in_the_archive(interop_folder: Path) -> None:
    values = dict(np.load(interop_folder / MADE / "expected" / "keras315_textvec.npz"))
    contents = read_contents(interop_folder / MADE / "keras315_textvec.keras")
    found = contents.vocabulary
    assert found is not None
    assert list(found.words) == [str(word) for word in values["vocab"]]
    assert (found.tokenizer, found.length) == ("vectorization", 6)
    assert_near("d", run(contents, {"vec": values["ids"]})["d"], values["y"])


def test_weights_of_another_program_are_listed_and_refused(interop_folder: Path) -> None:
    contents = read_contents(interop_folder / "allennlp_elmo" / "lm_weights.hdf5")
    assert "TensorFlow 1" in contents.refusal
    assert len(contents.tensors) == 33
    assert contents.operations == ()
