"""Cutting Turkish words so that a net sees their negation.

In Turkish the negation is a suffix inside the verb: beğendim, "I liked it"; beğenmedim, "I did not
like it". A verb is cut into its stem, the negation, and one token for all that follows it:

- beğendim → beğen -dim; beğenmedim → beğen -me -dim; beğenmiyorum → beğen -mi -yorum
- bulamadım, "I could not find it" → bul -ama -dım
- değildi → değil -di

A word is cut only if

1. it begins with a stem in the vocabulary. ``verb_stems`` finds the stems in the training texts:
   they have other endings there than those of a negation (kom- of komedi has none);
2. the rest is one of the endings below. -ma and -me alone, -ması, -mayı, -maya, -mak and -malı form
   nouns and other moods and are never a negation (izleme, dondurma, görmek, yapmalı);
3. the negation agrees with the stem's last vowel (-ma after a and ı, -me after e), and -mı, -mi,
   -mu, -mü are a negation before -yor only.

A word that the vocabulary does not have is cut behind the longest of its words if the rest is an
ending of nouns or adjectives: tatsızdı → tatsız -dı, manzarasını → manzara -sını.

The longest stem is taken; a word that is itself a stem stays whole. Of etmem ("I don't") and görmem
lazım ("I must see"), -m is an ending of the first: the words that follow a noun are listed.

Ids are independent of the spelling (``token_key``): ı ş ğ ç ö ü â î û are read as i s g c o u a i
u, so whoever types without Turkish letters gets the same ids, and suffixes that differ by vowel
harmony, or in d and t, share one id: -dim, -dım, -dum, -düm, -tim, -tım, -tum, -tüm.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Set
from functools import lru_cache
from typing import Final

_FOLD: Final = str.maketrans("ışğçöüâîû", "isgcouaiu")
_HARMONY: Final = str.maketrans("aut", "eid")
#: Punctuation separates words; an apostrophe ("Türkiye'nin") is deleted.
_SEPARATORS: Final = str.maketrans(dict.fromkeys('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~', " "))
_VOWELS: Final = "aeiou"

#: The negation of what is no verb; it takes the endings of a predicate.
NOT: Final = "degil"
#: A longer word is never cut.
_LONGEST: Final = 40

# Endings, in the letters of _suffix_letters: e for a, i for ı u ü, d for t.
_PERSON: Final = "(?:m|n|k|niz|ler)?"
_PAST: Final = f"(?:di{_PERSON}|mis(?:im|sin|iz|ler)?|se{_PERSON}|ken)"
_BE: Final = f"(?:im|sin|iz|siniz|ler|{_PAST}|ler(?:di|mis|se))?"
_CASE: Final = "(?:i|e|in|de|den|le)?"
_POSSESSED: Final = "(?:im|in|imiz|iniz|i|leri)(?:n?(?:i|e|in|de|den|ce|le))?"
_FINITE: Final = (
    f"di{_PERSON}(?:ydi|se)?|dig{_POSSESSED}|dikce|dikleri(?:n(?:i|e|den|de))?|mis{_BE}"
    f"|se{_PERSON}|sey(?:di|mis){_PERSON}"
)
_AFTER_Y: Final = (
    f"ecek{_BE}|eceg(?:im|iz|in?(?:i|e|den)?)|en(?:ler)?{_CASE}|ip|erek|ince|elim|eyim"
)
_PROGRESSIVE: Final = f"yor{_BE}"
_AFTER_NEGATION: Final = re.compile(
    f"{_FINITE}|sin(?:ler)?|y(?:{_AFTER_Y}|in|iniz|ebil\\w*)|z(?:sin|siniz|ler|{_PAST}|lerdi)?"
    f"|iz|yiz|m|den|mek(?:den|de|le)?|meli{_BE}|me(?:niz|nizi|si|sini|sine|yi|ye|m|leri)"
)
_AFTER_STEM: Final = re.compile(f"{_FINITE}|y?(?:{_AFTER_Y})|[iy]?{_PROGRESSIVE}")
_AORIST: Final = re.compile(f"[ei]?r{_BE}")
_PREDICATE: Final = re.compile(f"im|sin|iz|siniz|ler|dir|{_PAST}")
#: Endings of a word that the vocabulary does not have.
_NOMINAL: Final = re.compile(
    "(?:li|siz|lik|ci)?(?:ler)?(?:s?i|im|in|imiz|iniz|leri|m|n|miz|niz)?"
    "(?:n?(?:i|e|in|de|den|ce|le)|y(?:i|e|le)|n?deki|ki)?"
    f"(?:y?(?:im|sin|iz|siniz|ler|{_PAST})|dir)?"
)

#: A negation and what may precede it: "could not" is -ama after a consonant, -yama after a vowel.
_NEGATION: Final = re.compile("(y?[ae])?m[aeiu]")
#: Nouns in -ma, whose -madan and -mam are no negation.
_NOUNS: Final = frozenset(
    "dondurma dolma sarma kiyma kavurma yazma basma asma kazma cekme bulama sinema".split()
)
#: Words that would be cut and are names, nouns or adjectives.
_WHOLE: Final = frozenset(
    "yilmaz solmaz sonmez inanilmaz komedi karar sapan takip aksam dolar sinir kalan kaplan solen "
    "yazar benzer gelir gecmis".split()
)
#: Verbs with a stem of two letters; other beginnings of two letters are no stem (insan, arkadaş).
_SHORT_STEMS: Final = frozenset("al at de et ol uy ye".split())
#: Stems that ``verb_stems`` would find and that are no verbs: malzemeden, kelimeden.
_NO_STEMS: Final = frozenset("sine malze keli res ucle ortala kariz den".split())
#: After these the form in -mam is a noun: görmem lazım, "I must see".
_AFTER_NOUN: Final = re.compile("gerek|laz[iı]m|i[cç]in|[sş]art|m[uü]mk[uü]n|imkan|zor|kolay|bile")


def fold(text: str) -> str:
    """Lower-case text with the Turkish letters as ASCII ones; the length stays the same."""
    return text.translate(_FOLD)


@lru_cache(maxsize=65536)
def token_key(token: str) -> str:
    """What two spellings of a token have in common; the vocabulary's ids go by it."""
    token = fold(token)
    if len(token) < 2 or token[0] != "-":
        return token
    suffix = _suffix_letters(token[1:])
    if _NEGATION.fullmatch(suffix):
        return "-me" if suffix[-2:] == suffix else "-eme"
    if _AORIST.fullmatch(suffix):
        return "-" + suffix.lstrip("ei")
    if suffix.startswith("iyor"):
        return "-" + suffix[1:]
    return "-" + (suffix[1:] if suffix[0] == "y" and suffix[1:2] in ("e", "i") else suffix)


def _suffix_letters(folded: str) -> str:
    return folded.translate(_HARMONY)


def turkish_words(text: str) -> Iterator[str]:
    """The words of a standardized text, uncut, and suffixes that were typed as such ("-me")."""
    for chunk in text.split():
        if chunk[0] == "-" and chunk[1:].isalpha():
            yield chunk
        else:
            yield from chunk.replace("'", "").translate(_SEPARATORS).split()


def cut_words(words: Iterable[str], stems: frozenset[str], known: Set[str] | None) -> list[str]:
    """Cut the words whose parts are known; ``stems`` are folded, ``known`` keys of tokens.

    ``known`` None: all endings are known. The parts joined, without their hyphens, are the word.
    """
    words = list(words)
    tokens: list[str] = []
    for n, word in enumerate(words):
        if word[0] == "-":
            if known is not None and token_key(word) in known:
                tokens.append(word)
                continue
            word = word[1:]
        parts = _cut(word, stems)
        if parts[-1] in ("-m", "-em") and _AFTER_NOUN.match("".join(words[n + 1 : n + 2])):
            parts = (word,)
        if known is not None:
            if not all(token_key(part) in known for part in parts[1:]):
                parts = (word,)
            if len(parts) == 1 and token_key(word) not in known:
                parts = cut_unknown(word, stems, known, known)
        tokens += parts
    return tokens


def cut_unknown(
    word: str, stems: frozenset[str], known: Set[str], suffixes: Set[str] | None
) -> tuple[str, ...]:
    """An unknown word cut into a known one, which is no verb, and an ending; or whole.

    ``suffixes``: the keys of the endings that may be cut off; None for all.
    """
    folded = fold(word)
    for k in range(len(word) - 1, 2, -1) if len(word) <= _LONGEST else ():
        front, ending = word[:k], "-" + word[k:]
        if (
            token_key(front) in known
            and (suffixes is None or token_key(ending) in suffixes)
            and _NOMINAL.fullmatch(_suffix_letters(folded[k:]))
            and not _NEGATION.fullmatch(folded[k:])
            and _joins_noun(folded[:k], folded[k:])
            and folded[:k] not in stems
            and _cut(front, stems) == (front,)
        ):
            return (front, ending)
    return (word,)


def _joins_noun(front: str, rest: str) -> bool:
    """Whether an ending's first letters fit a noun: oda-sı, ev-i, oda-m, ev-im."""
    after_vowel = front[-1] in _VOWELS
    if re.match("s[iu](?![zn][^i]?$)|[mn](?:[iu]z|$)", rest):
        return after_vowel
    return _joins(front, rest)


@lru_cache(maxsize=65536)
def _cut(word: str, stems: frozenset[str]) -> tuple[str, ...]:
    """A word cut after the longest stem that leaves an ending, or whole."""
    folded = fold(word)
    if folded in stems or folded in _WHOLE or not 3 < len(word) <= _LONGEST:
        return (word,)
    for k in range(len(word) - 1, 1, -1):
        if folded[:k] in stems:
            lengths = _ending(folded[:k], folded[k:])
            if lengths:
                parts, start = [word[:k]], k
                for length in lengths:
                    parts.append("-" + word[start : start + length])
                    start += length
                return tuple(parts)
    return (word,)


def _ending(stem: str, rest: str) -> tuple[int, ...]:
    """The lengths of the suffixes that an ending consists of; () if it is none."""
    letters = _suffix_letters(rest)
    if stem == NOT:
        return (len(rest),) if _PREDICATE.fullmatch(letters) else ()
    negation = _NEGATION.match(rest)
    if negation and _negates(stem, negation, letters):
        return (negation.end(), len(rest) - negation.end())
    if _AFTER_STEM.fullmatch(letters) and _joins(stem, rest):
        return (len(rest),)
    if _AORIST.fullmatch(letters) and _is_aorist(stem, rest):
        return (len(rest),)
    return ()


def _is_aorist(stem: str, rest: str) -> bool:
    """Whether -r is the aorist (severim); not in the plural of a noun (konular, yorumlar)."""
    plural = (stem + rest)[len(stem) - 1 :][:3] in ("lar", "ler") or stem[-2:] in ("la", "le")
    return len(stem) > 2 and not plural and (stem[-1] in _VOWELS) == (rest[0] == "r")


def _joins(stem: str, rest: str) -> bool:
    """Whether an ending's first letter fits the stem's last: sıkıl-dım, et-tim, izle-yen."""
    after_vowel = stem[-1] in _VOWELS
    match rest[0]:
        case "t" | "d":
            return (rest[0] == "t") == (stem[-1] in "cfhkpst")
        case "y":
            return after_vowel
        case "a" | "e" | "i" | "u":
            return not after_vowel
    return True


def _negates(stem: str, negation: re.Match[str], letters: str) -> bool:
    """Whether a negation fits a stem and what follows it."""
    could, after = negation[1] or "", letters[negation.end() :]
    if could and (could[0] == "y") != (stem[-1] in _VOWELS):
        return False
    vowel = next((char for char in reversed(stem + could) if char in _VOWELS), "")
    if negation[0][-1] in "iu":
        return re.fullmatch(_PROGRESSIVE, after) is not None
    if (vowel, negation[0][-1]) in (("a", "e"), ("e", "a")):
        return False
    if after in ("den", "m") and stem + "ma" in _NOUNS:
        return False
    return _AFTER_NEGATION.fullmatch(after) is not None


# -- finding the stems --------------------------------------------------------------------------

#: Forms of nouns that only verbs have: -mak, -ması, -mayı and the like.
_VERBAL_NOUN: Final = re.compile("mek(?:den|de|le)?|me(?:ye|yi|si|si?nin?[ie]?|nin|niz)")
#: Distinct endings, and occurrences of verbal nouns or of -yor, that a stem must have.
_MIN_ENDINGS, _MIN_VERBAL = 3, 2
#: The share of its endings that are past tenses (-dı, -mış), which begin with a consonant: they
#: tell ol- from ola- (olamaz) and beğen- from beğenm- (a typing error).
_PAST_SHARE = 0.025


def verb_stems(words: Iterable[str]) -> list[str]:
    """The folded stems of verbs that have a negation among the words, with ``değil`` first.

    A stem needs at least three distinct endings without a negation, and two occurrences of forms
    that only verbs have.
    """
    counts = Counter(fold(word) for word in words)
    candidates: dict[str, int] = defaultdict(int)
    for word, count in counts.items():
        for k in range(2, min(len(word), _LONGEST)):
            rest = word[k:]
            negation = _NEGATION.match(rest)
            if negation and _negates(word[:k], negation, _suffix_letters(rest)):
                candidates[word[:k]] += count
    endings: dict[str, set[str]] = defaultdict(set)
    verbal: dict[str, int] = defaultdict(int)
    past: dict[str, int] = defaultdict(int)
    total: dict[str, int] = defaultdict(int)
    for word, count in counts.items():
        for k in range(2, min(len(word), _LONGEST)):
            for stem in _whole_stems(word[:k]):
                if stem in candidates:
                    letters = _suffix_letters(word[k:])
                    noun = _VERBAL_NOUN.fullmatch(letters) is not None
                    if noun or (_AFTER_STEM.fullmatch(letters) and _joins(word[:k], word[k:])):
                        endings[stem].add(letters)
                        total[stem] += count
                        past[stem] += count * letters.startswith(("di", "mis"))
                    if noun or re.fullmatch(f"[iy]?{_PROGRESSIVE}", letters):
                        verbal[stem] += count
    found = {
        stem
        for stem in candidates
        if len(endings[stem]) >= _MIN_ENDINGS
        and verbal[stem] >= _MIN_VERBAL
        and past[stem] >= max(_MIN_VERBAL, _PAST_SHARE * total[stem])
        and stem not in _NO_STEMS
        and (len(stem) > 2 or stem in _SHORT_STEMS)
        and any(char in _VOWELS for char in stem)
    }
    # izleme- of izlememek is izle- with its negation.
    plain = {stem for stem in found if stem[-2:] not in ("ma", "me") or stem[:-2] not in found}
    return [NOT, *sorted(plain, key=lambda stem: (-candidates[stem], stem))]


def _whole_stems(form: str) -> Iterator[str]:
    """A stem, and that whose final t became d before a vowel: git- of gid-iyor."""
    yield form
    if form[-1] == "d":
        yield form[:-1] + "t"


def stems_by_form(stems: Iterable[str]) -> dict[str, str]:
    """The folded stem of each form that it has in front of an ending, itself among them."""
    stems = list(stems)
    forms = {form: stem for stem in stems for form in stem_forms(stem)}
    return forms | {stem: stem for stem in stems}


def stem_forms(stem: str) -> Iterator[str]:
    """The forms of a folded stem before a vowel: gid- of git-, bekl- of bekle- (bekl-iyor)."""
    if stem[-2:] == "et" or stem in ("git", "tat"):
        yield stem[:-1] + "d"
    elif stem in ("de", "ye"):
        yield stem[0] + "i"
    elif stem[-1] in "ae":
        yield stem[:-1]
