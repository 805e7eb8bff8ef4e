"""``rnnviz step``: read a text one token at a time."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from rnnviz.cli import dashes, echo, hand, options, piped, screen_output
from rnnviz.cli import opened as of_file
from rnnviz.cli.piped import is_piped as _piped
from rnnviz.cli.stderr import say
from rnnviz.errors import UsageError
from rnnviz.hand import EXAMPLE
from rnnviz.tui.view.page_state import PageOptions

if TYPE_CHECKING:
    from rnnviz.query import Query, Tracer
    from rnnviz.trace import Trace

#: The models behind the keys 1, 2, 3 ... of the stepper.
SWITCH = ("sentiment-rnn", "sentiment-lstm", "sentiment-gru", "sentiment-lstm-8",
          "sentiment-lstm-slide", "sentiment-mingru")  # fmt: skip

HELP = """Read TEXT one token at a time and see every gate, state and gradient.

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
  rnnviz step "it was not good" --against "it was good"
  rnnviz step "it was not good" --compare rnn,lstm
  rnnviz step -m jena-gru "2020-07-01 19:00"           the weather before this moment

Exit codes: 0 ok, 1 failed, 2 usage, 3 something optional is missing, 4 invalid file.
"""


@click.command("step", help=HELP, cls=dashes.TextCommand)
@click.argument("words", nargs=-1, metavar="[TEXT]...", callback=dashes.unmarked)
@options.model
@hand.options
@click.option("--target", metavar="LABEL", help="The gradients are of this label's log-loss.")
@click.option("--random", type=options.SEED, metavar="SEED",
              help="Untrained weights of the same shapes.")  # fmt: skip
@click.option("--data", metavar="DIR",
              help="Of a model that reads a series: where its table is, or: sample.")  # fmt: skip
@click.option("--against", metavar="TEXT", help="Lay this second sentence beside it.")
@click.option("--compare", metavar="CELL,CELL", help="Read it with these cells side by side.")
@click.option("--clamp", "clamps", multiple=True, metavar="'f[3,17]=0'",
              help="Hold a value: NAME[TOKEN,UNIT]=VALUE, counted from 0, * for all. Repeatable.",
              )  # fmt: skip
@click.option("--at", type=int, metavar="T", help="Start on this token, counted from 1.")
@click.option("--unit", type=click.IntRange(0), metavar="U", help="Start on this unit, from 0.")
@click.option("--json", "form", flag_value="json", help="Print the whole trace as JSON.")
@click.option("--jsonl", "form", flag_value="jsonl", help="One JSON object a token.")
@click.option("--csv", "form", flag_value="csv", help="One row a token, name and unit.")
@click.option("--plain", "form", flag_value="plain", help="Lines of text, no screen.")
@click.option("--save", type=options.output_file(), metavar="FILE",
              help="Write the trace to a file.")  # fmt: skip
@click.option("--open", "opened", type=click.Path(path_type=Path), metavar="FILE",
              help="Show a saved trace.")  # fmt: skip
@click.option("--screenshot", type=options.output_file(), metavar="FILE",
              help="Write the screen to FILE.svg or FILE.txt and stop.")  # fmt: skip
@click.option("--report", type=options.output_file(), metavar="FILE.html",
              help="Write all views into one page and stop.")  # fmt: skip
@click.option("--view", metavar="NAME", help="Open this page first; a wrong name lists them.")
@click.option("--size", default="120x36", show_default=True, metavar="WxH",
              help="Size of the screenshot in characters.")  # fmt: skip
@options.lang
@options.theme
@options.colour
@options.device
@click.option("-q", "--quiet", is_flag=True, help="Say nothing on stderr.")
@options.debug
def command(
    words: tuple[str, ...],
    model: str | None,
    cell: str | None,
    by_hand: hand.ToyNetOptions,
    target: str | None,
    random: int | None,
    data: str | None,
    against: str | None,
    compare: str | None,
    clamps: tuple[str, ...],
    at: int | None,
    unit: int | None,
    form: str | None,
    save: Path | None,
    opened: Path | None,
    screenshot: Path | None,
    report: Path | None,
    view: str | None,
    size: str,
    lang: str | None,
    theme: str | None,
    color: str,
    device: str,
    quiet: bool,
) -> int:
    """Parse, trace, print or open the screen."""
    screen_output.sized(size)
    from rnnviz.clamps import parse
    from rnnviz.engine.device import for_one

    held = tuple(parse(clamp) for clamp in clamps)
    loops = for_one(device)
    from rnnviz.explore import explorer
    from rnnviz.model_files import load, locate
    from rnnviz.query import Query
    from rnnviz.trace import Trace

    explore = explorer(data, loops)
    read = cast("Tracer", explore)
    outputs = {"--save": save, "--save-net": by_hand.save_net, "--screenshot": screenshot,
               "--report": report}  # fmt: skip
    if opened is not None:
        others = (words, _asked(model), cell, target, random, held)
        if any(other not in (None, ()) for other in others) or by_hand.changes:
            raise UsageError(
                "--open shows a trace as it was saved; leave TEXT, --model, --cell, --units, "
                "--net, --set, --target, --random and --clamp out."
            )
        screen_output.check_files(outputs, [opened])
        trace = Trace.open(opened)
        query = of_file.query(trace)
        read = cast("Tracer", of_file.with_its_weights(explore, trace, opened))
    elif by_hand:
        screen_output.check_files(outputs, [] if by_hand.net is None else [Path(by_hand.net)])
        query = hand.query(
            by_hand, _text(words), cell=cell, model=_asked(model), target=target, random=random
        )
        query = replace(query, clamps=(*query.clamps, *held))
        trace = read(query)
    else:
        name = _model(model, cell)
        screen_output.check_files(outputs, locate(name))
        text = _text(words)
        text = load(name).example if text is None else text
        query = Query(text, name, target, random, held)
        trace = read(query)
    compared = _compared(compare, query, trace, opened, against)
    if compared and query.model not in compared:
        query = replace(query, model=compared[0])
        trace = read(query)
    # Read before anything opens: a second text that cannot be read ends here.
    other = None if against is None else _beside(read, replace(query, text=against), "--against")
    T = len(trace.tokens)
    if at is not None and not 1 <= at <= T:
        raise UsageError(f"--at {at}: this text has tokens 1 to {T}.")
    if unit is not None and unit >= trace.layers[0].units:
        raise UsageError(f"--unit {unit}: this layer has units 0 to {trace.layers[0].units - 1}.")
    if view is not None:
        screen_output.checked(view, trace, picture=screenshot is not None)
    language = options.language(lang)
    if save is not None:
        trace.save(save)
        if not quiet and save.is_file():
            say(f"Saved {save}. Show it again with: rnnviz step --open {shlex.quote(str(save))}")
    if by_hand.save_net is not None:
        hand.save(trace, by_hand.save_net)
        if not quiet and by_hand.save_net.is_file():
            say(f"Saved {by_hand.save_net}. Open it again with: rnnviz step --net "
                f"{shlex.quote(str(by_hand.save_net))}")  # fmt: skip
    wanted = screen_output.OutputOptions(
        at, unit, language, theme, color, view, size, _switch(query, trace),
        PageOptions(compared, against, query.hand is not None),
    )  # fmt: skip
    if report is not None:
        screen_output.report(read, query, trace, wanted, report)
        if not quiet:
            say(f"Written: {report}")
    if screenshot is not None:
        screen_output.picture(read, query, trace, wanted, screenshot)
    if form is None and (report is not None or screenshot is not None):
        return 0
    if form is None and _on_screen():
        return screen_output.show(read, query, trace, wanted)
    if form is None and (save is not None or by_hand.save_net is not None):
        return 0
    from rnnviz.cli.printed import printed as as_lines

    printed = as_lines(trace, form or "plain", unit, language)
    if other is not None:
        from rnnviz.cli import difference

        printed = difference.printed(trace, other, form or "plain", language)
    if compared:
        from rnnviz.cli import comparison

        traces = [
            _beside(read, replace(query, model=name), f"--compare {name}") for name in compared
        ]
        printed = comparison.printed(traces, form or "plain", unit, language)
    write = echo.lines if form in (None, "plain") else echo.data
    for line in printed:
        write(line)
    return 0


def _beside(read: Tracer, query: Query, option: str) -> Trace:
    """A reading beside the first one; what does not fit it is an error of its own."""
    try:
        return read(query)
    except UsageError as error:
        raise UsageError(f"{option}: {error}") from error


def _compared(
    said: str | None, query: Query, trace: Trace, opened: Path | None, against: str | None
) -> tuple[str, ...]:
    """The models of --compare; UsageError where there is nothing to put side by side."""
    if said is None:
        return ()
    if opened is not None or against is not None:
        raise UsageError("--compare reads one text anew; leave --open and --against out.")
    from rnnviz.cli import comparison

    return comparison.models(said, query.model, _switch(query, trace))


def _switch(query: Query, trace: Trace) -> tuple[str, ...]:
    """The models behind the number keys: those that can read the same text."""
    return hand.switch(query.model, SWITCH) if trace.series is None else ()


def _on_screen() -> bool:
    return options.stdout_is_terminal()


def _model(model: str | None, cell: str | None) -> str:
    from rnnviz.model_files import DEFAULT
    from rnnviz.model_files.places import shipped

    if _asked(model) is not None and cell:
        raise UsageError("Give --model or --cell, not both.")
    if cell is not None and f"sentiment-{cell}" not in shipped():
        raise UsageError(
            f"--cell {cell}: no sentiment model has it, but a net by hand:\n"
            f'rnnviz step --units 1 --cell {cell} "{EXAMPLE}"'
        )
    if cell:
        return f"sentiment-{cell}"
    return DEFAULT if model is None else model


def _asked(model: str | None) -> str | None:
    """The model of the command line: one of the environment or the config gives way to flags."""
    source = click.get_current_context().get_parameter_source("model")
    return model if source is click.core.ParameterSource.COMMANDLINE else None


def _text(words: tuple[str, ...]) -> str | None:
    """The text of the command line or of the pipe; None when neither is there."""
    if words and words != ("-",):
        return " ".join(words)
    if not words and not _piped():
        return None
    return piped.read()
