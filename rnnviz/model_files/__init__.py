"""Models on disk: a safetensors file of weights and a JSON file with everything else.

Shipped models are in the package's ``assets/models``; a model can also be named by the path of its
JSON file or of a run directory. Files are never unpickled, and their content is checked: shapes,
types, finiteness and the hash of the weights must agree with the JSON.
"""

from __future__ import annotations

from rnnviz.files import assets
from rnnviz.lookup import DEFAULT, locate, shipped, weights_of
from rnnviz.model_files.loader import load
from rnnviz.model_files.stored_model import StoredModel
from rnnviz.model_files.weights import read_weights
from rnnviz.model_files.writer import encoder_json, pack, save

__all__ = [
    "DEFAULT", "StoredModel", "assets", "encoder_json", "load", "locate", "pack", "read_weights",
    "save", "shipped", "weights_of",
]  # fmt: skip
