"""The net that ``rnnviz train FILE`` trains: a class from a text, on a table of the user's own.

The net and the fit are those of the sentiment recipes, with less of everything: an embedding that
is masked, a recurrent layer, dropout of words and word vectors, Adam with a rate that falls, a
moving average of the weights. The data decide the vocabulary, the longest text and the epochs.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from rnnviz.arrays import Array
from rnnviz.data.batches import Texts
from rnnviz.data.folders import sha256
from rnnviz.data.standardization import Language
from rnnviz.data.tokenizers import tokenize
from rnnviz.data.user_tables import (
    LabelledTexts,
    TableSplit,
    TextColumns,
    UserTable,
    choose_text_columns,
    few_rows,
    read_labelled_texts,
    read_user_table,
    split_rows,
)
from rnnviz.data.user_tables.choice import TableChoice
from rnnviz.data.user_tables.labels import faults_text
from rnnviz.data.vocabulary import UNKNOWN_ID, Encoding, Vocabulary
from rnnviz.engine.spec import EmbeddingSpec, FitSpec, HeadSpec, ModelSpec, RecurrentSpec
from rnnviz.errors import InvalidFileError, UsageError
from rnnviz.messages import N_, _, translated
from rnnviz.recipes import Recipe, Task
from rnnviz.recipes.user_text_report import shared_text_lines, split_lines, text_lines

VOCABULARY_SIZE: Final = 10_000
#: The most words of a text that are read unless the user says more.
LONGEST: Final = 200
#: Where the share of texts that are read whole is at least this, longer ones are cut.
WHOLE: Final = 0.95
#: Rows that a training needs, and examples that an epoch's updates are counted for.
LEAST_ROWS: Final = 10
#: Updates of a training, from which the epochs follow, and their limits.
UPDATES: Final = 1_000
EPOCHS: Final = (4, 40)
BATCH: Final = 32
#: Characters of the example to step through.
SENTENCE: Final = 120

Say = Callable[[str], None]


def prepare(
    choice: TableChoice, mask: bool, folder: Path, limit: int | None, seed: int, say: Say
) -> Task:
    """Read a table of texts, split it and build the vocabulary; ``say`` gets what was found.

    ``limit``: so many rows, drawn at random. UsageError for columns that are not there,
    InvalidFileError for a table that cannot be used.
    """
    path = folder / choice.file
    table, columns, rows = _read(choice, folder)
    say(
        _("{file}: {form}; {rows:,} rows, {columns} columns.").format(
            file=table.name, form=translated(table.form), rows=len(rows), columns=table.width
        )
    )
    for remark in (*table.remarks, *columns.remarks, *rows.remarks):
        say(f"{remark}.")
    if rows.skipped:
        say(
            _("Skipped {count:,} rows: {reasons}.").format(
                count=len(rows.skipped), reasons=faults_text(rows.skipped)
            )
        )
    rows = _limited(rows, limit, seed, say)
    if len(rows) < LEAST_ROWS or not choice.validation:
        raise _too_few(path, rows, choice)
    split = split_rows(rows.classes, choice.validation, choice.test, seed)
    if not len(split.validation):
        raise _too_few(path, rows, choice)
    for line in split_lines(rows, split, seed):
        say(line)
    if warning := few_rows(len(split.training), len(split.validation)):
        say(warning)
    language, remark = _language(choice, rows.texts)
    if remark:
        say(f"{remark}.")
    vocabulary, words = _vocabulary(rows, split, choice, language)
    ids = [array("i", vocabulary.encode(vocabulary.tokenize(text))) for text in rows.texts]
    training = [ids[n] for n in split.training]
    length = choice.max_length or _longest(training)
    for line in text_lines(ids, split, vocabulary, words, length, "first" if mask else "last"):
        say(line)
    for line in shared_text_lines(rows, ids, split):
        say(line)
    vocabulary = replace(
        vocabulary,
        encoding=Encoding(
            language=language, length=length, padding="end" if mask else "front",
        ),
    )  # fmt: skip
    train, valid, test = (_texts(rows, ids, part, length, mask) for part in split)
    binary = len(rows.names) == 2
    return Task(
        encoder=vocabulary,
        labels=rows.names,
        draw=lambda epoch, rng: train,
        valid=valid,
        test=test if len(test) else None,
        files={choice.file: sha256(path)},
        preparation=_preparation(table, columns.text, columns.label, rows, split, length, seed),
        trained_on=f"{choice.file} ({len(split.training):,} rows)",
        licence=f"Trained on {choice.file}, a table of the user; its words are in the vocabulary.",
        head=HeadSpec("sigmoid", 1, HEAD_DROPOUT) if binary
        else HeadSpec("softmax", len(rows.names), HEAD_DROPOUT),
        fit=_fit(len(split.training)),
        example=_example(rows, split),
    )  # fmt: skip


def _read(choice: TableChoice, folder: Path) -> tuple[UserTable, TextColumns, LabelledTexts]:
    table = read_user_table(folder / choice.file, choice.encoding)
    columns = choose_text_columns(
        table, choice.text, choice.label, choice.header,
        _("To forecast a column of numbers: --series COLUMN --lookback 24 --horizon 1"),
    )  # fmt: skip
    return table, columns, read_labelled_texts(table, columns, choice.bad_rows)


def validation_texts(choice: TableChoice, folder: Path, limit: int | None, seed: int) -> list[str]:
    """The texts of the validation part, which the net was not trained on; errors as above."""
    rows = _limited(_read(choice, folder)[-1], limit, seed, lambda text: None)
    split = split_rows(rows.classes, choice.validation, choice.test, seed)
    return [rows.texts[n] for n in split.validation]


def _limited(rows: LabelledTexts, limit: int | None, seed: int, say: Say) -> LabelledTexts:
    if limit is None or limit >= len(rows):
        return rows
    chosen = np.sort(np.random.default_rng([seed, limit]).permutation(len(rows))[:limit])
    kept = [int(n) for n in chosen]
    say(
        _("{limit:,} of {rows:,} rows, drawn at random (--limit).").format(
            limit=limit, rows=len(rows)
        )
    )
    classes = [rows.classes[n] for n in kept]
    present = sorted(set(classes))
    return replace(
        rows, texts=[rows.texts[n] for n in kept], lines=[rows.lines[n] for n in kept],
        classes=[present.index(c) for c in classes], names=tuple(rows.names[c] for c in present),
    )  # fmt: skip


def _too_few(path: Path, rows: LabelledTexts, choice: TableChoice) -> Exception:
    if not choice.validation:
        return UsageError(_("--validation 0 leaves no rows to validate on; the least is .01."))
    return InvalidFileError(
        _(
            "{path} has {rows:,} rows to learn from, too few: {least} are the least, two or "
            "more of each class, and some hundred give a sensible net."
        ).format(path=path, rows=len(rows), least=LEAST_ROWS)
    )


# -- words --------------------------------------------------------------------------------------


def _language(choice: TableChoice, texts: Sequence[str]) -> tuple[Language, str]:
    """The language of the texts, and what was assumed."""
    if choice.language is not None:
        return choice.language, ""
    sample = "".join(texts[:2_000])
    letters = sum(map(str.isalpha, sample))
    if sum(sample.count(letter) for letter in "ğışĞİŞ") * 100 > letters:
        return "tr", _(
            "The texts are taken as Turkish (I is ı in lower case); if not: --text-lang en"
        )
    return "en", ""


def _vocabulary(
    rows: LabelledTexts, split: TableSplit, choice: TableChoice, language: Language
) -> tuple[Vocabulary, int]:
    """The most frequent words of the training texts, and how many different ones there are.

    A word that occurs once is unknown, so that the unknown word is trained, where there are enough
    words.
    """
    tokens = [tokenize(rows.texts[n], language) for n in split.training]
    counts = Counter(token for text in tokens for token in text)
    least = 2 if sum(counts.values()) > 20 * len(counts) ** 0.5 and len(counts) > 1_000 else 1
    frequent = {token for token, count in counts.items() if count >= least}
    lists = ([t for t in text if t in frequent] for text in tokens)
    built = Vocabulary.build(lists, choice.vocabulary or VOCABULARY_SIZE)
    return replace(built, encoding=Encoding(language=language)), len(counts)


def _longest(texts: Sequence[Sequence[int]]) -> int:
    """The words of a text that are read: enough for WHOLE of the texts, at most LONGEST."""
    lengths = sorted(map(len, texts))
    return int(min(LONGEST, max(1, lengths[min(int(WHOLE * len(lengths)), len(lengths) - 1)])))


def _texts(
    rows: LabelledTexts, ids: Sequence[Sequence[int]], part: Array, length: int, mask: bool
) -> Texts:
    """The texts of a part; one without a word is the unknown word."""
    kept = [ids[n][:length] if mask else ids[n][-length:] for n in part]
    filled = [row if len(row) else array("i", [UNKNOWN_ID]) for row in kept]
    y = np.array([rows.classes[n] for n in part], np.float32)
    return Texts(filled, y) if mask else Texts(filled, y, None, "front", length, bucketed=False)


def _example(rows: LabelledTexts, split: TableSplit) -> str:
    """A validation text, or the beginning of one, that needs no quoting in a shell."""
    texts = [_sentence(rows.texts[n]) for n in split.validation[:500]]
    plain = [text for text in texts if any(map(str.isalnum, text))]
    return min(plain or texts, key=lambda text: ("'" in text, abs(len(text) - SENTENCE // 2), text))


def _sentence(text: str) -> str:
    """The first sentence of a text, cut between words where it is long.

    Without tags and without the characters that have a meaning between double quotation marks.
    """
    plain = " ".join(re.sub(r"<[^<>]{1,20}>|[\"$`!\\\x00-\x1f]", " ", text).split())
    if len(plain) > SENTENCE:
        first = re.match(r".{20,}?[.?…](?= )", plain[:SENTENCE])
        plain = first[0] if first else plain[:SENTENCE].rpartition(" ")[0] or plain[:SENTENCE]
    return plain


def _preparation(
    table: UserTable, texts: Sequence[int], label: int, rows: LabelledTexts, split: TableSplit,
    length: int, seed: int,
) -> dict[str, Any]:  # fmt: skip
    counts = np.bincount(rows.classes, minlength=len(rows.names)).tolist()
    return {
        "form": table.form,
        "text columns": [k + 1 for k in texts],
        "label column": label + 1,
        "training": len(split.training),
        "validation": len(split.validation),
        "test": len(split.test),
        "split": f"stratified, seed {seed}",
        "classes": dict(zip(rows.names, counts, strict=True)),
        "skipped rows": len(rows.skipped),
        "longest text": length,
    }


# -- the net ------------------------------------------------------------------------------------

HEAD_DROPOUT = 0.2
FIT = FitSpec(
    epochs=10, batch_size=BATCH, optimizer="adam", rate=3e-3, final_rate=1e-4, warmup=20, clip=1.0,
    average=0.99, token_dropout=0.1, monitor="loss", patience=4,
)  # fmt: skip


def _fit(rows: int) -> dict[str, Any]:
    """Epochs for about UPDATES updates, and larger batches where there are many rows."""
    batch = BATCH if rows < 10_000 else 128
    epochs = round(UPDATES * batch / max(rows, 1))
    return {"epochs": min(max(epochs, EPOCHS[0]), EPOCHS[1]), "batch_size": batch}


def _model(mask: bool, size: int) -> ModelSpec:
    return ModelSpec(
        EmbeddingSpec(size, 32, mask_zero=mask, dropout=0.4),
        (RecurrentSpec("lstm", 32),),
        HeadSpec("sigmoid", 1, HEAD_DROPOUT),
    )


def text_recipe(choice: TableChoice, mask: bool = True) -> Recipe:
    """The recipe of a table with texts and labels; ``mask``: whether padding is masked."""
    return Recipe(
        name=choice.file,
        title="LSTM(32)",
        model=partial(_model, mask),
        fit=FIT,
        prepare=partial(prepare, choice, mask),
        data=N_("a table of the user"),
        example="",
        tokenizer="words",
    )
