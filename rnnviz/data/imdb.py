"""The Large Movie Review Dataset: 25,000 reviews to train on and 25,000 to test on.

Andrew L. Maas and others, "Learning Word Vectors for Sentiment Analysis", ACL 2011. It is read
from tables of the two splits (``imdb/train.csv.gz`` with ``label,rating,id,text``; at least a text
and a label), or from the authors' ``aclImdb_v1.tar.gz``, which is not unpacked, or from the folder
``aclImdb`` it unpacks to; the rows and their order are the same. Of one table without a split, as
Kaggle's ``IMDB Dataset.csv`` is, the first half of the reviews of each label, in the order of the
file, are there to train on and the others to test on. Keras's form, numbers without text, is in
``keras_imdb.py``.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from rnnviz.data.labels import OPINIONS, classes, is_label
from rnnviz.data.file_search import Kind, files, missing, places, source_of, split_of
from rnnviz.data.tables import (
    DAMAGE,
    LARGEST,
    TableColumn,
    TableSource,
    filled,
    rows,
    unzipped,
    whole,
)
from rnnviz.files import TooLargeError, open_regular, read_limited

SPLITS: Final = ("train", "test")
ARCHIVE: Final = "aclImdb_v1.tar.gz"

_TEXT: Final = ("text", "review", "reviews", "sentence", "content", "review text", "comment")
_LABEL: Final = ("label", "sentiment", "class", "polarity", "target", "label text", "category")


def unheaded_pair(first: Sequence[str]) -> tuple[int, ...] | None:
    """Where text and label are in the first row of two fields; None if it is a header."""
    if len(first) != 2 or is_label(first[0], OPINIONS) == is_label(first[1], OPINIONS):
        return None
    return (1, 0) if is_label(first[0], OPINIONS) else (0, 1)


def _unheaded(first: list[str]) -> tuple[int | None, ...] | None:
    pair = unheaded_pair(first)
    return None if pair is None else (*pair, None, None)


KIND: Final = Kind(
    "imdb",
    (
        TableColumn("text", _TEXT),
        TableColumn("label", _LABEL),
        TableColumn("rating", ("rating", "stars"), optional=True),
        TableColumn("id", ("id",), optional=True),
    ),
    _unheaded,
    {"train": ("train", "training"), "test": ("test", "testing")},
    lambda names: "sentence" not in names and ("text" in names or "review" in names),
)
_LINE_BREAK: Final = re.compile(r"<br\s*/?>")
#: The label, number and stars of a review are in the name of its file.
_MEMBER: Final = re.compile(r"(neg|pos)/(\d{1,9})_(\d{1,2})\.txt")
#: The longest review has some 14,000 characters; a larger file is something else.
_LONGEST: Final = 1_000_000
#: The archive has 100,022 files and folders, which unpack to some 300 MB.
_MOST_FILES: Final = 200_000
_UNPACKED: Final = 1_000_000_000


@dataclass(frozen=True)
class Review:
    """One IMDB review: label 1 for positive, rating in stars (1 to 10), id within its label.

    A table of another source has no rating, and its reviews are counted in their order.
    """

    label: int
    rating: int | None
    id: int
    text: str


def imdb_source(folder: Path, split: str) -> Path:
    """What a split is read from: a table, the archive, or the split's folder in ``aclImdb``.

    Raises FileNotFoundError if none of them is there, ValueError for an unknown split, or if what
    is there has another form.
    """
    found = _source(folder, split)
    return found.path if isinstance(found, TableSource) else found


def is_split(folder: Path) -> bool:
    """Whether the splits are those of the authors; else one table is split here."""
    found = _source(folder, "train")
    return not isinstance(found, TableSource) or split_of(KIND, found) is not None


def _source(folder: Path, split: str) -> TableSource | Path:
    """Tables with both splits, else both of the authors' folders, their archive, or one table."""
    if split not in SPLITS:
        raise ValueError(f"no split {split!r}: there are {' and '.join(map(repr, SPLITS))}")
    known = _known(folder, split)
    if known is not None:
        return known
    tables = [source_of(folder, KIND, each) for each in SPLITS]
    own = tables[SPLITS.index(split)]
    if own is not None and None not in tables:
        return own
    found = source_of(folder, KIND, None) or own
    if found is None:
        raise missing(
            folder, f"imdb/{split}.csv.gz", ARCHIVE, f"aclImdb/{split}/", "IMDB Dataset.csv"
        )
    return found


def _known(folder: Path, split: str) -> TableSource | Path | None:
    """What is known by its name alone."""
    table = folder / f"imdb/{split}.csv.gz"
    if table.is_file():
        return TableSource(table)
    where = places(folder, "imdb")
    for place in where:
        own = place.path.name == split
        path = place.path if own else place.path / split
        if (path / "pos").is_dir() or (path / "neg").is_dir():
            return path
        if not own and path.is_dir() and place.path.name == "aclImdb":
            return path
    archives = (path for place in where for path in files(place))
    return next((path for path in archives if path.name == ARCHIVE), None)


def read_imdb(folder: Path, split: str, *, raw: bool = False) -> list[Review]:
    """Read the reviews of a split ("train" or "test"), by id, the negative of each id first.

    A table of another source keeps the order of its rows. An HTML line break becomes a space
    unless the text is wanted ``raw``.
    """
    path = _source(folder, split)
    if isinstance(path, TableSource):
        reviews = _from_table(path, split)
    elif path.is_dir():
        reviews = _in_order(path, _from_folder(path))
    else:
        reviews = _in_order(path, _from_archive(path, split))
    if raw:
        return reviews
    return [Review(r.label, r.rating, r.id, _LINE_BREAK.sub(" ", r.text)) for r in reviews]


def _from_table(source: TableSource, split: str) -> list[Review]:
    found = list(rows(source, KIND.columns, KIND.unheaded))
    labels = classes([(line, row[1]) for line, row in found], OPINIONS, source, "label")
    counted = [0, 0]
    reviews = []
    for label, (line, (text, _, rating, number)) in zip(labels, found, strict=True):
        reviews.append(
            Review(
                label=label,
                rating=whole(rating, (1, 10), "rating", source, line) if rating else None,
                id=whole(number, (0, 10**9), "id", source, line) if rating else counted[label],
                text=filled(text, "text", source, line),
            )
        )
        counted[label] += 1
    return reviews if split_of(KIND, source) is not None else _half(reviews, counted, split)


def _half(reviews: list[Review], counted: Sequence[int], split: str) -> list[Review]:
    """Of each label the first half of the reviews, or the other one, in their order."""
    first = [count - count // 2 for count in counted]
    return [r for r in reviews if (r.id < first[r.label]) == (split == "train")]


def _from_archive(path: Path, split: str) -> Iterator[Review]:
    start = f"aclImdb/{split}/"
    try:
        # "r|" reads front to back: nothing is sought, nothing is written.
        with (
            open_regular(path, LARGEST) as packed,
            unzipped(packed, _UNPACKED) as unpacked,
            tarfile.open(fileobj=unpacked, mode="r|", tarinfo=_Member) as archive,
        ):
            for count, member in enumerate(archive, 1):
                if count > _MOST_FILES:
                    raise TooLargeError(f"more than {_MOST_FILES:,} files are not read")
                name = member.name.removeprefix("./")
                if not name.startswith(start) or not member.isreg():
                    continue
                found = _MEMBER.fullmatch(name.removeprefix(start))
                file = archive.extractfile(member) if found and member.size < _LONGEST else None
                if found and file:
                    yield _review(found, file.read(), path, name)
    except (tarfile.TarError, ValueError, OverflowError, *DAMAGE) as error:
        said = str(error)
        raise ValueError(said if said.startswith(str(path)) else f"{path}: {said}") from error


class _Member(tarfile.TarInfo):
    """An entry of an archive; what describes the next one is read whole, so it must be short."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """The entry of a block of 512 bytes; TooLargeError for a description of over a million."""
        found = super().frombuf(buf, encoding, errors)
        if found.type in _DESCRIPTIONS and found.size > _LONGEST:
            raise TooLargeError(f"the header of an entry claims {found.size:,} bytes")
        return found


_DESCRIPTIONS: Final = (
    tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.GNUTYPE_SPARSE,
)  # fmt: skip


def _from_folder(path: Path) -> Iterator[Review]:
    for kind in ("neg", "pos"):
        if not (path / kind).is_dir():
            raise FileNotFoundError(f"{path / kind} is missing: was the archive unpacked whole?")
        for file in (path / kind).glob("*.txt"):
            if found := _MEMBER.fullmatch(f"{kind}/{file.name}"):
                yield _review(found, read_limited(file, _LONGEST), path, f"{kind}/{file.name}")


def _review(found: re.Match[str], content: bytes, path: Path, name: str) -> Review:
    kind, number, rating = found.groups()
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}, {name}: {error}") from error
    return Review(int(kind == "pos"), int(rating), int(number), text)


def _in_order(path: Path, reviews: Iterable[Review]) -> list[Review]:
    """As in the CSV; ValueError if a review is missing, as after an interrupted unpacking."""
    ordered = sorted(reviews, key=lambda review: (review.id, review.label))
    if not ordered:
        raise ValueError(f"{path}: no reviews inside")
    for label, kind in enumerate(("neg", "pos")):
        ids = [review.id for review in ordered if review.label == label]
        gap = next((n for n, number in enumerate(ids) if n != number), None)
        if gap is not None or not ids:
            raise ValueError(f"{path}: review {gap or 0} of {kind} is missing or there twice")
    return ordered
