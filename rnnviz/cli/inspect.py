"""``rnnviz inspect``: what is in a model file, gate by gate."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from rnnviz.cli import completions, options, stderr, stdout
from rnnviz.cli.commands import LocalizedCommand
from rnnviz.cli.import_options import import_options, to_import_options
from rnnviz.cli.tables import print_table, print_text
from rnnviz.display import visible
from rnnviz.files import invalid_file_on_error, open_regular, user_path
from rnnviz.messages import N_, _, translated

#: A longer list of layers leaves out operations without numbers.
_MOST_LAYERS = 24
#: What operations without weights are called, in lower case.
_WITHOUT_NUMBERS = frozenset(
    "abs add cast ceil clip concat constant constantofshape div dropout equal erf exp expand "
    "flatten floor gather identity if laststep less log max min mul neg not pad pow range "
    "reducemax reducemean reducemin reducesum relu reshape shape sigmoid sign slice softmax "
    "softplus split sqrt squeeze sub tanh tile transpose unsqueeze where".split()
)


INSPECT_HELP = N_("""\
Show what is in a model FILE of Keras, TensorFlow.js, PyTorch, ONNX, safetensors or NumPy.

Every tensor with its layer, direction and gate, parameter counts with their arithmetic, and
what rnnviz step would do with it. The format is found by the bytes, not by the name. Nothing
in the file is run, and no framework is needed. Of a model of rnnviz, also by its NAME, it is
the weight file.
""")


@click.command("inspect", cls=LocalizedCommand, help=INSPECT_HELP)
@click.argument("file", metavar="FILE|NAME", shell_complete=completions.models)
@import_options
@click.option("--json", "as_json", is_flag=True, help=N_("Print one JSON document."))
@options.debug
def command(file: str, as_json: bool, **said: Any) -> None:
    """Show what is in a model FILE of Keras, TensorFlow.js, PyTorch, ONNX, safetensors or NumPy."""
    from rnnviz.interop.detection import MAX_BYTES, read_contents

    path, own = _weight_file(file)
    with invalid_file_on_error(path, _("model file")):
        chosen = to_import_options(said)
        contents = read_contents(path, chosen)
        # Not earlier: a reader starts a process before NumPy is imported here.
        from rnnviz.interop.description import describe
        from rnnviz.interop.unused_options import unused_options

        unused = unused_options(path, chosen, contents)
        with open_regular(path, MAX_BYTES) as opened:
            size = opened.seek(0, 2)
        document = describe(contents, size)
    for option in unused:
        stderr.say(_("{option}: nothing in this file asks for it").format(option=option))
    if as_json:
        stdout.document(document)
        return
    _print_head(document)
    _print_layers(document)
    _print_tensors(document)
    if own:
        stdout.lines("", _("Activations, connections, words and labels are in its JSON file:"))
        stdout.lines(visible(f"rnnviz models show {shlex.quote(own)}"))
        stdout.lines(visible(f"rnnviz step -m {shlex.quote(own)}"))
        return
    _print_remarks(document)
    _print_nets(document)


def _weight_file(name: str) -> tuple[Path, str]:
    """The file that is read, and the name of the model of rnnviz that it belongs to, or "".

    UsageError where there is neither a file nor a model of that name.
    """
    path = user_path(name)
    if path.is_file() and path.suffix != ".json":
        return path, ""
    if path.exists() and not path.is_file() and not path.is_dir():
        return path, ""  # a pipe or a device; opening it says so
    # Not earlier: the reader of a file may start a process before NumPy is imported.
    from rnnviz.lookup import locate
    from rnnviz.model_files.loader import is_own

    record, weights = locate(name)
    if path.is_file() and not weights.is_file():
        return path, ""
    return (weights, name) if is_own(record, weights) else (record, "")


def _print_head(document: dict[str, Any]) -> None:
    version = f" {document['version']}" if document["version"] else ""
    stdout.lines(
        _("{file}: {format}, {count:,} bytes").format(
            file=document["file"],
            format=translated(document["format"]) + version,
            count=document["bytes"],
        )
    )
    tensors = _("{count} tensors with {numbers:,} numbers").format(
        count=len(document["tensors"]), numbers=document["numbers"]
    )
    if document["nets"]:
        count = document["stepped_parameters"]
        said = _("{count:,} parameters in layers that can be stepped through")
        tensors += "; " + said.format(count=count)
    stdout.lines(tensors)
    if any(each["statistics"] is None for each in document["tensors"]) and document["refusal"]:
        stdout.lines(
            _("values not read, so without min, max and norm: the file is refused, see below")
        )
    if (vocabulary := document["vocabulary"]) is not None:
        first = ", ".join(repr(word) for word in vocabulary["first"])
        print_text(
            _("vocabulary: {count:,} entries in {where}: {first} …").format(
                count=vocabulary["words"], where=translated(vocabulary["where"]), first=first
            )
        )
    if document["labels"]:
        print_text(_("labels: {names}").format(names=", ".join(document["labels"])))


def _print_layers(document: dict[str, Any]) -> None:
    if not document["layers"]:
        return
    rows = [(_("layer"), _("kind"), _("reads"), _("parameters"))]
    shown = _shown_layers(document["layers"])
    rows += [
        (
            each["name"],
            translated(each["kind"]),
            ", ".join(each["reads"]) or "-",
            each["arithmetic"] or "-",
        )
        for each in shown
    ]
    stdout.lines()
    print_table(rows)
    if hidden := len(document["layers"]) - len(shown):
        stdout.lines(
            _("and {count} operations without numbers (--json lists them)").format(count=hidden)
        )
    biases = [(_("layer"), _("direction"), _("gate"), _("mean bias"), _("saturated by its bias"))]
    for each in document["layers"]:
        for bias in each.get("biases", ()):
            share = "-" if bias["saturated"] is None else f"{bias['saturated']:.0%}"
            biases.append(
                (
                    each["name"],
                    translated(bias["direction"]),
                    bias["gate"] or "-",
                    f"{bias['mean']:.3f}",
                    share,
                )
            )
    if len(biases) > 1:
        stdout.lines()
        print_table(biases, right=biases[0][3:])


def _shown_layers(layers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The layers of the table: of a long list none without numbers, save between recurrent ones."""
    if len(layers) <= _MOST_LAYERS:
        return layers
    recurrent = {each["name"] for each in layers if "biases" in each}
    reads = {each["name"]: each["reads"] for each in layers}
    readers: dict[str, list[str]] = {}
    for name, below in reads.items():
        for each in below:
            readers.setdefault(each, []).append(name)
    between = _reached(recurrent, reads) & _reached(recurrent, readers)
    return [
        each for each in layers
        if each["name"] in between or each["kind"].lower() not in _WITHOUT_NUMBERS
    ]  # fmt: skip


def _reached(names: set[str], ways: Mapping[str, list[str]]) -> set[str]:
    """Everything that can be reached from names, they themselves not counted as a beginning."""
    found: set[str] = set()
    ahead = [each for name in names for each in ways.get(name, ())]
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += ways.get(name, ())
    return found


def _print_tensors(document: dict[str, Any]) -> None:
    if not document["tensors"]:
        return
    rows = [(_("tensor"), _("shape"), _("type"), _("what it is"), "min", "max", _("norm"))]
    for each in document["tensors"]:
        shape = " × ".join(map(str, each["shape"])) or _("1 number")
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
    print_table(rows, right=rows[0][4:])


def _numbers(tensor: dict[str, Any]) -> tuple[str, str, str]:
    found = tensor["statistics"]
    if found is None or found["min"] is None:
        return ("-", "-", "-")
    bad = ""
    if found["not_finite"]:
        bad = " " + _("({count:,} not finite)").format(count=found["not_finite"])
    return (f"{found['min']:.4g}", f"{found['max']:.4g}", f"{found['norm']:.4g}{bad}")


#: What the letters of gates stand for.
GATES = {
    "i": N_("input gate"), "f": N_("forget gate"), "o": N_("output gate"), "g": N_("candidate"),
    "z": N_("update gate"), "r": N_("reset gate"),
}  # fmt: skip


def role_text(role: dict[str, Any] | None, axes: int = 2) -> str:
    """A role as one line: ``lstm_1, kernel; columns 0–31: input gate i, … (Keras order i f c o)``.

    ``axes`` is the number of axes of the tensor.
    """
    if role is None:
        return "-"
    what = translated(role["part"])
    if role["direction"]:
        what = f"{translated(role['direction'])} {what}"
    where = f"{role['layer']}, {what}"
    gates = [gate for gate in role["gates"] if gate["gate"]]
    order = f" ({translated(role['order'])})" if role["order"] else ""
    if not gates:
        return where + order
    axis = _("axis {number},").format(number=role["axis"])
    if axes <= 2:
        axis = _("numbers") if axes == 1 else (_("rows"), _("columns"))[role["axis"]]
    ranges = ", ".join(
        f"{each['start']}–{each['stop'] - 1}: {_gate_text(each['gate'])}" for each in gates
    )
    return f"{where}; {axis} {ranges}{order}"


def _gate_text(gate: str) -> str:
    return f"{translated(GATES[gate]) if gate in GATES else _('gate')} {gate}"


def _print_remarks(document: dict[str, Any]) -> None:
    for title, lines in (
        (_("Converted"), document["conversions"]),
        (
            _("Not in the file, and assumed"),
            [
                _("{what}: {value} ({reason}). Otherwise: {option}").format(
                    **{name: translated(text) for name, text in a.items()}
                )
                for a in document["assumptions"]
            ],
        ),
        (
            _("Ignored"),
            [f"{each['name']}: {translated(each['reason'])}" for each in document["ignored"]],
        ),
    ):
        if lines:
            stdout.lines("", f"{title}:")
            for line in lines:
                print_text(f"  {translated(line)}")


def _print_nets(document: dict[str, Any]) -> None:
    stdout.lines()
    if document["refusal"]:
        print_text(
            _("It cannot be stepped through: {reason}").format(
                reason=translated(document["refusal"])
            )
        )
        return
    nets = document["nets"]
    if not nets:
        print_text(_("It cannot be stepped through: no recurrent layer was found in it."))
        return
    common = set(nets[0]["missing"]).intersection(*(net["missing"] for net in nets))
    for net in nets:
        option = f" --part {shlex.quote(net['name'])}" if net["name"] else ""
        # Not wrapped: it can be copied as it is.
        stdout.lines(visible(f"rnnviz step -m {shlex.quote(document['file'])}{option}"))
        print_text(f"  {' → '.join(map(translated, net['operations']))}")
        missing = [name for name in net["missing"] if len(nets) == 1 or name not in common]
        if missing:
            print_text("  " + _("without {names}").format(names=_few(missing)))
        for note in net["notes"]:
            print_text(f"  {translated(note)}")
    if len(nets) > 1 and common:
        print_text(
            _("All without {names}").format(
                names=_few([n for n in nets[0]["missing"] if n in common])
            )
        )


def _few(names: list[str], most: int = 12) -> str:
    shown = ", ".join(map(translated, names[:most]))
    if len(names) <= most:
        return shown
    return _("{names} and {count} more").format(names=shown, count=len(names) - most)
