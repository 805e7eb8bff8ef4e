"""A model on a labelled table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rnnviz import i18n
from rnnviz.analysis.evaluation import ClassifierEvaluation, labels_of_model
from rnnviz.data.folders import sha256
from rnnviz.data.user_tables import choose_text_columns, read_labelled_texts, read_user_table
from rnnviz.data.user_tables.choice import TableChoice
from rnnviz.data.user_tables.labels import LabelledTexts, faults_text, label_key
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.errors import UsageError
from rnnviz.messages import _, language
from rnnviz.model_files import StoredModel
from rnnviz.tracer.model_cache import cached_model

#: Texts whose probabilities are computed together, of similar length.
_BATCH = 2048


@dataclass(frozen=True, eq=False)
class TableEvaluation:
    """The measures, the rows they are of, and what was assumed."""

    model: str
    rows: LabelledTexts
    evaluation: ClassifierEvaluation
    remarks: tuple[str, ...]
    matched_by_name: bool


def evaluate_table(model: str, folder: Path, choice: TableChoice) -> TableEvaluation:
    """Evaluate a model by name on the texts of a table.

    UsageError for a model that gives no classes of texts, for columns that are not there, and for
    labels that are not those of the model; InvalidFileError for a table that cannot be used.
    """
    stored = cached_model(model)
    head = stored.model.spec.head
    one_class = (head.is_binary or head.kind == "softmax") and head.reads in ("last", "end")
    if not isinstance(stored.encoder, Vocabulary) or not one_class or len(stored.labels) < 2:
        raise UsageError(
            _("{model} gives no single class of a text, so it has no accuracy.").format(
                model=stored.name
            )
        )
    table = read_user_table(folder / choice.file, choice.encoding)
    columns = choose_text_columns(table, choice.text, choice.label, choice.header)
    rows = read_labelled_texts(table, columns, choice.bad_rows, least=1)
    shown = [i18n.label(label, language()) for label in stored.labels]
    matched, by_name = labels_of_model(rows.names, stored.labels, label_key)
    if matched is None:
        raise UsageError(
            _(
                "The labels of {table} ({names}) are not those of {model} ({labels}).\n"
                "Name their column: --label COLUMN"
            ).format(
                table=table.name,
                names=", ".join(rows.names[:8]),
                model=stored.name,
                labels=", ".join(shown[:8]),
            )
        )
    remarks = [*table.remarks, *columns.remarks, *rows.remarks]
    if not by_name:
        pairs = ", ".join(
            _("{name} is taken as {label}").format(name=name, label=shown[k])
            for name, k in zip(rows.names, matched, strict=True)
        )
        remarks.append(
            _(
                "The labels have other names than the model's, matched in order: {pairs}. To match "
                "them otherwise, write the model's names in the table: {labels}"
            ).format(pairs=pairs, labels=", ".join(shown[:8]))
        )
    if rows.skipped:
        remarks.append(
            _("Skipped {count:,} rows: {faults}").format(
                count=len(rows.skipped), faults=faults_text(rows.skipped)
            )
        )
    if sha256(folder / choice.file) in _trained_files(stored):
        remarks.append(
            _(
                "Warning: {model} was trained on rows of this file, so these numbers are "
                "better than those on texts it has not seen"
            ).format(model=stored.name)
        )
    classes = np.array(matched)[rows.classes]
    found = ClassifierEvaluation(stored.labels, classes, _probabilities(stored, rows.texts))
    return TableEvaluation(stored.name, rows, found, tuple(remarks), by_name)


def _trained_files(stored: StoredModel) -> list[str]:
    """The SHA-256 of the files that a model was trained on."""
    record = stored.record
    data = record.get("data") or record.get("training", {}).get("data")
    return [str(digest) for digest in data.values()] if isinstance(data, dict) else []


def _probabilities(stored: StoredModel, texts: list[str]) -> np.ndarray:
    """(N, K) probabilities; texts of similar length are computed together."""
    order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
    found = np.zeros((len(texts), len(stored.labels)), np.float32)
    for at in range(0, len(order), _BATCH):
        part = order[at : at + _BATCH]
        found[part] = stored.predict([texts[n] for n in part])
    return found
