"""``rnnviz models export``: a model as a file of rnnviz or of another framework."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from rnnviz.cli import completions, options, stderr, stdout
from rnnviz.cli.commands import Choice, LocalizedCommand
from rnnviz.display import json_text
from rnnviz.errors import UsageError
from rnnviz.files import require_distinct, require_writable, write_output
from rnnviz.messages import N_, _, translated

if TYPE_CHECKING:
    from rnnviz.data.vocabulary import Vocabulary
    from rnnviz.model_files import StoredModel

#: The endings of the two files of rnnviz.
OWN_ENDINGS: Final = (".json", ".safetensors")

HELP = N_("""Write model NAME to FILE, to keep, to hand out or for another framework.

The ending of FILE says which:

\b
  .json, none        FILE.json and FILE.safetensors of rnnviz (float16)
  .keras             Keras 3: the net, its weights and its words
  .h5                Keras, legacy HDF5: the net and its weights
  .weights.h5        Keras 3: the weights
  .pt .pth           PyTorch: the state dict
  .npz               NumPy: the arrays of the state dict
  .onnx              ONNX: the net and its weights

--layout names the arrays of .safetensors and .npz as rnnviz or as PyTorch does. --code prints a
program that rebuilds the net, loads FILE and runs it; without FILE nothing is written.

\b
Examples:
  rnnviz models export sentiment-lstm net.keras
  rnnviz models export sentiment-gru net.pt --vocab
  rnnviz models export agnews-bilstm net.pt --code pytorch > net.py
""")


@click.command("export", cls=LocalizedCommand, help=HELP)
@click.argument("name", shell_complete=completions.models)
@click.argument("file", type=options.output_file(str), required=False)
@click.option("--words", type=click.IntRange(1), metavar="N",
              help=N_("Keep the N most frequent words; the others become unknown."))  # fmt: skip
@click.option("--layout", type=Choice(("rnnviz", "pytorch")),
              help=N_("Names and shapes in .safetensors (rnnviz by default) and .npz (pytorch)."),
              )  # fmt: skip
@click.option("--vocab", is_flag=True,
              help=N_("Write the words, too, one a line, to FILE.vocab.txt."))  # fmt: skip
@click.option("--scaling", is_flag=True,
              help=N_("Of a model of a series: write mean and deviation of its columns, too, "
                      "to FILE.scaling.json."))  # fmt: skip
@click.option("--code", type=Choice(("keras", "pytorch", "jax")),
              help=N_("Print a program that rebuilds the net and loads FILE."))  # fmt: skip
@options.debug
def command(
    name: str, file: str | None, words: int | None, layout: str | None, vocab: bool,
    scaling: bool, code: str | None,
) -> None:  # fmt: skip
    """Write the files and print their paths, or the program; the rest goes to stderr."""
    if file is None and code is None:
        raise UsageError(
            _("Name a FILE: rnnviz models export NAME FILE.keras, or .pt, .onnx, .json")
        )
    output = None if file is None else _output(file)
    key = _format(output, layout, code)
    if key is not None:
        _for_framework(name, output, key, words, vocab, scaling, code)
        return
    from rnnviz.runs import export

    assert output is not None
    if vocab or scaling:
        said = _("--vocab: FILE.json holds the words already.") if vocab else (
            _("--scaling: FILE.json holds the scaling already.")
        )  # fmt: skip
        raise UsageError(said)
    path = _json_of(output)
    export(name, path, words)
    weights = path.with_suffix(".safetensors")
    stderr.say(
        _("files of rnnviz: {name} and its weights {weights}, float16").format(
            name=path.name, weights=weights.name
        )
    )
    stdout.path(path)


def _output(file: str) -> Path:
    """The path of FILE; UsageError for a folder."""
    if file.endswith(("/", os.sep)) and Path(file).name:
        raise UsageError(
            _("{file} is a folder. Name a file in it: {file}NAME.keras").format(file=file)
        )
    return Path(file)


def _format(file: Path | None, layout: str | None, code: str | None) -> str | None:
    """The format that is written, None for the two files of rnnviz; UsageError for no such one."""
    from rnnviz.interop.export.formats import FORMATS, format_of
    from rnnviz.interop.export.programs import PROGRAMS

    key = PROGRAMS[code].formats[0] if file is None and code is not None else None
    if file is not None:
        key = format_of(file.name)
        if file.suffix == ".safetensors" and (layout == "pytorch" or code == "pytorch"):
            key = "safetensors"
        elif key == "npz" and (layout == "rnnviz" or (code == "jax" and layout is None)):
            key = "npz-rnnviz"
        elif layout is not None and file.suffix not in (".safetensors", ".npz"):
            raise UsageError(_("--layout is of a FILE.safetensors or a FILE.npz."))
        elif key is None and _is_ending(file.suffix):
            known = (*OWN_ENDINGS, *(e for form in FORMATS.values() for e in form.endings))
            raise UsageError(
                _("{name} has no ending of a model file. They are: {endings}").format(
                    name=file.name, endings=" ".join(known)
                )
            )
    if code is not None and key not in PROGRAMS[code].formats:
        raise UsageError(
            _("--code {code} loads a FILE{ending}.").format(code=code, ending=PROGRAMS[code].ending)
        )
    return key


def _is_ending(suffix: str) -> bool:
    """Whether a name ends in what looks like another format's ending; v1.2 does not."""
    return suffix[1:2].isalpha() and suffix not in OWN_ENDINGS


def _for_framework(
    name: str, file: Path | None, key: str, words: int | None, vocab: bool, scaling: bool,
    code: str | None,
) -> None:  # fmt: skip
    from rnnviz.data.series import Scaling
    from rnnviz.interop.export.formats import FORMATS, written
    from rnnviz.interop.export.keras_files import one_a_line
    from rnnviz.model_files import load, locate
    from rnnviz.runs.export import truncate_vocabulary

    outputs = {} if file is None else {_("The model"): file}
    if vocab and file is not None:
        outputs[_("Its vocabulary")] = beside(file, ".vocab.txt")
    if scaling and file is not None:
        outputs[_("Its scaling")] = beside(file, ".scaling.json")
    require_distinct(outputs, locate(name))
    stored = load(name)
    stored = stored if words is None else truncate_vocabulary(stored, words)
    known = _words(stored)
    if vocab and known is None:
        raise UsageError(_("--vocab: {name} has no vocabulary.").format(name=stored.name))
    if vocab and known is not None and not one_a_line(known.words):
        raise UsageError(
            _(
                "--vocab: a word of {name} has a line break in it, so the words cannot stand "
                "one a line. Files of .keras and .json hold them."
            ).format(name=stored.name)
        )
    if scaling and not isinstance(stored.encoder, Scaling):
        raise UsageError(
            _("--scaling: {name} reads no series, and scales nothing.").format(name=stored.name)
        )
    model = stored.model
    text = None if code is None else _program(stored, code, file)
    if file is not None:
        data = written(stored.name, model.spec, model.params, key, known)
        write_output(file, data)
        if vocab and known is not None:
            write_output(outputs[_("Its vocabulary")], "\n".join(known.words) + "\n")
        if scaling and isinstance(stored.encoder, Scaling):
            document = json_text(stored.encoder.to_json(), indent=1)
            write_output(outputs[_("Its scaling")], f"{document}\n")
        inside = (
            " " + _("with the words in assets/vocabulary.json")
            if key == "keras" and known is not None
            else ""
        )
        stderr.say(
            _("{what}, {count:,} bytes, float32").format(
                what=translated(FORMATS[key].title) + inside, count=len(data)
            )
        )
        for note in _notes(stored, key, code, scaling):
            stderr.say(note)
    if text is not None:
        stdout.data(text.removesuffix("\n"))
    else:
        for path in outputs.values():
            stdout.path(path)


def _notes(stored: StoredModel, key: str, code: str | None, scaling: bool) -> Iterator[str]:
    """What was converted on the way into a file, and what the file does not hold."""
    from rnnviz.data.series import Scaling
    from rnnviz.interop.export.formats import notes
    from rnnviz.interop.export.programs import PROGRAMS

    converted, missing = notes(stored.model.spec, key)
    yield from converted
    if missing:
        programs = [name for name, kind in PROGRAMS.items() if key in kind.formats]
        said = _("not in the file: {names}").format(names=", ".join(map(translated, missing)))
        if programs and code is None:
            said += "; " + _("--code {name} prints the program").format(name=programs[0])
        yield said
    if isinstance(stored.encoder, Scaling) and not scaling:
        yield (
            _(
                "not in the file: mean and deviation of the columns, by which its inputs are "
                "scaled and its forecast is turned into a measurement; --scaling writes them"
            )
        )


def _program(stored: StoredModel, code: str, file: Path | None) -> str:
    """The program for the example of a model."""
    from rnnviz.data.vocabulary import Vocabulary
    from rnnviz.interop.export.example import program_example
    from rnnviz.interop.export.programs import PROGRAMS, program

    ids = None
    if isinstance(stored.encoder, Vocabulary):
        ids = padded(stored, stored.encoder.read(stored.example)[1])
    example = program_example(stored.model, ids, stored.example)
    known = str(file) if file is not None else f"{stored.name}{PROGRAMS[code].ending}"
    return program(code, stored.name, stored.model.spec, known, example)


def padded(stored: StoredModel, ids: list[int]) -> list[int]:
    """The ids as the net reads them: at its fixed length, where it reads padding."""
    from rnnviz.data.batches import pad_sequences

    encoding = stored.vocabulary.encoding
    if encoding.length is None or stored.masks:
        return ids
    found: list[int] = pad_sequences([ids], encoding.length, encoding.padding)[:, 0].tolist()
    return found


def beside(file: Path, ending: str) -> Path:
    """FILE.vocab.txt or FILE.scaling.json for FILE.pt."""
    return file.with_name(f"{file.name.split('.')[0] or file.name}{ending}")


def _words(stored: StoredModel) -> Vocabulary | None:
    from rnnviz.data.vocabulary import Vocabulary

    return stored.encoder if isinstance(stored.encoder, Vocabulary) else None


def _json_of(file: Path) -> Path:
    """FILE.json, for FILE with or without its ending; UsageError if it cannot be two files."""
    if not file.name or file.name == "..":
        raise UsageError(
            _("FILE has no name. Type for example: rnnviz models export NAME mine.json")
        )
    if require_writable(file) is not None and not file.is_file():
        raise UsageError(
            _("{file} is no file, and export writes two: name FILE.json.").format(file=file)
        )
    ending = file.suffix in OWN_ENDINGS
    return file.with_suffix(".json") if ending else file.with_name(f"{file.name}.json")
