"""A net as a program for JAX, written from the lines of its cells: it can say every net."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from rnnviz.cells import Cell
from rnnviz.display import visible
from rnnviz.engine.layer_cells import cell_of
from rnnviz.engine.spec import EmbeddingSpec, ModelSpec, RecurrentSpec
from rnnviz.equations import FUNCTIONS, is_weight, parse
from rnnviz.interop.export.example import ProgramExample

#: Functions of formulas that JAX has by another name, or that take more than one argument.
_JNP = {"tanh", "maximum", "minimum", "exp", "log1p", "absolute", "sqrt"}
_CLIP = "def clip(a, limit):\n    return jnp.minimum(jnp.maximum(a, -limit), limit)"

_HEAD = '''# {title} in JAX, with the arrays of {shown}.

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_default_matmul_precision", "highest")
params = dict(np.load({file!r}))


def by_gate(layer, gates, units):
    """The arrays of one layer and direction; of W, U and b the columns of each gate."""
    found = {{}}
    for name, array in params.items():
        key = name.removeprefix(layer)
        if key == name:
            continue
        if key not in ("W", "U", "b"):
            found[key] = array
            continue
        for n, gate in enumerate(gates[: array.shape[-1] // units]):
            block = array[..., n * units : (n + 1) * units]
            end = f"_{{gate}}" if gate else ""
            if key == "b" and block.ndim == 2:  # of the input and of the recurrent product
                found["b" + end], found["b_r" + gate] = block
            else:
                found[key + end] = block
    return found


def run(cell, w, x, read, state, reverse=False):
    """All steps of one direction: the states after the last one, and h (T, H)."""

    def step(state, at):
        x, read = at
        new = cell(state, x, w)
        state = tuple(jnp.where(read, a, b) for a, b in zip(new, state))
        return state, state[0]

    return jax.lax.scan(step, state, (x, read), reverse=reverse)
'''


def jax_program(title: str, spec: ModelSpec, file: str, example: ProgramExample) -> str:
    """The program: the cells, the net, its arrays from ``file`` (.npz), and the example."""
    functions: dict[str, str] = {}
    cells: dict[str, str] = {}
    names = []
    for layer in spec.layers:
        cell = cell_of(layer)
        body = _cell(cell, functions)
        name = next((n for n, text in cells.items() if text == body), None)
        if name is None:
            stem = layer.cell.replace("-", "_")
            name = stem if stem not in cells else f"{stem}_{len(cells) + 1}"
            cells[name] = body
        names.append(name)
    parts = [_HEAD.format(title=visible(title), shown=visible(file), file=file)]
    parts += [f"\n\n{text}\n" for text in functions.values()]
    parts += [f"\n\ndef {name}(state, x, w):\n{body}\n" for name, body in cells.items()]
    parts += ["\n\n", "\n".join(_net(spec, names, functions, example)), "\n"]
    return "".join(parts)


# -- the cells --------------------------------------------------------------------------------


def _cell(cell: Cell, functions: dict[str, str]) -> str:
    """The body of a step; the functions that it calls are added to ``functions``."""
    states = ", ".join(f"{state}_prev" for state in cell.states)
    lines = [f"{states}, = state" if len(cell.states) == 1 else f"{states} = state"]
    for line in cell.lines:
        lines.append(f"{line.name} = {_expression(line.formula, functions)}")
    lines.append(f"return {', '.join(cell.states)}{',' if len(cell.states) == 1 else ''}")
    return "\n".join(f"    {line}" for line in lines)


def _expression(formula: str, functions: dict[str, str]) -> str:
    tree = ast.parse(ast.unparse(parse(formula)), mode="eval")  # a copy: parse() keeps its trees
    return ast.unparse(_Names(functions).visit(tree))


class _Names(ast.NodeTransformer):
    """Weights become entries of ``w``, and functions those of JAX or of the program."""

    def __init__(self, functions: dict[str, str]) -> None:
        self.functions = functions

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """A weight ``W_f`` becomes ``w['W_f']``; others stay."""
        if not is_weight(node.id):
            return node
        return ast.parse(f"w[{node.id!r}]", mode="eval").body

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """The function, defined where JAX has none of that name."""
        assert isinstance(node.func, ast.Name)
        arguments = [self.visit(argument) for argument in node.args]
        return ast.Call(_function(node.func.id, self.functions), arguments, [])


def _function(name: str, functions: dict[str, str]) -> ast.expr:
    """What the program calls a function; its definition goes to ``functions``."""
    if name in _JNP:
        return ast.parse(f"jnp.{name}", mode="eval").body
    if name not in functions:
        if name == "clip":
            functions[name] = _CLIP
        else:
            tree = ast.parse(FUNCTIONS[name].definition, mode="eval")
            body = ast.unparse(_Names(functions).visit(tree))
            functions[name] = f"def {name}(a):\n    return {body}"
    return ast.Name(name)


# -- the net --------------------------------------------------------------------------------------


def _net(
    spec: ModelSpec, names: list[str], functions: dict[str, str], example: ProgramExample
) -> Iterator[str]:
    yield f"# {visible(example.remark)}"
    if isinstance(spec.source, EmbeddingSpec):
        yield f"ids = {example.code(batch=False)}"
        yield 'x = params["embedding"][ids]'
        yield "read = ids != 0" if spec.source.mask_zero else "read = np.ones(len(x), bool)"
    else:
        yield f"x = {example.code(batch=False)}"
        value = spec.source.mask_value
        yield "read = np.ones(len(x), bool)" if value is None else f"read = (x != {value}).any(-1)"
    for k, (layer, name) in enumerate(zip(spec.layers, names, strict=True)):
        yield from _layer(k, layer, name)
    if not spec.layers:
        yield "x = x.reshape(-1)"
    elif spec.head.reads == "last":
        yield "x = last"
    elif spec.head.reads == "end":
        yield "x = x[-1]"
    layers = [(name, dense.activation, dense.bias) for name, dense in spec.head.below]
    if spec.head.kind != "state":
        kind = "identity" if spec.head.kind == "linear" else spec.head.kind
        layers.append(("head", kind, spec.head.bias))  # type: ignore[arg-type]
    for name, activation, bias in layers:
        product = f'x @ params["{name}.W"]' + (f' + params["{name}.b"]' if bias else "")
        yield f"x = {_activated(activation, product)}"
    yield f"# The same in rnnviz: {example.expected}"
    yield "print(np.asarray(x))"


def _activated(activation: str, of: str) -> str:
    calls = {
        "identity": "{}", "softmax": "jax.nn.softmax({})", "tanh": "jnp.tanh({})",
        "sigmoid": "jax.nn.sigmoid({})", "relu": "jax.nn.relu({})",
        "hard_sigmoid": "jnp.clip(0.2 * ({}) + 0.5, 0, 1)",
        "hard_sigmoid_sixth": "jax.nn.hard_sigmoid({})", "hard_tanh": "jax.nn.hard_tanh({})",
        "leaky_relu": "jax.nn.leaky_relu({})", "softsign": "jax.nn.soft_sign({})",
        "softplus": "jax.nn.softplus({})", "elu": "jax.nn.elu({})", "selu": "jax.nn.selu({})",
    }  # fmt: skip
    return calls[activation].format(of)


def _layer(k: int, layer: RecurrentSpec, name: str) -> Iterator[str]:
    cell = cell_of(layer)
    yield f"# layer {k + 1}: {cell.title}, {layer.units} units"
    found = []
    for direction in layer.directions:
        reverse = ", reverse=True" if direction == "backward" else ""
        yield f'w = by_gate("layers.{k}.{direction}.", {cell.gates!r}, {layer.units})'
        widths = [
            layer.projection or layer.units if state == "h" else layer.units
            for state in cell.states
        ]
        zeros = [f"jnp.zeros({width})" for width in widths]
        if layer.trained_initial:
            zeros = [f'w["{state}0"]' for state in cell.states]
        state = f"({', '.join(zeros)}{',' if len(zeros) == 1 else ''})"
        last = f"(last_{direction}, *_), {direction}"
        yield f"{last} = run({name}, w, x, read, {state}{reverse})"
        found.append(direction)
    if len(found) == 1:
        yield f"x, last = {found[0]}, last_{found[0]}"
        return
    for result, ends in (("x", found), ("last", [f"last_{each}" for each in found])):
        yield f"{result} = {_merge(layer.merge, *ends)}"


def _merge(merge: str, one: str, other: str) -> str:
    return {
        "concat": f"jnp.concatenate([{one}, {other}], -1)", "sum": f"{one} + {other}",
        "mul": f"{one} * {other}", "ave": f"({one} + {other}) / 2",
    }[merge]  # fmt: skip
