"""The curve on a phone: what the net has said so far, and a mark that the slider moves."""

from __future__ import annotations

from rnnviz.classroom.votes import texts
from rnnviz.display import markup
from rnnviz.events import BallotEvent

#: Units of the picture: width, height, and the room for a number at the left and words below.
WIDTH, HEIGHT, LEFT, BELOW, ABOVE = 360, 200, 30, 34, 8
#: The most words of the picture, and characters of one.
MOST, LETTERS = 7, 9


def curve_picture(ballot: BallotEvent, value: float, lang: str) -> str:
    """An SVG of the curve up to the question; the mark at ``value`` has the id ``mark``.

    The mark's column is that of the word that is asked about. ``data-top`` and ``data-bottom`` are
    the heights of the largest and the least value, for the script that moves the mark.
    """
    assert ballot.low is not None and ballot.high is not None
    known = len(ballot.curve)
    words = ballot.words[: known + 1]
    first = max(0, len(words) - MOST)
    shown, curve = words[first:], ballot.curve[first:]
    each = (WIDTH - LEFT) / max(1, known - first + 1)
    bottom = HEIGHT - BELOW

    def x(n: int) -> float:
        return LEFT + each * (n + 0.5)

    def y(level: float) -> float:
        assert ballot.low is not None and ballot.high is not None
        share = (level - ballot.low) / (ballot.high - ballot.low)
        return bottom - min(max(share, 0.0), 1.0) * (bottom - ABOVE)

    middle = (ballot.low + ballot.high) / 2
    parts = [
        f'<line class="rule" x1="{LEFT}" y1="{y(level):.1f}" x2="{WIDTH}" y2="{y(level):.1f}"/>'
        f'<text class="axis" x="{LEFT - 5}" y="{y(level) + 4:.1f}" text-anchor="end">'
        f"{level:g}</text>"
        for level in (ballot.low, middle, ballot.high)
    ]
    points = " ".join(f"{x(n):.1f},{y(level):.1f}" for n, level in enumerate(curve))
    parts.append(f'<polyline class="curve" points="{points}"/>')
    parts += [
        f'<circle class="known" cx="{x(n):.1f}" cy="{y(level):.1f}" r="4"/>'
        for n, level in enumerate(curve)
    ]
    for n, word in enumerate(shown):
        text = word if len(word) <= LETTERS else word[: LETTERS - 1] + "…"
        now = ' class="now"' if n == len(curve) else ""
        parts.append(
            f'<text{now} x="{x(n):.1f}" y="{HEIGHT - 10}" text-anchor="middle">'
            f"{markup(text)}</text>"
        )
    at = len(curve)
    if curve:
        parts.append(
            f'<line id="step" class="step" x1="{x(at - 1):.1f}" y1="{y(curve[-1]):.1f}" '
            f'x2="{x(at):.1f}" y2="{y(value):.1f}"/>'
        )
    parts.append(f'<circle id="mark" cx="{x(at):.1f}" cy="{y(value):.1f}" r="11"/>')
    name = markup(str(texts(ballot, lang).get("curve", "")))
    return (
        f'<p class="dim">{name}</p><svg id="curve" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'data-top="{ABOVE}" data-bottom="{bottom}" aria-hidden="true">{"".join(parts)}</svg>'
    )
