"""Tables: within the terminal's width, whole rows when piped, columns of wide characters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from rnnviz.cli.tables import aligned, wrapped
from rnnviz.display import visible

WORDS = [
    ("name", "net", "published", "where"),
    ("jena-stacked", "GRU(32) → GRU(64, relu), dropout .1", "MAE 0.263", "notebook 6.3, epoch 16"),
    ("imdb-gru", "GRU(32)", "-", "not in the book"),
    ("sentiment-rnn", "SimpleRNN(32)", "-", ""),
]


def test_a_table_that_fits_is_one_line_a_row() -> None:
    assert aligned(WORDS, 200) == aligned(WORDS)
    assert [line.split()[0] for line in aligned(WORDS)] == [row[0] for row in WORDS]
    assert {line.index(row[1]) for line, row in zip(aligned(WORDS), WORDS, strict=True)} == {15}


def test_wide_characters_take_two_columns() -> None:
    rows = [("token", "p"), ("电影", "0.5"), ("e\u0301te", "0.6"), ("film", "0.7")]
    for line, (_, number) in zip(aligned(rows), rows, strict=True):
        assert cell_len(line[: line.index(number)]) == 7, line


def test_numbers_are_aligned_at_the_right() -> None:
    rows = [("", "ms"), ("ours", "9.5"), ("peer", "120.0")]
    assert aligned(rows, right=("ms",)) == ["         ms", "ours    9.5", "peer  120.0"]


@given(st.integers(20, 130))
def test_a_wide_table_is_wrapped_between_words_or_folded(width: int) -> None:
    lines = aligned(WORDS, width)
    assert max(map(cell_len, lines)) <= width
    # No word is broken, and every row begins with its whole name.
    assert sorted(" ".join(lines).split()) == sorted(" ".join(sum(WORDS, ())).split())
    starts = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert starts == [row[0] for row in WORDS]


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    n = draw(st.integers(1, 6))
    cells = st.lists(st.text(max_size=30), min_size=n, max_size=n)
    return draw(st.lists(cells, min_size=1, max_size=5))


@given(tables(), st.integers(20, 100))
def test_any_text_stays_within_the_width_and_loses_no_character(
    rows: list[list[str]], width: int
) -> None:
    lines = aligned(rows, width)
    assert all(cell_len(line) <= width and line.isprintable() for line in lines)
    cells = [visible(cell) for row in rows for cell in row]
    assert sorted("".join(lines).replace(" ", "")) == sorted("".join(cells).replace(" ", ""))


def test_a_word_longer_than_the_line_is_broken() -> None:
    path = "/home/someone/" + "x" * 40
    assert "".join(wrapped(path, 20)) == path
    assert max(map(len, wrapped(path, 20))) == 20
