"""Compiles kernels with NVRTC, which needs no GPU, and reads from its log what each uses."""

from __future__ import annotations

import ctypes
import re
import site
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from rnnviz.cells import CELLS
from rnnviz.cells.variants import variant

#: Architectures that kernels are compiled for: Turing, Ampere, Ada, Hopper, Blackwell.
ARCHES: Final = ("sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120")
#: The largest shared memory of a block, in bytes (CUDA C++ Programming Guide, "Technical
#: Specifications per Compute Capability").
MAX_SHARED: Final = {
    "sm_75": 64 << 10, "sm_80": 163 << 10, "sm_86": 99 << 10, "sm_89": 99 << 10,
    "sm_90": 227 << 10, "sm_100": 227 << 10, "sm_120": 99 << 10,
}  # fmt: skip
#: Every cell with its activations, by name.
VARIANTS: Final = {
    **{
        " ".join([name, *(("relu",) * (a == "relu")), *(("hard",) * (r != "sigmoid"))]): variant(
            CELLS[name], a, r
        )
        for name in ("rnn", "lstm", "gru")
        for a in ("tanh", "relu")
        for r in ("sigmoid", "hard_sigmoid")
        if name != "rnn" or r == "sigmoid"
    },
    "mingru": CELLS["mingru"],
    "lstm-peephole": CELLS["lstm-peephole"],
}

_NUMBERS: Final = {
    "registers": r"Used (\d+) registers",
    "spill_stores": r"(\d+) bytes spill stores",
    "spill_loads": r"(\d+) bytes spill loads",
    "stack": r"(\d+) bytes stack frame",
    "static_shared": r"(\d+) bytes smem",
}
_ENTRY: Final = re.compile(r"Compiling entry function '([^']+)' for '(\w+)'")


@dataclass(frozen=True)
class KernelResources:
    """What a kernel uses on an architecture; sizes in bytes, registers of a thread."""

    name: str
    arch: str
    registers: int
    spill_stores: int
    spill_loads: int
    stack: int
    static_shared: int


def compile_for(source: str, options: tuple[str, ...], arch: str) -> list[KernelResources]:
    """Compile for an architecture ("sm_90"); the kernels in the order of the log.

    Skips the test without NVRTC. ValueError, with the log, if the source does not compile.
    """
    found = _nvrtc()
    if found is None:
        pytest.skip("NVRTC is not installed (pip install nvidia-cuda-nvrtc)")
    return _resources(_log(found, source, (*options, f"-arch={arch}", "--ptxas-options=-v")))


def nvrtc_version() -> tuple[int, int] | None:
    """The version of NVRTC, None if not installed."""
    found = _nvrtc()
    if found is None:
        return None
    major, minor = ctypes.c_int(), ctypes.c_int()
    found.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor))
    return major.value, minor.value


def _log(nvrtc: ctypes.CDLL, source: str, options: tuple[str, ...]) -> str:
    program = ctypes.c_void_p()
    text = source.encode()
    if nvrtc.nvrtcCreateProgram(ctypes.byref(program), text, b"kernel.cu", 0, None, None):
        raise ValueError("NVRTC cannot create a program")
    try:
        arguments = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
        failed = nvrtc.nvrtcCompileProgram(program, len(options), arguments)
        size = ctypes.c_size_t()
        nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
        log = ctypes.create_string_buffer(size.value)
        nvrtc.nvrtcGetProgramLog(program, log)
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    text = log.value.decode(errors="replace")
    if failed:
        raise ValueError(f"NVRTC, {' '.join(options)}:\n{text.strip()[:4000]}")
    return text


def _resources(log: str) -> list[KernelResources]:
    parts = _ENTRY.split(log)[1:]
    return [
        KernelResources(
            name, arch, **{key: _number(pattern, entry) for key, pattern in _NUMBERS.items()}
        )
        for name, arch, entry in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    ]


def _number(pattern: str, entry: str) -> int:
    match = re.search(pattern, entry)
    return int(match[1]) if match else 0


@cache
def _nvrtc() -> ctypes.CDLL | None:
    places = [Path(one) / "nvidia" for one in {*site.getsitepackages(), *sys.path} if one]
    places += [Path("/usr/local/cuda")]
    for place in places:
        for library in sorted(place.glob("**/libnvrtc.so.*[0-9]")) if place.is_dir() else []:
            try:
                return ctypes.CDLL(str(library))
            except OSError:
                continue
    return None
