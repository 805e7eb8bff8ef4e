"""Stepping through a series: the window as in training, the forecast in its own unit, gradients."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import rnnviz
from rnnviz.analysis import series as series_analysis
from rnnviz.cli import run
from rnnviz.data.batches import Windows
from rnnviz.data.jena import COLUMNS, TEMPERATURE, JenaSeries, jena_file, read_jena
from rnnviz.data.series import Scaling
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise
from rnnviz.engine.spec import HeadSpec, ModelSpec, RecurrentSpec, SeriesSpec
from rnnviz.errors import InvalidFileError, MissingError, UsageError
from rnnviz.files import assets
from rnnviz.model_files import StoredModel, load, save
from rnnviz.query import Query
from rnnviz.recipes import find
from rnnviz.trace import SeriesTrace, SpanErrors, Trace
from rnnviz.trace.file import open_trace, save_trace
from rnnviz.tracer import trace as trace_of
from rnnviz.tracer.series import span_errors

MOMENT = "2015-07-05 18:40"
#: The time of the forecast.
NEXT_DAY = "2015-07-06 18:40"
PACKAGE_TABLE = "jena_climate_2009_2016_hourly.csv.xz"
#: The last row of the table.
END = "2016-12-31 23:50"
SAMPLE = assets() / "samples"


@cache
def table() -> JenaSeries:
    return read_jena(jena_file(SAMPLE), repair=True)


def row_of(moment: str) -> int:
    return int(np.flatnonzero(table().times == np.datetime64(moment))[0])


def net(
    *layers: RecurrentSpec, seed: int = 1, dtype: type = np.float32, **window: object
) -> StoredModel:
    """A fresh net over short windows of the sample."""
    spec = ModelSpec(SeriesSpec(12), layers, HeadSpec("linear", 1))
    shape = {"lookback": 60, "step": 6, "delay": 12, "target": TEMPERATURE, "interval": 60} | window
    scaling = Scaling.of(table().data[:6000], table().columns, **shape)
    model = Model(spec, initialise(spec, seed)).astype(dtype)
    return StoredModel("small", model, scaling, ("T (degC)",), {"trained_on": "a seed"})


def series_of(trace: Trace) -> SeriesTrace:
    assert trace.series is not None
    return trace.series


GRU = RecurrentSpec("gru", 3)


@pytest.mark.parametrize("moment", [MOMENT, "2014-10-01 04:40", "2016-12-29 23:50"])
def test_the_forecast_is_the_one_the_recipe_evaluates_for_that_row(moment: str) -> None:
    stored = load("jena-gru")
    assert isinstance(stored.encoder, Scaling)
    windows = Windows(
        stored.encoder.apply(table().data), 240, 1, 24, TEMPERATURE,
        rows=np.array([row_of(moment)]),
    )  # fmt: skip
    [(x, y, _)] = windows.batches(128)
    trace = rnnviz.step(moment, model="jena-gru")
    np.testing.assert_array_equal(trace.layers[0].values["x"], x[:, 0])
    np.testing.assert_allclose(trace.head.output, stored.model.predict(x)[0], rtol=1e-5)
    assert trace.head.loss == pytest.approx(abs(float(trace.head.output[0]) - float(y[0])))
    assert trace.head.objective == "absolute error of T (degC), in deviations"


def test_the_readings_are_those_of_the_table_in_their_own_units() -> None:
    trace, row = rnnviz.step(MOMENT, model="jena-gru"), row_of(MOMENT)
    rows = np.arange(row - 240, row)
    np.testing.assert_allclose(
        series_analysis.readings(trace), table().data[rows], rtol=1e-5, atol=1e-3
    )
    assert trace.ids == tuple(rows.tolist())
    assert (trace.tokens[0], trace.tokens[-1]) == ("06-25 18:40", "07-05 17:40")
    series = series_of(trace)
    assert series.truth == table().data[row + 24, TEMPERATURE]
    assert series.after == tuple(table().data[row : row + 24, TEMPERATURE])
    assert (series.moment, series.foreseen, series.ahead) == (MOMENT, NEXT_DAY, 25)


def test_degrees_are_deviations_times_one_deviation_plus_the_mean() -> None:
    trace = rnnviz.step(MOMENT, model="jena-gru")
    document = json.loads(json.dumps(trace.to_json()))
    degrees, scaling = document["series"]["degrees"], load("jena-gru").encoder
    assert isinstance(scaling, Scaling)
    mean, std = scaling.mean[TEMPERATURE], scaling.std[TEMPERATURE]
    assert degrees["output"] == pytest.approx(document["head"]["output"][0] * std + mean)
    assert degrees["readout"] == pytest.approx(
        [row[0] * std + mean for row in document["head"]["readout"]]
    )
    assert degrees["as_today"] == pytest.approx(table().data[row_of(MOMENT) - 1, TEMPERATURE])
    assert degrees["error"] == pytest.approx(abs(degrees["output"] - degrees["truth"]))
    assert degrees["error"] == pytest.approx(document["head"]["loss"] * std, rel=1e-5)


def test_the_json_says_what_the_numbers_measure_and_when() -> None:
    series = rnnviz.step(MOMENT, model="jena-gru").to_json()["series"]
    assert series["columns"] == COLUMNS[:12] and series["target"] == "T (degC)"
    assert len(series["times"]) == 240 and series["times"][-1] == "2015-07-05 17:40"
    assert series["source"].startswith("jena_climate_2009_2016_hourly.csv.")


def test_a_trace_of_words_has_no_series() -> None:
    assert "series" not in rnnviz.step("not good").to_json()


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("text", ["2015-06-10 11:40", END], ids=["truth", "open"])
@pytest.mark.parametrize("both", [False, True], ids=["forward", "both"])
def test_gradients_are_finite_differences_of_the_objective(
    cell: str, text: str, both: bool
) -> None:
    """The last one ends the table: nobody knows what came, so it is of the forecast itself."""
    stored = net(RecurrentSpec(cell, 3, bidirectional=both), dtype=np.float64)
    trace = trace_of(stored, Query(text, "small"))
    truth = series_of(trace).truth
    assert (truth is None) == text.startswith(END)
    x = trace.layers[0].values["x"].astype(np.float64)[:, None]
    mean, std = (getattr(stored.encoder, key)[TEMPERATURE] for key in ("mean", "std"))

    def objective(x: np.ndarray) -> float:
        said = float(stored.model.record(x).logits[0, 0])
        return said if truth is None else abs(said - (truth - mean) / std)

    assert trace.head.loss == pytest.approx(objective(x), abs=1e-6)
    for t, d in [(0, 0), (4, 1), (9, 1), (9, 11)]:
        up, down = x.copy(), x.copy()
        up[t, 0, d] += 1e-6
        down[t, 0, d] -= 1e-6
        slope = (objective(up) - objective(down)) / 2e-6
        assert series_analysis.gradients(trace)[t, d] == pytest.approx(slope, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize(
    "layers",
    [
        (replace(GRU, bidirectional=True),),
        (replace(GRU, bidirectional=True), RecurrentSpec("lstm", 4, bidirectional=True)),
        (RecurrentSpec("rnn", 4), replace(GRU, bidirectional=True)),
    ],
    ids=["one", "two", "mixed"],
)
def test_a_backward_layer_is_asked_early_by_reading_each_beginning_alone(
    layers: tuple[RecurrentSpec, ...],
) -> None:
    stored = net(*layers, lookback=6 * 70)
    trace = trace_of(stored, Query("2015-06-10 11:40", "small"))
    x = trace.layers[0].values["x"][:, None]
    assert len(x) == 70  # more than are run at once
    for t in (0, 1, 5, 5, 63, 64, 69):
        alone = stored.model.record(x[: t + 1]).logits[0]
        np.testing.assert_allclose(trace.head.readout[t], alone, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(trace.head.logits[-1], stored.model.record(x).logits[0])


def test_the_gradients_of_both_directions_are_added_as_the_bars_do() -> None:
    from rnnviz.analysis.readout import saliency

    trace = trace_of(net(replace(GRU, bidirectional=True)), Query("100", "small"))
    np.testing.assert_allclose(
        np.linalg.norm(series_analysis.gradients(trace), axis=1), saliency(trace)
    )


def test_a_reversed_net_reads_the_latest_hour_first() -> None:
    forward = trace_of(net(GRU), Query("2015-06-10 11:40", "small"))
    reverse = trace_of(net(GRU, reverse=True), Query("2015-06-10 11:40", "small"))
    assert reverse.tokens == forward.tokens[::-1]
    np.testing.assert_array_equal(
        series_analysis.target_curve(reverse), series_analysis.target_curve(forward)
    )
    degrees = [trace.to_json()["series"]["degrees"] for trace in (forward, reverse)]
    assert degrees[0]["as_today"] == degrees[1]["as_today"]
    assert (
        series_analysis.time_index(reverse, 0) == 9 and series_analysis.time_index(forward, 0) == 0
    )
    assert {series_analysis.forecast_index(reverse, t) for t in range(10)} == {
        series_analysis.forecast_index(forward, 9)
    }


def test_the_shares_of_the_units_add_up_to_what_the_hour_moved() -> None:
    trace = rnnviz.step(MOMENT, model="jena-gru")
    for t in (0, 1, 239):
        step = series_analysis.forecast_change(trace, t)
        assert step.exact
        assert step.by_unit.sum() == pytest.approx(step.after - step.before, abs=1e-4)
        assert step.after == series_analysis.forecasts(trace)[t]
    both = trace_of(net(replace(GRU, bidirectional=True)), Query("1", "small"))
    assert not series_analysis.forecast_change(both, 3).exact


def test_every_place_in_time_has_its_clock() -> None:
    trace = rnnviz.step(MOMENT, model="jena-gru")
    said = [series_analysis.time_at(trace, at) for at in (0, 239, 240, 241, 264)]
    assert said == [
        "2015-06-25 18:40", "2015-07-05 17:40", MOMENT, "2015-07-05 19:40", NEXT_DAY,
    ]  # fmt: skip
    assert series_analysis.readings_per_day(trace) == 24


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("", MOMENT),
        (" 2015-07-05T19:00\n", MOMENT),
        ("05.07.2015 19:00", MOMENT),
        ("2015-07-05 19:09", MOMENT),
        ("2015-07-05 19:11", "2015-07-05 19:40"),
        ("2015-07-01", "2015-06-30 23:40"),
        ("2014-09-25 01:00", "2014-09-24 16:50"),  # in a gap of 17 hours
        ("2014-09-25 02:00", "2014-09-25 09:40"),
        ("1", "2009-01-11 00:10"),
        ("2009-01-10 23:50", "2009-01-11 00:10"),
        ("2", "2009-01-11 01:10"),
        ("2017-01-01 00:10", END),
    ],
)
def test_a_moment_can_be_typed_in_several_ways(text: str, moment: str) -> None:
    trace = rnnviz.step(text, model="jena-gru", data="sample")
    assert trace.text == series_of(trace).moment == moment


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2020-07-01 19:00", "from 2009-01-11 00:10 to 2016-12-31 23:50"),
        ("2017-01-01 00:30", "no window before"),
        ("2009-01-10 23:30", "no window before"),
        ("it was not good", "names no moment"),
        ("0", "windows 1 to 69,798"),
        ("69799", "windows 1 to 69,798"),
    ],
)
def test_what_names_no_window_is_refused_with_what_there_is(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        rnnviz.step(text, model="jena-gru", data="sample")


def test_a_folder_without_a_table_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="rnnviz data fetch jena"):
        rnnviz.step("1", model="jena-gru", data=tmp_path)


def test_what_the_table_in_use_has_not_is_looked_for_in_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "jena").mkdir()
    lines = [",".join(f'"{name}"' for name in ("Date Time", *COLUMNS))]
    for n in range(1500):
        stamp = np.datetime64("2021-03-01T00:00") + n * np.timedelta64(10, "m")
        shown = stamp.astype(object).strftime("%d.%m.%Y %H:%M:%S")
        lines.append(",".join([shown, *([f"{n % 7}.5"] * 14)]))
    (tmp_path / "jena/jena_climate_2021.csv").write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("RNNVIZ_DATA", str(tmp_path))
    there = series_of(rnnviz.step("2021-03-11 05:00", model="jena-gru"))
    assert there.source == "jena_climate_2021.csv" and there.truth is None
    assert (
        series_of(rnnviz.step(MOMENT, model="jena-gru")).source
        == "jena_climate_2009_2016_hourly.csv.xz"
    )
    assert series_of(rnnviz.step("", model="jena-gru", data=tmp_path)).moment == "2021-03-11 04:50"


def test_a_net_without_steps_is_refused() -> None:
    recipe = find("jena-dense")
    spec = recipe.model(12) if recipe.model else None
    assert spec is not None
    dense = StoredModel("jena-dense", Model(spec, initialise(spec, 0)), load("jena-gru").encoder,
                   ("T (degC)",), {})  # fmt: skip
    with pytest.raises(UsageError, match="no recurrent layer"):
        trace_of(dense, Query("", "jena-dense"))


def test_a_saved_trace_comes_back_with_its_series(tmp_path: Path) -> None:
    trace = trace_of(net(GRU), Query("2015-06-10 11:40", "small"))
    save_trace(trace, tmp_path / "a.npz")
    again = open_trace(tmp_path / "a.npz")
    assert again.series == trace.series
    assert again.to_json() == trace.to_json()


def test_a_run_of_ones_own_is_compared_with_the_naive_forecast(tmp_path: Path) -> None:
    stored = load("jena-gru")
    assert stored.weights_path is not None and isinstance(stored.encoder, Scaling)
    preparation = stored.record["training"]["preparation"]
    own = tmp_path / "own.safetensors"
    record = {"name": "own", "preparation": preparation}
    save(tmp_path / "own.json", stored.model, stored.encoder, stored.labels, record)
    unfinished = load(str(tmp_path / "own.json"))
    assert span_errors(unfinished) is None
    (tmp_path / "result.json").write_text(json.dumps({"test": {"mae": 0.25}}))
    found = span_errors(replace(unfinished, weights_path=own))
    std = stored.encoder.std[stored.encoder.target]
    assert found == SpanErrors(
        "2014-09-15 09:50", "2016-12-30 23:50", 0.25 * std, preparation["as today"]["test"] * std
    )


@pytest.mark.parametrize(
    "change",
    [{"times": ()}, {"mean": (1.0,)}, {"target": 12}, {"std": (float("nan"),) * 12}, {"ahead": 0}],
    ids=lambda c: next(iter(c)),
)
def test_a_series_that_does_not_fit_its_trace_is_refused(
    tmp_path: Path, change: dict[str, object]
) -> None:
    trace = trace_of(net(GRU), Query("1", "small"))
    broken = replace(series_of(trace), **change)  # type: ignore[arg-type]
    save_trace(replace(trace, series=broken), tmp_path / "a.npz")
    with pytest.raises(InvalidFileError, match="series"):
        open_trace(tmp_path / "a.npz")


def test_a_model_of_ones_own_is_stepped_through_by_its_path(tmp_path: Path) -> None:
    stored = net(replace(GRU, bidirectional=True), RecurrentSpec("gru", 4))
    save(tmp_path / "own.json", stored.model, stored.encoder, stored.labels, {"name": "own"})
    trace = rnnviz.step("2015-06-10 11:40", model=str(tmp_path / "own.json"))
    names = [layer.name for layer in trace.layers]
    assert names == ["gru.0", "gru.0.backward", "gru.1"]
    assert series_analysis.gradients(trace).shape == (10, 12)


def test_untrained_weights_read_the_same_window() -> None:
    trained = rnnviz.step(MOMENT, model="jena-gru")
    fresh = rnnviz.step(MOMENT, model="jena-gru", random=3)
    assert fresh.tokens == trained.tokens
    assert fresh.head.output != trained.head.output


# -- the command ----------------------------------------------------------------------------------


Capture = pytest.CaptureFixture[str]


def said(capsys: Capture, *arguments: str, code: int = 0) -> str:
    """What the command prints."""
    assert run(["step", "-m", "jena-gru", *arguments]) == code
    told = capsys.readouterr()
    return told.err if code else told.out


def test_plain_text_speaks_of_degrees(capsys: Capture) -> None:
    trace = rnnviz.step(MOMENT, model="jena-gru")
    lines = said(capsys, "--plain", "--lang", "en", MOMENT).splitlines()
    forecast = series_analysis.forecasts(trace)[-1]
    assert lines[2].startswith(f"Forecast of T (degC) for {NEXT_DAY}: {forecast:.2f}; as today: ")
    assert lines[3].startswith(f"What came: {series_of(trace).truth:.2f}.")
    hours = [line for line in lines if line.startswith("Reading ")]
    assert len(hours) == 240
    assert f"forecast for {NEXT_DAY} {forecast:.2f}," in hours[-1]
    turkish = said(capsys, "--plain", "--lang", "tr", END).splitlines()
    assert "kimse bilmiyor" in turkish[3] and "kestirim" in turkish[2]


def test_one_object_a_reading_has_its_forecast(capsys: Capture) -> None:
    lines = [json.loads(line) for line in said(capsys, "--jsonl", MOMENT).splitlines()]
    told = series_analysis.forecasts(rnnviz.step(MOMENT, model="jena-gru"))
    assert [line["forecast"] for line in lines] == pytest.approx(told.tolist())


def test_errors_are_two_lines_with_the_exit_code_of_their_kind(
    capsys: Capture, tmp_path: Path
) -> None:
    outside = said(capsys, "2020-07-01 19:00", "--data", "sample", code=2)
    assert len(outside.splitlines()) == 2 and END in outside
    assert len(said(capsys, "tomorrow", code=2).splitlines()) == 2
    assert "rnnviz data fetch jena" in said(capsys, "1", "--data", str(tmp_path), code=3)


@pytest.mark.parametrize(
    ("more", "place"),
    [([], "token 240 of 240"), (["--at", "1"], "token 1 of 240"),
     (["--view", "series"], "token 240 of 240"),
     (["--view", "series", "--at", "100"], "token 100 of 240")],
)  # fmt: skip
def test_a_series_opens_at_its_last_reading(more: list[str], place: str, tmp_path: Path) -> None:
    picture = tmp_path / "series.txt"
    args = ["step", "-m", "jena-gru", MOMENT, "--lang", "en", "--screenshot", str(picture), *more]
    assert run(args) == 0
    assert place in picture.read_text("utf-8").splitlines()[0]
    assert run(["step", "good movie", "--lang", "en", "--screenshot", str(picture)]) == 0
    assert "token 1 of 2" in picture.read_text("utf-8").splitlines()[0]
