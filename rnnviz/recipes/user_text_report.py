"""What is said about a table of texts before it is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from rnnviz.data.tables import shorten
from rnnviz.data.user_tables import LabelledTexts, TableSplit
from rnnviz.data.vocabulary import UNKNOWN_ID, Vocabulary
from rnnviz.messages import _

#: A class is rare below this share of an equal one.
RARE: Final = 0.2


def split_lines(rows: LabelledTexts, split: TableSplit, seed: int) -> list[str]:
    """Sizes of the parts and of the classes."""
    counts = np.bincount(rows.classes, minlength=len(rows.names)).tolist()
    shares = [count / len(rows) for count in counts]
    order = list(range(len(counts)))
    if len(order) > 6:
        order.sort(key=lambda k: -counts[k])
    listed = ", ".join(
        _("{name} {count:,} ({share:.0f} %)").format(
            name=shorten(rows.names[k]), count=counts[k], share=100 * shares[k]
        )
        for k in order[:12]
    )
    more = _(" and {count} more").format(count=len(rows.names) - 12) if len(rows.names) > 12 else ""
    top = counts.index(max(counts))
    if len(split.test):
        parts = _(
            "Split: {training:,} to train, {validated:,} to validate, "
            "{tested:,} to test, the same shares of each class, seed {seed}."
        ).format(
            training=len(split.training),
            validated=len(split.validation),
            tested=len(split.test),
            seed=seed,
        )
    else:
        parts = _(
            "Split: {training:,} to train, {validated:,} to validate, "
            "the same shares of each class, seed {seed}; no test part (--test .1 makes one)."
        ).format(training=len(split.training), validated=len(split.validation), seed=seed)
    lines = [
        parts,
        _("Classes: {listed}{more}. Always saying {label!r} is right in {share:.1f} %.").format(
            listed=listed, more=more, label=rows.names[top], share=100 * shares[top]
        ),
    ]
    rare = [k for k in range(len(rows.names)) if shares[k] < RARE / len(rows.names)]
    if rare:
        named = ", ".join(f"{rows.names[k]} ({counts[k]})" for k in rare[:5])
        lines.append(
            _(
                "Warning: the classes are far from balanced; rare: {named}. Accuracy says "
                "little there: see precision and recall with rnnviz evaluate."
            ).format(named=shorten(named))
        )
    return lines


def text_lines(
    ids: Sequence[Sequence[int]],
    split: TableSplit,
    vocabulary: Vocabulary,
    words: int,
    length: int,
    which: str,
) -> list[str]:
    """Lengths, and what the vocabulary covers."""
    lengths = np.array([len(ids[n]) for n in split.training])
    half, most, nearly = (int(np.percentile(lengths, q)) for q in (50, 90, 95))
    longer = 100 * float((lengths > length).mean())
    total = sum(len(ids[n]) for n in split.validation)
    unknown = sum(list(ids[n]).count(UNKNOWN_ID) for n in split.validation)
    message = (
        _(
            "Lengths: median {half:,} words, 90 % up to {most:,}, 95 % up to {nearly:,}, "
            "longest {longest:,}. Read: the first {length:,} words of a text; "
            "{longer:.1f} % are longer."
        )
        if which == "first"
        else _(
            "Lengths: median {half:,} words, 90 % up to {most:,}, 95 % up to {nearly:,}, "
            "longest {longest:,}. Read: the last {length:,} words of a text; "
            "{longer:.1f} % are longer."
        )
    )
    read = message.format(
        half=half, most=most, nearly=nearly, longest=lengths.max(), length=length, longer=longer
    )
    return [
        read,
        _(
            "Vocabulary: {count:,} entries of {words:,} different words; it has "
            "{share:.1f} % of the words of the validation texts."
        ).format(count=len(vocabulary), words=words, share=100 * (1 - unknown / max(total, 1))),
    ]


def shared_text_lines(
    rows: LabelledTexts, ids: Sequence[Sequence[int]], split: TableSplit
) -> list[str]:
    """A warning about validation or test texts that are also trained on."""
    seen = {tuple(ids[n]): rows.lines[n] for n in reversed(split.training)}
    lines = []
    warnings = (
        (
            split.validation,
            _(
                "Warning: {same:,} of {all:,} validation texts are also among the training texts "
                "({first}), so the validation accuracy is too high."
            ),
        ),
        (
            split.test,
            _(
                "Warning: {same:,} of {all:,} test texts are also among the training texts "
                "({first}), so the test accuracy is too high."
            ),
        ),
    )
    for part, message in warnings:
        same = [(rows.lines[n], seen[key]) for n in part if (key := tuple(ids[n])) in seen]
        if same:
            first = "; ".join(_("line {a:,} as line {b:,}").format(a=a, b=b) for a, b in same[:3])
            first += " …" if len(same) > 3 else ""
            lines.append(message.format(same=len(same), all=len(part), first=first))
    return lines
