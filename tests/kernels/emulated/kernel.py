"""CuPy's RawModule for kernels that run on the CPU."""

from __future__ import annotations

import ctypes
import math
import re
import signal
import weakref
from collections.abc import Callable
from typing import Any, Final

from kernels.emulated import memory
from kernels.emulated.arguments import pointer, scalar
from kernels.emulated.build import (
    MAX_SHARED,
    CompileError,
    KernelError,
    build,
    kernel_names,
    line_of,
    load,
)

#: The largest shared memory of a block unless max_dynamic_shared_size_bytes is set.
DEFAULT_MAX_SHARED: Final = 48 * 1024
MAX_THREADS: Final = 1024
SCHEDULES: Final = ("round-robin", "reversed", "warp-greedy", "random")
#: The orders of threads that tests of a kernel should run with.
ALL_SCHEDULES: Final = ("round-robin", "reversed", "warp-greedy", "random:0", "random:1")
#: The CPU time that a launch may take, in seconds: a wrong kernel may wait forever.
TIME_LIMIT: Final = 60
_STACK_BYTES: Final = 64 * 1024
_LARGEST_GRID: Final = (2**31 - 1, 65535, 65535)
_LARGEST_BLOCK: Final = (1024, 1024, 64)
_SIGNALS: Final = {
    signal.SIGBUS: "bus error",
    signal.SIGFPE: "division by zero",
    signal.SIGSEGV: "invalid address",
    signal.SIGVTALRM: "not done within the time limit",
}
_ONE_LETTER: Final = re.compile(r"-D\w(=|$)")


class _Launch(ctypes.Structure):
    """The struct of the same name in fibers.h."""

    _fields_ = (
        ("grid", ctypes.c_uint32 * 3),
        ("block", ctypes.c_uint32 * 3),
        ("shared_bytes", ctypes.c_uint32),
        ("schedule", ctypes.c_uint32),
        ("seed", ctypes.c_uint64),
        ("stack_bytes", ctypes.c_uint64),
        ("stacks", ctypes.c_void_p),
        ("seconds", ctypes.c_uint32),
    )


class RawModule:
    """Kernels compiled from one source, with the arguments of cupy.RawModule."""

    def __init__(
        self,
        code: str,
        *,
        options: tuple[str, ...] = (),
        backend: str = "nvrtc",
        races: bool = False,
    ) -> None:
        if not isinstance(options, tuple) or not all(isinstance(one, str) for one in options):
            raise TypeError("options is a tuple of str")
        for one in options:
            if not one.startswith("-"):
                raise TypeError(f"not an option: {one!r}")
            if _ONE_LETTER.match(one):
                raise CompileError(f"{one}: NVRTC's own headers break on a name of one letter")
        self.code, self.options, self.backend, self.races = code, options, backend, races

    def compile(self) -> None:
        """Compile now rather than at the first get_function."""
        build(self.code, self.options, self.races)

    def get_function(self, name: str) -> Kernel:
        """The kernel of this name. KernelError if the source has none."""
        names = kernel_names(self.code)
        if name not in names:
            raise KernelError(f"no kernel {name!r}: there are {', '.join(names) or 'none'}")
        return Kernel(self, name)


class Kernel:
    """A kernel, called as kernel(grid, block, args, shared_mem=bytes)."""

    def __init__(self, module: RawModule, name: str) -> None:
        self.name = name
        self.schedule = "round-robin"
        self._library = build(module.code, module.options, module.races)
        loaded = load(self._library)
        signature = getattr(loaded, f"emulated_signature_{name}")
        signature.restype = ctypes.c_char_p
        self.signature: list[str] = signature().decode().split()
        self.max_threads = int(getattr(loaded, f"emulated_max_threads_{name}")())
        self._run = getattr(loaded, f"emulated_run_{name}")
        self._max_dynamic = DEFAULT_MAX_SHARED

    @property
    def max_dynamic_shared_size_bytes(self) -> int:
        return self._max_dynamic

    @max_dynamic_shared_size_bytes.setter
    def max_dynamic_shared_size_bytes(self, wanted: int) -> None:
        if not 0 <= wanted <= MAX_SHARED:
            raise KernelError(
                f"{self.name}: {wanted} bytes of dynamic shared memory, a block has at most "
                f"{MAX_SHARED}"
            )
        self._max_dynamic = wanted

    def __call__(
        self,
        grid: tuple[int, ...],
        block: tuple[int, ...],
        args: tuple[Any, ...],
        *,
        shared_mem: int = 0,
    ) -> None:
        """Run to the end. KernelError for errors and for undefined behaviour."""
        self.prepare(grid, block, args, shared_mem=shared_mem)()

    def prepare(
        self,
        grid: tuple[int, ...],
        block: tuple[int, ...],
        args: tuple[Any, ...],
        *,
        shared_mem: int = 0,
    ) -> Callable[[], None]:
        """A launch with the addresses and numbers of now, to be made at any time.

        It does not keep the arrays alive; KernelError if one is freed by then.
        """
        self._check_sizes(grid, block, shared_mem)
        pointers, values = self._pack(args)
        found = {
            i: memory.holding(value.value)
            for i, value in enumerate(values)
            if isinstance(value, ctypes.c_void_p) and value.value
        }
        owners = {i: (weakref.ref(a), a.description) for i, a in found.items() if a is not None}
        kind, _, seed = self.schedule.partition(":")
        launch = _Launch(
            (ctypes.c_uint32 * 3)(*_three(grid)),
            (ctypes.c_uint32 * 3)(*_three(block)),
            shared_mem,
            SCHEDULES.index(kind),
            int(seed or 0),
            _STACK_BYTES,
            memory.stacks(MAX_THREADS, _STACK_BYTES),
            TIME_LIMIT,
        )

        def run() -> None:
            for i, (owner, description) in owners.items():
                if owner() is None:
                    raise KernelError(
                        f"{self.name}: argument {i}, {description}, was freed before the launch"
                    )
            outcome = self._run(ctypes.byref(launch), pointers)
            if outcome:
                raise KernelError(f"{self.name}: {self._explain(outcome)}")
            self._check_margins(values)

        return run

    def _check_sizes(self, grid: tuple[int, ...], block: tuple[int, ...], shared_mem: int) -> None:
        for what, sizes, most in (("grid", grid, _LARGEST_GRID), ("block", block, _LARGEST_BLOCK)):
            three = _three(sizes)
            if any(not 1 <= n <= limit for n, limit in zip(three, most, strict=True)):
                raise KernelError(f"{self.name}: {what} {sizes} is outside 1 to {most}")
        threads = math.prod(block)
        if threads > min(MAX_THREADS, self.max_threads):
            max_threads = min(MAX_THREADS, self.max_threads)
            raise KernelError(f"{self.name}: {threads} threads a block, at most {max_threads}")
        if shared_mem > self._max_dynamic:
            raise KernelError(
                f"{self.name}: {shared_mem} bytes of dynamic shared memory, at most "
                f"{self._max_dynamic} unless max_dynamic_shared_size_bytes is set (to at most "
                f"{MAX_SHARED})"
            )

    def _pack(self, args: tuple[Any, ...]) -> tuple[Any, list[Any]]:
        if not isinstance(args, tuple):
            raise TypeError(f"{self.name}: args is a tuple, not {type(args).__name__}")
        if len(args) != len(self.signature):
            raise KernelError(
                f"{self.name}: takes {len(self.signature)} arguments, not {len(args)}"
            )
        values = [
            pointer(arg, wanted[1:], f"{self.name}: argument {i}")
            if wanted.startswith("*")
            else scalar(arg, wanted, f"{self.name}: argument {i}")
            for i, (arg, wanted) in enumerate(zip(args, self.signature, strict=True))
        ]
        addresses = [ctypes.cast(ctypes.pointer(value), ctypes.c_void_p) for value in values]
        return (ctypes.c_void_p * max(1, len(values)))(*addresses), values

    def _check_margins(self, values: list[Any]) -> None:
        for i, value in enumerate(values):
            pointed = value.value if isinstance(value, ctypes.c_void_p) else None
            allocation = memory.holding(pointed) if pointed else None
            if allocation is not None and allocation.written_beside():
                raise KernelError(
                    f"{self.name}: a write beside argument {i}, {allocation.description}"
                )

    def _explain(self, outcome: int) -> str:
        loaded = load(self._library)
        text = loaded.emulated_message().decode(errors="replace")
        lines = [line_of(self._library, loaded.emulated_code(other)) for other in (0, 1)]
        places = f" ({', '.join(filter(None, lines))})" if any(lines) else ""
        if outcome == 1:
            return text + places
        what = _SIGNALS[signal.Signals(outcome)]
        if outcome == signal.SIGVTALRM:
            what += f" of {TIME_LIMIT} s"
        if outcome == signal.SIGSEGV:
            what += f", {memory.describe(loaded.emulated_fault_address())}"
        return text + what + places


def _three(sizes: tuple[int, ...]) -> tuple[int, int, int]:
    if not isinstance(sizes, tuple) or not 1 <= len(sizes) <= 3:
        raise TypeError(f"grid and block are tuples of one to three int, not {sizes!r}")
    x, y, z = (*sizes, 1, 1)[:3]
    return int(x), int(y), int(z)
