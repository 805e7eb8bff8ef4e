"""The Jena recipes: the published rows, the same shares of another table, the naive forecast."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from rnnviz.data.batches import Windows
from rnnviz.data.jena import COLUMNS, jena_file, read_jena
from rnnviz.data.series import Scaling
from rnnviz.errors import InvalidFileError, MissingError, UsageError
from rnnviz.files import assets
from rnnviz.recipes import find
from rnnviz.recipes.jena import _batches_per_epoch, naive_forecast, quarters, row_ranges

ROWS = 7_000
FULL = Path(os.environ.get("RNNVIZ_DATA", "-")) / "jena"
#: The table the published numbers were measured on, where it is.
PUBLISHED = [p for p in FULL.glob("jena_climate_2009_2016.csv*") if p.is_file()]


def quiet(text: str) -> None:
    """Says nothing."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a table of 7,000 rows."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "jena").mkdir()
    values = np.random.default_rng(0).normal(10, 3, (ROWS, 14)).round(2)
    start, step = datetime(2020, 1, 1, 0, 10), timedelta(minutes=10)
    lines = [",".join(f'"{name}"' for name in ("Date Time", *COLUMNS))]
    for n, row in enumerate(values):
        stamp = (start + n * step).strftime("%d.%m.%Y %H:%M:%S")
        lines.append(",".join([stamp, *(f"{v:.2f}" for v in row)]))
    (folder / "jena/jena_climate_2020.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_the_published_table_is_split_as_published() -> None:
    split = row_ranges(420_551)
    assert split == ((0, 200_000), (200_001, 300_000), (300_001, 420_551 - 145))


def test_the_hourly_table_is_split_at_the_published_rows_divided_by_six() -> None:
    split = row_ranges(70_038, 60)
    assert split == ((0, 33_333), (33_334, 50_000), (50_001, 70_038 - 25))


def test_the_hourly_table_in_the_package_follows_the_published_protocol() -> None:
    task = find("jena-gru").prepare(assets() / "samples", None, 0, quiet)
    assert task.trained_on == "Jena 2009–2016, one row an hour, 12 of 14 columns"
    assert task.size == 12
    assert isinstance(task.encoder, Scaling)
    train = task.draw(1, np.random.default_rng(0))
    assert isinstance(train, Windows) and isinstance(task.valid, Windows)
    assert len(train) == 500 * 128
    assert train.draw_from == ((240, 33_333),)
    assert task.valid.rows is not None
    assert (task.valid.rows[0], task.valid.rows[-1]) == (33_334 + 240, 49_999)
    table = read_jena(jena_file(assets() / "samples"), repair=True)
    np.testing.assert_allclose(task.encoder.mean, table.data[:33_333].mean(0))
    np.testing.assert_allclose(task.encoder.std, table.data[:33_333].std(0))
    x, y, _ = next(task.valid.batches(4))
    first = 33_334 + 240
    assert x.shape == (240, 4, 12)
    np.testing.assert_array_equal(x[:, 0], task.encoder.apply(table.data[first - 240 : first]))
    # 25 rows after the last reading, as in the published generator.
    assert y[0] == task.encoder.apply(table.data[first - 1 + 25])[1]
    assert task.preparation["test span"] == ["2014-09-15T09:50", "2016-12-30T23:50"]


def test_the_naive_error_of_the_hourly_table_is_near_the_published_one() -> None:
    task = find("jena-naive").prepare(assets() / "samples", None, 0, quiet)
    assert naive_forecast(task.valid)["mae"] == pytest.approx(0.2890, abs=2e-4)
    table = read_jena(jena_file(assets() / "samples"), repair=False).data[:, 1]
    rows = np.arange(50_001 + 240, 70_038 - 25)
    by_hand = np.abs(table[rows - 1] - table[rows + 24]).mean() / table[:33_333].std()
    assert task.test is not None
    assert naive_forecast(task.test)["mae"] == pytest.approx(by_hand, rel=1e-6)
    assert task.preparation["as today"]["test"] == naive_forecast(task.test)["mae"]


@pytest.mark.parametrize(("interval", "needed"), [(10, 6_600), (60, 1_600)])
def test_the_number_of_rows_that_the_message_names_is_enough(interval: int, needed: int) -> None:
    with pytest.raises(UsageError, match=f"{needed:,}"):
        row_ranges(needed - 100, interval)
    row_ranges(needed, interval)


def test_rows_must_fall_on_hours() -> None:
    with pytest.raises(ValueError, match="rows are 45 minutes apart"):
        row_ranges(100_000, 45)


def test_another_table_is_split_in_the_same_shares() -> None:
    assert row_ranges(42_055) == ((0, 20_000), (20_001, 30_000), (30_001, 42_055 - 145))
    with pytest.raises(UsageError, match="3,000 rows are too few"):
        row_ranges(3_000)


def test_the_validation_has_769_batches_on_the_published_table() -> None:
    """val_steps of the source: (300000 − 200001 − 1440) // 128; no row comes twice."""
    from rnnviz.recipes.jena import _window_rows

    rows = _window_rows(*row_ranges(420_551).validation, 1440, whole_batches=True)
    assert len(rows) == 769 * 128
    assert rows[0] == 200_001 + 1440
    assert len(set(rows.tolist())) == len(rows)
    assert rows[-1] < 300_000


def test_the_scaling_is_that_of_the_training_rows(folder: Path) -> None:
    task = find("jena-gru").prepare(folder, None, 0, quiet)
    assert isinstance(task.encoder, Scaling)
    data = np.loadtxt(
        folder / "jena/jena_climate_2020.csv", delimiter=",", skiprows=1, usecols=range(1, 15)
    )
    first = row_ranges(ROWS).training[1]
    np.testing.assert_allclose(task.encoder.mean, data[:first].mean(0))
    np.testing.assert_allclose(task.encoder.std, data[:first].std(0))
    assert task.preparation["split"] == "scaled by 7,000/420,551"
    assert task.trained_on == "Jena 2020, split scaled"
    assert task.labels == ("T (degC)",)


def test_a_batch_is_240_hourly_readings_and_the_temperature_a_day_after_the_row(
    folder: Path,
) -> None:
    task = find("jena-gru").prepare(folder, None, 0, quiet)
    valid = task.valid
    assert isinstance(valid, Windows)
    assert valid.rows is not None
    x, y, _ = next(valid.batches(128))
    row = int(valid.rows[5])
    assert x.shape == (240, 128, 14)
    np.testing.assert_array_equal(x[-1, 5], valid.data[row - 6])
    np.testing.assert_array_equal(x[0, 5], valid.data[row - 1440])
    assert y[5] == valid.data[row + 144, 1]


def test_training_windows_are_drawn_from_the_training_rows(folder: Path) -> None:
    task = find("jena-gru").prepare(folder, None, 0, quiet)
    train = task.draw(1, np.random.default_rng(0))
    assert isinstance(train, Windows)
    assert len(train) == 8 * 128  # as large a part as 500 batches are of the published table
    assert train.draw_from == ((1440, row_ranges(ROWS).training[1]),)


def test_quarters_splits_each_quarter_in_the_published_shares() -> None:
    found = quarters(ROWS * 4)
    assert [p.training[0] for p in found] == [0, ROWS, 2 * ROWS, 3 * ROWS]
    for n, p in enumerate(found):
        moved = [(start + n * ROWS, end + n * ROWS) for start, end in row_ranges(ROWS)]
        assert [p.training, p.validation, p.test] == moved


def test_only_the_reversed_recipe_reverses_its_windows(folder: Path) -> None:
    usual = find("jena-gru").prepare(folder, None, 0, quiet)
    turned = find("jena-reversed").prepare(folder, None, 0, quiet)
    x, y, _ = next(usual.valid.batches(8))
    other, same, _ = next(turned.valid.batches(8))
    np.testing.assert_array_equal(x[::-1], other)
    np.testing.assert_array_equal(y, same)
    assert isinstance(usual.encoder, Scaling)
    assert isinstance(turned.encoder, Scaling)
    assert (usual.encoder.reverse, turned.encoder.reverse) == (False, True)


def test_tomorrow_is_as_the_last_reading_of_the_window(folder: Path) -> None:
    task = find("jena-naive").prepare(folder, None, 0, quiet)
    valid = task.valid
    assert isinstance(valid, Windows)
    assert valid.rows is not None
    T = valid.data[:, 1].astype(np.float64)
    by_hand = np.mean([abs(T[r - 6] - T[r + 144]) for r in valid.rows])
    assert naive_forecast(valid)["mae"] == pytest.approx(by_hand, rel=1e-6)


def test_limit_takes_the_first_rows(folder: Path) -> None:
    task = find("jena-gru").prepare(folder, 6_900, 0, quiet)
    assert task.preparation["rows"] == 6_900
    with pytest.raises(UsageError, match="6,600"):
        find("jena-gru").prepare(folder, 100, 0, quiet)


def test_what_is_missing_or_damaged_is_told(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(MissingError, match="fetch jena"):
        find("jena-gru").prepare(tmp_path, None, 0, quiet)
    (tmp_path / "jena").mkdir()
    lines = (folder / "jena/jena_climate_2020.csv").read_text().splitlines()
    constant = [lines[0], *(",".join([s.split(",")[0], *["1.00"] * 14]) for s in lines[1:])]
    (tmp_path / "jena/jena_climate_2020.csv").write_text("\n".join(constant))
    with pytest.raises(InvalidFileError, match=r"p \(mbar\) is 1 in all training rows"):
        find("jena-gru").prepare(tmp_path, None, 0, quiet)


@pytest.mark.skipif(not PUBLISHED, reason="needs jena_climate_2009_2016.csv in RNNVIZ_DATA")
def test_the_naive_error_is_the_published_one() -> None:
    task = find("jena-naive").prepare(FULL.parent, None, 0, quiet)
    assert naive_forecast(task.valid)["mae"] == pytest.approx(0.28974, abs=5e-4)
    assert task.trained_on == "Jena 2009–2016"


def test_an_epoch_draws_as_many_passes_over_any_table_as_over_the_published_one() -> None:
    """500 batches of eight years; 63 of a year's; never more than 500, never none."""
    assert _batches_per_epoch(420_551 / 6) == 500
    assert _batches_per_epoch(70_038) == 500
    assert _batches_per_epoch(52_695 / 6) == 63
    assert _batches_per_epoch(10**6) == 500
    assert _batches_per_epoch(10) == 1
