"""The arrays of rnnviz's own weight files: ``embedding``, ``layers.0.forward.W``, ``head.b``."""

from __future__ import annotations

import re
from typing import Final

_LAYER: Final = re.compile(r"(?P<path>layers\.\d{1,2}\.(?:forward|backward)\.)(?P<part>[WUb])")
_PARTS: Final = {"W": "kernel", "U": "recurrent_kernel", "b": "bias"}
_DENSE: Final = re.compile(r"(?P<path>head\.(?:hidden\.)?)(?P<part>[Wb])")


def keras_name(name: str) -> str:
    """Keras's name of an array of ours, which has Keras's layout; any other name as it is."""
    if found := _LAYER.fullmatch(name) or _DENSE.fullmatch(name):
        return found["path"] + _PARTS[found["part"]]
    return "embedding.embeddings" if name == "embedding" else name
