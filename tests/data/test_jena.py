"""The weather tables: every flaw counted, repaired only when asked to, damage told by line."""

from __future__ import annotations

import gzip
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnviz.data import jena_table
from rnnviz.data.jena import (
    COLUMNS,
    TEMPERATURE,
    is_published,
    jena_file,
    jena_files,
    jena_folder,
    read_jena,
)
from rnnviz.data.timestamps import parse_times
from rnnviz.errors import MissingError
from rnnviz.files import assets

REAL = os.environ.get("RNNVIZ_DATA", "")
needs_data = pytest.mark.skipif(not REAL, reason="RNNVIZ_DATA is not set")
HEADER = ",".join(f'"{name}"' for name in ("Date Time", *COLUMNS))


def stamp(minute: int) -> str:
    """A time of the first of March, in the form of the file."""
    return f"01.03.2020 {minute // 60:02}:{minute % 60:02}:00"


def row(minute: int, temperature: object = 1.5) -> str:
    values = [100.0, temperature, *range(12)]
    return ",".join([stamp(minute), *map(str, values)])


def write(path: Path, *rows: str, header: str = HEADER, end: str = "\n") -> Path:
    text = end.join([header, *rows]) + end
    if path.name.endswith(".zip"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("jena_climate_2009_2016.csv", text)
            archive.writestr("__MACOSX/._jena_climate_2009_2016.csv", "x")
    else:
        path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("name", ["jena.csv", "jena.csv.gz", "jena.csv.zip"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_good_table_plain_gzipped_and_zipped(tmp_path: Path, name: str, end: str) -> None:
    path = write(tmp_path / name, row(0, -8.02), row(10, 7), end=end)
    for repair in (False, True):
        series = read_jena(path, repair=repair)
        assert series.columns == COLUMNS
        assert series.data.dtype == np.float64
        assert series.data.tolist() == [[100, -8.02, *range(12)], [100, 7, *range(12)]]
        assert series.times.dtype == "datetime64[m]"
        assert series.times.astype(str).tolist() == ["2020-03-01T00:00", "2020-03-01T00:10"]
        assert (series.sentinels, series.repeats, series.gaps, series.missing) == (0, 0, 0, 0)
        assert series.repaired is repair


FLAWED = (
    row(0, -9999),  # nothing before it: the first good value
    row(10, 2),
    row(20, -9999.00),
    row(30, -9999),
    row(30, 77),  # the time of the row before
    row(40, 4),
    row(80, 5),  # 3 rows missing
    row(100, 6),  # 1 row missing
)


def test_flaws_are_repaired_when_asked(tmp_path: Path) -> None:
    series = read_jena(write(tmp_path / "jena.csv", *FLAWED), repair=True)
    assert series.data[:, TEMPERATURE].tolist() == [2, 2, 2, 2, 4, 5, 6]
    assert series.data[:, 0].tolist() == [100] * 7
    assert np.diff(series.times).astype(int).tolist() == [10, 10, 10, 10, 40, 20]
    assert (series.sentinels, series.repeats, series.gaps, series.missing) == (3, 1, 2, 4)


def test_without_repair_every_row_stays_and_the_counts_are_the_same(tmp_path: Path) -> None:
    series = read_jena(write(tmp_path / "jena.csv", *FLAWED), repair=False)
    assert series.data[:, TEMPERATURE].tolist() == [-9999, 2, -9999, -9999, 77, 4, 5, 6]
    assert len(series) == len(series.times) == 8
    assert (series.sentinels, series.repeats, series.gaps, series.missing) == (3, 1, 2, 4)


def test_a_block_of_times_that_comes_again_is_dropped(tmp_path: Path) -> None:
    minutes = [0, 10, 20, 10, 20, 30]
    path = write(tmp_path / "jena.csv", *(row(m, n) for n, m in enumerate(minutes)))
    series = read_jena(path, repair=True)
    assert series.data[:, TEMPERATURE].tolist() == [0, 1, 2, 5]
    assert series.repeats == 2
    assert len(read_jena(path, repair=False)) == 6


def test_times_that_run_backwards_cannot_be_repaired(tmp_path: Path) -> None:
    path = write(tmp_path / "jena.csv", row(10), row(10), row(20), row(0))
    with pytest.raises(ValueError, match="line 5: the time is earlier"):
        read_jena(path, repair=True)
    assert len(read_jena(path, repair=False)) == 4


def test_a_column_without_any_value_cannot_be_repaired(tmp_path: Path) -> None:
    path = write(tmp_path / "jena.csv", row(0, -9999), row(10, -9999))
    with pytest.raises(ValueError, match=r"T \(degC\) has no value but -9999"):
        read_jena(path, repair=True)


def test_more_columns_in_another_order_are_found_by_name(tmp_path: Path) -> None:
    names = [*reversed(COLUMNS), "rain (mm)", "Date Time"]
    path = tmp_path / "jena.csv"
    write(path, ",".join([*map(str, range(14)), "5", stamp(0)]), header=",".join(names))
    assert read_jena(path, repair=True).data.tolist() == [list(range(13, -1, -1))]


@pytest.mark.parametrize("name", ["Date Time", *COLUMNS[:12]])
def test_a_missing_column_is_named(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "jena.csv", row(0), header=HEADER.replace(f'"{name}"', '"other"'))
    with pytest.raises(ValueError) as caught:
        read_jena(path, repair=True)
    assert f"{path}, line 1: the column {name!r}" in str(caught.value)
    assert " missing; found: " in str(caught.value)


def test_a_column_that_is_there_twice_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "jena.csv", row(0) + ",1", header=HEADER + ',"T (degC)"')
    with pytest.raises(ValueError, match=r"there are two columns 'T \(degC\)'"):
        read_jena(path, repair=True)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (row(10, "x"), r"T \(degC\) must be a number, not 'x'"),
        (row(10, ""), r"T \(degC\) must be a number, not ''"),
        (row(10, "nan"), r"T \(degC\) must be a number, not 'nan'"),
        (row(10, "inf"), "must be a number"),
        (row(10, '"1,5"'), "must be a number, not '1,5'"),
        (row(10).rsplit(",", 1)[0], "15 fields are needed, not 14"),
        (row(10) + ",1", "15 fields are needed, not 16"),
        ("", "15 fields are needed, not 0"),
        (row(10).replace("01.03", "31.02"), "Date Time must be .* not '31.02.2020 00:10:00'"),
        (row(10).replace("01.03", "30.02"), "Date Time must be"),
        (row(10).replace("01.03.2020", "2020/03/01"), "Date Time must be"),
        (row(10).replace("01.03.2020", "2020-13-01"), "Date Time must be"),
        (row(10).replace("00:10:00", "24:10:00"), "Date Time must be"),
        (row(10).replace("01.03", "1.3"), "Date Time must be"),
        (row(10).replace("01.03", "٠١.03"), "Date Time must be"),
    ],
)
@pytest.mark.parametrize("before", [1, 5])
def test_a_damaged_row_is_told_with_its_line(
    tmp_path: Path, bad: str, said: str, before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jena_table, "_BLOCK", 3)  # so that the row is in a later block
    path = write(tmp_path / "jena.csv", *[row(0)] * before, bad, row(20))
    with pytest.raises(ValueError, match=rf"jena\.csv, line {before + 2}: .*{said}"):
        read_jena(path, repair=True)


@pytest.mark.parametrize("rows", range(1, 8))
def test_blocks_are_joined_in_order(
    tmp_path: Path, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jena_table, "_BLOCK", 3)
    path = write(tmp_path / "jena.csv", *(row(10 * n, n) for n in range(rows)))
    assert read_jena(path, repair=True).data[:, TEMPERATURE].tolist() == list(range(rows))


def test_an_empty_line_at_the_end_is_no_row(tmp_path: Path) -> None:
    assert len(read_jena(write(tmp_path / "jena.csv", row(0), "", ""), repair=True)) == 1


def test_empty_tables_and_missing_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no rows below the header"):
        read_jena(write(tmp_path / "jena.csv"), repair=True)
    (tmp_path / "jena.csv").write_bytes(b"")
    with pytest.raises(ValueError, match="no rows inside"):
        read_jena(tmp_path / "jena.csv", repair=True)
    with pytest.raises(FileNotFoundError, match=r"no\.csv is missing"):
        read_jena(tmp_path / "no.csv", repair=True)
    with pytest.raises(FileNotFoundError, match=r"2009_2016\.csv\.gz is missing"):
        jena_file(tmp_path / "none")


@pytest.mark.parametrize("name", ["jena.csv.gz", "jena.csv.zip"])
@pytest.mark.parametrize("keep", [0, 30, 200])
def test_a_cut_off_file_is_an_error(tmp_path: Path, name: str, keep: int) -> None:
    path = write(tmp_path / name, *(row(n, n * 1.01) for n in range(1000)))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=name):
        read_jena(path, repair=True)


def test_the_published_file_comes_first_then_the_hourly_one(tmp_path: Path) -> None:
    folder = tmp_path / "jena"
    folder.mkdir()
    names = ["jena_a.csv", "jena_climate_2009_2016_hourly.csv.gz", "jena_climate_2009_2016.csv.zip"]
    for name in [*names, "jena_climate_2009_2016.csv.zip.part", "notes.csv"]:
        (folder / name).touch()
    found = jena_files(tmp_path)
    assert [path.name for path in found] == [names[2], names[1], names[0]]
    assert [is_published(path) for path in found] == [True, False, False]


@given(st.lists(st.datetimes().map(lambda t: t.replace(second=0, microsecond=0)), min_size=1))
def test_every_time_is_read_as_python_reads_it(times: list) -> None:  # type: ignore[type-arg]
    texts = [f"{t.day:02}.{t.month:02}.{t.year:04} {t.hour:02}:{t.minute:02}:00" for t in times]
    found = parse_times(np.array([text.encode() for text in texts]), lambda n: AssertionError(n))
    assert found.tolist() == times


@given(
    st.lists(st.floats(-60, 60).map(lambda v: round(v, 2)), min_size=1, max_size=20),
    st.sets(st.integers(0, 19)),
)
def test_repair_takes_the_last_good_value(
    tmp_path_factory: pytest.TempPathFactory, values: list[float], bad: set[int]
) -> None:
    bad = {n for n in bad if n < len(values)}
    shown = [-9999 if n in bad else value for n, value in enumerate(values)]
    rows = [row(10 * n, value) for n, value in enumerate(shown)]
    path = write(tmp_path_factory.mktemp("jena") / "jena.csv", *rows)
    good = [n for n in range(len(values)) if n not in bad]
    if not good:
        with pytest.raises(ValueError, match="no value but"):
            read_jena(path, repair=True)
        return
    found = read_jena(path, repair=True).data[:, TEMPERATURE]
    for n, value in enumerate(found):
        before = [k for k in good if k <= n]
        assert value == values[before[-1] if before else good[0]]


def test_the_table_in_the_package_has_one_row_an_hour_and_12_columns() -> None:
    path = jena_file(assets() / "samples")
    for repair in (False, True):
        series = read_jena(path, repair=repair)
        assert series.columns == COLUMNS[:12]
        assert series.data.shape == (70_038, 12) and series.interval == 60
        flaws = series.sentinels, series.repeats, series.gaps, series.missing
        assert flaws == (0, 0, 2, 90)
        assert [str(series.times[n]) for n in (0, -1)] == ["2009-01-01T00:10", "2016-12-31T23:50"]
        assert series.data[0].tolist() == [
            996.52, -8.02, 265.39, -8.9, 93.3, 3.33, 3.11, 0.22, 1.94, 3.12, 1307.8, 1.03,
        ]  # fmt: skip


def test_only_the_gust_and_the_direction_of_the_wind_may_be_missing(tmp_path: Path) -> None:
    short = ",".join(f'"{name}"' for name in ("Date Time", *COLUMNS[:13]))
    line = ",".join([stamp(0), *map(str, range(13))])
    series = read_jena(write(tmp_path / "jena.csv", line, header=short), repair=True)
    assert series.columns == COLUMNS[:13] and series.data.tolist() == [[*range(13)]]
    with pytest.raises(ValueError, match=r"the column 'wv \(m/s\)' is missing"):
        read_jena(
            write(tmp_path / "jena.csv", line, header=short.replace("wv (m/s)", "x", 1)),
            repair=True,
        )


def test_without_a_table_of_the_users_the_one_in_the_package_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RNNVIZ_DATA", str(tmp_path))
    assert jena_folder(None) == assets() / "samples"
    with pytest.raises(MissingError):
        jena_folder(tmp_path / "nowhere")
    assert jena_folder(tmp_path) == tmp_path  # named: whoever reads it is told what is missing
    write(tmp_path / "jena.csv", row(0))
    assert jena_folder(None) == tmp_path


@needs_data
def test_the_real_2020_table_has_the_known_flaws() -> None:
    path = next(p for p in jena_files(Path(REAL)) if p.name == "jena_climate_2020.csv.gz")
    for repair, rows, wind in ((False, 52_696, -9999.0), (True, 52_695, 0.0)):
        series = read_jena(path, repair=repair)
        flaws = series.sentinels, series.repeats, series.gaps, series.missing
        assert (len(series), *flaws) == (rows, 1, 1, 1, 9)
        assert series.data[:, COLUMNS.index("wv (m/s)")].min() >= wind
        degrees = series.data[:, TEMPERATURE]
        assert (degrees.min(), degrees.max()) == (-6.44, 34.80)
        assert degrees.mean() == pytest.approx(10.82, abs=0.005)


@needs_data
def test_the_real_2024_table_has_no_flaw() -> None:
    path = next(p for p in jena_files(Path(REAL)) if "2024" in p.name)
    series = read_jena(path, repair=True)
    flaws = series.sentinels, series.repeats, series.gaps, series.missing
    assert (len(series), *flaws) == (19_132, 0, 0, 0, 0)
