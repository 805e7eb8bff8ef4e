"""Operations of a file as nets: whole stacks, parts, and what is folded on the way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnviz.arrays import Array, Values
from rnnviz.engine.model import Model
from rnnviz.engine.scan import scan
from rnnviz.engine.spec import MOST_LAYERS, DenseSpec, RecurrentSpec, SeriesSpec
from rnnviz.errors import InvalidFileError
from rnnviz.interop.assembly import MOST_NETS, importable_nets
from rnnviz.interop.contents import (
    ActivationOperation,
    AffineOperation,
    DenseOperation,
    EmbeddingOperation,
    IdentityOperation,
    InputOperation,
    LastStepOperation,
    MaskingOperation,
    ModelContents,
    OpaqueOperation,
    Operation,
    RecurrentOperation,
)

RNG = np.random.default_rng(0)


def numbers(*shape: int) -> Array:
    return RNG.normal(0, 0.5, shape).astype(np.float32)


def lstm(
    name: str, reads: str, D: int, H: int, every_step: bool = True, **other: Any
) -> RecurrentOperation:
    def arrays() -> Values:
        return {"W": numbers(D, 4 * H), "U": numbers(H, 4 * H), "b": numbers(4 * H)}

    spec = RecurrentSpec("lstm", H, **other)
    params = {direction: arrays() for direction in spec.directions}
    return RecurrentOperation(name, (reads,), spec, D, params, every_step)


def contents(*operations: Operation) -> ModelContents:
    return ModelContents(Path("x"), "test", "unknown", operations=operations)


WORDS = InputOperation("in", (), (None,), "int32")
VECTORS = InputOperation("in", (), (None, 3))


def test_a_classifier_of_words_is_one_net() -> None:
    found = importable_nets(contents(
        WORDS,
        EmbeddingOperation("e", ("in",), numbers(9, 4), mask_zero=True),
        IdentityOperation("drop", ("e",), "Dropout"),
        lstm("l", "drop", 4, 5, every_step=False),
        DenseOperation("d1", ("l",), numbers(5, 6), numbers(6), "tanh"),
        DenseOperation("d2", ("d1",), numbers(6, 2), None),
        ActivationOperation("s", ("d2",), "softmax"),
    ))  # fmt: skip
    assert len(found) == 1
    net = found[0]
    assert (net.name, net.missing) == ("", ())
    assert net.operations == ("e", "drop", "l", "d1", "d2", "s")
    assert net.spec.head.kind == "softmax" and not net.spec.head.bias
    assert net.spec.head.dense == (DenseSpec(6, "tanh"),)
    assert set(net.params) == {
        "embedding", "layers.0.forward.W", "layers.0.forward.U", "layers.0.forward.b",
        "head.dense.0.W", "head.dense.0.b", "head.W",
    }  # fmt: skip


def test_batch_normalisation_is_folded_into_the_next_kernel() -> None:
    affine = AffineOperation("bn", ("in",), numbers(3), numbers(3))
    layer = lstm("l", "bn", 3, 4, every_step=False)
    (net,) = importable_nets(contents(VECTORS, affine, layer))
    x = numbers(7, 2, 3)
    p = {name.removeprefix("layers.0.forward."): a for name, a in net.params.items()}
    cell = Model(net.spec, net.params).cell(0)
    expected = scan(cell, dict(layer.params["forward"]), x * affine.scale + affine.shift)
    np.testing.assert_allclose(scan(cell, p, x).stack("h"), expected.stack("h"), atol=1e-6)
    assert net.notes == ("bn (batch normalisation) is folded into the kernel of l",)


def test_batch_normalisation_above_the_output_is_folded_into_it() -> None:
    W, scale, shift = numbers(4, 2), numbers(2), numbers(2)
    (net,) = importable_nets(contents(
        VECTORS,
        lstm("l", "in", 3, 4, every_step=False),
        DenseOperation("d", ("l",), W, None),
        AffineOperation("bn", ("d",), scale, shift),
    ))  # fmt: skip
    np.testing.assert_allclose(net.params["head.W"], W * scale)
    np.testing.assert_allclose(net.params["head.b"], shift)


def test_branches_are_parts_with_what_is_missing() -> None:
    found = importable_nets(contents(
        VECTORS,
        OpaqueOperation("conv", ("in",), "Conv1D"),
        lstm("a", "conv", 3, 4),
        lstm("b", "a", 4, 5, every_step=False),
        DenseOperation("d", ("b",), numbers(5, 1), numbers(1), "sigmoid"),
        OpaqueOperation("attend", ("a",), "Attention"),
    ))  # fmt: skip
    assert [net.operations for net in found] == [("a", "b", "d")]
    assert found[0].name == "b"
    assert found[0].missing == ("conv (Conv1D)", "attend (Attention)")


def test_two_stacks_on_one_layer_are_two_nets() -> None:
    found = importable_nets(contents(
        VECTORS,
        lstm("a", "in", 3, 4),
        lstm("b", "a", 4, 5, every_step=False),
        DenseOperation("tags", ("a",), numbers(4, 6), numbers(6), "softmax", each_step=True),
    ))  # fmt: skip
    assert {net.name: net.operations for net in found} == {"b": ("a", "b"), "a": ("a", "tags")}
    heads = {net.name: (net.spec.head.kind, net.spec.head.reads) for net in found}
    assert heads == {"b": ("state", "last"), "a": ("softmax", "steps")}


def test_the_last_output_of_two_directions_is_not_their_last_states() -> None:
    both = lstm("l", "in", 3, 4, bidirectional=True)
    one = lstm("l", "in", 3, 4)
    for layer, width, reads in ((both, 8, "end"), (one, 4, "last")):
        (net,) = importable_nets(contents(
            VECTORS, layer, LastStepOperation("t", ("l",)),
            DenseOperation("d", ("t",), numbers(width, 1), None),
        ))  # fmt: skip
        assert net.spec.head.reads == reads


def test_what_does_not_fit_ends_the_stack() -> None:
    (net,) = importable_nets(contents(
        VECTORS,
        MaskingOperation("mask", ("in",), -1.0),
        lstm("l", "mask", 3, 4),
        DenseOperation("flat", ("l",), numbers(40, 2), None),
    ))  # fmt: skip
    assert net.operations == ("mask", "l")
    assert net.spec.source == SeriesSpec(3, mask_value=-1.0)
    assert net.missing == ("flat (dense 2)",)


def test_nothing_of_a_refused_file_is_a_net() -> None:
    refused = replace(contents(VECTORS, lstm("l", "in", 3, 4)), refusal="it is a graph model")
    assert importable_nets(refused) == ()


def test_thousands_of_operations_and_numbers_out_of_range() -> None:
    dropouts = [IdentityOperation(f"d{k}", (f"d{k - 1}",), "Dropout") for k in range(1, 2_000)]
    (net,) = importable_nets(contents(VECTORS, lstm("d0", "in", 3, 2), *dropouts))
    assert not net.missing
    layers = [lstm(f"l{k}", f"l{k - 1}", 2, 2) for k in range(2, 2_000)]
    (net,) = importable_nets(contents(VECTORS, lstm("l1", "in", 3, 2), *layers))
    assert len(net.spec.layers) == MOST_LAYERS
    assert len(net.missing) == 1_999 - MOST_LAYERS
    heads = [lstm(f"l{k}", f"x{k}", 3, 2) for k in range(2_000)]
    assert len(importable_nets(contents(*heads))) == MOST_NETS
    masked = MaskingOperation("m", ("in",), 1e38)
    with pytest.raises(InvalidFileError, match="mask_value"):
        importable_nets(contents(VECTORS, masked, lstm("l", "m", 3, 2)))


def test_the_part_that_reads_an_input_is_the_first() -> None:
    repeat = OpaqueOperation("r", ("code",), "RepeatVector")
    above = [lstm("a", "r", 2, 2), lstm("b", "a", 2, 2), lstm("c", "b", 2, 2)]
    found = importable_nets(
        contents(VECTORS, lstm("code", "in", 3, 2, every_step=False), repeat, *above)
    )
    assert [net.name for net in found] == ["code", "c"]
