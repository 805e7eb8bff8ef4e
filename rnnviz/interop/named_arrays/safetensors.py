"""The reader of safetensors files; the names in them are those of whatever wrote them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO, Final

from rnnviz.files import invalid_file_on_error, open_regular
from rnnviz.interop import safetensors_layout as layout
from rnnviz.interop.contents import FileTensor, IgnoredEntry, ImportOptions, ModelContents
from rnnviz.interop.named_arrays.modules import widened
from rnnviz.interop.named_arrays.net import named_net
from rnnviz.interop.safetensors_layout import SafetensorsEntry
from rnnviz.messages import N_, _

MAX_FILE: Final = 2_000_000_000


def read(path: Path, options: ImportOptions) -> ModelContents:
    """What is in a safetensors file.

    Raises InvalidFileError for a file that is damaged or cannot be read, UsageError for an option
    with an unknown value.
    """
    with (
        invalid_file_on_error(path, _("safetensors file")),
        open_regular(path, MAX_FILE) as file,
    ):
        stored, said = layout.tensors(file)
        tensors = [_tensor(file, each) for each in stored]
        net = named_net(tensors, options, in_order=False)
    return ModelContents(
        path, N_("safetensors file"), "safetensors",
        tensors=net.tensors, operations=net.operations, conversions=net.conversions,
        assumptions=net.assumptions, refusal=net.refusal, ignored=_metadata(said),
    )  # fmt: skip


def _tensor(file: BinaryIO, stored: SafetensorsEntry) -> FileTensor:
    array = stored.read(file)
    if array is not None and stored.usual_dtype == "bfloat16":
        array = widened(array)
    return FileTensor(stored.name, stored.shape, stored.usual_dtype, array)


def _metadata(said: Any) -> tuple[IgnoredEntry, ...]:
    """The file's metadata, texts by name, which say nothing about the net."""
    entries = list(said.items())[:20] if isinstance(said, dict) else []
    return tuple(
        IgnoredEntry(
            f"__metadata__.{key}"[:80], N_("a text, {text!r}").format(text=str(value)[:60])
        )
        for key, value in entries
    )
