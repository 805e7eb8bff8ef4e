"""The functions of claim expressions that take numbers and vectors, and read no text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

#: The functions of vectors and numbers.
PLAIN: dict[str, Callable[..., Any]] = {
    "abs": lambda x: np.abs(x) if isinstance(x, np.ndarray) else abs(x),
    "round": lambda x, digits=0: round(float(x), int(digits)),
    "min": lambda *x: float(np.min(x[0] if len(x) == 1 else x)),
    "max": lambda *x: float(np.max(x[0] if len(x) == 1 else x)),
    "sum": lambda x: float(np.sum(x)),
    "mean": lambda x: float(np.mean(x)),
    "share": lambda x: float(np.mean(x)),
    "norm": lambda x: float(np.linalg.norm(x)),
    "argmax": lambda x: int(np.argmax(x)),
    "argmin": lambda x: int(np.argmin(x)),
    "len": len,
    "log2": lambda x: float(np.log2(x)),
    "sqrt": lambda x: float(np.sqrt(x)),
    "exp": lambda x: float(np.exp(x)),
    "tanh": lambda x: float(np.tanh(x)),
    "sigmoid": lambda x: float(1 / (1 + np.exp(-x))),
    "ceil": lambda x: int(np.ceil(x)),
}  # fmt: skip
