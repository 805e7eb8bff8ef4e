"""The stand-in's ``cupy.cuda``: device, streams, runtime and exceptions."""

from __future__ import annotations

import types
from typing import Any, Final

from kernels.emulated.build import MAX_SHARED, CompileError
from kernels.emulated.kernel import DEFAULT_MAX_SHARED
from kernels.record import record


class CUDARuntimeError(RuntimeError):
    """cupy.cuda.runtime.CUDARuntimeError."""


class _Device:
    compute_capability = "90"
    attributes: Final = {"MultiProcessorCount": 132, "MaxSharedMemoryPerBlockOptin": MAX_SHARED}

    def __init__(self, device: int = 0) -> None:
        self.id = int(device)

    def __enter__(self) -> _Device:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def use(self) -> None:
        """Do nothing: there is one device."""

    def synchronize(self) -> None:
        """Record a wait for the device."""
        record.sync("Device.synchronize()")

    @property
    def mem_info(self) -> tuple[int, int]:
        return 64 << 30, 80 << 30


class _Stream:
    null: _Stream

    def synchronize(self) -> None:
        """Record a wait for the device."""
        record.sync("Stream.synchronize()")


_Stream.null = _Stream()
_PROPERTIES: Final[dict[str, Any]] = {
    "name": b"emulated card",
    "major": 9,
    "minor": 0,
    "multiProcessorCount": 132,
    "maxThreadsPerBlock": 1024,
    "regsPerBlock": 65536,
    "sharedMemPerBlock": DEFAULT_MAX_SHARED,
    "sharedMemPerBlockOptin": MAX_SHARED,
    "totalGlobalMem": 80 << 30,
    "warpSize": 32,
}


def cuda_module() -> types.ModuleType:
    """The module cupy.cuda, as far as programs need it to find a device and its properties."""
    cuda = types.ModuleType("cupy.cuda")
    runtime = types.SimpleNamespace(
        getDeviceCount=lambda: 1,
        getDevice=lambda: 0,
        getDeviceProperties=lambda device: dict(_PROPERTIES),
        driverGetVersion=lambda: 13000,
        runtimeGetVersion=lambda: 13000,
        deviceSynchronize=lambda: record.sync("deviceSynchronize()"),
        memGetInfo=lambda: (64 << 30, 80 << 30),
        CUDARuntimeError=CUDARuntimeError,
    )
    compiler = types.SimpleNamespace(CompileException=CompileError)
    memory = types.SimpleNamespace(OutOfMemoryError=type("OutOfMemoryError", (MemoryError,), {}))
    cuda.__dict__.update(
        is_available=lambda: True,
        Device=_Device,
        Stream=_Stream,
        get_current_stream=lambda: _Stream.null,
        runtime=runtime,
        compiler=compiler,
        memory=memory,
        nvrtc=types.SimpleNamespace(getVersion=lambda: (13, 0)),
    )
    return cuda
