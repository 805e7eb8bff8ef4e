"""Pictures of the dashboard at the three sizes, in the themes, at its beginning and its end."""

from __future__ import annotations

from typing import Any

import pytest
from tui.training import DEGREES, ENDED, dashboard, heard, of_four_classes, with_readings

from rnnviz.progress import Note

Compare = Any


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 50)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_training(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(dashboard(), terminal_size=size, run_before=heard)


@pytest.mark.parametrize("theme", ["light", "contrast", "ansi"])
def test_themes(snap_compare: Compare, theme: str) -> None:
    assert snap_compare(dashboard(theme=theme), terminal_size=(120, 36), run_before=heard)


@pytest.mark.parametrize(
    "options", [{"colour": False}, {"ascii_only": True}], ids=["grey", "ascii"]
)
def test_without(snap_compare: Compare, options: dict[str, bool]) -> None:
    assert snap_compare(dashboard(**options), terminal_size=(120, 36), run_before=heard)


def test_a_series(snap_compare: Compare) -> None:
    assert snap_compare(dashboard(DEGREES), terminal_size=(120, 36), run_before=heard)


def test_reading_the_data_in_turkish(snap_compare: Compare) -> None:
    app = dashboard([Note("Reading imdb/train.csv.gz")], lang="tr")
    assert snap_compare(app, terminal_size=(80, 24), run_before=heard)


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_the_end(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def at_the_metric(pilot: Any) -> None:
        await heard(pilot)
        await pilot.press("v")
        await pilot.pause(0.2)

    assert snap_compare(dashboard(ENDED), terminal_size=size, run_before=at_the_metric)


@pytest.mark.parametrize(
    "size", [(80, 24), (100, 30), (120, 36), (200, 50)], ids=lambda s: f"{s[0]}x{s[1]}"
)
def test_the_sentence(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(dashboard(with_readings()), terminal_size=size, run_before=heard)


@pytest.mark.parametrize(
    "options",
    [{"lang": "tr", "theme": "light"}, {"colour": False}, {"ascii_only": True}],
    ids=["turkish", "grey", "ascii"],
)
def test_the_sentence_otherwise(snap_compare: Compare, options: dict[str, Any]) -> None:
    app = dashboard(with_readings(), **options)
    assert snap_compare(app, terminal_size=(120, 36), run_before=heard)


def test_a_sentence_of_four_classes(snap_compare: Compare) -> None:
    assert snap_compare(dashboard(of_four_classes()), terminal_size=(120, 36), run_before=heard)
