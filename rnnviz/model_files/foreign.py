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
from rnnviz.data.encoders import Encoder, WordEncoder
from rnnviz.data.one_hot import OneHot
from rnnviz.data.token_ids import TokenIds
from rnnviz.data.vectors import Vectors
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.data.vocabulary_files import read_vocabulary, vocabulary_of
from rnnviz.engine.model import Model
from rnnviz.engine.spec import EmbeddingSpec, HeadSpec
from rnnviz.errors import InvalidFileError, UsageError, nearest
from rnnviz.files import invalid_file_on_error, open_regular, user_path
from rnnviz.import_settings import ImportSettings
from rnnviz.interop.assembly import ImportableNet, importable_nets, kind_of
from rnnviz.interop.contents import Assumption, ImportOptions, InputOperation, ModelContents
from rnnviz.interop.detection import MAX_BYTES, read_contents
from rnnviz.interop.unused_options import unused_options
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
            f"{path} has a net of {count:,} numbers; at most {MOST_PARAMETERS:,} are imported."
        )
    params = _checked_params(path, net)
    encoder, texts = _encoder(contents, net, settings)
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
        (*unused_options(path, options, contents), *_without_texts(encoder, settings)),
    )  # fmt: skip
    return replace(found, stored=replace(found.stored, record=_record(found, settings)))


def framework(contents: ModelContents) -> str:
    """The framework with its version: ``Keras 2.2.4``."""
    name = FRAMEWORKS.get(contents.framework, contents.format)
    return f"{name} {contents.version}".strip()


def input_text(encoder: Encoder) -> str:
    """What a net reads, for people."""
    match encoder:
        case TokenIds():
            return f"ids from 0 to {len(encoder) - 1:,}: it has no vocabulary (--vocab FILE)"
        case Vectors():
            return f"{len(encoder):,} numbers a step: typed, or from --input FILE"
        case OneHot():
            words = encoder.vocabulary
            return f"{words.encoding.tokenizer}, {len(words):,} of them, as one-hot vectors"
        case Vocabulary():
            return f"text: {len(encoder):,} words, tokenizer {encoder.encoding.tokenizer}"
    return "a series"


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
        raise InvalidFileError(f"Cannot read {path}: {error.strerror or error}.") from error


def _nets(path: Path, contents: ModelContents) -> tuple[ImportableNet, ...]:
    """The nets of a file; InvalidFileError, with what is in it, where there is none."""
    look = f"What is in it: rnnviz inspect {shlex.quote(str(path))}"
    if contents.refusal:
        raise InvalidFileError(f"{path}: {contents.refusal.rstrip('.')}.\n{look}")
    with invalid_file_on_error(path, "net", look):
        nets = importable_nets(contents)
    if not nets:
        kinds = dict.fromkeys(kind_of(each) for each in contents.operations)
        listed = f": {', '.join(list(kinds)[:8])}" if kinds else ""
        raise InvalidFileError(
            f"{path} ({contents.format}) has no recurrent layer that can be stepped through"
            f"{listed}.\n{look}"
        )
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
            f"--part {part}: {path.name} has no such part.{nearest(part, names)} "
            f"Parts: {', '.join(map(shlex.quote, names))}."
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
                f"{path}: {name} has numbers that are not finite or exceed {MAX_VALUE:g}.\n"
                f"Which: rnnviz inspect {shlex.quote(str(path))}"
            )
    return params


# -- its input -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _TextAssumptions:
    """What was taken for granted about texts."""

    assumptions: tuple[Assumption, ...] = ()
    notes: tuple[str, ...] = ()


def _encoder(
    contents: ModelContents, net: ImportableNet, settings: ImportSettings
) -> tuple[Encoder, _TextAssumptions]:
    """What turns a text into the net's input, and what was assumed about it."""
    source = net.spec.source
    ids = isinstance(source, EmbeddingSpec)
    masked = isinstance(source, EmbeddingSpec) and source.mask_zero
    size = source.vocabulary if isinstance(source, EmbeddingSpec) else source.width
    vocabulary, texts = _vocabulary(contents, settings, size if ids else None)
    if vocabulary is not None and ids:
        if len(vocabulary) < size:
            many = f"{len(vocabulary):,} word{'s' * (len(vocabulary) > 1)}"
            few = f"{many} for {size:,} ids: the others have no word"
            texts = replace(texts, notes=(*texts.notes, few))
        return _padded(vocabulary, contents, settings, texts, masked=masked)
    if vocabulary is not None:
        if len(vocabulary) == size:
            note = f"its input is read as one-hot vectors of the {len(vocabulary):,} entries"
            return OneHot(vocabulary, size), replace(texts, notes=(*texts.notes, note))
        if settings.get("vocab") is not None:
            raise UsageError(
                f"--vocab: the net reads {size:,} numbers a step, and the vocabulary has "
                f"{len(vocabulary):,} words: they are no one-hot vectors of these words."
            )
    if ids:
        return _padded(TokenIds(size), contents, settings, texts, masked=masked)
    return Vectors(size), _TextAssumptions()


def _padded(
    words: WordEncoder,
    contents: ModelContents,
    settings: ImportSettings,
    texts: _TextAssumptions,
    *,
    masked: bool,
) -> tuple[Encoder, _TextAssumptions]:
    """The encoder with the fixed length of --length; frameworks pad on different sides."""
    length, padding = settings.number("length"), settings.get("padding")
    if length is None:
        if padding is not None:
            raise UsageError("--padding says where the padding of --length N stands.")
        steps = None if masked or words.encoding.length is not None else _steps(contents)
        if steps is not None:
            reason = f"the net's input has {steps} steps, and shorter texts were padded to them"
            option = f"--length {steps}"
            assumed = Assumption("the length of texts", "as typed, unpadded", option, reason)
            texts = replace(texts, assumptions=(*texts.assumptions, assumed))
        return words, texts
    if not length:
        raise UsageError("--length 0: a text has at least one token.")
    if padding is None:
        keras = contents.framework in ("keras", "tfjs")
        padding = "front" if keras else "end"
        reason = "Keras's pad_sequences does so" if keras else "PyTorch's pad_sequence does so"
        assumed = Assumption("the side of the padding", padding, "--padding", reason)
        texts = replace(texts, assumptions=(*texts.assumptions, assumed))
    side: Any = padding
    if isinstance(words, TokenIds):
        return replace(words, length=length, padding=side), texts
    return replace(words, encoding=replace(words.encoding, length=length, padding=side)), texts


def _steps(contents: ModelContents) -> int | None:
    """The fixed number of steps of the file's one input; None where it has none, or several."""
    inputs = [op for op in contents.operations if isinstance(op, InputOperation)]
    shape = inputs[0].shape if len(inputs) == 1 else ()
    return shape[0] if len(shape) == 1 and (shape[0] or 0) > 1 else None


def _vocabulary(
    contents: ModelContents, settings: ImportSettings, size: int | None
) -> tuple[Vocabulary | None, _TextAssumptions]:
    """The vocabulary of --vocab, or that of the file; None where there is neither."""
    named, tokenizer = settings.get("vocab"), settings.get("tokenizer")
    offset = settings.number("vocab-offset")
    if named is not None:
        found = read_vocabulary(
            user_path(named),
            size=size,
            offset=offset,
            tokenizer=tokenizer,  # type: ignore[arg-type]
        )
        assumed: tuple[Assumption, ...] = ()
        if found.reason:
            cut = found.vocabulary.encoding.tokenizer
            assumed = (Assumption("the tokenizer of texts", cut, "--tokenizer", found.reason),)
        return found.vocabulary, _TextAssumptions(assumed, found.notes)
    words = contents.vocabulary
    if offset is not None or (tokenizer is not None and words is None):
        option = "vocab-offset" if offset is not None else "tokenizer"
        raise UsageError(f"--{option} is of a vocabulary: name its file with --vocab.")
    if words is None:
        return None, _TextAssumptions()
    chosen: Any = tokenizer or words.tokenizer
    if words.encoding is not None and len(words.words) <= (size or len(words.words)):
        return Vocabulary(
            words.words, replace(words.encoding, tokenizer=chosen)
        ), _TextAssumptions()
    return vocabulary_of(words.words, chosen, size, words.length), _TextAssumptions()


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
                f"--labels names {len(labels)} of {wanted} outputs. For example: "
                f"--labels {','.join(map(str, range(min(wanted, 6))))}"
            )
        if len(set(labels)) != len(labels) or not all(labels):
            raise UsageError("--labels: expected names that differ from each other.")
        return labels, ()
    if len(contents.labels) == wanted:
        return contents.labels, ()
    if head.kind == "state":
        return tuple(f"h[{k}]" for k in range(wanted)), ()
    words = encoder.vocabulary if isinstance(encoder, OneHot) else encoder
    if head.kind == "softmax" and isinstance(words, Vocabulary) and wanted == len(words):
        reason = "there are as many as words: the net is taken for one that writes"
        assumed = Assumption("the names of the outputs", "the words", "--labels", reason)
        return words.words, (assumed,)
    if head.kind in ("sigmoid", "softmax"):
        labels = tuple(map(str, range(wanted)))
        shown = ", ".join(labels[:6]) + (" …" if wanted > 6 else "")
        reason = "the file does not name its classes"
        return labels, (Assumption("the names of the outputs", shown, "--labels", reason),)
    return (("y",) if wanted == 1 else tuple(f"y{k}" for k in range(wanted))), ()


def _without_texts(encoder: Encoder, settings: ImportSettings) -> tuple[str, ...]:
    """The options on texts that a net without ids does not ask for."""
    if isinstance(encoder, WordEncoder):
        return ()
    return tuple(f"--{name}" for name in ("length", "padding") if settings.get(name) is not None)


# -- its record ------------------------------------------------------------------------------------


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
