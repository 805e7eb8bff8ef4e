"""rnnviz: a microscope for recurrent neural networks.

    import rnnviz
    trace = rnnviz.step("this movie was not good", model="sentiment-lstm")
    model = rnnviz.load("sentiment-lstm")
    model.predict(["good", "not good"])

Importing the package is fast: each function imports what it needs when it is called.
"""

from __future__ import annotations

from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

from rnnviz.messages import _
from rnnviz.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path
    from typing import Any

    from numpy.typing import ArrayLike

    from rnnviz.clamps import Clamp
    from rnnviz.model_files import StoredModel
    from rnnviz.notebook import NotebookTrace
    from rnnviz.progress import Event
    from rnnviz.runs import Run

__version__ = VERSION
__all__ = ["__version__", "load", "step", "train"]


def step(
    text: str | ArrayLike,
    model: str | Any = "sentiment-lstm",
    *,
    target: str | None = None,
    random: int | None = None,
    data: str | Path | None = None,
    clamps: str | Iterable[str | Clamp] = (),
    device: str = "auto",
    **settings: str,
) -> NotebookTrace:
    """Run a model on a text and record every value and gradient of every token.

    ``model`` is what :func:`load` takes: a name, a path, or a ``keras.Model`` or
    ``torch.nn.Module``, with the same ``settings``. For a net that reads ids or vectors, ``text``
    may be an array of T ids or of (T, D) numbers.

    ``target`` is the label whose log-loss the gradients are taken of (None: the predicted one);
    ``random`` is a seed for untrained weights of the same shapes. For a model of a series, the text
    is the time of a forecast ("2015-07-05 19:00"), the number of a window, or "" (the model's
    example), and ``data`` is the folder that contains its table. ``clamps`` set values instead of
    computing them: "f[*]=1", or several: ["f[*]=1", "i[3,17]=0"]. In a notebook the trace shows
    itself as a picture.

    Raises :class:`rnnviz.errors.RnnvizError` with a message that says what to do.
    """
    from rnnviz.clamps import parse
    from rnnviz.engine.device import choose_for_trace
    from rnnviz.errors import UsageError
    from rnnviz.live_models import array_text
    from rnnviz.notebook import NotebookTrace
    from rnnviz.query import Query
    from rnnviz.tracer import tracer

    if not isinstance(text, str):
        text = array_text(text)
    name = _model_name(model, settings)
    if random is not None and random < 0:
        raise UsageError(
            _("random is a seed, a whole number from 0: {random}").format(random=random)
        )
    clamps = (clamps,) if isinstance(clamps, str) else clamps
    held = tuple(parse(clamp) if isinstance(clamp, str) else clamp for clamp in clamps)
    trace = tracer(data, choose_for_trace(device))(Query(text, name, target, random, held))
    return NotebookTrace.of(trace)


def load(name: str | Any = "sentiment-lstm", **settings: str) -> StoredModel:
    """Load a model: a name that ``rnnviz models`` lists, "last" for the newest run, or a path.

    A path is that of a model's JSON, of a run directory, or of a file of Keras, PyTorch, ONNX and
    others; for those, ``settings`` are the options of ``rnnviz models import``:
    ``rnnviz.load("lstm.h5", vocab="words.txt", gate_activation="sigmoid")``. A ``keras.Model`` or
    a ``torch.nn.Module`` is taken as the file with its weights would be. Use the model with
    ``.predict(texts)``.
    """
    from rnnviz.model_files import load

    return load(_model_name(name, settings))


def _model_name(model: str | Any, settings: Mapping[str, str]) -> str:
    """The name of a model with its settings; a live object is written to a file."""
    from rnnviz.import_settings import ImportSettings

    given = ImportSettings.of({key.replace("_", "-"): str(v) for key, v in settings.items()})
    if isinstance(model, str):
        return given.named(model)
    if isinstance(model, PathLike):
        return given.named(fspath(model))
    from rnnviz.live_models import file_name_of

    return file_name_of(model, given)


def train(
    recipe: str = "sentiment-lstm",
    *,
    data: str | Path | None = None,
    out: str | Path | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    units: int | None = None,
    cell: str | None = None,
    dropout: float | None = None,
    recurrent_dropout: float | None = None,
    limit: int | None = None,
    variant: str | None = None,
    seed: int = 0,
    device: str = "auto",
    resume: str | Path | None = None,
    time_budget: float | None = None,
    watch: Callable[[Event], None] | None = None,
    rate: float | None = None,
    clip: float | None = None,
    patience: int | None = None,
    layers: int | None = None,
    bidirectional: bool | None = None,
    embedding: int | None = None,
    mask: bool | None = None,
    sentence: str | None = None,
    snapshots: int | None = None,
    **table: Any,
) -> Run:
    """Train a recipe, or a net for a table, and return its run directory.

    ``recipe`` may be the path of a table of your own; ``table`` are then its columns and how it is
    read: ``text`` (a name or several), ``label``, or ``series``, ``time``, ``lookback`` and
    ``horizon``; ``validation``, ``test``, ``max_length`` and the other fields of
    :class:`rnnviz.data.user_tables.choice.TableChoice`.

    ``data`` is a folder of data sets, or "sample" for the small sample in the package; None is the
    environment variable RNNVIZ_DATA, else the data of ``rnnviz data fetch``, else the sample
    (``run.record()["sample"]``, and a Note to ``watch``, say so). ``variant`` names another way to
    prepare the data, of those the recipe has. ``sentence`` is read with the current weights while
    they are trained (see :class:`rnnviz.progress.SentenceReading`). ``snapshots``
    is how often the weights are kept (24; 0 for never), for "RUN@STEP". ``resume`` names a run to
    resume (its folder, its name, or "last"); then only ``epochs``, ``data``, ``time_budget``,
    ``watch`` and ``device`` of the other arguments are used. ``time_budget`` is in seconds; after
    it the run is saved and can be resumed. ``watch`` is called with every event of
    :mod:`rnnviz.progress`.
    Raises :class:`rnnviz.errors.RnnvizError` with a message that says what to do.
    """
    from pathlib import Path

    from rnnviz import runs
    from rnnviz.runs import Options, TrainingJob, run_job

    options = Options(
        epochs=epochs,
        batch_size=batch_size,
        units=units,
        cell=cell,
        dropout=dropout,
        recurrent_dropout=recurrent_dropout,
        limit=limit,
        variant=variant,
        seed=seed,
        rate=rate,
        clip=clip,
        patience=patience,
        layers=layers,
        bidirectional=bidirectional,
        embedding=embedding,
        mask=mask,
        sentence=sentence,
        snapshots=snapshots,
    )
    if table or Path(recipe).is_file():
        recipe, options, data = runs.of_table(Path(recipe), options, table)
    job = TrainingJob(recipe, options, data, out, resume, time_budget, device)
    return run_job(job, watch=watch)
