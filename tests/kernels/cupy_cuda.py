"""The stand-in's ``cupy.cuda``: device, streams, runtime and exceptions."""

from __future__ import annotations

import types
from typing import Any, ClassVar, Final

import numpy as np
from kernels.capture import Capture, download_refused, upload_refused
from kernels.emulated import KernelError, memory
from kernels.emulated.build import MAX_SHARED, CompileError
from kernels.emulated.kernel import DEFAULT_MAX_SHARED
from kernels.record import record


class CUDARuntimeError(RuntimeError):
    """cupy.cuda.runtime.CUDARuntimeError."""


_UNSUPPORTED = "cudaErrorStreamCaptureUnsupported: operation not permitted when stream is capturing"
_IMPLICIT = (
    "cudaErrorStreamCaptureImplicit: operation would make the legacy stream depend on a capturing "
    "blocking stream"
)
_INVALIDATED = (
    "cudaErrorStreamCaptureInvalidated: operation failed due to a previous error during capture"
)


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
        _wait("Device.synchronize()")

    @property
    def mem_info(self) -> tuple[int, int]:
        return 64 << 30, 80 << 30


class Graph:
    """cupy.cuda.Graph."""

    def __init__(self, capture: Capture) -> None:
        self._capture = capture

    @property
    def names(self) -> list[str]:
        """The kernels and operations of one launch, in order."""
        return [name for name, _ in self._capture.nodes]

    def upload(self, stream: Stream | None = None) -> None:
        """Do nothing: it only makes the first launch shorter."""

    def launch(self, stream: Stream | None = None) -> None:
        """Run all nodes. What was allocated in the capture is NaN before."""
        target = stream or Stream.current()
        if target.capture is not None:
            raise KernelError("a graph in a graph: the stand-in has none")
        target.check_ordered()
        record.calls += 1
        record.launches.append("graph")
        for reference in self._capture.memory:
            allocation = reference()
            if allocation is not None:
                memory.fill(allocation)
        with np.errstate(all="ignore"):
            for _, replay in self._capture.nodes:
                replay()


class Stream:
    """cupy.cuda.Stream. Only the null stream runs anything; another one can capture.

    Work on two streams has no order on a GPU, and would have one here.
    """

    null: ClassVar[Stream]
    _stack: ClassVar[list[Stream]] = []

    def __init__(self, null: bool = False, non_blocking: bool = False) -> None:
        self.ptr = 0 if null else id(self)
        self.is_non_blocking = non_blocking
        self.capture: Capture | None = None

    @classmethod
    def current(cls) -> Stream:
        """The stream of the innermost ``with``."""
        return cls._stack[-1] if cls._stack else cls.null

    def __enter__(self) -> Stream:
        self._stack.append(self)
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.pop()

    def begin_capture(self, mode: int | None = None) -> None:
        """Record what follows on this stream."""
        if self.ptr == 0:
            raise RuntimeError("cannot capture on the default (legacy) stream")
        if self.capture is not None:
            raise CUDARuntimeError(_UNSUPPORTED)
        self.capture = Capture()
        _capturing.append(self)

    def end_capture(self) -> Graph:
        """The recorded graph; CUDARuntimeError if a call has spoilt the capture."""
        capture, self.capture = self.capture, None
        if capture is None:
            raise CUDARuntimeError("cudaErrorIllegalState: the stream is not capturing")
        _capturing.remove(self)
        if not capture.valid:
            raise CUDARuntimeError(_INVALIDATED)
        return Graph(capture)

    def is_capturing(self) -> bool:
        """Whether it records."""
        return self.capture is not None

    def synchronize(self) -> None:
        """Record a wait for the device."""
        _wait("Stream.synchronize()")

    def check_ordered(self) -> None:
        """An error unless what runs on this stream is ordered behind all other work."""
        if self.ptr:
            raise KernelError(
                "work on a second stream, which has no order with that of the null stream"
            )
        if any(not one.is_non_blocking for one in _capturing):
            raise CUDARuntimeError(_IMPLICIT)


Stream.null = Stream(null=True)
_capturing: Final[list[Stream]] = []


def current_capture() -> Capture | None:
    """Where the current stream records; None if it runs what it is given."""
    stream = Stream.current()
    if stream.capture is None:
        stream.check_ordered()
    return stream.capture


def _note(allocation: memory.Allocation) -> None:
    capture = Stream.current().capture
    if capture is not None:
        capture.allocated(allocation)


memory.watchers.append(_note)


def upload(nbytes: int) -> None:
    """Record a copy from the host."""
    if current_capture() is not None:
        raise upload_refused()
    record.upload(nbytes)


def download(what: str) -> None:
    """Record that the host waits for numbers."""
    if current_capture() is not None:
        raise download_refused()
    record.sync(what)


def reset() -> None:
    """Forget captures that a failed test has left open."""
    Stream._stack.clear()
    for stream in _capturing:
        stream.capture = None
    _capturing.clear()


def _wait(what: str) -> None:
    """A wait for the GPU, which spoils every capture."""
    for stream in _capturing:
        if stream.capture is not None:
            stream.capture.valid = False
    if _capturing:
        raise CUDARuntimeError(_UNSUPPORTED)
    record.sync(what)


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
        deviceSynchronize=lambda: _wait("deviceSynchronize()"),
        memGetInfo=lambda: (64 << 30, 80 << 30),
        CUDARuntimeError=CUDARuntimeError,
    )
    compiler = types.SimpleNamespace(CompileException=CompileError)
    memory_module = types.SimpleNamespace(
        OutOfMemoryError=type("OutOfMemoryError", (MemoryError,), {})
    )
    cuda.__dict__.update(
        is_available=lambda: True,
        Device=_Device,
        Stream=Stream,
        Graph=Graph,
        get_current_stream=Stream.current,
        alloc_pinned_memory=bytearray,
        get_allocator=memory.get_allocator,
        using_allocator=memory.using_allocator,
        runtime=runtime,
        compiler=compiler,
        memory=memory_module,
        nvrtc=types.SimpleNamespace(getVersion=lambda: (13, 0)),
    )
    return cuda
