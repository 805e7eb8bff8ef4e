"""Start of the process that reads an HDF5 file.

This module imports neither NumPy nor the engine: this process imports them while the other one
imports h5py, which halves the time that a small file takes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from rnnviz.errors import InvalidFileError, MissingError, system_reason
from rnnviz.files import reason
from rnnviz.messages import _

if TYPE_CHECKING:
    from rnnviz.interop.keras.hdf5_tree import Hdf5Tree

_PROGRAM: Final = Path(__file__).with_name("hdf5_process.py")
#: Seconds that reading may take, whatever it computes; and for each 20 MB on top.
_SECONDS: Final = 60
#: What is imported while the process starts: all that its content is given to.
_NEEDED: Final = ("rnnviz.interop.keras.hdf5", "rnnviz.interop.assembly")


def read_tree(file: BinaryIO, path: Path) -> Hdf5Tree:
    """Read an open HDF5 file; ``path`` is what messages name.

    Raises MissingError without h5py, and InvalidFileError for a damaged file, also where reading it
    ends its process or takes too long.
    """
    folders = _package_folders()
    size = os.fstat(file.fileno()).st_size
    environment = {**os.environ, "HDF5_PLUGIN_PRELOAD": "::", "OPENBLAS_NUM_THREADS": "1"}
    file.seek(0)
    # Without site-packages (-S), whose .pth files take time: the folders are arguments.
    command = [sys.executable, "-I", "-S", str(_PROGRAM), str(size), *folders]
    try:
        process = subprocess.Popen(
            command, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        )
    except OSError as error:
        raise InvalidFileError(
            _("{path} was not read: no process could be started for it ({reason}).").format(
                path=path, reason=system_reason(error)
            )
        ) from error
    assert process.stdout is not None
    expired = threading.Event()

    def end() -> None:
        expired.set()
        process.kill()

    timer = threading.Timer(_SECONDS + size // 20_000_000, end)
    timer.daemon = True
    timer.start()
    try:
        for name in _NEEDED:
            import_module(name)
        from rnnviz.interop.keras.hdf5_tree import FrameReader

        with process.stdout as frames:
            return FrameReader(size).read(frames)
    except EOFError as error:
        code = process.wait()
        said = (
            _("{path} is damaged: HDF5's library took too long while it read the file.")
            if expired.is_set()
            else _(
                "{path} is damaged: HDF5's library ended with code {code} while it read the file."
            )
        )
        raise InvalidFileError(said.format(path=path, code=code)) from error
    except ValueError as error:
        raise InvalidFileError(
            _("{path} is not a usable HDF5 file: {reason}.").format(path=path, reason=reason(error))
        ) from error
    finally:
        timer.cancel()
        process.kill()
        process.wait()


def _package_folders() -> list[str]:
    """The folders of h5py and NumPy; an isolated process does not look into them by itself."""
    found = []
    for name in ("h5py", "numpy"):
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise MissingError(
                _(
                    "HDF5 files are read with h5py, which is not installed. Run: pip install "
                    "'rnnviz[import]'"
                )
            )
        found.append(str(Path(spec.origin).parent.parent))
    return list(dict.fromkeys(found))
