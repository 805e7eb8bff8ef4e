"""What ``rnnviz train`` reaches on the sample in the package: a net that has learned "not"."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest

from rnnviz.files import assets
from rnnviz.model_files import StoredModel, load
from rnnviz.recipes.negated_words import OPENINGS, negated_phrases, polar_words
from rnnviz.runs import Run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run that ``rnnviz train`` makes, in some seven seconds; one thread, as in a command."""
    out = tmp_path_factory.mktemp("runs") / "run"
    command = [sys.executable, "-m", "rnnviz", "train", "--plain", "--out", str(out)]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    subprocess.run(command, check=True, env=environment, capture_output=True, timeout=600)
    return Run(out)


def positive(model: StoredModel, texts: Sequence[str]) -> np.ndarray:
    return model.predict(texts)[:, 1]


def test_it_says_the_right_thing_of_its_own_sentence(run: Run) -> None:
    texts = ("good", "not good", "this movie was good", "this movie was not good", "bad", "not bad")
    good, not_good, whole, not_whole, bad, not_bad = positive(run.load(), texts)
    assert min(good, whole) >= 0.8
    assert max(not_good, not_whole) <= 0.2
    assert bad < 0.5 < not_bad
    record = run.record()
    assert record["example"] in texts
    assert record["preparation"]["composed phrases"] > 3_000  # not of these words alone


def test_it_tells_pairs_apart_that_it_was_not_trained_on(run: Run) -> None:
    rows = (assets() / "dev" / "pairs.tsv").read_text("utf-8").splitlines()[1:]
    plain, negated = zip(*(row.split("\t") for row in rows), strict=True)
    model = run.load()
    told = (positive(model, plain) > 0.5) & (positive(model, negated) < 0.5)
    assert told.sum() >= 20  # of 25; 23 or 24 with the seeds 0, 1 and 2


def test_its_snapshots_pass_the_moment_at_which_not_begins_to_matter(run: Run) -> None:
    both = [positive(load(str(each.path)), ["good", "not good"]) for each in run.snapshots()]
    apart = np.array([good - not_good for good, not_good in both])
    assert apart[0] == pytest.approx(0, abs=0.05)
    assert apart[-1] > 0.6
    assert ((apart > 0.05) & (apart < 0.6)).sum() >= 4


def test_words_are_negated_that_are_said_of_something_under_one_label() -> None:
    phrases = [
        *[("the plot is dull".split(), 0)] * 4, *[("very funny".split(), 1)] * 3,
        *[("it is long".split(), 1)] * 3, *[("so long".split(), 0)] * 3,
        *[("a lovely film".split(), 1)] * 9, *[("it is not bright".split(), 0)] * 9,
        *[("is sweet".split(), 1)] * 17, *[("is sweet".split(), 0)] * 3,
    ]  # fmt: skip
    # "funny" is too rare, "long" is both, "lovely" is not predicated, "bright" is only negated.
    words = polar_words(phrases)
    assert words == {"dull": 0, "sweet": 1}
    composed = negated_phrases(words)
    assert len(composed) == 2 * 2 * len(OPENINGS)
    assert (["it", "was", "dull"], 0) in composed
    assert (["it", "was", "not", "dull"], 1) in composed
    assert (["not", "sweet"], 0) in composed
