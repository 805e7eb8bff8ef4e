"""The vocabulary of the Turkish nets: words, stems of verbs and endings."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from rnnviz.data.standardization import standardize
from rnnviz.data.turkish import (
    cut_unknown,
    cut_words,
    fold,
    stems_by_form,
    token_key,
    turkish_words,
    verb_stems,
)
from rnnviz.data.vocabulary import PADDING, UNKNOWN, Encoding, Vocabulary

#: Occurrences in the reviews that a suffix needs to be cut off, and a spoken word to be known.
MIN_SUFFIX, MIN_SPOKEN = 25, 2


def turkish_vocabulary(texts: Iterable[str], spoken: Iterable[str], size: int) -> Vocabulary:
    """The most frequent tokens of the texts, verbs cut, in their most frequent spelling.

    ``spoken``: further texts, whose words are taken although they are rarer.
    """
    plain = [list(turkish_words(standardize(text, language="tr"))) for text in texts]
    stems = verb_stems(word for words in plain for word in words)
    forms = stems_by_form(stems)
    before_endings = frozenset(forms)

    def key(token: str) -> str:
        return forms.get(fold(token), token_key(token))

    suffixes = Counter(
        token_key(token)
        for words in plain
        for token in cut_words(words, before_endings, None)
        if token[0] == "-"
    )
    frequent = {suffix for suffix, count in suffixes.items() if count >= MIN_SUFFIX}
    counts: Counter[str] = Counter()
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for words in plain:
        for token in cut_words(words, before_endings, frequent):
            counts[key(token)] += 1
            if fold(token) not in forms or fold(token) in stems:
                spellings[key(token)][token] += 1
    said = Counter(
        key(token)
        for text in spoken
        for token in cut_words(
            turkish_words(standardize(text, language="tr")), before_endings, frequent
        )
    )
    counts.update(said)
    ranked = [word for word, _ in counts.most_common()]
    needed = {*frequent, *stems, *(w for w in said if counts[w] >= MIN_SPOKEN)} & set(ranked)
    others = [word for word in ranked if word not in needed]
    kept = needed | set(others[: size - 2 - len(needed)])
    endings: Counter[str] = Counter()
    for word in ranked:
        for token, count in spellings[word].items() if word not in kept else ():
            for ending in cut_unknown(token, before_endings, kept, None)[1:]:
                endings[token_key(ending)] += count
    needed |= {ending for ending, count in endings.items() if count >= MIN_SUFFIX}
    others = [word for word in others if word not in needed]
    kept = needed | set(others[: max(0, size - 2 - len(needed))])
    counts.update(endings)
    chosen = [word for word, _ in counts.most_common() if word in kept]
    ids = {word: n for n, word in enumerate(chosen, 2)}
    encoding = Encoding("turkish", language="tr", stems=tuple(ids[s] for s in stems if s in ids))
    return Vocabulary((PADDING, UNKNOWN, *(_spelling(spellings[w]) or w for w in chosen)), encoding)


def _spelling(counts: Counter[str]) -> str:
    """The most frequent spelling; one with Turkish letters if it is not rare."""
    if not counts:
        return ""
    total = counts.total()
    turkish = [word for word, n in counts.most_common() if fold(word) != word and n >= total / 20]
    return turkish[0] if turkish else counts.most_common(1)[0][0]
