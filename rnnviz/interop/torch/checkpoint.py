"""The reader of PyTorch checkpoints: state dicts in any wrapping; programs are refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from rnnviz.display import visible
from rnnviz.files import invalid_file_on_error
from rnnviz.interop.contents import FileTensor, ImportOptions, ModelContents
from rnnviz.interop.named_arrays.net import MAX_TENSORS, named_net
from rnnviz.interop.torch.pickle_machine import PlantedCodeError
from rnnviz.interop.torch.pickle_values import RAW_TYPES, TensorRecord, UnknownObject
from rnnviz.interop.torch.sources import CheckpointSource, open_checkpoint
from rnnviz.interop.torch.state_dict import find_state_dict, is_quantized, module_tensors
from rnnviz.interop.torch.tensors import TensorReader
from rnnviz.interop.torch.vocabulary import find_vocabulary
from rnnviz.messages import N_, _

_SAVE: Final = N_(
    "Save its weights where you trust the file: torch.save(model.state_dict(), 'weights.pt')"
)


def read(path: Path, options: ImportOptions) -> ModelContents:
    """What is in a checkpoint.

    Raises OSError as ``open`` does, InvalidFileError for a damaged file, UsageError for an option
    with an unknown value.
    """
    with invalid_file_on_error(path, _("PyTorch checkpoint")):
        try:
            with open_checkpoint(path) as source:
                return _contents(path, source, options)
        except PlantedCodeError as planted:
            return ModelContents(
                path, N_("PyTorch checkpoint"), "pytorch",
                refusal=N_(
                    "it names {planted}, which torch.load would run: a file of weights has no use "
                    "for that, and nothing of it was read"
                ).format(planted=planted),
            )  # fmt: skip


def _contents(path: Path, source: CheckpointSource, options: ImportOptions) -> ModelContents:
    if source.script:
        return ModelContents(
            path, N_("TorchScript archive"), "pytorch",
            tensors=_records(module_tensors(source.value), options),
            refusal=N_("it is a program, TorchScript, not weights. {remedy}").format(remedy=_SAVE),
        )  # fmt: skip
    state = find_state_dict(source.value)
    if state is None:
        return _refused(path, source, options)
    if len(state.tensors) > MAX_TENSORS:
        raise ValueError(
            N_("it has {count:,} tensors; {most:,} are the most").format(
                count=len(state.tensors), most=MAX_TENSORS
            )
        )
    reader = TensorReader(source)
    tensors = []
    for name, record in state.tensors.items():
        if record.dtype and record.dtype not in RAW_TYPES:
            tensors.append(FileTensor(name, record.shape, record.dtype))
            continue
        array, dtype = reader.array(record)
        tensors.append(FileTensor(name, array.shape, dtype, array))
    net = named_net(tensors, options)
    quantized = [t.name for t in tensors if t.dtype.startswith(("qint", "quint"))]
    refusal = net.refusal
    if quantized or is_quantized(source.value):
        refusal = N_(
            "its weights are quantized integers packed by torch.quantization. Save the "
            "state dict of the net before quantization"
        )
    vocabulary = find_vocabulary(source.value, net.operations)
    where = "" if vocabulary is None else vocabulary.where
    return ModelContents(
        path, source.format, "pytorch",
        tensors=net.tensors, operations=net.operations, conversions=net.conversions,
        assumptions=net.assumptions, refusal=refusal, vocabulary=vocabulary,
        ignored=tuple(entry for entry in state.ignored if entry.name != where),
    )  # fmt: skip


def _refused(path: Path, source: CheckpointSource, options: ImportOptions) -> ModelContents:
    """The contents of a file without a state dict: a whole module, or something else."""
    kind, found = _module_in(source.value)
    if kind:
        refusal = N_(
            "it holds a whole object of the class {class_name}, which only its program can "
            "rebuild. {remedy}"
        ).format(class_name=visible(kind), remedy=_SAVE)
    else:
        refusal = N_("no weights were found in it. {remedy}").format(remedy=_SAVE)
    return ModelContents(
        path, source.format, "pytorch", tensors=_records(found, options), refusal=refusal
    )


def _module_in(value: Any) -> tuple[str, dict[str, TensorRecord]]:
    """The class and tensors of a whole module, at the top or one level below."""
    if isinstance(value, UnknownObject):
        return value.of, module_tensors(value)
    inside: list[Any] = []
    if isinstance(value, dict | list | tuple):
        inside = list(value.values() if isinstance(value, dict) else value)[:1_000]
    objects = [child for child in inside if isinstance(child, UnknownObject)]
    found = [(child.of, module_tensors(child)) for child in objects]
    return max(found, key=lambda pair: len(pair[1]), default=("", {}))


def _records(records: Mapping[str, TensorRecord], options: ImportOptions) -> tuple[FileTensor, ...]:
    """Tensors whose numbers are not read: names, shapes and roles."""
    tensors = [
        FileTensor(name, record.shape, record.dtype or "unknown")
        for name, record in list(records.items())[:MAX_TENSORS]
    ]
    return named_net(tensors, options).tensors
