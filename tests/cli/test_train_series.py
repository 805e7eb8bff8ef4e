"""``rnnviz train FILE --series``: forecasts of a column of a user's table."""

from __future__ import annotations

import json
import math
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

import rnnviz
from rnnviz.cli import run
from rnnviz.data.user_tables import read_user_table
from rnnviz.data.user_tables.measurements import read_measurements
from rnnviz.data.user_tables.numbers import parse_numbers
from rnnviz.data.user_tables.times import parse_times
from rnnviz.errors import InvalidFileError, UsageError

SMALL = ("--epochs", "2", "--units", "4", "--plain", "--lookback", "6", "--horizon", "2")


def values(count: int) -> list[float]:
    return [round(10 + 3 * math.sin(n / 3), 2) for n in range(count)]


def series(path: Path, count: int = 120) -> Path:
    """A semicolon table with decimal commas, German dates, and a column of words."""
    rows = ["tag;menge;ort;temp"]
    for n, value in enumerate(values(count)):
        day = date(2021, 1, 1) + timedelta(days=n)
        rows.append(
            f"{day:%d.%m.%Y};{value};Bonn;{n % 9},5".replace(".", ",", 3).replace(
                f"{day:%d,%m,%Y}", f"{day:%d.%m.%Y}"
            )
        )
    path.write_text("\n".join(rows).replace(";10.", ";10,"), "utf-8")
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("series")
    path = series(folder / "menge.csv")
    out = folder / "run"
    args = ["train", str(path), "--series", "menge", "--time", "tag", *SMALL, "--test", ".1"]
    assert run([*args, "--out", str(out)]) == 0
    return out


def test_the_split_is_in_time_and_the_scaling_that_of_the_training_rows(trained: Path) -> None:
    spec = json.loads((trained / "spec.json").read_text())
    prepared = spec["preparation"]
    assert prepared["columns"] == ["menge", "temp"]
    assert [prepared[f"{part} windows"] for part in ("training", "validation", "test")] == [
        84 - 7, 24, 12,
    ]  # fmt: skip
    scaling = json.loads((trained / "series.json").read_text())
    own = np.array(values(84))
    assert scaling["mean"][0] == pytest.approx(own.mean())
    assert scaling["std"][0] == pytest.approx(own.std())
    # Validation targets are rows 84 to 107; the naive forecast is two rows before.
    whole = np.array(values(120))
    naive = np.abs(whole[84:108] - whole[82:106]).mean() / own.std()
    assert prepared["as today"]["validation"] == pytest.approx(naive, rel=1e-5)
    assert spec["metric"]["name"] == "mae"


def test_a_run_steps_through_the_windows_of_its_table(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["step", "-m", str(trained), "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["series"]
    assert found["times"][0] == "2021-01-01 00:00" and len(found["times"]) == 6
    assert found["foreseen"] == "2021-01-08 00:00"
    assert found["truth"] == values(8)[7]
    trace = rnnviz.step("2021-02-01", model=str(trained))
    assert trace.series is not None and trace.series.moment == "2021-02-01 00:00"
    assert run(["step", "-m", str(trained), "2031-02-01"]) == 2
    assert "menge.csv: from 2021-01-07" in capsys.readouterr().err
    last = rnnviz.step("", model=str(trained))
    assert last.series is not None and last.series.foreseen == "2021-04-30 00:00"


def test_a_run_of_a_series_can_be_resumed_and_exported(trained: Path, tmp_path: Path) -> None:
    assert run(["train", "--resume", str(trained), "--epochs", "3", "--plain"]) == 0
    assert run(["models", "export", str(trained), str(tmp_path / "own.json")]) == 0
    data = str(trained.parent)
    assert run(["step", "-m", str(tmp_path / "own.json"), "1", "--data", data]) == 0
    assert run(["step", "-m", str(tmp_path / "own.json"), "1", "--data", str(tmp_path)]) == 3


def test_the_naive_forecast_is_named_by_its_horizon(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The value of so many hours before; a value of 0 is shown as 0."""
    path, out = tmp_path / "a.csv", str(tmp_path / "run")
    rows = [f"2021-01-{1 + n // 24:02} {n % 24:02}:00;{n % 5},1;{n % 3 / 7}" for n in range(120)]
    path.write_text("when;c;x\n" + "\n".join(rows))
    assert run(["train", str(path), "--series", "x", *SMALL, "--out", out]) == 0
    said = capsys.readouterr().err
    assert "Commas separate decimals in column c." in said
    assert "Warning: 89 windows are few to train on, and 24 to validate" in said
    assert "trained on: a.csv (96 rows)\n" in said
    windows = [n for n in range(6, 40) if (n - 1) % 3 == 0]
    assert run(["step", "-m", out, str(windows[0] - 5), "--plain"]) == 0
    shown = capsys.readouterr().out
    assert "; as 2 hours before: 0.00." in shown and "as 2 hours before off by 0.29." in shown


def test_rows_stand_for_times_where_there_are_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "plain.csv"
    path.write_text("a,b\n" + "".join(f"{v},{n % 4}\n" for n, v in enumerate(values(60))))
    out = str(tmp_path / "run")
    assert run(["train", str(path), "--series", "a", *SMALL, "--out", out]) == 0
    assert "No column of times was found" in capsys.readouterr().err
    trace = rnnviz.step("4", model=out)
    assert trace.tokens == tuple(f"row {n}" for n in range(4, 10))
    assert trace.latest == 5
    assert run(["step", "-m", out, "4", "--view", "series", "--screenshot",
                str(tmp_path / "a.txt")]) == 0  # fmt: skip
    assert "row 11" in (tmp_path / "a.txt").read_text()
    assert run(["step", "-m", out, "tomorrow"]) == 2
    assert "has no times. Type the number of a window: 1 to 54" in capsys.readouterr().err


def test_a_series_is_evaluated_beside_the_naive_forecast(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = series(tmp_path / "later.csv", 40)
    assert run(["evaluate", str(trained), str(path), "--json", "--worst", "2"]) == 0
    found = json.loads(capsys.readouterr().out)
    whole = np.array(values(40))
    assert found["windows"] == 33
    assert found["naive_mae"] == pytest.approx(np.abs(whole[7:] - whole[5:-2]).mean())
    worst = found["worst"][0]
    # The stepper on the same window of the table it was trained on, which begins alike.
    trace = rnnviz.step(str(worst["window"]), model=str(trained))
    assert trace.series is not None and trace.series.truth == worst["truth"]
    forecast = float(trace.series.restored(trace.head.output)[0])
    assert forecast == pytest.approx(worst["forecast"], abs=1e-4)
    assert worst["error"] == pytest.approx(abs(forecast - worst["truth"]), abs=1e-4)
    assert run(["evaluate", str(trained), str(path), "--text", "ort"]) == 2
    assert run(["evaluate", "jena-gru", str(path)]) == 4


@pytest.mark.parametrize(
    ("args", "code", "reason"),
    [
        (["--series", "mengen"], 2, "Did you mean 'menge'?"),
        (["--series", "ort"], 4, "rows cannot be used"),
        (["--series", "menge", "--time", "menge"], 2, "the same column"),
        (["--series", "menge", "--time", "ort"], 2, "no times that can be read"),
        (["--series", "menge", "--text", "ort"], 2, "cannot take --text"),
        (["--time", "tag"], 2, "--series NAME"),
        (["--series", "menge", "--lookback", "100"], 2, "Use a smaller --lookback"),
        (["--series", "menge", "--no-mask"], 2, "reads numbers and no words"),
    ],
)
def test_what_cannot_be_forecast(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], args: list[str], code: int, reason: str
) -> None:
    path = series(tmp_path / "menge.csv")
    assert run(["train", str(path), *SMALL, *args, "--out", str(tmp_path / "run")]) == code
    assert reason in capsys.readouterr().err


def test_a_forecast_needs_a_window(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = series(tmp_path / "menge.csv")
    assert run(["train", str(path), "--series", "menge", "--plain"]) == 2
    assert "--lookback 24 --horizon 1" in capsys.readouterr().err


def test_missing_values_are_filled_and_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    lines = ["when,x,y", *(f"2020-01-{n:02},{n},{n}" for n in range(1, 29))]
    lines[3] = "2020-01-03,,3"
    path.write_text("\n".join(lines))
    found = read_measurements(read_user_table(path), "x", None, None, "few")
    assert found.data[:4, 0].tolist() == [1, 2, 2, 4]
    assert found.interval == 24 * 60 and found.columns == ("x", "y")
    assert any("line 4: x is missing" in remark for remark in found.remarks)
    with pytest.raises(InvalidFileError, match="line 4: x is missing"):
        read_measurements(read_user_table(path), "x", None, None, "refuse")
    path.write_text("when,x\n" + "".join(f"2020-01-{n:02},{n}\n" for n in range(28, 0, -1)))
    down = read_measurements(read_user_table(path), "x", None, None, "few")
    assert down.data[0, 0] == 1 and down.lines[0] == 29
    assert any("sorted by time" in remark for remark in down.remarks)


@pytest.mark.parametrize(
    ("fields", "decimal_comma", "wanted", "read"),
    [
        (["1.5", "-2e3", "NA"], False, [1.5, -2000, np.nan], ""),
        (["1,5", "2"], True, [1.5, 2], "decimals"),
        (["1.234,5", "2"], True, [1234.5, 2], "decimals"),
        (["1,234", "5,678.5"], False, [1234, 5678.5], "thousands"),
        (["1,5", "2,25"], False, [1.5, 2.25], "decimals"),
        (["1,234"], True, [1.234], "decimals"),
    ],
)
def test_numbers(fields: list[str], decimal_comma: bool, wanted: list[float], read: str) -> None:
    values, wrong, commas = parse_numbers(fields, decimal_comma)
    np.testing.assert_array_equal(values, wanted)
    assert not wrong.any() and commas == read


def test_what_is_no_number() -> None:
    assert parse_numbers(["1", "x", "1 2", "0x1", "1_0", "٣", "1e999"], False)[1].tolist() == [
        False, *[True] * 6,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "wanted", "said"),
    [
        (["2020-05-01T12:30:00Z"], "2020-05-01T12:30:00", False),
        (["01.05.2020 12:30"], "2020-05-01T12:30:00", False),
        (["1949-01"], "1949-01-01T00:00:00", False),
        (["13/02/2020", "01/02/2020"], "2020-02-13T00:00:00", False),
        (["02/13/2020", "02/01/2020"], "2020-02-13T00:00:00", False),
        (["03/04/2020"], "2020-04-03T00:00:00", True),
    ],
)
def test_times(fields: list[str], wanted: str, said: bool) -> None:
    times, remark = parse_times(fields)
    assert times is not None and str(times[0]) == wanted
    assert bool(remark) == said
    assert parse_times(["soon"]) == (None, "")


def test_a_series_of_one_column_of_numbers_needs_a_header(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\n".join(f"{n},{n}" for n in range(20)))
    found = read_measurements(read_user_table(path), "2", None, None, "few")
    assert found.columns == ("column 1", "column 2") and len(found) == 20
    with pytest.raises(UsageError, match="no column 'x'"):
        read_measurements(read_user_table(path), "x", None, None, "few")


def test_a_number_is_a_position_unless_a_first_row_of_names_has_it(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\n".join(f"2020-01-{n + 1:02},{n % 5 + 3},{n % 7 + 2}" for n in range(20)))
    found = read_measurements(read_user_table(path), "3", "1", None, "few")
    assert (found.columns[found.target], len(found)) == ("column 3", 20)
    path.write_text("\n".join(f"3,{n}" for n in range(1, 21)))
    found = read_measurements(read_user_table(path), "1", None, None, "few")
    assert (found.columns[found.target], len(found)) == ("column 1", 20)
    path.write_text("2019,2020\n" + "\n".join(f"{n},{n % 3}" for n in range(20)))
    found = read_measurements(read_user_table(path), "2020", None, None, "few")
    assert (found.columns[found.target], len(found)) == ("2020", 20)
