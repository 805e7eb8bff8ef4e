"""The Large Movie Review Dataset: 25,000 reviews to train on and 25,000 to test on.

Andrew L. Maas and others, "Learning Word Vectors for Sentiment Analysis", ACL 2011. It is read
from tables of the two splits (``imdb/train.csv.gz`` with ``label,rating,id,text``; text and label
are required), from the authors' ``aclImdb_v1.tar.gz``, which is not unpacked to disk, or from the
folder ``aclImdb`` that it unpacks to; the rows and their order are the same. A single table
without a split, such as Kaggle's ``IMDB Dataset.csv``, is halved: of each label, the first half of
the reviews in file order is the training set and the second half the test set. Keras's version,
numbers without text, is read by ``keras_imdb.py``.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from rnnviz.data.file_search import (
    TableSchema,
    candidate_folders,
    find_table,
    list_files,
    missing_error,
    split_of,
)
from rnnviz.data.labels import SENTIMENT_SCHEMES, class_numbers, is_label
from rnnviz.data.tables import (
    DAMAGE_ERRORS,
    MAX_BYTES,
    TableColumn,
    TableSource,
    gunzip,
    parse_int,
    read_rows,
    require_text,
)
from rnnviz.files import TooLargeError, open_regular, read_limited
from rnnviz.messages import _

SPLITS: Final = ("train", "test")
ARCHIVE: Final = "aclImdb_v1.tar.gz"

_TEXT: Final = ("text", "review", "reviews", "sentence", "content", "review text", "comment")
_LABEL: Final = ("label", "sentiment", "class", "polarity", "target", "label text", "category")


def headerless_text_and_label(first_row: Sequence[str]) -> tuple[int, ...] | None:
    """The indices of text and label in a first row of two fields; None if it is a header."""
    are_labels = [is_label(field, SENTIMENT_SCHEMES) for field in first_row]
    if len(first_row) != 2 or are_labels[0] == are_labels[1]:
        return None
    return (1, 0) if are_labels[0] else (0, 1)


def _headerless(first_row: list[str]) -> tuple[int | None, ...] | None:
    indices = headerless_text_and_label(first_row)
    return None if indices is None else (*indices, None, None)


SCHEMA: Final = TableSchema(
    "imdb",
    (
        TableColumn("text", _TEXT),
        TableColumn("label", _LABEL),
        TableColumn("rating", ("rating", "stars"), optional=True),
        TableColumn("id", ("id",), optional=True),
    ),
    _headerless,
    {"train": ("train", "training"), "test": ("test", "testing")},
    lambda names: "sentence" not in names and ("text" in names or "review" in names),
)
_LINE_BREAK: Final = re.compile(r"<br\s*/?>")
#: The name of a review's file: label, number and stars.
_REVIEW_FILE: Final = re.compile(r"(neg|pos)/(\d{1,9})_(\d{1,2})\.txt")
#: Largest file of a review in bytes; the longest review has some 14,000 characters.
_MAX_REVIEW: Final = 1_000_000
#: Limits of the archive, which has 100,022 files and folders and unpacks to some 300 MB.
_MAX_MEMBERS: Final = 200_000
_MAX_UNPACKED: Final = 1_000_000_000


@dataclass(frozen=True)
class Review:
    """An IMDB review: label (1 for positive), rating in stars (1 to 10), id within its label.

    Tables of other sources have no rating; the id is then the index among reviews of its label.
    """

    label: int
    rating: int | None
    id: int
    text: str


def imdb_source(folder: Path, split: str) -> Path:
    """The path that a split is read from: a table, the archive, or a folder of ``aclImdb``.

    Raises FileNotFoundError if there is none of them, and ValueError for an unknown split or if
    the files in the folder have another layout.
    """
    source = _source(folder, split)
    return source.path if isinstance(source, TableSource) else source


def has_official_split(folder: Path) -> bool:
    """Whether the split is the authors'; False if it is made by halving a single table."""
    source = _source(folder, "train")
    return not isinstance(source, TableSource) or split_of(SCHEMA, source) is not None


def _source(folder: Path, split: str) -> TableSource | Path:
    """The source of a split: its table, the authors' folder or archive, or a single table."""
    if split not in SPLITS:
        raise ValueError(
            _("no split {split!r}: there are {names}").format(
                split=split, names=_(" and ").join(map(repr, SPLITS))
            )
        )
    by_name = _source_by_name(folder, split)
    if by_name is not None:
        return by_name
    tables = [find_table(folder, SCHEMA, each) for each in SPLITS]
    table = tables[SPLITS.index(split)]
    if table is not None and None not in tables:
        return table
    source = find_table(folder, SCHEMA, None) or table
    if source is None:
        raise missing_error(
            folder, f"imdb/{split}.csv.gz", ARCHIVE, f"aclImdb/{split}/", "IMDB Dataset.csv"
        )
    return source


def _source_by_name(folder: Path, split: str) -> TableSource | Path | None:
    """A source that is recognized by its name alone."""
    table = folder / f"imdb/{split}.csv.gz"
    if table.is_file():
        return TableSource(table)
    folders = candidate_folders(folder, "imdb")
    for candidate in folders:
        is_split_folder = candidate.path.name == split
        path = candidate.path if is_split_folder else candidate.path / split
        if (path / "pos").is_dir() or (path / "neg").is_dir():
            return path
        if not is_split_folder and path.is_dir() and candidate.path.name == "aclImdb":
            return path
    files = (path for candidate in folders for path in list_files(candidate))
    return next((path for path in files if path.name == ARCHIVE), None)


def read_imdb(folder: Path, split: str, *, raw: bool = False) -> list[Review]:
    """Read the reviews of a split ("train" or "test"), sorted by (id, label).

    Tables of other sources keep the order of their rows. HTML line breaks become spaces unless
    ``raw``.
    """
    source = _source(folder, split)
    if isinstance(source, TableSource):
        reviews = _read_table(source, split)
    elif source.is_dir():
        reviews = _sorted_complete(source, _read_folder(source))
    else:
        reviews = _sorted_complete(source, _read_archive(source, split))
    if raw:
        return reviews
    return [Review(r.label, r.rating, r.id, _LINE_BREAK.sub(" ", r.text)) for r in reviews]


def _read_table(source: TableSource, split: str) -> list[Review]:
    rows = list(read_rows(source, SCHEMA.columns, SCHEMA.headerless))
    labels = class_numbers(
        [(line, row[1]) for line, row in rows], SENTIMENT_SCHEMES, source, "label"
    )
    counts = [0, 0]
    reviews = []
    for label, (line, (text, _sentiment, rating, number)) in zip(labels, rows, strict=True):
        reviews.append(
            Review(
                label=label,
                rating=parse_int(rating, (1, 10), "rating", source, line) if rating else None,
                id=parse_int(number, (0, 10**9), "id", source, line) if rating else counts[label],
                text=require_text(text, "text", source, line),
            )
        )
        counts[label] += 1
    return reviews if split_of(SCHEMA, source) is not None else _half(reviews, counts, split)


def _half(reviews: list[Review], counts: Sequence[int], split: str) -> list[Review]:
    """The first half ("train") or the second half of the reviews of each label."""
    first = [count - count // 2 for count in counts]
    return [r for r in reviews if (r.id < first[r.label]) == (split == "train")]


def _read_archive(path: Path, split: str) -> Iterator[Review]:
    prefix = f"aclImdb/{split}/"
    try:
        # "r|" reads the archive as a stream, without seeking.
        with (
            open_regular(path, MAX_BYTES) as packed,
            gunzip(packed, _MAX_UNPACKED) as unpacked,
            tarfile.open(fileobj=unpacked, mode="r|", tarinfo=_LimitedTarInfo) as archive,
        ):
            for count, member in enumerate(archive, 1):
                if count > _MAX_MEMBERS:
                    raise TooLargeError(
                        _("there are more than {most:,} files inside").format(most=_MAX_MEMBERS)
                    )
                name = member.name.removeprefix("./")
                if not name.startswith(prefix) or not member.isreg():
                    continue
                match = _REVIEW_FILE.fullmatch(name.removeprefix(prefix))
                file = archive.extractfile(member) if match and member.size < _MAX_REVIEW else None
                if match and file:
                    yield _review(match, file.read(), path, name)
    except (tarfile.TarError, ValueError, OverflowError, *DAMAGE_ERRORS) as error:
        message = str(error)
        if not message.startswith(str(path)):
            message = f"{path}: {message}"
        raise ValueError(message) from error


class _LimitedTarInfo(tarfile.TarInfo):
    """A member of an archive; limits the extended headers, which tarfile reads into memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Parse a block of 512 bytes; TooLargeError for an extended header of over a million."""
        member = super().frombuf(buf, encoding, errors)
        if member.type in _EXTENDED_HEADERS and member.size > _MAX_REVIEW:
            raise TooLargeError(
                _("the header of an entry claims {size:,} bytes").format(size=member.size)
            )
        return member


_EXTENDED_HEADERS: Final = (
    tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.GNUTYPE_SPARSE,
)  # fmt: skip


def _read_folder(path: Path) -> Iterator[Review]:
    for kind in ("neg", "pos"):
        if not (path / kind).is_dir():
            raise FileNotFoundError(
                _("{path} is missing: was the archive unpacked completely?").format(
                    path=path / kind
                )
            )
        for file in (path / kind).glob("*.txt"):
            if match := _REVIEW_FILE.fullmatch(f"{kind}/{file.name}"):
                yield _review(match, read_limited(file, _MAX_REVIEW), path, f"{kind}/{file.name}")


def _review(match: re.Match[str], content: bytes, path: Path, name: str) -> Review:
    kind, number, rating = match.groups()
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}, {name}: {error}") from error
    return Review(int(kind == "pos"), int(rating), int(number), text)


def _sorted_complete(path: Path, reviews: Iterable[Review]) -> list[Review]:
    """Reviews sorted by (id, label); ValueError if one is missing or there twice."""
    ordered = sorted(reviews, key=lambda review: (review.id, review.label))
    if not ordered:
        raise ValueError(_("{path}: no reviews inside").format(path=path))
    for label, kind in enumerate(("neg", "pos")):
        ids = [review.id for review in ordered if review.label == label]
        gap = next((n for n, number in enumerate(ids) if n != number), None)
        if gap is not None or not ids:
            raise ValueError(
                _("{path}: review {gap} of {kind} is missing or there twice").format(
                    path=path, gap=gap or 0, kind=kind
                )
            )
    return ordered
