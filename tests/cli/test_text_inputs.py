"""Odd texts through the whole command: read or refused, and nothing of them reaches a terminal."""

from __future__ import annotations

import json
import unicodedata
from typing import Any, NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnviz.cli import run
from rnnviz.model_files import load

#: Pieces that must not become a part of what is printed as they are, or that a reader of texts may
#: take for something else. True: the piece has a word in it.
PIECES: dict[str, tuple[str, bool]] = {
    **{f"control {n:#04x}": (chr(n), False) for n in (*range(32), 0x7F)},
    **{f"C1 control {n:#04x}": (chr(n), unicodedata.category(bytes([n]).decode("cp1252", "ignore")
       or " ")[0] in "LS") for n in range(0x80, 0xA0)},
    "screen cleared": ("\x1b[2J\x1b[H", False),
    "title set": ("\x1b]0;owned\x07", False),
    "clipboard set": ("\x1b]52;c;b3duZWQ=\x1b\\", False),
    "answer asked for": ("\x1b[6n\x1b[c", False),
    "device string": ("\x1bP$q\"p\x1b\\", True),
    "C1 sequence": ("\x9b2J", True),
    "backspaces": ("\x08" * 9, False),
    "carriage return": ("\rrnnviz: ok", True),
    "right to left": ("\u202e\u05d8\u05d5\u05d1\u202c", True),
    "isolate without end": ("\u2067", False),
    "Arabic": ("فيلم جيد", True),
    "Hebrew accents": ("טֽוֹב", True),
    "Hindi": ("अच्छी फ़िल्म", True),
    "Chinese": ("这部电影很好。", True),
    "Thai": ("หนังดี", True),
    "Turkish": ("Güzel bir film değildi, İğrenç!", True),
    "emoji": ("😀", True),
    "family": ("👨\u200d👩\u200d👧\u200d👦", True),
    "skin": ("👍🏿", True),
    "flag": ("🇹🇷", True),
    "keycap": ("1\ufe0f\u20e3", True),
    "heart": ("❤️", True),
    "zalgo": ("z\u0300\u0316\u0301\u0317" * 40, True),
    "accents alone": ("\u0301\u0302", True),
    "invisible": ("\u200b\u200c\u200d\u2060\u00ad\ufeff\u034f\u3164\u2063", False),
    "tags of Unicode": ("\U000e0001\U000e0041", False),
    "spaces": ("\u00a0\u1680\u2003\u2028\u2029\u205f\u3000\x85", False),
    "punctuation": ("?!.,;:—…“”‘’«»¿¡()[]{}", False),
    "mathematics": ("∑∫√∞≠", True),
    "boxes": ("█▓▒░╔═╗", True),
    "private use": ("\ue000\uf8ff", True),
    "noncharacters": ("\ufffe\uffff\U0010ffff", True),
    "replacement": ("\ufffd", True),
    "high surrogate": ("\ud83d", True),
    "low surrogates": ("\udce9\udcff", True),
    "surrogates the wrong way": ("\udc00\ud800", True),
    "markup of Rich": ("[bold red]good[/] [link=file:///etc]x[/link]", True),
    "markup without end": ("[/bold] [", True),
    "markup of Rich escaped": ("\\[bold]", True),
    "special entries": ("[UNK] [PAD] [START]", True),
    "braces": ("{text} {0} %s %(x)s $HOME", True),
    "HTML": ("<script>alert(1)</script>", True),
    "only tags": ("<br /><p></p>", False),
    "tag without end": ("<a href=", True),
    "entities": ("&lt;&#0;&#x110000;&nbsp;&amp;", True),
    "JSON": ('{"a": [1, NaN]}', True),
    "quotes": ("'\"`\\", False),
    "CSV": ('=cmd|"/c calc"!A1,"', True),
    "numbers": ("1e309 -0 NaN 0x10 ١٢٣", True),
    "path": ("../../etc/passwd", True),
    "glue": ("a/b-c...d;e" * 50, True),
}  # fmt: skip

#: Where the piece stands: alone, in a word, between words, around a text.
PLACES = {"alone": "{}", "in a word": "go{}od", "between words": "not {} good"}
CASES = [(kind, place) for kind in PIECES for place in PLACES]
FORMS = ("--plain", "--json", "--jsonl", "--csv")


def no_constant(name: str) -> NoReturn:
    raise AssertionError(f"{name} is no JSON")


def document(text: str) -> Any:
    return json.loads(text, parse_constant=no_constant)


def checked(capfd: pytest.CaptureFixture[str], text: str, form: str, *more: str) -> tuple[int, str]:
    """Run ``step`` on a text; whatever it is, the outcome is clean."""
    capfd.readouterr()
    code = run(["step", form, *more, "--", text])
    said = capfd.readouterr()
    assert code in (0, 2)
    assert "Traceback" not in said.err
    assert "Internal error" not in said.err
    assert len(said.err.splitlines()) <= 2
    assert bool(said.out) == (code == 0)
    for printed in (said.err, said.out):
        # Data may hold what only a terminal would obey; it is escaped where it goes to one.
        data = printed is said.out and form in ("--csv", "--jsonl", "--json")
        bad = {c for c in set(printed) if _obeyed(c) and c != "\n"}
        assert not bad or (data and form == "--csv"), bad
        printed.encode()
    return code, said.out


def _obeyed(char: str) -> bool:
    """Whether a terminal or an editor does something for it: control, format, surrogate."""
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")


@pytest.mark.parametrize(("kind", "place"), CASES)
def test_an_odd_text_is_read_or_refused(
    kind: str, place: str, capfd: pytest.CaptureFixture[str]
) -> None:
    piece, has_word = PIECES[kind]
    text = PLACES[place].format(piece)
    form = FORMS[len(kind + place) % 4]
    code, out = checked(capfd, text, form)
    assert code == (0 if has_word or place != "alone" else 2)
    if code == 0 and form == "--json":
        trace = document(out)
        tokens, ids = load("sentiment-lstm").vocabulary.read(text)
        assert (trace["tokens"], trace["ids"]) == (tokens, ids)
        assert all(token and token.split() == [token] for token in tokens)
    if code == 0 and form == "--jsonl":
        assert all(document(line)["token"] for line in out.splitlines())
    if code == 0 and form == "--plain":
        assert any(line.startswith("Prediction: ") for line in out.splitlines())


@pytest.mark.parametrize("kind", PIECES)
@pytest.mark.parametrize("model", ["imdb-rnn", "sentiment-lstm-8"])
def test_an_odd_text_beside_another_and_in_the_lessons_nets(
    kind: str, model: str, capfd: pytest.CaptureFixture[str]
) -> None:
    text = f"good {PIECES[kind][0]} film"
    code, _ = checked(capfd, text, "--plain", "-m", model, "--against", f"bad{PIECES[kind][0]}")
    assert code == 0


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", 2),
        (" ", 2),
        ("\n" * 1000, 2),
        ("a" * 1_000_000, 0),
        ("é" * 1_000_000, 0),
        ("😀" * 100_000, 0),
        ("e\u0301" * 300_000, 0),
        ("a\u0301\u0323" + "\u0301\u0323" * 300_000, 0),
        ("\u200b" * 1_000_000, 2),
        ("!" * 1_000_000, 2),
        ("\u2014" * 500_000, 2),
        ("<br />" * 100_000, 2),
        ("&amp;" * 100_000 + "good", 0),
        ("<" * 500_000 + " good", 0),
        (("wasn't" * 100_000), 0),
        ("not good " * 200, 0),
        ("good " * 10_001, 2),
        ("good/" * 200_000, 2),
    ],
    ids=lambda value: f"{len(value)} of {value[:6]!r}" if isinstance(value, str) else None,
)
def test_long_texts(text: str, code: int, capfd: pytest.CaptureFixture[str]) -> None:
    assert checked(capfd, text, "--plain")[0] == code


def test_ten_thousand_words_are_read_where_only_the_last_500_count(
    capfd: pytest.CaptureFixture[str],
) -> None:
    code, out = checked(capfd, "good " * 10_000, "--plain", "-m", "imdb-rnn")
    assert code == 0
    assert "500" in out


@settings(max_examples=60)
@given(text=st.text(max_size=60) | st.text(st.characters(max_codepoint=0xFF), max_size=60))
def test_any_text(text: str) -> None:
    """Read where the vocabulary finds a word, else refused; the command itself is tried above."""
    vocabulary = load("sentiment-lstm").vocabulary
    tokens, ids = vocabulary.read(text)
    assert len(tokens) == len(ids)
    assert vocabulary.read(" ".join(tokens)) == (tokens, ids)
