"""Exported nets against what Keras, PyTorch, ONNX Runtime and JAX compute with their files."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pytest
from interop.make_exports import (
    FILE,
    NETS,
    RUNNERS,
    can_say,
    digest,
    files_of,
    ours,
    params_of,
    part_params,
    parts_of,
    results,
)

CLOSE = {"rtol": 1e-5, "atol": 1e-5}
#: Nets that are computed anew by the frameworks where these are installed.
LIVE = (
    "rnn, bidirectional", "lstm, stacked", "gru, no bias", "gru-2014, sum", "lstm-peephole",
    "lstm-projection", "mingru", "hidden layer", "bidirectional, plain, end",
    "labels, each by itself",
)  # fmt: skip


@cache
def stored() -> dict[str, Any]:
    """The entries of the file: outputs as lists, and digests as JSON."""
    with np.load(FILE) as archive:
        found: dict[str, Any] = json.loads(str(archive["results"]))
    return found


def test_every_net_is_in_the_file_for_every_target_that_can_say_it() -> None:
    expected = {
        f"{name}/{target}/{part}"
        for name in NETS
        for target in RUNNERS
        for part, spec in parts_of(name).items()
        if can_say(spec, target) and not (part and target == "jax")
    }
    assert {key for key in stored() if not key.endswith("/files")} == expected
    assert {key.removesuffix("/files") for key in stored() if key.endswith("/files")} == expected


@pytest.mark.parametrize("name", NETS)
def test_the_frameworks_compute_what_rnnviz_computes(name: str) -> None:
    """The outputs, and those of every layer at every step."""
    for part, spec in parts_of(name).items():
        found = ours(spec, params_of(name))
        for target in RUNNERS:
            entry = stored().get(f"{name}/{target}/{part}")
            if entry is not None:
                compared = found[: len(entry)]  # JAX reads the first sequence
                np.testing.assert_allclose(compared, entry, **CLOSE, err_msg=f"{target} {part}")


@pytest.mark.parametrize("name", NETS)
def test_what_is_written_is_what_the_frameworks_read(name: str) -> None:
    pytest.importorskip("h5py")
    pytest.importorskip("onnx")
    spec = NETS[name]
    for target in RUNNERS:
        entry = stored().get(f"{name}/{target}//files")
        if entry is not None:
            files = files_of(spec, part_params(spec, params_of(name)), target)
            written = {key: digest(key, data) for key, data in files.items()}
            assert written == json.loads(entry), target


@pytest.mark.live
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", LIVE)
@pytest.mark.parametrize(
    ("target", "package"),
    [("keras", "keras"), ("pytorch", "torch"), ("onnx", "onnxruntime"), ("jax", "jax")],
)
def test_the_frameworks_still_compute_that(name: str, target: str, package: str) -> None:
    pytest.importorskip(package)
    for key, array in results(name, target).items():
        if array.dtype.kind != "U":
            np.testing.assert_allclose(array, stored()[key], **CLOSE, err_msg=key)
