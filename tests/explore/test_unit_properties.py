"""The scores of units of a net that writes, and the net without one of them."""

from __future__ import annotations

import numpy as np
import pytest

import rnnviz
from rnnviz.analysis.text_properties import PROPERTIES
from rnnviz.analysis.unit_properties import AblationQuestion, PropertyQuestion
from rnnviz.data.vocabulary import Encoding, Vocabulary
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise
from rnnviz.engine.spec import EmbeddingSpec, HeadSpec, ModelSpec, RecurrentSpec
from rnnviz.errors import UsageError
from rnnviz.explore import explorer
from rnnviz.explore.scored_text import WARM_UP, WHOLE, scored_text
from rnnviz.explore.unit_properties import bits, without_unit
from rnnviz.model_files import StoredModel, load

NET, UNIT = "shakespeare-lstm", 6
TEXT = "ROMEO:\nIt is the east, and Juliet is the sun.\n" * 9
SHORT = TEXT[:190]


def test_a_unit_is_left_out_as_if_its_output_were_zero() -> None:
    stored, text = load(NET), "ROMEO:\nI would"
    held = rnnviz.step(text, model=NET, clamps=[f"h[*,{UNIT}]=0"])
    ids = np.array(held.ids)[:, None]
    found = without_unit(stored.model, UNIT).logits(ids)[:, 0]
    np.testing.assert_allclose(found, held.head.logits, 1e-4, 1e-4)
    assert np.abs(found - stored.model.logits(ids)[:, 0]).max() > 0.1


def test_scores_are_between_a_half_and_one_and_stand_beside_untrained_nets() -> None:
    found = explorer()(PropertyQuestion(NET, text=TEXT, untrained=1))
    assert found.holds["letter"] > 100 and found.places <= len(TEXT)
    ranked = found.ranked("letter")
    assert len(ranked) == 2 * 128  # h and c of each unit
    assert all(0.5 <= each.strength <= 1 for each in ranked)
    control = found.control("letter")
    assert control is not None and ranked[0].strength > control > 0.5
    assert found.best("letter") == ranked[0]


def test_an_ablation_has_the_loss_with_and_without_the_unit() -> None:
    found = explorer()(AblationQuestion(NET, UNIT, text=TEXT))
    whole, without = found.everywhere
    assert 0 < whole < 6 and whole != without
    share = found.where["letter"], found.elsewhere["letter"]
    assert min(s[0] for s in share) <= whole <= max(s[0] for s in share)


def test_a_net_that_does_not_write_has_no_such_scores() -> None:
    with pytest.raises(UsageError, match="gives no next token"):
        explorer()(PropertyQuestion("sentiment-lstm", text=TEXT))


def test_a_short_text_is_scored_by_the_values_of_its_trace() -> None:
    found = explorer()(PropertyQuestion(NET, text=SHORT, untrained=0))
    trace = rnnviz.step(SHORT, model=NET)
    h = trace.layers[0].values["h"][:-1, UNIT]  # the last character has no next one
    holds = PROPERTIES["late in the line"](SHORT)[:-1]
    pairs = h[holds][:, None] - h[~holds]
    area = (pairs > 0).mean() + (pairs == 0).mean() / 2
    assert found.areas["h", "late in the line"][UNIT] == pytest.approx(area, abs=1e-3)
    assert found.untrained["h", "late in the line"].size == 0 and found.control("letter") is None


def test_a_long_text_is_read_in_pieces_that_warm_up() -> None:
    read = scored_text(load(NET), TEXT * 6)
    assert len(TEXT * 6) > WHOLE and read.ids.shape[1] > 1
    assert not read.scored[:WARM_UP].any() and read.scored[WARM_UP:].all()


def test_each_name_is_read_from_its_beginning_as_in_training() -> None:
    stored, names = load("names-lstm"), ["anna", "bob", "katherine"] * 5
    read = scored_text(stored, "\n".join(names))
    each = [rnnviz.step(name, model="names-lstm") for name in names]
    # Of a name that ends: the loss of its letters and of the end mark.
    losses = [
        np.array(trace.head.readout)[np.arange(len(trace.ids)), [*trace.ids[1:], trace.ids[0]]]
        for trace in each
    ]
    found = bits(stored.model, read)
    np.testing.assert_allclose(found.T[read.read.T], -np.log2(np.concatenate(losses)), 1e-4, 1e-4)
    assert read.places == sum(map(len, names))
    vowels = sum(c in "aeiou" for name in names for c in name)
    assert read.holds["vowel"].sum() == vowels and read.holds["word start"].sum() == len(names)


def test_a_unit_is_left_out_of_any_layer_of_a_stack() -> None:
    letters = ("", "[UNK]", *"abcd \n")
    layer = RecurrentSpec("gru", 4)
    spec = ModelSpec(
        EmbeddingSpec(len(letters), 3, mask_zero=False), (layer, layer),
        HeadSpec("softmax", len(letters), reads="steps"),
    )  # fmt: skip
    net = Model(spec, initialise(spec, 1))
    stored = StoredModel("stack", net, Vocabulary(letters, Encoding("characters")), letters, {})
    ids = scored_text(stored, "abc\nda bad\n" * 6).ids
    for k in range(2):
        cut = without_unit(net, 2, k)
        assert not np.array_equal(cut.logits(ids), net.logits(ids))
        held = [a for n, a in cut.params.items() if n.startswith(f"layers.{k}.") and n[-1] == "U"]
        assert not held[0][2].any()
    with pytest.raises(UsageError, match="There is no unit 4"):
        without_unit(net, 4, 1)


@pytest.mark.parametrize(("text", "why"), [("", "has 0 characters"), ("ab", "1 characters")])
def test_a_text_that_is_too_short_is_refused(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        explorer()(PropertyQuestion(NET, text=text, untrained=0))


def test_a_net_of_words_has_no_such_properties() -> None:
    words = ("", "[UNK]", "to", "be", "or")
    spec = ModelSpec(
        EmbeddingSpec(5, 3), (RecurrentSpec("rnn", 2),), HeadSpec("softmax", 5, reads="steps")
    )
    vocabulary = Vocabulary(words, Encoding("spaces"))
    stored = StoredModel("words", Model(spec, initialise(spec, 1)), vocabulary, words, {})
    with pytest.raises(UsageError, match="words reads words"):
        scored_text(stored, "to be or " * 30)
