"""The source of the kernel of the head: ``head.cu``, with the formulas of the losses as C."""

from __future__ import annotations

from importlib.resources import files

from rnnviz.engine.codegen.cuda_printer import CudaPrinter
from rnnviz.engine.losses import FORMULAS
from rnnviz.engine.spec import HeadKind

#: The heads that the kernel computes; its argument ``kind`` is an index of these.
KINDS: tuple[HeadKind, ...] = ("sigmoid", "softmax", "linear")

#: Rows of a batch that a block computes, one a warp.
ROWS = 8


def head_source() -> str:
    """``head.cu`` with functions that choose by the kind of the head."""
    parts = [
        *(f"#define {kind.upper()} {k}" for k, kind in enumerate(KINDS)),
        _chosen("loss_of", {kind: FORMULAS[kind].loss for kind in KINDS}),
        _chosen("slope_of", {kind: FORMULAS[kind].gradient for kind in KINDS}),
        files("rnnviz.engine.cuda").joinpath("head.cu").read_text("utf-8"),
    ]
    return "\n".join(parts)


def _chosen(name: str, formulas: dict[HeadKind, str]) -> str:
    printer = CudaPrinter()
    cases = [
        f"    if (kind == {kind.upper()})\n        return {printer.formula(formula)};"
        for kind, formula in formulas.items()
    ]
    numbers = "float n_z, float n_y, float n_m, float n_s"
    head = f"__device__ __forceinline__ float {name}(int kind, {numbers})"
    return "\n".join([head, "{", *cases, "    return 0.0f;", "}"])
