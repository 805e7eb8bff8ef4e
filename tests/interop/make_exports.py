"""What Keras, PyTorch, ONNX Runtime and JAX compute with exported nets: ``exports.npz``.

The tests compare rnnviz with that file and need none of them. To make it anew, in an environment
that has keras, torch, onnxruntime, jax, safetensors and rnnviz with its extra ``test``:

    KERAS_BACKEND=torch python tests/interop/make_exports.py
    KERAS_BACKEND=torch python -m pytest -m live tests/interop/test_exported_nets.py   # no writing

Nets are small and drawn from constant seeds. For each net and target that can say it there are the
outputs, the outputs of every layer at every step (of nets cut there, whose head is the state), and
a digest of the exported files, which the tests compute again: so what the framework has read is
what is written today.
"""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.cells import CELLS
from rnnviz.engine import losses
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import shapes
from rnnviz.engine.spec import (
    DenseSpec,
    EmbeddingSpec,
    HeadSpec,
    ModelSpec,
    RecurrentSpec,
    SeriesSpec,
)
from rnnviz.errors import InvalidFileError
from rnnviz.interop.export.example import ProgramExample, program_example
from rnnviz.interop.export.formats import FORMATS, written
from rnnviz.interop.export.limits import refusals
from rnnviz.interop.export.programs import PROGRAMS, program

FILE = Path(__file__).parent / "exports.npz"

# -- the nets: shared with the tests ----------------------------------------------------------

MASKED, PLAIN, SERIES = EmbeddingSpec(9, 3), EmbeddingSpec(9, 3, False), SeriesSpec(3)
HEAD = HeadSpec("softmax", 3)
#: Ids of a text, and of a shorter one that is padded.
IDS = np.array([[3, 5, 2, 8, 1, 4], [7, 1, 6, 0, 0, 0]])
STATE_ACTIVATIONS = (
    "relu", "sigmoid", "identity", "hard_sigmoid", "hard_sigmoid_sixth", "hard_tanh", "leaky_relu",
    "softsign", "softplus", "elu", "selu",
)  # fmt: skip


def _layer(cell: str, **choices: Any) -> RecurrentSpec:
    units = 4
    if cell == "lstm-projection":
        choices = {"projection": 2, **choices}
    return RecurrentSpec(cell, choices.pop("units", units), **choices)


def _nets() -> Iterator[tuple[str, ModelSpec]]:
    for cell in CELLS:
        one, both = _layer(cell), _layer(cell, bidirectional=True)
        yield f"{cell}", ModelSpec(MASKED, (one,), HEAD)
        yield f"{cell}, no bias", ModelSpec(PLAIN, (_layer(cell, bias=False),), HEAD)
        yield f"{cell}, reverse", ModelSpec(PLAIN, (_layer(cell, reverse=True), one), HEAD)
        yield f"{cell}, stacked", ModelSpec(MASKED, (one, one, _layer(cell, units=3)), HEAD)
        yield f"{cell}, bidirectional", ModelSpec(MASKED, (both, both), HEAD)
        for merge in ("sum", "mul", "ave"):
            merged = replace(both, merge=merge)
            yield f"{cell}, {merge}", ModelSpec(MASKED, (merged, merged), HEAD)
    for activation in STATE_ACTIVATIONS:
        choice: Any = activation
        for cell in ("rnn", "lstm"):
            layer = _layer(cell, activation=choice)
            yield f"{cell}, {activation}", ModelSpec(PLAIN, (layer,), HEAD)
        for cell in ("lstm", "gru"):
            layer = _layer(cell, recurrent_activation=choice)
            yield f"{cell}, gates {activation}", ModelSpec(PLAIN, (layer,), HEAD)
    for cell in ("rnn", "lstm", "gru", "gru-2014"):
        initial = _layer(cell, trained_initial=True, bidirectional=True)
        yield f"{cell}, initial states", ModelSpec(MASKED, (initial,), HEAD)
        yield f"{cell}, clip", ModelSpec(PLAIN, (_layer(cell, clip=0.5),), HEAD)
    for cell in ("gru", "gru-2014"):
        for gate in ("sigmoid", "hard_sigmoid", "relu"):
            layer = _layer(cell, keeps=False, recurrent_activation=gate)
            yield f"{cell}, z renews, {gate}", ModelSpec(MASKED, (layer,), HEAD)
    output = _layer("lstm", output_activation="identity")
    yield "lstm, output identity", ModelSpec(PLAIN, (output,), HEAD)
    mixed = (_layer("lstm", bidirectional=True), _layer("gru", units=3), _layer("lstm"))
    yield "lstm, gru and lstm", ModelSpec(MASKED, mixed, HEAD)
    yield from _heads()


def _heads() -> Iterator[tuple[str, ModelSpec]]:
    both, back = (_layer("lstm", bidirectional=True),), (_layer("gru", reverse=True),)
    forward = (_layer("lstm"),)
    for reads in ("end", "steps"):
        head = replace(HEAD, reads=reads)
        for source, kind in ((MASKED, "masked"), (PLAIN, "plain")):
            yield f"bidirectional, {kind}, {reads}", ModelSpec(source, both, head)
            yield f"reverse, {kind}, {reads}", ModelSpec(source, back, head)
            yield f"forward, {kind}, {reads}", ModelSpec(source, forward, head)
    for kind in ("sigmoid", "linear", "tanh", "relu"):
        head = HeadSpec(kind, 1 if kind == "sigmoid" else 2, bias=kind != "tanh")
        yield f"head {kind}", ModelSpec(SERIES, forward, head)
    yield "labels, each by itself", ModelSpec(MASKED, forward, HeadSpec("sigmoid", 3))
    yield "no head", ModelSpec(MASKED, both, HeadSpec("state", 8))
    yield "hidden layer", ModelSpec(MASKED, forward, HeadSpec("sigmoid", 1, 0.1, 5))
    for activation in ("tanh", *STATE_ACTIVATIONS):
        stack: Any = (DenseSpec(3, activation), DenseSpec(2, "tanh", False))
        head = replace(HEAD, dense=stack)
        yield f"dense {activation}", ModelSpec(MASKED, forward, head)
    dropout = RecurrentSpec("gru", 4, dropout=0.2, recurrent_dropout=0.1)
    source = replace(MASKED, dropout=0.3)
    yield "dropout", ModelSpec(source, (dropout, dropout), replace(HEAD, dropout=0.5))
    yield "masked numbers", ModelSpec(replace(SERIES, mask_value=-1.0), forward, HEAD)
    yield "no recurrent layer", ModelSpec(SeriesSpec(3, 4), (), HeadSpec("linear", 1, hidden=3))


NETS = dict(_nets())


def params_of(name: str) -> Values:
    """The arrays of a net, drawn from a seed."""
    rng = np.random.default_rng(list(NETS).index(name))
    found: Values = {}
    # Gates that are not bounded let states grow from step to step.
    wide = 0.3 if "gates" in name else 0.6
    for key, shape in shapes(NETS[name]).items():
        array = rng.normal(size=shape) * wide
        # relu and the like are bounded by small recurrent weights.
        found[key] = (array * 0.5 if key.endswith(".U") else array).astype(np.float32)
    return found


def parts_of(name: str) -> dict[str, ModelSpec]:
    """The net itself, "", and by "1", "2" … the net cut above that layer, all its steps read."""
    spec = NETS[name]
    parts = {"": spec}
    for k in range(len(spec.layers)):
        layers = spec.layers[: k + 1]
        head = HeadSpec("state", layers[-1].output_width, reads="steps")
        parts[str(k + 1)] = ModelSpec(spec.source, layers, head)
    return parts


def part_params(spec: ModelSpec, params: Values) -> Values:
    """The arrays of a part."""
    return {key: params[key] for key in shapes(spec)}


def inputs_of(spec: ModelSpec) -> Array:
    """(B, T) ids or (B, T, D) numbers; padded texts only where padding is skipped."""
    if isinstance(spec.source, EmbeddingSpec):
        return IDS if spec.source.mask_zero and spec.head.reads == "last" else IDS[:1]
    T = spec.source.steps or 5
    numbers = np.linspace(-1, 1, T * spec.source.width, dtype=np.float32)
    return numbers.reshape(1, T, spec.source.width)


def ours(spec: ModelSpec, params: Values) -> Array:
    """What rnnviz computes: (B, K), or (B, T, K) of a head that reads every step."""
    logits = Model(spec, part_params(spec, params)).logits(inputs_of(spec).swapaxes(0, 1))
    found = losses.outputs(spec.head.kind, logits)
    return found.swapaxes(0, 1) if spec.head.reads == "steps" else found


# -- what files hold --------------------------------------------------------------------------


def digest(key: str, data: bytes) -> str:
    """A hash of what a file says, the same for every version of the library that wrote it."""
    found = hashlib.sha256()
    for part in _contents(key, data):
        found.update(part)
    return found.hexdigest()[:16]


def _contents(key: str, data: bytes) -> Iterator[bytes]:
    if key in ("keras-h5", "keras-weights"):
        yield from _hdf5(data)
    elif key in ("keras", "pytorch", "npz", "npz-rnnviz"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield name.encode()
                inner = archive.read(name)
                if name.endswith(".h5"):
                    yield from _hdf5(inner)
                elif name.endswith(".npy"):  # versions of NumPy pad the header differently
                    array = np.load(io.BytesIO(inner))
                    yield f"{array.dtype.str} {array.shape}".encode()
                    yield array.tobytes()
                else:
                    yield inner
    elif key == "onnx":
        yield from _onnx(data)
    else:
        yield data


def _hdf5(data: bytes) -> Iterator[bytes]:
    import h5py

    with h5py.File(io.BytesIO(data)) as file:
        names: list[str] = []
        file.visit(names.append)
        for each in (file, *(file[name] for name in names)):
            yield each.name.encode()
            for key, value in sorted(each.attrs.items()):
                yield f"{key}={np.asarray(value).tolist()}".encode()
            if isinstance(each, h5py.Dataset):
                yield str(each.dtype).encode() + each[()].tobytes()


def _onnx(data: bytes) -> Iterator[bytes]:
    import onnx

    graph = onnx.load_model_from_string(data).graph
    for node in graph.node:
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        said = (node.op_type, list(node.input), list(node.output), sorted(attributes.items()))
        yield str(said).encode()
    for array in graph.initializer:
        yield array.name.encode() + onnx.numpy_helper.to_array(array).tobytes()


def files_of(spec: ModelSpec, params: Values, target: str) -> dict[str, bytes]:
    """By format what is written for a target, of those formats that can say the net."""
    found = {}
    for key, form in FORMATS.items():
        if (form.target or "jax") == target:
            try:
                found[key] = written("net", spec, params, key)
            except InvalidFileError:  # .h5 cannot say what .keras can
                assert key == "keras-h5"
    return found


def can_say(spec: ModelSpec, target: str) -> bool:
    """Whether a target can say a net; JAX can say every one."""
    known: Any = target
    return target == "jax" or not refusals(spec, known)


# -- what the frameworks compute --------------------------------------------------------------

#: Computes a net: its spec, its files by format, and a folder that holds them as net.ENDING.
Runner = Callable[[ModelSpec, Values, Path], Array]


def run_keras(spec: ModelSpec, params: Values, folder: Path) -> Array:
    """By ``load_model`` of the archive; the other files and the program give the same."""
    import keras

    inputs = inputs_of(spec)
    found = np.asarray(keras.models.load_model(folder / "net.keras").predict(inputs, verbose=0))
    if spec.head.kind == "state":  # of a part; the program is that of the whole net
        return found
    if (folder / "net.h5").exists():
        again = keras.models.load_model(folder / "net.h5", compile=False)
        np.testing.assert_array_equal(np.asarray(again.predict(inputs, verbose=0)), found)
    for ending in (".keras", ".weights.h5"):
        model = _execute("keras", spec, params, folder / f"net{ending}")["model"]
        np.testing.assert_array_equal(np.asarray(model.predict(inputs, verbose=0)), found)
    return found


def run_torch(spec: ModelSpec, params: Values, folder: Path) -> Array:
    """By the printed program, with each of the three files."""
    import torch

    found = []
    for ending in (".pt", ".safetensors", ".npz"):
        net = _execute("pytorch", spec, params, folder / f"net{ending}")["net"]
        with torch.no_grad():
            found.append(net(torch.from_numpy(inputs_of(spec))).numpy())
    assert all(np.array_equal(each, found[0]) for each in found)
    return found[0]


def run_onnx(spec: ModelSpec, params: Values, folder: Path) -> Array:
    """By ONNX Runtime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(folder / "net.onnx")
    (said,) = session.get_inputs()
    found: Array = session.run(None, {said.name: inputs_of(spec)})[0]
    return found


def run_jax(spec: ModelSpec, params: Values, folder: Path) -> Array:
    """By the printed program, of the first sequence."""
    return np.asarray(_execute("jax", spec, params, folder / "net.npz")["x"])[None]


def _execute(key: str, spec: ModelSpec, params: Values, file: Path) -> dict[str, Any]:
    """The names that a printed program defines; its example is the first sequence."""
    ids = inputs_of(spec)[0].tolist() if isinstance(spec.source, EmbeddingSpec) else None
    example = program_example(Model(spec, part_params(spec, params)), ids, "the example")
    if ids is None:
        example = ProgramExample(inputs_of(spec)[0], example.outputs, "numbers")
    names: dict[str, Any] = {"print": lambda *said: None}
    exec(program(key, "net", spec, str(file), example), names)
    return names


RUNNERS: dict[str, Runner] = {
    "keras": run_keras, "pytorch": run_torch, "onnx": run_onnx, "jax": run_jax
}  # fmt: skip


def results(name: str, target: str) -> dict[str, Array]:
    """The entries of a net and a target: outputs by part, and digests by part and format."""
    found: dict[str, Array] = {}
    for part, spec in parts_of(name).items():
        if not can_say(spec, target) or (part and target == "jax"):
            continue
        params = part_params(spec, params_of(name))
        files = files_of(spec, params, target)
        with tempfile.TemporaryDirectory() as folder:
            for key, data in files.items():
                ending = (FORMATS[key].endings or (f".{key.split('-')[0]}",))[0]
                (Path(folder) / f"net{ending}").write_bytes(data)
            found[f"{name}/{target}/{part}"] = RUNNERS[target](spec, params, Path(folder))
        digests = {key: digest(key, data) for key, data in files.items()}
        found[f"{name}/{target}/{part}/files"] = np.array(json.dumps(digests))
    return found


if __name__ == "__main__":
    assert set(PROGRAMS) <= set(RUNNERS)
    made: dict[str, Array] = {}
    for each in NETS:
        for framework in RUNNERS:
            made |= results(each, framework)
        print(each, flush=True)
    packed: Any = {"results": np.array(json.dumps({
        key: array.tolist() if array.dtype.kind == "U" else array.astype(float).tolist()
        for key, array in made.items()
    }))}  # fmt: skip
    np.savez_compressed(FILE, **packed)
