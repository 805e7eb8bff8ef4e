"""The vocabulary of Keras's TextVectorization."""

from __future__ import annotations

from typing import Final

from rnnviz.data.vocabulary import Vocabulary
from rnnviz.errors import RnnvizError
from rnnviz.files import parse_json
from rnnviz.interop.contents import (
    Assumption,
    FoundVocabulary,
    IdentityOperation,
    IgnoredEntry,
)
from rnnviz.interop.keras.flow import Flow, Net
from rnnviz.interop.keras.layer_config import LayerConfig
from rnnviz.messages import N_

#: The most words that are taken.
MOST_WORDS: Final = 2_000_000
#: What the layer's own words begin with.
_SPECIAL: Final = ("", "[UNK]")
_SETTINGS: Final = (
    "max_tokens", "standardize", "split", "ngrams", "output_mode", "output_sequence_length",
    "pad_to_max_tokens", "encoding",
)  # fmt: skip


def add_vectorization(net: Net, name: str, layer: LayerConfig, feed: Flow) -> Flow:
    """Add the layer that turns texts into ids, and its vocabulary."""
    mode = layer.config.get("output_mode", "int")
    if mode != "int":
        raise ValueError(N_("it gives {mode} vectors instead of ids").format(mode=str(mode)[:20]))
    length = layer.whole("output_sequence_length")
    net.add(IdentityOperation(name, (feed.name,), "TextVectorization"))
    found = _words(net, layer)
    if found is None:
        net.ignored.append(IgnoredEntry(name, N_("the file does not have its vocabulary")))
    elif layer.config.get("split", "whitespace") != "whitespace" or layer.config.get("ngrams"):
        reason = N_(
            "its vocabulary is of characters or groups of words; give ids instead of a text"
        )
        net.ignored.append(IgnoredEntry(name, reason))
    else:
        words, where = found
        settings = {key: layer.config[key] for key in _SETTINGS if key in layer.config}
        net.vocabulary = FoundVocabulary(words, "vectorization", where, length, settings)
        usual = "lower_and_strip_punctuation"
        if layer.config.get("standardize", usual) != usual:
            net.assumptions.append(Assumption(
                N_("how texts are standardised"), usual, "--vocab",
                N_("{name} does it in another way, which is not available here").format(name=name),
            ))  # fmt: skip
    return Flow(name, (length,), inner=feed.inner)


def add_words_beside(net: Net) -> None:
    """Take the words of an archive whose net has no layer for texts, if there is one list of them.

    ``rnnviz models export`` writes them so.
    """
    if net.vocabulary is not None or _add_own_words(net):
        return
    if "assets/vocabulary.txt" not in net.assets:
        return
    where = "assets/vocabulary.txt"
    words = tuple(net.assets[where].removesuffix("\n").split("\n")[:MOST_WORDS])
    net.vocabulary = FoundVocabulary(words, "vectorization", where)
    net.assumptions.append(Assumption(
        N_("the tokenizer of texts"), "vectorization", "--tokenizer",
        N_("the archive has words, but no layer that cuts texts"),
    ))  # fmt: skip


def _add_own_words(net: Net) -> bool:
    """Take ``assets/vocabulary.json``, which also says how texts are cut; False without one."""
    where = "assets/vocabulary.json"
    try:
        document = parse_json(net.assets.get(where, "{}"))
        given = document if isinstance(document, dict) else {}
        found = Vocabulary.from_json(given.get("words"), given.get("encoding"))
    except (ValueError, TypeError, RecursionError, RnnvizError):  # a file of another program
        return False
    encoding = found.encoding
    net.vocabulary = FoundVocabulary(
        found.words, encoding.tokenizer, where, encoding.length, encoding=encoding
    )
    return True


def _words(net: Net, layer: LayerConfig) -> tuple[tuple[str, ...], str] | None:
    """The words by id, and where they stand: in the configuration or in a file of the archive."""
    listed, where = layer.config.get("vocabulary"), "config.json"
    words: tuple[str, ...] = ()
    if isinstance(listed, list) and listed:
        words = tuple(str(word) for word in listed[:MOST_WORDS])
    else:
        files = [p for p in net.assets if p.endswith("vocabulary.txt") and "_lookup" not in p]
        files = files or [path for path in net.assets if path.endswith("vocabulary.txt")]
        if len(files) != 1:
            return None
        where = files[0]
        text = net.assets[where].removesuffix("\n")
        words = tuple(text.split("\n")[:MOST_WORDS])
    if words[:2] == _SPECIAL:
        return words, where
    if words[:1] == _SPECIAL[1:]:
        return (_SPECIAL[0], *words), where
    return (*_SPECIAL, *words), where
