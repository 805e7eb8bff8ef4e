"""Nets that write: the probability of every next character, from the characters before it.

Data: 32,033 first names, one a line (frequent first names of the United States Social Security
Administration, public domain, gathered in Andrej Karpathy's makemore), and 40,000 lines of plays by
Shakespeare (public domain, gathered in his char-rnn; its README describes the net of one or two
layers that this one follows). Neither source publishes a loss for these nets and this split.
"""

from __future__ import annotations

from array import array
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from rnnviz.data.folders import data_errors, sha256
from rnnviz.data.next_tokens import TextWindows, WholeTexts
from rnnviz.data.vocabulary import PADDING, Encoding, Vocabulary
from rnnviz.data.writing_texts import read_writing_text, writing_file
from rnnviz.engine.spec import EmbeddingSpec, FitSpec, HeadSpec, ModelSpec, RecurrentSpec
from rnnviz.messages import N_, _
from rnnviz.recipes import Recipe, Task, check_rows
from rnnviz.recipes.sentiment import Say

#: The mark at the end of a name, which it also begins with.
END: Final = "\n"
#: Every tenth name, and the last tenth of a long text, is validated on.
VALIDATION_SHARE: Final = 10
#: Characters in the last tenth of the plays.
HELD_OUT: Final = 111_539
#: Characters in a window of a long text.
STEPS: Final = 100
#: Parts of the validation text that are read side by side, each from its beginning.
VALIDATION_BATCH: Final = 10


def prepare_names(folder: Path, limit: int | None, seed: int, say: Say) -> Task:
    """Read the names; a tenth of them, drawn with ``seed`` 0 for every run, validates."""
    path, text = _text(folder, "names", say)
    names = names_of(text)[:limit]
    characters = sorted(set("".join(names)))
    if len(names) < 2 * VALIDATION_SHARE or len(characters) < 2:
        check_rows(len(text.split("\n")), limit, _("{count} names").format(count=len(names)))
    encoding = Encoding("characters", unknown=None, start=1, special=(0,))
    vocabulary = Vocabulary((PADDING, END, *characters), encoding)
    ids = [array("i", [1, *vocabulary.encode(name), 1]) for name in names]
    held_out = _held_out(len(ids))
    training = WholeTexts([row for n, row in enumerate(ids) if n not in held_out])
    valid = WholeTexts([row for n, row in enumerate(ids) if n in held_out])
    return Task(
        encoder=vocabulary,
        labels=vocabulary.words,
        draw=lambda epoch, rng: training,
        valid=valid,
        files={path.relative_to(folder).as_posix(): sha256(path)},
        preparation={"training": len(training), "validation": len(valid)},
        trained_on=f"first names ({len(training):,})",
        licence="Trained on frequent first names of the United States Social Security "
        "Administration, public domain, as gathered in Andrej Karpathy's makemore.",
        head=HeadSpec("softmax", len(vocabulary), reads="steps"),
    )


def prepare_shakespeare(
    folder: Path, limit: int | None, seed: int, say: Say, *, stateful: bool = True
) -> Task:
    """Read the plays; the last tenth of the text validates. ``limit`` is a number of lines."""
    path, text = _text(folder, "shakespeare", say)
    if limit is not None:
        text = "".join(text.splitlines(keepends=True)[:limit])
    vocabulary = Vocabulary(
        tuple(sorted(set(text))), Encoding("characters", unknown=None, special=())
    )
    ids = np.array(vocabulary.encode(text), np.int64)
    cut = len(ids) - len(ids) // VALIDATION_SHARE
    training = TextWindows(ids[:cut], STEPS, stateful)
    valid = TextWindows(ids[cut:], STEPS, stateful, VALIDATION_BATCH)
    if not len(training) or not len(valid):
        check_rows(text.count("\n"), limit, _("{count:,} characters").format(count=len(text)))
    return Task(
        encoder=vocabulary,
        labels=vocabulary.words,
        draw=lambda epoch, rng: training,
        valid=valid,
        files={path.relative_to(folder).as_posix(): sha256(path)},
        preparation={
            "training characters": cut,
            "validation characters": len(ids) - cut,
            "characters": len(vocabulary),
            "steps of a window": STEPS,
        },
        trained_on="plays by Shakespeare",
        licence="Trained on plays by William Shakespeare, public domain, as gathered in Andrej "
        "Karpathy's char-rnn.",
        head=HeadSpec("softmax", len(vocabulary), reads="steps"),
        fit={"stateful": stateful},
    )


def _text(folder: Path, data_set: str, say: Say) -> tuple[Path, str]:
    """The file of a data set, and its text."""
    with data_errors(data_set):
        path = writing_file(folder, data_set)
        say(_("Reading {names} from {folder}").format(names=path.name, folder=folder))
        return path, read_writing_text(folder, data_set)


def names_of(text: str) -> list[str]:
    """The names in a file of them, one a line, in lower case."""
    return [name for line in text.split("\n") if (name := line.strip().lower())]


def _held_out(count: int) -> set[int]:
    """The numbers of the names that validate, of so many: the same in every run."""
    order = np.random.default_rng(0).permutation(count)
    return set(order[: count // VALIDATION_SHARE].tolist())


def held_out_names(folder: Path) -> str:
    """The names that validate, one a line."""
    names = names_of(read_writing_text(folder, "names"))
    return "\n".join(names[n] for n in sorted(_held_out(len(names))))


def held_out_plays(folder: Path) -> str:
    """The last tenth of the plays, also of the sample, which is the last two tenths of them."""
    return read_writing_text(folder, "shakespeare")[-HELD_OUT:]


# -- the recipes --------------------------------------------------------------------------------


def _names_model(cell: str, size: int) -> ModelSpec:
    source = EmbeddingSpec(size, 16)
    return ModelSpec(source, (RecurrentSpec(cell, 64),), HeadSpec("softmax", size, reads="steps"))


def _shakespeare_model(size: int) -> ModelSpec:
    source = EmbeddingSpec(size, 32, mask_zero=False)
    return ModelSpec(
        source, (RecurrentSpec("lstm", 128),), HeadSpec("softmax", size, reads="steps")
    )


NAMES_FIT = FitSpec(epochs=10, batch_size=64, rate=3e-3, final_rate=1e-4, clip=5.0, monitor="loss")
SHAKESPEARE_FIT = FitSpec(
    epochs=30, batch_size=50, rate=2e-3, final_rate=1e-4, clip=5.0, monitor="loss"
)

RECIPES = (
    *(
        Recipe(
            name=f"names-{cell}",
            title=title,
            model=partial(_names_model, cell),
            fit=NAMES_FIT,
            prepare=prepare_names,
            data=N_("first names, a tenth validates"),
            size=28,
            package_size=28,
            example="emma",
            tokenizer="characters",
        )
        for cell, title in (("rnn", "SimpleRNN(64)"), ("gru", "GRU(64)"), ("lstm", "LSTM(64)"))
    ),
    Recipe(
        name="shakespeare-lstm",
        title="LSTM(128)",
        model=_shakespeare_model,
        fit=SHAKESPEARE_FIT,
        prepare=prepare_shakespeare,
        data=N_("plays by Shakespeare, windows of 100 characters, the last tenth validates"),
        size=65,
        example="ROMEO:\nI would",
        tokenizer="characters",
        variants={"separate-windows": partial(prepare_shakespeare, stateful=False)},
    ),
)
