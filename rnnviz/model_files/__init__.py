"""Models on disk: a safetensors file of weights and a JSON with everything else.

Shipped models live in the package's ``assets/models``; a model can also be named by the path of
its JSON file or of a run directory. Nothing is ever unpickled, and nothing is believed: shapes,
types, finiteness and the hash of the weights are checked against the JSON.
"""

from __future__ import annotations

from rnnviz.files import assets
from rnnviz.model_files.places import DEFAULT, locate, shipped, weights_of
from rnnviz.model_files.reading import load
from rnnviz.model_files.stored import StoredModel
from rnnviz.model_files.weights import read_weights
from rnnviz.model_files.writing import encoder_json, pack, save

__all__ = [
    "DEFAULT", "StoredModel", "assets", "encoder_json", "load", "locate", "pack", "read_weights",
    "save", "shipped", "weights_of",
]  # fmt: skip
