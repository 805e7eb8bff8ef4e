"""Where in a data folder the tables of a data set are, whatever people called them.

A data set's own folder (``imdb``, ``aclImdb_v1_extracted``, ``AG News``) is known by its name,
wherever it stands in the data folder down to the third level; the data folder itself is looked
into as well. In it a table is known by its name ("train", "dev") or by its columns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rnnviz.data.tables import (
    TableColumn,
    TableSource,
    Unheaded,
    cut,
    folded,
    layout,
    members,
    table_stem,
)

#: How deep under the data folder a data set's own folder may be.
_DEPTH: Final = 3
#: Folders that hold the folders of several data sets.
_SHELVES: Final = frozenset({"glue", "glue data", "data", "datasets", "data sets"})
#: What else people have, which is not read here.
_OTHER_FORMS: Final = (
    ".parquet", ".arrow", ".feather", ".xlsx", ".xls", ".ods", ".jsonl", ".pkl", ".rar", ".7z",
)  # fmt: skip

#: What the names of a data set's own folder and files have in them, without spaces and marks.
NAMES: Final = {
    "imdb": ("imdb", "aclimdb"),
    "agnews": ("agnews",),
    "sst2": ("sst2",),
    "jena": ("jena", "mpiroof", "weather"),
}


@dataclass(frozen=True)
class DataFolder:
    """A folder to look into; ``own`` if its name is that of the data set."""

    path: Path
    own: bool


@dataclass(frozen=True)
class Kind:
    """The tables of a data set: its name in NAMES, and what is in them."""

    name: str
    columns: tuple[TableColumn, ...]
    unheaded: Unheaded | None
    splits: Mapping[str, tuple[str, ...]]  # words in file names, by split
    #: Whether a table with this header (folded; empty: none), where the tables of several data
    #: sets lie, is one of this.
    known_by: Callable[[Sequence[str]], bool]


def is_name_of(kind: str, name: str) -> bool:
    """Whether a folder or file of that name belongs to a data set."""
    plain = re.sub(r"[^a-z0-9]", "", name.casefold())
    return any(each in plain for each in NAMES[kind])


def places(folder: Path, kind: str) -> list[DataFolder]:
    """The folders in which tables of a data set may be, the likeliest first."""
    others = [other for other in NAMES if other != kind]
    own = is_name_of(kind, folder.resolve().name)
    found = list(_inside(folder, kind, own, _DEPTH))
    if own:
        return [DataFolder(folder, True), *found]
    if any(is_name_of(other, folder.resolve().name) for other in others):
        return found
    return [*found, DataFolder(folder, False)]


def _inside(folder: Path, kind: str, own: bool, depth: int) -> Iterator[DataFolder]:
    """Places below a folder; in a data set's own folder its subfolders are its own too."""
    for path in _folders(folder) if depth else ():
        named = is_name_of(kind, path.name)
        foreign = any(is_name_of(other, path.name) for other in NAMES if other != kind)
        if named or (own and not foreign):
            yield DataFolder(path, True)
            yield from _inside(path, kind, True, depth - 1)
        elif folded(path.name) in _SHELVES:
            yield from _inside(path, kind, False, depth - 1)


def _folders(folder: Path) -> list[Path]:
    """Subfolders, but for those that hold one text a file."""
    try:
        found = [p for p in folder.iterdir() if p.is_dir() and not p.name.startswith((".", "__"))]
    except OSError:
        return []
    return sorted(p for p in found if folded(p.name) not in ("pos", "neg", "unsup"))


def files(place: DataFolder) -> list[Path]:
    """The regular files in a folder that are whole, by name."""
    try:
        found = sorted(path for path in place.path.iterdir() if path.is_file())
    except OSError:
        return []
    return [path for path in found if not path.name.endswith(".part")]


def tables(place: DataFolder, kind: str) -> list[TableSource]:
    """The tables in a folder, those in zips last.

    ValueError for a damaged zip of the data set.
    """
    found = files(place)
    zips = [path for path in found if path.suffix.casefold() == ".zip"]
    plain = [path for path in found if path not in zips and table_stem(path.name) is not None]
    packed = []
    for path in zips:
        try:
            packed += [TableSource(path, member) for member in members(path)]
        except ValueError:
            if place.own or is_name_of(kind, path.name):
                raise
    return [*map(TableSource, plain), *packed]


def split_of(kind: Kind, source: TableSource) -> str | None:
    """The split a table's name says it is: "train" for ``ag_news_train.csv``."""
    words = source.stem.replace(".", " ").split()
    return next((s for s, known in kind.splits.items() if any(w in known for w in words)), None)


def source_of(folder: Path, kind: Kind, split: str | None) -> TableSource | None:
    """The table of a split, or (None) one whose name tells none; None if there is none.

    ValueError where the data set's own folder has such tables, or files in a form that is not
    read here, and none of them fits.
    """
    wrong: ValueError | None = None
    for place in places(folder, kind.name):
        try:
            found = tables(place, kind.name)
        except ValueError as error:
            wrong, found = wrong or error, []
        for source in found:
            # A .txt may be anything, if not even its name says what it is.
            if split_of(kind, source) != split or (split is None and _is_note(source)):
                continue
            try:
                if _fits(kind, source, place):
                    return source
            except ValueError as error:
                wrong = wrong or error
        if place.own and not found:
            wrong = wrong or _other_form(place)
    if wrong is not None:
        raise wrong
    return None


def _is_note(source: TableSource) -> bool:
    return ".txt" in source.name.casefold()


def _fits(kind: Kind, source: TableSource, place: DataFolder) -> bool:
    """Whether it is a table of the data set; ValueError for one that should be, and is not."""
    mine = place.own or is_name_of(kind.name, source.name)
    try:
        form = layout(source, kind.columns, kind.unheaded)
    except ValueError:
        if mine:
            raise
        return False
    return mine or kind.known_by([folded(name) for name in form.header or ()])


def _other_form(place: DataFolder) -> ValueError | None:
    for path in files(place):
        if path.name.casefold().endswith(_OTHER_FORMS):
            return ValueError(f"{path}: {path.suffix} is not read here. Save it as .csv")
    return None


def file_of(folder: Path, kind: str, *names: str) -> Path | None:
    """The first file of one of these names where files of a data set may be."""
    where = places(folder, kind)
    for name in names:
        for place in where:
            if (place.path / name).is_file():
                return place.path / name
    return None


def missing(folder: Path, name: str, *others: str) -> FileNotFoundError:
    """What is raised where a data set is not in a folder: what was looked for, what is there."""
    return FileNotFoundError(
        f"{folder / name} is missing (also looked for: {', '.join(others)}); "
        f"{folder} has: {_listed(folder)}"
    )


def _listed(folder: Path) -> str:
    try:
        names = sorted(p.name + "/" * p.is_dir() for p in folder.iterdir() if p.name[0] != ".")
    except OSError:
        return "nothing that can be read"
    return cut(", ".join(names)) or "nothing"
