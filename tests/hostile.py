"""Texts that try to reach the terminal, and files that hold them in every field."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from rnnviz.cli import run
from rnnviz.files import assets
from rnnviz.trace.file import open_trace, save_trace

#: What each would do to a terminal that got it raw, or to a line or a document.
KINDS = {
    "colour": "\x1b[31mred",
    "clear": "\x1b[2J\x1b[H",
    "csi of one character": "\x9b31m",
    "bell": "\x07",
    "carriage return": "good\rbad",
    "backspace": "bad\x08\x08\x08good",
    "title": "\x1b]0;owned\x07",
    "link": "\x1b]8;;http://example.org\x1b\\here\x1b]8;;\x1b\\",
    "clipboard": "\x1b]52;c;cm0gLXJm\x07",
    "bidi override": "\u202egnp.exe\u2066",
    "invisible": "a\u200bb\ufeffc\u00ad",
    "line breaks": "one\ntwo\x0bthree\u2028four\x85five",
    "tab": "a\tb",
    "delete": "a\x7fb",
    "rich markup": "[bold red]x[/] [/] [link=file:///etc/passwd]y[/link]",
    "html": "<script>alert(1)</script>&\"'",
    "surrogate": "\ud800",
    "long": "y" * 100_000,
}
#: All of the short ones at once.
ALL = "".join(text for text in KINDS.values() if len(text) < 1000)

#: The same as the command line can bring it: a surrogate stands for a byte that is no text.
TYPED = ALL.replace("\ud800", "\udc9b")


def is_safe(text: str) -> bool:
    """Whether a terminal takes nothing of it for a command: printable characters and lines."""
    return all(char.isprintable() or char == "\n" for char in text)


def trace(path: Path, text: str) -> Path:
    """A saved trace with the text in every field that is free."""
    usual = path.with_name("usual.trace")
    if not usual.is_file():
        assert run(["step", "-q", "not good", "--save", str(usual)]) == 0
    found = open_trace(usual)
    labels = (f"{text}0", f"{text}1")
    layers = tuple(replace(layer, title=text[:60]) for layer in found.layers)
    head = replace(found.head, labels=labels, target=labels[1], objective=text)
    tokens = (text, *found.tokens[1:])
    saved = replace(
        found, model=text, about=text, text=text, tokens=tokens, layers=layers, head=head,
    )  # fmt: skip
    save_trace(saved, path)
    return path


def model(path: Path, text: str) -> Path:
    """A model's JSON with the text in every field that is free."""
    record = json.loads((assets() / "models" / "sentiment-rnn.json").read_text(encoding="utf-8"))
    record |= {"name": text, "title": text, "trained_on": text, "licence": text, "example": "good"}
    record["labels"] = [f"{text}0", f"{text}1"]
    record["vocabulary"][-1] = text
    record["metrics"] = {text: 0.5, "validation_accuracy": 0.5}
    record["published"] = {"value": 0.9, "metric": text, "source": text, "of": text}
    path.write_text(json.dumps(record), encoding="utf-8")
    weights = assets() / "models" / record["weights"]
    shutil.copyfile(weights, path.with_suffix(".safetensors"))
    return path


def a_run(path: Path, text: str) -> Path:
    """A run's folder with the text in every field that is free."""
    spec: dict[str, Any] = {
        "schema": "rnnviz.run/1", "recipe": text, "title": text, "trained_on": text,
        "config": {"layers": []}, "metric": {"name": "accuracy", "better": "high", "unit": text},
        "fit": {"epochs": 1}, "options": {text: text}, "data": {text: text},
        "versions": {text: text}, "device": text, "seed": 0,
        "published": {"metric": "accuracy", "value": 0.8, "source": text, "of": "validation"},
    }  # fmt: skip
    values = {"loss": 0.5, "accuracy": 0.5, text: 0.5}
    line = {"epoch": 1, "train": values, "valid": values, "seconds": 1.0}
    path.mkdir(parents=True)
    (path / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
    (path / "history.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    return path
