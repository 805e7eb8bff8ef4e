"""A layer's trained arrays under the names that formulas use."""

from __future__ import annotations

from collections.abc import Mapping

from rnnviz.arrays import Array, blocks
from rnnviz.cells import Cell


def state_widths(cell: Cell, p: Mapping[str, Array]) -> dict[str, int]:
    """The units of each state: those of a gate, but of h the rows of U (fewer in a projection)."""
    H = p["W"].shape[-1] // len(cell.gates)
    return dict.fromkeys(cell.states, H) | {"h": len(p["U"])}


def weights_by_name(cell: Cell, p: Mapping[str, Array]) -> dict[str, Array]:
    """The trained arrays under the names formulas use: ``W_f`` (D, H), ``b_rz`` (H), ``V_o`` ...

    They are views of the columns of one gate. A bias of two rows (GRU, reset_after) gives
    ``b_z`` from the input row and ``b_rz`` from the recurrent row.
    """
    found: dict[str, Array] = {}
    H = p["W"].shape[-1] // len(cell.gates)
    for key, array in p.items():
        if key not in ("W", "U", "b"):
            found[key] = array
            continue
        gates = cell.gates[: array.shape[-1] // H]  # those that do not read h have no columns in U
        for gate, block in zip(gates, blocks(array, len(gates)), strict=True):
            suffix = f"_{gate}" if gate else ""
            if block.ndim == 2 and key == "b":
                found[f"b{suffix}"], found[f"b_r{gate}"] = block[0], block[1]
            else:
                found[key + suffix] = block
    return found
