"""``rnnviz models export``: a model as a file of rnnviz or of another framework."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnnviz.cli import completions, options, stderr, stdout
from rnnviz.errors import UsageError

if TYPE_CHECKING:
    from rnnviz.model_files import StoredModel

HELP = """Write model NAME to FILE, to keep, to hand out or for another framework.

The ending of FILE says which:

\b
  .json, none        FILE.json and FILE.safetensors of rnnviz (float16)
  .keras             Keras 3: the net, its weights and its words
  .h5                Keras, legacy HDF5: the net and its weights
  .weights.h5        Keras 3: the weights
  .pt .pth           PyTorch: the state dict
  .npz               NumPy: the arrays of the state dict
  .onnx              ONNX: the net and its weights

A file of .safetensors is written as for .json, or with --layout pytorch as the state dict.
"""


@click.command("export", help=HELP)
@click.argument("name", shell_complete=completions.models)
@click.argument("file", type=options.output_file())
@click.option("--words", type=click.IntRange(1), metavar="N",
              help="Keep the N most frequent words; the others become unknown.")  # fmt: skip
@click.option("--layout", type=options.Choice(("rnnviz", "pytorch")), default="rnnviz",
              help="Of .safetensors: names and shapes of the arrays.")  # fmt: skip
@click.option("--vocab", is_flag=True,
              help="Write the words, too, one a line, to FILE.vocab.txt.")  # fmt: skip
@options.debug
def command(name: str, file: Path, words: int | None, layout: str, vocab: bool) -> None:
    """Write the files and print their paths; what was converted goes to stderr."""
    from rnnviz.interop.export.formats import format_of

    key = format_of(file.name)
    if layout == "pytorch":
        if file.suffix != ".safetensors":
            raise UsageError("--layout pytorch is of a FILE.safetensors.")
        key = "safetensors"
    if key is not None:
        _for_framework(name, file, key, words, vocab)
        return
    from rnnviz.runs import export

    if vocab:
        raise UsageError("--vocab: FILE.json holds the words already.")
    path = _json_of(file)
    export(name, path, words)
    stdout.path(path)


def _for_framework(name: str, file: Path, key: str, words: int | None, vocab: bool) -> None:
    from rnnviz.files import require_distinct, write_output
    from rnnviz.interop.export.formats import FORMATS, notes, written
    from rnnviz.model_files import load, locate
    from rnnviz.runs.export import truncate_vocabulary

    outputs = {"The model": file}
    if vocab:
        outputs["Its vocabulary"] = vocabulary_file(file)
    require_distinct(outputs, locate(name))
    stored = load(name)
    stored = stored if words is None else truncate_vocabulary(stored, words)
    known = _words(stored)
    if vocab and known is None:
        raise UsageError(f"--vocab: {stored.name} has no vocabulary.")
    model = stored.model
    data = written(stored.name, model.spec, model.params, key, known)
    write_output(file, data)
    if vocab and known is not None:
        write_output(vocabulary_file(file), "\n".join(known) + "\n")
    for path in outputs.values():
        stdout.path(path)
    inside = " with the words in assets/vocabulary.txt" if key == "keras" and known else ""
    stderr.say(f"{FORMATS[key].title}{inside}, {len(data):,} bytes, float32")
    for note in notes(model.spec, key):
        stderr.say(note)


def vocabulary_file(file: Path) -> Path:
    """FILE.vocab.txt for FILE.pt: the words by id, one a line."""
    return file.with_name(f"{file.name.split('.')[0] or file.name}.vocab.txt")


def _words(stored: StoredModel) -> tuple[str, ...] | None:
    from rnnviz.data.vocabulary import Vocabulary

    return stored.encoder.words if isinstance(stored.encoder, Vocabulary) else None


def _json_of(file: Path) -> Path:
    """FILE.json, for FILE with or without its ending; UsageError if it cannot be two files."""
    from rnnviz.files import require_writable

    if not file.name or file.name == "..":
        raise UsageError("FILE has no name. Type for example: rnnviz models export NAME mine.json")
    if require_writable(file) is not None and not file.is_file():
        raise UsageError(f"{file} is no file, and export writes two: name FILE.json.")
    ending = file.suffix in (".json", ".safetensors")
    return file.with_suffix(".json") if ending else file.with_name(f"{file.name}.json")
