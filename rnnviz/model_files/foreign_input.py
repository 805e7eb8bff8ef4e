"""The input of a net of another framework: what turns a text into it, and what was assumed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from rnnviz.data.encoders import Encoder, WordEncoder
from rnnviz.data.one_hot import OneHot
from rnnviz.data.token_ids import TokenIds
from rnnviz.data.vectors import Vectors
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.data.vocabulary_files import read_vocabulary, vocabulary_of
from rnnviz.engine.spec import EmbeddingSpec
from rnnviz.errors import UsageError
from rnnviz.files import user_path
from rnnviz.import_settings import ImportSettings
from rnnviz.interop.assembly import ImportableNet
from rnnviz.interop.contents import Assumption, InputOperation, ModelContents
from rnnviz.messages import N_, _


def input_text(encoder: Encoder) -> str:
    """What a net reads, for people."""
    match encoder:
        case TokenIds():
            return _("ids from 0 to {last:,}: it has no vocabulary (--vocab FILE)").format(
                last=len(encoder) - 1
            )
        case Vectors():
            return _("{count:,} numbers a step: typed, or from --input FILE").format(
                count=len(encoder)
            )
        case OneHot():
            words = encoder.vocabulary
            return _("{tokenizer}, {count:,} of them, as one-hot vectors").format(
                tokenizer=words.encoding.tokenizer, count=len(words)
            )
        case Vocabulary():
            return _("text: {count:,} words, tokenizer {tokenizer}").format(
                count=len(encoder), tokenizer=encoder.encoding.tokenizer
            )
    return _("a series")


@dataclass(frozen=True)
class TextAssumptions:
    """What was taken for granted about texts."""

    assumptions: tuple[Assumption, ...] = ()
    notes: tuple[str, ...] = ()


def encoder_of(
    contents: ModelContents, net: ImportableNet, settings: ImportSettings
) -> tuple[Encoder, TextAssumptions]:
    """What turns a text into the net's input, and what was assumed about it."""
    source = net.spec.source
    ids = isinstance(source, EmbeddingSpec)
    masked = isinstance(source, EmbeddingSpec) and source.mask_zero
    size = source.vocabulary if isinstance(source, EmbeddingSpec) else source.width
    vocabulary, texts = _vocabulary(contents, settings, size if ids else None)
    if vocabulary is not None and ids:
        if len(vocabulary) < size:
            said = (
                N_("{count:,} words for {size:,} ids: the others have no word")
                if len(vocabulary) > 1
                else N_("1 word for {size:,} ids: the others have no word")
            )
            few = said.format(count=len(vocabulary), size=size)
            texts = replace(texts, notes=(*texts.notes, few))
        return _padded(vocabulary, contents, settings, texts, masked=masked)
    if vocabulary is not None:
        if len(vocabulary) == size:
            note = N_("its input is read as one-hot vectors of the {words:,} entries").format(
                words=len(vocabulary)
            )
            return OneHot(vocabulary, size), replace(texts, notes=(*texts.notes, note))
        if settings.get("vocab") is not None:
            raise UsageError(
                _(
                    "--vocab: the net reads {size:,} numbers a step, and the vocabulary has "
                    "{words:,} words: they are no one-hot vectors of these words."
                ).format(size=size, words=len(vocabulary))
            )
    if ids:
        return _padded(TokenIds(size), contents, settings, texts, masked=masked)
    return Vectors(size), TextAssumptions()


def _padded(
    words: WordEncoder,
    contents: ModelContents,
    settings: ImportSettings,
    texts: TextAssumptions,
    *,
    masked: bool,
) -> tuple[Encoder, TextAssumptions]:
    """The encoder with the fixed length of --length; frameworks pad on different sides."""
    length, padding = settings.number("length"), settings.get("padding")
    if length is None:
        if padding is not None:
            raise UsageError(_("--padding says where the padding of --length N stands."))
        steps = None if masked or words.encoding.length is not None else _steps(contents)
        if steps is not None:
            reason = N_(
                "the net's input has {steps} steps, and shorter texts were padded to them"
            ).format(steps=steps)
            option = f"--length {steps}"
            assumed = Assumption(
                N_("the length of texts"), N_("as typed, unpadded"), option, reason
            )
            texts = replace(texts, assumptions=(*texts.assumptions, assumed))
        return words, texts
    if not length:
        raise UsageError(_("--length 0: a text has at least one token."))
    if padding is None:
        keras = contents.framework in ("keras", "tfjs")
        padding = "front" if keras else "end"
        reason = (
            N_("Keras's pad_sequences does so") if keras else N_("PyTorch's pad_sequence does so")
        )
        assumed = Assumption(N_("the side of the padding"), padding, "--padding", reason)
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
) -> tuple[Vocabulary | None, TextAssumptions]:
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
            assumed = (Assumption(N_("the tokenizer of texts"), cut, "--tokenizer", found.reason),)
        return found.vocabulary, TextAssumptions(assumed, found.notes)
    words = contents.vocabulary
    if offset is not None or (tokenizer is not None and words is None):
        option = "vocab-offset" if offset is not None else "tokenizer"
        raise UsageError(
            _("--{option} is of a vocabulary: name its file with --vocab.").format(option=option)
        )
    if words is None:
        return None, TextAssumptions()
    chosen: Any = tokenizer or words.tokenizer
    if words.encoding is not None and len(words.words) <= (size or len(words.words)):
        return Vocabulary(words.words, replace(words.encoding, tokenizer=chosen)), TextAssumptions()
    return vocabulary_of(words.words, chosen, size, words.length), TextAssumptions()


def text_options(encoder: Encoder, settings: ImportSettings) -> tuple[str, ...]:
    """The options on texts that a net without ids does not ask for."""
    if isinstance(encoder, WordEncoder):
        return ()
    return tuple(f"--{name}" for name in ("length", "padding") if settings.get(name) is not None)
