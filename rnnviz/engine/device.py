"""The choice of a backend: the CPU, or an NVIDIA GPU through CuPy.

CuPy is imported late: importing it takes half a second, and works on machines without a GPU too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
from importlib.util import find_spec

from rnnviz.cells import Cell
from rnnviz.engine.backend import HOST, Backend, HostBackend, ScanImplementation
from rnnviz.errors import MissingError, UsageError, nearest
from rnnviz.messages import N_, _, translated

DEVICES = ("auto", "cpu", "cuda")
#: Multiply-adds of a forward pass over all tokens of all epochs for which the packed walk takes
#: some 20 s on an x86-64 core (sentiment-lstm on the sample: 2e10, 8 s). A cell compiles in 5 s.
SMALL = 5e10
#: How to install CuPy.
INSTALL = N_('pip install "rnnviz[cuda13]" (or cuda12: nvidia-smi says which CUDA the driver has)')


def check(device: str) -> None:
    """UsageError unless the device is one of DEVICES."""
    if device not in DEVICES:
        known = ", ".join(DEVICES)
        raise UsageError(
            _("Unknown device {device!r}.{hint} There are: {known}.").format(
                device=device, hint=nearest(device, DEVICES), known=known
            )
        )


def choose(
    device: str, say: Callable[[str], None] = lambda text: None, *, small: bool = False
) -> Backend:
    """The backend of a device: "cpu" is NumPy, the reference; "auto" the quickest there is.

    That is a GPU, else loops compiled by numba, else NumPy; ``small`` work is not worth a
    compilation. ``say`` is called with the choice, and later with what the GPU has no kernel for.
    MissingError, with the command that helps, if "cuda" is not available; UsageError if unknown.
    """
    check(device)
    if device == "cpu":
        return HOST
    problem = gpu_problem()
    if not problem:
        return cuda_backend(say)
    if device == "cuda":
        raise MissingError(
            _(
                "There is no GPU to compute on: {problem}.\n"
                "For an NVIDIA card: {install}; without one: --device cpu"
            ).format(problem=problem, install=translated(INSTALL))
        )
    return choose_cpu(problem, say, small=small)


def choose_cpu(
    why: str, say: Callable[[str], None] = lambda text: None, *, small: bool = False
) -> Backend:
    """The quickest backend of the CPU: loops compiled by numba, or NumPy for ``small`` work.

    ``why`` no GPU computes, in half a sentence, for the message.
    """
    from rnnviz.engine import compiled

    if not compiled.available():
        say(
            _(
                "Computing on the CPU, without compiled loops: {why}; numba is not installed."
            ).format(why=why)
        )
        return HOST
    if small:
        say(
            _("Computing on the CPU: {why}; for so small a training no loops are compiled.").format(
                why=why
            )
        )
        return HOST
    if problem := _import_problem("numba"):
        say(_("Computing on the CPU: {why}, and {problem}.").format(why=why, problem=problem))
        return HOST
    say(_("Computing on the CPU with compiled loops: {why}.").format(why=why))
    return compiled_backend()


def choose_for_predictions(multiply_adds: float) -> Backend:
    """The quickest backend of the CPU for a forward pass of so many multiply-adds.

    Without a message, and without numba where it would be loaded for less than SMALL.
    """
    return HOST if multiply_adds < SMALL else choose_cpu("", small=False)


@cache
def compiled_backend() -> HostBackend:
    """Compiled scans for the layers they support, else those of NumPy."""
    from rnnviz.engine import compiled

    scans = ScanImplementation(
        compiled.supports,
        compiled.scan,
        compiled.scan_backward,
        compiled.CompiledScan,
        compiled.outputs,
    )
    return HostBackend(
        "cpu, compiled", scans, sum_rows=compiled.summed_rows, step=compiled.step,
        head_step=compiled.softmax_step,
    )  # fmt: skip


def must_compile(backend: Backend, cells: Iterable[Cell]) -> bool:
    """Whether the first batch will wait for loops to be compiled; they are cached then."""
    if backend is HOST or not backend.on_host:
        return False
    from rnnviz.engine import compiled

    return any(compiled.supports(cell, None) and not compiled.is_compiled(cell) for cell in cells)


def cache_problem(backend: Backend) -> str:
    """Why compiled loops cannot be cached, in half a sentence; "" if they can, or without them."""
    if backend is HOST or not backend.on_host:
        return ""
    from rnnviz.engine.compiled.cache import cache_folder

    return cache_folder().reason


def choose_for_trace(device: str) -> Backend:
    """The backend for single texts: "auto" is NumPy, which is done before a GPU is looked for."""
    return choose("cpu" if device == "auto" else device)


def gpu_problem() -> str:
    """Why no GPU can be used, in half a sentence; "" if one can."""
    if find_spec("cupy") is None:
        return _("CuPy is not installed")
    if problem := _import_problem("cupy"):
        return problem
    import cupy

    if not cupy.is_available():
        return _("CuPy finds no NVIDIA card or no driver")
    try:
        cupy.cuda.nvrtc.getVersion()
        ones = cupy.ones((2, 2), dtype="float32")
        (ones @ ones).sum().item()
    except Exception as error:
        return _("the card does not compute ({reason})").format(reason=_summary(error))
    return ""


def _import_problem(package: str) -> str:
    """Why an installed package cannot be imported; "" if it can.

    A wheel for another CUDA version or a numba that does not know this NumPy fail in many ways.
    """
    try:
        import_module(package)
    except Exception as error:
        name = {"cupy": "CuPy"}.get(package, package)
        return _("{name} cannot be imported ({reason})").format(name=name, reason=_summary(error))
    return ""


def _summary(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:120]}" if lines else type(error).__name__


def cuda_backend(say: Callable[[str], None] = lambda text: None) -> Backend:
    """The current CUDA device."""
    import cupy

    from rnnviz.engine.cuda.backend import CudaBackend

    return CudaBackend(cupy, say)


def device_name(backend: Backend) -> str:
    """The name of its device: "cpu", "cpu, compiled", or "cuda (NVIDIA H100 80GB HBM3)"."""
    if backend.on_host:
        return backend.name
    import cupy

    name = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)["name"]
    return f"cuda ({name.decode() if isinstance(name, bytes) else name})"
