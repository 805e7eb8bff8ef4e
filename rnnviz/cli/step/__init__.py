"""``rnnviz step``: read a text one token at a time.

A command line becomes :class:`StepOptions`. ``trace_source`` makes a trace of them; ``files``,
``app`` and ``formats`` are where it goes: files, the screen, stdout.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnnviz.cli import (
    completions,
    config_file,
    import_options,
    options,
    session_files,
    stdout,
)
from rnnviz.cli.step import app, files, formats, text_arguments, toy_net_options, trace_source
from rnnviz.cli.step.step_options import StepOptions
from rnnviz.cli.step.trace_source import TracedQuery
from rnnviz.errors import UsageError
from rnnviz.messages import N_, _

if TYPE_CHECKING:
    from rnnviz.trace import Trace

HELP = N_("""Read TEXT one token at a time and see every gate, state and gradient.

On a terminal this opens the stepper; elsewhere, or with --plain, it prints lines of text. Without
TEXT it reads what is piped in, else it takes the model's example sentence.

\b
Examples:
  rnnviz step "this movie was not good"
  rnnviz step --cell gru "not bad at all"
  rnnviz step --units 1 "1 0 0 1 0"                    a net to calculate by hand
  rnnviz step --units 2 --inputs 2 --cell gru "1 .5; 0 1"
  rnnviz step --net lstm-2-units                       one from a file, or a shipped one
  rnnviz step --random 1 "this movie was not good"     untrained weights
  rnnviz step "not good" --json > trace.json
  rnnviz step --clamp 'f[*]=1' "this movie was not good"   the forget gate stuck open
  echo "i loved it" | rnnviz step --csv
  rnnviz step "not good" --screenshot handout.svg      --view reach: that page, or a panel
  rnnviz step "not good" --report handout.html         every view in one file
  rnnviz step "not good" --record class.jsonl          and: rnnviz replay class.jsonl
  rnnviz step "it was not good" --against "it was good"
  rnnviz step "it was not good" --compare rnn,lstm
  rnnviz step "not good" --save-state s.json           and: rnnviz step --state s.json "at all"
  rnnviz step -m jena-gru "2015-07-05 19:00"           the weather before this moment
  rnnviz step -m lstm_model.h5 --vocab words.txt "good"   a file of Keras, PyTorch, ONNX …

Further options of a model file are those of: rnnviz models import --help

Exit codes: 0 ok, 1 failed, 2 usage, 3 something optional is missing, 4 invalid file.
""")


@click.command("step", help=HELP, cls=text_arguments.TextCommand)
@click.argument("words", nargs=-1, metavar="[TEXT]...", callback=text_arguments.unmarked)
@options.model
@toy_net_options.options
@import_options.model_options
@import_options.import_options
@click.option(
    "--input",
    "input_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=N_(
        "Of a model that reads numbers: its input from a .csv, .npy, .npz or .json, a row a step."
    ),
)
@click.option("--target", metavar="LABEL", shell_complete=completions.labels,
              help=N_("The gradients are of this label's log-loss."))  # fmt: skip
@click.option("--random", type=options.SEED, metavar="SEED",
              help=N_("Untrained weights of the same shapes."))  # fmt: skip
@click.option(
    "--data",
    metavar="DIR",
    shell_complete=completions.data_folders,
    help=N_("Of a model that reads a series: where its table is, or: sample."),
)
@click.option("--against", metavar="TEXT", help=N_("Lay this second sentence beside it."))
@click.option("--compare", metavar="CELL,CELL", shell_complete=completions.cells,
              help=N_("Read it with these cells, or models or files, side by side."))  # fmt: skip
@click.option(
    "--clamp",
    "clamps",
    multiple=True,
    metavar="'f[3,17]=0'",
    help=N_(
        "Hold a value: NAME[TOKEN,UNIT]=VALUE, both counted from 0 (the screen counts "
        "tokens from 1), * for all. Repeatable."
    ),
)
@click.option("--state", type=click.Path(path_type=Path), metavar="FILE",
              help=N_("Begin in the states of this file, of --save-state."))  # fmt: skip
@click.option("--at", type=int, metavar="T",
              help=N_("Start on this token, counted from 1 as on the screen."))  # fmt: skip
@click.option("--unit", type=click.IntRange(0), metavar="U",
              help=N_("Start on this unit, counted from 0 as on the screen."))  # fmt: skip
@click.option("--json", "form", flag_value="json", help=N_("Print the whole trace as JSON."))
@click.option("--jsonl", "form", flag_value="jsonl", help=N_("One JSON object a token."))
@click.option("--csv", "form", flag_value="csv", help=N_("One row a token, name and unit."))
@click.option("--plain", "form", flag_value="plain", help=N_("Lines of text, no screen."))
@click.option("--save", type=options.output_file(), metavar="FILE",
              help=N_("Write the trace to a file."))  # fmt: skip
@click.option("--save-state", type=options.output_file(), metavar="FILE",
              help=N_("Write the states after the last token; go on from them with --state."),
              )  # fmt: skip
@click.option("--open", "saved_trace", type=click.Path(path_type=Path), metavar="FILE",
              help=N_("Show a saved trace."))  # fmt: skip
@click.option("--screenshot", type=options.output_file(), metavar="FILE",
              help=N_("Write the screen to FILE.svg, .png, .pdf or .txt and stop."))  # fmt: skip
@click.option("--report", type=options.output_file(), metavar="FILE.html",
              help=N_("Write all views into one page and stop."))  # fmt: skip
@session_files.record
@session_files.cast
@click.option("--view", metavar="NAME", shell_complete=completions.views,
              help=N_("Open this page first; a wrong name lists them."))  # fmt: skip
@click.option("--size", default="120x36", show_default=True, metavar="WxH",
              help=N_("Size of the screenshot in characters."))  # fmt: skip
@options.lang
@options.theme
@options.notation
@options.presenter
@options.colour
@options.device
@click.option("-q", "--quiet", is_flag=True, help=N_("Say nothing on stderr."))
@options.debug
def command(**params: Any) -> int:
    """Trace a text, then write files, open the screen or print."""
    model_source = click.get_current_context().get_parameter_source("model")
    explicit = model_source is click.core.ParameterSource.COMMANDLINE
    keymap = config_file.user_keymap()
    settings = import_options.settings_of(params)
    step = StepOptions(**params, settings=settings, model_is_explicit=explicit, keymap=keymap)
    files.parse_size(step.size)
    inputs = trace_source.input_files(step)
    files.check_files(step, inputs)
    on_screen = step.form is None and not step.draws and options.stdout_is_terminal()
    session_files.check(step.record, step.cast, inputs, screen=on_screen)
    begins = on_screen and step.view == "write" and not (step.saves or step.record or step.cast)
    traced = trace_source.read(step, begins=begins and step.against is None)
    compared = () if step.compare is None else _compared_models(step, traced)
    if compared and traced.query.model not in compared:
        traced = traced.with_model(compared[0])
    # Traced before anything opens: a second text that cannot be read ends here.
    second = None if step.against is None else traced.beside("--against", text=step.against)
    app.check_options(step, traced.trace)
    if not step.quiet:
        trace_source.narrate(step, traced)
    files.save(step, traced.trace)
    files.draw(step, traced, compared)
    if step.form is None:
        if step.draws:
            return 0
        if options.stdout_is_terminal():
            page = app.first_page(step, traced, compared)
            shown = app.make_app(step, traced, compared, page)
            return session_files.run_app(
                shown, step.record, step.cast, traced.query.text, quiet=step.quiet
            )
        if step.saves:
            return 0
    _print(step, traced, second, compared)
    return 0


import_options.keep_usual_in_help(command)


def _compared_models(step: StepOptions, traced: TracedQuery) -> tuple[str, ...]:
    """The models of --compare; UsageError where there is nothing to put side by side."""
    from rnnviz.analysis.model_family import family_by_cell
    from rnnviz.cli.step import compare_cells

    if step.saved_trace is not None or step.against is not None:
        raise UsageError(_("--compare reads one text anew; leave --open and --against out."))
    family = app.switch_models(traced)
    found = compare_cells.models(step.compare or "", traced.query.model, family)
    # Those of a family read the same text.
    if not {*found} <= {*family_by_cell(traced.query.model, family).values()}:
        compare_cells.require_same_text([_beside(traced, name) for name in found])
    return found


def _beside(traced: TracedQuery, name: str) -> Trace:
    """The text read by a model of --compare."""
    return traced.beside(f"--compare {name}", model=name)


def _print(
    step: StepOptions, traced: TracedQuery, second: Trace | None, compared: tuple[str, ...]
) -> None:
    """Write the trace, the comparison of sentences or that of cells to stdout."""
    form, lang = step.form or "plain", options.language(step.lang)
    if compared:
        from rnnviz.cli.step import compare_cells

        traces = [_beside(traced, name) for name in compared]
        lines = compare_cells.lines(traces, form, step.unit, lang, step.notation)
    elif second is not None:
        from rnnviz.cli.step import compare_sentences

        lines = compare_sentences.lines(traced.trace, second, form, lang)
    else:
        without = traced.without_each_token() if form == "plain" else None
        lines = formats.lines(traced.trace, form, step.unit, lang, step.notation, without)
    write = stdout.lines if form == "plain" else stdout.data
    for line in lines:
        write(line)
