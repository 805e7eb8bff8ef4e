"""Models that are objects of Keras or PyTorch in this process: written to a file, then read.

So an object takes the same way as a file: the same checks, conversions and assumptions. The
framework is the one that is imported already; rnnviz imports none.
"""

from __future__ import annotations

import re
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from rnnviz.errors import UsageError
from rnnviz.import_settings import ImportSettings
from rnnviz.messages import _

#: Modules in which a model of Keras may have its class.
KERAS = ("keras", "tf_keras", "tensorflow.keras", "tensorflow.python.keras")


def file_name_of(model: object, settings: ImportSettings) -> str:
    """The name, with settings, of a file with the weights of a model; it lasts as the process.

    UsageError for an object that is no model, or a Keras model that has no weights yet.
    """
    if _is_keras(model):
        return settings.named(str(_keras_file(model)))
    if _is_torch(model):
        path, nonlinearity = _torch_file(model)
        if nonlinearity is not None and settings.get("activation") is None:
            settings = ImportSettings.of({**dict(settings.values), "activation": nonlinearity})
        return settings.named(str(path))
    raise UsageError(
        _(
            "model is a {kind}. Give a model's name, a file, a keras.Model or a torch.nn.Module."
        ).format(kind=type(model).__name__)
    )


def _is_keras(model: object) -> bool:
    classes = (getattr(sys.modules.get(name), "Model", None) for name in KERAS)
    return any(isinstance(each, type) and isinstance(model, each) for each in classes)


def _is_torch(model: object) -> bool:
    module = getattr(sys.modules.get("torch.nn"), "Module", None)
    return isinstance(module, type) and isinstance(model, module)


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="rnnviz-models-")


def _path(name: str, ending: str) -> Path:
    """A file that is named as the model is."""
    plain = re.sub(r"[^\w.-]+", "_", name)[:80] or "model"
    return Path(_folder().name) / f"{plain}{ending}"


def _keras_file(model: Any) -> Path:
    if not model.built:
        raise UsageError(
            _("This Keras model has no weights yet: call it on some input, or model.build(shape).")
        )
    path = _path(str(model.name), ".keras")
    path.unlink(missing_ok=True)
    model.save(path)
    return path


def _torch_file(model: Any) -> tuple[Path, str | None]:
    """A file with the state dict, and the nonlinearity of its nn.RNN layers where it is one."""
    from rnnviz.model_files.writer import pack

    tensors = {name: tensor.detach().cpu() for name, tensor in model.state_dict().items()}
    arrays = {
        name: (tensor.float() if tensor.is_floating_point() else tensor).numpy()
        for name, tensor in tensors.items()
        if not tensor.is_quantized and not tensor.is_complex()
    }
    name = type(model).__name__
    if not arrays:
        raise UsageError(_("This {name} has no tensors in its state dict.").format(name=name))
    found = {getattr(module, "nonlinearity", None) for module in model.modules()} - {None}
    path = _path(name, ".safetensors")
    path.write_bytes(pack(arrays))
    return path, str(found.pop()) if len(found) == 1 else None


def array_text(array: Any) -> str:
    """Ids (T) or numbers (T, D) as the text that a net of ids or vectors reads.

    UsageError for an array of another shape, or of what is not a number.
    """
    import numpy as np

    try:
        found = np.asarray(array)
    except ValueError:
        found = np.zeros(0, object)
    if found.dtype.kind not in "iufb" or found.ndim not in (1, 2) or not found.size:
        raise UsageError(
            _(
                'The text of step() is a text, such as "not good", or an array of T ids or (T, D) '
                "numbers: {array!r}"
            ).format(array=array)
        )
    rows = found[:, None] if found.ndim == 1 else found
    separator = " " if rows.shape[1] == 1 else "; "
    return separator.join(" ".join(f"{n:.9g}" for n in row) for row in rows.tolist())
