"""Nets in files of other frameworks, as models: the part, its input, its labels, its record."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from rnnviz.arrays import MAX_VALUE, Values, in_range
from rnnviz.data.encoders import Encoder
from rnnviz.data.one_hot import OneHot
from rnnviz.data.token_ids import TokenIds
from rnnviz.data.vectors import Vectors
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.engine.model import Model
from rnnviz.engine.spec import HeadSpec
from rnnviz.errors import InvalidFileError, UsageError, nearest, system_reason
from rnnviz.files import invalid_file_on_error, open_regular, user_path
from rnnviz.import_settings import ImportSettings
from rnnviz.interop.assembly import ImportableNet, importable_nets, kind_of
from rnnviz.interop.contents import Assumption, ImportOptions, ModelContents
from rnnviz.interop.detection import MAX_BYTES, read_contents
from rnnviz.interop.unused_options import unused_options
from rnnviz.messages import N_, _, translated
from rnnviz.model_files.foreign_input import encoder_of, text_options
from rnnviz.model_files.net_remarks import assumptions_of, conversions_of
from rnnviz.model_files.stored_model import StoredModel

#: The most numbers of a net that is imported; it is stored with four bytes for each.
MOST_PARAMETERS: Final = 60_000_000
#: The names of the frameworks.
FRAMEWORKS: Final = {
    "keras": "Keras", "tfjs": "TensorFlow.js", "pytorch": "PyTorch", "safetensors": "safetensors",
    "onnx": "ONNX", "numpy": "NumPy",
}  # fmt: skip
_KNOWN_WORDS: Final = "this movie was not good"
#: Tokens of an example of words that are in a vocabulary.
_EXAMPLE_TOKENS: Final = 8


@dataclass(frozen=True, eq=False)
class ForeignModel:
    """A net of a file as a model, with what was found and assumed.

    ``others`` are the names of the file's other nets. ``assumptions`` are those of the reader, and
    those on texts and labels. ``conversions`` are those of the net, ``unused`` the options that
    change nothing.
    """

    stored: StoredModel
    contents: ModelContents
    net: ImportableNet
    others: tuple[str, ...]
    assumptions: tuple[Assumption, ...]
    notes: tuple[str, ...]
    conversions: tuple[str, ...]
    unused: tuple[str, ...]


def open_foreign(path: Path, settings: ImportSettings) -> ForeignModel:
    """The net of a file: the whole, or the part that the settings name.

    UsageError for settings that do not fit the file, InvalidFileError for a file that is damaged
    or holds nothing to step through, MissingError where a format needs a package.
    """
    options = _options(settings)
    contents = _contents(path, options)
    nets = _nets(path, contents)
    net = _chosen(path, nets, settings.get("part"))
    count = sum(int(array.size) for array in net.params.values())
    if count > MOST_PARAMETERS:
        raise InvalidFileError(
            _("{path} has a net of {count:,} numbers; at most {most:,} are imported.").format(
                path=path, count=count, most=MOST_PARAMETERS
            )
        )
    params = _checked_params(path, net)
    encoder, texts = encoder_of(contents, net, settings)
    labels, named = _labels(contents, net.spec.head, settings, encoder)
    said = {f"--{name}" for name, _ in settings.values}
    if "--vocab" in said:
        said.add("--tokenizer")
    read = [each for each in assumptions_of(contents, net) if each.option not in said]
    assumptions = (*read, *texts.assumptions, *named)
    notes = (*net.notes, *texts.notes)
    found = ForeignModel(
        StoredModel(path.name, Model(net.spec, params), encoder, labels, {}, path),
        contents, net, tuple(_shown(each) for each in nets if each is not net), assumptions, notes,
        conversions_of(contents, net),
        (*unused_options(path, options, contents), *text_options(encoder, settings)),
    )  # fmt: skip
    return replace(found, stored=replace(found.stored, record=_record(found, settings)))


def framework(contents: ModelContents) -> str:
    """The framework with its version: ``Keras 2.2.4``."""
    name = FRAMEWORKS.get(contents.framework, contents.format)
    return f"{name} {contents.version}".strip()


# -- the net ---------------------------------------------------------------------------------------


def _options(settings: ImportSettings) -> ImportOptions:
    reset, config = settings.get("reset-after"), settings.get("config")
    return ImportOptions(
        activation=settings.get("activation"),
        gate_activation=settings.get("gate-activation"),
        reset_after=None if reset is None else reset == "yes",
        head=settings.get("head"),
        output=settings.get("output"),
        dense_activation=settings.get("dense-activation"),
        update=settings.get("update"),
        concat=settings.get("concat"),
        config=None if config is None else user_path(config),
    )


def _contents(path: Path, options: ImportOptions) -> ModelContents:
    try:
        return read_contents(path, options)
    except OSError as error:
        raise InvalidFileError(
            _("Cannot read {path}: {reason}.").format(path=path, reason=system_reason(error))
        ) from error


def _nets(path: Path, contents: ModelContents) -> tuple[ImportableNet, ...]:
    """The nets of a file; InvalidFileError, with what is in it, where there is none."""
    look = _("What is in it: rnnviz inspect {file}").format(file=shlex.quote(str(path)))
    if contents.refusal:
        raise InvalidFileError(f"{path}: {translated(contents.refusal).rstrip('.')}.\n{look}")
    with invalid_file_on_error(path, _("net"), look):
        nets = importable_nets(contents)
    if not nets:
        kinds = dict.fromkeys(kind_of(each) for each in contents.operations)
        said = (
            _("{path} ({format}) has no recurrent layer that can be stepped through: {kinds}.")
            if kinds
            else _("{path} ({format}) has no recurrent layer that can be stepped through.")
        ).format(
            path=path,
            format=translated(contents.format),
            kinds=", ".join(map(translated, list(kinds)[:8])),
        )
        raise InvalidFileError(f"{said}\n{look}")
    return nets


def _chosen(path: Path, nets: Sequence[ImportableNet], part: str | None) -> ImportableNet:
    """The net of --part, by its name or by an operation that only it has; else the first."""
    if part is None:
        return nets[0]
    named = [net for net in nets if part == _shown(net)]
    holding = [net for net in nets if part in net.operations]
    if not named and len(holding) != 1:
        names = [_shown(net) for net in nets]
        raise UsageError(
            _("--part {part}: {file} has no such part.{similar} Parts: {names}.").format(
                part=part,
                file=path.name,
                similar=nearest(part, names),
                names=", ".join(map(shlex.quote, names)),
            )
        )
    return (named or holding)[0]


def _shown(net: ImportableNet) -> str:
    """The name of a part as it is typed."""
    return net.name or "all"


def _checked_params(path: Path, net: ImportableNet) -> Values:
    """The arrays as float32; InvalidFileError for numbers out of range."""
    params: Values = {}
    for name, array in net.params.items():
        with np.errstate(over="ignore"):
            params[name] = np.ascontiguousarray(array, np.float32)
        if not in_range(params[name]):
            raise InvalidFileError(
                _(
                    "{path}: {name} has numbers that are not finite or exceed {most:g}.\n"
                    "Which: rnnviz inspect {file}"
                ).format(path=path, name=name, most=MAX_VALUE, file=shlex.quote(str(path)))
            )
    return params


# -- its labels and its record ---------------------------------------------------------------------


def _labels(
    contents: ModelContents, head: HeadSpec, settings: ImportSettings, encoder: Encoder
) -> tuple[tuple[str, ...], tuple[Assumption, ...]]:
    """The names of the outputs: of --labels, of the file, of a net that writes, or numbers."""
    wanted = 2 if head.is_binary else head.outputs
    given = settings.get("labels")
    if given is not None:
        labels = tuple(label.strip() for label in given.split(","))
        if len(labels) != wanted:
            raise UsageError(
                _(
                    "--labels names {count} of {wanted} outputs. For example: --labels {numbers}"
                ).format(
                    count=len(labels),
                    wanted=wanted,
                    numbers=",".join(map(str, range(min(wanted, 6)))),
                )
            )
        if len(set(labels)) != len(labels) or not all(labels):
            raise UsageError(_("--labels: expected names that differ from each other."))
        return labels, ()
    if len(contents.labels) == wanted:
        return contents.labels, ()
    if head.kind == "state":
        return tuple(f"h[{k}]" for k in range(wanted)), ()
    words = encoder.vocabulary if isinstance(encoder, OneHot) else encoder
    if head.kind == "softmax" and isinstance(words, Vocabulary) and wanted == len(words):
        reason = N_("there are as many as words: the net is taken for one that writes")
        assumed = Assumption(N_("the names of the outputs"), N_("the words"), "--labels", reason)
        return words.words, (assumed,)
    if head.kind in ("sigmoid", "softmax"):
        labels = tuple(map(str, range(wanted)))
        shown = ", ".join(labels[:6]) + (" …" if wanted > 6 else "")
        reason = N_("the file does not name its classes")
        return labels, (Assumption(N_("the names of the outputs"), shown, "--labels", reason),)
    return (("y",) if wanted == 1 else tuple(f"y{k}" for k in range(wanted))), ()


def _record(found: ForeignModel, settings: ImportSettings) -> dict[str, Any]:
    """The fields of a model's JSON that say where it is from."""
    contents, count = found.contents, len(found.assumptions)
    about = f"imported from {framework(contents)}"
    if count:
        about += f", with {count} assumption{'s' * (count > 1)}"
    record: dict[str, Any] = {
        "title": found.net.name or contents.path.name,
        "trained_on": about,
        "metrics": {},
        "imported": {
            "file": contents.path.name,
            "sha256": _sha256(contents.path),
            "format": contents.format,
            "version": contents.version,
            "part": found.net.name,
            "others": list(found.others),
            "settings": dict(settings.values),
            "conversions": list(found.conversions),
            "notes": list(found.notes),
            "missing": list(found.net.missing),
            "ignored": [asdict(entry) for entry in contents.ignored],
            "assumptions": [asdict(each) for each in found.assumptions],
            "unused": list(found.unused),
        },
    }
    return {**record, "example": _example(found.stored.encoder)}


def _sha256(path: Path) -> str:
    with open_regular(path, MAX_BYTES) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _example(encoder: Encoder) -> str:
    """A text of words that the vocabulary has, or the encoder's own example."""
    words = encoder.vocabulary if isinstance(encoder, OneHot) else encoder
    if isinstance(words, TokenIds | Vectors):
        return words.example
    assert isinstance(words, Vocabulary), "nets of other frameworks read no series"
    usual = words.tokenize(_KNOWN_WORDS)
    if all(map(words.known, usual)):
        return _KNOWN_WORDS
    characters = words.encoding.tokenizer == "characters"
    known = [word for word in words.words if words.known(word)]
    chosen = [word for word in known if word.isalpha()] or known
    return ("" if characters else " ").join(chosen[:_EXAMPLE_TOKENS])
