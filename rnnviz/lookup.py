"""Finding the files of a model or a run by its name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from rnnviz.errors import InvalidFileError, RnnvizError, UsageError, nearest, shortened
from rnnviz.files import assets, user_path
from rnnviz.import_settings import split_name
from rnnviz.messages import _

DEFAULT = "sentiment-lstm"
#: The sentiment nets among which a text chooses where no model was named, the default first.
DEFAULTS = (DEFAULT, "sentiment-lstm-tr")
#: Copies of shipped models that have a bug, and the models they are copies of. The names do not
#: tell the bugs; :mod:`rnnviz.model_files.bugs` has them.
BUGGY_COPIES = {
    "bug-1": "sentiment-lstm", "bug-2": "sentiment-gru", "bug-3": "sentiment-lstm",
    "bug-4": "agnews-bilstm", "bug-5": "agnews-bilstm",
}  # fmt: skip
#: The folder in a run directory with the weights that were kept while training.
SNAPSHOTS = "snapshots"
#: Files that a run directory may contain before its spec.json is written.
_BEFORE_SPEC = ("vocabulary.json", "series.json", "history.jsonl")


@cache
def is_shipped(name: str) -> bool:
    """Whether a name is that of a shipped model or of a copy with a bug."""
    return BUGGY_COPIES.get(name, name) in shipped()


def shipped() -> dict[str, Path]:
    """The JSON paths of the shipped models by name."""
    return {path.stem: path for path in sorted((assets() / "models").glob("*.json"))}


def imported() -> dict[str, Path]:
    """The JSON paths of the imported models by name."""
    return {path.stem: path for path in sorted(imported_folder().glob("*.json"))}


def imported_folder() -> Path:
    """The folder of imported models, in the user's data directory."""
    import platformdirs

    return Path(platformdirs.user_data_dir("rnnviz")) / "models"


def locate(name: str) -> tuple[Path, Path]:
    """The JSON file and the weight file of a model; of a copy with a bug those of its original.

    ``name`` is, in this order of precedence, a shipped model or a copy of one, an imported model, a
    run in the folder of runs, "last" for the newest run, a path, or an unambiguous beginning of a
    run's name. A run directory means its best weights; RUN@STEP means those that the run kept after
    STEP updates, and its other weight files are named by their path. A file of another framework,
    with settings behind a # or without, is both files.
    """
    return _locate(name, snapshots=True)


def _locate(name: str, *, snapshots: bool) -> tuple[Path, Path]:
    """``locate``, with names of snapshots or without."""
    name, settings = split_name(name)
    if settings and not user_path(name).exists():
        raise _no_model(name, ())
    if (original := BUGGY_COPIES.get(name, name)) in (known := shipped()):
        return known[original], weights_of(known[original])
    if not name:
        raise UsageError(_("A model needs a name. See what there is: rnnviz models"))
    if name in (others := imported()):
        return others[name], weights_of(others[name])
    found = _run_named(name, own := _by_name()) or _at(user_path(name))
    if found is None and snapshots and (split := _split_step(name)) is not None:
        return _snapshot(*split)
    if found is None and not any(each.startswith(name) for each in known):
        fitting = [path for each, path in own.items() if each.startswith(name)]
        found = fitting[0] if len(fitting) == 1 else None
    if found is None:
        raise _no_model(name, [*known, *BUGGY_COPIES, *others, *own])
    if found.is_dir():
        return found / "spec.json", weights_of(found / "spec.json")
    record = found.with_suffix(".json") if found.suffix == ".safetensors" else found
    if record != found and not record.is_file() and (spec := run_of(found) / "spec.json").is_file():
        return spec, found
    if record.suffix != ".json" or (record != found and not record.is_file()):
        return found, found
    return record, weights_of(record)


def run_of(weights: Path) -> Path:
    """The run directory that a weight file is in, or in whose folder of snapshots it is."""
    folder = weights.parent
    return folder.parent if folder.name == SNAPSHOTS else folder


def snapshot_files(run: Path) -> dict[int, Path]:
    """The weights that a run kept while training, by the number of updates done, in order.

    A link in place of their folder is not followed: those files are not of this run.
    """
    folder = run / SNAPSHOTS
    files = () if folder.is_symlink() else folder.glob("*.safetensors")
    kept = (file for file in files if _is_step(file.stem) and not file.is_dir())
    return dict(sorted((int(file.stem), file) for file in kept))


def _is_step(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 12 and text == str(int(text))


def _split_step(name: str) -> tuple[str, str] | None:
    """RUN and STEP of RUN@STEP; None for another name. STEP may be anything if RUN is a run."""
    run, _, step = name.rpartition("@")
    if not run or (not _is_step(step) and not _is_run_name(run)):
        return None
    return run, step


def _is_run_name(name: str) -> bool:
    try:
        return _locate(name, snapshots=False)[0].name == "spec.json"
    except RnnvizError:
        return False


def _snapshot(name: str, text: str) -> tuple[Path, Path]:
    """spec.json and the weights that the run kept after so many updates as the text says."""
    spec = _locate(name, snapshots=False)[0]
    if spec.name != "spec.json":
        raise UsageError(
            _("{name} is no run, so it has no weights of step {step}.").format(name=name, step=text)
        )
    kept = snapshot_files(spec.parent)
    if not kept:
        raise UsageError(_("The run {name} kept no snapshots of its weights.").format(name=name))
    if not _is_step(text):
        raise UsageError(
            _(
                "{step!r} is no step of the run {name}: a step is a number of updates, as in "
                "{name}@{last}."
            ).format(step=shortened(text, 40), name=name, last=max(kept))
        )
    step = int(text)
    if step in kept:
        return spec, kept[step]
    below = max((n for n in kept if n < step), default=None)
    above = min((n for n in kept if n > step), default=None)
    near = ", ".join(f"{name}@{n}" for n in (below, above) if n is not None)
    raise UsageError(
        _("The run {name} kept no snapshot of step {step}. The nearest: {near}").format(
            name=name, step=step, near=near
        )
    )


def _at(path: Path) -> Path | None:
    """The path if it is a file or a run directory, else None.

    A folder of TensorFlow.js stands for the model.json in it.
    Raises InvalidFileError for a run without a spec.json. Pipes and devices are returned as well;
    opening them reports what they are.
    """
    if is_run(path):
        if not (path / "spec.json").is_file():
            raise no_spec_error(path)
        return path
    if (path / "model.json").is_file():
        return path / "model.json"
    return path if path.exists() and not path.is_dir() else None


def _no_model(name: str, known: Iterable[str]) -> UsageError:
    path = Path(name)
    if name == "last":
        return UsageError(
            _("There is no run yet, so none is the last one. Train one: rnnviz train")
        )
    if path.is_dir():
        return UsageError(
            _(
                "{name} is a folder, but not that of a run: there is no spec.json in it. "
                "See what there is: rnnviz models"
            ).format(name=name)
        )
    if "/" in name or "\\" in name or path.suffix:
        return UsageError(
            _("There is no model file {name}. See what there is: rnnviz models").format(name=name)
        )
    # A default net that has all parts of the name: sentiment-lstm-tr for sentiment-tr.
    parts = {*name.split("-")}
    meant = next((each for each in DEFAULTS if parts <= {*each.split("-")}), name)
    return UsageError(
        _("Unknown model {name!r}.{hint} See what there is: rnnviz models").format(
            name=name, hint=nearest(meant, known)
        )
    )


def weights_of(path: Path) -> Path:
    """The weight file that belongs to a model's JSON or a run's spec.json."""
    name = "best" if path.name == "spec.json" else path.stem
    return path.parent / f"{name}.safetensors"


# -- runs ---------------------------------------------------------------------------------------


def runs_folder() -> Path:
    """The default folder of runs, in the user's data directory."""
    import platformdirs

    return Path(platformdirs.user_data_dir("rnnviz")) / "runs"


def run_directories() -> list[Path]:
    """The run directories with a spec.json in the folder of runs, newest first."""
    found = {path.parent: _written(path.parent) for path in runs_folder().glob("*/spec.json")}
    return sorted(found, key=lambda path: found[path], reverse=True)


def _written(path: Path) -> float:
    """The time at which a run's last epoch was written, or at which it began."""
    for file in (path / "history.jsonl", path):
        try:
            return file.stat().st_mtime
        except OSError:  # it does not exist, or was deleted meanwhile
            continue
    return 0.0


def no_spec_error(path: Path) -> InvalidFileError:
    """The error for a run that was stopped before its spec.json was written."""
    return InvalidFileError(
        _(
            "{path} has no spec.json: this run had not begun when it was stopped.\n"
            "Delete the folder and start again: rnnviz train RECIPE"
        ).format(path=path)
    )


def is_run(path: Path) -> bool:
    """Whether a path is a run directory, also one without a spec.json."""
    return any((path / file).is_file() for file in ("spec.json", *_BEFORE_SPEC))


def _by_name() -> dict[str, Path]:
    """The runs in the folder of runs by name, newest first."""
    return {path.name: path for path in run_directories()}


def _run_named(name: str, known: Mapping[str, Path]) -> Path | None:
    """The run of exactly that name, or the newest for "last"."""
    return next(iter(known.values()), None) if name == "last" else known.get(name)


def find_run(name: str | Path) -> Path:
    """The run directory of a path, a name, an unambiguous beginning of a name, or "last".

    Raises UsageError with the nearest name if there is none.
    """
    known = _by_name()
    if (found := _run_named(str(name), known)) is not None:
        return found
    path = user_path(name)
    for place in (path, runs_folder() / path):
        if is_run(place):
            return place
    if path.is_dir() and len(path.parts) > 1:
        raise UsageError(_("{path} is no run: there is no spec.json in it.").format(path=path))
    return _beginning(str(name), known)


def _beginning(name: str, known: dict[str, Path]) -> Path:
    fitting = [path for each, path in known.items() if name and each.startswith(name)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = ", ".join(path.name for path in fitting[:4])
        more = _(" and {count} more").format(count=len(fitting) - 4) if len(fitting) > 4 else ""
        raise UsageError(
            _("{count} runs begin with {name!r}: {names}{more}. Type more of it.").format(
                count=len(fitting), name=name, names=names, more=more
            )
        )
    if not known:
        raise UsageError(
            _("There is no run {name!r}, and none in {folder}.\nrnnviz train").format(
                name=name, folder=runs_folder()
            )
        )
    raise UsageError(
        _("There is no run {name!r}.{hint} See what there is: rnnviz runs").format(
            name=name, hint=nearest(name, known)
        )
    )
