"""Inputs that are no words: ids, typed numbers, files of numbers, one-hot vectors."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from rnnviz.data.encoders import Encoder, encoder_fields, read_encoder
from rnnviz.data.number_files import MAX_ROWS, read_numbers
from rnnviz.data.one_hot import OneHot
from rnnviz.data.token_ids import TokenIds
from rnnviz.data.vectors import Vectors
from rnnviz.data.vocabulary_files import vocabulary_of
from rnnviz.errors import InvalidFileError, UsageError


def test_ids_as_they_are_typed_and_printed() -> None:
    """Spaces, commas, brackets, and the tokens themselves."""
    ids = TokenIds(30)
    for text in ("14 20 16", "[14, 20, 16]", "#14 #20 #16", "14,20;16"):
        assert ids.read(text) == (["#14", "#20", "#16"], [14, 20, 16])
    assert ids.read("") == ([], [])
    assert all(ids.known(token) for token in ids.tokenize(ids.example))
    with pytest.raises(UsageError, match="30 is too large: this net has ids from 0 to 29"):
        ids.read("3 30")
    with pytest.raises(UsageError, match="'good' is no id"):
        ids.read("3 good")


def test_numbers_as_they_are_typed() -> None:
    """As in nets by hand; wide steps are shown by their position."""
    tokens, x = Vectors(2).read("1 .5; 0 -1")
    np.testing.assert_array_equal(x, np.array([[1, 0.5], [0, -1]], np.float32))
    assert tokens == ["(1, 0.5)", "(0, -1)"]
    assert Vectors(1).read("1 0 0.25")[0] == ["1", "0", "0.25"]
    assert Vectors(5).read("[[1 2 3 4 5], [6 7 8 9 10]]")[0] == ["x1", "x2"]
    again = Vectors(2).read(Vectors(2).text(x))[1]
    np.testing.assert_array_equal(again, x)


def test_random_numbers_are_the_same_each_time() -> None:
    """A seed, a number of steps; both may be left out."""
    net = Vectors(3)
    np.testing.assert_array_equal(net.read("random")[1], net.read("random 8 0")[1])
    assert net.read("random 5 1")[1].shape == (5, 3)
    assert (net.read("random 5 1")[1] != net.read("random 5 2")[1]).any()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("good", "reads numbers, not words"),
        ("1 2 3", "Step 1 has 3 numbers; this net reads 2"),
        ("1 2; 3", "Step 2 has 1 number;"),
        ("", "no number"),
        ("random 0", "no step"),
    ],
)
def test_numbers_that_do_not_fit(text: str, message: str) -> None:
    """The step, and what to type instead."""
    with pytest.raises(UsageError, match=message):
        Vectors(2).read(text)


def npz(**arrays: np.ndarray) -> bytes:
    """The bytes of a .npz."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def npy(array: np.ndarray) -> bytes:
    """The bytes of a .npy."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


X = np.array([[1, 0.5], [0, -1], [2, 3]])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.csv", b"a,b\n1,0.5\n0,-1\n2,3\n"),
        ("x.csv", b"\xef\xbb\xbf1;0.5\r\n0;-1\r\n2;3\r\n"),
        ("x.csv", b"1,0;0,5\r\n0;-1\r\n2;3;\r\n"),
        ("x.csv", b'a,b\n"1,0","0,5"\n0, -1\n2,3\n'),
        ("x.tsv", b"1\t.5\n0\t-1\n\n2\t3"),
        ("x.tsv", b"1\t0,5\n0,0\t-1\n2\t3"),
        ("x.txt", b"# made by hand\n1 .5\n0  -1\n2 3\n"),
        ("x.json", b"[[1, 0.5], [0, -1], [2, 3]]"),
        ("x.json", b'{"x": [[1, 0.5], [0, -1], [2, 3]]}'),
        ("x.npy", npy(X)),
        ("x.npy", npy(X.astype(np.float32)[None])),
        ("x.npz", npz(x=X)),
    ],
)
def test_files_of_numbers(tmp_path: Path, name: str, content: bytes) -> None:
    """All of them hold the same three steps."""
    path = tmp_path / name
    path.write_bytes(content)
    np.testing.assert_array_equal(read_numbers(path, 2), X)
    tokens, x = Vectors(2).read(f"@{path}")
    assert (len(tokens), x.dtype) == (3, np.float32)


def test_one_column_and_one_row(tmp_path: Path) -> None:
    """A flat array is T steps of a net of one number, and one step of any other."""
    path = tmp_path / "x.npy"
    path.write_bytes(npy(np.arange(4.0)))
    assert read_numbers(path, 1).shape == (4, 1)
    assert read_numbers(path, 4).shape == (1, 4)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", b"1,2\n3,x\n", "line 2: 'x' is not a number"),
        ("x.csv", b"1,5;2,5;3\n3,5;4,5;1\n", r"has the shape \(2, 3\)"),
        ("x.csv", b"1,5 2,5\n3,5 4,5\n", "line 2: '5 4' has a space"),
        ("x.csv", b'"1,234",2\n3,4\n', "line 1: the comma in '1,234' may separate thousands"),
        ("x.csv", "1,2\n".encode("utf-16"), "it is not text in UTF-8"),
        ("x.csv", b"1,2\n3\n", "line 2 has 1 numbers, those above 2"),
        ("x.csv", b"a,b\n", "no number"),
        ("x.csv", b"1,2,3\n", r"this net reads 2 numbers a step"),
        ("x.csv", b"1,2\n3,nan\n", "step 2 has a number that is not finite"),
        ("x.csv", b"1,2\n" * (MAX_ROWS + 1), "more than 10,000 steps"),
        ("x.json", b'[[1, 2], [3, "x"]]', "row 2: 'x' is not a number"),
        ("x.json", b"[[1, 2], [3]]", "x.json is not a usable file of numbers"),
        ("x.json", b"3", "expected a list"),
        ("x.npy", b"\x93NUMPY", "x.npy is not a usable"),
        ("x.npy", npy(np.array(["a", "b"])), "not numbers"),
        ("x.npy", npy(np.array([{}], object)), "expected numbers"),
        ("x.npy", npy(np.zeros((2, 3, 2))), "2 sequences"),
        ("x.npz", npz(a=X, b=X), r"2 arrays \(a, b\)"),
        ("x.npz", b"PK", "x.npz is not a usable"),
    ],
)
def test_files_that_are_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    """With the line or the step."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InvalidFileError, match=message):
        read_numbers(path, 2)


def test_names_and_sizes_that_lie(tmp_path: Path) -> None:
    """A missing file, an unknown ending, a small archive that unpacks to gigabytes."""
    with pytest.raises(UsageError, match="no file"):
        read_numbers(tmp_path / "x.csv", 2)
    with pytest.raises(UsageError, match="read from"):
        read_numbers(tmp_path / "x.wav", 2)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (400_000_000,)}
    )
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", header.getvalue() + bytes(150_000_000))
    with pytest.raises(InvalidFileError, match="unpacks to more than"):
        read_numbers(tmp_path / "x.npz", 2)


def test_one_hot_vectors() -> None:
    """A row for each character, 1 at its id; what the vocabulary lacks is left out."""
    net = OneHot(vocabulary_of(["a", "b", " "], "characters"), 4)
    tokens, ids, x = net.read("ab xa")
    assert (tokens, ids) == (["a", "b", " ", "a"], [0, 1, 2, 0])
    np.testing.assert_array_equal(x, np.eye(4)[[0, 1, 2, 0]])
    with pytest.raises(ValueError, match="3 entries, a vector 2"):
        OneHot(vocabulary_of(["a", "b", "c"], "characters"), 2)


@pytest.mark.parametrize(
    "encoder",
    [TokenIds(7), Vectors(3), OneHot(vocabulary_of(["a", "b"], "characters"), 2),
     vocabulary_of(["<unk>", "a"], "spaces")],
)  # fmt: skip
def test_encoders_in_the_json_of_a_model(encoder: Encoder) -> None:
    """Written and read again."""
    assert read_encoder(json.loads(json.dumps(encoder_fields(encoder)))) == encoder


@pytest.mark.parametrize(
    "fields",
    [
        {"ids": 3},
        {"ids": {"size": 0}},
        {"vectors": {"width": "x"}},
        {"one_hot": []},
        {"one_hot": {"width": 1, "vocabulary": ["", "[UNK]"]}},
    ],
)
def test_damaged_encoders(fields: dict[str, object]) -> None:
    """A ValueError, which the loader turns into an invalid file."""
    with pytest.raises(ValueError):
        read_encoder(fields)
