"""The stand-in's module ``cupy``. Names that are not defined here are NumPy's functions."""

from __future__ import annotations

import types
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from typing import Any, Final

import numpy as np
from kernels import emulated
from kernels.cupy_cuda import CUDARuntimeError, cuda_module, current_capture, download, upload
from kernels.device_array import (
    check_ufunc,
    compute,
    finish,
    ndarray,
    to_device,
    unwrap,
    unwrap_all,
    wrap,
)
from kernels.record import record

#: The sizes of these functions' results depend on the numbers, so CuPy waits for the GPU.
_COUNTING: Final = ("nonzero", "flatnonzero", "argwhere", "unique", "compress", "extract")
#: NumPy returns bool, CuPy an array.
_BOOLEAN: Final = ("allclose", "array_equal")


def call(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a NumPy function, or the stand-in's own version of it, on arrays in device memory."""
    name = function.__name__
    kwargs = {key: value for key, value in kwargs.items() if key != "like"}
    full = f"linalg.{name}" if getattr(function, "__module__", "") == "numpy.linalg" else name
    record.used_names.update([full, *(f"{full}({key})" for key in kwargs)])
    own = globals().get(f"_{name}")
    if name in _OWN and own is not None:
        return own(*args, **kwargs)
    if name in _COUNTING or (name == "where" and len(args) == 1):
        download(f"{name}()")
    host_args, host_kwargs = unwrap_all(args, kwargs)
    result = compute(function, host_args, host_kwargs, full)
    if name in _BOOLEAN:
        return wrap(np.asarray(result))
    return finish(name, result, args, kwargs.get("out"))


def _array(
    obj: Any, dtype: Any = None, copy: bool | None = True, order: str = "K", ndmin: int = 0
) -> ndarray:
    if isinstance(obj, ndarray):
        # "Copy only if needed" is copy=False in NumPy 1 and None in 2; asarray means it in both.
        copied = np.array if copy else np.asarray
        host = compute(copied, (obj._host, dtype), {"order": order}, "copy")
        host = host.reshape((1,) * (ndmin - host.ndim) + host.shape) if host.ndim < ndmin else host
        return finish("copy", host, (), None) if host is not obj._host else obj
    if isinstance(obj, list | tuple) and any(isinstance(one, ndarray) for one in obj):
        host = compute(np.array, (unwrap(obj), dtype), {"ndmin": ndmin}, "stack")
        return finish("stack", host, (obj,), None)
    host = np.array(obj, dtype, order=order, ndmin=ndmin)  # type: ignore[call-overload]
    record.calls += 1
    upload(host.nbytes)
    return to_device(host)


def _asarray(
    a: Any,
    dtype: Any = None,
    order: str | None = None,
    *,
    copy: bool | None = None,
    blocking: bool = False,
) -> ndarray:
    return _array(a, dtype, copy=copy, order=order or "K")


def _ascontiguousarray(a: Any, dtype: Any = None) -> ndarray:
    return _array(a, dtype, copy=None, order="C")


def _asnumpy(a: Any, stream: Any = None, order: str = "C", out: Any = None) -> Any:
    return a.get(out=out) if isinstance(a, ndarray) else np.asarray(a)


def _empty(shape: Any, dtype: Any = float, order: str = "C") -> ndarray:
    record.calls += 1
    return ndarray(shape, dtype)


def _empty_like(
    prototype: Any, dtype: Any = None, order: str = "K", subok: Any = None, shape: Any = None
) -> ndarray:
    record.calls += 1
    return ndarray(prototype.shape if shape is None else shape, dtype or prototype.dtype)


def _get_array_module(*args: Any) -> Any:
    import cupy

    return cupy if any(isinstance(one, ndarray) for one in args) else np


class RawModule(emulated.RawModule):
    """cupy.RawModule, with the schedule of the stand-in."""

    def __init__(self, code: str, *, options: tuple[str, ...] = (), backend: str = "nvrtc") -> None:
        from kernels import standin

        super().__init__(code, options=options, backend=backend, races=standin.races)

    def get_function(self, name: str) -> _Kernel:
        """The kernel of this name."""
        if name not in emulated.build.kernel_names(self.code):
            raise CUDARuntimeError(f"CUDA_ERROR_NOT_FOUND: named symbol not found: {name}")
        return _Kernel(self, name)


class _Kernel(emulated.Kernel):
    def __call__(self, grid: Any, block: Any, args: Any, *, shared_mem: int = 0) -> None:
        from kernels import standin

        record.calls += 1
        self.schedule = standin.schedule
        launch = self.prepare(grid, block, args, shared_mem=shared_mem)
        capture = current_capture()
        if capture is not None:
            capture.add(self.name, launch)
            return
        record.launches.append(self.name)
        launch()


class _Ufunc:
    """A ufunc of the module and its methods."""

    def __init__(self, ufunc: np.ufunc) -> None:
        self._ufunc = ufunc
        self.__name__ = ufunc.__name__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        check_ufunc(args, kwargs)
        return call(self._ufunc, args, kwargs)

    def __getattr__(self, method: str) -> Any:
        found = getattr(self._ufunc, method)
        if not callable(found):
            return found
        record.used_names.add(f"{self._ufunc.__name__}.{method}")

        def run(*args: Any, **kwargs: Any) -> Any:
            host_args, host_kwargs = unwrap_all(args, kwargs)
            result = compute(found, host_args, host_kwargs, method)
            return finish(method, result, args, kwargs.get("out"))

        return run


class _Delegate(types.ModuleType):
    """A module with NumPy's functions, for arrays in device memory."""

    def __init__(self, name: str, source: Any) -> None:
        super().__init__(name)
        self._source = source
        self._prefix = "linalg." if name.endswith(".linalg") else ""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = getattr(self._source, name)
        if isinstance(found, type) and not issubclass(found, np.generic | np.dtype):
            raise AttributeError(f"the stand-in has no {name}")
        record.used_names.add(f"{self._prefix}{name}")
        if isinstance(found, np.ufunc):
            return _Ufunc(found)
        if isinstance(found, type) or not callable(found):
            return found

        def run(*args: Any, **kwargs: Any) -> Any:
            return call(found, args, kwargs)

        run.__name__ = name
        return run


_OWN: Final = (
    "array",
    "asarray",
    "ascontiguousarray",
    "asnumpy",
    "empty",
    "empty_like",
    "get_array_module",
)


def namespace() -> types.ModuleType:
    """A fresh module to be imported as cupy."""
    module = _Delegate("cupy", np)
    module.__dict__.update({name: globals()[f"_{name}"] for name in _OWN})
    module.__dict__.update(
        ndarray=ndarray,
        RawModule=RawModule,
        cuda=cuda_module(),
        linalg=_Delegate("cupy.linalg", np.linalg),
        is_available=lambda: True,
        newaxis=None,
        __version__="14.0.0",
        __path__=[],
        __spec__=ModuleSpec("cupy", None),  # importlib.util.find_spec needs it
    )
    return module
