"""The stand-in's array: a NumPy array that behaves as CuPy's.

NumPy's functions accept it as they accept CuPy's arrays. It is not converted to a NumPy array
implicitly, refuses operations with NumPy arrays, and records copies of numbers to the host.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from kernels.cupy_cuda import Stream, current_capture, download, upload
from kernels.emulated.memory import allocation_of, device_memory
from kernels.record import record
from numpy.lib.mixins import NDArrayOperatorsMixin

_DEVICE_KINDS: Final = "biufc"
#: Methods whose results are on the host.
_WAITING: Final = ("item", "tolist", "tobytes", "nonzero")
#: Attributes that are NumPy's own values.
_ATTRIBUTES: Final = ("shape", "dtype", "ndim", "size", "itemsize", "nbytes", "strides", "flags")


def to_device(host: np.ndarray[Any, Any]) -> ndarray:
    """An array in device memory with these numbers; no copy if they are in device memory."""
    if host.dtype.kind not in _DEVICE_KINDS:
        raise TypeError(f"{host.dtype} is not a type of CuPy")
    if allocation_of(host) is None:
        memory = device_memory(host.shape, host.dtype)
        memory[...] = host
        host = memory
    array = ndarray.__new__(ndarray)
    array._host = host
    return array


def quiet() -> np.errstate:
    """Infinities and NaN without warnings, as on a GPU."""
    return np.errstate(all="ignore")


def wrap(result: Any) -> Any:
    """A result of NumPy as CuPy returns it: numbers are arrays without dimensions."""
    if isinstance(result, np.ndarray | np.generic):
        return to_device(np.asarray(result))
    if isinstance(result, tuple | list):
        return type(result)(map(wrap, result)) if type(result) in (tuple, list) else result
    return result


def unwrap(value: Any) -> Any:
    """An argument for NumPy. TypeError for a NumPy array with dimensions; scalars are allowed."""
    if isinstance(value, ndarray):
        return value._host
    if isinstance(value, np.ndarray):
        if value.ndim == 0:
            return value
        raise TypeError(
            f"Unsupported type {type(value)}: a NumPy array with one in device memory; "
            "copy it first with xp.asarray"
        )
    if isinstance(value, tuple | list):
        return type(value)(map(unwrap, value))
    if isinstance(value, slice):
        return slice(*(unwrap(one) for one in (value.start, value.stop, value.step)))
    return value


def unwrap_all(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """All arguments of a call, for NumPy."""
    return unwrap(args), {name: unwrap(value) for name, value in kwargs.items()}


def compute(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], name: str = ""
) -> Any:
    """Call a NumPy function on unwrapped arguments; in a capture it is recorded instead."""
    capture = current_capture()
    if capture is not None:
        return capture.operation(name or function.__name__, function, args, kwargs)
    with quiet():
        return function(*args, **kwargs)


def check_ufunc(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """TypeError for arguments that CuPy's ufuncs do not accept."""
    for one in args:
        if isinstance(one, list | tuple):
            raise TypeError(f"Unsupported type {type(one)}: a list with an array in device memory")
    wrong = set(kwargs) - {"out", "dtype", "casting"}
    if wrong:
        raise TypeError(f"Wrong arguments {sorted(wrong)}")


#: CuPy concatenates more arrays than these in one kernel.
_COPIED_ONE_BY_ONE: Final = 8
_JOINS: Final = ("concatenate", "stack", "vstack", "hstack")
_PRODUCTS: Final = ("matmul", "dot")


def finish(name: str, result: Any, args: tuple[Any, ...], out: Any) -> Any:
    """The result of a call with the argument ``out``: the same array objects, as in NumPy.

    Records the kernels that CuPy launches: one, unless the result is a view or has no numbers.
    """
    record.calls += 1
    if out is not None:
        _record_kernels(name, args)
        return out[0] if isinstance(out, tuple) and len(out) == 1 else out
    if _is_new(result):
        _record_kernels(name, args)
    return wrap(result)


def _is_new(result: Any) -> bool:
    """Whether a result of NumPy has numbers that are not in device memory yet."""
    if isinstance(result, tuple | list):
        return any(map(_is_new, result))
    if isinstance(result, np.ndarray):
        return bool(result.size) and allocation_of(result) is None
    return isinstance(result, np.generic)


def _record_kernels(name: str, args: tuple[Any, ...]) -> None:
    if name in _JOINS:
        count = len(args[0])
        _launched(name, count if count <= _COPIED_ONE_BY_ONE else 1)
        return
    if name in _PRODUCTS:  # cuBLAS reads rows or columns, but no slices of them
        sliced = sum(
            isinstance(one, ndarray) and not (one.flags.c_contiguous or one.flags.f_contiguous)
            for one in args
        )
        _launched(f"a copy for {name}", sliced)
    _launched(name)


def _launched(name: str, count: int = 1) -> None:
    """Record kernels of CuPy; what is captured is not launched."""
    if Stream.current().capture is None:
        record.array_kernel(name, count)


class ndarray(NDArrayOperatorsMixin):
    """cupy.ndarray; ndarray(shape, dtype) is filled with NaN."""

    __slots__ = ("__weakref__", "_host")
    __array_priority__ = 100
    __hash__ = None  # type: ignore[assignment]  # compares elementwise
    _host: np.ndarray[Any, Any]

    def __init__(self, shape: Any, dtype: Any = float) -> None:
        dims = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
        self._host = to_device(device_memory(dims, dtype))._host

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. "
            "Please use `.get()` to construct a NumPy array explicitly."
        )

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        if method == "__call__":
            check_ufunc(args, kwargs)
        record.used_names.add(ufunc.__name__ + ("" if method == "__call__" else f".{method}"))
        host_args, host_kwargs = unwrap_all(args, kwargs)
        found = getattr(ufunc, method)
        name = ufunc.__name__ if method == "__call__" else method
        result = compute(found, host_args, host_kwargs, name)
        return finish(ufunc.__name__, result, args, kwargs.get("out"))

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: Any, kwargs: dict[str, Any]
    ) -> Any:
        from kernels.cupy_namespace import call

        return call(function, args, kwargs)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        host = self._host
        return {
            "shape": host.shape,
            "typestr": host.dtype.str,
            "data": (host.ctypes.data, False),
            "strides": None if host.flags.c_contiguous else host.strides,
            "version": 3,
        }

    @property
    def T(self) -> ndarray:
        record.calls += 1
        return to_device(self._host.T)

    @property
    def base(self) -> Any:
        return None if self._host.base is None else wrap(self._host.base)

    def get(
        self, stream: Any = None, order: str = "C", out: Any = None, blocking: bool = True
    ) -> Any:
        """A copy on the host."""
        download("get()")
        if out is None:
            return self._host.copy()
        out[...] = self._host
        return out

    def set(self, arr: np.ndarray[Any, Any], stream: Any = None) -> None:
        """Copy a NumPy array of the same shape and type."""
        if arr.shape != self.shape or arr.dtype != self.dtype:
            raise ValueError(f"{arr.dtype} {arr.shape} for {self.dtype} {self.shape}")
        record.calls += 1
        upload(arr.nbytes)
        self._host[...] = arr

    def __getitem__(self, key: Any) -> ndarray:
        where = _index(key, reads=True)
        return finish("take", compute(operator.getitem, (self._host, where), {}), (), None)

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(value, list | tuple):
            raise TypeError(f"Unsupported type {type(value)}")
        record.calls += 1
        _launched("assignment")
        where = _index(key, reads=False)
        compute(operator.setitem, (self._host, where, unwrap(value)), {})

    def __len__(self) -> int:
        return len(self._host)

    def __iter__(self) -> Iterator[ndarray]:
        return map(wrap, self._host)

    def __float__(self) -> float:
        download("float()")
        return float(self._host)

    def __int__(self) -> int:
        download("int()")
        return int(self._host)

    def __complex__(self) -> complex:
        download("complex()")
        return complex(self._host)

    def __index__(self) -> int:
        download("index()")
        return self._host.__index__()

    def __bool__(self) -> bool:
        download("bool()")
        return bool(self._host)

    def __repr__(self) -> str:
        download("repr()")
        return repr(self._host)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        record.used_names.add(f"ndarray.{name}")
        found = getattr(self._host, name)
        if name in _ATTRIBUTES:
            return found
        return _method(name, self._host) if callable(found) else wrap(found)


def _method(name: str, array: np.ndarray[Any, Any]) -> Callable[..., Any]:
    def call(host: np.ndarray[Any, Any], *args: Any, **kwargs: Any) -> Any:
        return getattr(host, name)(*args, **kwargs)

    def method(*args: Any, **kwargs: Any) -> Any:
        if name in _WAITING:
            download(f"{name}()")
        host_args, host_kwargs = unwrap_all(args, kwargs)
        result = compute(call, (array, *host_args), host_kwargs, name)
        if name in ("item", "tolist", "tobytes"):
            return result
        if name == "fill":
            _launched(name)
        return finish(name, result, args, kwargs.get("out"))

    return method


def _index(key: Any, reads: bool) -> Any:
    """A key for NumPy. Lists are recorded as uploads, reads by a mask as waits for its count."""
    for one in key if isinstance(key, tuple) else (key,):
        if isinstance(one, list):
            upload(np.asarray(one).nbytes)
        if reads and isinstance(one, ndarray) and one.dtype.kind == "b":
            download("indexing by a mask")
    return unwrap(key)
