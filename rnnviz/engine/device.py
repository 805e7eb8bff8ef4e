"""Where to compute: the processor, or an NVIDIA card through CuPy.

Importing CuPy takes half a second and works on machines without a card too, so nobody imports it
before somebody asks for one.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from rnnviz.engine.loops import HOST, Loops
from rnnviz.errors import MissingError, UsageError, nearest

DEVICES = ("auto", "cpu", "cuda")
#: How CuPy gets here; which of the two, nvidia-smi says in its first line.
INSTALL = 'pip install "rnnviz[cuda13]" (or cuda12: the CUDA version that nvidia-smi shows)'


def check(device: str) -> None:
    """UsageError for a device that does not exist."""
    if device not in DEVICES:
        known = ", ".join(DEVICES)
        raise UsageError(
            f"Unknown device {device!r}.{nearest(device, DEVICES)} There are: {known}."
        )


def choose(device: str, say: Callable[[str], None] = lambda text: None) -> Loops:
    """The walks over time of the device a wish comes to.

    ``say`` is told which one "auto" took, and later what a card has no kernel for. MissingError,
    with the command that would help, if "cuda" is not to be had; UsageError if unknown.
    """
    check(device)
    if device == "cpu":
        return HOST
    why = missing()
    if not why:
        return card(say)
    if device == "cuda":
        raise MissingError(f"There is no GPU to compute on: {why}")
    say(f"Computing on the CPU ({why.splitlines()[0]}).")
    return HOST


def for_one(device: str) -> Loops:
    """The same for a single text: "auto" is the CPU, which is done before a card is looked for."""
    return choose("cpu" if device == "auto" else device)


def missing() -> str:
    """Why no card can be used, and what would help; "" if one can."""
    if find_spec("cupy") is None:
        return f"CuPy is not installed.\nFor an NVIDIA card: {INSTALL}"
    try:
        import cupy
    except Exception as error:  # a wheel for another CUDA version fails in its own ways
        return f"CuPy cannot be imported ({error}).\nInstall it anew: {INSTALL}"
    if not cupy.is_available():
        return "CuPy finds no NVIDIA card or driver.\nSee what nvidia-smi says; else: --device cpu"
    try:
        cupy.cuda.nvrtc.getVersion()
        one = cupy.ones((2, 2), dtype="float32")
        (one @ one).sum().item()
    except Exception as error:
        return (
            f"the card does not compute ({type(error).__name__}: {error}).\n"
            f"CuPy's CUDA parts are missing or do not fit the driver: {INSTALL}"
        )
    return ""


def card(say: Callable[[str], None] = lambda text: None) -> Loops:
    """The current CUDA device."""
    import cupy

    from rnnviz.engine.cuda.card import Card

    return Card(cupy, say)


def described(loops: Loops) -> str:
    """The device by name: "cpu", or "cuda (NVIDIA H100 80GB HBM3)"."""
    if loops is HOST:
        return "cpu"
    import cupy

    name = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)["name"]
    return f"cuda ({name.decode() if isinstance(name, bytes) else name})"
