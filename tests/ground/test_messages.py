"""Every message in the source has a translation with the same fields, and no other is stored."""

from __future__ import annotations

import ast
import re
import string
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import rnnviz
from rnnviz import messages
from rnnviz.errors import nearest

PACKAGE = Path(rnnviz.__file__).parent


def messages_in_source(*calls: str) -> Iterator[tuple[str, ast.expr]]:
    """Where each call of ``_`` or ``N_`` is, and its argument."""
    calls = calls or ("_", "N_")
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in calls
            ):
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", node.args[0]


def literals() -> set[str]:
    return {
        node.value
        for _, node in messages_in_source()
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def fields(template: str) -> Counter[str]:
    return Counter(name for _, name, _, _ in string.Formatter().parse(template) if name)


def test_messages_are_literals() -> None:
    wrong = [where for where, node in messages_in_source() if not isinstance(node, ast.Constant)]
    assert not wrong


def test_every_message_is_translated() -> None:
    assert sorted(literals() - set(messages.translations("tr"))) == []


def test_no_translation_is_left_over() -> None:
    assert sorted(set(messages.translations("tr")) - literals()) == []


def test_a_message_is_stored_once() -> None:
    """Two files with one key: the second would replace the first without notice."""
    folder = PACKAGE / "i18n" / "messages" / "tr"
    stored: Counter[str] = Counter()
    for file in folder.glob("*.toml"):
        content = tomllib.loads(file.read_text("utf-8"))
        stored.update([*content.pop("stored", ()), *content])
    assert [key for key, count in stored.items() if count > 1] == []


def test_translations_have_the_fields_of_the_message() -> None:
    wrong = [
        english
        for english, turkish in messages.translations("tr").items()
        if set(fields(english)) != set(fields(turkish))
    ]
    assert wrong == []


def test_what_is_stored_in_english_is_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages of readers, with values in them, are translated where they are shown."""
    monkeypatch.setattr(messages, "_language", "tr")
    readers = ("data/", "interop/", "model_files/")
    marked = {
        ast.literal_eval(node)
        for where, node in messages_in_source("N_")
        if where.startswith(readers) and fields(ast.literal_eval(node))
    }
    assert len(marked) > 150
    wrong = []
    for english in sorted(marked):
        text, expected = (
            re.sub(r"\{(\w+)[^}]*\}", lambda match: f"<{match[1]}>", template)
            for template in (english, messages.translations("tr")[english])
        )
        if messages.translated(text) != expected:
            wrong.append((english, messages.translated(text)))
    assert wrong == []


def test_values_stand_in_the_translation_as_in_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    found = "the length of texts: as typed, unpadded (so). Otherwise: --length 12"
    assert messages.translated(found) == found
    turkish = "metinlerin uzunluğu: yazıldığı gibi, dolgusuz (so). Başka türlüyse: --length 12"
    assert messages.translated(found, "tr") == turkish
    monkeypatch.setattr(messages, "_language", "tr")
    assert messages.translated(found) == turkish
    assert messages.translated("no such message") == "no such message"


def test_the_language_of_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "_language", "en")
    assert nearest("sentimnt", ["sentiment"]) == " Did you mean 'sentiment'?"
    messages.set_language("tr")
    assert messages.language() == "tr"
    assert nearest("sentimnt", ["sentiment"]) == " Yoksa 'sentiment' mi?"


def test_messages_inside_and_beside_each_other() -> None:
    """Of joined texts each message is translated; names in them are not."""
    shown = {
        "lstm: weights transposed; gates i f g o stay in this order; biases added": (
            "lstm: ağırlıklar devrildi; i f g o kapıları bu sırada kaldı; yanlılıklar toplandı"
        ),
        "CuDNN order i f c o, each gate transposed": "CuDNN sırası i f c o, her kapı devrik",
        "rnn: its arrays are not in the file": "rnn: dizileri dosyada yok",
        "the activation of a, b: tanh (the file does not say it). Otherwise: --activation": (
            "a, b aktivasyonu: tanh (dosya bunu söylemiyor). Başka türlüyse: --activation"
        ),
        "head (dense 6)": "head (yoğun 6)",
        "head (Conv1D)": "head (Conv1D)",
        "a: b; c (d)": "a: b; c (d)",
        "Unable to open file (bad version number)": "Unable to open file (bad version number)",
        "Keras weights, HDF5": "Keras ağırlıkları, HDF5",
    }
    assert {text: messages.translated(text, "tr") for text in shown} == shown
    deep = "x: " * 1_000
    assert messages.translated(deep, "tr") == deep
