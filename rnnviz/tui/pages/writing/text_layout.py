"""Tokens in lines: where each one stands in a text of so many columns."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len

from rnnviz.display import visible

#: How many layouts are cached; one more empties the cache.
MOST_LAYOUTS = 8


@dataclass(frozen=True)
class TextLayout:
    """The tokens of each line, and the line of each token."""

    lines: tuple[range, ...]
    line_of: tuple[int, ...]  # (T)


#: The latest text and its layout, by separator and width: often the next text goes on from it.
_latest: dict[tuple[str, int], tuple[tuple[str, ...], TextLayout]] = {}


def text_layout(tokens: tuple[str, ...], separator: str, width: int) -> TextLayout:
    """Break the text at new lines, and between words where a line is full.

    The last line of a text that goes on from the latest one is broken anew, and what follows.
    """
    before, found = _latest.get((separator, width), ((), TextLayout((), ())))
    if tokens == before:
        return found
    kept = found.lines[:-1] if tokens[: len(before)] == before else ()
    lines = _broken(tokens, separator, width, list(kept))
    first = lines[len(kept)].start if len(lines) > len(kept) else len(tokens)
    rest = (n for n, line in enumerate(lines[len(kept) :], len(kept)) for _ in line)
    layout = TextLayout(tuple(lines), (*found.line_of[:first], *rest))
    if len(_latest) > MOST_LAYOUTS:
        _latest.clear()
    _latest[separator, width] = tokens, layout
    return layout


def _broken(tokens: tuple[str, ...], separator: str, width: int, lines: list[range]) -> list[range]:
    """The lines of a text, of which the first ones are known."""
    first, used = lines[-1].stop if lines else 0, 0
    space = None  # the last token of the line after which it can be broken
    for t in range(first, len(tokens)):
        token = tokens[t]
        wide = columns(token, separator)
        if used + wide > width and t > first:
            cut = t if space is None or separator else space + 1
            lines.append(range(first, cut))
            used = sum(columns(each, separator) for each in tokens[cut:t])
            first, space = cut, None
        used += wide
        if token == " ":
            space = t
        if token == "\n" and t + 1 < len(tokens) and t:
            lines.append(range(first, t + 1))
            first, used, space = t + 1, 0, None
    return [*lines, range(first, len(tokens))]


def columns(token: str, separator: str) -> int:
    """The columns of a token with what separates it from the next."""
    return (1 if len(token) == 1 and token.isascii() else cell_len(visible(token))) + len(separator)
