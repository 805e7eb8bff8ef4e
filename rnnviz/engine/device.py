"""Where to compute: the processor, or an NVIDIA card through CuPy.

Importing CuPy takes half a second and works on machines without a card too, so nobody imports it
before somebody asks for one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
from importlib.util import find_spec

from rnnviz.cells import Cell
from rnnviz.engine.backend import HOST, Backend, HostBackend, ScanImplementation
from rnnviz.errors import MissingError, UsageError, nearest

DEVICES = ("auto", "cpu", "cuda")
#: How CuPy gets here.
INSTALL = 'pip install "rnnviz[cuda13]" (or cuda12: nvidia-smi says which CUDA the driver has)'


def check(device: str) -> None:
    """UsageError for a device that does not exist."""
    if device not in DEVICES:
        known = ", ".join(DEVICES)
        raise UsageError(
            f"Unknown device {device!r}.{nearest(device, DEVICES)} There are: {known}."
        )


def choose(
    device: str, say: Callable[[str], None] = lambda text: None, *, small: bool = False
) -> Backend:
    """The walks over time of the device a wish comes to.

    "cpu" is NumPy, the reference; "auto" the quickest there is: a card, or loops that numba
    compiles, or NumPy. ``small`` work is not worth a compilation. ``say`` is told which one it
    took, and later what a card has no kernel for.
    MissingError, with the command that would help, if "cuda" is not to be had; UsageError if
    unknown.
    """
    check(device)
    if device == "cpu":
        return HOST
    why = missing()
    if not why:
        return card(say)
    if device == "cuda":
        raise MissingError(
            f"There is no GPU to compute on: {why}.\n"
            f"For an NVIDIA card: {INSTALL}; without one: --device cpu"
        )
    return without_card(why, say, small=small)


def without_card(
    why: str, say: Callable[[str], None] = lambda text: None, *, small: bool = False
) -> Backend:
    """The quickest of the processor: loops that numba compiles, or NumPy for ``small`` work.

    ``why`` no card computes, in half a sentence, for what is said of the choice.
    """
    from rnnviz.engine import compiled

    if not compiled.available():
        say(f"Computing on the CPU, without compiled loops: {why}; numba is not installed.")
        return HOST
    if small:
        say(f"Computing on the CPU: {why}; for so small a training no loops are compiled.")
        return HOST
    if fault := _import_fault("numba"):
        say(f"Computing on the CPU: {why}, and {fault}.")
        return HOST
    say(f"Computing on the CPU with compiled loops: {why}.")
    return with_compiled()


@cache
def with_compiled() -> HostBackend:
    """Compiled walks where they can read a layer, else those of NumPy."""
    from rnnviz.engine import compiled

    scans = ScanImplementation(
        compiled.supports, compiled.scan, compiled.scan_backward, compiled.CompiledScan
    )
    return HostBackend(
        "cpu, compiled", scans, sum_rows=compiled.summed_rows, step_rows=compiled.step_rows
    )


def compiling(loops: Backend, cells: Iterable[Cell]) -> bool:
    """Whether the first batch will wait until loops are compiled, which then are kept."""
    if loops is HOST or not loops.on_host:
        return False
    from rnnviz.engine import compiled

    return any(compiled.supports(cell, None) and not compiled.is_compiled(cell) for cell in cells)


def not_kept(loops: Backend) -> str:
    """Why compiled loops are lost when this process ends, in half a sentence; "" if they are kept.

    ``loops`` are those that were chosen.
    """
    if loops is HOST or not loops.on_host:
        return ""
    from rnnviz.engine.compiled.cache import cache_folder

    return cache_folder().reason


def for_one(device: str) -> Backend:
    """The same for a single text: "auto" is the CPU, which is done before a card is looked for."""
    return choose("cpu" if device == "auto" else device)


def missing() -> str:
    """Why no card can be used, in half a sentence; "" if one can."""
    if find_spec("cupy") is None:
        return "CuPy is not installed"
    if fault := _import_fault("cupy"):
        return fault
    import cupy

    if not cupy.is_available():
        return "CuPy finds no NVIDIA card or no driver"
    try:
        cupy.cuda.nvrtc.getVersion()
        one = cupy.ones((2, 2), dtype="float32")
        (one @ one).sum().item()
    except Exception as error:
        return f"the card does not compute ({_said(error)})"
    return ""


def _import_fault(package: str) -> str:
    """Why a package that is installed cannot be imported; "" if it can.

    A wheel for another CUDA version, a numba that does not know this NumPy: each fails in its way.
    """
    try:
        import_module(package)
    except Exception as error:
        name = {"cupy": "CuPy"}.get(package, package)
        return f"{name} cannot be imported ({_said(error)})"
    return ""


def _said(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:120]}" if lines else type(error).__name__


def card(say: Callable[[str], None] = lambda text: None) -> Backend:
    """The current CUDA device."""
    import cupy

    from rnnviz.engine.cuda.backend import CudaBackend

    return CudaBackend(cupy, say)


def described(loops: Backend) -> str:
    """The device by name: "cpu", "cpu, compiled", or "cuda (NVIDIA H100 80GB HBM3)"."""
    if loops.on_host:
        return loops.name
    import cupy

    name = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)["name"]
    return f"cuda ({name.decode() if isinstance(name, bytes) else name})"
