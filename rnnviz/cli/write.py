"""``rnnviz write``: text from a net that writes."""

from __future__ import annotations

from typing import Any

import click

from rnnviz.cli import completions, options, stdout
from rnnviz.cli.commands import LocalizedCommand
from rnnviz.cli.stderr import say
from rnnviz.display import json_text, visible
from rnnviz.messages import N_, _

#: The most characters that are written at once.
MOST = 1_000_000
DEFAULT_MODEL = "shakespeare-lstm"

HELP = N_("""\
Write text with a net, one character after the other.

Each one is drawn from the probabilities that the net gives after everything before it. A higher
temperature makes the unlikely more likely; 0 always takes the likeliest.

\b
Examples:
  rnnviz write --start "ROMEO:" --length 300
  rnnviz write -m names-lstm --length 80 --temperature 0.8
  rnnviz write -m names-lstm --start al --seed 3 --json | jq .tokens
""")


class Temperature(click.FloatRange):
    """A temperature from 0 to 100; not ``nan``."""

    def __init__(self) -> None:
        super().__init__(0, 100)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number, or an error with the range."""
        number = float(super().convert(value, param, ctx))
        if number != number:
            self.fail(_("{value} is not in the range 0<=x<=100.").format(value=value), param, ctx)
        return number


@click.command("write", cls=LocalizedCommand, help=HELP)
@click.option(
    "-m",
    "--model",
    envvar="RNNVIZ_MODEL",
    metavar="NAME",
    default=DEFAULT_MODEL,
    show_default=True,
    shell_complete=completions.models,
    help=N_("A model that writes, last (the newest run), or a run's path."),
)
@click.option("--start", default="", metavar="TEXT", help=N_("What the net reads first."))
@click.option(
    "--length",
    type=click.IntRange(1, MOST),
    default=300,
    show_default=True,
    metavar="N",
    help=N_("How many characters it writes."),
)
@click.option(
    "--temperature",
    type=Temperature(),
    default=1.0,
    show_default=True,
    metavar="X",
    help=N_("Divides the logits; 0 takes the likeliest character."),
)
@click.option("--top-k", type=click.IntRange(1, 1_000_000), metavar="K",
              help=N_("Draw among the K likeliest characters only."))  # fmt: skip
@click.option("--seed", type=options.SEED, help=N_("The same seed writes the same text."))
@click.option("--json", "as_json", is_flag=True, help=N_("Print one JSON document."))
@options.lang
@click.option("-q", "--quiet", is_flag=True, help=N_("Say nothing on stderr."))
@options.debug  # fmt: skip
def command(
    model: str, start: str, length: int, temperature: float, top_k: int | None, seed: int | None,
    as_json: bool, lang: str | None, quiet: bool,
) -> int:  # fmt: skip
    """Write, character by character."""
    import numpy as np

    from rnnviz.tracer.model_cache import cached_model
    from rnnviz.tracer.text_writer import TextWriter

    if seed is None:
        seed = int(np.random.default_rng().integers(2**31))
    writer = TextWriter(cached_model(model), temperature=temperature, top_k=top_k, seed=seed)
    writer.read(start)
    if not quiet:
        _say_left_out(writer.stored.vocabulary, start)
    if as_json:
        _print_document(writer, start, seed, length)
        return 0
    stdout.piece(start)
    separator = writer.separator if start else ""
    for written in writer.write(length):
        stdout.piece(separator + written.token)
        separator = writer.separator
    stdout.piece("\n")
    if not quiet:
        say(_("To write this again: --seed {seed}").format(seed=seed))
    return 0


def _say_left_out(vocabulary: Any, start: str) -> None:
    """Name the characters of the start that the net does not know."""
    unknown = sorted({token for token in vocabulary.tokenize(start) if not vocabulary.known(token)})
    if unknown:
        listed = " ".join(map(visible, unknown[:20]))
        say(_("Left out, since the net does not know them: {listed}").format(listed=listed))


def _print_document(writer: Any, start: str, seed: int, length: int) -> None:
    """Print the document token by token: a million of them do not fit into memory as objects."""
    head = {
        "schema": "rnnviz.writing/1",
        "model": writer.stored.name,
        "start": start,
        "temperature": writer.temperature,
        "top_k": writer.top_k,
        "seed": seed,
    }
    tokens, before = [], json_text(head)[:-1] + ', "tokens": ['
    for each in writer.write(length):
        tokens.append(each.token)
        record = {
            "token": each.token,
            "id": each.id,
            "probability": each.probability,
            "surprise": each.surprise,
            "best": [{"token": token, "probability": p} for token, p in each.best],
        }
        stdout.piece(before + json_text(record))
        before = ", "
    stdout.piece("], " + json_text({"text": writer.separator.join(tokens)})[1:] + "\n")
