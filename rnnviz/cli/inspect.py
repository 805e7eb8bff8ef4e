"""``rnnviz inspect``: what is in a model file, gate by gate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from rnnviz.cli import options, stdout
from rnnviz.cli.import_options import import_options, to_import_options
from rnnviz.cli.tables import print_table, print_text
from rnnviz.errors import UsageError
from rnnviz.files import invalid_file_on_error, open_regular, user_path


@click.command("inspect")
@click.argument("file", type=click.Path(path_type=Path))
@import_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@options.debug
def command(file: Path, as_json: bool, **said: Any) -> None:
    """Show what is in a model FILE of Keras, TensorFlow.js, PyTorch, ONNX, safetensors or NumPy.

    Every tensor with its layer, direction and gate, parameter counts with their arithmetic, and
    what rnnviz step would do with it. The format is found by the bytes, not by the name. Nothing
    in the file is run, and no framework is needed.
    """
    from rnnviz.interop.description import describe
    from rnnviz.interop.detection import MAX_BYTES, read_contents

    path = user_path(file)
    if not path.exists():
        raise UsageError(f"There is no file {path}. Name a model file: rnnviz inspect FILE")
    with invalid_file_on_error(path, "model file"):
        contents = read_contents(path, to_import_options(said))
        with open_regular(path, MAX_BYTES) as opened:
            size = opened.seek(0, 2)
        document = describe(contents, size)
    if as_json:
        stdout.document(document)
        return
    _print_head(document)
    _print_layers(document)
    _print_tensors(document)
    _print_remarks(document)
    _print_nets(document)


def _print_head(document: dict[str, Any]) -> None:
    version = f" {document['version']}" if document["version"] else ""
    stdout.lines(f"{document['file']}: {document['format']}{version}, {document['bytes']:,} bytes")
    count = document["parameters"]
    tensors = len(document["tensors"])
    stdout.lines(f"{tensors} tensors; {count:,} parameters in the layers below")
    if (vocabulary := document["vocabulary"]) is not None:
        first = ", ".join(repr(word) for word in vocabulary["first"])
        print_text(
            f"vocabulary: {vocabulary['words']:,} entries in {vocabulary['where']}: {first} …"
        )
    if document["labels"]:
        print_text(f"labels: {', '.join(document['labels'])}")


def _print_layers(document: dict[str, Any]) -> None:
    if not document["layers"]:
        return
    rows = [("layer", "kind", "reads", "parameters")]
    rows += [
        (each["name"], each["kind"], ", ".join(each["reads"]) or "-", each["arithmetic"] or "-")
        for each in document["layers"]
    ]
    stdout.lines()
    print_table(rows)
    biases = [("layer", "direction", "gate", "mean bias", "saturated by its bias")]
    for each in document["layers"]:
        for bias in each.get("biases", ()):
            share = "-" if bias["saturated"] is None else f"{bias['saturated']:.0%}"
            biases.append(
                (each["name"], bias["direction"], bias["gate"] or "-", f"{bias['mean']:.3f}", share)
            )
    if len(biases) > 1:
        stdout.lines()
        print_table(biases, right=("mean bias", "saturated by its bias"))


def _print_tensors(document: dict[str, Any]) -> None:
    if not document["tensors"]:
        return
    rows = [("tensor", "shape", "type", "what it is", "min", "max", "norm")]
    for each in document["tensors"]:
        shape = " × ".join(map(str, each["shape"])) or "1 number"
        rows.append(
            (
                each["name"],
                shape,
                each["dtype"],
                role_text(each["role"], len(each["shape"])),
                *_numbers(each),
            )
        )
    stdout.lines()
    print_table(rows, right=("min", "max", "norm"))


def _numbers(tensor: dict[str, Any]) -> tuple[str, str, str]:
    found = tensor["statistics"]
    if found is None or found["min"] is None:
        return ("-", "-", "-")
    bad = f" ({found['not_finite']:,} not finite)" if found["not_finite"] else ""
    return (f"{found['min']:.4g}", f"{found['max']:.4g}", f"{found['norm']:.4g}{bad}")


#: What the letters of gates stand for.
GATES = {
    "i": "input gate", "f": "forget gate", "o": "output gate", "g": "candidate",
    "z": "update gate", "r": "reset gate",
}  # fmt: skip


def role_text(role: dict[str, Any] | None, axes: int = 2) -> str:
    """A role as one line: ``lstm_1, kernel; columns 0–31: input gate i, … (Keras order i f c o)``.

    ``axes`` is the number of axes of the tensor.
    """
    if role is None:
        return "-"
    where = f"{role['layer']}, {role['direction']} {role['part']}" if role["direction"] else (
        f"{role['layer']}, {role['part']}"
    )  # fmt: skip
    gates = [gate for gate in role["gates"] if gate["gate"]]
    if not gates:
        return where
    axis = "numbers" if axes == 1 else ("rows", "columns")[role["axis"]] if axes == 2 else (
        f"axis {role['axis']},"
    )  # fmt: skip
    ranges = ", ".join(
        f"{each['start']}–{each['stop'] - 1}: {GATES.get(each['gate'], 'gate')} {each['gate']}"
        for each in gates
    )
    order = f" ({role['order']})" if role["order"] else ""
    return f"{where}; {axis} {ranges}{order}"


def _print_remarks(document: dict[str, Any]) -> None:
    for title, lines in (
        ("Converted", document["conversions"]),
        ("Not in the file, and assumed", [
            f"{a['what']}: {a['value']} ({a['reason']}). Otherwise: {a['option']}"
            for a in document["assumptions"]
        ]),
        ("Ignored", [f"{each['name']}: {each['reason']}" for each in document["ignored"]]),
    ):  # fmt: skip
        if lines:
            stdout.lines("", f"{title}:")
            for line in lines:
                print_text(f"  {line}")


def _print_nets(document: dict[str, Any]) -> None:
    stdout.lines()
    if document["refusal"]:
        print_text(f"It cannot be stepped through: {document['refusal']}")
        return
    nets = document["nets"]
    if not nets:
        print_text("It cannot be stepped through: no recurrent layer was found in it.")
        return
    name = document["file"]
    for net in nets:
        of = " → ".join(net["operations"])
        option = f" --part {net['name']}" if net["name"] else ""
        print_text(f"rnnviz step -m {name}{option}: {of}")
        if net["missing"]:
            print_text(f"  without {_few(net['missing'])}")
        for note in net["notes"]:
            print_text(f"  {note}")


def _few(names: list[str], most: int = 12) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
