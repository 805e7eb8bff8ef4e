"""The Turkish nets, on sentences that were written before they were trained."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from rnnviz.data.folders import FOLDER_VARIABLE
from rnnviz.data.turkish import token_key
from rnnviz.data.turkish_reviews import read_turkish
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.lookup import shipped
from rnnviz.model_files import StoredModel, load
from rnnviz.recipes.sentiment_tr import (
    SPOKEN,
    PositiveShares,
    negated_phrases,
)
from rnnviz.recipes.text_pools import spoken_rows
from rnnviz.recipes.turkish_vocabulary import turkish_vocabulary

REAL = os.environ.get(FOLDER_VARIABLE, "")
HERE = Path(__file__).parent
DEV = HERE.parent.parent / "assets" / "dev"
NETS = [name for name in ("sentiment-lstm-tr", "sentiment-gru-tr", "sentiment-rnn-tr")
        if name in shipped()]  # fmt: skip


@cache
def model(name: str) -> StoredModel:
    return load(name)


def rows(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in path.read_text("utf-8").splitlines()[1:]]


def positive(name: str, texts: list[str]) -> np.ndarray:
    return model(name).predict(texts)[:, 1] > 0.5


def words(text: str) -> tuple[str, ...]:
    """The words of a sentence, folded to ASCII."""
    plain = text.translate(str.maketrans("ışğçöüâîûİI", "isgcouaiuii")).lower()
    return tuple(re.findall(r"\w+", plain))


def same_template(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether two sentences are equal, or have two words or more and differ in one."""
    if len(one) != len(other):
        return False
    different = sum(a != b for a, b in zip(one, other, strict=True))
    return different == 0 or (different == 1 and len(one) > 1)


def test_no_sentence_of_the_lists_has_the_template_of_a_sentence_to_train_on() -> None:
    lists = [row[0] for row in rows(HERE / "turkish_sentences.tsv")]
    lists += [text for row in rows(HERE / "turkish_pairs.tsv") for text in row[:2]]
    lists += [row[0] for row in rows(DEV / "spoken_tr.tsv")]
    lists += [text for row in rows(DEV / "pairs_tr.tsv") for text in row]
    trained = [words(text) for text, _ in spoken_rows(SPOKEN)]
    shared = [
        (text, " ".join(other))
        for text in lists for other in trained if same_template(words(text), other)
    ]  # fmt: skip
    assert not shared


def test_the_default_net_is_shipped() -> None:
    assert "sentiment-lstm-tr" in NETS


@pytest.mark.parametrize("name", NETS)
def test_spoken_sentences_are_understood(name: str) -> None:
    spoken = rows(HERE / "turkish_sentences.tsv")
    is_positive = np.array([label in ("1", "positive") for _, label in spoken])
    right = positive(name, [text for text, _ in spoken]) == is_positive
    print(f"{name}: {right.sum()} of {len(spoken)} spoken sentences")
    assert len(spoken) == 60
    recorded = model(name).record["metrics"]["spoken_accuracy"]
    assert right.mean() == pytest.approx(recorded, abs=1.01 / 60)  # another BLAS may move one
    if name == "sentiment-lstm-tr":
        assert right.mean() >= 0.9


@pytest.mark.parametrize("name", NETS)
def test_a_negation_turns_a_sentence_around(name: str) -> None:
    pairs = rows(HERE / "turkish_pairs.tsv")
    plain = positive(name, [row[0] for row in pairs])
    negated = positive(name, [row[1] for row in pairs])
    is_positive = np.array([row[2] in ("1", "positive") for row in pairs])
    right = (plain == is_positive) & (negated != is_positive)
    print(f"{name}: {right.sum()} of {len(pairs)} pairs")
    assert len(pairs) == 20
    recorded = model(name).record["metrics"]["pairs_accuracy"]
    assert right.mean() == pytest.approx(recorded, abs=1.01 / 20)
    if name == "sentiment-lstm-tr":
        assert right.sum() >= 16


@pytest.mark.skipif(not REAL, reason=f"{FOLDER_VARIABLE} is not set")
@pytest.mark.parametrize("name", NETS)
def test_the_validation_accuracy_is_reached_with_the_shipped_weights(name: str) -> None:
    texts = read_turkish(Path(REAL), "validation")
    right = positive(name, [text for text, _ in texts]) == np.array([y == 1 for _, y in texts])
    print(f"{name}: validation accuracy {right.mean():.4f}")
    recorded = model(name).record["metrics"]["validation_accuracy"]
    assert right.mean() == pytest.approx(recorded, abs=0.0012)  # another BLAS may move a text
    if name == "sentiment-lstm-tr":
        assert right.mean() >= 0.895


@pytest.mark.parametrize("name", NETS)
def test_who_types_without_turkish_letters_gets_the_same_prediction(name: str) -> None:
    turkish = ["Hiç beğenmedim", "ÇOK SIKILDIM", "güzel değildi", "İyi"]
    plain = ["hic begenmedim", "cok sikildim", "guzel degildi", "iyi"]
    assert model(name).predict(turkish).tolist() == model(name).predict(plain).tolist()


@pytest.mark.parametrize("name", NETS)
def test_the_net_sees_the_negation_of_a_verb(name: str) -> None:
    stored = model(name)
    assert stored.tokenize("bu filmi hiç beğenmedim") == [
        "bu", "filmi", "hiç", "beğen", "-me", "-dim",
    ]  # fmt: skip
    assert isinstance(stored.vocabulary, Vocabulary)
    assert all(map(stored.vocabulary.known, stored.tokenize(stored.example)))
    for word in ("komedi", "izleme", "almak", "dondurma", "görmek", "sinemadan"):
        assert stored.tokenize(word) == [word]
    assert any("fena değil" in note for note in stored.notes)


def test_what_the_model_page_calls_wrong_is_wrong() -> None:
    """Its examples, each with what people mean by it."""
    notes = " ".join(model("sentiment-lstm-tr").notes)
    wrong = {
        "güzel olmayan bir şey yok": True, "kötü bir gün değildi": True, "ilgimi çekti": True,
        "bu film mi güzel": False,
    }  # fmt: skip
    assert all(text in notes for text in wrong)
    said = positive("sentiment-lstm-tr", [*wrong, "fena değil"])
    assert (said == [*(not meant for meant in wrong.values()), True]).all()


def test_the_vocabulary_has_spellings_with_turkish_letters_and_spoken_words() -> None:
    texts = ["hiç sevmedim", "hic sevmedim", "sevdim", "sevmek sevmesi seviyor sevmiş"] * 30
    vocabulary = turkish_vocabulary([*texts, *["kahve"] * 3, *["çay"] * 9], ["kahve"], 12)
    assert "hiç" in vocabulary.words
    assert "kahve" in vocabulary.words
    assert vocabulary.read("HIC SEVMEDIM")[1] == vocabulary.read("hiç sevmedim")[1]
    assert vocabulary.tokenize("sevmedim sevdim") == ["sev", "-me", "-dim", "sev", "-dim"]
    stems = vocabulary.encoding.stems or ()
    assert [vocabulary.words[k] for k in stems] == ["sev"]


def test_negated_phrases_have_the_class_opposite_to_that_of_their_word() -> None:
    good, bad = ["güzel", "film"], ["berbat", "film"]
    turned = ["hiç", "berbat", "değil", "-di"]
    shares = PositiveShares([(good, 1), (bad, 0), (turned, 1)] * 20)
    assert shares.logit("guzel") > 1
    assert shares.logit("berbat") < -1  # where it is not negated
    assert shares.logit("berbat", token_key("değil")) > 1
    assert set(negated_phrases([turned, good], shares)) == {
        (("hiç", "berbat", "değil", "-di"), 1), (("berbat", "değil", "-di"), 1),
    }  # fmt: skip
