"""``rnnviz step``: read a text one token at a time."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from rnnviz.cli import hand, options
from rnnviz.errors import UsageError

if TYPE_CHECKING:
    from rnnviz.query import Query, Tracer
    from rnnviz.trace import Trace

#: The models behind the keys 1, 2, 3 ... of the stepper.
SWITCH = ("sentiment-rnn", "sentiment-lstm", "sentiment-gru", "sentiment-lstm-8",
          "sentiment-lstm-slide")  # fmt: skip

HELP = """Read TEXT one token at a time and see every gate, state and gradient.

On a terminal this opens the stepper; elsewhere, or with --plain, it prints lines of text. Without
TEXT it reads what is piped in, else it takes the model's example sentence.

\b
Examples:
  rnnviz step "this movie was not good"
  rnnviz step --cell gru "not bad at all"
  rnnviz step --units 1 "1 0 0 1 0"                    a net to calculate by hand
  rnnviz step --random 1 "this movie was not good"     untrained weights
  rnnviz step "not good" --json > trace.json
  rnnviz step --clamp 'f[*]=1' "this movie was not good"   the forget gate stuck open
  echo "i loved it" | rnnviz step --csv
  rnnviz step "not good" --screenshot handout.svg
  rnnviz step "it was not good" --against "it was good"
  rnnviz step "it was not good" --compare rnn,lstm
  rnnviz step -m jena-gru "2020-07-01 19:00"           the weather before this moment

Exit codes: 0 ok, 1 failed, 2 usage, 3 something optional is missing, 4 invalid file.
"""


@click.command("step", help=HELP)
@click.argument("words", nargs=-1, metavar="[TEXT]...")
@options.model
@hand.options
@click.option("--target", metavar="LABEL", help="The gradients are of this label's log-loss.")
@click.option("--random", type=click.IntRange(0), metavar="SEED",
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
@click.option("--save", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write the trace to a file.")  # fmt: skip
@click.option("--open", "opened", type=click.Path(path_type=Path), metavar="FILE",
              help="Show a saved trace.")  # fmt: skip
@click.option("--screenshot", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.svg",
              help="Write the screen as an SVG and stop.")  # fmt: skip
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
    units: int | None,
    edits: tuple[str, ...],
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
    view: str | None,
    size: str,
    lang: str | None,
    theme: str | None,
    color: str,
    device: str,
    quiet: bool,
) -> int:
    """Parse, trace, print or open the screen."""
    from rnnviz.clamps import parse
    from rnnviz.engine.device import choose

    held = tuple(parse(clamp) for clamp in clamps)
    choose(device)
    from rnnviz.explore import explorer
    from rnnviz.query import Query
    from rnnviz.store import load
    from rnnviz.trace import Trace

    read = cast("Tracer", explorer(data))
    if opened is not None:
        if words or units or edits or held:
            raise UsageError(
                "--open shows a saved trace; leave TEXT, --units, --set and --clamp out."
            )
        trace = Trace.open(opened)
        query = Query(trace.text, trace.model, trace.head.target, clamps=trace.clamps)
    elif units is not None or edits:
        query = hand.query(
            units, edits, _text(words), cell=cell, model=_asked(model), target=target, random=random
        )
        query = replace(query, clamps=held)
        trace = read(query)
    else:
        name = _model(model, cell)
        text = _text(words)
        text = load(name).example if text is None else text
        query = Query(text, name, target, random, held)
        trace = read(query)
    compared = _compared(compare, query, trace, opened, against)
    if compared and query.model not in compared:
        query = replace(query, model=compared[0])
        trace = read(query)
    # Read before anything opens: a second text that cannot be read ends here.
    other = None if against is None else read(replace(query, text=against))
    T = len(trace.tokens)
    if at is not None and not 1 <= at <= T:
        raise UsageError(f"--at {at}: this text has tokens 1 to {T}.")
    if unit is not None and unit >= trace.layers[0].units:
        raise UsageError(f"--unit {unit}: this layer has units 0 to {trace.layers[0].units - 1}.")
    if save is not None:
        _writable(save)
        trace.save(save)
        if not quiet:
            click.echo(f"Saved {save}. Show it again with: rnnviz step --open {save}", err=True)
    if screenshot is None and form is None and save is not None and not _on_screen():
        return 0
    if screenshot is not None or (form is None and _on_screen()):
        language = options.language(lang)
        kept = _kept(against, compared)
        view = view or next(iter(kept), "hand" if query.hand else None)
        return _screen(
            read, query, trace, at, unit, language, theme, color, screenshot, size, view, kept
        )
    printed = _printed(trace, form or "plain", unit, options.language(lang))
    if other is not None:
        from rnnviz.cli import difference

        printed = difference.printed(trace, other, form or "plain", options.language(lang))
    if compared:
        from rnnviz.cli import comparison

        traces = [read(replace(query, model=name)) for name in compared]
        printed = comparison.printed(traces, form or "plain", unit, options.language(lang))
    for line in printed:
        click.echo(line)
    return 0


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


def _kept(against: str | None, compared: tuple[str, ...]) -> dict[str, object]:
    """What the pages of two sentences and of several cells find kept, by page."""
    if compared:
        return {"lockstep": compared}
    if against is None:
        return {}
    from rnnviz.tui.pages.against import Second

    return {"against": Second(against)}


def _switch(query: Query, trace: Trace) -> tuple[str, ...]:
    """The models behind the number keys: those that can read the same text."""
    return hand.switch(query.model, SWITCH) if trace.series is None else ()


def _on_screen() -> bool:
    return options.stdout_is_terminal()


def _model(model: str | None, cell: str | None) -> str:
    from rnnviz.store import DEFAULT

    if _asked(model) and cell:
        raise UsageError("Give --model or --cell, not both.")
    return f"sentiment-{cell}" if cell else model or DEFAULT


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
    return sys.stdin.buffer.read().decode("utf-8", errors="replace")


def _piped() -> bool:
    """Whether stdin is a pipe or a file: /dev/null and a terminal have nothing to say."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError, AttributeError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)


def _writable(path: Path) -> None:
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent}. Make it first: mkdir -p {path.parent}")


def _screen(
    read: Any,
    query: Query,
    trace: Trace,
    at: int | None,
    unit: int | None,
    lang: str,
    theme: str | None,
    color: str,
    screenshot: Path | None,
    size: str,
    view: str | None,
    kept: dict[str, object],
) -> int:
    colour = options.use_colour(color)
    # Textual takes any NO_COLOR, even an empty one, as "greys"; the decision is made here.
    os.environ.pop("NO_COLOR", None)
    from rnnviz.tui.app import RnnvizApp

    app = RnnvizApp(
        read, query, trace, switch=_switch(query, trace), lang=lang, theme=theme or "dark",
        t=(at or 1) - 1, unit=unit, colour=colour, ascii_only=not options.unicode(),
        explore=read, page=_page(view), kept=kept,
    )  # fmt: skip
    if screenshot is not None:
        if screenshot.suffix.lower() != ".svg":
            raise UsageError(
                f"--screenshot writes SVG; name a file that ends in .svg: {screenshot}"
            )
        import asyncio

        from rnnviz.tui.app import screenshot as draw

        _writable(screenshot)
        asyncio.run(draw(app, screenshot, _size(size)))
        return 0
    if not sys.stdin.isatty():
        # The sentence came through a pipe; the keys come from the terminal.
        terminal = os.open("/dev/tty", os.O_RDWR)
        os.dup2(terminal, 0)
    app.run()
    return app.return_code or 0


def _page(view: str | None) -> str:
    from rnnviz.errors import nearest
    from rnnviz.tui.pages import PAGES

    names = [entry.name for entry in PAGES]
    if view is not None and view not in names:
        raise UsageError(
            f"There is no view {view!r}.{nearest(view, names)} Views: {', '.join(names)}."
        )
    return view or ""


def _size(size: str) -> tuple[int, int]:
    try:
        width, height = (int(part) for part in size.lower().split("x"))
        if 20 <= width <= 500 and 5 <= height <= 300:
            return width, height
    except ValueError:
        pass
    raise UsageError(f"--size {size}: expected WIDTHxHEIGHT in characters, for example 120x36.")


def _printed(trace: Trace, form: str, unit: int | None, lang: str) -> Iterator[str]:
    if form == "json":
        yield json.dumps(trace.to_json(), ensure_ascii=False)
    elif form == "jsonl":
        yield from _jsonl(trace)
    elif form == "csv":
        yield from _csv(trace)
    else:
        from rnnviz.cli.plain import lines

        yield from lines(trace, trace.leading_unit() if unit is None else unit, lang)
        yield from hand.plain(trace, lang)


def _jsonl(trace: Trace) -> Iterator[str]:
    """One object a token, in the order of the text."""
    whole = trace.to_json()
    for t, token in enumerate(trace.tokens):
        layers = [
            {
                **{key: layer[key] for key in ("name", "cell", "units", "direction")},
                "mask": layer["mask"][t],
                "values": {name: rows[t] for name, rows in layer["values"].items()},
                "grads": {name: rows[t] for name, rows in layer["grads"].items()},
                "reach": layer["reach"][t],
            }
            for layer in whole["layers"]
        ]
        record = {
            "schema": whole["schema"], "model": trace.model, "t": t, "token": token,
            "id": trace.ids[t], "unknown": trace.unknown[t], "layers": layers,
            "readout": whole["head"]["readout"][t],
        }  # fmt: skip
        if trace.clamps:
            record["clamps"] = whole["clamps"]
        if trace.series is not None:
            record["forecast"] = whole["series"]["degrees"]["readout"][t]
        yield json.dumps(record, ensure_ascii=False)


def _csv(trace: Trace) -> Iterator[str]:
    """``t,token,layer,name,unit,value,grad``: one row per token × name × unit."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="")

    def row(*cells: object) -> str:
        buffer.seek(0)
        buffer.truncate()
        writer.writerow(cells)
        return buffer.getvalue()

    yield row("t", "token", "layer", "name", "unit", "value", "grad")
    for layer in trace.layers:
        for t, token in enumerate(trace.tokens):
            for name in layer.recorded:
                pairs = zip(layer.values[name][t], layer.grads[name][t], strict=True)
                for unit, (value, grad) in enumerate(pairs):
                    yield row(t, token, layer.name, name, unit, float(value), float(grad))
