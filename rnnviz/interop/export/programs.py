"""Programs that rebuild a net in a framework, load its exported weights and run an example."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Final

from rnnviz.engine.spec import ModelSpec
from rnnviz.interop.export.example import ProgramExample
from rnnviz.interop.export.formats import require_exportable
from rnnviz.interop.export.limits import KERAS, PYTORCH, Target


@dataclass(frozen=True)
class ProgramKind:
    """A framework that programs are written for.

    ``formats`` are those of ``FORMATS`` that its program loads, the first one that of a file whose
    name is not given, with ``ending``. A target of None limits nothing.
    """

    target: Target | None
    formats: tuple[str, ...]
    ending: str
    module: str


PROGRAMS: Final[Mapping[str, ProgramKind]] = {
    "keras": ProgramKind(KERAS, ("keras", "keras-h5", "keras-weights"), ".keras", "keras_program"),
    "pytorch": ProgramKind(PYTORCH, ("pytorch", "safetensors", "npz"), ".pt", "torch_program"),
    "jax": ProgramKind(None, ("npz-rnnviz",), ".npz", "jax_program"),
}


def program(key: str, name: str, spec: ModelSpec, file: str, example: ProgramExample) -> str:
    """The text of a program for a net whose weights are in ``file``.

    InvalidFileError with the reason where the framework's layers cannot say the net.
    """
    kind = PROGRAMS[key]
    if kind.target is not None:
        require_exportable(name, spec, kind.target)
    module = import_module(f"rnnviz.interop.export.{kind.module}")
    write: Callable[[str, ModelSpec, str, ProgramExample], str] = getattr(module, kind.module)
    return write(name, spec, file, example)
