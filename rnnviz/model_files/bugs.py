"""The bugs of the copies in :data:`rnnviz.lookup.BUGGY_COPIES`, each a small change of a model.

No weights are stored: a copy is its original with the change made when it is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.engine.spec import EmbeddingSpec, ModelSpec
from rnnviz.lookup import BUGGY_COPIES

#: The length to which the copy without a mask pads its texts: as much as the longest sentence of
#: the packaged sample of SST-2 needs.
PADDED_LENGTH = 48


@dataclass(frozen=True)
class Bug:
    """A bug that a model can have. The class itself is none: it changes nothing."""

    name: str  # of its texts: "no_tanh"
    original: str  # the model without it

    def spec(self, spec: ModelSpec) -> ModelSpec:
        """The layers with the bug."""
        return spec

    def params(self, params: Mapping[str, Array]) -> Values:
        """The trained arrays with the bug, by name."""
        return dict(params)

    def vocabulary(self, vocabulary: Vocabulary) -> Vocabulary:
        """The encoding of texts with the bug."""
        return vocabulary

    def shared_with(self, name: str) -> str:
        """The array that is also used where the one of this name should be; or the name itself."""
        return name


class NoTanh(Bug):
    """h = o ⊙ c: the cell state goes out as it is."""

    def spec(self, spec: ModelSpec) -> ModelSpec:
        layers = (replace(layer, output_activation="identity") for layer in spec.layers)
        return replace(spec, layers=tuple(layers))


class SwappedGates(Bug):
    """The columns of z where those of r belong: PyTorch's order r, z, n read as Keras's z, r, h."""

    def params(self, params: Mapping[str, Array]) -> Values:
        return {n: _swapped(a) if n.startswith("layers.") else a for n, a in params.items()}


def _swapped(array: Array) -> Array:
    """The first two of three blocks of columns in each other's place."""
    z, r, g = np.split(array, 3, axis=-1)
    return np.concatenate([r, z, g], axis=-1)


class UnmaskedPadding(Bug):
    """Texts padded at the end, and no mask: the net reads every padding as a word."""

    def spec(self, spec: ModelSpec) -> ModelSpec:
        assert isinstance(spec.source, EmbeddingSpec), "only token ids are padded"
        return replace(spec, source=replace(spec.source, mask_zero=False))

    def vocabulary(self, vocabulary: Vocabulary) -> Vocabulary:
        encoding = replace(vocabulary.encoding, length=PADDED_LENGTH, padding="end")
        return replace(vocabulary, encoding=encoding)


class LastRow(Bug):
    """The head reads ``outputs[:, -1]`` of both directions."""

    def spec(self, spec: ModelSpec) -> ModelSpec:
        return replace(spec, head=replace(spec.head, reads="end"))


class SharedWeights(Bug):
    """``[layer] * 2``: the backward direction is the forward one's object."""

    def params(self, params: Mapping[str, Array]) -> Values:
        return {name: params[self.shared_with(name)] for name in params}

    def shared_with(self, name: str) -> str:
        return name.replace(".backward.", ".forward.")


#: The bug of each copy, by the copy's name.
BUGS: Mapping[str, Bug] = {
    name: kind(words, BUGGY_COPIES[name])
    for name, kind, words in (
        ("bug-1", NoTanh, "no_tanh"),
        ("bug-2", SwappedGates, "swapped_gates"),
        ("bug-3", UnmaskedPadding, "unmasked_padding"),
        ("bug-4", LastRow, "last_row"),
        ("bug-5", SharedWeights, "shared_weights"),
    )
}
