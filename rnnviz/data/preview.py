"""The first rows of a data set, and the counts of its rows and labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

from rnnviz.data.agnews import CLASSES, read_agnews
from rnnviz.data.agnews import SPLITS as AGNEWS_SPLITS
from rnnviz.data.catalogue import local_files
from rnnviz.data.imdb import SPLITS, Review, read_imdb
from rnnviz.data.imdb_word_index import read_word_index
from rnnviz.data.jena import JenaSeries, is_published, jena_file, read_jena
from rnnviz.data.jena_table import TIME
from rnnviz.data.keras_imdb import read_keras_imdb
from rnnviz.data.sst2 import SST2_SPLITS, read_sst2
from rnnviz.data.turkish_reviews import TURKISH_SPLITS, read_turkish
from rnnviz.data.writing_texts import read_writing_text
from rnnviz.messages import N_

#: Counts by name, and the first rows as JSON objects.
CountsAndRows = tuple[dict[str, int], list[dict[str, Any]]]


@dataclass(frozen=True, eq=False)
class Preview:
    """The files of a data set, counts and first rows; ``series`` for a data set of a series."""

    files: tuple[Path, ...]
    note: str
    counts: dict[str, int]
    first: list[dict[str, Any]]
    series: JenaSeries | None = field(default=None, repr=False)


def preview(name: str, folder: Path, rows: int) -> Preview:
    """The first ``rows`` rows and the counts; raises as the reader of the data set does."""
    found, series = local_files(name, folder), None
    if name == "jena":
        path = jena_file(folder)
        series = read_jena(path, repair=not is_published(path))
        counts, first = _jena(series, rows)
    else:
        counts, first = _PREVIEWS[name](folder, rows)
    return Preview(found.files, found.note, counts, first, series)


def _imdb(folder: Path, rows: int) -> CountsAndRows:
    counts: dict[str, int] = {}
    first: list[dict[str, Any]] = []
    for split in SPLITS:
        reviews = read_imdb(folder, split, raw=True)
        counts |= {
            N_("{split} reviews").format(split=split): len(reviews),
            N_("{split} positive").format(split=split): _positive(reviews),
        }
        first = first or [
            {"label": r.label, **_rating(r), "id": r.id, "text": r.text} for r in reviews[:rows]
        ]
    return counts, first


def _rating(review: Review) -> dict[str, int]:
    return {} if review.rating is None else {"rating": review.rating}


def _positive(reviews: list[Any]) -> int:
    return sum(review.label for review in reviews)


def _imdb_keras(folder: Path, rows: int) -> CountsAndRows:
    counts: dict[str, int] = {}
    first: list[dict[str, Any]] = []
    for split in SPLITS:
        ranked = read_keras_imdb(folder, split)
        counts |= {
            N_("{split} reviews").format(split=split): len(ranked.ranks),
            N_("{split} positive").format(split=split): int(ranked.labels.sum()),
        }
        first = first or [
            {"label": int(label), "ranks": list(ranks)}
            for ranks, label in islice(zip(ranked.ranks, ranked.labels, strict=True), rows)
        ]
    return counts, first


def _imdb_words(folder: Path, rows: int) -> CountsAndRows:
    index = read_word_index(folder)
    ranked = sorted((rank, word) for word, rank in index.items())
    return {"words": len(index)}, [{"rank": rank, "word": word} for rank, word in ranked[:rows]]


def _agnews(folder: Path, rows: int) -> CountsAndRows:
    counts: dict[str, int] = {}
    first: list[dict[str, Any]] = []
    for split in AGNEWS_SPLITS:
        items = read_agnews(folder, split)
        counts[N_("{split} items").format(split=split)] = len(items)
        labels = [item.label for item in items]
        counts |= {f"{split} {name}": labels.count(n) for n, name in enumerate(CLASSES)}
        first = first or [
            {"class": CLASSES[n.label], "title": n.title, "description": n.description}
            for n in items[:rows]
        ]
    return counts, first


def _sst2(folder: Path, rows: int) -> CountsAndRows:
    phrases = {split: read_sst2(folder, split) for split in SST2_SPLITS}
    return _labelled(phrases, N_("{split} phrases"), rows)


def _turkish(folder: Path, rows: int) -> CountsAndRows:
    texts = {split: read_turkish(folder, split) for split in TURKISH_SPLITS}
    return _labelled(texts, N_("{split} texts"), rows)


def _writing(name: str, folder: Path, rows: int) -> CountsAndRows:
    text = read_writing_text(folder, name)
    lines = text.splitlines()
    counts = {
        N_("lines"): len(lines),
        N_("characters"): len(text),
        N_("different characters"): len(set(text)),
    }
    return counts, [{"text": line} for line in lines[:rows]]


def _labelled(
    splits: Mapping[str, Sequence[tuple[str, int]]], texts: str, rows: int
) -> CountsAndRows:
    """The counts of each split's texts with a label, 1 for positive; the first rows of all."""
    counts: dict[str, int] = {}
    first: list[dict[str, Any]] = []
    for split, found in splits.items():
        positive = sum(label for _, label in found)
        counts |= {
            texts.format(split=split): len(found),
            N_("{split} positive").format(split=split): positive,
        }
        first = first or [{"label": label, "text": text} for text, label in found[:rows]]
    return counts, first


def _jena(series: JenaSeries, rows: int) -> CountsAndRows:
    counts = {
        N_("rows"): len(series),
        N_("columns"): len(series.columns),
        N_("minutes between rows"): series.interval,
        N_("values of -9999"): series.sentinels,
        N_("repeated times"): series.repeats,
        N_("gaps"): series.gaps,
        N_("rows missing in gaps"): series.missing,
    }
    first = [
        {TIME: str(time).replace("T", " ")}
        | dict(zip(series.columns, values.tolist(), strict=True))
        for time, values in islice(zip(series.times, series.data, strict=True), rows)
    ]
    return counts, first


_PREVIEWS: Final[dict[str, Callable[[Path, int], CountsAndRows]]] = {
    "imdb": _imdb,
    "imdb-keras": _imdb_keras,
    "imdb-words": _imdb_words,
    "agnews": _agnews,
    "sst2": _sst2,
    "turkish": _turkish,
    "names": partial(_writing, "names"),
    "shakespeare": partial(_writing, "shakespeare"),
}
