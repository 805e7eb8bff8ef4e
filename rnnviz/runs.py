"""A run directory: what was trained, on what, how it went, and the weights.

``spec.json`` (recipe, model, fit, data files and hashes, seed, versions) · ``history.jsonl`` (a
line an epoch) · ``best.safetensors`` · ``last.safetensors`` (with all that is needed to go on) ·
``vocabulary.json`` or ``series.json`` · ``result.json`` when all is done. Every file is written by
temporary file and rename, except the history, to which whole lines are appended.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rnnviz.data.series import Scaling
from rnnviz.engine.model import Model, initialise, shapes
from rnnviz.engine.spec import FitSpec, ModelSpec
from rnnviz.errors import (
    InterruptedTraining,
    InvalidFileError,
    MissingError,
    UsageError,
    nearest,
)
from rnnviz.recipes import Recipe, Task, find
from rnnviz.store import Stored, assets, encoder_json, load, read_weights, save
from rnnviz.training.directory import Directory, alone, how_to_resume
from rnnviz.training.events import Begun, Epoch, Event, Finished, Note
from rnnviz.training.fit import evaluation, fit, over
from rnnviz.training.state import State
from rnnviz.training.stopping import Budget, asked_to_stop
from rnnviz.version import VERSION

#: Seconds between two saves in the middle of an epoch.
SAVE_EVERY = 20.0

Watch = Callable[[Event], None]


@dataclass(frozen=True)
class Options:
    """What a user may change about a recipe; None leaves it as it is."""

    epochs: int | None = None
    batch_size: int | None = None
    units: int | None = None
    cell: str | None = None
    dropout: float | None = None
    recurrent_dropout: float | None = None
    limit: int | None = None  # rows of each data set
    seed: int = 0


@dataclass(frozen=True)
class Control:
    """How a training is watched and ended early.

    ``stop`` and ``snapshot`` are asked after every batch: to end (saved, as ctrl+c does), and to
    write the weights of the moment to ``now.safetensors``.
    """

    budget: Budget
    watch: Watch = lambda event: None
    stop: Callable[[], bool] = lambda: False
    snapshot: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class Run:
    """A finished or interrupted training on disk."""

    path: Path

    def history(self) -> list[dict[str, Any]]:
        """The whole lines of ``history.jsonl``, an epoch each."""
        text = (self.path / "history.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.split("\n")[:-1]]

    def record(self) -> dict[str, Any]:
        """``spec.json``; InvalidFileError if the run had not begun or the file is damaged."""
        path = self.path / "spec.json"
        if not path.is_file():
            raise InvalidFileError(
                f"{self.path} has no spec.json: this run had not begun when it was stopped.\n"
                "Delete the folder and start again: rnnviz train RECIPE"
            )
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InvalidFileError(f"{path} cannot be read: {error}.") from error
        if not isinstance(found, dict) or found.get("schema") != "rnnviz.run/1":
            raise InvalidFileError(f"{path} is not the record of a run.")
        return found

    def result(self) -> dict[str, Any] | None:
        """``result.json``: what a finished run came to; None for one that is not finished."""
        path = self.path / "result.json"
        if not path.is_file():
            return None
        try:
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InvalidFileError(f"{path} cannot be read: {error}.") from error
        return found

    def load(self) -> Stored:
        """The model with its best weights."""
        return load(str(self.path))


def runs_folder() -> Path:
    """Where runs go when no folder is named."""
    import platformdirs

    return Path(platformdirs.user_data_dir("rnnviz")) / "runs"


def begun() -> list[Path]:
    """Run directories in the runs folder that have begun, newest first."""
    found = [p.parent for p in runs_folder().glob("*/spec.json")]
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


def runs() -> list[Path]:
    """Run directories with weights, newest first."""
    return [path for path in begun() if (path / "best.safetensors").is_file()]


def find_run(name: str | Path) -> Path:
    """The run directory of that path, of that name in the runs folder, or the newest ("last")."""
    path = Path(name).expanduser()
    if path.is_dir() and str(name) != "last":
        return path
    known = begun()
    if str(name) == "last" and known:
        return known[0]
    if (runs_folder() / path).is_dir():
        return runs_folder() / path
    names = [found.name for found in known]
    raise UsageError(
        f"There is no run {str(name)!r}.{nearest(str(name), names)} Name a run directory, one in "
        f"{runs_folder()}, or: last"
    )


def data_path(data: str | Path | None) -> Path:
    """The folder of data sets: as named, "sample" for the package's own, or RNNVIZ_DATA."""
    if data is not None and str(data) == "sample":
        return assets() / "samples"
    folder = Path(data or os.environ.get("RNNVIZ_DATA", "")).expanduser()
    if (data or os.environ.get("RNNVIZ_DATA")) and folder.is_dir():
        return folder
    named = f"There is no data folder {folder}. " if str(folder) != "." else ""
    raise MissingError(
        f"{named}Name the folder with the data sets: --data DIR (or RNNVIZ_DATA=DIR), "
        "or train on the sample in the package: --data sample"
    )


def train(
    recipe: str,
    options: Options,
    *,
    data: str | Path | None = None,
    out: str | Path | None = None,
    time_budget: float | None = None,
    stop: Callable[[], bool] | None = None,
    snapshot: Callable[[], bool] | None = None,
    watch: Watch | None = None,
) -> Run:
    """Train a recipe into a run directory; the best (or, if it says so, the last) epoch is kept.

    UsageError for an unknown recipe or option, MissingError if its data is not there,
    InterruptedTraining if it was stopped (see Control); what was reached is then saved.
    """
    control = _control(time_budget, stop, snapshot, watch)
    chosen = find(recipe)
    folder = data_path(data)
    sample = folder == data_path("sample")
    path = _directory(chosen, out)
    task = _prepared(chosen, folder, options, control)
    spec = _net(chosen, options, task)
    fit_spec = _fit(chosen, options, sample)
    record = _record(chosen, options, task, spec, fit_spec, sample)
    record["folder"] = "sample" if sample else str(folder.resolve())
    directory = Directory(path)
    directory.begin(record, *encoder_json(task.encoder))
    with alone(path):
        if spec is None:
            return _measure(chosen, task, directory, record, control)
        params = initialise(spec, options.seed)
        state = State.fresh(params, fit_spec)
        return _go_on(directory, task, Model(spec, params), fit_spec, state, record, control)


def resume(
    run: str | Path,
    *,
    epochs: int | None = None,
    data: str | Path | None = None,
    time_budget: float | None = None,
    stop: Callable[[], bool] | None = None,
    snapshot: Callable[[], bool] | None = None,
    watch: Watch | None = None,
) -> Run:
    """Go on with a run where it stopped, on the same data; ``epochs`` is a new number of them.

    ``run`` as in ``find_run``. UsageError if there is nothing left to do, InvalidFileError if the
    run is damaged or its data has changed. On the CPU an interrupted run comes to the same weights
    as one that was not.
    """
    control = _control(time_budget, stop, snapshot, watch)
    directory = Directory(find_run(run))
    with alone(directory.path):
        record = Run(directory.path).record()
        chosen, options, spec, fit_spec = _read(directory.path, record)
        _check_unfinished(Run(directory.path), fit_spec, epochs)
        task = _prepared(chosen, data_path(data or record.get("folder")), options, control)
        _check_same_data(directory.path, record, task)
        if spec is None:
            directory.reopen(0)
            return _measure(chosen, task, directory, record, control)
        params = initialise(spec, options.seed)
        state = directory.state(shapes(spec)) or State.fresh(params, fit_spec)
        if epochs is not None:
            fit_spec = _more_epochs(state, fit_spec, epochs)
            record["fit"] = asdict(fit_spec)
            directory.change(record)
        directory.reopen(state.finished)
        return _go_on(directory, task, Model(spec, params), fit_spec, state, record, control)


def _control(
    time_budget: float | None,
    stop: Callable[[], bool] | None,
    snapshot: Callable[[], bool] | None,
    watch: Watch | None,
) -> Control:
    given = {"stop": stop, "snapshot": snapshot, "watch": watch}
    asked: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    return Control(Budget(time_budget), **asked)


def _prepared(recipe: Recipe, folder: Path, options: Options, control: Control) -> Task:
    def say(text: str) -> None:
        control.watch(Note(text))

    return recipe.prepare(folder, options.limit, options.seed, say)


def _go_on(
    directory: Directory, task: Task, model: Model, spec: FitSpec, state: State,
    record: Mapping[str, Any], control: Control,
) -> Run:  # fmt: skip
    path = directory.path
    control.watch(Begun(path, record, spec.epochs, state.finished))
    try:
        with asked_to_stop() as asked:
            saved = time.monotonic()
            for event in _events(directory, task, model, spec, state, record):
                if isinstance(event, Epoch):
                    directory.add(event, state, event.best or spec.keep == "last")
                    saved = time.monotonic()
                control.watch(event)
                if control.snapshot():
                    directory.snapshot(state.kept)
                if task.test is None and over(state.progress, spec):
                    continue  # nothing is left that could be stopped
                if isinstance(event, Finished):
                    break
                if asked() or control.stop():
                    directory.save(state)
                    raise InterruptedTraining(f"Interrupted {_where(state, spec, path)}")
                if control.budget.over():
                    directory.save(state)
                    control.watch(Note(f"The time is used up {_where(state, spec, path)}"))
                    break
                if time.monotonic() - saved >= SAVE_EVERY:
                    directory.save(state)
                    saved = time.monotonic()
    except KeyboardInterrupt:
        raise InterruptedTraining(
            f"Interrupted at once; what was saved before is kept in {path}.\n"
            f"Go on with: {how_to_resume(path)}"
        ) from None
    return Run(path)


def _where(state: State, spec: FitSpec, path: Path) -> str:
    at = state.progress
    done = "all epochs are trained" if over(at, spec) else f"at epoch {at.epoch} of {spec.epochs}"
    batch = f", {at.batch} batches into it" if at.batch else ""
    return f"({done}{batch}); saved in {path}.\nGo on with: {how_to_resume(path)}"


def _events(
    directory: Directory, task: Task, model: Model, spec: FitSpec, state: State,
    record: Mapping[str, Any],
) -> Iterator[Event]:  # fmt: skip
    """What training says, then the test of the weights that were kept, then the result."""
    for event in fit(model, task.draw, task.valid, spec, state):
        yield _in_unit(event, record["metric"]) if isinstance(event, Epoch) else event
    test = None
    if task.test is not None:
        kept = read_weights(directory.path / "best.safetensors", shapes(model.spec))
        test = yield from evaluation(Model(model.spec, kept), task.test, of="test")
    at = state.progress
    number = state.finished if spec.keep == "last" else at.best_epoch
    valid = Run(directory.path).history()[number - 1]["valid"]
    result = _result(record, state.finished, number, valid, test, at.seconds)
    directory.finish(result)
    yield Finished(directory.path, result)


def _in_unit(epoch: Epoch, metric: Mapping[str, Any]) -> Epoch:
    if "scale" not in metric:
        return epoch
    return replace(epoch, real=(epoch.valid["mae"] * metric["scale"], metric["unit"]))


def _result(
    record: Mapping[str, Any], epochs: int, best: int, valid: Mapping[str, float],
    test: Mapping[str, float] | None, seconds: float,
) -> dict[str, Any]:  # fmt: skip
    return {
        "schema": "rnnviz.result/1",
        "finished": True,
        "epochs": epochs,
        "best_epoch": best,  # whose weights were kept, validated and tested
        "stopped_early": epochs < record["fit"]["epochs"],
        "valid": dict(valid),
        "test": None if test is None else dict(test),
        "seconds": round(seconds, 3),
        "metric": record["metric"],
        "published": record["published"],
    }


def _measure(
    recipe: Recipe, task: Task, directory: Directory, record: Mapping[str, Any], control: Control
) -> Run:
    """A rule instead of a net: there is nothing to train, only to measure."""
    if recipe.baseline is None:
        raise ValueError(f"the recipe {recipe.name} has neither a model nor a baseline")
    control.watch(Begun(directory.path, record, 1))
    start = time.monotonic()
    valid = dict(recipe.baseline(task.valid))
    test = None if task.test is None else dict(recipe.baseline(task.test))
    seconds = time.monotonic() - start
    # It has no epochs; its one line lets it stand beside the runs that have.
    directory.measured(Epoch(1, 1, {}, valid, seconds, {}).to_json())
    result = {**_result(record, 1, 1, valid, test, seconds), "stopped_early": False}
    directory.finish(result)
    control.watch(Finished(directory.path, result))
    return Run(directory.path)


# -- what is trained ----------------------------------------------------------------------------


def _directory(recipe: Recipe, out: str | Path | None) -> Path:
    if out is None:
        return runs_folder() / f"{recipe.name}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    path = Path(out).expanduser()
    if path.exists() and not path.is_dir():
        raise UsageError(f"{path} is a file. Name a new folder with --out.")
    if path.is_dir() and any(path.iterdir()):
        begun = (path / "spec.json").is_file()
        more = f"\nTo go on with the run in it: {how_to_resume(path)}" if begun else ""
        raise UsageError(
            f"{path} is there already and not empty. Name a new folder with --out.{more}"
        )
    return path


def _net(recipe: Recipe, options: Options, task: Task) -> ModelSpec | None:
    changes = {
        "cell": options.cell,
        "units": options.units,
        "dropout": options.dropout,
        "recurrent_dropout": options.recurrent_dropout,
    }
    given: dict[str, Any] = {key: value for key, value in changes.items() if value is not None}
    spec = None if recipe.model is None else recipe.model(task.size)
    if given and (spec is None or not spec.layers):
        flags = ", ".join("--" + key.replace("_", "-") for key in given)
        raise UsageError(f"{recipe.name} has no recurrent layer, so it cannot take {flags}.")
    if spec is None:
        return None
    layers = tuple(replace(layer, **given) for layer in spec.layers)
    try:
        return ModelSpec.from_json(json.loads(json.dumps(replace(spec, layers=layers).to_json())))
    except ValueError as error:
        raise UsageError(f"This net cannot be built: {error}.") from error


def _fit(recipe: Recipe, options: Options, sample: bool) -> FitSpec:
    given = {"epochs": options.epochs, "batch_size": options.batch_size, "seed": options.seed}
    changes: dict[str, Any] = dict(recipe.sample) if sample else {}
    changes |= {key: value for key, value in given.items() if value is not None}
    return replace(recipe.fit, **changes)


def _record(
    recipe: Recipe, options: Options, task: Task, spec: ModelSpec | None, fit_spec: FitSpec,
    sample: bool,
) -> dict[str, Any]:  # fmt: skip
    trained_on, title = task.trained_on, recipe.title
    if sample:
        title += ", on the sample"
        trained_on += "" if "sample" in trained_on else " sample"
    return {
        "schema": "rnnviz.run/1",
        "recipe": recipe.name,
        "title": title,
        "trained_on": trained_on,
        "sample": sample,
        "example": recipe.example,
        "config": None if spec is None else spec.to_json(),
        "labels": list(task.labels),
        "fit": asdict(fit_spec),
        "options": asdict(options),
        "metric": _metric(recipe, task, spec),
        "published": None if recipe.published is None else asdict(recipe.published),
        "data": task.files,
        "preparation": task.preparation,
        "licence": task.licence,
        "seed": options.seed,
        "device": "cpu",
        "versions": _versions(),
    }


def _metric(recipe: Recipe, task: Task, spec: ModelSpec | None) -> dict[str, Any]:
    """Which number of the history counts, which way, and what gives it in the series' unit."""
    numbers = spec is None or spec.head.kind == "linear"
    name = "mae" if numbers else "accuracy"
    found: dict[str, Any] = {"name": name, "better": "low" if numbers else "high"}
    if isinstance(task.encoder, Scaling):
        column = task.encoder.columns[task.encoder.target]
        unit = column.partition("(")[2].partition(")")[0]
        found["scale"] = task.encoder.std[task.encoder.target]
        found["unit"] = {"degC": "°C"}.get(unit, unit)
    return found


def _versions() -> dict[str, str]:
    return {
        "rnnviz": VERSION,
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


# -- what is gone on with -----------------------------------------------------------------------


def _read(
    path: Path, record: Mapping[str, Any]
) -> tuple[Recipe, Options, ModelSpec | None, FitSpec]:
    try:
        recipe = find(str(record["recipe"]))
        config = record["config"]
        spec = None if config is None else ModelSpec.from_json(config)
        return recipe, Options(**record["options"]), spec, FitSpec(**record["fit"])
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidFileError(f"{path / 'spec.json'} is damaged: {error}.") from error


def _check_unfinished(run: Run, spec: FitSpec, epochs: int | None) -> None:
    result = run.result()
    if result is None or (epochs is not None and epochs > int(result.get("epochs", 0))):
        return
    raise UsageError(
        f"{run.path} is finished after {result.get('epochs', 0)} epochs. "
        f"For more: {how_to_resume(run.path)} --epochs {2 * spec.epochs}"
    )


def _check_same_data(path: Path, record: Mapping[str, Any], task: Task) -> None:
    before: dict[str, str] = record.get("data") or {}
    for name in sorted({*before, *task.files}):
        if before.get(name) != task.files.get(name):
            what = "is not the file" if name in before and name in task.files else "is not what"
            raise InvalidFileError(
                f"The data file {name} {what} this run was trained on (its SHA-256 differs or it "
                "came or went).\nName the folder with the same data: --data DIR"
            )
    name, content = encoder_json(task.encoder)
    stored = path / name
    try:
        same = json.loads(stored.read_text(encoding="utf-8")) == json.loads(json.dumps(content))
    except (OSError, ValueError) as error:
        raise InvalidFileError(f"{stored} cannot be read: {error}.") from error
    if not same:
        version = dict(record.get("versions") or {}).get("rnnviz", "another version")
        raise InvalidFileError(
            f"{stored} is not what the recipe makes of this data now (begun with rnnviz {version}, "
            f"this is {VERSION}): the run cannot go on. Train anew: rnnviz train {record['recipe']}"
        )


def _more_epochs(state: State, spec: FitSpec, epochs: int) -> FitSpec:
    if epochs <= state.finished:
        raise UsageError(
            f"This run has {state.finished} epochs already; --epochs {epochs} asks for no more. "
            f"Try --epochs {state.finished + spec.epochs}"
        )
    if over(state.progress, spec):
        # Whoever asks for more after its patience ended gives it a new one.
        state.progress.since_best = 0
    return replace(spec, epochs=epochs)


# -- models to keep -----------------------------------------------------------------------------


def export(name: str, path: Path) -> None:
    """Write a model as ``path`` (a .json) and its .safetensors in float16.

    A run's record becomes the model's: how it was trained, on which files, what it reached in each
    epoch.
    """
    stored = load(name)
    record: dict[str, Any] = {"name": path.stem}
    for key in _EXPORTED:
        if key in stored.record:
            record[key] = stored.record[key]
    if "recipe" in stored.record:
        record |= _of_run(name, stored)
    save(path, stored.model, stored.encoder, stored.labels, record)


_EXPORTED = (
    "title", "trained_on", "example", "licence", "metric", "published", "metrics", "training",
)  # fmt: skip


def _of_run(name: str, stored: Stored) -> dict[str, Any]:
    """What a model's JSON says of the run it comes from."""
    assert stored.weights_path is not None
    run = Run(stored.weights_path.parent)
    history, result = run.history(), run.result()
    if not history:
        raise UsageError(f"{name} has no finished epoch yet.")
    metrics: dict[str, Any] = {}
    if stored.weights_path.name == "best.safetensors":  # other weights were not measured
        kept = _kept(stored.record["fit"], history)
        metrics = {f"validation_{key}": value for key, value in kept["valid"].items()}
        metrics["epoch"] = kept["epoch"]
        tested = {} if result is None else result.get("test") or {}
        metrics |= {f"test_{key}": value for key, value in tested.items()}
    keys = ("fit", "data", "preparation", "seed", "versions")
    training = {
        "command": _command(stored.record),
        "epochs": len(history),
        "history": history,
        **{key: stored.record[key] for key in keys},
    }
    return {"metrics": metrics, "training": training}


def _kept(spec: Mapping[str, Any], history: list[dict[str, Any]]) -> dict[str, Any]:
    """The line of the epoch whose weights were kept; of equals the first."""
    if spec["keep"] == "last":
        return history[-1]
    monitor = spec.get("monitor", "accuracy")
    choose = max if monitor == "accuracy" else min
    return choose(history, key=lambda line: float(line["valid"][monitor]))


def _command(record: Mapping[str, Any]) -> str:
    """The command that makes this run again."""
    given = {k: v for k, v in record["options"].items() if v is not None}
    if record.get("sample"):
        given = {"data": "sample", **given}
    flags = [f"--{k.replace('_', '-')} {v}" for k, v in given.items()]
    return " ".join(["rnnviz train", record["recipe"], *flags])
