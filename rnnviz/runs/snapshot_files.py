"""Snapshots of a run read back: of which moment each file is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rnnviz.errors import shortened
from rnnviz.files import invalid_file_on_error, open_regular, parse_json
from rnnviz.lookup import snapshot_files
from rnnviz.messages import _
from rnnviz.model_files.weights import MAX_BYTES, check_header

#: In the metadata of each file, beside its step and its epoch.
SCHEMA = "rnnviz.snapshot/1"
#: As what weights are stored.
DTYPES = ("float32", "float16")
#: The largest number of epochs that a file may say.
MOST_EPOCHS = 10**9


@dataclass(frozen=True)
class Snapshot:
    """The weights of a run at one moment."""

    step: int  # optimizer updates done
    epoch: float  # epochs done: 1.5 is the middle of the second one
    path: Path
    dtype: str = "float32"  # as which the weights were stored


def read_snapshots(run: Path) -> list[Snapshot]:
    """The snapshots in a run directory, in the order of their steps.

    InvalidFileError if a file does not say of which moment it is.
    """
    return [_snapshot(step, path) for step, path in snapshot_files(run).items()]


def _snapshot(step: int, path: Path) -> Snapshot:
    with invalid_file_on_error(path, _("snapshot"), _("Delete it to see the others.")):
        check_header(path, MAX_BYTES)
        with open_regular(path, MAX_BYTES) as file:
            header = parse_json(file.read(int.from_bytes(file.read(8), "little")).decode("utf-8"))
        about = parse_json(header["__metadata__"]["snapshot"])
        if about["schema"] != SCHEMA:
            raise ValueError(_("its schema is {schema}").format(schema=_quoted(about["schema"])))
        if about["step"] != step:
            raise ValueError(_("it is that of step {step}").format(step=_quoted(about["step"])))
        epoch, dtype = about["epoch"], about["dtype"]
        if type(epoch) not in (int, float) or not 0 <= epoch <= MOST_EPOCHS:
            raise ValueError(_("its epoch is {epoch}").format(epoch=_quoted(epoch)))
        if dtype not in DTYPES:
            raise ValueError(_("its dtype is {dtype}").format(dtype=_quoted(dtype)))
    return Snapshot(step, float(epoch), path, dtype)


def _quoted(value: object) -> str:
    return shortened(repr(value), 40)
