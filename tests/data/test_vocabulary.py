"""The vectoriser: what is cut where, and that it is the same every time."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rnnviz.data.tokenizers import NEGATION, PUNCTUATION, keras_words, tokenize, vectorization_words
from rnnviz.data.vocabulary import UNKNOWN_ID, Encoding, Vocabulary


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        (" \t\n ", []),
        ("...!?", []),
        ("This movie was GOOD!", "this movie was good"),
        ("a well-made film, really", "a wellmade film really"),
        ("it's the director's best", "its the directors best"),
        ("it isn't good", "it is n't good"),
        ("it isn\u2019t good", "it is n't good"),
        ("it isn\u02bct good", "it is n't good"),
        ("it isnt good", "it is n't good"),
        ("it is n't good", "it is n't good"),
        ("IT ISN'T GOOD", "it is n't good"),
        ("can't cant cannot", "ca n't ca n't can not"),
        ("won't wont wo n't", "wo n't wo n't wo n't"),
        ("wasnt didnt doesnt dont", "was n't did n't does n't do n't"),
        ("couldnt wouldnt shouldnt", "could n't would n't should n't"),
        ("havent hasnt arent werent", "have n't has n't are n't were n't"),
        ('"isn\'t"', "is n't"),
        ("didn't, wasn't/isn't...good", "did n't was n't is n't good"),
        ("couldn't've", "could n't ve"),
        ("n't", "n't"),
        ("'n'table", "ntable"),
        ("went want paint", "went want paint"),
        ("\U0001f600 \u7535\u5f71 e\u0301 \x00", "\U0001f600 \u7535\u5f71 \xe9"),
        ("great acting/bad script", "great actingbad script"),
        ("e-\u0301", "\xe9"),
    ],
)
def test_tokens(text: str, tokens: str | list[str]) -> None:
    """Each rule of the cutting, on a text a person may type."""
    expected = tokens.split(" ") if isinstance(tokens, str) else tokens
    assert tokenize(text) == expected


def test_punctuation_is_that_of_keras() -> None:
    """Keras's default set is every ASCII punctuation mark."""
    assert sorted(PUNCTUATION) == sorted(string.punctuation)
    assert tokenize(f"a{string.punctuation}b") == ["ab"]


def test_lower_case_does_not_depend_on_the_place() -> None:
    """Every I is an i, unless the language is Turkish."""
    assert tokenize("I \u0130 \u0131") == ["i", "i", "i"]
    assert tokenize("I \u0130 \u0131", "tr") == ["\u0131", "i", "\u0131"]


@given(st.text())
@example("isntn't can-not")
@example("\u0130sn\u2019t")
@example("n't\u0303")
@example("\u03a3' \u03a3\u03a3")
def test_cutting_twice_changes_nothing(text: str) -> None:
    """The joined tokens are cut into the same tokens."""
    tokens = tokenize(text)
    assert tokenize(" ".join(tokens)) == tokens


@given(st.text(alphabet="nt'ISacow \u2019-.", max_size=30))
def test_cutting_twice_changes_nothing_near_negations(text: str) -> None:
    """The same where nearly every text has a contraction in it."""
    tokens = tokenize(text)
    assert tokenize(" ".join(tokens)) == tokens


@given(st.text())
def test_tokens_are_clean(text: str) -> None:
    """No token is empty or holds white space, a capital or, but for "n't", punctuation."""
    for token in tokenize(text):
        assert token.split() == [token]
        assert token == token.lower()
        assert token == NEGATION or not set(token) & set(PUNCTUATION)


def test_build_takes_the_most_frequent_first() -> None:
    """Ties go to the token that appeared first; the size counts the special entries."""
    token_lists = [["b", "a", "c"], ["c", "d", "a"], ["c"]]
    assert Vocabulary.build(token_lists, 5).words == ("", "[UNK]", "c", "a", "b")
    assert len(Vocabulary.build(token_lists, 100)) == 6
    assert Vocabulary.build(token_lists, 2).words == ("", "[UNK]")
    with pytest.raises(ValueError, match="at least 2"):
        Vocabulary.build(token_lists, 1)


def test_build_never_takes_a_special_entry_as_a_word() -> None:
    """Tokens that look like the special entries are passed over."""
    assert Vocabulary.build([["", "[UNK]", "a"]], 9).words == ("", "[UNK]", "a")


def test_encode_and_decode() -> None:
    """Known words have rows of their own, everything else is the unknown word."""
    vocabulary = Vocabulary(("", "[UNK]", "good", "n't"))
    ids = vocabulary.encode(["good", "gold", "n't", "", "[UNK]"])
    assert ids == [2, 1, 3, 1, 1]
    assert vocabulary.decode([2, 1, 3, 0]) == ["good", "[UNK]", "n't", ""]
    assert vocabulary.known("good")
    assert not vocabulary.known("gold")
    assert not vocabulary.known("")
    assert not vocabulary.known("[UNK]")


@pytest.mark.parametrize("index", [-1, 4])
def test_decode_refuses_an_index_outside(index: int) -> None:
    """A negative index would silently count from the end."""
    with pytest.raises(ValueError, match=r"outside the vocabulary \(0 to 3\)"):
        Vocabulary(("", "[UNK]", "a", "b")).decode([index])


@given(st.lists(st.text()))
def test_json_round_trip(texts: list[str]) -> None:
    """What is written is read back, and every token of the texts is then known."""
    token_lists = [tokenize(text) for text in texts]
    vocabulary = Vocabulary.build(token_lists, 10_000)
    again = Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json())))
    assert again == vocabulary
    for tokens in token_lists:
        ids = again.encode(tokens)
        assert again.decode(ids) == tokens
        assert UNKNOWN_ID not in ids


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"": 0}, "list of strings, not dict"),
        (["", "[UNK]", 3], "entry 2 .* not int"),
        (["", "[UNK]", "a", "a"], "'a' is more than once"),
        (["", "[UNK]", ""], "'' is more than once"),
        (["[UNK]", "", "a"], "must start with"),
        ([], "must start with"),
    ],
)
def test_from_json_refuses(value: object, message: str) -> None:
    """A damaged file is told apart by a clear sentence."""
    with pytest.raises(ValueError, match=message):
        Vocabulary.from_json(value)


# -- as Keras cuts and counts ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "keras", "vectorization"),
    [
        ("It isn't GOOD!", "it isn't good", "it isnt good"),
        ("a well-made film<br /><br />really", "a well made film br br really",
         "a wellmade filmbr br really"),
        ("brilliant,casting", "brilliant casting", "brilliantcasting"),
        ("'quoted' (or so)", "'quoted' or so", "quoted or so"),
        ("one\ttwo\nthree", "one two three", "one two three"),
        ("...", "", ""),
    ],
)  # fmt: skip
def test_the_two_cuttings_of_keras_differ_in_what_they_do_with_marks(
    text: str, keras: str, vectorization: str
) -> None:
    """Marks become spaces in one and nothing in the other; the apostrophe stays in the first."""
    assert keras_words(text) == keras.split()
    assert vectorization_words(text) == vectorization.split()


def test_adapt_orders_ties_as_keras_does() -> None:
    """The order of the example in the documentation of Keras's StringLookup: d z c b a."""
    vocabulary = Vocabulary.adapt(["a c d", "d z b"], 20_000)
    assert vocabulary.words == ("", "[UNK]", "d", "z", "c", "b", "a")
    assert vocabulary.encoding.tokenizer == "vectorization"
    assert Vocabulary.adapt(["a c d", "d z b"], 4).words == ("", "[UNK]", "d", "z")
    with pytest.raises(ValueError, match="at least 2"):
        Vocabulary.adapt([], 1)


FRONT = Encoding("keras", unknown=2, start=1, padding="front", length=500)


def test_a_text_begins_with_the_start_where_there_is_one() -> None:
    vocabulary = Vocabulary(("", "[START]", "[UNK]", "[UNUSED]", "the", "film"), FRONT)
    assert vocabulary.read("The fim") == (["[START]", "the", "fim"], [1, 4, 2])
    assert not vocabulary.known("[START]")
    assert not vocabulary.known("[UNUSED]")
    assert vocabulary.known("film")


def test_an_encoding_comes_back_from_json() -> None:
    assert Encoding.from_json(json.loads(json.dumps(FRONT.to_json()))) == FRONT
    assert Encoding.from_json(None) == Encoding()


@pytest.mark.parametrize(
    "change",
    [
        {"tokenizer": "sentences"},
        {"tokenizer": ["keras"]},
        {"padding": "left"},
        {"language": "de"},
        {"length": 0},
        {"unknown": -1},
        {"start": True},
        {"more": 1},
    ],
)
def test_an_encoding_that_makes_no_sense_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="encoding"):
        Encoding.from_json({**FRONT.to_json(), **change})


# -- glued words ----------------------------------------------------------------------------------

GLUED = Vocabulary.build(
    ["great acting bad script not good but wellmade costar is n't do can ugly café x".split()], 99
)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("great acting/bad script", "great acting bad script"),
        ("not-good", "not good"),
        ("great...but", "great but"),
        ("good;bad", "good bad"),
        ("GOOD,bad", "good bad"),
        ("(good)bad", "good bad"),
        ("good\u2026bad", "good bad"),
        ("good/bad/ugly", "good bad ugly"),
        ("-good-", "good"),
        # The whole is known.
        ("well-made", "wellmade"),
        ("well-made/bad", "wellmade bad"),
        ("bad,co-star", "bad costar"),
        # A half is unknown: as ever.
        ("good-xyzzy", "goodxyzzy"),
        ("xyzzy-good", "xyzzygood"),
        ("well-bad", "wellbad"),
        ("xyzzy/foo", "xyzzyfoo"),
        # An apostrophe is inside of a word.
        ("good'bad", "goodbad"),
        ("isn't/good", "is n't good"),
        ("isnt/good", "is n't good"),
        ("isn't-good/bad", "is n't good bad"),
        ("is-nt", "is n't"),
        ("can-not", "can not"),
        ("caf\u00e9/bad", "café bad"),
        ("cafe\u0301/bad", "café bad"),
        ("x-/-'-x", "x x"),
        ("good/" * 2_000, " ".join(["good"] * 2_000)),
    ],
)
def test_glued_words_are_cut_where_the_parts_are_known_and_the_whole_is_not(
    text: str, tokens: str
) -> None:
    assert GLUED.tokenize(text) == tokens.split()
    assert GLUED.tokenize(" ".join(GLUED.tokenize(text))) == tokens.split()


def test_the_fewest_known_words_are_taken() -> None:
    """Of two ways with as many words, the one whose first word is longer."""
    vocabulary = Vocabulary.build([["a", "b", "c", "ab", "bc", "bcd"]], 99)
    assert vocabulary.tokenize("a-b-c") == ["ab", "c"]
    assert vocabulary.tokenize("a-b-c-d") == ["a", "bcd"]


@given(st.text(alphabet="abc/-.' n't", max_size=30))
def test_cutting_twice_with_a_vocabulary_changes_nothing(text: str) -> None:
    vocabulary = Vocabulary.build([["a", "b", "ab", "ca", "n't", "bca"]], 99)
    tokens = vocabulary.tokenize(text)
    assert vocabulary.tokenize(" ".join(tokens)) == tokens
    whole = tokenize(text)
    assert "".join(tokens) == "".join(whole)  # the same letters: nothing is lost
    if all(map(vocabulary.known, whole)):
        assert tokens == whole


def test_other_tokenizers_cut_glued_words_as_keras_does() -> None:
    words = GLUED.words
    keras = Vocabulary(words, Encoding("keras"))
    vectorization = Vocabulary(words, Encoding("vectorization"))
    assert keras.tokenize("not-good <br />") == ["not", "good", "br"]
    assert vectorization.tokenize("not-good <br />") == ["notgood", "br"]


@pytest.mark.parametrize("tokenizer", ["words", "keras", "vectorization"])
@given(st.text())
@example("“good”—bad… c’est ﬁne")
@example("e.\u0301 i-\u0307")
@example("<<b>b>&amp;&amp;lt;p&gt;")
def test_cutting_twice_changes_nothing_with_any_tokenizer(tokenizer: str, text: str) -> None:
    encoding = Encoding.from_json({"tokenizer": tokenizer})
    vocabulary = Vocabulary(("", "[UNK]", "good", "bad"), encoding)
    tokens = vocabulary.tokenize(text)
    assert vocabulary.tokenize(" ".join(tokens)) == tokens


def test_the_language_of_the_encoding_decides_about_i() -> None:
    turkish = Vocabulary(("", "[UNK]", "iyi", "ılık"), Encoding(language="tr"))
    assert turkish.tokenize("İYİ ILIK I\u0307YI") == ["iyi", "ılık", "iyı"]
    assert Vocabulary(("", "[UNK]")).tokenize("İYİ ILIK") == ["iyi", "ilik"]


def test_the_unknown_word_must_stand_where_the_encoding_says() -> None:
    with pytest.raises(ValueError, match="at 2"):
        Vocabulary(("", "[UNK]", "the"), FRONT)
