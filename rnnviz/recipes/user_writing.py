"""Nets that write like a text of the user's own, letter by letter or word by word."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from rnnviz.arrays import Array
from rnnviz.data.folders import sha256
from rnnviz.data.next_tokens import TextWindows
from rnnviz.data.plain_text import read_plain_text
from rnnviz.data.user_tables.choice import TableChoice
from rnnviz.data.vocabulary import PADDING, UNKNOWN, Encoding, Vocabulary
from rnnviz.engine.spec import EmbeddingSpec, FitSpec, HeadSpec, ModelSpec, RecurrentSpec
from rnnviz.errors import InvalidFileError, UsageError
from rnnviz.messages import N_, _
from rnnviz.recipes import Recipe, Task
from rnnviz.recipes.sentiment import Say

#: Tokens in a window, and the most windows that are read side by side.
STEPS, MOST_COLUMNS = 100, 50
#: The least tokens of a text.
LEAST_TOKENS: Final = 100
#: Tokens of a longer text that an epoch reads: an epoch is one of several parts of the text.
PART: Final = 1_000_000
#: Updates that a training aims at, and its least and most epochs.
UPDATES, LEAST_EPOCHS, MOST_EPOCHS = 2_400, 3, 60
#: The most entries of the vocabulary, of characters and of words.
MOST_CHARACTERS, MOST_WORDS = 1_000, 10_000


def prepare(choice: TableChoice, folder: Path, limit: int | None, seed: int, say: Say) -> Task:
    """Read a text and cut it into windows; ``limit`` is a number of lines.

    InvalidFileError for a file that is no text, or one that is too short.
    """
    path = folder / choice.file
    text = read_plain_text(path)
    if limit is not None:
        text = "".join(text.splitlines(keepends=True)[:limit])
    vocabulary = _vocabulary(text, choice)
    tokens = vocabulary.tokenize(text)
    ids = np.array(vocabulary.encode(tokens), np.int64)
    unit = _("words") if choice.words else _("characters")
    if len(ids) < LEAST_TOKENS or len(set(tokens)) < 2:
        raise InvalidFileError(
            _(
                "{path} has {count:,} {unit} to learn from, {different:,} of them different: too "
                "few. {least} are the least, and some ten thousand give a net that writes."
            ).format(
                path=path, count=len(ids), unit=unit, different=len(set(tokens)),
                least=LEAST_TOKENS,
            )
        )  # fmt: skip
    share = choice.validation
    if not share:
        raise UsageError(_("--validation 0 leaves no text to validate on; the least is .01."))
    cut = len(ids) - max(10, round(len(ids) * share))
    say(
        _("{file}: {count:,} {unit}, {known:,} different ones; the last {held:,} validate.").format(
            file=choice.file, count=len(ids), unit=unit, known=len(vocabulary) - 2,
            held=len(ids) - cut,
        )
    )  # fmt: skip
    steps = min(STEPS, len(ids) - cut - 1, cut // 8)
    parts = _parts(ids[:cut], steps)
    columns = max(1, min(MOST_COLUMNS, len(parts[0]) // 8))
    valid = TextWindows(ids[cut:], steps, stateful=True, max_batch=columns)
    updates = -(-len(parts[0]) // columns)
    epochs = min(MOST_EPOCHS, max(LEAST_EPOCHS, len(parts), round(UPDATES / updates)))
    return Task(
        encoder=vocabulary,
        labels=vocabulary.words,
        draw=lambda epoch, rng: parts[(epoch - 1) % len(parts)],
        valid=valid,
        files={choice.file: sha256(path)},
        preparation={
            "training": cut, "validation": len(ids) - cut, "vocabulary": len(vocabulary),
            "steps of a window": steps, "parts": len(parts),
        },
        trained_on=f"{choice.file} ({cut:,} {'words' if choice.words else 'characters'})",
        licence=f"Trained on {choice.file}, a text of the user; its vocabulary is in the model.",
        head=HeadSpec("softmax", len(vocabulary), reads="steps"),
        fit={"batch_size": columns, "epochs": epochs},
        example=_example(text),
    )  # fmt: skip


def _vocabulary(text: str, choice: TableChoice) -> Vocabulary:
    """The most frequent characters or words, as they are in the text."""
    encoding = Encoding("spaces" if choice.words else "characters")
    most = choice.vocabulary or (MOST_WORDS if choice.words else MOST_CHARACTERS)
    counts = Counter(text.split() if choice.words else text)
    frequent = [token for token, _n in counts.most_common(most - 2) if not _is_special(token)]
    return Vocabulary((PADDING, UNKNOWN, *frequent), encoding)


def _is_special(token: str) -> bool:
    """Whether an entry of this name would be none of the text's tokens."""
    return len(token) > 1 and (token[0], token[-1]) == ("[", "]")


def _parts(ids: Array, steps: int) -> list[TextWindows]:
    """The parts of about PART tokens that the epochs read in turn."""
    count = max(1, round(len(ids) / PART))
    return [TextWindows(part, steps, stateful=True) for part in np.array_split(ids, count)]


def _example(text: str) -> str:
    """The beginning of the first line that has some words."""
    lines = (line.strip() for line in text.split("\n"))
    first = next((line for line in lines if len(line) >= 10), text.strip()[:10])
    return first[:30]


def _model(cell: str, size: int) -> ModelSpec:
    source = EmbeddingSpec(size, 32, mask_zero=False)
    return ModelSpec(source, (RecurrentSpec(cell, 128),), HeadSpec("softmax", size, reads="steps"))


def writing_recipe(choice: TableChoice) -> Recipe:
    """The recipe that trains a net on a text of the user's own."""
    tokens = "spaces" if choice.words else "characters"
    return Recipe(
        name=choice.file,
        title="LSTM(128)",
        model=partial(_model, "lstm"),
        fit=FitSpec(
            epochs=LEAST_EPOCHS, batch_size=MOST_COLUMNS, rate=2e-3, final_rate=2e-4, clip=5.0,
            monitor="loss", stateful=True,
        ),
        prepare=partial(prepare, choice),
        data=N_("a text of the user"),
        tokenizer=tokens,  # type: ignore[arg-type]
    )  # fmt: skip
