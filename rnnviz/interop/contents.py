"""What a reader finds in a model file, whatever the format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from rnnviz.messages import N_

if TYPE_CHECKING:  # annotations alone: readers start processes before NumPy is imported
    from rnnviz.arrays import Array, Values
    from rnnviz.data.vocabulary import Encoding
    from rnnviz.engine.spec import RecurrentSpec

Part = Literal[
    "embedding", "kernel", "recurrent kernel", "bias", "input bias", "recurrent bias",
    "peepholes", "projection", "initial state", "dense kernel", "dense bias", "other",
]  # fmt: skip
#: The parts and directions, marked for translation: the texts of a Literal cannot be marked.
ROLE_WORDS: Final = (
    N_("embedding"), N_("kernel"), N_("recurrent kernel"), N_("bias"), N_("input bias"),
    N_("recurrent bias"), N_("peepholes"), N_("projection"), N_("initial state"),
    N_("dense kernel"), N_("dense bias"), N_("other"), N_("forward"), N_("backward"),
)  # fmt: skip


@dataclass(frozen=True)
class GateRange:
    """The rows or columns ``start`` to ``stop`` (not included) of one gate."""

    gate: str  # in the cell's letters here: i f g o, z r g; "" where there is a single block
    start: int
    stop: int


@dataclass(frozen=True)
class TensorRole:
    """What a tensor of the file is in its layer.

    ``axis`` is the axis along which the gates stand side by side, None where it has no gates.
    ``order`` names the order as its framework does: ``Keras order i f c o``.
    """

    layer: str
    part: Part
    direction: Literal["", "forward", "backward"] = ""
    axis: int | None = None
    gates: tuple[GateRange, ...] = ()
    order: str = ""


@dataclass(frozen=True, eq=False)
class FileTensor:
    """A tensor of the file as it is stored. ``dtype`` is the file's word: ``bfloat16``, ``uint8``.

    ``array`` is None where its values were not read (a refused file). ``joined`` tensors are put
    together from others of the file.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    array: Array | None = None
    role: TensorRole | None = None
    joined: bool = False


# -- the operations of a net, with arrays in this engine's layout ----------------------------------


@dataclass(frozen=True, eq=False)
class Operation:
    """A step of the net's computation. ``reads`` are the names of the operations it reads.

    An operation that reads an input of the net has that input's name in ``reads``.
    """

    name: str
    reads: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class InputOperation(Operation):
    """An input of the net. ``shape`` is without the batch; None is an unknown length."""

    shape: tuple[int | None, ...] = ()
    dtype: str = "float32"  # "int…" for ids, "string" for texts


@dataclass(frozen=True, eq=False)
class EmbeddingOperation(Operation):
    """A lookup in ``table`` (V, E)."""

    table: Array
    mask_zero: bool = False


@dataclass(frozen=True, eq=False)
class RecurrentOperation(Operation):
    """One recurrent layer: a stack of a framework is one operation for each of its layers.

    ``width`` is that of its input, D. ``params``: by direction ("forward", "backward", those of
    ``spec.directions``) the arrays of the cell: W (D, G·H), U, b …, as the cell's ``shapes``.
    ``every_step``: whether its outputs of all steps are read, or only those after the last.
    ``initial``: states that the net sets from an input of its own; names of those inputs.
    """

    spec: RecurrentSpec
    width: int
    params: Mapping[str, Values]
    every_step: bool = True
    initial: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class DenseOperation(Operation):
    """y = activation(x·W + b): W (F, K), b (K) or None; ``each_step`` where it is applied by step.

    ``activation`` is the framework's name in lower case: "linear", "relu", "softmax" …
    """

    W: Array
    b: Array | None
    activation: str = "linear"
    each_step: bool = False


@dataclass(frozen=True, eq=False)
class AffineOperation(Operation):
    """y = x · scale + shift, by feature: batch normalisation as it is after training."""

    scale: Array
    shift: Array


@dataclass(frozen=True, eq=False)
class ActivationOperation(Operation):
    """A function applied elementwise, or softmax."""

    activation: str


@dataclass(frozen=True, eq=False)
class IdentityOperation(Operation):
    """Something that changes nothing after training: dropout, noise, a reshape of no effect."""

    kind: str


@dataclass(frozen=True, eq=False)
class MaskingOperation(Operation):
    """Steps at which every number equals ``value`` are skipped by the layers above."""

    value: float


@dataclass(frozen=True, eq=False)
class LastStepOperation(Operation):
    """The outputs at the last token, ``outputs[:, -1]``."""


@dataclass(frozen=True, eq=False)
class OpaqueOperation(Operation):
    """What cannot be stepped through: attention, convolution, a concatenation, a custom layer."""

    kind: str  # as the file calls it: "Conv1D", "AttentionWeightedAverage", "Concat"
    reason: str = ""


# -- the file --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Assumption:
    """What the file does not say, what was assumed, and the option that says it otherwise."""

    what: str  # "the gate activation of lstm_1"
    value: str  # "sigmoid"
    option: str  # "--gate-activation"
    reason: str  # "a file of weights alone does not store it; Keras 2.3 and later use sigmoid"


@dataclass(frozen=True)
class IgnoredEntry:
    """Something in the file that is not used, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class FoundVocabulary:
    """Words by id, as they stand in the file or beside it.

    ``words[k]`` has the id k; ``tokenizer`` is the name of one of ``rnnviz.data.tokenizers``.
    ``encoding`` is known where rnnviz wrote the file; otherwise the special entries are found by
    their names.
    """

    words: tuple[str, ...]
    tokenizer: str
    where: str  # "assets/layers/text_vectorization/vocabulary.txt"
    length: int | None = None  # fixed number of tokens, padded at the end
    settings: Mapping[str, Any] = field(default_factory=dict)  # of the framework's layer
    encoding: Encoding | None = None


@dataclass(frozen=True)
class ImportOptions:
    """What the user says that files do not. None: not said."""

    activation: str | None = None  # of the state: PyTorch's nonlinearity
    gate_activation: str | None = None
    reset_after: bool | None = None
    head: str | None = None  # "last", "end", "steps" or "none": what the dense layers read
    output: str | None = None  # activation of the last dense layer: "sigmoid", "softmax", "linear"
    dense_activation: str | None = None  # of the dense layers before the last: "relu", "linear" …
    update: str | None = None  # what z of a GRU written by hand is the share of: "keeps", "renews"
    concat: str | None = None  # order of matrices on h and x joined: "hx" or "xh"
    config: Path | None = None  # a JSON file with the architecture of a weights-only file


@dataclass(frozen=True, eq=False)
class ModelContents:
    """Everything a reader found in a file.

    ``format`` and ``version`` are for people: "Keras model, HDF5", "2.2.4". ``conversions`` say
    what was transposed, permuted and added to get this engine's layout. ``refusal`` is the reason
    why nothing of it can be stepped through, "" where something can.
    """

    path: Path
    format: str
    framework: Literal["keras", "tfjs", "pytorch", "safetensors", "onnx", "numpy", "unknown"]
    version: str = ""
    tensors: tuple[FileTensor, ...] = ()
    operations: tuple[Operation, ...] = ()
    conversions: tuple[str, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    ignored: tuple[IgnoredEntry, ...] = ()
    vocabulary: FoundVocabulary | None = None
    labels: tuple[str, ...] = ()
    refusal: str = ""
