"""Every recipe: its parameter counts, its published number, and that it learns on its sample."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from rnnviz.cli import run
from rnnviz.data.agnews import read_agnews
from rnnviz.data.batches import Batch, Texts
from rnnviz.data.imdb import Review, read_imdb
from rnnviz.data.imdb_word_index import read_word_index
from rnnviz.data.sst2 import detokenize, read_sst2
from rnnviz.data.standardization import standardize
from rnnviz.data.tokenizers import TOKENIZERS, vectorization_words
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.engine.model import Model
from rnnviz.engine.optimizers import OPTIMIZERS
from rnnviz.engine.param_count import parameters
from rnnviz.engine.parameters import initialise, shapes
from rnnviz.engine.spec import ModelSpec, RecurrentSpec, SeriesSpec
from rnnviz.errors import UsageError
from rnnviz.files import assets
from rnnviz.model_files import load, shipped
from rnnviz.recipes import Recipe, Task, find, imdb, is_sample, recipes
from rnnviz.recipes.review_examples import sentences
from rnnviz.training.fit import update

#: Parameters of the net, and the published number.
LESSONS: dict[str, tuple[int, float | None]] = {
    "imdb-rnn": (322_113, 0.846),
    "imdb-lstm": (328_353, 0.893),
    "imdb-gru": (326_369, None),
    "imdb-stacked": (328_320 + 33, None),
    "imdb-bilstm": (336_705, 0.886),
    "jena-naive": (0, 0.2897),
    "jena-dense": (107_585, 0.299),
    "jena-gru": (4_608 + 33, 0.264),
    "jena-lstm": (6_049, None),
    "jena-gru-dropout": (4_641, 0.262),
    "jena-stacked": (23_489, 0.263),
    "jena-bigru": (9_281, 0.262),
    "jena-bilstm": (12_097, None),
    "jena-reversed": (4_641, 0.399),
    "agnews-rnn": (1_281_364, 0.7995),
    "agnews-rnn-masked": (1_281_364, 0.8822),
    "agnews-lstm": (1_282_372, 0.8870),
    "agnews-bilstm": (2_758_148, None),
}
TRAINED = [name for name in LESSONS if name != "jena-naive"]


def net(recipe: Recipe) -> ModelSpec:
    """The published net."""
    assert recipe.model is not None
    return recipe.model(recipe.size)


def test_every_recipe_of_the_lessons_is_there() -> None:
    assert set(LESSONS) <= set(recipes())
    with pytest.raises(UsageError, match="Did you mean 'imdb-lstm'"):
        find("imdb-lstn")


@pytest.mark.parametrize("name", TRAINED)
def test_the_counts_are_the_published_ones_and_the_arithmetic_adds_up(name: str) -> None:
    spec = net(find(name))
    rows = parameters(spec)
    assert sum(row.count for row in rows) == LESSONS[name][0]
    assert sum(np.prod(shape) for shape in shapes(spec).values()) == LESSONS[name][0]
    for row in rows:
        left, right = row.arithmetic.split(" = ")
        assert right == f"{row.count:,}"
        assert eval(left.replace("·", "*")) == row.count


def test_outputs_say_how_many_steps_where_the_net_fixes_them() -> None:
    rows = parameters(net(find("jena-dense")))
    assert [(r.layer, r.output) for r in rows] == [
        ("Flatten", "(3360)"), ("Dense, relu", "(32)"), ("Dense, linear", "(1)"),
    ]  # fmt: skip
    spec = net(find("jena-stacked"))
    fixed = replace(spec, source=SeriesSpec(14, 240))
    assert [r.output for r in parameters(spec)] == ["(T, 32)", "(64)", "(1)"]
    assert [r.output for r in parameters(fixed)] == ["(240, 32)", "(64)", "(1)"]


def test_an_activation_that_is_not_the_usual_one_is_named() -> None:
    assert [r.layer for r in parameters(net(find("jena-stacked")))][:2] == ["GRU", "GRU, relu"]
    old = RecurrentSpec("gru", 3, bidirectional=True, recurrent_activation="hard_sigmoid")
    spec = replace(net(find("jena-gru")), layers=(old,))
    assert parameters(spec)[0].layer == "Bidirectional GRU, hard_sigmoid gates"


@pytest.mark.parametrize("name", TRAINED)
def test_a_net_comes_back_from_json(name: str) -> None:
    spec = net(find(name))
    assert ModelSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


@pytest.mark.parametrize("name", LESSONS)
def test_the_published_number_is_that_of_the_source(name: str) -> None:
    published = find(name).published
    assert published is not None
    assert published.value == LESSONS[name][1]
    assert published.metric == ("mae" if name.startswith("jena") else "accuracy")
    assert published.of == ("test" if name.startswith("agnews") else "validation")


# -- on the sample ------------------------------------------------------------------------------


@cache
def task(name: str) -> Task:
    """The recipe's data, from the sample in the package."""
    return find(name).prepare(assets() / "samples", None, 0, lambda text: None)


def first_batch(name: str) -> Batch:
    """A few examples of the first training batch."""
    examples = task(name).draw(1, np.random.default_rng(0))
    x, y, w = next(examples.batches(find(name).fit.batch_size, np.random.default_rng(0)))
    return x[:, :16], y[:16], w[:16]


@pytest.mark.parametrize("name", LESSONS)
def test_a_result_on_the_sample_says_so(name: str) -> None:
    assert find(name).package_size is not None or "sample" in task(name).trained_on
    assert len(task(name).valid) > 0
    assert len(task(name).test or ()) > 0
    assert is_sample(assets() / "samples")
    assert not is_sample(assets())


@pytest.mark.parametrize("name", TRAINED)
def test_a_few_steps_lower_the_loss_on_the_sample(name: str) -> None:
    recipe, batch = find(name), first_batch(name)
    assert recipe.model is not None
    spec = recipe.model(task(name).size)
    # Dropout would hide what a handful of steps does.
    spec = replace(
        spec, layers=tuple(replace(s, dropout=0.0, recurrent_dropout=0.0) for s in spec.layers)
    )
    model, rng = Model(spec, initialise(spec, 1)), np.random.default_rng(0)
    # RMSprop's steps overshoot where 2,880 inputs pull the same way.
    rate = recipe.fit.rate if spec.layers else recipe.fit.rate / 30
    optimizer = OPTIMIZERS[recipe.fit.optimizer](rate)
    losses = [update(model, optimizer, batch, recipe.fit, rng).loss for _ in range(6)]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", TRAINED)
def test_the_sample_takes_few_steps(name: str) -> None:
    recipe = find(name)
    fit = replace(recipe.fit, **recipe.sample)
    if recipe.package_size is not None:  # the package has the whole data set
        assert fit == recipe.fit
        return
    steps = fit.epochs * len(task(name).draw(1, np.random.default_rng(0))) / fit.batch_size
    assert steps <= 2 * 2_400 / 8


def test_the_naive_rule_is_measured_on_the_sample() -> None:
    recipe = find("jena-naive")
    assert recipe.baseline is not None
    assert 0 < recipe.baseline(task("jena-naive").valid)["mae"] < 2


# -- how a text is cut ---------------------------------------------------------------------------


def turkish_folder(folder: Path) -> Path:
    """A few Turkish reviews, of which the package has no sample."""
    rows = "sentence\tlabel\n" + "çok güzel, sevdim\t1\nçok kötü, sevmedim\t0\n" * 8
    for split in ("train", "validation"):
        path = folder / "turkish_reviews" / f"film_reviews.{split}.tsv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(rows, "utf-8")
    return folder


@pytest.mark.parametrize("name", sorted(recipes()))
def test_a_recipe_says_how_its_texts_are_cut(
    name: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The tokenizer it names is that of its vocabulary, and of the shipped model."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    few = 100 if name.startswith("sentiment") else None
    folder = assets() / "samples"
    if name.endswith("-tr"):
        folder = turkish_folder(tmp_path)
    encoder = find(name).prepare(folder, few, 0, lambda text: None).encoder
    used = encoder.encoding.tokenizer if isinstance(encoder, Vocabulary) else None
    assert find(name).tokenizer == used
    if name in shipped() and used:
        assert load(name).vocabulary.encoding.tokenizer == used
    assert run(["recipes", "show", name]) == 0
    said = capsys.readouterr().out
    assert run(["recipes", "show", name, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["tokenizer"]
    if used is None:
        assert shown is None
        assert "\ntext: " not in said
    else:
        assert shown == {"name": used, "rule": TOKENIZERS[used]}
        assert f"\ntext: {TOKENIZERS[used]}\n" in said


def test_a_sentiment_net_learns_from_what_step_reads() -> None:
    """The validation rows and the spoken sentences; glued words and typographic marks included."""
    made = find("sentiment-lstm").prepare(assets() / "samples", 300, 0, lambda text: None)
    vocabulary = made.encoder
    assert isinstance(vocabulary, Vocabulary)
    rows = read_sst2(assets() / "samples", "validation")
    read = [vocabulary.read(detokenize(text))[1] for text, _ in rows]
    assert isinstance(made.valid, Texts)
    assert [list(ids) for ids in made.valid.ids] == [ids for ids in read if ids]
    known = [w for w in vocabulary.words[2:40] if w.isalpha()]
    pair = next(f"{a}/{b}" for a in known for b in known if not vocabulary.known(a + b))
    review = Review(1, 8, 0, f"It was {pair}\u2026 Don\u2019t<br /><br />{pair}")
    (found,) = sentences([review], vocabulary.tokenize)
    assert [list(s) for s in found.sentences] == [
        vocabulary.tokenize(part) for part in (f"It was {pair}", "Don't", pair)
    ]
    assert found.sentences[2] == tuple(pair.split("/"))


def test_news_are_learnt_from_as_step_reads_them() -> None:
    vocabulary = task("agnews-lstm").encoder
    valid = task("agnews-lstm").valid
    assert isinstance(vocabulary, Vocabulary)
    assert isinstance(valid, Texts)
    for row, ids in zip(read_agnews(assets() / "samples", "test"), valid.ids, strict=True):
        text = f"{row.title} {row.description}"
        assert list(ids) == vocabulary.read(text)[1]
        assert vocabulary.tokenize(text) == vectorization_words(text)  # as Keras cuts


def test_reviews_keep_the_ids_of_keras_and_step_reads_the_same_where_they_are_plain() -> None:
    """Where a review has typographic marks, what is typed reads them as ASCII; Keras does not."""
    index = read_word_index(assets() / "samples")
    encode, vocabulary = imdb.review_encoder(index), imdb.vocabulary(index)
    reviews = read_imdb(assets() / "samples", "train", raw=True)
    plain = [r for r in reviews if standardize(r.text, tags=False) == r.text.lower()]
    assert len(plain) > 0.95 * len(reviews)
    for review in plain:
        assert list(encode(review.text)) == vocabulary.read(review.text)[1][-imdb.STEPS :]
    assert list(encode("good \x96 bad"))[1:] == vocabulary.encode(["good", "\x96", "bad"])
    assert vocabulary.read("good \x96 bad") == vocabulary.read("good - bad")


# -- the command --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LESSONS)
def test_recipes_show_gives_the_contracts_fields(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["recipes", "show", name, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert list(shown)[:4] == ["name", "parameters", "total", "published"]
    assert shown["total"] == LESSONS[name][0]
    assert list(shown["published"])[:3] == ["metric", "value", "source"]
    if name in TRAINED:
        assert list(shown["parameters"][0]) == ["layer", "output", "count", "arithmetic"]


def test_recipes_show_prints_counts_number_and_what_differs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["recipes", "show", "jena-gru"]) == 0
    said = capsys.readouterr().out
    for part in ("3·(14·32 + 32·32 + 2·32) = 4,608", "total 4,641", "4,545", "validation MAE 0.264",
                 "20 epochs, batches of 128, RMSprop"):  # fmt: skip
        assert part in said, part
    assert run(["recipes", "show", "jena-naive"]) == 0
    assert "nothing to train" in capsys.readouterr().out


def test_recipes_lists_every_recipe_with_its_number(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["recipes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    row = next(line for line in lines if line.startswith("agnews-lstm"))
    assert "test accuracy 0.887" in row
    assert run(["recipes", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["name"]: row["total"] for row in rows}.items() >= {
        name: count for name, (count, _) in LESSONS.items()
    }.items()


def test_an_unknown_recipe_is_answered_with_the_nearest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["recipes", "show", "jena-gro"]) == 2
    assert "'jena-gru'" in capsys.readouterr().err


def test_models_show_says_what_a_trained_forecast_reached(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "dense")
    assert (
        run(["train", "jena-dense", "--data", "sample", "--epochs", "1", "--out", out, "-q"]) == 0
    )
    capsys.readouterr()
    assert run(["models", "show", out]) == 0
    said = capsys.readouterr().out
    assert "dense: Jena 2009–2016, one row an hour, 12 of 14 columns" in said
    assert "2880·32 + 32 = 92,192" in said
    assert "total 92,225" in said
    assert "published: validation MAE 0.299" in said
    for line in ("validation mae: ", "test mae: "):
        (found,) = [s for s in said.splitlines() if s.startswith(line)]
        assert found.endswith(" °C)")
    assert run(["models", "show", out, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["published"]["value"] == 0.299
    assert {"validation_mae", "test_mae", "epoch"} <= set(shown["metrics"])


def test_a_control_character_in_a_models_record_reaches_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for end in ("json", "safetensors"):
        data = (assets() / f"models/sentiment-gru.{end}").read_bytes()
        (tmp_path / f"m.{end}").write_bytes(data)
    record = json.loads((tmp_path / "m.json").read_text("utf-8"))
    record["trained_on"] = "\x1b[2Jgone"
    record["metrics"]["x\x1b[2J"] = "\x1b[2J"
    record["published"] = {"metric": "accuracy", "of": "test", "value": 0.5, "source": "\x1b[2J"}
    (tmp_path / "m.json").write_text(json.dumps(record), "utf-8")
    assert run(["models", "show", str(tmp_path / "m.json")]) == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert said.count("\\x1b[2J") == 4


@pytest.mark.parametrize(
    "change", [{"metric": 3}, {"published": "x"}, {"published": {"value": []}}]
)
def test_a_record_of_another_make_is_still_shown(
    change: dict[str, object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for end in ("json", "safetensors"):
        data = (assets() / f"models/sentiment-gru.{end}").read_bytes()
        (tmp_path / f"m.{end}").write_bytes(data)
    record = json.loads((tmp_path / "m.json").read_text("utf-8"))
    record["metrics"]["validation_mae"] = "low"
    (tmp_path / "m.json").write_text(json.dumps(record | change), "utf-8")
    assert run(["models", "show", str(tmp_path / "m.json")]) == 0
    assert "total 326,369" in capsys.readouterr().out
