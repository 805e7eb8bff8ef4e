"""``rnnviz write``: what is drawn, and what it says about a start and a model."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from rnnviz.cli import run, stdout
from rnnviz.model_files import load
from rnnviz.tracer.text_writer import TextWriter, drawing_probabilities

NAMES = ("-m", "names-lstm")


def written(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    assert run(["write", *args]) == 0
    return capsys.readouterr().out


def document(capsys: pytest.CaptureFixture[str], *args: str) -> dict:  # type: ignore[type-arg]
    found: dict = json.loads(written(capsys, *args, "--json", "-q"))  # type: ignore[type-arg]
    return found


def test_the_same_seed_writes_the_same_text(capsys: pytest.CaptureFixture[str]) -> None:
    texts = [written(capsys, *NAMES, "--length", "60", "--seed", str(n), "-q") for n in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
    assert len(texts[0]) == 61  # and a line end
    assert written(capsys, *NAMES, "--start", "em", "--seed", "1", "-q").startswith("em")


def test_each_character_has_the_probability_that_the_net_gives(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Beside a pass over the whole text; after an end mark the net begins anew."""
    found = document(capsys, *NAMES, "--start", "em", "--length", "40", "--seed", "3")
    net = load("names-lstm")
    name = "em"
    for each in found["tokens"]:
        p = net.predict([name])[0] if name else _first(net)
        assert each["probability"] == pytest.approx(float(p[each["id"]]), rel=1e-4)
        assert each["surprise"] == pytest.approx(-np.log2(each["probability"]), rel=1e-4)
        best = sorted(zip(p[1:].tolist(), net.labels[1:], strict=True), reverse=True)[:5]
        assert [b["token"] for b in each["best"]] == [token for _, token in best]
        name = "" if each["token"] == "\n" else name + each["token"]
    assert "\n" in found["text"]
    assert found["text"] == "".join(each["token"] for each in found["tokens"])


def _first(net) -> np.ndarray:  # type: ignore[no-untyped-def]
    """What may begin a name."""
    logits, _ = net.model.advance(np.array([[1]]), None)
    p = np.exp(logits[0, 0] - logits.max())
    return p / p.sum()


def test_temperature_zero_takes_the_likeliest(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, *NAMES, "--length", "20", "--temperature", "0")
    assert all(each["probability"] == 1 for each in found["tokens"])
    assert found == document(capsys, *NAMES, "--length", "20", "--temperature", "0",
                             "--seed", str(found["seed"]))  # fmt: skip


def test_a_temperature_divides_the_logits_and_top_k_leaves_the_rest_out() -> None:
    logits = np.array([2.0, 1.0, 0.0, -1.0])
    p = drawing_probabilities(logits, 0.5, 2)
    wanted = np.exp(np.array([4.0, 2.0]))
    np.testing.assert_allclose(p, [*(wanted / wanted.sum()), 0, 0], 1e-12)
    np.testing.assert_allclose(drawing_probabilities(logits, 1e6), 0.25, 1e-5)


def test_the_padding_is_never_written() -> None:
    """However hot: an entry that is no character has no probability."""
    writer = TextWriter(load("names-gru"), temperature=100.0, seed=0)
    writer.read("")
    assert all(each.token for each in writer.write(300))


def test_characters_that_the_net_does_not_know_are_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["write", *NAMES, "--start", "é7a", "--length", "1"]) == 0
    assert "Left out, since the net does not know them: 7 é" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (("-m", "sentiment-lstm"), "sentiment-lstm gives no next token"),
        (("-m", "jena-gru"), "jena-gru gives no next token"),
        (("-m", "shakespeare-lstm", "--start", "жж"), "knows none of the characters"),
        ((*NAMES, "--temperature", "nan"), "nan is not in the range"),
        ((*NAMES, "--temperature", "-1"), "not in the range"),
        ((*NAMES, "--length", "0"), "not in the range"),
        ((*NAMES, "--top-k", "0"), "not in the range"),
    ],
)
def test_what_cannot_be_written_is_an_error(
    capsys: pytest.CaptureFixture[str], args: tuple[str, ...], why: str
) -> None:
    assert run(["write", *args]) == 2
    assert why in capsys.readouterr().err


def test_on_a_terminal_spaces_stay_and_control_codes_are_escaped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    for piece in ("a", " ", "\n", "\t", "e", "\u0301", "\x1b[31m", "b  c"):
        stdout.piece(piece)
    assert capsys.readouterr().out == "a \n\te\u0301\\x1b[31mb  c"
    assert run(["write", "--start", "we are ", "--length", "60", "--seed", "1", "-q"]) == 0
    assert " " in capsys.readouterr().out.removeprefix("we are ").strip()


def test_a_document_is_printed_token_by_token(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is printed must not wait for the last of a million tokens."""
    pieces: list[str] = []
    monkeypatch.setattr(stdout, "piece", pieces.append)
    assert run(["write", *NAMES, "--start", "e\x1bm", "--length", "9", "--json", "-q"]) == 0
    assert len(pieces) == 10 and pieces[-1].endswith("}\n")
    found = json.loads("".join(pieces))
    assert found["text"] == "".join(each["token"] for each in found["tokens"])
    assert found["start"] == "e\x1bm" and "\x1b" not in "".join(pieces)
