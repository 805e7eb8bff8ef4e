"""The numbers on the screen, computed again by other means from the weight file alone.

Nothing of the cells or the engine is used: the file is taken apart by hand, the equations are
those of the papers (as Keras documents them), one sequence, float64; gradients and Jacobians are
differences of the loss when one recorded number is nudged.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rnnviz.arrays import Array
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise
from rnnviz.engine.spec import EmbeddingSpec, HeadKind, HeadSpec, ModelSpec, RecurrentSpec
from rnnviz.model_files import load, save
from rnnviz.query import Query
from rnnviz.trace import Trace
from rnnviz.tracer import trace

WORDS = ("", "[UNK]", "this", "movie", "was", "not", "good", "at", "all")
TEXT = "This movie wasn't good, not at all!"  # "n't" is not among the words
IDS = [2, 3, 4, 1, 6, 5, 7, 8]
UNITS, WIDTH, STEP = 3, 4, 1e-5

#: A nudge: (layer, token, name, unit), and how far. "state.h" is h as the next token finds it.
Place = tuple[int, int, str, int]

EVERY_NET = [
    (cell, both, depth)
    for cell in ("rnn", "lstm", "gru", "lstm-slide")
    for both, depth in ((False, 1), (True, 2))
]


def weights_of(path: Path) -> dict[str, Array]:
    """The arrays of a safetensors file, by its published layout."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    found = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        assert entry["dtype"] == "F16"
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        found[name] = np.frombuffer(data[begin:end], "<f2").reshape(entry["shape"]).astype(float)
    return found


def logistic(a: Array) -> Array:
    return 1 / (1 + np.exp(-a))


class Net:
    """A stored model, run by the equations."""

    def __init__(self, path: Path) -> None:
        config = json.loads(path.read_text())["config"]
        self.layers: list[tuple[str, str, str]] = []  # cell, direction, prefix; bottom to top
        for k, layer in enumerate(config["layers"]):
            for way in ("forward", "backward") if layer["bidirectional"] else ("forward",):
                self.layers.append((layer["cell"], way, f"layers.{k}.{way}."))
        self.kind = config["head"]["kind"]
        self.w = weights_of(path.with_suffix(".safetensors"))

    def run(self, nudge: dict[Place, float] | None = None) -> list[list[dict[str, Array]]]:
        """Every named value of every token of every layer."""
        nudge = nudge or {}
        x = [self.w["embedding"][n] for n in IDS]
        done: list[list[dict[str, Array]]] = []
        for n, (cell, way, prefix) in enumerate(self.layers):
            p = {k.removeprefix(prefix): a for k, a in self.w.items() if k.startswith(prefix)}
            steps: list[dict[str, Array]] = [{} for _ in IDS]
            h = c = np.zeros(UNITS)
            for t in range(len(IDS)) if way == "forward" else reversed(range(len(IDS))):
                at = Nudged(n, t, nudge)
                at["x"] = x[t]
                step(cell, p, at, h, c)
                at["state.h"], at["state.c"] = at["h"], at.get("c", c)
                h, c, steps[t] = at["state.h"], at["state.c"], at
            done.append(steps)
            if prefix.endswith("backward.") or not self.has_backward(prefix):
                below = [steps] if way == "forward" else [done[-2], steps]
                x = [np.concatenate([s[t]["h"] for s in below]) for t in range(len(IDS))]
        return done

    def has_backward(self, prefix: str) -> bool:
        return any(
            p == prefix.replace("forward", "backward")
            for _, way, p in self.layers
            if way == "backward"
        )

    def logits(self, done: list[list[dict[str, Array]]]) -> Array:
        top = [-2, -1] if self.layers[-1][1] == "backward" else [-1]
        last = [done[n][-1 if self.layers[n][1] == "forward" else 0]["state.h"] for n in top]
        return np.concatenate(last) @ self.w["head.W"] + self.w["head.b"]

    def probabilities(self, done: list[list[dict[str, Array]]]) -> Array:
        z = self.logits(done)
        if self.kind == "sigmoid":
            p = logistic(z)
            return np.concatenate([1 - p, p])
        return np.exp(z) / np.exp(z).sum()


class Nudged(dict[str, Array]):
    """The values of one token; a value is nudged the moment it is made."""

    def __init__(self, layer: int, t: int, nudge: dict[Place, float]) -> None:
        super().__init__()
        self.nudges = {p[2:]: by for p, by in nudge.items() if p[:2] == (layer, t)}

    def __setitem__(self, name: str, value: Array) -> None:
        for (nudged, unit), by in self.nudges.items():
            if nudged == name:
                value = value.copy()
                value[unit] += by
        super().__setitem__(name, value)


def step(cell: str, p: dict[str, Array], v: dict[str, Array], h: Array, c: Array) -> None:
    """One step, straight from the equations."""
    W, U, b, x = p["W"], p["U"], p["b"], v["x"]
    gates = {"rnn": [""], "gru": list("zrg")}.get(cell, list("ifgo"))
    own = {g: slice(k * UNITS, (k + 1) * UNITS) for k, g in enumerate(gates)}
    if cell == "rnn":
        v["a"] = x @ W + h @ U + b
        v["h"] = np.tanh(v["a"])
    elif cell == "gru":
        for g in "zr":
            v[f"a_{g}"] = x @ W[:, own[g]] + b[0, own[g]] + h @ U[:, own[g]] + b[1, own[g]]
            v[g] = logistic(v[f"a_{g}"])
        v["q"] = h @ U[:, own["g"]] + b[1, own["g"]]
        v["a_g"] = x @ W[:, own["g"]] + b[0, own["g"]] + v["r"] * v["q"]
        v["g"] = np.tanh(v["a_g"])
        v["h"] = v["z"] * h + (1 - v["z"]) * v["g"]
    else:
        for g in "ifgo":
            peep = c @ p["V_o"] if cell == "lstm-slide" and g == "o" else 0
            v[f"a_{g}"] = x @ W[:, own[g]] + h @ U[:, own[g]] + b[own[g]] + peep
        v["i"], v["f"], v["g"] = logistic(v["a_i"]), logistic(v["a_f"]), np.tanh(v["a_g"])
        v["c"] = v["f"] * c + v["i"] * v["g"]
        if cell == "lstm":
            v["o"] = logistic(v["a_o"])
            v["h"] = v["o"] * np.tanh(v["c"])
        else:
            v["h"] = np.tanh(v["a_o"])


@pytest.fixture(scope="module", params=EVERY_NET, ids=lambda n: f"{n[0]}-{'both-' * n[1]}{n[2]}")
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Trace, Net]:
    """A model saved as float16, what the program shows of it, and the same by other means."""
    cell, both, depth = request.param
    kind: HeadKind = "softmax" if both else "sigmoid"
    spec = ModelSpec(
        EmbeddingSpec(len(WORDS), WIDTH),
        (RecurrentSpec(cell, UNITS, both),) * depth,
        HeadSpec(kind, 3 if both else 1),
    )
    drawn = initialise(spec, 5)
    # Untrained word vectors and zero biases would leave every gate at its middle.
    rng = np.random.default_rng(5)
    net = Model(
        spec, {name: a + rng.normal(0, 0.5, a.shape).astype("f4") for name, a in drawn.items()}
    )
    labels = ("a", "b", "c") if both else ("negative", "positive")
    path = tmp_path_factory.mktemp("model") / "small.json"
    save(path, net, Vocabulary(WORDS), labels, {"name": "small"})
    seen = trace(load(str(path)), Query(TEXT, str(path), labels[0]))
    return seen, Net(path)


def test_the_text_was_read_as_these_words(pair: tuple[Trace, Net]) -> None:
    """So that both run over the same rows."""
    assert list(pair[0].ids) == IDS
    assert [(la.cell, la.direction) for la in pair[0].layers] == [la[:2] for la in pair[1].layers]


def test_values_and_prediction_are_those_of_the_equations(pair: tuple[Trace, Net]) -> None:
    """Every name, token and unit, and the loss, as far as float32 goes."""
    seen, net = pair
    done = net.run()
    for layer, steps in zip(seen.layers, done, strict=True):
        for name in layer.recorded:
            again = np.stack([v[name] for v in steps])
            np.testing.assert_allclose(layer.values[name], again, 1e-5, 5e-6, err_msg=name)
    p = net.probabilities(done)
    np.testing.assert_allclose(seen.head.output, p, 1e-5)
    assert seen.head.target == seen.head.labels[0]
    assert seen.head.loss == pytest.approx(-np.log(p[0]), rel=1e-4)


def places(seen: Trace) -> Iterator[tuple[Place, float]]:
    """Every recorded number and the gradient shown for it."""
    for n, layer in enumerate(seen.layers):
        for name in layer.recorded:
            for (t, unit), grad in np.ndenumerate(layer.grads[name]):
                yield (n, t, name, unit), float(grad)


def test_gradients_are_those_of_a_nudge(pair: tuple[Trace, Net]) -> None:
    """The loss moves with each recorded number as much as its gradient says."""
    seen, net = pair

    def loss(nudge: dict[Place, float]) -> float:
        return float(-np.log(net.probabilities(net.run(nudge))[0]))

    if seen.layers[0].direction == "forward" and len(seen.layers) > 1:
        chosen = list(places(seen))[::7]  # a sample of the large nets
    else:
        chosen = list(places(seen))
    numeric = [(loss({p: STEP}) - loss({p: -STEP})) / (2 * STEP) for p, _ in chosen]
    shown = np.array([grad for _, grad in chosen])
    # In a stacked net x of an upper layer is made of two outputs: a nudge of x is of x alone.
    np.testing.assert_allclose(shown, numeric, 1e-4, 1e-6)
    assert np.abs(shown).max() > 1e-2


def test_reach_is_that_of_nudged_states(pair: tuple[Trace, Net]) -> None:
    """The spectral norm of ∂(all last states)/∂(all states at t), h and c side by side."""
    seen, net = pair
    for n, layer in enumerate(seen.layers):
        states = [f"state.{s}" for s in layer.states]
        last = layer.order[-1]

        def end(
            place: Place, by: float, n: int = n, last: int = last, states: list[str] = states
        ) -> Array:
            at = net.run({place: by})[n][last]
            return np.concatenate([at[s] for s in states])

        for t in range(len(IDS)):
            nudged = [(n, t, s, unit) for s in states for unit in range(UNITS)]
            J = np.stack([(end(p, STEP) - end(p, -STEP)) / (2 * STEP) for p in nudged], axis=1)
            assert layer.reach[t] == pytest.approx(np.linalg.norm(J, 2), rel=1e-3)


def test_the_readout_is_the_head_on_the_state_after_each_token(pair: tuple[Trace, Net]) -> None:
    """For a net that only reads forward."""
    seen, net = pair
    if len(seen.layers) > 1:
        pytest.skip("a backward layer needs a reading of its own for each token")
    states = np.stack([v["h"] for v in net.run()[0]])
    p = logistic(states @ net.w["head.W"] + net.w["head.b"])
    np.testing.assert_allclose(seen.head.readout, np.concatenate([1 - p, p], axis=1), 1e-5)


def test_another_gate_order_would_be_noticed(pair: tuple[Trace, Net]) -> None:
    """The comparison can fail: with two gates exchanged in the file it does."""
    seen, net = pair
    if seen.layers[0].cell == "rnn":
        pytest.skip("one block has no order")
    wrong = Net.__new__(Net)
    wrong.__dict__ |= net.__dict__
    wrong.w = {
        k: np.roll(a, UNITS, axis=-1) if k.endswith(".W") and "layers" in k else a
        for k, a in net.w.items()
    }
    again = np.stack([v["h"] for v in wrong.run()[0]])
    assert np.abs(seen.layers[0].values["h"] - again).max() > 1e-2
