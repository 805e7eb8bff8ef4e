"""The stand-in behaves as CuPy: what it refuses, and what it records."""

from __future__ import annotations

import importlib
import sys

import numpy as np
import pytest
from kernels import standin
from kernels.standin import record

ROWS = np.arange(12, dtype=np.float32).reshape(3, 4)


def test_it_is_cupy_only_while_it_is_installed():
    with standin.install() as module:
        assert importlib.import_module("cupy") is module
        assert importlib.import_module("cupy.cuda") is module.cuda
    assert sys.modules.get("cupy") is not module


def test_the_settings_and_the_record_are_fresh_for_each_test():
    with standin.install("reversed", watch_races=True) as module:
        assert (standin.schedule, standin.races) == ("reversed", True)
        module.asarray(ROWS)
    with standin.install():
        assert (standin.schedule, standin.races) == ("round-robin", False)
        assert not record.uploads


@pytest.mark.parametrize(
    "leak",
    [
        lambda xp, a: a + ROWS,
        lambda xp, a: ROWS + a,
        lambda xp, a: a @ ROWS.T,
        lambda xp, a: np.asarray(a),
        lambda xp, a: np.array(a),
        lambda xp, a: xp.matmul(a, ROWS.T),
        lambda xp, a: xp.concatenate([a, ROWS]),
        lambda xp, a: np.concatenate([a, ROWS]),
        lambda xp, a: np.multiply(ROWS, a),
        lambda xp, a: a[np.array([0, 1])],
        lambda xp, a: a.__setitem__(0, ROWS[0]),
        lambda xp, a: a.__setitem__(0, [1, 2, 3, 4]),
        lambda xp, a: a.dot(ROWS.T),
        lambda xp, a: a * [1, 2, 3, 4],
        lambda xp, a: xp.exp([1.0, 2.0]),
        lambda xp, a: xp.where(ROWS > 1, a, 0),
        lambda xp, a: xp.add(a, a, where=a > 1),
    ],
)
def test_what_cupy_refuses_is_a_type_error(xp, leak):
    with pytest.raises(TypeError):
        leak(xp, xp.asarray(ROWS))


@pytest.mark.parametrize("values", [["a"], [None], [{}], [np.datetime64("2020-01-01")]])
def test_arrays_contain_only_numbers(xp, values):
    with pytest.raises(TypeError, match="not a type of CuPy"):
        xp.array(values)


def test_missing_names_are_attribute_errors(xp):
    with pytest.raises(AttributeError):
        xp.no_such_function  # noqa: B018
    with pytest.raises(AttributeError):
        xp.errstate  # noqa: B018


@pytest.mark.parametrize(
    ("waits", "operation"),
    [
        (lambda xp, a: float(a.sum()), "float()"),
        (lambda xp, a: int(a.sum()), "int()"),
        (lambda xp, a: bool((a > 0).any()), "bool()"),
        (lambda xp, a: [0, 1][(a > 99).any()], "index()"),
        (lambda xp, a: a.max().item(), "item()"),
        (lambda xp, a: a.get(), "get()"),
        (lambda xp, a: xp.asnumpy(a), "get()"),
        (lambda xp, a: a.tolist(), "tolist()"),
        (lambda xp, a: a[a > 3], "indexing by a mask"),
        (lambda xp, a: xp.flatnonzero(a), "flatnonzero()"),
        (lambda xp, a: xp.cuda.Stream.null.synchronize(), "Stream.synchronize()"),
        (lambda xp, a: xp.cuda.Device().synchronize(), "Device.synchronize()"),
    ],
)
def test_a_wait_is_recorded_once_with_its_line(xp, waits, operation):
    a = xp.asarray(ROWS)
    try:
        waits(xp, a)
    except TypeError:  # a bool array is no index, but was read
        assert operation == "index()"
    ((what, where),) = record.syncs
    assert what == operation
    assert where.startswith("test_standin.py:")


def test_operations_neither_wait_nor_upload(xp):
    a = xp.zeros((3, 4), dtype=xp.float32)
    b = xp.full((4, 3), 2, np.float32)
    c = xp.matmul(a, b) + np.float32(1) * 3
    c += c.mean(axis=0, keepdims=True)
    c[1:, 0] = 0
    xp.tanh(c, out=c)
    xp.add.at(c, (xp.arange(2), xp.arange(2)), 1)
    xp.where(c > 0, c, xp.zeros_like(c)).T.copy()
    np.concatenate([c, c], axis=1).astype(np.float64)
    assert len(c) == len(list(c)) == 3  # rows are views
    assert not record.syncs
    assert not record.uploads


@pytest.mark.parametrize(
    "send",
    [
        lambda xp: xp.asarray(ROWS),
        lambda xp: xp.array(ROWS),
        lambda xp: xp.asarray(ROWS.tolist(), dtype=np.float32),
        lambda xp: np.asarray(ROWS, like=xp.zeros(1)),
        lambda xp: xp.zeros((3, 4), np.float32).set(ROWS),
    ],
)
def test_an_upload_is_recorded_in_bytes(xp, send):
    send(xp)
    assert [nbytes for nbytes, _ in record.uploads] == [48]
    assert record.uploads[0][1].startswith("test_standin.py:")


def test_a_device_array_is_not_uploaded_again(xp):
    a = xp.asarray(ROWS)
    assert xp.asarray(a) is a
    copied = xp.array(a)
    copied[0] = 7
    np.testing.assert_array_equal(a.get(), ROWS)
    assert len(record.uploads) == 1


def test_host_and_device_share_no_memory(xp):
    mine = ROWS.copy()
    a = xp.asarray(mine)
    mine[:] = 0
    a.get()[:] = 0
    np.testing.assert_array_equal(a.get(), ROWS)


def test_a_reduction_gives_an_array_and_views_share_memory(xp):
    a = xp.asarray(ROWS)
    assert isinstance(a.sum(), xp.ndarray)
    assert isinstance(xp.argmax(a), xp.ndarray)
    assert isinstance(xp.allclose(a, a), xp.ndarray)
    view = a[1:]
    view *= 0
    assert a.get()[1:].sum() == 0
    assert np.add(a, 1, out=a) is a


def test_overflow_is_no_warning(xp):
    a = xp.asarray(ROWS)
    assert np.isnan((a / 0 - a / 0).get()).all()
    assert np.isinf(xp.exp(a * 1000).max().item())
    assert np.isinf(xp.full(2, 3e38, np.float32).sum().item())


def test_numpy_s_functions_create_arrays_like_a_device_array(xp):
    a = xp.asarray(ROWS)
    for made in (
        np.zeros(3, like=a),
        np.empty((2, 2), like=a),
        np.ones_like(a),
        np.arange(3, like=a),
    ):
        assert isinstance(made, xp.ndarray)
    assert np.zeros(3, np.float32, like=a).dtype == np.float32
    assert xp.get_array_module(a) is xp
    assert xp.get_array_module(ROWS) is np


def test_a_launch_is_recorded_by_name(xp, trial):
    trial("write_at")((1,), (1,), (xp.zeros(1, np.float32), np.int32(0)))
    assert record.launches == ["write_at"]
    assert not record.syncs


def test_the_device_has_its_properties(xp):
    assert xp.cuda.is_available()
    assert xp.cuda.runtime.getDeviceProperties(0)["name"] == b"emulated card"
    assert xp.cuda.nvrtc.getVersion() >= (12, 0)
    with xp.cuda.Device(0) as device:
        assert device.compute_capability == "90"


@pytest.mark.skipif(standin.real_cupy() is None, reason="CuPy is not installed")
def test_names_that_cupy_lacks_are_reported_at_the_end():
    names = ["add.at", "matmul(out)", "ndarray.sum", "linalg.norm", "asarray(dtype)"]
    assert standin.missing_from_cupy(names) == []
    wrong = ["nanargwhere", "sum(where)", "ndarray.nansum", "add.where_at"]
    assert standin.missing_from_cupy(wrong) == sorted(wrong)
    with pytest.raises(AssertionError, match=r"CuPy has no sum\(where\)"), standin.install() as xp:
        xp.sum(xp.ones(3), where=xp.ones(3, np.bool_))
