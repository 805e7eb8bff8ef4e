"""Finding the tables of a data set in a data folder, whatever they are called there.

A data set's own folder (``imdb``, ``aclImdb_v1_extracted``, ``AG News``) is recognized by its
name, up to three levels below the data folder; the data folder itself is searched as well. In it
a table is recognized by its name ("train", "dev") or by its columns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rnnviz.data.tables import (
    HeaderlessColumns,
    TableColumn,
    TableSource,
    find_layout,
    normalize_name,
    shorten,
    table_stem,
    zip_tables,
)
from rnnviz.messages import _

#: How many levels below the data folder a data set's own folder may be.
_MAX_DEPTH: Final = 3
#: Names of folders that contain the folders of several data sets.
_COLLECTIONS: Final = frozenset({"glue", "glue data", "data", "datasets", "data sets"})
#: Common file formats that are not supported.
_UNSUPPORTED: Final = (
    ".parquet", ".arrow", ".feather", ".xlsx", ".xls", ".ods", ".jsonl", ".pkl", ".rar", ".7z",
)  # fmt: skip

#: By data set: what its folder's and files' names contain, spaces and punctuation ignored.
NAME_PARTS: Final = {
    "imdb": ("imdb", "aclimdb"),
    "agnews": ("agnews",),
    "sst2": ("sst2",),
    "jena": ("jena", "mpiroof", "weather"),
    "turkish": ("turkish",),
}


@dataclass(frozen=True)
class DataFolder:
    """A folder to search; ``own`` if its name is that of the data set."""

    path: Path
    own: bool


@dataclass(frozen=True)
class TableSchema:
    """How the tables of a data set are recognized and read; ``name`` is a key of NAME_PARTS."""

    name: str
    columns: tuple[TableColumn, ...]
    headerless: HeaderlessColumns | None
    splits: Mapping[str, tuple[str, ...]]  # by split: words in file names
    #: Whether a table with this header (normalized; empty without one) belongs to the data set,
    #: for folders that contain tables of several data sets.
    matches_header: Callable[[Sequence[str]], bool]


def is_named_after(data_set: str, name: str) -> bool:
    """Whether a folder or file of that name belongs to a data set."""
    letters = re.sub(r"[^a-z0-9]", "", name.casefold())
    return any(part in letters for part in NAME_PARTS[data_set])


def candidate_folders(folder: Path, data_set: str) -> list[DataFolder]:
    """The folders that may contain tables of a data set, the likeliest first."""
    others = [other for other in NAME_PARTS if other != data_set]
    own = is_named_after(data_set, folder.resolve().name)
    found = list(_subfolders(folder, data_set, own, _MAX_DEPTH))
    if own:
        return [DataFolder(folder, True), *found]
    if any(is_named_after(other, folder.resolve().name) for other in others):
        return found
    return [*found, DataFolder(folder, False)]


def _subfolders(folder: Path, data_set: str, own: bool, depth: int) -> Iterator[DataFolder]:
    """Candidates below a folder; all subfolders of a data set's own folder are its own too."""
    for path in _list_folders(folder) if depth else ():
        named = is_named_after(data_set, path.name)
        foreign = any(is_named_after(other, path.name) for other in NAME_PARTS if other != data_set)
        if named or (own and not foreign):
            yield DataFolder(path, True)
            yield from _subfolders(path, data_set, True, depth - 1)
        elif normalize_name(path.name) in _COLLECTIONS:
            yield from _subfolders(path, data_set, False, depth - 1)


def _list_folders(folder: Path) -> list[Path]:
    """Subfolders, without those that contain one text per file."""
    try:
        found = [p for p in folder.iterdir() if p.is_dir() and not p.name.startswith((".", "__"))]
    except OSError:
        return []
    return sorted(p for p in found if normalize_name(p.name) not in ("pos", "neg", "unsup"))


def list_files(folder: DataFolder) -> list[Path]:
    """The regular files in a folder by name, without downloads in progress."""
    try:
        found = sorted(path for path in folder.path.iterdir() if path.is_file())
    except OSError:
        return []
    return [path for path in found if not path.name.endswith(".part")]


def list_tables(folder: DataFolder, data_set: str) -> list[TableSource]:
    """The tables in a folder, those inside zips last; ValueError for a damaged zip."""
    files = list_files(folder)
    zips = [path for path in files if path.suffix.casefold() == ".zip"]
    plain = [path for path in files if path not in zips and table_stem(path.name) is not None]
    members = []
    for path in zips:
        try:
            members += [TableSource(path, member) for member in zip_tables(path)]
        except ValueError:
            if folder.own or is_named_after(data_set, path.name):
                raise
    return [*map(TableSource, plain), *members]


def split_of(schema: TableSchema, source: TableSource) -> str | None:
    """The split that a table's name contains: "train" for ``ag_news_train.csv``."""
    parts = source.stem.replace(".", " ").split()
    return next(
        (split for split, names in schema.splits.items() if any(p in names for p in parts)), None
    )


def find_table(folder: Path, schema: TableSchema, split: str | None) -> TableSource | None:
    """The table of a split, or (None) one whose name contains no split; None if there is none.

    Raises ValueError if the data set's own folder contains tables, or files in an unsupported
    format, and none of them fits.
    """
    problem: ValueError | None = None
    for candidate in candidate_folders(folder, schema.name):
        try:
            tables = list_tables(candidate, schema.name)
        except ValueError as error:
            problem, tables = problem or error, []
        for source in tables:
            # A .txt may be anything; take it for a table only if its name contains a split.
            if split_of(schema, source) != split or (split is None and _is_txt(source)):
                continue
            try:
                if _fits(schema, source, candidate):
                    return source
            except ValueError as error:
                problem = problem or error
        if candidate.own and not tables:
            problem = problem or _unsupported_format(candidate)
    if problem is not None:
        raise problem
    return None


def _is_txt(source: TableSource) -> bool:
    return ".txt" in source.name.casefold()


def _fits(schema: TableSchema, source: TableSource, folder: DataFolder) -> bool:
    """Whether a table belongs to the data set; ValueError if its name says so but it does not."""
    expected = folder.own or is_named_after(schema.name, source.name)
    try:
        layout = find_layout(source, schema.columns, schema.headerless)
    except ValueError:
        if expected:
            raise
        return False
    return expected or schema.matches_header([normalize_name(n) for n in layout.header or ()])


def _unsupported_format(folder: DataFolder) -> ValueError | None:
    for path in list_files(folder):
        if path.name.casefold().endswith(_UNSUPPORTED):
            return ValueError(
                _("{path}: {ending} is not supported. Save it as .csv").format(
                    path=path, ending=path.suffix
                )
            )
    return None


def find_file(folder: Path, data_set: str, *names: str) -> Path | None:
    """The first file with one of these names in the folders of a data set."""
    folders = candidate_folders(folder, data_set)
    for name in names:
        for candidate in folders:
            if (candidate.path / name).is_file():
                return candidate.path / name
    return None


def missing_error(folder: Path, name: str, *others: str) -> FileNotFoundError:
    """The error for a missing data set: what was searched for, and what the folder contains."""
    return FileNotFoundError(
        _("{path} is missing (also looked for: {others}); {folder} has: {found}").format(
            path=folder / name, others=", ".join(others), folder=folder, found=_listing(folder)
        )
    )


def _listing(folder: Path) -> str:
    try:
        names = sorted(p.name + "/" * p.is_dir() for p in folder.iterdir() if p.name[0] != ".")
    except OSError:
        return _("nothing that can be read")
    return shorten(", ".join(names)) or _("nothing")
