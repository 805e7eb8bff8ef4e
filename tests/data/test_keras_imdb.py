"""Keras's npz is read without running anything that is in it."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnviz.data.keras_imdb import read_keras_imdb

RANKS = [[1, 14, 22, 88_584], [5], [], [30_000, 2]]


def header(shape: tuple[int, ...], descr: str = "|O") -> bytes:
    """The head of an .npy file."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": descr, "fortran_order": False, "shape": shape}
    )
    return file.getvalue()


def objects(rows: list[Any]) -> np.ndarray[Any, Any]:
    array = np.empty(len(rows), object)
    array[:] = rows
    return array


def write(folder: Path, x: bytes, y: Any = (1, 0, 1, 0), split: str = "train") -> Path:
    """An npz whose x is the header and then these bytes of pickle."""
    (folder / "imdb").mkdir(exist_ok=True)
    labels = io.BytesIO()
    np.save(labels, np.array(y))
    with zipfile.ZipFile(folder / "imdb/imdb.npz", "w") as archive:
        archive.writestr(f"x_{split}.npy", header((len(RANKS),)) + x)
        archive.writestr(f"y_{split}.npy", labels.getvalue())
    return folder


def test_a_file_written_by_numpy_gives_its_lists(tmp_path: Path) -> None:
    (tmp_path / "imdb").mkdir()
    lists, labels = objects(RANKS), np.array([1, 0, 1, 0])
    np.savez(
        tmp_path / "imdb/imdb.npz",
        x_train=lists, y_train=labels, x_test=lists[::-1], y_test=labels[::-1],
    )  # fmt: skip
    train, test = (read_keras_imdb(tmp_path, split) for split in ("train", "test"))
    assert train.ranks == tuple(map(tuple, RANKS))
    assert test.ranks == train.ranks[::-1]
    assert train.labels.tolist() == [1, 0, 1, 0]
    assert train.labels.dtype == np.int64


@pytest.mark.parametrize("protocol", range(2, 6))
@pytest.mark.parametrize("core", [b"numpy._core.multiarray", b"numpy.core.multiarray"])
def test_every_protocol_and_both_names_of_numpys_core(
    tmp_path: Path, protocol: int, core: bytes
) -> None:
    data = pickle.dumps(objects(RANKS), protocol)
    for name in (b"numpy._core.multiarray", b"numpy.core.multiarray"):
        old = b"\x8c" + bytes([len(name)]) + name  # the short string of protocol 4
        data = data.replace(old, b"\x8c" + bytes([len(core)]) + core)
        data = data.replace(b"c" + name + b"\n", b"c" + core + b"\n")
    if protocol >= 4:  # the frame's length has changed with the name
        data = data[:2] + data[11:]
    assert core in data
    assert read_keras_imdb(write(tmp_path, data), "train").ranks == tuple(map(tuple, RANKS))


class Evil:
    """Runs a function when it is unpickled."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("protocol", range(2, 6))
def test_a_pickle_that_runs_a_command_is_refused_and_nothing_runs(
    tmp_path: Path, protocol: int
) -> None:
    import os

    mark = tmp_path / "it-ran"
    attack = Evil(os.system, f"touch {mark}")
    for data in (pickle.dumps(attack, protocol), pickle.dumps(objects([attack] * 4), protocol)):
        with pytest.raises(ValueError, match=r"it wants to run (posix|nt)\.system"):
            read_keras_imdb(write(tmp_path, data), "train")
    assert not mark.exists()
    pickle.loads(pickle.dumps(attack, protocol))  # the attack is one
    assert mark.exists()


@pytest.mark.parametrize(
    "function", [eval, getattr, __import__, np.load, np.frombuffer, np.array, list, print]
)
def test_no_other_name_is_let_in(tmp_path: Path, function: Any) -> None:
    data = pickle.dumps(Evil(function, "1"), 4)
    with pytest.raises(ValueError, match="it wants to run"):
        read_keras_imdb(write(tmp_path, data), "train")


@pytest.mark.parametrize(
    "rows",
    [
        [[1], [2], [3], "four"],
        [[1], [2], [3], [-1]],
        [[1], [2], [3], [True]],
        [[1], [2], [3], [1.0]],
        [[1], [2], [3], [10**12]],
        [[1], [2], [3], [[4]]],
        [[1], [2], [3], (4,)],
        [[1], [2], [3], None],
    ],
)
def test_anything_but_lists_of_ranks_is_refused(tmp_path: Path, rows: list[Any]) -> None:
    with pytest.raises(ValueError, match="review 3 is not a list of word ranks"):
        read_keras_imdb(write(tmp_path, pickle.dumps(objects(rows), 4)), "train")


@pytest.mark.parametrize("found", [RANKS, {"items": RANKS}, 7, None, objects(RANKS[:3])])
def test_a_pickle_of_another_thing_is_refused(tmp_path: Path, found: Any) -> None:
    with pytest.raises(ValueError, match="4 lists are needed"):
        read_keras_imdb(write(tmp_path, pickle.dumps(found, 4)), "train")


@pytest.mark.parametrize("y", [(1, 0, 1), (1, 0, 1, 2), ((1, 0), (1, 0))])
def test_labels_must_be_one_a_review_and_0_or_1(tmp_path: Path, y: Any) -> None:
    with pytest.raises(ValueError, match="y_train must be 4 labels"):
        read_keras_imdb(write(tmp_path, pickle.dumps(objects(RANKS), 4), y), "train")


def test_pickled_labels_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path, pickle.dumps(objects(RANKS), 4), objects([1, 0, 1, 0]))
    with pytest.raises(ValueError, match="y_train: expected numbers, not object"):
        read_keras_imdb(folder, "train")


@pytest.mark.parametrize("keep", [0, 10, 300])
def test_a_cut_off_file_is_an_error(tmp_path: Path, keep: int) -> None:
    path = write(tmp_path, pickle.dumps(objects(RANKS), 4)) / "imdb/imdb.npz"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"imdb\.npz"):
        read_keras_imdb(tmp_path, "train")


def test_missing_file_split_and_member_are_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"imdb\.npz is missing"):
        read_keras_imdb(tmp_path, "train")
    with pytest.raises(ValueError, match="no split 'valid'"):
        read_keras_imdb(tmp_path, "valid")
    with pytest.raises(ValueError, match=r"x_test\.npy"):
        read_keras_imdb(write(tmp_path, b""), "test")


@given(st.binary(max_size=200))
def test_any_bytes_instead_of_the_pickle_are_an_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    folder = write(tmp_path_factory.mktemp("keras"), data)
    with pytest.raises(ValueError, match=r"imdb\.npz"):
        read_keras_imdb(folder, "train")


@given(st.data())
def test_any_flipped_byte_gives_lists_of_ranks_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    good = bytearray(pickle.dumps(objects(RANKS), 4))
    good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    folder = write(tmp_path_factory.mktemp("keras"), bytes(good))
    try:
        found = read_keras_imdb(folder, "train")
    except ValueError:
        return
    assert len(found.ranks) == 4
    assert all(type(rank) is int for row in found.ranks for rank in row)
