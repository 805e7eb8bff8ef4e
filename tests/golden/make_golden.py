"""Golden values from PyTorch and Keras, written to the .npz files beside this one.

The tests compare rnnviz with the files and need neither. To make them anew:

    python -m venv golden-venv
    golden-venv/bin/pip install torch==2.13.0 keras==3.15.1 numpy . '.[test]'
    golden-venv/bin/python tests/golden/make_golden.py
    golden-venv/bin/python -m pytest -m live tests/golden     # the same, without writing

Inputs and weights are drawn by NumPy from constant seeds, in rnnviz's names and layout (those of
Keras); only results are stored. What the frameworks call otherwise is mapped here: PyTorch keeps
(G·H, D) matrices and two biases, and its GRU has the gates r z n where Keras has z r h.

- ``cells.npz``      PyTorch, float64: the cells written out by hand, every named value and its
                     gradient by autograd, rows of different lengths.
- ``torch.npz``      PyTorch, float64: nn.RNN, nn.LSTM and nn.GRU over packed sequences, one and two
                     layers, one and two directions: outputs, last states, loss, every gradient.
- ``jacobians.npz``  PyTorch, float64: ∂(h, c) after the last step / ∂(h, c) after step t.
- ``keras.npz``      Keras, float32: Embedding, SimpleRNN / LSTM / GRU, Dense, with padding in
                     front, behind, in between, and everywhere: logits, loss, every gradient;
                     losses; three steps of RMSprop and Adam (and of PyTorch's RMSprop, whose
                     formula is that of Keras before 2.11).
- ``recipes.npz``    Keras, float32: the net of each recipe, shrunk, trained for five batches: every
                     loss on the way and the weights at the end.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.cells import CELLS
from rnnviz.engine.parameters import shapes
from rnnviz.engine.spec import (
    EmbeddingSpec,
    HeadKind,
    HeadSpec,
    ModelSpec,
    RecurrentSpec,
    SeriesSpec,
)

HERE = Path(__file__).parent

# -- what is computed: shared with the tests ------------------------------------------------------

CELL_T, CELL_B, CELL_D, CELL_H = 4, 3, 2, 2
CELL_LENGTHS = (4, 2, 3)
IDS = np.array([[1, 4, 2], [3, 2, 4], [4, 0, 2], [2, 0, 1], [1, 0, 0]])  # (T, B), padded behind
#: Padding in front, behind, in between, everywhere, and none.
MASKED_IDS = np.array([[0, 3, 1, 0, 2], [0, 1, 0, 0, 3], [2, 4, 4, 0, 1], [1, 0, 0, 0, 4]])
TARGETS: dict[HeadKind, list[float]] = {
    "sigmoid": [1, 0, 1, 1, 0], "softmax": [2, 0, 1, 1, 2], "linear": [9.0, -9.0, 9.5, 8.0, -8.0],
}  # fmt: skip
LOSS_LOGITS = np.array([[-60.0, 0.5, 2], [-2, 8, 0], [0, 0, 0], [0.3, -1, 1], [30, 4, -40]])

_HEADS: list[HeadKind] = ["sigmoid", "softmax", "linear"]
_NETS = {"uni": (1, False), "bi": (1, True), "two": (2, False), "bi-two": (2, True)}
#: Every cell that the frameworks have, deep and in both directions, each with one of the heads.
SPECS: dict[str, ModelSpec] = {
    f"{cell}.{net}": ModelSpec(
        EmbeddingSpec(5, 2),
        (RecurrentSpec(cell, 2, both),) * depth,
        HeadSpec(_HEADS[(n + m) % 3], 3 if _HEADS[(n + m) % 3] == "softmax" else 1),
    )
    for n, cell in enumerate(("rnn", "lstm", "gru"))
    for m, (net, (depth, both)) in enumerate(_NETS.items())
}


def weights(name: str) -> Values:
    """The weights of one of SPECS; numbers that float32 holds exactly."""
    rng = np.random.default_rng(sorted(SPECS).index(name))
    drawn = {key: rng.normal(0, 0.8, shape) for key, shape in shapes(SPECS[name]).items()}
    return {key: a.astype(np.float32).astype(np.float64) for key, a in drawn.items()}


def cell_case(name: str) -> dict[str, Array]:
    """Weights p.*, input, initial states initial.* and the objective's weights, for one cell."""
    rng = np.random.default_rng(100 + list(CELLS).index(name))
    case = {"x": rng.normal(0, 1, (CELL_T, CELL_B, CELL_D))}
    for key, shape in CELLS[name].shapes(CELL_D, CELL_H).items():
        case[f"p.{key}"] = rng.normal(0, 0.8, shape)
    for s in CELLS[name].states:
        case[f"initial.{s}"] = rng.normal(0, 0.5, (CELL_B, CELL_H))
        case[f"d_last.{s}"] = rng.normal(0, 1, (CELL_B, CELL_H))
    case["d_h"] = rng.normal(0, 1, (CELL_T, CELL_B, CELL_H))
    return case


def update_case() -> tuple[Values, list[Values]]:
    """Small parameters, and gradients for three steps from huge to next to nothing."""
    rng = np.random.default_rng(7)
    params = {"a": rng.normal(0, 1e-3, (2, 3)), "b": np.zeros(3)}
    sizes = 10.0 ** np.array([2, -2, -6])
    steps = [{k: rng.normal(0, 1, a.shape) * sizes for k, a in params.items()} for _ in range(3)]
    return params, steps


_WORDS, _MASKED = EmbeddingSpec(20, 4, mask_zero=False), EmbeddingSpec(20, 4, mask_zero=True)
_SERIES = SeriesSpec(3, steps=10)
_ONE, _FOUR, _VALUE = HeadSpec("sigmoid", 1), HeadSpec("softmax", 4), HeadSpec("linear", 1)
_BI_LSTM = RecurrentSpec("lstm", 3, bidirectional=True)
_GRU = RecurrentSpec("gru", 3)

#: The nets of the recipes, a few units each and without dropout; and some with the gates'
#: activation and the GRU of Keras's first years, in which the published numbers were made.
RECIPES: dict[str, ModelSpec] = {
    "imdb-rnn": ModelSpec(_WORDS, (RecurrentSpec("rnn", 3),), _ONE),
    "imdb-lstm": ModelSpec(_WORDS, (RecurrentSpec("lstm", 3),), _ONE),
    "imdb-gru": ModelSpec(_WORDS, (_GRU,), _ONE),
    "imdb-stacked": ModelSpec(_WORDS, (RecurrentSpec("rnn", 3),) * 4, _ONE),
    "imdb-bilstm": ModelSpec(_WORDS, (_BI_LSTM,), _ONE),
    "jena-gru": ModelSpec(_SERIES, (_GRU,), _VALUE),
    "jena-lstm": ModelSpec(_SERIES, (RecurrentSpec("lstm", 3),), _VALUE),
    "jena-stacked": ModelSpec(_SERIES, (_GRU, RecurrentSpec("gru", 4, activation="relu")), _VALUE),
    "jena-bigru": ModelSpec(_SERIES, (RecurrentSpec("gru", 3, bidirectional=True),), _VALUE),
    "jena-bilstm": ModelSpec(_SERIES, (_BI_LSTM,), _VALUE),
    "jena-dense": ModelSpec(_SERIES, (), HeadSpec("linear", 1, hidden=8)),
    "hard-gru": ModelSpec(
        _SERIES, (RecurrentSpec("gru", 3, recurrent_activation="hard_sigmoid"),), _VALUE
    ),
    "hard-lstm": ModelSpec(
        _SERIES, (RecurrentSpec("lstm", 3, recurrent_activation="hard_sigmoid"),), _VALUE
    ),
    "hard-gru-2014": ModelSpec(
        _SERIES, (RecurrentSpec("gru-2014", 3, recurrent_activation="hard_sigmoid"),), _VALUE
    ),
    "agnews-rnn": ModelSpec(_WORDS, (RecurrentSpec("rnn", 3),), _FOUR),
    "agnews-rnn-masked": ModelSpec(_MASKED, (RecurrentSpec("rnn", 3),), _FOUR),
    "agnews-lstm": ModelSpec(_WORDS, (RecurrentSpec("lstm", 3),), _FOUR),
    "agnews-bilstm": ModelSpec(_MASKED, (_BI_LSTM, _BI_LSTM), _FOUR),
}
#: Large enough that a wrong gradient shows after five steps.
RATE = 1e-2


def recipe_optimizer(name: str) -> str:
    """Adam for the news, RMSprop for the others."""
    return "adam" if name.startswith("agnews") else "rmsprop"


def recipe_weights(name: str) -> Values:
    """Starting weights of one of RECIPES, float32."""
    rng = np.random.default_rng(200 + list(RECIPES).index(name))
    like = shapes(RECIPES[name])
    return {key: rng.normal(0, 0.5, like[key]).astype(np.float32) for key in sorted(like)}


def recipe_batches(name: str) -> list[tuple[Array, Array]]:
    """Five batches of six: ids (7, 6), padded in front (news: behind), or series (10, 6, 3)."""
    rng, spec = np.random.default_rng(300 + list(RECIPES).index(name)), RECIPES[name]
    found = []
    for _ in range(5):
        if isinstance(spec.source, SeriesSpec):
            x = rng.normal(0, 1, (10, 6, 3)).astype(np.float32)
            y = rng.normal(0, 1, 6)
        else:
            x = rng.integers(1, 20, (7, 6))
            padded = np.arange(7)[:, None] >= rng.permutation([1, 2, 3, 5, 6, 7])
            x[padded if name.startswith("agnews") else padded[::-1]] = 0
            y = rng.integers(0, max(spec.head.outputs, 2), 6)
        found.append((x, y.astype(np.float32)))
    return found


def flat(arrays: Mapping[str, Array]) -> Array:
    """All arrays as one vector, in the order of their names: an .npz entry costs 250 bytes."""
    return np.concatenate([np.ravel(arrays[name]) for name in sorted(arrays)])


def unflat(vector: Array, like: Mapping[str, tuple[int, ...]]) -> Values:
    """The arrays of these shapes that :func:`flat` joined."""
    ends = np.cumsum([int(np.prod(like[name])) for name in sorted(like)])
    pieces = np.split(vector, ends)
    assert not len(pieces[-1]), "more numbers than the shapes have room for"
    return {n: v.reshape(like[n]) for n, v in zip(sorted(like), pieces[:-1], strict=True)}


# -- PyTorch --------------------------------------------------------------------------------------


def step_by_hand(name: str, t: dict[str, Any], x: Any, prev: dict[str, Any]) -> dict[str, Any]:
    """One step in PyTorch, written from the published equations: every named value."""
    import torch

    H = prev["h"].shape[-1]
    W, U, b = t["p.W"], t["p.U"], t["p.b"]

    def part(a: Any, k: int) -> Any:
        return a[..., k * H : (k + 1) * H]

    v: dict[str, Any] = {}
    h = prev["h"]
    if name == "rnn":
        v["a"] = x @ W + h @ U + b
        v["h"] = torch.tanh(v["a"])
    elif name == "gru":
        v["a_z"] = x @ part(W, 0) + part(b[0], 0) + h @ part(U, 0) + part(b[1], 0)
        v["a_r"] = x @ part(W, 1) + part(b[0], 1) + h @ part(U, 1) + part(b[1], 1)
        v["z"], v["r"] = torch.sigmoid(v["a_z"]), torch.sigmoid(v["a_r"])
        v["q"] = h @ part(U, 2) + part(b[1], 2)
        v["a_g"] = x @ part(W, 2) + part(b[0], 2) + v["r"] * v["q"]
        v["g"] = torch.tanh(v["a_g"])
        v["h"] = v["z"] * h + (1 - v["z"]) * v["g"]
    elif name == "gru-2014":
        v["a_z"] = x @ part(W, 0) + part(b, 0) + h @ part(U, 0)
        v["a_r"] = x @ part(W, 1) + part(b, 1) + h @ part(U, 1)
        v["z"], v["r"] = torch.sigmoid(v["a_z"]), torch.sigmoid(v["a_r"])
        v["m"] = v["r"] * h
        v["a_g"] = x @ part(W, 2) + part(b, 2) + v["m"] @ part(U, 2)
        v["g"] = torch.tanh(v["a_g"])
        v["h"] = v["z"] * h + (1 - v["z"]) * v["g"]
    elif name == "mingru":
        v["a_z"] = x @ part(W, 0) + part(b, 0)
        v["g"] = x @ part(W, 1) + part(b, 1)
        v["z"] = torch.sigmoid(v["a_z"])
        v["h"] = (1 - v["z"]) * h + v["z"] * v["g"]
    else:
        for k, gate in enumerate("ifgo"):
            v[f"a_{gate}"] = x @ part(W, k) + h @ part(U, k) + part(b, k)
        if name == "lstm-peephole":
            v["a_i"] = v["a_i"] + t["p.p_i"] * prev["c"]
            v["a_f"] = v["a_f"] + t["p.p_f"] * prev["c"]
        v["i"], v["f"] = torch.sigmoid(v["a_i"]), torch.sigmoid(v["a_f"])
        v["g"] = torch.tanh(v["a_g"])
        v["c"] = v["f"] * prev["c"] + v["i"] * v["g"]
        if name == "lstm":
            v["o"] = torch.sigmoid(v["a_o"])
            v["h"] = v["o"] * torch.tanh(v["c"])
        elif name == "lstm-peephole":
            v["a_o"] = v["a_o"] + t["p.p_o"] * v["c"]
            v["o"] = torch.sigmoid(v["a_o"])
            v["h"] = v["o"] * torch.tanh(v["c"])
        elif name == "lstm-projection":
            v["o"] = torch.sigmoid(v["a_o"])
            v["m"] = v["o"] * torch.tanh(v["c"])
            v["h"] = v["m"] @ t["p.V"]
        else:
            v["a_o"] = v["a_o"] + prev["c"] @ t["p.V_o"]
            v["h"] = torch.tanh(v["a_o"])
    return v


def _walk(name: str, t: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """All steps, rows of CELL_LENGTHS; the named values of each step, and the last states."""
    import torch

    state = {s: t[f"initial.{s}"] for s in CELLS[name].states}
    steps = []
    for n, x in enumerate(t["x"]):
        v = step_by_hand(name, t, x, state)
        read = torch.tensor([[n < length] for length in CELL_LENGTHS])
        steps.append(v)
        state = {s: torch.where(read, v[s], state[s]) for s in state}
        v |= {f"kept.{s}": a for s, a in state.items()}
    return steps, state


def make_cells() -> dict[str, Array]:
    """Every named value and the gradient of each, by autograd through the step written by hand."""
    import torch

    found = {}
    for name in CELLS:
        t = {k: torch.tensor(a, requires_grad=True) for k, a in cell_case(name).items()}
        steps, last = _walk(name, t)
        for v in steps:
            for value in v.values():
                value.retain_grad()
        objective = sum((t[f"d_last.{s}"] * a).sum() for s, a in last.items())
        objective = objective + sum(
            (d * v["kept.h"]).sum() for d, v in zip(t["d_h"], steps, strict=True)
        )
        objective.backward()
        values = {k: torch.stack([v[k] for v in steps]) for k in steps[0]}
        grads = {k: torch.stack([v[k].grad for v in steps]) for k in steps[0]}
        # minGRU has a recurrent kernel without columns, which has no part in the objective.
        leaves = {
            k: torch.zeros_like(a) if a.grad is None else a.grad
            for k, a in t.items()
            if not k.startswith("d_")
        }
        found[f"{name}.values"] = flat({k: a.detach().numpy() for k, a in values.items()})
        found[f"{name}.grads"] = flat({k: a.numpy() for k, a in grads.items()})
        found[f"{name}.leaves"] = flat({k: a.numpy() for k, a in leaves.items()})
    return found


def make_jacobians() -> dict[str, Array]:
    """∂(all states after the last step) / ∂(all states after step t), one sequence: (T, S, S)."""
    import torch

    found = {}
    for name in CELLS:
        t = {k: torch.tensor(a) for k, a in cell_case(name).items()}
        states = CELLS[name].states
        x = t["x"][:, :1]

        def onward(state: Any, start: int, name: str = name, t: Any = t, x: Any = x) -> Any:
            carried = dict(zip(CELLS[name].states, state.split(CELL_H, dim=-1), strict=True))
            for one in x[start:]:
                carried = step_by_hand(name, t, one, carried)
            return torch.cat([carried[s] for s in CELLS[name].states], dim=-1)

        state = torch.cat([t[f"initial.{s}"][:1] for s in states], dim=-1)
        each = []
        for n in range(CELL_T):
            carried = dict(zip(states, state.split(CELL_H, dim=-1), strict=True))
            v = step_by_hand(name, t, x[n], carried)
            state = torch.cat([v[s] for s in states], dim=-1)
            J = torch.autograd.functional.jacobian(lambda s, n=n: onward(s, n + 1), state)
            each.append(J[0, :, 0, :].numpy())
        found[name] = np.stack(each)
    return found


def _gates_to_torch(cell: str, a: Array) -> Array:
    """Columns z r h to r z n; other cells have one order."""
    if cell != "gru":
        return a
    z, r, g = np.split(a, 3, axis=-1)
    return np.concatenate([r, z, g], axis=-1)


def _torch_layer(spec: ModelSpec, p: Values) -> Any:
    """The recurrent layers of a spec as one PyTorch module with the weights ``p``."""
    import torch

    layer = spec.layers[0]
    kind = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[layer.cell]
    net = kind(
        spec.source.width, layer.units, len(spec.layers), bidirectional=layer.bidirectional
    ).double()
    with torch.no_grad():
        for key, names in _torch_names(spec).items():
            a = _gates_to_torch(layer.cell, p[key])
            if key.endswith(".b"):
                rows = a if a.ndim == 2 else np.stack([a, np.zeros_like(a)])
            else:
                rows = a.T[None]
            for row, name in zip(rows, names, strict=True):
                getattr(net, name).copy_(torch.tensor(row))
    return net


def _torch_names(spec: ModelSpec) -> dict[str, list[str]]:
    """Our name of each array to PyTorch's one or (biases) two."""
    found = {}
    for k, layer in enumerate(spec.layers):
        ways = {"forward": "", "backward": "_reverse"} if layer.bidirectional else {"forward": ""}
        for way, suffix in ways.items():
            prefix, end = f"layers.{k}.{way}", f"_l{k}{suffix}"
            found[f"{prefix}.W"] = [f"weight_ih{end}"]
            found[f"{prefix}.U"] = [f"weight_hh{end}"]
            found[f"{prefix}.b"] = [f"bias_ih{end}", f"bias_hh{end}"]
    return found


def make_torch() -> dict[str, Array]:
    """Whole models over packed sequences: outputs (T, B, ·), loss, gradients in our layout."""
    import torch

    found = {}
    for name, spec in SPECS.items():
        p = weights(name)
        net, cell = _torch_layer(spec, p), spec.layers[0].cell
        table = torch.tensor(p["embedding"], requires_grad=True)
        W = torch.tensor(p["head.W"], requires_grad=True)
        b = torch.tensor(p["head.b"], requires_grad=True)
        lengths = torch.tensor((IDS != 0).sum(0))
        packed = torch.nn.utils.rnn.pack_padded_sequence(
            table[torch.tensor(IDS)], lengths, enforce_sorted=False
        )
        output, last = net(packed)
        output, _ = torch.nn.utils.rnn.pad_packed_sequence(output)
        h = last[0] if cell == "lstm" else last  # (layers · directions, B, H)
        features = torch.cat(list(h[-2:] if spec.layers[0].bidirectional else h[-1:]), dim=-1)
        logits = features @ W + b
        loss = _torch_loss(spec.head.kind, logits)
        loss.backward()
        grads = {"embedding": table.grad, "head.W": W.grad, "head.b": b.grad}
        arrays = {key: g.numpy() for key, g in grads.items()}
        for key, names in _torch_names(spec).items():
            parts = [getattr(net, n).grad.numpy() for n in names]
            if key.endswith(".b"):
                # The two biases of an LSTM are added; a GRU keeps both.
                own = np.stack(parts) if cell == "gru" else parts[0]
            else:
                own = parts[0].T
            arrays[key] = _gates_to_torch(cell, own)  # swapping two blocks undoes itself
        found[f"{name}.output"] = output.detach().numpy()
        found[f"{name}.logits"] = logits.detach().numpy()
        found[f"{name}.loss"] = np.array(loss.item())
        found[f"{name}.grads"] = flat(arrays)
    return found


def _torch_loss(kind: HeadKind, logits: Any) -> Any:
    import torch
    from torch.nn import functional

    y = torch.tensor(TARGETS[kind][: len(logits)], dtype=torch.float64)
    if kind == "sigmoid":
        return functional.binary_cross_entropy_with_logits(logits[:, 0], y, reduction="sum")
    if kind == "softmax":
        return functional.cross_entropy(logits, y.long(), reduction="sum")
    return functional.l1_loss(logits[:, 0], y, reduction="sum")


# -- Keras ----------------------------------------------------------------------------------------


def _keras() -> Any:
    os.environ["KERAS_BACKEND"] = "torch"
    import keras

    return keras


def _keras_loss(kind: HeadKind, logits: Any, y: Array) -> Any:
    keras = _keras()
    if kind == "sigmoid":
        return keras.losses.binary_crossentropy(y[:, None], logits, from_logits=True)
    if kind == "softmax":
        return keras.losses.sparse_categorical_crossentropy(y, logits, from_logits=True)
    return keras.losses.mean_absolute_error(y[:, None], logits)


def make_keras() -> dict[str, Array]:
    """Whole models with masks; losses; optimizers."""
    return _keras_models() | _keras_losses() | _keras_updates()


def _keras_models() -> dict[str, Array]:
    keras = _keras()
    kinds = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
    found = {}
    for name, spec in SPECS.items():
        p = weights(name)
        assert isinstance(spec.source, EmbeddingSpec)
        net = [keras.layers.Embedding(spec.source.vocabulary, spec.source.width, mask_zero=True)]
        order = ["embedding"]
        for k, layer in enumerate(spec.layers):
            recurrent = kinds[layer.cell](layer.units, return_sequences=k + 1 < len(spec.layers))
            both = layer.bidirectional
            net.append(keras.layers.Bidirectional(recurrent) if both else recurrent)
            for way in ("forward", "backward") if both else ("forward",):
                order += [f"layers.{k}.{way}.{key}" for key in "WUb"]
        net.append(keras.layers.Dense(spec.head.outputs))
        order += ["head.W", "head.b"]
        model = keras.Sequential(net)
        model.build((None, len(MASKED_IDS)))
        model.set_weights([p[key] for key in order])
        logits = model(MASKED_IDS.T)
        loss = _keras_loss(spec.head.kind, logits, np.array(TARGETS[spec.head.kind]))
        loss.sum().backward()
        trained = [w.value.grad.numpy() for w in model.trainable_weights]
        found[f"{name}.logits"] = logits.detach().numpy()
        found[f"{name}.loss"] = loss.detach().numpy()
        found[f"{name}.grads"] = flat(dict(zip(order, trained, strict=True)))
    return found


def _keras_losses() -> dict[str, Array]:
    import torch

    found = {}
    for kind, y in TARGETS.items():
        columns = 3 if kind == "softmax" else 1
        logits = torch.tensor(LOSS_LOGITS[:, :columns].astype(np.float32), requires_grad=True)
        loss = _keras_loss(kind, logits, np.array(y, np.float32))
        loss.sum().backward()
        assert logits.grad is not None
        found[f"losses.{kind}"] = loss.detach().numpy()
        found[f"losses.{kind}.d_logits"] = logits.grad.numpy()
    return found


def _keras_updates() -> dict[str, Array]:
    keras = _keras()
    found = {}
    for name, optimizer in (
        ("rmsprop", keras.optimizers.RMSprop()),
        ("adam", keras.optimizers.Adam()),
    ):
        params, steps = update_case()
        variables = [keras.Variable(params[key]) for key in sorted(params)]
        for n, grads in enumerate(steps, start=1):
            given = [keras.ops.convert_to_tensor(grads[key], "float32") for key in sorted(params)]
            optimizer.apply(given, variables)
            arrays = [np.asarray(v.value.detach()) for v in variables]
            found[f"{name}.{n}"] = flat(dict(zip(sorted(params), arrays, strict=True)))
    return found | _torch_updates()


def _torch_updates() -> dict[str, Array]:
    """RMSprop with epsilon outside the root, as PyTorch has it and Keras had it."""
    import torch

    params, steps = update_case()
    tensors = {k: torch.tensor(a.astype(np.float32)) for k, a in params.items()}
    optimizer = torch.optim.RMSprop(list(tensors.values()), lr=1e-3, alpha=0.9, eps=1e-7)
    found = {}
    for n, grads in enumerate(steps, start=1):
        for key, t in tensors.items():
            t.grad = torch.tensor(grads[key].astype(np.float32))
        optimizer.step()
        found[f"rmsprop-2017.{n}"] = flat({k: t.numpy().copy() for k, t in tensors.items()})
    return found


def make_recipes() -> dict[str, Array]:
    """Five calls of ``train_on_batch``: the loss before each, and the weights after the last."""
    found = {}
    for name, spec in RECIPES.items():
        model, order = _keras_net(spec)
        p = recipe_weights(name)
        assert sorted(order) == sorted(p)
        model.set_weights([p[key] for key in order])
        loss = []
        for x, y in recipe_batches(name):
            # The metric is a running mean over the calls; the loss of this batch alone is wanted.
            model.reset_metrics()
            target = y if spec.head.kind == "softmax" else y[:, None]
            loss.append(float(model.train_on_batch(x.swapaxes(0, 1), target)))
        found[f"{name}.losses"] = np.array(loss)
        found[f"{name}.weights"] = flat(dict(zip(order, model.get_weights(), strict=True)))
    return found


def _keras_net(spec: ModelSpec) -> tuple[Any, list[str]]:
    """The net of a recipe, compiled, and our names of its weights in Keras's order."""
    keras = _keras()
    layers, order = keras.layers, []
    kinds = {
        "rnn": layers.SimpleRNN, "lstm": layers.LSTM, "gru": layers.GRU,
        "gru-2014": partial(layers.GRU, reset_after=False),
    }  # fmt: skip
    if isinstance(spec.source, EmbeddingSpec):
        masked = spec.source.mask_zero
        net = [layers.Input((7,)), layers.Embedding(20, spec.source.width, mask_zero=masked)]
        order.append("embedding")
    else:
        net = [layers.Input((10, 3))]
    for k, layer in enumerate(spec.layers):
        # Keras 3's own hard_sigmoid has another slope.
        hard = {"recurrent_activation": lambda a: keras.ops.clip(0.2 * a + 0.5, 0, 1)}
        recurrent = kinds[layer.cell](
            layer.units,
            activation=layer.activation,
            return_sequences=k + 1 < len(spec.layers),
            **(hard if layer.recurrent_activation == "hard_sigmoid" else {}),
        )
        net.append(layers.Bidirectional(recurrent) if layer.bidirectional else recurrent)
        for way in ("forward", "backward") if layer.bidirectional else ("forward",):
            order += [f"layers.{k}.{way}.{key}" for key in "WUb"]
    if not spec.layers:
        net += [layers.Flatten(), layers.Dense(spec.head.hidden, activation="relu")]
        order += ["head.hidden.W", "head.hidden.b"]
    net.append(layers.Dense(spec.head.outputs))
    model = keras.Sequential(net)
    losses = {
        "sigmoid": keras.losses.BinaryCrossentropy(from_logits=True),
        "softmax": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        "linear": keras.losses.MeanAbsoluteError(),
    }
    optimizer = keras.optimizers.Adam if spec.head.kind == "softmax" else keras.optimizers.RMSprop
    model.compile(optimizer(RATE), losses[spec.head.kind])
    return model, [*order, "head.W", "head.b"]


# -- files ----------------------------------------------------------------------------------------

MAKERS: dict[str, Callable[[], dict[str, Array]]] = {
    "cells": make_cells, "torch": make_torch, "jacobians": make_jacobians, "keras": make_keras,
    "recipes": make_recipes,
}  # fmt: skip


def stored(name: str) -> dict[str, Array]:
    """One of the files."""
    with np.load(HERE / f"{name}.npz", allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


if __name__ == "__main__":
    for name, make in MAKERS.items():
        np.savez_compressed(HERE / f"{name}.npz", **make())
        print(f"{name}.npz: {(HERE / f'{name}.npz').stat().st_size:,} bytes")
