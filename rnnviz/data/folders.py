"""The data folder, the errors of reading data from it, and hashes of its files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rnnviz.errors import InvalidFileError, MissingError, RnnvizError, UsageError
from rnnviz.files import assets, open_regular, reason, user_path
from rnnviz.messages import _

FOLDER_VARIABLE: Final = "RNNVIZ_DATA"
#: The name of the folder with the small samples in the package.
SAMPLE: Final = "sample"

_HASH_BLOCK: Final = 1 << 20
#: Largest data file in bytes.
MAX_BYTES: Final = 1_000_000_000


def default_folder() -> Path:
    """The data folder used when none is named, in the user's data directory."""
    import platformdirs

    return Path(platformdirs.user_data_dir("rnnviz")) / "data"


def requested_folder(data: str | Path | None) -> Path:
    """The data folder: as named, else RNNVIZ_DATA, else the default; it need not exist."""
    name = str(data or os.environ.get(FOLDER_VARIABLE, ""))
    if name == SAMPLE:
        return assets() / "samples"
    return user_path(name) if name else default_folder()


def is_requested(data: str | Path | None) -> bool:
    """Whether a data folder is named, as an argument or in RNNVIZ_DATA."""
    return bool(str(data or os.environ.get(FOLDER_VARIABLE, "")))


def require_folder(data: str | Path | None) -> Path:
    """``requested_folder`` if it exists; MissingError if not, UsageError for a file."""
    folder = requested_folder(data)
    if folder.is_dir():
        return folder
    if folder.is_file():
        raise UsageError(
            _("{folder} is a file. Name the folder that it is in: --data {parent}").format(
                folder=folder, parent=folder.parent
            )
        )
    raise MissingError(
        _(
            "There is no data folder {folder}. Name the folder with the data sets: "
            "--data DIR (or {variable}=DIR),\n"
            "get one: rnnviz data fetch NAME, or use the sample in the package: --data "
            "{sample}"
        ).format(folder=folder, variable=FOLDER_VARIABLE, sample=SAMPLE)
    )


@contextmanager
def data_errors(data_set: str) -> Iterator[None]:
    """Convert exceptions of data readers to MissingError and InvalidFileError (exit codes 3, 4).

    ``data_set`` is the name that the message tells to pass to ``rnnviz data fetch``.
    """
    try:
        yield
    except FileNotFoundError as error:
        from rnnviz.data.catalogue import DATA_SETS

        if data_set in DATA_SETS and not DATA_SETS[data_set].files:  # neither download nor sample
            raise MissingError(
                _("{reason}\nNo download of {name} is known: put its tables there.").format(
                    reason=error, name=data_set
                )
            ) from error
        raise MissingError(
            _(
                "{reason}\n"
                "Get it: rnnviz data fetch {data_set}, or try the samples: --data {sample}"
            ).format(reason=error, data_set=data_set, sample=SAMPLE)
        ) from error
    except (RnnvizError, ImportError, NameError):
        raise
    except Exception as error:  # parsers of a damaged file raise nearly anything
        raise InvalidFileError(
            _(
                "{reason}.\n"
                "Repair the file, or delete it and get the usual one: rnnviz data fetch "
                "{data_set}"
            ).format(reason=reason(error), data_set=data_set)
        ) from error


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes in lower-case hex; of a folder, of its files' names and hashes.

    Raises as ``open_regular`` does.
    """
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.is_file())
        lines = (f"{p.relative_to(path).as_posix()} {sha256(p)}\n" for p in files)
        return hashlib.sha256("".join(lines).encode()).hexdigest()
    digest = hashlib.sha256()
    with open_regular(path, MAX_BYTES) as file:
        while block := file.read(_HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()
