"""The kinds of files that nets are written to, by the endings of their names."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import numpy as np

from rnnviz.arrays import Values
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.engine.spec import EmbeddingSpec, ModelSpec
from rnnviz.errors import InvalidFileError
from rnnviz.interop.export.limits import KERAS, ONNX, PYTORCH, TARGETS, Target, refusals
from rnnviz.interop.export.torch_state import state_dict
from rnnviz.interop.export.weights import conversion_notes
from rnnviz.messages import N_, _, translated

#: Writes a net: its spec, its arrays, and its vocabulary or None.
Writer = Callable[[ModelSpec, Values, Vocabulary | None], bytes]


@dataclass(frozen=True)
class FileFormat:
    """A kind of file: the endings of its names, the target that limits it, and what it is.

    A target of None limits nothing. ``write`` makes its bytes; ``lacks`` says what of a net the
    file does not hold.
    """

    endings: tuple[str, ...]
    target: Target | None
    title: str
    write: Writer
    lacks: Callable[[ModelSpec], tuple[str, ...]]


def _module(name: str, function: str) -> Callable[..., bytes]:
    """A function of a module that is imported when it is called."""

    def call(*arguments: Any) -> bytes:
        found: bytes = getattr(import_module(f"rnnviz.interop.export.{name}"), function)(*arguments)
        return found

    return call


def _npz(spec: ModelSpec, params: Values, words: Vocabulary | None) -> bytes:
    out = io.BytesIO()
    np.savez(out, **state_dict(spec, params))  # type: ignore[arg-type]
    return out.getvalue()


def _own_npz(spec: ModelSpec, params: Values, words: Vocabulary | None) -> bytes:
    out = io.BytesIO()
    arrays: Any = {name: np.asarray(array, np.float32) for name, array in params.items()}
    np.savez(out, **arrays)
    return out.getvalue()


def _safetensors(spec: ModelSpec, params: Values, words: Vocabulary | None) -> bytes:
    from safetensors.numpy import save

    return bytes(save(state_dict(spec, params), {"format": "pt"}))


def _torch(spec: ModelSpec, params: Values, words: Vocabulary | None) -> bytes:
    return _module("torch_file", "torch_file")(state_dict(spec, params))


def _without_words(name: str, function: str) -> Writer:
    write = _module(name, function)
    return lambda spec, params, words: write(spec, params)


def _nothing(spec: ModelSpec) -> tuple[str, ...]:
    return ()


def _state_dict_lacks(spec: ModelSpec) -> tuple[str, ...]:
    """What a state dict of PyTorch does not hold."""
    missing = [N_("the architecture")]
    if any(layer.activation == "relu" for layer in spec.layers):
        missing.append(N_("that an RNN has relu"))
    if isinstance(spec.source, EmbeddingSpec) and spec.source.mask_zero:
        missing.append(N_("that padding is skipped (pack the sequences)"))
    return tuple(missing)


def _architecture(spec: ModelSpec) -> tuple[str, ...]:
    return (N_("the architecture"),)


#: By name, in the order of the documents.
FORMATS: Final[Mapping[str, FileFormat]] = {
    "keras": FileFormat((".keras",), KERAS, N_("Keras 3 archive"),
                        _module("keras_files", "keras_archive"), _nothing),
    "keras-weights": FileFormat((".weights.h5",), KERAS, N_("weights of Keras 3"),
                                _without_words("keras_files", "keras_weights"), _architecture),
    "keras-h5": FileFormat((".h5", ".hdf5"), KERAS, N_("legacy HDF5 file of Keras"),
                           _without_words("keras_files", "keras_hdf5"), _nothing),
    "pytorch": FileFormat((".pt", ".pth"), PYTORCH, N_("state dict of PyTorch"), _torch,
                          _state_dict_lacks),
    "safetensors": FileFormat((), PYTORCH, N_("state dict of PyTorch as safetensors"), _safetensors,
                              _state_dict_lacks),
    "npz": FileFormat((".npz",), PYTORCH, N_("arrays of NumPy named as in PyTorch"), _npz,
                      _state_dict_lacks),
    "npz-rnnviz": FileFormat((), None, N_("arrays of NumPy named as in rnnviz"), _own_npz,
                             _architecture),
    "onnx": FileFormat((".onnx",), ONNX, N_("ONNX graph"),
                       _without_words("onnx_graph", "onnx_file"), _nothing),
}  # fmt: skip


def format_of(name: str) -> str | None:
    """The format of a file name by its ending; None for those that no other framework reads."""
    lower = name.lower()
    found = [
        (len(ending), key) for key, each in FORMATS.items() for ending in each.endings
        if lower.endswith(ending)
    ]  # fmt: skip
    return max(found)[1] if found else None


def require_exportable(name: str, spec: ModelSpec, target: Target) -> None:
    """InvalidFileError with the reason if the layers of a target cannot say a net."""
    if reasons := refusals(spec, target):
        raise InvalidFileError(
            _(
                "{name} cannot be written for {target}: {reason}.\n"
                "Every net: rnnviz models export NAME FILE.json"
            ).format(name=name, target=TARGETS[target], reason="; ".join(map(translated, reasons)))
        )


def written(
    name: str, spec: ModelSpec, params: Values, key: str, words: Vocabulary | None = None
) -> bytes:
    """The bytes of a net in a format. ``words`` go into files that have a place for them.

    Raises InvalidFileError with the reason where the format cannot say the net, MissingError for
    a package that is not installed.
    """
    form = FORMATS[key]
    if form.target is not None:
        require_exportable(name, spec, form.target)
    return form.write(spec, params, words)


def notes(spec: ModelSpec, key: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What was converted on the way into a format, and what a file of it does not hold."""
    form = FORMATS[key]
    return conversion_notes(spec, form.target), form.lacks(spec)
