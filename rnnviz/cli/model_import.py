"""``rnnviz models import`` and ``rnnviz models remove``: files of other frameworks, by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnnviz.cli import completions, import_options, import_report, options, stderr, stdout
from rnnviz.cli.commands import LocalizedCommand
from rnnviz.cli.tables import print_text
from rnnviz.display import visible
from rnnviz.errors import UsageError
from rnnviz.import_settings import ImportSettings
from rnnviz.messages import N_, _

if TYPE_CHECKING:
    from rnnviz.model_files.foreign import ForeignModel

HELP = N_("""Read a net from FILE and keep it under a name, for step and the other commands.

FILE is of Keras (.keras, .h5), TensorFlow.js (model.json), PyTorch (a state dict), safetensors,
ONNX or NumPy (.npz); its format is told by its bytes. A model of rnnviz is copied. What the file
does not say is assumed aloud, with the option that says it otherwise.

\b
Examples:
  rnnviz models import lstm_model.h5 --as mine
  rnnviz models import sentiment.keras --vocab tokenizer.json --labels negative,positive
  rnnviz models import checkpoint.pt --part encoder.lstm
""")


@click.command("import", cls=LocalizedCommand, help=HELP)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--as",
    "name",
    metavar="NAME",
    shell_complete=completions.imported_models,
    help=N_("Its name; default: that of the file."),
)
@click.option("--replace", is_flag=True, help=N_("Replace an imported model of that name."))
@import_options.model_options
@import_options.import_options
@click.option("--json", "as_json", is_flag=True, help=N_("Print one JSON object."))
@options.debug
def import_command(file: Path, name: str | None, replace: bool, as_json: bool, **said: Any) -> None:
    """Import a model."""
    from rnnviz.lookup import is_run, locate
    from rnnviz.model_files import imported_models
    from rnnviz.model_files.foreign import open_foreign
    from rnnviz.model_files.loader import is_own

    settings = import_options.settings_of(said)
    if not file.exists():
        raise UsageError(_("There is no file {file}.").format(file=file))
    if is_run(file):
        raise UsageError(
            _("{file} is a run: write its model with rnnviz models export {file} FILE").format(
                file=file
            )
        )
    path, weights = locate(str(file.absolute()))
    if is_own(path, weights):
        _copy(path, name, settings, replace, as_json)
        return
    found = open_foreign(path, settings)
    name = imported_models.usual_name(path, found.net.name) if name is None else name
    saved = imported_models.add(found, name, replace=replace)
    for option in found.unused:
        stderr.say(_("{option}: nothing in this file asks for it").format(option=option))
    if as_json:
        stdout.document(_document(found, name, saved))
        return
    _report(found, name)


def _copy(
    path: Path, name: str | None, settings: ImportSettings, replace: bool, as_json: bool
) -> None:
    """Copy a model of rnnviz."""
    from rnnviz.model_files import imported_models

    if settings:
        raise UsageError(
            _(
                "{name} is a model of rnnviz, which says all of this itself: leave {options} out."
            ).format(name=path.name, options=settings.options)
        )
    name = imported_models.usual_name(path) if name is None else name
    saved = imported_models.add_copy(path, name, replace=replace)
    if as_json:
        stdout.document({"name": name, "path": str(saved)})
        return
    print_text(_("Copied as {name}. Step through it: rnnviz step -m {name}").format(name=name))


def _document(found: ForeignModel, name: str, saved: Path) -> dict[str, Any]:
    return {
        "name": name,
        "path": str(saved),
        "config": found.stored.model.spec.to_json(),
        "labels": list(found.stored.labels),
        "example": found.stored.example,
        **found.stored.record["imported"],
    }


def _report(found: ForeignModel, name: str) -> None:
    """What was found, how it was converted, what was assumed and what is missing."""
    from rnnviz.cli.tables import layer_table, terminal_width
    from rnnviz.engine.param_count import parameters
    from rnnviz.model_files.foreign_input import input_text

    for line in import_report.report_lines(found.stored.record["imported"]):
        print_text(line)
    stdout.lines(*layer_table(parameters(found.stored.model.spec), terminal_width()))
    print_text(visible(_("reads {what}").format(what=input_text(found.stored.encoder))))
    print_text(_("Saved as {name}. Step through it: rnnviz step -m {name}").format(name=name))


@click.command("remove", cls=LocalizedCommand, help=N_("Delete the imported model NAME."))
@click.argument("name", shell_complete=completions.imported_models)
@options.debug
def remove(name: str) -> None:
    """Delete the imported model NAME."""
    from rnnviz.model_files import imported_models

    imported_models.remove(name)
    print_text(_("Removed {name}.").format(name=name))
