"""Where the data sets are, and what a file is known by."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rnnviz.errors import InvalidFileError, MissingError, RnnvizError, UsageError
from rnnviz.files import assets, open_regular, reason, user_path

FOLDER_VARIABLE: Final = "RNNVIZ_DATA"
#: The name of the small samples that come with the package.
SAMPLE: Final = "sample"

_HASH_BLOCK: Final = 1 << 20
#: The most bytes of a file of data.
LARGEST: Final = 1_000_000_000


def own_folder() -> Path:
    """Where data sets go when no folder is named."""
    import platformdirs

    return Path(platformdirs.user_data_dir("rnnviz")) / "data"


def chosen(data: str | Path | None) -> Path:
    """The folder meant: as named, else RNNVIZ_DATA, else the user's; it may not exist yet."""
    named = str(data or os.environ.get(FOLDER_VARIABLE, ""))
    if named == SAMPLE:
        return assets() / "samples"
    return user_path(named) if named else own_folder()


def is_named(data: str | Path | None) -> bool:
    """Whether a folder is named, as an argument or in RNNVIZ_DATA."""
    return bool(str(data or os.environ.get(FOLDER_VARIABLE, "")))


def resolve(data: str | Path | None) -> Path:
    """The folder of data sets, "sample" for the package's own; MissingError if it is not there.

    UsageError for a file.
    """
    folder = chosen(data)
    if folder.is_dir():
        return folder
    if folder.is_file():
        raise UsageError(
            f"{folder} is a file. Name the folder that it is in: --data {folder.parent}"
        )
    raise MissingError(
        f"There is no data folder {folder}. Name the folder with the data sets: --data DIR "
        f"(or {FOLDER_VARIABLE}=DIR),\nget one: rnnviz data fetch NAME, "
        f"or use the sample in the package: --data {SAMPLE}"
    )


@contextmanager
def readable(get: str) -> Iterator[None]:
    """What readers raise as what a user can act on: exit code 3 for missing, 4 for damaged.

    ``get`` is the name of the data set that ``rnnviz data fetch`` would get.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise MissingError(
            f"{error}\nGet it: rnnviz data fetch {get}, or try the samples: --data {SAMPLE}"
        ) from error
    except (RnnvizError, ImportError, NameError):
        raise
    except Exception as error:  # damage shows as nearly any error of the libraries that read it
        raise InvalidFileError(
            f"{reason(error)}.\n"
            f"Mend the file, or delete it and get the usual one: rnnviz data fetch {get}"
        ) from error


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, lower-case; of a folder, that of all its names and files."""
    if path.is_dir():
        inside = sorted(p for p in path.rglob("*") if p.is_file())
        lines = (f"{p.relative_to(path).as_posix()} {sha256(p)}\n" for p in inside)
        return hashlib.sha256("".join(lines).encode()).hexdigest()
    digest = hashlib.sha256()
    with open_regular(path, LARGEST) as file:
        while block := file.read(_HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()
