"""The Large Movie Review Dataset: 25,000 reviews to train on and 25,000 to test on.

Andrew L. Maas and others, "Learning Word Vectors for Sentiment Analysis", ACL 2011. It is read
from ``imdb/train.csv.gz`` and ``imdb/test.csv.gz`` (header ``label,rating,id,text``), or from the
authors' ``aclImdb_v1.tar.gz``, which is not unpacked, or from the folder ``aclImdb`` it unpacks
to; the rows and their order are the same. Keras's form, numbers without text, is in
``keras_imdb.py``.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from rnnviz.data.tables import DAMAGE, LARGEST, first_file, rows, unzipped, whole
from rnnviz.files import TooLargeError, open_regular, read_limited

SPLITS: Final = ("train", "test")
ARCHIVE: Final = "aclImdb_v1.tar.gz"

_HEADER: Final = ["label", "rating", "id", "text"]
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
    """One IMDB review: label 1 for positive, rating in stars (1 to 10), id within its file."""

    label: int
    rating: int
    id: int
    text: str


def imdb_source(folder: Path, split: str) -> Path:
    """What a split is read from: the CSV, the archive, or the split's folder in ``aclImdb``.

    Raises FileNotFoundError if none of them is there, ValueError for an unknown split.
    """
    if split not in SPLITS:
        raise ValueError(f"no split {split!r}: there are {' and '.join(map(repr, SPLITS))}")
    for path in (folder / f"imdb/aclImdb/{split}", folder / f"aclImdb/{split}"):
        if path.is_dir() and not (folder / f"imdb/{split}.csv.gz").is_file():
            return path
    return first_file(folder, f"imdb/{split}.csv.gz", f"imdb/{ARCHIVE}", ARCHIVE)


def read_imdb(folder: Path, split: str, *, raw: bool = False) -> list[Review]:
    """Read the reviews of a split ("train" or "test"), by id, the negative of each id first.

    An HTML line break becomes a space unless the text is wanted ``raw``.
    """
    path = imdb_source(folder, split)
    if path.is_dir():
        reviews = _in_order(path, _from_folder(path))
    elif path.name.endswith(".csv.gz"):
        reviews = list(_from_table(path))
    else:
        reviews = _in_order(path, _from_archive(path, split))
    if raw:
        return reviews
    return [Review(r.label, r.rating, r.id, _LINE_BREAK.sub(" ", r.text)) for r in reviews]


def _from_table(path: Path) -> Iterator[Review]:
    for line, (label, rating, number, text) in rows(path, _HEADER):
        yield Review(
            label=whole(label, (0, 1), "label", path, line),
            rating=whole(rating, (1, 10), "rating", path, line),
            id=whole(number, (0, 10**9), "id", path, line),
            text=text,
        )


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
