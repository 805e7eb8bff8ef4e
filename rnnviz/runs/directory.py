"""The files of a run directory, written so that a run killed at any moment can be resumed.

At the end of an epoch: best, then history, then last. ``last.safetensors`` says how many epochs
are done; lines of the history beyond it are dropped, and those epochs trained again.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rnnviz.arrays import Values
from rnnviz.display import json_text
from rnnviz.errors import RnnvizError, UsageError, system_reason
from rnnviz.files import (
    NO_SPACE,
    UNUSABLE_NAME,
    invalid_file_on_error,
    read_limited,
    write_atomically,
)
from rnnviz.lookup import SNAPSHOTS, snapshot_files
from rnnviz.messages import _
from rnnviz.progress import Epoch
from rnnviz.runs.history import append_epoch, truncate_history
from rnnviz.training.state import State

#: The most bytes of last.safetensors besides its arrays.
_MAX_HEADER = 1_000_000
#: The ends of the names of a run's files.
_SUFFIXES = ("json", "jsonl", "safetensors")


class Directory:
    """A run directory open for writing.

    Its methods raise RnnvizError, in one line and with a remedy, where a file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def make(self) -> None:
        """Create the directory; it may exist."""
        with self._writing():
            self.path.mkdir(parents=True, exist_ok=True)

    def begin(self, record: Mapping[str, Any], encoder: str, content: Mapping[str, Any]) -> None:
        """Write the files of a new run; ``content`` goes to the file ``encoder``.

        spec.json comes last: a directory that has one is a run. Files of the same names are
        overwritten, so hold the lock and check first that the directory is empty.
        """
        with self._writing():
            write_atomically(self.path / encoder, json_text(content))
            write_atomically(self.path / "history.jsonl", "")
            self._write_json("spec.json", record)

    def write_record(self, record: Mapping[str, Any]) -> None:
        """Replace spec.json."""
        with self._writing():
            self._write_json("spec.json", record)

    def add(self, epoch: Epoch, state: State, *, save_best: bool) -> None:
        """Save a finished epoch; ``save_best``: its weights become best.safetensors."""
        if save_best:
            weights = state.copy_eval_params()
            with self._writing():
                self._write_weights("best", weights)
        self.append(epoch)
        self.save(state)

    def append(self, epoch: Epoch) -> None:
        """Add a line to history.jsonl."""
        with self._writing():
            append_epoch(self.path / "history.jsonl", epoch)

    def save(self, state: State) -> None:
        """Write last.safetensors."""
        with self._writing():
            write_atomically(self.path / "last.safetensors", state.pack())

    def snapshot(self, params: Values) -> None:
        """Write the current weights to now.safetensors."""
        with self._writing():
            self._write_weights("now", params)

    def add_snapshot(self, step: int, params: Values, about: Mapping[str, Any]) -> None:
        """Write weights that are kept; ``about`` goes into the metadata of the file.

        It does not wait for the disk: a training goes on without its snapshots.
        """
        from safetensors.numpy import save

        self.check_snapshots()
        with self._writing():
            (folder := self.path / SNAPSHOTS).mkdir(exist_ok=True)
            data = bytes(save(dict(params), {"snapshot": json_text(about)}))
            write_atomically(folder / f"{step}.safetensors", data, flush=False)

    def check_snapshots(self) -> None:
        """UsageError if the folder of snapshots is a file, or a link to another folder."""
        folder = self.path / SNAPSHOTS
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise UsageError(
                _(
                    "{folder} is no folder of this run, so no snapshots are written to it. "
                    "Delete it.\nTo resume: {command}"
                ).format(folder=folder, command=resume_command(self.path))
            )

    def remove_snapshot(self, step: int) -> None:
        """Remove weights that were kept."""
        with self._writing():
            snapshot_files(self.path)[step].unlink()

    def finish(self, result: Mapping[str, Any]) -> None:
        """Write result.json: the run is complete."""
        with self._writing():
            self._write_json("result.json", result)

    def reopen(self, epochs: int, step: int) -> None:
        """Prepare to resume after ``epochs`` epochs and ``step`` updates.

        Later lines of the history, later snapshots, the result and temporary files of a kill are
        removed.
        """
        with self._writing():
            truncate_history(self.path / "history.jsonl", epochs)
            (self.path / "result.json").unlink(missing_ok=True)
            for kept, file in snapshot_files(self.path).items():
                if kept > step:
                    file.unlink()
            self._remove_temporary(self.path)
            if not (self.path / SNAPSHOTS).is_symlink():
                self._remove_temporary(self.path / SNAPSHOTS)

    def _remove_temporary(self, folder: Path) -> None:
        """Remove what write_atomically leaves in a folder when it is killed."""
        for temporary in folder.glob(".*.*.*"):
            if temporary.name.split(".")[-2] in _SUFFIXES and not temporary.is_dir():
                temporary.unlink()

    def state(self, shapes: Mapping[str, tuple[int, ...]]) -> State | None:
        """The state in last.safetensors, for a model of these shapes; None if there is none yet."""
        path = self.path / "last.safetensors"
        if not path.exists():
            return None
        # Weights, their moving average, and two arrays of the optimizer for each.
        count = sum(math.prod(shape) for shape in shapes.values())
        kind, remedy = _("state of a training"), _("Delete it to start from the first epoch.")
        with invalid_file_on_error(path, kind, remedy):
            data = read_limited(path, _MAX_HEADER + 16 * count)
        return State.unpack(data, shapes, str(path))

    def _write_weights(self, name: str, params: Mapping[str, Any]) -> None:
        from safetensors.numpy import save

        write_atomically(self.path / f"{name}.safetensors", bytes(save(dict(params))))

    def _write_json(self, name: str, record: Mapping[str, Any]) -> None:
        write_atomically(self.path / name, json_text(record, indent=1) + "\n")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (FileExistsError, NotADirectoryError) as error:
            raise UsageError(
                _("{path} cannot be made: {file} is a file. Name another: --out DIR").format(
                    path=self.path, file=error.filename
                )
            ) from error
        except OSError as error:
            if error.errno in UNUSABLE_NAME:
                raise UsageError(
                    _("{path} cannot be made: {reason}. Name another: --out DIR").format(
                        path=self.path, reason=system_reason(error)
                    )
                ) from error
            raise RnnvizError(self._message(error)) from error

    def _message(self, error: OSError) -> str:
        if not (self.path / "spec.json").is_file():
            remedy = _("Name a folder that can be written: --out DIR")
        else:
            remedy = _("What was saved before is whole. To resume: {command}").format(
                command=resume_command(self.path)
            )
        if error.errno in NO_SPACE:
            return _("No space left on the disk of {path}. Free some.\n{remedy}").format(
                path=self.path, remedy=remedy
            )
        return _("Cannot write {path}: {reason}.\n{remedy}").format(
            path=error.filename2 or self.path, reason=system_reason(error), remedy=remedy
        )


def resume_command(path: Path) -> str:
    """The command that resumes a run."""
    return f"rnnviz train --resume {shlex.quote(str(path))}"
