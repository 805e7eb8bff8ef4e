"""Texts as people type, paste and save them come out as the plain text that they mean."""

from __future__ import annotations

import sys
import time
import unicodedata
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rnnviz.data.standardization import standardize
from rnnviz.model_files import StoredModel, load

Change = Callable[[str], str]


def between(mark: str) -> Change:
    """Put a mark between all letters of the words."""
    return lambda text: " ".join(mark.join(word) for word in text.split(" "))


def full_width(text: str) -> str:
    wide = (chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)
    return "".join(wide).replace(" ", "\u3000")


def mathematical(text: str) -> str:
    return "".join(chr(0x1D41A + ord(c) - ord("a")) if "a" <= c <= "z" else c for c in text)


#: Ways to write a sentence that mean the same words. Each has to change its sentences.
SAME: dict[str, Change] = {
    "curly quotes": lambda t: f"\u201c{t}\u201d",
    "low quotes": lambda t: f"\u201e{t}\u201c",
    "angle quotes": lambda t: f"«\u00a0{t}\u00a0»",
    "corner quotes": lambda t: f"「{t}」",
    "Windows-1252 quotes": lambda t: f"\x93{t}\x94",
    "ellipsis": lambda t: f"{t}\u2026",
    "Windows-1252 ellipsis": lambda t: f"{t}\x85",
    "em dash in front": lambda t: f"\u2014{t}",
    "Windows-1252 dash": lambda t: f"{t} \x96",
    "em dashes between words": lambda t: t.replace(" ", "\u2014"),
    "en dashes between words": lambda t: t.replace(" ", "\u2013"),
    "bars between words": lambda t: t.replace(" ", "\u2015"),
    "ideographic full stop": lambda t: f"{t}\u3002",
    "full-width marks": lambda t: f"{t}！？",
    "full-width comma between words": lambda t: t.replace(" ", "，"),
    "full width": full_width,
    "mathematical letters": mathematical,
    "inverted mark": lambda t: f"¡{t}!",
    "bullet": lambda t: f"\u2022 {t}",
    "byte order mark": lambda t: f"\ufeff{t}",
    "no-break spaces": lambda t: t.replace(" ", "\u00a0"),
    "ideographic spaces": lambda t: t.replace(" ", "\u3000"),
    "thin spaces": lambda t: t.replace(" ", "\u2009"),
    "line separators": lambda t: t.replace(" ", "\u2028"),
    "lines of Windows": lambda t: t.replace(" ", "\r\n"),
    "tabs": lambda t: t.replace(" ", "\t"),
    "vertical tabs": lambda t: t.replace(" ", "\x0b"),
    "zero-width spaces": between("\u200b"),
    "zero-width joiners": between("\u200d"),
    "word joiners": between("\u2060"),
    "soft hyphens": between("\u00ad"),
    "right-to-left marks": lambda t: f"\u202b{t}\u202c\u200f",
    "isolates": lambda t: f"\u2066{t}\u2069",
    "variation selectors": lambda t: f"{t}\ufe0f",
    "combining grapheme joiners": between("\u034f"),
    "control characters": between("\x08"),
    "NUL": lambda t: f"{t}\x00",
    "colours of a terminal": lambda t: f"\x1b[1;31m{t}\x1b[0m",
    "link of a terminal": lambda t: f"\x1b]8;;https://example.org\x1b\\{t}\x1b]8;;\x1b\\",
    "small": str.lower,
    "capitals": str.upper,
    "dotted capitals": lambda t: t.upper().replace("I", "\u0130"),
    "decomposed dotted capitals": lambda t: t.upper().replace("I", "I\u0307"),
    "dotless": lambda t: t.replace("i", "\u0131"),
    "decomposed accents": lambda t: unicodedata.normalize("NFD", t),
    "ligatures": lambda t: t.replace("ffi", "ﬃ").replace("fi", "ﬁ").replace("fl", "ﬂ"),
}

#: What only the sentiment nets take out: in the lessons' nets a tag leaves its letters, and a
#: quote that is an apostrophe stays.
SAME_WITH_TAGS: dict[str, Change] = {
    "single quotes": lambda t: f"\u2018{t}\u2019",
    "line breaks": lambda t: t.replace(" ", "<br /><br />"),
    "capital line breaks": lambda t: t.replace(" ", "<BR>"),
    "paragraph": lambda t: f"<p>{t}</p>",
    "italics": lambda t: f"<i>{t}</i>",
    "class": lambda t: f'<span class="x y" id=z>{t}</span>',
    "link": lambda t: f"<a href='https://example.org/?a=b&c=d'>{t}</a>",
    "picture": lambda t: f'{t}<img src=x.png alt="a > b"/>',
    "comment": lambda t: f"<!-- note -->{t}",
    "document type": lambda t: f"<!DOCTYPE html>{t}",
    "escaped tag": lambda t: f"&lt;b&gt;{t}&lt;/b&gt;",
    "quotes as entities": lambda t: f"&quot;{t}&quot;",
    "curly entities": lambda t: f"&ldquo;{t}&rdquo;",
    "spaces as entities": lambda t: t.replace(" ", "&nbsp;"),
    "entity in entity": lambda t: f"&amp;amp;quot;{t}",
    "numbered entities": lambda t: "".join(f"&#{ord(c)};" for c in t),
    "hexadecimal entities": lambda t: "".join(f"&#x{ord(c):X};" for c in t),
    "entity of Windows-1252": lambda t: f"{t}&#133;",
}  # fmt: skip

SENTENCES = (
    "this film is efficient and fine",
    "the final café scene is first class",
    "i think it is a flat finale",
)


@cache
def model(name: str) -> StoredModel:
    return load(name)


@pytest.mark.parametrize("sentence", SENTENCES)
@pytest.mark.parametrize("kind", [*SAME, *SAME_WITH_TAGS])
def test_the_same_sentence_in_another_form_is_the_same_words(kind: str, sentence: str) -> None:
    changed = (SAME | SAME_WITH_TAGS)[kind](sentence)
    names = ["sentiment-lstm", "imdb-lstm", "agnews-bilstm"]
    for name in names if kind in SAME else names[:1]:
        found = model(name).vocabulary.read(changed)
        assert found == model(name).vocabulary.read(sentence), name


def test_every_kind_changes_a_sentence() -> None:
    """Else its cases above would hold without any preparation."""
    for kind, change in (SAME | SAME_WITH_TAGS).items():
        if kind != "small":
            assert any(change(sentence) != sentence for sentence in SENTENCES), kind


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("the movie was \u201cgood\u201d", 'the movie was "good"'),
        ("good\u2014really good", "good -- really good"),
        ("good\u2013bad", "good - bad"),
        ("well\u2010made well\u2011made", "well-made well-made"),
        ("\u22121 0 1", "-1 0 1"),
        ("wasn\u2019t wasn\x92t wasn\uff07t wasn\u00b4t", "wasn't wasn't wasn't wasn't"),
        ("great\u2026but", "great...but"),
        ("½ of it, 2², Brand™", "½ of it, 2², brand ™"),  # no other words
        ("Rocky Ⅳ", "rocky iv"),
        ("good😀bad", "good 😀 bad"),
        ("👍🏽 👩\u200d🚀", "👍🏽 👩🚀"),
        ("i <3 it", "i <3 it"),
        ("a < b and c > d", "a < b and c > d"),
        ("it <really was> good", "it <really was> good"),
        ("mail <me@example.org>", "mail <me@example.org>"),
        ("tom &amp; jerry", "tom & jerry"),
        ("AT&T; this&that;", "at&t; this&that;"),
        ("don&#39;t &#x27;x&#X27;", "don't 'x'"),
        ("caf&eacute; CAF&Eacute; cafe&#769;", "café café café"),
        ("&lt;3", "<3"),
        ("&zwnj;&shy;good", "good"),
        ("&bogus; &#0; &#99999999;", "&bogus; \ufffd \ufffd"),
        ("e\u0301 \u00e9 \u212b \u1e9e", "é é å ß"),
        ("H\u0331", "\u1e96"),  # no capital of its own
        ("\x80 \x81 \x8a", "€  š"),
        ("\udce9t\udce9", "\udce9t\udce9"),
        ("", ""),
    ],
)
def test_what_becomes_of_a_text(typed: str, plain: str) -> None:
    assert standardize(typed) == plain
    assert standardize(plain) == plain


def test_tags_and_entities_stay_where_they_are_to() -> None:
    assert standardize("Good<br />“bad” &amp;", tags=False) == 'good<br />"bad" &amp;'


def test_the_language_decides_about_i() -> None:
    assert standardize("İI ıi I\u0307") == "ii ii i"
    assert standardize("İI ıi I\u0307", language="tr") == "iı ıi i"


@pytest.mark.parametrize("language", ["en", "tr"])
@pytest.mark.parametrize("tags", [True, False])
def test_every_character_has_one_plain_form(language: str, tags: bool) -> None:
    """Alone and between letters; an exhaustive table, in steps that reach every block."""
    for code in (*range(0x3000), *range(0x3000, sys.maxunicode + 1, 61), 0xFEFF, 0xFF07, 0xFB01):
        for text in (chr(code), f"a{chr(code)}b"):
            once = standardize(text, language=language, tags=tags)  # type: ignore[arg-type]
            again = standardize(once, language=language, tags=tags)  # type: ignore[arg-type]
            assert once == again, hex(code)


PARTS = st.sampled_from(
    [
        *"aiI&;#<>/!-=\"' \x1b[m\u0307\u0301\u0323\u0338\u200b\u0130\u0131ﬁ😀…—“\x85\x92\udc80\0",
        "&amp;", "amp;", "lt;", "&#38;", "&#97;", "&#x3c;", "&eacute;", "<b>", "</b>", "<br />",
        " x=1>", "<!--", "-->", "ESC]8;;", "\x1b[31m",
    ]
)  # fmt: skip


@given(st.text() | st.lists(PARTS).map("".join), st.sampled_from(["en", "tr"]), st.booleans())
@example("&&#97;mp;lt;", "en", True)
@example("<a <a <b> x=1> x=1>", "en", True)
@example("i\u0315\u0307\u200b\u0307", "en", True)
@example("&good&#128512;bad;", "en", True)
def test_standardizing_twice_changes_nothing(text: str, language: str, tags: bool) -> None:
    once = standardize(text, language=language, tags=tags)  # type: ignore[arg-type]
    assert standardize(once, language=language, tags=tags) == once  # type: ignore[arg-type]
    assert unicodedata.is_normalized("NFC", once)
    assert once == once.lower()


@given(st.text(alphabet=[chr(n) for n in range(32, 127) if chr(n) not in "<>&"]))
def test_plain_ascii_is_only_made_small(text: str) -> None:
    assert standardize(text) == text.lower()


@pytest.mark.parametrize(
    "part",
    ["\u0301\u0323", "&amp;", "&&#97;mp;", "<a ", "<a x=1 ", '<a x="', "<!--", "\x1b[", "\x1b]",
     "😀a", "&#", "&;", "\u200b", "i\u0307", "word/", "-\u0301-\u0323"],
)  # fmt: skip
def test_the_time_is_linear(part: str) -> None:
    """Texts that make careless patterns and NFC itself quadratic: minutes, not a second."""
    text = "a" + part * (400_000 // len(part))
    start = time.process_time()
    model("sentiment-lstm").tokenize(text)
    assert time.process_time() - start < 20


def test_predictions_are_those_of_the_plain_text() -> None:
    """One pair a kind; 1e-4 is what a screen shows."""
    net = model("sentiment-lstm")
    sentence = SENTENCES[0]
    kinds = (SAME | SAME_WITH_TAGS).values()
    found = net.predict([change(sentence) for change in kinds])
    plain = net.predict([sentence])
    np.testing.assert_allclose(found, np.repeat(plain, len(found), axis=0), atol=1e-4)
