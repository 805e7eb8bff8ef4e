"""``rnnviz models``: the models that can be stepped through, and their layers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnnviz import i18n
from rnnviz.cli import (
    completions,
    import_report,
    model_compare,
    model_export,
    model_import,
    model_units,
    options,
    stdout,
)
from rnnviz.cli.commands import LocalizedGroup
from rnnviz.cli.tables import (
    layer_table,
    metric_name,
    print_table,
    print_text,
    published_text,
    score_name,
    terminal_width,
)
from rnnviz.errors import RnnvizError, damage
from rnnviz.files import invalid_file_on_error
from rnnviz.messages import N_, _, language, translated
from rnnviz.progress import with_bits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rnnviz.engine.spec import ModelSpec
    from rnnviz.model_files import StoredModel


MODELS_HELP = N_("""List the models that ship with rnnviz, those trained here and those imported.
""")


@click.group("models", cls=LocalizedGroup, invoke_without_command=True, help=MODELS_HELP)
@click.option("--json", "as_json", is_flag=True, help=N_("Print a JSON list."))
@options.debug
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List the models that ship with rnnviz, those trained here and those imported."""
    if ctx.invoked_subcommand is not None:
        return
    from rnnviz.lookup import BUGGY_COPIES, imported
    from rnnviz.model_files import load, shipped
    from rnnviz.runs import trained_runs

    rows = []
    known = shipped()
    models = [(name, name, N_("shipped")) for name in known]
    # A run whose name another model has is opened by its path.
    taken = {*known, *imported(), "last"}
    models += [
        (str(path) if path.name in taken else path.name, str(path), N_("trained here"))
        for path in trained_runs()
    ]
    models += [(name, name, N_("imported")) for name in imported()]
    models += [(name, name, N_("copy with a bug")) for name in BUGGY_COPIES]
    for shown, name, origin in models:
        path = Path(name)
        try:
            with invalid_file_on_error(path, _("model")):
                rows.append(_row(load(name)) | {"name": shown, "from": origin})
        except RnnvizError as error:
            # List the others in spite of a damaged run.
            rows.append(_damaged(shown, damage(error, path)) | {"from": origin})
    if as_json:
        stdout.document(rows)
        return
    _table(rows)
    stdout.lines()
    print_text(_("rnnviz models show NAME: layers and parameter counts."))
    print_text(_("rnnviz step -m NAME TEXT: step through one."))
    print_text(_("rnnviz models import FILE: one of Keras, PyTorch, ONNX and others."))


command.add_command(model_import.import_command)
command.add_command(model_import.remove)


def _row(stored: StoredModel) -> dict[str, Any]:
    return {
        "name": stored.name,
        "net": _net(stored.model.spec),
        "parameters": sum(int(a.size) for a in stored.model.params.values()),
        "trained_on": stored.about,
        "metrics": _metrics(stored),
        "published": stored.record.get("published"),
    }


def _damaged(name: str, why: str) -> dict[str, Any]:
    """The row of a model that cannot be read."""
    return {
        "name": name, "net": "-", "parameters": None,
        "trained_on": _("damaged: {why}").format(why=why),
        "metrics": {}, "published": None, "damaged": why,
    }  # fmt: skip


def _net(spec: ModelSpec) -> str:
    """The layers between source and output: ``Bilstm(64) + Bilstm(64)``."""
    layers = [
        f"{'Bi' if layer.bidirectional else ''}{layer.cell}({layer.units})" for layer in spec.layers
    ]
    layers += [f"dense({dense.units})" for _, dense in spec.head.below]
    return " + ".join(layers) or "dense"


def _metrics(stored: StoredModel) -> dict[str, Any]:
    """The metrics of the record, or for a run those of its saved weights.

    ``validation_…``, ``test_…``, and the epoch of the weights.
    """
    found = _recorded_metrics(stored)
    for of in ("validation", "test") if stored.writes else ():
        loss = found.get(f"{of}_loss")
        if isinstance(loss, float):
            found |= {f"{of}_{key}": value for key, value in with_bits({"loss": loss}).items()}
    return found


def _recorded_metrics(stored: StoredModel) -> dict[str, Any]:
    """:func:`_metrics` as they are stored."""
    if "recipe" not in stored.record or stored.weights_path is None:
        return dict(stored.record.get("metrics", {}))
    from rnnviz.lookup import run_of
    from rnnviz.runs import Run

    run = Run(run_of(stored.weights_path))
    saved, result = run.saved_epoch(), run.result() or {}
    if saved is None or stored.weights_path.name != "best.safetensors":
        return {}
    found = {f"validation_{key}": value for key, value in saved.valid.items()}
    found |= {f"test_{key}": value for key, value in (result.get("test") or {}).items()}
    return found | {"epoch": saved.number}


def _table(rows: list[dict[str, Any]]) -> None:
    cells = [
        (
            _("name"),
            _("net"),
            _("parameters"),
            _("trained on"),
            _("validation"),
            _("test"),
            _("published"),
            _("from"),
        )
    ]
    for row in rows:
        count = "-" if row["parameters"] is None else f"{row['parameters']:,}"
        scores = [_score(row["metrics"], of) for of in ("validation", "test")]
        scores.append(_to_reach(row["published"]))
        about = i18n.trained_on(row["trained_on"], language())
        cells.append((row["name"], row["net"], count, about, *scores, translated(row["from"])))
    print_table(cells)


def _score(metrics: Mapping[str, Any], of: str) -> str:
    """The main metric: accuracy for classes, the error for forecasts."""
    for key, name in (("bits", N_("bits")), ("accuracy", N_("accuracy")), ("mae", N_("MAE"))):
        value = metrics.get(f"{of}_{key}")
        if isinstance(value, int | float):
            return f"{translated(name)} {value:.4g}"
    return "-"


def _to_reach(found: Any) -> str:
    """A published number in short; ``found`` is a field of a record, so it may be anything."""
    value = found.get("value") if isinstance(found, dict) else None
    if not isinstance(value, int | float):
        return "-"
    return f"{score_name(found.get('of', 'validation'), found.get('metric'))} {value:.4g}"


SHOW_HELP = N_("""Show the layers of model NAME with the arithmetic of each parameter count.
""")


@command.command("show", help=SHOW_HELP)
@click.argument("name", shell_complete=completions.models)
@click.option("--json", "as_json", is_flag=True, help=N_("Print one JSON object."))
@options.debug
def show(name: str, as_json: bool) -> None:
    """Show the layers of model NAME with the arithmetic of each parameter count."""
    from rnnviz.engine.param_count import parameters
    from rnnviz.model_files import load

    stored = load(name)
    rows, metrics = parameters(stored.model.spec), _metrics(stored)
    if as_json:
        document = {
            "name": stored.name,
            "weights": str(stored.weights_path),
            "config": stored.model.spec.to_json(),
            "metrics": metrics,
            "parameters": [row.to_json() for row in rows],
            "total": sum(row.count for row in rows),
            "tokenizer": _tokenizer(stored),
            "published": stored.record.get("published"),
            "training": stored.record.get("training", {}),
            "notes": stored.notes,
        }
        if "imported" in stored.record:
            document["imported"] = stored.record["imported"]
        stdout.document(document)
        return
    print_text(f"{stored.name}: {i18n.trained_on(stored.about, language())}")
    stdout.lines(*layer_table(rows, terminal_width()))
    if cut := _tokenizer(stored):
        print_text(_("text: {rule}").format(rule=translated(cut["rule"])))
    for key, value in metrics.items():
        shown = f"{value:.4f}" if isinstance(value, float) else str(value)
        unit = _in_unit(stored.record.get("metric"), key, value)
        stdout.lines(f"{_metric_text(key)}: {shown}{unit}")
    if stored.record.get("published"):
        print_text(_("published: {score}").format(score=published_text(stored.record["published"])))
    for note in stored.notes:
        print_text(_("note: {note}").format(note=translated(note)))
    stdout.lines(_("weights: {path}").format(path=stored.weights_path))
    if isinstance(stored.record.get("imported"), dict):
        for line in import_report.report_lines(stored.record["imported"]):
            print_text(line)


def _tokenizer(stored: StoredModel) -> dict[str, str] | None:
    """The name of the tokenizer and how it cuts texts; None of a model that reads no words."""
    from rnnviz.data.tokenizers import TOKENIZERS
    from rnnviz.data.vocabulary import Vocabulary

    if not isinstance(stored.encoder, Vocabulary):
        return None
    name = stored.encoder.encoding.tokenizer
    return {"name": name, "rule": TOKENIZERS[name]}


def _metric_text(key: str) -> str:
    """The name of a metric in a record, "validation_accuracy", in words."""
    split, _found, metric = key.replace("_", " ").rpartition(" ")
    if not split:
        return metric_name(metric)
    split = " ".join(map(metric_name, split.split()))
    return _("{split} {metric}").format(split=split, metric=metric_name(metric))


def _in_unit(metric: Any, key: str, value: Any) -> str:
    """An error in the unit of the series: `` (2.57 °C)``."""
    scale = metric.get("scale") if isinstance(metric, dict) else None
    if not key.endswith("_mae") or not isinstance(scale, float) or not isinstance(value, float):
        return ""
    return f" ({value * scale:.2f} {metric.get('unit', '')})"


command.add_command(model_export.command)
command.add_command(model_compare.command)
command.add_command(model_units.command)
