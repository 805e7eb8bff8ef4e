"""Device memory of the emulated GPU: each array ends at an inaccessible page."""

from __future__ import annotations

import ctypes
import math
import mmap
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np

PAGE: Final = mmap.PAGESIZE
#: Inaccessible bytes on either side of an array: the more, the larger the wrong indices detected.
GUARD: Final = 1 << 20
#: float4 needs it; GPUs align more. The remaining bytes at the end are checked for writes.
ALIGNMENT: Final = 16
_FILL: Final = 0xFF  # every floating-point type reads it as NaN
_NO_ACCESS: Final = 0
_PRIVATE: Final = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0)


class Allocation(mmap.mmap):
    """The pages of one array, which is at their end, between inaccessible pages."""

    start: int
    nbytes: int
    description: str

    @property
    def address(self) -> int:
        return int(np.frombuffer(self, np.uint8).ctypes.data)

    def margins(self) -> Iterator[np.ndarray[Any, np.dtype[np.uint8]]]:
        """The accessible bytes before and after the array."""
        everything = np.frombuffer(self, np.uint8)
        offset = self.start - self.address
        yield everything[GUARD:offset]
        yield everything[offset + self.nbytes : len(self) - GUARD]

    def written_beside(self) -> bool:
        """Whether bytes beside the array have changed; they are reset."""
        changed = False
        for margin in self.margins():
            changed |= bool((margin != _FILL).any())
            margin[:] = _FILL
        return changed


_alive: Final[weakref.WeakSet[Allocation]] = weakref.WeakSet()


@dataclass(frozen=True)
class MemoryPointer:
    """cupy.cuda.MemoryPointer: it keeps its memory allocated."""

    mem: Allocation

    @property
    def ptr(self) -> int:
        """The address."""
        return self.mem.start


Allocator = Callable[[int], MemoryPointer]


def allocate(nbytes: int) -> MemoryPointer:
    """Bytes of 0xFF that end at most 15 bytes before an inaccessible page."""
    inner = max(PAGE, -(-nbytes // PAGE) * PAGE)
    pages = Allocation(-1, inner + 2 * GUARD, flags=_PRIVATE)
    address = pages.address
    offset = GUARD + (inner - nbytes) // ALIGNMENT * ALIGNMENT
    pages.start, pages.nbytes = address + offset, nbytes
    pages.description = f"{nbytes} bytes"
    np.frombuffer(pages, np.uint8)[GUARD : GUARD + inner] = _FILL
    _forbid(address, GUARD)
    _forbid(address + GUARD + inner, GUARD)
    _alive.add(pages)
    return MemoryPointer(pages)


_allocators: Final[list[Allocator]] = [allocate]


def get_allocator() -> Allocator:
    """cupy.cuda.get_allocator: the function that allocates arrays now."""
    return _allocators[-1]


@contextmanager
def using_allocator(allocator: Allocator) -> Iterator[None]:
    """cupy.cuda.using_allocator: another function allocates arrays."""
    _allocators.append(allocator)
    try:
        yield
    finally:
        _allocators.pop()


def device_memory(shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
    """An array of NaN (0xFF bytes) from the current allocator."""
    dtype = np.dtype(dtype)
    count = math.prod(shape)
    pages = get_allocator()(count * dtype.itemsize).mem
    pages.description = f"{dtype.name} {shape}"
    for note in watchers:
        note(pages)
    return np.frombuffer(pages, dtype, count, pages.start - pages.address).reshape(shape)


#: Called with each new allocation.
watchers: Final[list[Callable[[Allocation], None]]] = []


def fill(allocation: Allocation) -> None:
    """Make the array NaN."""
    start = allocation.start - allocation.address
    np.frombuffer(allocation, np.uint8)[start : start + allocation.nbytes] = _FILL


def allocation_of(array: np.ndarray[Any, Any]) -> Allocation | None:
    """The allocation an array or a view of one lies in, if it lies in one."""
    base: Any = array
    while base is not None and not isinstance(base, Allocation):
        base = base.obj if isinstance(base, memoryview) else getattr(base, "base", None)
    return base


def holding(address: int) -> Allocation | None:
    """The allocation whose array an address lies in."""
    inside = (one for one in list(_alive) if one.start <= address < one.start + max(one.nbytes, 1))
    return next(inside, None)


def describe(address: int) -> str:
    """The place of an address, as "12 bytes beyond the end of float32 (3, 4)"."""
    for one in list(_alive):
        if one.address <= address < one.address + len(one):
            if address < one.start:
                return f"{one.start - address} bytes before the start of {one.description}"
            return f"{address - one.start - one.nbytes} bytes beyond the end of {one.description}"
    return f"{address:#x}, which is in no array"


@cache
def stacks(count: int, size: int) -> int:
    """The address of ``count`` stacks, each with an inaccessible page at its lower end."""
    memory = mmap.mmap(-1, count * size, flags=_PRIVATE)
    _stacks.append(memory)
    start = int(np.frombuffer(memory, np.uint8).ctypes.data)
    for i in range(count):
        _forbid(start + i * size, PAGE)
    return start


_stacks: Final[list[mmap.mmap]] = []


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _forbid(address: int, size: int) -> None:
    if _libc().mprotect(ctypes.c_void_p(address), ctypes.c_size_t(size), _NO_ACCESS):
        raise OSError(ctypes.get_errno(), "mprotect")
