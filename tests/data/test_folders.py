"""Where data is looked for, what a missing or damaged set is told as, and what the samples hold."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import platformdirs
import pytest

from rnnviz.data import folders
from rnnviz.data.agnews import read_agnews
from rnnviz.data.catalogue import DATA_SETS, local_files
from rnnviz.data.folders import SAMPLE, data_errors, requested_folder, require_folder, sha256
from rnnviz.data.imdb import read_imdb
from rnnviz.errors import InvalidFileError, MissingError
from rnnviz.files import assets


def test_the_flag_wins_over_the_variable_and_the_variable_over_the_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platformdirs, "user_data_dir", lambda name: str(tmp_path / name))
    monkeypatch.delenv(folders.FOLDER_VARIABLE, raising=False)
    assert requested_folder(None) == tmp_path / "rnnviz/data"
    monkeypatch.setenv(folders.FOLDER_VARIABLE, str(tmp_path / "variable"))
    assert requested_folder(None) == tmp_path / "variable"
    assert (
        requested_folder(str(tmp_path / "flag"))
        == requested_folder(tmp_path / "flag")
        == tmp_path / "flag"
    )
    assert requested_folder("~/x") == Path.home() / "x"


def test_sample_is_the_folder_in_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    assert require_folder(SAMPLE) == assets() / "samples"
    monkeypatch.setenv(folders.FOLDER_VARIABLE, SAMPLE)
    assert require_folder(None) == assets() / "samples"


def test_a_folder_that_is_not_there_says_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"no data folder .*/none(.|\n)*data fetch(.|\n)*sample"):
        require_folder(tmp_path / "none")


def test_missing_and_damaged_data_get_their_exit_codes() -> None:
    with pytest.raises(MissingError, match="rnnviz data fetch jena"), data_errors("jena"):
        raise FileNotFoundError("x is missing")
    with pytest.raises(InvalidFileError, match="x, line 3"), data_errors("jena"):
        raise ValueError("x, line 3: no")


def test_the_hash_of_a_folder_is_of_names_and_content(tmp_path: Path) -> None:
    seen = set()
    for name, content in [("a", b"1"), ("a", b"2"), ("b", b"2")]:
        folder = tmp_path / f"{len(seen)}"
        folder.mkdir()
        (folder / name).write_bytes(content)
        seen.add(sha256(folder))
    assert len(seen) == 3


@pytest.mark.parametrize(
    "name", [name for name in DATA_SETS if name not in ("imdb-keras", "turkish")]
)
def test_the_samples_hold_something_of_every_data_set(name: str) -> None:
    there = local_files(name, require_folder(SAMPLE))
    assert there.files
    # Of Jena it is no sample.
    assert there.note == ("one row an hour, 12 of 14 columns" if name == "jena" else "sample")
    assert not there.official


def test_sample_reviews_are_balanced_and_as_in_the_original() -> None:
    for split, number in (("train", 500), ("test", 250)):
        reviews = read_imdb(require_folder(SAMPLE), split, raw=True)
        assert len(reviews) == number
        assert sum(review.label for review in reviews) == number // 2
        assert any("<br />" in review.text for review in reviews)


def test_sample_news_have_all_classes_in_about_equal_parts() -> None:
    for split, number in (("train", 2400), ("test", 600)):
        counts = np.bincount([item.label for item in read_agnews(require_folder(SAMPLE), split)])
        assert counts.sum() == number
        assert counts.min() > 0.9 * number / 4


def test_samples_are_small_and_made_the_same_every_time() -> None:
    files = [path for path in require_folder(SAMPLE).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 3_500_000
    packed = [path for path in files if path.suffix == ".gz"]
    assert len(packed) == 7
    for path in packed:
        assert path.read_bytes()[4:8] == bytes(4), path  # no time
        assert gzip.decompress(path.read_bytes())
