"""The shipped models are right: on SST-2's validation sentences and on what people say aloud."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import rnnviz
from rnnviz.data.agnews import read_agnews
from rnnviz.data.batches import Texts
from rnnviz.data.folders import require_folder
from rnnviz.data.imdb import read_imdb
from rnnviz.data.sst2 import detokenize, read_sst2
from rnnviz.errors import UsageError
from rnnviz.model_files import StoredModel, assets, load
from rnnviz.recipes import find
from rnnviz.training.fit import evaluate

DEV = Path(__file__).parent.parent / "assets" / "dev"
#: At least: SST-2 validation accuracy, spoken sentences, pairs of "X" and "not X" (of 25).
AT_LEAST = {
    "sentiment-rnn": (0.79, 0.88, 21),
    "sentiment-lstm": (0.84, 0.95, 24),
    "sentiment-gru": (0.84, 0.95, 24),
    "sentiment-lstm-8": (0.83, 0.92, 23),
    "sentiment-lstm-slide": (0.83, 0.92, 21),
    "sentiment-mingru": (0.82, 0.91, 23),
}


@cache
def model(name: str) -> StoredModel:
    return load(name)


def rows(name: str) -> list[list[str]]:
    """The rows of a development list, without its header."""
    lines = (DEV / name).read_text("utf-8").splitlines()[1:]
    return [line.split("\t") for line in lines]


def positive(name: str, texts: list[str]) -> np.ndarray:
    return model(name).predict(texts)[:, 1] > 0.5


@pytest.mark.parametrize("name", AT_LEAST)
def test_sst2_validation_accuracy_is_reached_with_the_shipped_weights(name: str) -> None:
    # The sample holds the whole validation set.
    sentences = read_sst2(assets() / "samples", "validation")
    said = positive(name, [detokenize(text) for text, _ in sentences])
    accuracy = float((said == np.array([label == 1 for _, label in sentences])).mean())
    recorded = model(name).record["metrics"]["validation_accuracy"]
    print(f"{name}: SST-2 validation {accuracy:.4f}, recorded {recorded:.4f}")
    assert accuracy >= AT_LEAST[name][0]
    assert accuracy == pytest.approx(recorded, abs=0.0012)  # another BLAS may move one sentence


@pytest.mark.parametrize("name", AT_LEAST)
def test_spoken_sentences_are_understood(name: str) -> None:
    spoken = rows("spoken.tsv")
    said = positive(name, [text for text, _ in spoken])
    right = said == np.array([label == "1" for _, label in spoken])
    wrong = [text for (text, _), ok in zip(spoken, right, strict=True) if not ok]
    print(f"{name}: spoken {right.mean():.3f}, wrong: {wrong}")
    assert right.mean() >= AT_LEAST[name][1]


@pytest.mark.parametrize("name", AT_LEAST)
def test_not_turns_praise_around(name: str) -> None:
    pairs = rows("pairs.tsv")
    good = positive(name, [praise for praise, _ in pairs])
    turned = ~positive(name, [blame for _, blame in pairs])
    print(f"{name}: pairs {(good & turned).sum()} of {len(pairs)}")
    assert (good & turned).sum() >= AT_LEAST[name][2]


@pytest.mark.parametrize("name", ["sentiment-lstm", "sentiment-gru"])
def test_the_lecture_sentence_turns_at_not(name: str) -> None:
    this, opening, negated = positive_shares(name, ["this", "this movie was", "this movie was not"])
    assert 0.3 < this < 0.75
    assert 0.3 < opening < 0.7
    assert negated < opening
    assert positive_shares(name, ["this movie was not good"])[0] < 0.2


def positive_shares(name: str, texts: list[str]) -> list[float]:
    return [float(p) for p in model(name).predict(texts)[:, 1]]


@pytest.mark.parametrize("name", ["imdb-rnn", "imdb-lstm", "imdb-gru"])
def test_the_lectures_nets_judge_the_reviews_of_the_sample(name: str) -> None:
    """250 test reviews; padded in front and read whole, as they were trained."""
    reviews = read_imdb(assets() / "samples", "test", raw=True)
    said = positive(name, [review.text for review in reviews])
    accuracy = float((said == np.array([review.label == 1 for review in reviews])).mean())
    print(f"{name}: {accuracy:.3f} of {len(reviews)} sample reviews")
    assert accuracy > 0.8


def test_the_news_of_the_sample_are_told_apart() -> None:
    """600 test rows, title and description."""
    news = read_agnews(assets() / "samples", "test")
    said = model("agnews-bilstm").predict([f"{row.title} {row.description}" for row in news])
    accuracy = float((said.argmax(1) == [row.label for row in news]).mean())
    print(f"agnews-bilstm: {accuracy:.3f} of {len(news)} sample rows")
    assert accuracy > 0.85


@pytest.mark.skipif("RNNVIZ_DATA" not in os.environ, reason="needs the whole test sets")
@pytest.mark.parametrize("name", ["imdb-rnn", "imdb-lstm", "imdb-gru", "agnews-bilstm", "jena-gru"])
def test_float16_weights_reach_what_the_run_reached(name: str) -> None:
    stored = model(name)
    task = find(name).prepare(require_folder(None), None, 0, lambda text: None)
    if name == "agnews-bilstm":
        task = find(name).variants["all-words"](require_folder(None), None, 0, lambda text: None)
        texts = task.valid
        assert isinstance(texts, Texts)
        # The shipped net knows the frequent words only.
        known = len(stored.vocabulary)
        few = [[i if i < known else 1 for i in row] for row in texts.ids]
        found = evaluate(stored.model, replace(texts, ids=few))["accuracy"]
        recorded, within = stored.record["metrics"]["validation_accuracy"], 0.001
    else:
        assert task.test is not None
        key = "mae" if name == "jena-gru" else "accuracy"
        found = evaluate(stored.model, task.test)[key]
        recorded, within = stored.record["metrics"][f"test_{key}"], 0.001
    print(f"{name}: {found:.4f}, recorded {recorded:.4f}")
    assert found == pytest.approx(recorded, abs=within)


@pytest.mark.skipif("RNNVIZ_DATA" not in os.environ, reason="needs the whole test sets")
def test_whole_reviews_are_judged_as_the_record_says() -> None:
    """The texts as they are in the file, tags and Windows-1252 marks included."""
    reviews = sorted(read_imdb(require_folder(None), "test", raw=True), key=lambda r: len(r.text))
    said = np.concatenate(
        [positive("sentiment-lstm", [r.text for r in reviews[n : n + 250]])
         for n in range(0, len(reviews), 250)]
    )  # fmt: skip
    accuracy = float((said == np.array([review.label == 1 for review in reviews])).mean())
    recorded = model("sentiment-lstm").record["metrics"]["imdb_test_accuracy"]
    print(f"sentiment-lstm: IMDB test {accuracy:.5f}, recorded {recorded:.5f}")
    assert accuracy == pytest.approx(recorded, abs=0.0005)


def test_the_python_interface_says_what_it_takes() -> None:
    """One text is a text, several are a list; no letter is read as a text or as a clamp."""
    net = model("sentiment-lstm")
    for wrong in ("good", ["good", None]):
        with pytest.raises(UsageError, match="takes a list of texts"):
            net.predict(wrong)  # type: ignore[arg-type]
    assert net.predict([]).shape == (0, 2)
    for text in (None, ["not", "good"]):
        with pytest.raises(UsageError, match=r"text of step\(\) is a text"):
            rnnviz.step(text, model="sentiment-lstm")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="Give a model's name, a file"):
        rnnviz.step("a", model=None)
    with pytest.raises(UsageError, match="random is a seed"):
        rnnviz.step("good", random=-1)
    held = rnnviz.step("not good", clamps="f[*]=1")
    assert [str(clamp) for clamp in held.clamps] == ["lstm.f[*]=1"]
