"""Golden values of PyTorch for windows of a text whose states are carried on: ``windows.npz``.

A head of softmax reads every step; a second window begins with the states that the first one ended
with, through which no gradient flows (truncated backpropagation through time). The cells are
written by hand in ``make_golden.py``, the gradients are autograd's, all in float64. To make it:

    python -m venv golden-venv
    golden-venv/bin/pip install torch==2.13.0 keras==3.15.1 numpy . '.[test]'
    PYTHONPATH=tests:. golden-venv/bin/python tests/golden/make_windows.py

Of each cell and mask, of the second window: the logits, the loss, and the gradient of every array
and of every word vector.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from golden.make_golden import flat, step_by_hand

from rnnviz.arrays import Array, Values
from rnnviz.cells import CELLS
from rnnviz.engine.parameters import shapes
from rnnviz.engine.spec import EmbeddingSpec, HeadSpec, ModelSpec, RecurrentSpec

FILE = Path(__file__).with_name("windows.npz")
V, E, H, T, B = 7, 3, 4, 6, 3
MASKS = ("none", "behind")
NAMES = [f"{cell}.{mask}" for cell in CELLS for mask in MASKS]


def spec_of(name: str) -> ModelSpec:
    """The net: an embedding, one layer, and a softmax at every step."""
    cell, mask = name.split(".")
    source = EmbeddingSpec(V, E, mask_zero=mask != "none")
    return ModelSpec(source, (RecurrentSpec(cell, H),), HeadSpec("softmax", V, reads="steps"))


def case(name: str) -> tuple[Values, Array, Array]:
    """The weights, two windows of ids (2, T, B), and the ids that follow."""
    rng = np.random.default_rng(400 + NAMES.index(name))
    params = {key: 0.7 * rng.standard_normal(s) for key, s in shapes(spec_of(name)).items()}
    ids = rng.integers(1, V, (2, T, B))
    if name.endswith("behind"):
        ids *= np.arange(T)[:, None] < T - np.arange(B)
    return params, ids, rng.integers(1, V, (2, T, B))


def _window(name: str, leaves: dict[str, Any], ids: Array, state: dict[str, Any]) -> Any:
    """The logits (T, B, V) and the last states; word vectors are looked up into ``leaves``."""
    import torch

    prefix = "layers.0.forward."
    t = {f"p.{k.removeprefix(prefix)}": a for k, a in leaves.items() if k.startswith(prefix)}
    x = leaves["embedding"][torch.tensor(ids)]
    x.retain_grad()
    leaves["x"] = x
    masked, outputs = name.endswith("behind"), []
    for n in range(T):
        v = step_by_hand(name.split(".")[0], t, x[n], state)
        read = torch.tensor(ids[n] != 0)[:, None] if masked else torch.tensor(True)
        state = {s: torch.where(read, v[s], state[s]) for s in state}
        outputs.append(state["h"])
    return torch.stack(outputs) @ leaves["head.W"] + leaves["head.b"], state


def make() -> dict[str, Array]:
    """Every number of the file."""
    import torch

    found: dict[str, Array] = {}
    for name in NAMES:
        params, ids, following = case(name)
        leaves = {key: torch.tensor(a, requires_grad=True) for key, a in params.items()}
        zeros = torch.zeros((B, H), dtype=torch.float64)
        state = dict.fromkeys(CELLS[name.split(".")[0]].states, zeros)
        _, state = _window(name, leaves, ids[0], state)
        state = {s: a.detach() for s, a in state.items()}
        logits, _ = _window(name, leaves, ids[1], state)
        rows = torch.nn.functional.cross_entropy(
            logits.reshape(-1, V), torch.tensor(following[1].ravel()), reduction="none"
        )
        read = torch.tensor(ids[1].ravel() != 0) if name.endswith("behind") else rows >= 0
        loss = rows[read].mean()
        loss.backward()
        grads = {
            key: np.zeros(leaf.shape) if leaf.grad is None else leaf.grad.numpy()
            for key, leaf in leaves.items()
        }
        found[f"{name}.logits"] = logits.detach().numpy()
        found[f"{name}.loss"] = loss.detach().numpy()
        found[f"{name}.grads"] = flat(grads)
    return found


if __name__ == "__main__":
    np.savez_compressed(FILE, **make())  # type: ignore[arg-type]
