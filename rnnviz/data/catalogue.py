"""The known data sets: their origin and terms, and which of their files are in a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from rnnviz.errors import InvalidFileError, UsageError, nearest
from rnnviz.files import assets
from rnnviz.messages import N_, _

_KERAS: Final = "https://storage.googleapis.com/tensorflow/tf-keras-datasets"
_AGNEWS: Final = "https://raw.githubusercontent.com/mhjabreel/CharCnn_Keras/master/data/ag_news_csv"


@dataclass(frozen=True)
class RemoteFile:
    """A file to download."""

    path: str  # in the data folder
    urls: tuple[str, ...]  # tried in this order
    size: int  # bytes, for the table and the progress bar; not checked
    hash: str | None  # "sha256:…"; None: none is published, and the content is checked instead


@dataclass(frozen=True)
class DataSet:
    """A data set: what it is, its files, and its authors' terms."""

    name: str
    title: str
    about: str
    files: tuple[RemoteFile, ...]
    licence: str  # in a few words
    terms: str
    citation: str
    home: str

    @property
    def size(self) -> int:
        """Bytes to download."""
        return sum(file.size for file in self.files)


@dataclass(frozen=True)
class LocalFiles:
    """The files of a data set in a folder; ``note`` says how they differ from the official ones."""

    files: tuple[Path, ...] = ()
    note: str = ""

    @property
    def official(self) -> bool:
        """Whether the files exist and are those that published results used."""
        return bool(self.files) and not self.note


_MAAS: Final = (
    "Andrew L. Maas, Raymond E. Daly, Peter T. Pham, Dan Huang, Andrew Y. Ng, Christopher Potts: "
    "Learning Word Vectors for Sentiment Analysis. ACL 2011."
)
_MAAS_TERMS: Final = N_("No formal licence; the authors ask to cite their paper.")
_MAAS_HOME: Final = "https://ai.stanford.edu/~amaas/data/sentiment/"

DATA_SETS: Final[dict[str, DataSet]] = {
    entry.name: entry
    for entry in (
        DataSet(
            "imdb",
            N_("IMDB reviews (Large Movie Review Dataset v1.0)"),
            N_("25,000 film reviews to train on and 25,000 to test on, half of them positive."),
            (
                RemoteFile(
                    "imdb/aclImdb_v1.tar.gz",
                    (_MAAS_HOME + "aclImdb_v1.tar.gz",),
                    84_125_825,
                    "sha256:c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
                ),
            ),
            N_("cite the paper"), _MAAS_TERMS, _MAAS, _MAAS_HOME,
        ),
        DataSet(
            "imdb-keras",
            N_("IMDB reviews as numbers (Keras's imdb.npz)"),
            N_("The same reviews as lists of word ranks, as keras.datasets.imdb loads them."),
            (
                RemoteFile(
                    "imdb/imdb.npz",
                    (f"{_KERAS}/imdb.npz",),
                    17_464_789,
                    "sha256:69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f",
                ),
            ),
            N_("cite the paper"), _MAAS_TERMS, _MAAS, "https://keras.io/api/datasets/imdb/",
        ),
        DataSet(
            "imdb-words",
            N_("IMDB word index (Keras)"),
            N_(
                "88,584 words with their rank by frequency: what the numbers of imdb-keras mean."
            ),
            (
                RemoteFile(
                    "imdb/imdb_word_index.json",
                    (f"{_KERAS}/imdb_word_index.json",),
                    1_641_221,
                    "md5:bfafd718b763782e994055a2d397834f",
                ),
            ),
            N_("cite the paper"), _MAAS_TERMS, _MAAS, "https://keras.io/api/datasets/imdb/",
        ),
        DataSet(
            "jena",
            N_("Jena weather station 2009-2016"),
            N_("14 measurements every 10 minutes over eight years, 420,551 rows."),
            (
                RemoteFile(
                    "jena/jena_climate_2009_2016.csv.zip",
                    (
                        f"{_KERAS}/jena_climate_2009_2016.csv.zip",
                        "https://s3.amazonaws.com/keras-datasets/jena_climate_2009_2016.csv.zip",
                    ),
                    13_568_290,
                    None,
                ),
            ),
            N_("CC BY 4.0 (as cited)"),
            N_(
                "CC BY 4.0 according to projects that cite the institute's pages: name the Max "
                "Planck Institute for Biogeochemistry, Jena, as the source."
            ),
            "Max Planck Institute for Biogeochemistry, Jena: weather station on the roof. Table "
            "prepared by Francois Chollet for Deep Learning with Python, 2017.",
            "https://www.bgc-jena.mpg.de/wetter/",
        ),
        DataSet(
            "agnews",
            N_("AG's news topics, version 3"),
            N_("120,000 news items to train on and 7,600 to test on, in four classes."),
            (
                RemoteFile(
                    "ag_news/train.csv",
                    (f"{_AGNEWS}/train.csv",),
                    29_470_338,
                    "sha256:76a0a2d2f92b286371fe4d4044640910a04a803fdd2538e0f3f29a5c6f6b672e",
                ),
                RemoteFile(
                    "ag_news/test.csv",
                    (f"{_AGNEWS}/test.csv",),
                    1_857_427,
                    "sha256:521465c2428ed7f02f8d6db6ffdd4b5447c1c701962353eb2c40d548c3c85699",
                ),
            ),
            N_("non-commercial"),
            N_("Provided for research purposes and any other non-commercial activity."),
            "Xiang Zhang, Junbo Zhao, Yann LeCun: Character-level Convolutional Networks for Text "
            "Classification. NIPS 2015. News gathered by Antonio Gulli.",
            "http://groups.di.unipi.it/~gulli/AG_corpus_of_news_articles.html",
        ),
        DataSet(
            "sst2",
            N_("Stanford Sentiment Treebank, two classes (GLUE)"),
            N_(
                "67,349 phrases and sentences of film reviews, and 872 sentences for validation."
            ),
            (
                RemoteFile(
                    "sst2/SST-2.zip",
                    ("https://dl.fbaipublicfiles.com/glue/data/SST-2.zip",),
                    7_439_277,
                    None,
                ),
            ),
            N_("research"),
            N_("Provided for research; cite the papers."),
            "Richard Socher et al.: Recursive Deep Models for Semantic Compositionality Over a "
            "Sentiment Treebank. EMNLP 2013. Split: Alex Wang et al.: GLUE. 2018.",
            "https://nlp.stanford.edu/sentiment/",
        ),
        DataSet(
            "turkish",
            N_("Turkish film reviews, two classes"),
            N_(
                "24,595 film reviews and sentences in Turkish, half of them positive: two "
                "collections, cleaned and split."
            ),
            (),
            N_("research"),
            N_(
                "Given for research; cite the papers. The labels are the writers' stars, and the "
                "texts are not to be passed on."
            ),
            "Cumali Turkmenoglu, A. C. Tantug: Sentiment Analysis in Turkish Media. WISDOM 2014. "
            "Cem Rifki Aydin et al.: Generating Word and Document Embeddings for Sentiment "
            "Analysis. CICLing 2019. Erkin Demirtas, Mykola Pechenizkiy: Cross-lingual polarity "
            "detection with machine translation. WISDOM 2013.",
            "",
        ),
        DataSet(
            "names",
            N_("First names"),
            N_("32,033 first names that are frequent in the United States, a to z."),
            (
                RemoteFile(
                    "text/names.txt",
                    ("https://raw.githubusercontent.com/karpathy/makemore/master/names.txt",),
                    228_145,
                    "sha256:0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d",
                ),
            ),
            N_("public domain"),
            N_("Names of the United States Social Security Administration, public domain."),
            "Gathered by Andrej Karpathy in makemore (MIT), 2022.",
            "https://github.com/karpathy/makemore",
        ),
        DataSet(
            "shakespeare",
            N_("Plays by Shakespeare (Tiny Shakespeare)"),
            N_("40,000 lines of plays, 1.1 million characters, 65 different ones."),
            (
                RemoteFile(
                    "text/tiny_shakespeare.txt",
                    (
                        "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/"
                        "tinyshakespeare/input.txt",
                    ),
                    1_115_394,
                    "sha256:86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
                ),
            ),
            N_("public domain"),
            N_("The plays are in the public domain."),
            "Gathered by Andrej Karpathy in char-rnn, 2015.",
            "https://github.com/karpathy/char-rnn",
        ),
    )
}  # fmt: skip


def data_set(name: str) -> DataSet:
    """The data set of that name; UsageError with the nearest name if there is none."""
    if name not in DATA_SETS:
        raise UsageError(
            _("Unknown data set {name!r}.{similar} Data sets: {names}.").format(
                name=name, similar=nearest(name, DATA_SETS), names=", ".join(DATA_SETS)
            )
        )
    return DATA_SETS[name]


def local_files(name: str, folder: Path) -> LocalFiles:
    """The files in a folder that the reader of a data set would read."""
    try:
        found = _LOCAL_FILES[name](folder)
    except FileNotFoundError:
        return LocalFiles(
            (), N_("the hourly table in the package is used") if name == "jena" else ""
        )
    except (ValueError, InvalidFileError):
        return LocalFiles(
            (), N_("what is here cannot be read; see: rnnviz data show {name}").format(name=name)
        )
    # Of Jena the package has more than a sample, and its note says what.
    sample = folder == assets() / "samples" and name != "jena"
    return LocalFiles(found.files, N_("sample")) if sample else found


def _unique(files: Iterable[Path]) -> tuple[Path, ...]:
    return tuple(dict.fromkeys(files))


def _imdb(folder: Path) -> LocalFiles:
    from rnnviz.data.imdb import SPLITS, has_official_split, imdb_source

    files = _unique(imdb_source(folder, split) for split in SPLITS)
    return LocalFiles(
        files, "" if has_official_split(folder) else N_("no official split, halved here")
    )


def _imdb_keras(folder: Path) -> LocalFiles:
    from rnnviz.data.keras_imdb import keras_file

    return LocalFiles((keras_file(folder),))


def _imdb_words(folder: Path) -> LocalFiles:
    from rnnviz.data.imdb_word_index import word_index_file

    return LocalFiles((word_index_file(folder),))


def _jena(folder: Path) -> LocalFiles:
    from rnnviz.data.jena import COLUMNS, HOURLY, HOURLY_COLUMNS, is_published, jena_file

    path = jena_file(folder)
    if path.name.startswith(HOURLY):
        return LocalFiles(
            (path,),
            N_("one row an hour, {hourly} of {count} columns").format(
                hourly=HOURLY_COLUMNS, count=len(COLUMNS)
            ),
        )
    return LocalFiles((path,), "" if is_published(path) else N_("other years"))


def _agnews(folder: Path) -> LocalFiles:
    from rnnviz.data.agnews import SPLITS, agnews_file

    files = _unique(agnews_file(folder, split) for split in SPLITS)
    return LocalFiles(files, N_("a part of the training set") if "subset" in files[0].name else "")


def _sst2(folder: Path) -> LocalFiles:
    from rnnviz.data.sst2 import SST2_SPLITS, sst2_file

    return LocalFiles(_unique(sst2_file(folder, split) for split in SST2_SPLITS))


def _turkish(folder: Path) -> LocalFiles:
    from rnnviz.data.turkish_reviews import LARGER, TURKISH_SPLITS, turkish_file

    files = _unique(turkish_file(folder, split) for split in TURKISH_SPLITS)
    return LocalFiles(files, "" if files[0].name.startswith(LARGER) else N_("the smaller tables"))


def _writing(name: str, folder: Path) -> LocalFiles:
    from rnnviz.data.writing_texts import writing_file

    return LocalFiles((writing_file(folder, name),))


_LOCAL_FILES: Final[dict[str, Callable[[Path], LocalFiles]]] = {
    "imdb": _imdb,
    "imdb-keras": _imdb_keras,
    "imdb-words": _imdb_words,
    "jena": _jena,
    "agnews": _agnews,
    "sst2": _sst2,
    "turkish": _turkish,
    "names": partial(_writing, "names"),
    "shakespeare": partial(_writing, "shakespeare"),
}
