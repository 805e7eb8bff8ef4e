"""Objects of PyTorch and Keras as models: real ones where they are installed, else the protocol."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import rnnviz
from rnnviz.arrays import Array
from rnnviz.errors import UsageError
from rnnviz.live_models import array_text

RNG = np.random.default_rng(0)


@dataclass
class Tensor:
    """What is asked of a tensor of PyTorch."""

    array: Array
    is_quantized: bool = False

    def detach(self) -> Tensor:
        return self

    cpu = float = detach

    def is_floating_point(self) -> bool:
        return True

    def is_complex(self) -> bool:
        return False

    def numpy(self) -> Array:
        return self.array


class Module:
    """What is asked of a module of PyTorch."""

    def __init__(self, nonlinearity: str, **arrays: Array) -> None:
        self.nonlinearity, self._arrays = nonlinearity, arrays

    def state_dict(self) -> dict[str, Tensor]:
        return {name: Tensor(array) for name, array in self._arrays.items()}

    def modules(self) -> list[Any]:
        return [self]


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = ModuleType("torch.nn")
    module.Module = Module
    monkeypatch.setitem(sys.modules, "torch.nn", module)


def test_a_module_is_read_by_its_state_dict(torch: None) -> None:
    W, U, b = RNG.normal(size=(4, 3)), RNG.normal(size=(4, 4)), RNG.normal(size=4)
    net = Module("relu", **{
        "rnn.weight_ih_l0": W.astype(np.float32), "rnn.weight_hh_l0": U.astype(np.float32),
        "rnn.bias_ih_l0": b.astype(np.float32), "rnn.bias_hh_l0": np.zeros(4, np.float32),
    })  # fmt: skip
    x = RNG.normal(size=(5, 3)).astype(np.float32)
    trace = rnnviz.step(x, model=net)
    h, expected = np.zeros(4), []
    for row in x:
        h = np.maximum(row @ W.T + h @ U.T + b, 0)
        expected.append(h)
    np.testing.assert_allclose(trace.layers[0].values["h"], expected, atol=1e-5)
    assert trace.layers[0].title == "SimpleRNN, relu"
    assert trace.model == "Module.safetensors"


def test_what_is_no_model_is_a_usage_error(torch: None) -> None:
    with pytest.raises(UsageError, match=r"model is a int\. Give a model's name, a file"):
        rnnviz.step("not good", model=3)
    with pytest.raises(UsageError, match="no tensors in its state dict"):
        rnnviz.step([1, 2], model=Module("tanh"))


def test_paths_and_settings_are_taken() -> None:
    file = Path(__file__).parent / "interop/files/bigru2.safetensors"
    assert rnnviz.load(file, head="none").model.spec.head.kind == "state"
    with pytest.raises(UsageError, match="is no setting of a model file"):
        rnnviz.step("random", model=file, heads="none")


def test_arrays_are_texts_of_numbers() -> None:
    assert array_text([14, 20]) == "14 20"
    assert array_text(np.array([[1, 0.5], [0, 1]])) == "1 0.5; 0 1"
    third = np.full((1, 1), 1 / 3, np.float32)
    assert np.float32(array_text(third)) == third
    for bad in (None, "", [], [["a"]], np.zeros((1, 2, 3)), {}):
        with pytest.raises(UsageError, match="array of T ids"):
            array_text(bad)


@pytest.mark.live
def test_a_module_of_pytorch_gives_its_own_outputs() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    net = torch.nn.GRU(3, 4, num_layers=2, bidirectional=True, batch_first=True)
    x = RNG.normal(size=(6, 3)).astype(np.float32)
    outputs = net(torch.tensor(x)[None])[0].detach().numpy()[0]
    found = [la.values["h"] for la in rnnviz.step(x, model=net).layers[-2:]]
    np.testing.assert_allclose(np.concatenate(found, -1), outputs, atol=1e-6)


@pytest.mark.live
def test_a_model_of_keras_gives_its_own_outputs() -> None:
    keras = pytest.importorskip("keras")
    layers = keras.layers
    net = keras.Sequential([
        keras.Input((None,), dtype="int32"), layers.Embedding(20, 5, mask_zero=True),
        layers.Bidirectional(layers.LSTM(4), merge_mode="ave"), layers.Dense(3, "softmax"),
    ])  # fmt: skip
    ids = np.array([3, 4, 5, 6])
    output = net.predict(ids[None], verbose=0)[0]
    np.testing.assert_allclose(rnnviz.step(ids, model=net).head.output, output, atol=1e-6)
