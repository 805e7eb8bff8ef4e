"""Which sentiment net knows the words of a text: it reads them where no model was named."""

from __future__ import annotations

from rnnviz.analysis.model_choice import KnownWords, ModelChoice
from rnnviz.analysis.model_family import SWITCH_MODELS, TURKISH_MODELS, model_in_other_language
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.lookup import DEFAULT, DEFAULTS, shipped
from rnnviz.tracer.model_cache import cached_model

#: Words of a text that are looked up; a longer text is judged by its beginning.
MOST_WORDS = 500


def choose_model(text: str) -> ModelChoice:
    """The default net that knows the most words of the text; the first of several.

    A word is what stands between white space; a net knows it if it knows every token of it. What a
    net cuts into no token at all, such as a dash, is no word.
    """
    words = text.split()[:MOST_WORDS]
    nets = [name for name in DEFAULTS if name in shipped()]
    counts = [known_words(DEFAULT, words)]
    if counts[0].known < counts[0].words:
        counts += [known_words(name, words) for name in nets if name != DEFAULT]
    best = max(counts, key=lambda count: count.known)
    return ModelChoice(best, tuple(count for count in counts if count is not best))


def better_known(text: str, model: str) -> KnownWords | None:
    """The sentiment net of the other language, where it knows more words of the text.

    None where ``model`` knows every word or as many, or is not a shipped sentiment net.
    """
    if model not in (*SWITCH_MODELS, *TURKISH_MODELS):
        return None
    words = text.split()[:MOST_WORDS]
    own = known_words(model, words)
    other = model_in_other_language(model)
    if own.known == own.words or other not in shipped():
        return None
    count = known_words(other, words)
    return count if count.known > own.known else None


def known_words(model: str, words: list[str]) -> KnownWords:
    """How many of the words a net of words knows."""
    vocabulary = cached_model(model).encoder
    assert isinstance(vocabulary, Vocabulary)
    cut = [tokens for word in words if (tokens := vocabulary.tokenize(word))]
    known = sum(all(vocabulary.known(token) for token in tokens) for tokens in cut)
    return KnownWords(model, known, len(cut))
