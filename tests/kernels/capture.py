"""Capture of the stand-in: launches and operations recorded with frozen arguments, and replayed.

While a stream captures, nothing runs. What is recorded are addresses and numbers, as in a CUDA
graph: a node does not keep an array alive, and does not see a Python object that changes later.
The results of an operation have their shape and are NaN until a replay writes them.

CuPy refuses in a capture: copies from and to the host, waiting, and all calls of cuBLAS. Of the
other functions only those are recorded of which is known that CuPy launches kernels and no more;
the rest is a KernelError.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from kernels.emulated import KernelError
from kernels.emulated.memory import Allocation, allocation_of, device_memory

#: Computed by cuBLAS.
_PRODUCTS: Final = frozenset({"matmul", "dot", "vdot", "inner", "outer", "tensordot", "einsum"})
#: Reductions, copies and changes of shape.
_CAPTURED: Final = frozenset(
    "sum mean max min amax amin prod any all argmax argmin copy astype fill zeros zeros_like ones "
    "ones_like full full_like where take broadcast_to reshape ravel transpose swapaxes squeeze "
    "expand_dims view flatten concatenate stack getitem setitem".split()
)
#: CuPy concatenates more arrays than these with one kernel that reads uploaded addresses.
_CONCATENATED: Final = 8
#: They write to their first argument.
_IN_PLACE: Final = frozenset({"setitem", "fill", "at"})


@dataclass(frozen=True)
class Pointer:
    """An array as a node sees it: where its numbers are. It does not keep them alive."""

    owner: weakref.ref[Allocation]
    description: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype[Any]

    def array(self, user: str) -> np.ndarray[Any, Any]:
        """The numbers now; KernelError if the memory was freed."""
        memory = self.owner()
        if memory is None:
            raise KernelError(f"{user}: {self.description} was freed before the launch")
        return np.ndarray(self.shape, self.dtype, memory, self.offset, self.strides)


@dataclass
class Capture:
    """What a stream has recorded since begin_capture()."""

    nodes: list[tuple[str, Callable[[], None]]] = field(default_factory=list)
    memory: list[weakref.ref[Allocation]] = field(default_factory=list)
    valid: bool = True

    def add(self, name: str, replay: Callable[[], None]) -> None:
        """Record a node."""
        self.nodes.append((name, replay))

    def allocated(self, memory: Allocation) -> None:
        """Note memory that is allocated during the capture."""
        self.memory.append(weakref.ref(memory))

    def operation(
        self, name: str, function: Callable[..., Any], args: Any, kwargs: dict[str, Any]
    ) -> Any:
        """Record a NumPy function on device memory; its results are not computed yet."""
        _check(name, args)
        if name in _IN_PLACE or kwargs.get("out") is not None:
            frozen, options = freeze(args), freeze(kwargs)
            self.add(name, lambda: _discard(function(*thaw(frozen, name), **thaw(options, name))))
            return kwargs.get("out")
        with np.errstate(all="ignore"):
            computed = function(*args, **kwargs)
        several = isinstance(computed, tuple | list)
        arrays = [np.asarray(a) for a in (computed if several else (computed,))]
        if all(allocation_of(a) is not None for a in arrays):
            return computed  # views
        results = [device_memory(a.shape, a.dtype) for a in arrays]
        frozen, options, targets = freeze(args), freeze(kwargs), freeze(results)

        def replay() -> None:
            values = function(*thaw(frozen, name), **thaw(options, name))
            for target, value in zip(
                thaw(targets, name), values if several else (values,), strict=True
            ):
                target[...] = value

        copies = len(args[0]) if name in ("concatenate", "stack") else 1
        self.add(name, replay)
        for _ in range(copies - 1):
            self.add(name, lambda: None)  # one launch for each array, made by the first here
        return type(computed)(results) if several else results[0]


def freeze(value: Any) -> Any:
    """Arguments without references to arrays in device memory."""
    if isinstance(value, np.ndarray):
        memory = allocation_of(value)
        if memory is None:
            return value.copy()  # a number, as an array without dimensions
        return Pointer(
            weakref.ref(memory), memory.description, value.ctypes.data - memory.address,
            value.shape, value.strides, value.dtype,
        )  # fmt: skip
    if isinstance(value, tuple | list):
        return type(value)(map(freeze, value))
    if isinstance(value, dict):
        return {key: freeze(one) for key, one in value.items()}
    if isinstance(value, slice):
        return slice(freeze(value.start), freeze(value.stop), freeze(value.step))
    return value


def thaw(value: Any, user: str) -> Any:
    """The frozen arguments as arrays in device memory; KernelError if one was freed."""
    if isinstance(value, Pointer):
        return value.array(user)
    if isinstance(value, tuple | list):
        return type(value)(thaw(one, user) for one in value)
    if isinstance(value, dict):
        return {key: thaw(one, user) for key, one in value.items()}
    if isinstance(value, slice):
        return slice(thaw(value.start, user), thaw(value.stop, user), thaw(value.step, user))
    return value


def _check(name: str, args: Any) -> None:
    """Raise what CuPy raises in a capture."""
    if name in _PRODUCTS:
        raise NotImplementedError(
            "calling cuBLAS API during stream capture is currently unsupported"
        )
    if name in ("concatenate", "stack") and len(args[0]) > _CONCATENATED:
        raise upload_refused()  # of their addresses
    is_ufunc = isinstance(getattr(np, name, None), np.ufunc)
    if name not in _CAPTURED and name not in _IN_PLACE and not is_ufunc:
        raise KernelError(f"{name}() in a capture: the stand-in does not know what CuPy does")


def upload_refused() -> RuntimeError:
    """The error of a copy from the host."""
    return RuntimeError("the current stream is capturing, so H2D transfers are disallowed")


def download_refused() -> RuntimeError:
    """The error of a copy to the host."""
    return RuntimeError("the current stream is capturing, so D2H transfers are disallowed")


def _discard(_: Any) -> None:
    return None
