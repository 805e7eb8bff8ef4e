"""Tokens in lines: where each one stands in a text of so many columns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from rich.cells import cell_len

from rnnviz.display import visible


@dataclass(frozen=True)
class TextLayout:
    """The tokens of each line, and the line of each token."""

    lines: tuple[range, ...]
    line_of: tuple[int, ...]  # (T)


@lru_cache(maxsize=8)
def text_layout(tokens: tuple[str, ...], separator: str, width: int) -> TextLayout:
    """Break the text at new lines, and between words where a line is full."""
    lines: list[range] = []
    first = used = 0
    space = None  # the last token of the line after which it can be broken
    for t, token in enumerate(tokens):
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
    lines.append(range(first, len(tokens)))
    line_of = [n for n, line in enumerate(lines) for _ in line]
    return TextLayout(tuple(lines), tuple(line_of))


def columns(token: str, separator: str) -> int:
    """The columns of a token with what separates it from the next."""
    return (1 if len(token) == 1 and token.isascii() else cell_len(visible(token))) + len(separator)
