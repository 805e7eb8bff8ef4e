"""Contents of a file as a reader gives them, made by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rnnviz.arrays import Values
from rnnviz.cells import CELLS
from rnnviz.engine.spec import RecurrentSpec
from rnnviz.interop.contents import (
    Assumption,
    DenseOperation,
    EmbeddingOperation,
    IgnoredEntry,
    InputOperation,
    ModelContents,
    OpaqueOperation,
    Operation,
    RecurrentOperation,
)


def cell_params(cell: str, width: int, units: int, seed: int = 0) -> Values:
    """The arrays of a cell, drawn at random."""
    rng = np.random.default_rng(seed)
    shapes = CELLS[cell].shapes(width, units)
    return {name: rng.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}


def recurrent(name: str, reads: str, width: int, units: int, cell: str = "lstm") -> Operation:
    """A recurrent layer that reads forward."""
    params = {"forward": cell_params(cell, width, units)}
    return RecurrentOperation(name, (reads,), RecurrentSpec(cell, units), width, params)


def dense(name: str, reads: str, width: int, outputs: int, activation: str) -> DenseOperation:
    """A dense layer on the last state."""
    W = np.random.default_rng(1).normal(0, 0.5, (width, outputs)).astype(np.float32)
    return DenseOperation(name, (reads,), W, np.zeros(outputs, np.float32), activation)


def words(path: Path, **changes: Any) -> ModelContents:
    """Embedding of six words → LSTM of three units → one sigmoid."""
    table = np.random.default_rng(2).normal(size=(6, 2)).astype(np.float32)
    lstm = recurrent("lstm_1", "embedding_1", 2, 3)
    assert isinstance(lstm, RecurrentOperation)
    operations = (
        InputOperation("tokens", (), (None,), "int32"),
        EmbeddingOperation("embedding_1", ("tokens",), table),
        replace(lstm, every_step=False),
        dense("dense_1", "lstm_1", 3, 1, "sigmoid"),
    )
    assumed = Assumption(
        "the gate activation of lstm_1", "sigmoid", "--gate-activation", "it is not stored"
    )
    made = ModelContents(
        path, "Keras model, HDF5", "keras", "2.2.4", operations=operations,
        conversions=("lstm_1: columns i f c o are i f g o here",), assumptions=(assumed,),
        ignored=(IgnoredEntry("optimizer_weights", "the state of the optimizer"),),
    )  # fmt: skip
    return replace(made, **changes)


def vectors(path: Path, width: int = 2, **changes: Any) -> ModelContents:
    """Two GRUs on vectors with attention between them, which is not computed."""
    operations = (
        InputOperation("input", (), (None, width)),
        recurrent("gru_1", "input", width, 4, "gru"),
        OpaqueOperation("attention", ("gru_1",), "Attention"),
        recurrent("gru_2", "attention", 4, 3, "gru"),
    )
    made = ModelContents(path, "PyTorch state dict, zip", "pytorch", operations=operations)
    return replace(made, **changes)
