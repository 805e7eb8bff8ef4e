"""Compiles the source of CUDA kernels to a shared library that runs them on the CPU."""

from __future__ import annotations

import atexit
import ctypes
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

#: An environment variable: the folder where compiled kernels are cached between runs.
CACHE_VARIABLE: Final = "RNNVIZ_EMULATED_CACHE"
HEADERS: Final = Path(__file__).parent
#: The largest shared memory of a block, in bytes, on current GPUs.
MAX_SHARED: Final = 227 * 1024

# Float arrays are read as float4: no strict aliasing. FORTIFY mistakes leaving a fiber for an
# overflow.
_FLAGS: Final = (
    "-O2 -g1 -fPIC -w -fno-strict-aliasing -fvisibility=hidden -fno-extern-tls-init "
    "-U_FORTIFY_SOURCE -fsanitize=alignment,bounds -fno-sanitize-recover=all"
).split()
_KERNEL: Final = re.compile(
    r"__global__\s+void\s+(?:__launch_bounds__\s*\(((?:[^()]|\([^()]*\))*)\)\s*)?(\w+)\s*\("
)
_DYNAMIC: Final = re.compile(
    r"extern\s+__shared__\s+(?:(?:__align__|alignas)\s*\(\s*\d+\s*\)\s*)?([\w\s]+?)\s+(\w+)\s*\[\s*\]"
)
_COMMENT: Final = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)


class KernelError(RuntimeError):
    """A kernel or its launch is wrong: an error, or undefined behaviour, on a GPU."""


class CompileError(KernelError):
    """g++ cannot compile the kernel's source."""


def missing() -> str:
    """Why kernels cannot be emulated here; "" if they can."""
    if not sys.platform.startswith("linux"):
        return "CUDA kernels are emulated on Linux only"
    return (
        "" if shutil.which("g++") else "g++ is not installed: it compiles CUDA kernels for the CPU"
    )


def kernel_names(source: str) -> list[str]:
    """The kernels that a source defines, in its order."""
    return [name for _, name in _KERNEL.findall(_COMMENT.sub(" ", source))]


@cache
def build(source: str, options: tuple[str, ...], races: bool) -> Path:
    """The library of a source's kernels; CompileError, with g++'s messages, if that fails."""
    flags = [*_FLAGS, *_machine_flags(), *_language(options)]
    if races:
        flags += ["-fsanitize=thread", "-DEMULATED_RACES"]
    unit = _unit(source, options)
    headers = "".join(file.read_text() for file in sorted(HEADERS.glob("*.h")))
    key = hashlib.sha256("\0".join([unit, headers, *flags]).encode()).hexdigest()[:24]
    library = _folder() / f"{key}.so"
    if not library.exists():
        _compile(unit, flags, library)
    return library


@cache
def load(library: Path) -> ctypes.PyDLL:
    """Load the library. PyDLL holds the GIL during calls: the library has global state."""
    loaded = ctypes.PyDLL(str(library))
    loaded.emulated_message.restype = ctypes.c_char_p
    loaded.emulated_fault_address.restype = ctypes.c_size_t
    loaded.emulated_code.restype = ctypes.c_size_t
    return loaded


def line_of(library: Path, code: int) -> str:
    """The source line of an instruction, as "line 12"; "" if unknown."""
    tool = shutil.which("addr2line")
    if not code or tool is None:
        return ""
    command = [tool, "-i", "-e", str(library), hex(code - 1)]
    output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    match = re.search(r"kernel\.cu:(\d+)", output)
    return f"line {match[1]}" if match else ""


def _compile(unit: str, flags: list[str], library: Path) -> None:
    with tempfile.TemporaryDirectory(dir=library.parent) as name:
        folder = Path(name)
        (folder / "unit.cpp").write_text(unit)
        _run([*flags, f"-I{HEADERS}", "-c", "unit.cpp", "-o", "unit.o"], folder)
        # Linked without -fsanitize: the headers define the functions of its libraries.
        _run(["-shared", "-Wl,-Bsymbolic", "unit.o", "-o", "unit.so"], folder)
        (folder / "unit.so").replace(library)


def _run(arguments: list[str], folder: Path) -> None:
    done = subprocess.run(
        ["g++", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CompileError(f"g++ does not accept the kernels:\n{done.stderr.strip()[:4000]}")


def _unit(source: str, options: tuple[str, ...]) -> str:
    bare = _COMMENT.sub(" ", source)
    kernels = _KERNEL.findall(bare)
    if not kernels:
        raise CompileError('the text defines no kernel: extern "C" __global__ void name(...)')
    kernel_lines = "\n".join(
        f"EMULATED_KERNEL({name}, ({bounds.split(',')[0].strip() or 1024}))"
        for bounds, name in kernels
    )
    # Macros of -D are defined after the headers: a macro T would break them.
    defined = (option[2:].partition("=") for option in options if option.startswith("-D"))
    defines = "\n".join(f"#define {name} {value or 1}" for name, _, value in defined)
    return (
        f"#define EMULATED_DYNAMIC_BYTES {MAX_SHARED}\n"
        f'#include "emulated.h"\n#include "launch.h"\n{defines}\n#line 1 "kernel.cu"\n{source}\n'
        f'#line 1 "launchers"\n{_dynamic(bare)}\n{kernel_lines}\n'
    )


def _dynamic(bare: str) -> str:
    """The definition of the `extern __shared__` array, one for all kernels of a source."""
    found = dict.fromkeys(_DYNAMIC.findall(bare))
    if len(found) > 1:
        names = ", ".join(f"{kind} {name}" for kind, name in found)
        raise CompileError(f"give all dynamic shared memory one name and type: {names}")
    if not found:
        return "static char *emulated_dynamic() { return nullptr; }"
    ((kind, name),) = found
    return (
        f"alignas(128) thread_local {kind} {name}[EMULATED_DYNAMIC_BYTES / sizeof({kind})];\n"
        f"static char *emulated_dynamic() {{ return reinterpret_cast<char *>({name}); }}"
    )


def _language(options: tuple[str, ...]) -> list[str]:
    """NVRTC's options that g++ needs. The headers need C++17, which is NVRTC's default."""
    includes = [option for option in options if option.startswith("-I")]
    later = [option for option in options if re.search(r"-std=c\+\+2\d$", option)]
    return [*includes, *(later or ["-std=c++17"])]


@cache
def _machine_flags() -> tuple[str, ...]:
    """Fused multiply-add, which every GPU has; without the flag fmaf() is a slow call."""
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text().split() if cpuinfo.exists() else []
    return ("-mfma",) if "fma" in flags else ()


@cache
def _folder() -> Path:
    named = os.environ.get(CACHE_VARIABLE, "")
    if named:
        Path(named).mkdir(parents=True, exist_ok=True)
        return Path(named)
    folder = tempfile.mkdtemp(prefix="rnnviz-emulated-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
