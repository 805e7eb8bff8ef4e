"""Prints the registers of the kernels: ``python tests/kernels/registers.py [CELL]...``

The table is Markdown, with a row for each layer. The columns of architectures have the registers of
a thread, forward / backward, and the bytes spilled; "–": a block needs more shared memory than the
GPU has. It takes ten minutes for all cells, and needs no GPU.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if __name__ == "__main__":
    root = Path(__file__).parents[2]
    sys.path[:0] = [str(root), str(root / "tests")]

from kernels.nvrtc import ARCHES, MAX_SHARED, VARIANTS, KernelResources, compile_for

from rnnviz.engine.cuda.backend import OPTIONS
from rnnviz.engine.cuda.source import kernel_source

SIZES = (1, 10, 32, 64, 96, 128)
GPUS = {
    "sm_75": "T4, RTX 20", "sm_80": "A100", "sm_86": "RTX 30", "sm_89": "L4, RTX 40",
    "sm_90": "H100", "sm_100": "B200", "sm_120": "RTX 50",
}  # fmt: skip


def lines(names: tuple[str, ...]) -> Iterator[str]:
    """The rows of the table, each when it is computed, and the maxima by size."""
    yield "| layer | H | threads | shared memory, fixed | asked for |" + "".join(
        f" {arch} ({GPUS[arch]}) |" for arch in ARCHES
    )
    yield "|---|--:|--:|--:|--:|" + "--:|" * len(ARCHES)
    maxima = dict.fromkeys(SIZES, (0, 0, 0))
    for name in names:
        for H in SIZES:
            source = kernel_source(VARIANTS[name], H)
            cells = []
            for arch in ARCHES:
                if source.dynamic_shared + source.static_shared > MAX_SHARED[arch]:
                    cells.append("–")
                    continue
                uses = {use.name: use for use in compile_for(source.text, OPTIONS, arch)}
                both = uses["forward"], uses["backward"]
                cells.append(" / ".join(map(_registers, both)))
                found = (both[0].registers, both[1].registers, _spilled(both))
                maxima[H] = tuple(map(max, maxima[H], found))
            dynamic = f"{source.dynamic_shared // 1024} KiB" if source.dynamic_shared else "0"
            sizes = f"{source.threads} | {source.static_shared} B | {dynamic}"
            yield f"| {name} | {H} | {sizes} | {' | '.join(cells)} |"
    yield ""
    yield "| H | most registers, forward | backward | bytes spilled |"
    yield "|--:|--:|--:|--:|"
    for H, (forward, backward, spilled) in maxima.items():
        yield f"| {H} | {forward} | {backward} | {spilled} |"


def _registers(use: KernelResources) -> str:
    spilled = _spilled((use,))
    return f"{use.registers}" + (f" (spills {spilled} B)" if spilled else "")


def _spilled(uses: tuple[KernelResources, ...]) -> int:
    return sum(use.spill_stores + use.spill_loads + use.stack for use in uses)


if __name__ == "__main__":
    for line in lines(tuple(sys.argv[1:]) or tuple(VARIANTS)):
        print(line, flush=True)
