"""The functions that formulas call, as CUDA C."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from rnnviz.engine.codegen.cuda_printer import function_sources


@cache
def functions_source() -> str:
    """``functions.cu``, and each function that is defined by a formula."""
    text = files("rnnviz.engine.cuda").joinpath("functions.cu").read_text("utf-8")
    return "\n".join([text, *function_sources()])
