"""The batches have the shapes and the lengths of the lessons, and are the same everywhere."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from rnnviz.bench.peers.worker import BenchJob
from rnnviz.bench.workloads import IMDB_LENGTHS, WORKLOADS, batches, write
from rnnviz.data.imdb import read_imdb
from rnnviz.engine.spec import EmbeddingSpec, ModelSpec

words = pytest.mark.parametrize("name", [n for n, w in WORKLOADS.items() if w.lengths])


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_batch_has_the_shape_that_is_printed(name: str) -> None:
    workload = WORKLOADS[name]
    for inputs, y in batches(workload, 2):
        assert inputs.shape[:2] == (workload.steps, workload.batch)
        words, every = isinstance(workload.spec.source, EmbeddingSpec), name == "shakespeare-lstm"
        assert inputs.shape[2:] == (() if words else (14,))
        assert y.shape == (inputs.shape if every else (workload.batch,))


def test_the_targets_of_every_step_are_the_next_characters() -> None:
    (inputs, y), *_ = batches(WORKLOADS["shakespeare-lstm"], 1)
    np.testing.assert_array_equal(y[:-1], inputs[1:])
    assert 0 <= inputs.min() and inputs.max() == 64


@words
def test_a_text_is_padded_on_its_side_and_has_ids_of_the_vocabulary(name: str) -> None:
    workload = WORKLOADS[name]
    for ids, _ in batches(workload, 2):
        real = ids != 0
        change = np.diff(real.astype(int), axis=0)
        assert (change >= 0).all() if workload.padding == "front" else (change <= 0).all()
        assert real.any(0).all()
        assert ids.min() == 0 and 2 <= ids[real].min()
        assert ids.max() < workload.spec.source.vocabulary  # type: ignore[union-attr]


def test_the_same_batches_come_every_time_and_others_with_another_seed() -> None:
    workload = WORKLOADS["imdb-gru"]
    first, again, other = (next(batches(workload, 1, seed))[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_lengths_are_those_of_imdb() -> None:
    """Median 174 and mean 218 when cut at 500, as in the 25,000 training reviews."""
    lengths = np.concatenate([(x != 0).sum(0) for x, _ in batches(WORKLOADS["imdb-rnn"], 16)])
    assert abs(np.median(lengths) - 174) < 12
    assert abs(lengths.mean() - 218) < 12


@pytest.mark.skipif("RNNVIZ_DATA" not in os.environ, reason="needs the data sets")
def test_the_quantiles_are_those_of_the_file() -> None:
    """The way words are counted moves them a little."""
    counted = [len(r.text.split()) for r in read_imdb(Path(os.environ["RNNVIZ_DATA"]), "train")]
    real = np.quantile(counted, np.linspace(0, 1, len(IMDB_LENGTHS)))
    np.testing.assert_allclose(IMDB_LENGTHS[1:-1], real[1:-1], rtol=0.03)


def test_resized_texts_grow_with_the_sequence() -> None:
    half = WORKLOADS["imdb-lstm"].resized(250, 64)
    ids, _ = next(batches(half, 1))
    assert ids.shape == (250, 64)
    whole = np.mean([(x != 0).mean() for x, _ in batches(WORKLOADS["imdb-lstm"], 4)])
    assert abs((ids != 0).mean() - whole) < 0.1


def test_a_worker_reads_the_job_that_was_written(tmp_path: Path) -> None:
    workload = WORKLOADS["agnews-bilstm"].resized(5, 3)
    write(workload, tmp_path / "job.npz", count=2)
    job = BenchJob.read(tmp_path / "job.npz")
    assert ModelSpec.from_json(job.spec) == workload.spec
    assert (job.optimizer, job.rate, job.masked) == ("adam", 1e-3, True)
    assert job.inputs.shape == (2, 5, 3) and job.y.shape == (2, 3)
    assert {"embedding", "layers.1.backward.b", "head.W"} <= job.weights.keys()
    np.testing.assert_array_equal(job.inputs[0], next(batches(workload, 2))[0])
    json.dumps(job.spec)
