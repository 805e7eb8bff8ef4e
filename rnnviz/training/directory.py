"""The files of a run directory, written so that a kill at any moment leaves a run that resumes.

At the end of an epoch: best, then history, then last. ``last.safetensors`` says which epochs are
done; a line of the history it does not know of is trained, and written, once more.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rnnviz.arrays import Values
from rnnviz.display import json_text
from rnnviz.errors import InvalidFileError, RnnvizError, UsageError
from rnnviz.files import (
    NO_SPACE,
    UNUSABLE_NAME,
    read_limited,
    reading,
    write_atomically,
)
from rnnviz.training.events import Epoch
from rnnviz.training.history import LARGEST as HISTORY
from rnnviz.training.history import read_line, whole_lines
from rnnviz.training.state import State

#: The most bytes of a state besides its arrays.
_HEADER = 1_000_000


class Directory:
    """One run directory, open for writing; RnnvizError of one line where it cannot be written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def make(self) -> None:
        """Make the directory itself, which may be there."""
        with self._writing():
            self.path.mkdir(parents=True, exist_ok=True)

    def begin(self, record: Mapping[str, Any], encoder: str, content: Mapping[str, Any]) -> None:
        """Begin a run in the directory. ``encoder`` names the file of ``content``.

        spec.json is written last: where it is, the run has begun. What is there is written over:
        only for who is ``alone`` in it and has seen that it is empty.
        """
        with self._writing():
            write_atomically(self.path / encoder, json_text(content))
            write_atomically(self.path / "history.jsonl", "")
            self._write("spec.json", record)

    def change(self, record: Mapping[str, Any]) -> None:
        """Write spec.json anew."""
        with self._writing():
            self._write("spec.json", record)

    def add(self, epoch: Epoch, state: State, keep: bool) -> None:
        """An epoch's results; ``keep`` says that its weights are the best so far."""
        with self._writing():
            if keep:
                self._weights("best", epoch.params)
            self._append(epoch.to_json())
        self.save(state)

    def save(self, state: State) -> None:
        """Where the training stands."""
        with self._writing():
            write_atomically(self.path / "last.safetensors", state.pack())

    def snapshot(self, params: Values) -> None:
        """The weights as they are now, to be looked at."""
        with self._writing():
            self._weights("now", params)

    def finish(self, result: Mapping[str, Any]) -> None:
        """The run is done: what it came to."""
        with self._writing():
            self._write("result.json", result)

    def reopen(self, finished: int) -> None:
        """Make ready to go on after ``finished`` epochs: no later lines, result or halves."""
        self._cut_history(finished)
        with self._writing():
            (self.path / "result.json").unlink(missing_ok=True)
            for half in self.path.glob(".*.*.*"):  # what a killed write_atomically leaves
                half.unlink()

    def measured(self, line: Mapping[str, Any]) -> None:
        """The one line of a run without training."""
        with self._writing():
            self._append(line)

    def state(self, shapes: Mapping[str, tuple[int, ...]]) -> State | None:
        """Where the training stood when it was last written; None before the first time."""
        path = self.path / "last.safetensors"
        if not path.exists():
            return None
        # Weights, their moving average, and two arrays of the optimizer for each.
        count = sum(math.prod(shape) for shape in shapes.values())
        with reading(path, "state of a training", "Delete it to start from the first epoch."):
            data = read_limited(path, _HEADER + 16 * count)
        return State.unpack(data, shapes, str(path))

    def _cut_history(self, epochs: int) -> None:
        # Only whole lines of epochs the state knows; the last may be torn.
        path = self.path / "history.jsonl"
        with reading(path, "history"):
            there = path.exists()
            text = read_limited(path, HISTORY) if there else None
            kept = whole_lines(path)[:epochs] if there else []
        for number, line in enumerate(kept, 1):
            read_line(path, number, line)
        if len(kept) < epochs:
            raise InvalidFileError(
                f"{path} has {len(kept)} epochs, last.safetensors knows {epochs}: lines are lost."
            )
        if b"".join(kept) != text:
            with self._writing():
                write_atomically(path, b"".join(kept))

    def _append(self, line: Mapping[str, Any]) -> None:
        with (self.path / "history.jsonl").open("a", encoding="utf-8") as file:
            file.write(json_text(line) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _weights(self, name: str, params: Mapping[str, Any]) -> None:
        from safetensors.numpy import save

        write_atomically(self.path / f"{name}.safetensors", bytes(save(dict(params))))

    def _write(self, name: str, record: Mapping[str, Any]) -> None:
        write_atomically(self.path / name, json_text(record, indent=1) + "\n")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (FileExistsError, NotADirectoryError) as error:
            raise UsageError(
                f"{self.path} cannot be made: {error.filename} is a file. Name another: --out DIR"
            ) from error
        except OSError as error:
            if error.errno in UNUSABLE_NAME:
                raise UsageError(
                    f"{self.path} cannot be made: {error.strerror}. Name another: --out DIR"
                ) from error
            raise RnnvizError(self._said(error)) from error

    def _said(self, error: OSError) -> str:
        if not (self.path / "spec.json").is_file():
            remedy = "Name a folder that can be written: --out DIR"
        else:
            remedy = f"What was saved before is whole. Go on with: {how_to_resume(self.path)}"
        if error.errno in NO_SPACE:
            return f"No space left on the disk of {self.path}. Free some.\n{remedy}"
        return f"Cannot write {self.path}: {error.strerror or error}.\n{remedy}"


def how_to_resume(path: Path) -> str:
    """The command that goes on with a run."""
    import shlex

    return f"rnnviz train --resume {shlex.quote(str(path))}"


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Keep other processes from training in the same directory; UsageError if one does."""
    try:
        import fcntl
    except ImportError:  # not on Windows, where two of them are the user's own affair
        yield
        return
    handle = os.open(path, os.O_RDONLY)
    # Who lists runs holds a lock for a moment, to see whether there is one.
    for patience in (0.05, 0.05, 0.1, None):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if patience is None:
                os.close(handle)
                raise UsageError(
                    f"{path} is being trained by another process. Stop that first."
                ) from None
            time.sleep(patience)
        except OSError:
            break  # a file system without locks
    try:
        yield
    finally:
        os.close(handle)
