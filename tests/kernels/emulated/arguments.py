"""The arguments of a kernel as C values, checked against the types of its parameters."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np


def pointer(arg: Any, wanted: str, what: str) -> ctypes.c_void_p:
    """The address of an array in device memory; np.uintp(0) is a null pointer.

    TypeError for wrong types and for arrays that are not contiguous. CuPy checks neither: the
    kernel would read other numbers.
    """
    if isinstance(arg, np.uintp) and arg == 0:  # eight bytes of zero
        return ctypes.c_void_p(0)
    if isinstance(arg, np.ndarray):
        raise TypeError(f"{what} is a NumPy array: the kernel needs one on the device")
    interface = getattr(arg, "__cuda_array_interface__", None)
    if interface is None:
        raise TypeError(f"{what} is {type(arg).__name__}, the kernel takes a pointer there")
    dtype = np.dtype(interface["typestr"])
    actual = _kind(dtype)
    if not wanted.startswith("?") and actual != wanted and (actual, wanted) != ("b1", "u1"):
        raise TypeError(f"{what} holds {dtype.name}, the kernel takes a pointer to {wanted}")
    if interface["strides"] is not None:
        raise TypeError(f"{what} is not contiguous, and the kernel sees no strides")
    return ctypes.c_void_p(interface["data"][0])


def scalar(arg: Any, wanted: str, what: str) -> Any:
    """The bytes of a NumPy scalar; TypeError unless it has exactly the type ``wanted``."""
    if isinstance(arg, bool | int | float):
        if not isinstance(arg, np.generic):
            raise TypeError(
                f"{what} is a Python {type(arg).__name__}, which arrives with 8 bytes: "
                "give it a type as in np.float32(x) or np.int32(n)"
            )
    if not isinstance(arg, np.generic):
        raise TypeError(
            f"{what} is {type(arg).__name__}, the kernel takes a number ({wanted}) there"
        )
    if _kind(arg.dtype) != wanted:
        raise TypeError(f"{what} is {arg.dtype.name}, the kernel takes {wanted}")
    return (ctypes.c_char * arg.dtype.itemsize).from_buffer_copy(arg.tobytes())


def _kind(dtype: np.dtype[Any]) -> str:
    return f"{dtype.kind}{dtype.itemsize}"
