"""Turkish words are cut at their negation, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnviz.data.turkish import fold, token_key, verb_stems
from rnnviz.data.vocabulary import PADDING, UNKNOWN, Encoding, Vocabulary

STEMS = (
    "değil beğen sev izle sıkıl bul git et gel bekle iste kaç yap gör anla ol al dondur oyna öner "
    "çalış de ara harca bil"
).split()
ENDINGS = (
    "me eme dim di dı yor yorum r rim z m den mış mıştı yen yin sin sem acağım miş diğim en ip ken "
    "ecek dir zse erek"
).split()
WORDS = "film güzel komedi şimdi çok lazım gerekiyor".split()
ENTRIES = [*STEMS, *sorted({token_key("-" + ending) for ending in ENDINGS}), *WORDS]
VOCABULARY = Vocabulary(
    (PADDING, UNKNOWN, *ENTRIES),
    Encoding("turkish", language="tr", stems=tuple(range(2, 2 + len(STEMS)))),
)


def cut(text: str) -> str:
    return " ".join(VOCABULARY.tokenize(text))


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("beğenmedim", "beğen -me -dim"),
        ("beğendim", "beğen -dim"),
        ("sevmedim", "sev -me -dim"),
        ("sevmiyorum", "sev -mi -yorum"),
        ("sıkılmadım", "sıkıl -ma -dım"),
        ("SIKILMADIM", "sıkıl -ma -dım"),
        ("sikilmadim", "sikil -ma -dim"),
        ("İZLEMEDİM", "izle -me -dim"),
        ("izleyemedim", "izle -yeme -dim"),
        ("bulamadım", "bul -ama -dım"),
        ("bulamıyorum", "bul -amı -yorum"),
        ("aramadım", "ara -ma -dım"),
        ("gitmiyor", "git -mi -yor"),
        ("gidiyor", "gid -iyor"),
        ("bekliyor", "bekl -iyor"),
        ("beklemiyor", "bekle -mi -yor"),
        ("gelmez", "gel -me -z"),
        ("olmazsa", "ol -ma -zsa"),
        ("istemem", "iste -me -m"),
        ("yapmadan", "yap -ma -dan"),
        ("olmamış", "ol -ma -mış"),
        ("almayın", "al -ma -yın"),
        ("olmasın", "ol -ma -sın"),
        ("görmüyor", "gör -mü -yor"),
        ("bulmuyor", "bul -mu -yor"),
        ("severim", "sev -erim"),
        ("değildi", "değil -di"),
        ("değilmiş", "değil -miş"),
        ("degildir", "degil -dir"),
        ("değil", "değil"),
        ("etmem", "et -me -m"),
        ("güzeldi", "güzel -di"),
        ("guzelmis", "guzel -mis"),
        ("filmdir", "film -dir"),
        ("filmden", "film -den"),
        ("komedim", "komedi -m"),
    ],
)  # fmt: skip
def test_negations_and_endings_are_tokens(word: str, parts: str) -> None:
    assert cut(word) == parts


@pytest.mark.parametrize(
    "word",
    "komedi izleme izlemeyi izlemesi almak dondurma dondurmadan dondurmam yapmalı görmek "
    "gitme sevme olması olmasını alma alması bulmaya anlamak zaman tamam sinemadan elmadan kadın "
    "şimdi kendi insan yılmaz inanılmaz konular yorumlar karar güzel yapma görmeli sevmek "
    "çalışma çalışması aramak arama bilmece altı".split(),
)
def test_words_that_only_look_so_stay_whole(word: str) -> None:
    assert cut(word) == word


def test_the_word_after_a_form_in_m_tells_whether_it_is_a_noun() -> None:
    assert cut("bunu görmem lazım") == "bunu görmem lazım"
    assert cut("izlemem gerekiyor") == "izlemem gerekiyor"
    assert cut("bunu görmem") == "bunu gör -me -m"


def test_spelling_without_turkish_letters_has_the_same_ids() -> None:
    text = "Hiç beğenmedim, ŞİMDİ ÇOK SIKILMADIM; güzel değildi"
    plain = "hic begenmedim, simdi cok sikilmadim; guzel degildi"
    assert VOCABULARY.read(text)[1] == VOCABULARY.read(plain)[1]
    # The words are shown as they were typed.
    assert VOCABULARY.tokenize(text)[:4] == ["hiç", "beğen", "-me", "-dim"]
    assert VOCABULARY.tokenize(plain)[:4] == ["hic", "begen", "-me", "-dim"]


def test_suffixes_that_differ_by_harmony_share_an_id() -> None:
    for suffixes in ("-dim -dım -dum -düm -tim -tım -tum -tüm", "-me -ma -mi -mı -mu -mü",
                     "-eme -ama -yeme -yama -emi -amı"):  # fmt: skip
        assert len(set(VOCABULARY.encode(suffixes.split()))) == 1
    assert len(set(map(token_key, ("-me", "-eme", "-dim", "me")))) == 4


def test_a_form_of_a_stem_has_the_id_of_the_stem() -> None:
    git, gid, bekle, bekl = VOCABULARY.encode(["git", "gid", "bekle", "bekl"])
    assert (git, bekle) == (gid, bekl)


def test_stems_need_other_endings_than_those_of_a_negation() -> None:
    seen = "sevmedim sevdim sevdi sevmiş sevmek sevmesi seviyor seviyorum komedi komedisi komediler"
    assert verb_stems(seen.split() * 3) == ["degil", "sev"]


def test_the_encoding_carries_the_stems() -> None:
    stored = Vocabulary.from_json(VOCABULARY.to_json(), VOCABULARY.encoding.to_json())
    assert stored == VOCABULARY
    assert stored.read("hiç beğenmedim") == VOCABULARY.read("hiç beğenmedim")
    for broken in ({"tokenizer": "turkish", "language": "tr"}, {"stems": [2]},
                   {"tokenizer": "turkish", "stems": [2]},
                   {"tokenizer": "turkish", "language": "tr", "stems": "x"}):  # fmt: skip
        with pytest.raises(ValueError):
            Encoding.from_json(broken)
    with pytest.raises(ValueError, match="stems"):
        Vocabulary((PADDING, UNKNOWN, "a"), Encoding("turkish", language="tr", stems=(3,)))


PIECES = st.sampled_from([*STEMS, *ENDINGS, *WORDS, "-", "-me", " ", " ", "'", ".", "İ", "I", "<"])
TEXTS = st.one_of(st.lists(PIECES, max_size=12).map("".join), st.text(max_size=60))


@given(TEXTS)
def test_any_text_is_cut_and_cutting_again_changes_nothing(text: str) -> None:
    tokens = VOCABULARY.tokenize(text)
    assert all(tokens)
    assert VOCABULARY.tokenize(" ".join(tokens)) == tokens
    assert len(VOCABULARY.encode(tokens)) == len(tokens)


@given(TEXTS)
def test_ids_do_not_depend_on_turkish_letters(text: str) -> None:
    shown = " ".join(VOCABULARY.tokenize(text))
    assert VOCABULARY.read(fold(shown))[1] == VOCABULARY.read(shown)[1]


def test_long_texts_take_linear_time() -> None:
    """A word without end is not cut, and each word of a text is cut once."""
    assert VOCABULARY.tokenize("ol" * 50_000 + "madım") == ["ol" * 50_000 + "madım"]
    assert len(VOCABULARY.tokenize("beğenmedim " * 20_000)) == 60_000
    assert len(VOCABULARY.tokenize("-" * 100_000 + "me")) == 1
