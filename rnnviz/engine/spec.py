"""Specifications of a model and its training, as frozen data that converts to JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, TypeVar, get_args

from rnnviz.messages import _

#: The most recurrent layers of a net.
MOST_LAYERS = 64

#: What the head's output is: probabilities (sigmoid: of one class against another with one output,
#: of each label by itself with several), numbers (linear, tanh, relu), or, without trained arrays,
#: the states themselves ("state").
HeadKind = Literal["sigmoid", "softmax", "linear", "tanh", "relu", "state"]
#: What a layer may have for tanh and for sigmoid: see :mod:`rnnviz.equations.functions`.
Activation = Literal[
    "tanh", "sigmoid", "relu", "identity", "hard_sigmoid", "hard_sigmoid_sixth", "hard_tanh",
    "leaky_relu", "softsign", "softplus", "elu", "selu",
]  # fmt: skip
#: How the outputs of two directions become one: side by side, or unit by unit.
Merge = Literal["concat", "sum", "mul", "ave"]
#: The states a head reads: "last", those after the step that each direction reads last; "end",
#: those at the last token, ``outputs[:, -1]``, after which a backward direction has read one token;
#: "steps", the outputs of every step, each by itself.
HeadReads = Literal["last", "end", "steps"]
#: Kinds of heads whose outputs are numbers, not probabilities.
NUMERIC_KINDS: tuple[HeadKind, ...] = ("linear", "tanh", "relu", "state")


@dataclass(frozen=True)
class EmbeddingSpec:
    """A table of V word vectors of width E; ``mask_zero`` skips the padding id 0.

    ``dropout`` zeroes single numbers of the word vectors in training.
    """

    vocabulary: int
    width: int
    mask_zero: bool = True
    dropout: float = 0.0


@dataclass(frozen=True)
class SeriesSpec:
    """Measurements instead of words: D numbers a step.

    ``steps`` is the length of every sequence; required only by nets without recurrent layers.
    ``mask_value``: steps at which every number equals it are skipped (Keras's ``Masking``).
    """

    width: int
    steps: int | None = None
    mask_value: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The fields; without ``mask_value`` where no step is skipped."""
        return {k: v for k, v in asdict(self).items() if (k, v) != ("mask_value", None)}


@dataclass(frozen=True)
class RecurrentSpec:
    """A recurrent layer. Dropouts as in Keras: one mask a sequence, the same at every step.

    ``activation`` replaces tanh in the cell's equations, ``recurrent_activation`` sigmoid.
    ``output_activation`` is applied to the cell state before LSTM's output gate; None: the same as
    ``activation``, as in Keras. ``keeps``: whether the z of a GRU is the share of the old state
    (Keras, PyTorch), or else of the new one.

    For nets of other frameworks: ``merge`` is how the outputs of two directions become one.
    ``reverse``: the layer's one direction is "backward". ``bias``: whether there is a b. ``clip``
    bounds the pre-activations. ``projection`` is the width of h where it is narrower than the cell
    state. ``trained_initial``: the states before the first token are arrays, ``h0`` and ``c0``.
    """

    cell: str
    units: int
    bidirectional: bool = False
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    activation: Activation = "tanh"
    recurrent_activation: Activation = "sigmoid"
    output_activation: Activation | None = None
    keeps: bool = True
    merge: Merge = "concat"
    reverse: bool = False
    bias: bool = True
    clip: float | None = None
    projection: int | None = None
    trained_initial: bool = False

    @property
    def directions(self) -> tuple[str, ...]:
        """The directions it reads in, as they are named in files."""
        if self.bidirectional:
            return ("forward", "backward")
        return ("backward",) if self.reverse else ("forward",)

    @property
    def joined(self) -> int:
        """The directions whose outputs stand side by side, as the layer above sees them."""
        return len(self.directions) if self.merge == "concat" else 1

    @property
    def output_width(self) -> int:
        """The numbers of its output at a step."""
        return (self.projection or self.units) * self.joined

    def to_json(self) -> dict[str, Any]:
        """The fields; without those that Keras's layers do not have, where they have defaults."""
        usual = {
            "output_activation": None, "keeps": True, "merge": "concat", "reverse": False,
            "bias": True, "clip": None, "projection": None, "trained_initial": False,
        }  # fmt: skip
        return {k: v for k, v in asdict(self).items() if k not in usual or v != usual[k]}


@dataclass(frozen=True)
class DenseSpec:
    """A dense layer between the states and the output."""

    units: int
    activation: Activation = "relu"
    bias: bool = True


@dataclass(frozen=True)
class HeadSpec:
    """The dense layers on the states; two classes have one logit ("sigmoid").

    ``dropout`` is of the head's input, in training. ``dense`` are layers below the output, from
    bottom to top; ``hidden`` is one of that many units with relu. ``bias``: whether the output
    layer has a b. A head of kind "state" has no layers: its outputs are what it reads.
    """

    kind: HeadKind
    outputs: int
    dropout: float = 0.0
    hidden: int = 0
    reads: HeadReads = "last"
    dense: tuple[DenseSpec, ...] = ()
    bias: bool = True

    @property
    def below(self) -> tuple[tuple[str, DenseSpec], ...]:
        """The dense layers below the output, each with the beginning of its arrays' names."""
        if self.hidden:
            return (("head.hidden", DenseSpec(self.hidden)),)
        return tuple((f"head.dense.{k}", dense) for k, dense in enumerate(self.dense))

    @property
    def is_binary(self) -> bool:
        """Whether its one output decides between two classes."""
        return self.kind == "sigmoid" and self.outputs == 1

    def to_json(self) -> dict[str, Any]:
        """The fields; without the last three where they have defaults."""
        record = asdict(self) | {"dense": [asdict(dense) for dense in self.dense]}
        usual = {"reads": "last", "dense": [], "bias": True}
        return {k: v for k, v in record.items() if k not in usual or v != usual[k]}


@dataclass(frozen=True)
class ModelSpec:
    """Source, recurrent layers from bottom to top, head.

    Without recurrent layers the head reads a series of fixed length, flattened: (T·D) numbers.
    """

    source: EmbeddingSpec | SeriesSpec
    layers: tuple[RecurrentSpec, ...]
    head: HeadSpec

    @property
    def reads_backwards(self) -> bool:
        """Whether some layer reads from the last token on, so that no prefix has its states."""
        return any("backward" in layer.directions for layer in self.layers)

    def to_json(self) -> dict[str, Any]:
        """Plain dicts and lists."""
        source = self.source
        return {
            "source": source.to_json() if isinstance(source, SeriesSpec) else asdict(source),
            "layers": [layer.to_json() for layer in self.layers],
            "head": self.head.to_json(),
        }

    @classmethod
    def from_json(cls, data: Any) -> ModelSpec:
        """The spec a JSON object describes; ValueError that names the wrong field."""
        record = _mapping(data, "model")
        _only(record, ("source", "layers", "head"), "model")
        source = _mapping(record.get("source"), "source")
        layers = record.get("layers")
        words = "vocabulary" in source
        flat = not words and source.get("steps") is not None
        if not isinstance(layers, list) or not (layers or flat):
            raise ValueError(_("layers: expected a list of at least one layer"))
        if len(layers) > MOST_LAYERS:
            raise ValueError(
                _("layers: {count:,} of them; {most} are the most").format(
                    count=len(layers), most=MOST_LAYERS
                )
            )
        return cls(
            _read(EmbeddingSpec, source, "source")
            if words
            else _read(SeriesSpec, source, "source"),
            tuple(_read_layer(layer, f"layers[{k}]") for k, layer in enumerate(layers)),
            _read_head(record.get("head")),
        )


@dataclass(frozen=True)
class FitSpec:
    """How a model is trained.

    The rate follows a half cosine from ``rate`` to ``final_rate`` over all steps, after ``warmup``
    steps of linear rise; without ``final_rate`` it stays. ``average`` is the decay of a moving
    average of the weights; then the average is validated and saved. ``token_dropout`` replaces that
    share of the words by the unknown word. ``clip`` bounds the joint norm of the gradients.
    ``stateful``: a batch begins with the states that the batch before it in the epoch ended with,
    as in Keras, so that backpropagation through time is truncated to the steps of a batch.
    ``keep`` says which epoch is the result: the "best" by ``monitor`` on the validation data, or
    the "last". ``monitor`` is a metric of validation: "accuracy" (higher is better) or "loss"
    (lower is). ``patience`` ends training after so many epochs without a better one.
    """

    epochs: int
    batch_size: int = 128
    optimizer: str = "adam"
    rate: float = 1e-3
    final_rate: float | None = None
    warmup: int = 0
    clip: float | None = None
    average: float | None = None
    token_dropout: float = 0.0
    seed: int = 0
    keep: Literal["best", "last"] = "best"
    monitor: Literal["accuracy", "loss"] = "accuracy"
    patience: int | None = None
    stateful: bool = False


S = TypeVar("S", EmbeddingSpec, SeriesSpec, RecurrentSpec, DenseSpec, HeadSpec)


def _mapping(data: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise ValueError(_("{where}: expected an object").format(where=where))
    return data


def _only(data: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in data:
        if key not in known:
            raise ValueError(_("{where}.{key}: unknown field").format(where=where, key=key))


def _read(cls: type[S], data: Any, where: str) -> S:
    record = _mapping(data, where)
    _only(record, tuple(f.name for f in fields(cls)), where)
    for field in fields(cls):
        if field.name in record:
            _check(field.name, record[field.name], f"{where}.{field.name}")
    try:
        return cls(**record)
    except TypeError as error:
        raise ValueError(f"{where}: {error}".replace(f"{cls.__name__}.__init__() ", "")) from None


def _read_layer(data: Any, where: str) -> RecurrentSpec:
    layer = _read(RecurrentSpec, data, where)
    if layer.projection is not None and layer.cell != "lstm-projection":
        raise ValueError(
            _("{where}.projection: expected null, a cell {cell} has none").format(
                where=where, cell=layer.cell
            )
        )
    return layer


def _read_head(data: Any) -> HeadSpec:
    record = dict(_mapping(data, "head"))
    dense = record.pop("dense", [])
    if not isinstance(dense, list) or len(dense) > MOST_LAYERS:
        raise ValueError(
            _("head.dense: expected a list of at most {most} layers").format(most=MOST_LAYERS)
        )
    head = _read(HeadSpec, record, "head")
    read = (_read(DenseSpec, layer, f"head.dense[{k}]") for k, layer in enumerate(dense))
    head = replace(head, dense=tuple(read))
    if head.hidden and head.dense:
        raise ValueError(_("head.hidden: expected 0 beside head.dense"))
    if head.kind == "state" and head.below:
        raise ValueError(_("head.dense: expected none in a head of kind state"))
    return head


def _check(name: str, value: Any, where: str) -> None:
    """Check type and range by the field's name; names mean the same in every spec."""
    match name:
        case "vocabulary" | "width" | "units" | "outputs":
            good = type(value) is int and 1 <= value <= 10_000_000
            want = _("a whole number of at least 1")
        case "steps":
            good = value is None or (type(value) is int and 1 <= value <= 1_000_000)
            want = _("a whole number of at least 1, or null")
        case "hidden":
            good = type(value) is int and 0 <= value <= 1_000_000
            want = _("a whole number")
        case "dropout" | "recurrent_dropout":
            good = type(value) in (int, float) and 0 <= value < 1
            want = _("a number from 0 up to, not including, 1")
        case "bidirectional" | "mask_zero" | "keeps" | "reverse" | "bias" | "trained_initial":
            good, want = type(value) is bool, _("true or false")
        case "clip":
            # The largest number that a line of a cell can have.
            good = value is None or (type(value) in (int, float) and 0 < value <= 1e6)
            want = _("a number above 0 and up to a million, or null")
        case "mask_value":
            good = value is None or (type(value) in (int, float) and abs(value) < 1e30)
            want = _("a finite number, or null")
        case "projection":
            good = value is None or (type(value) is int and 1 <= value <= 1_000_000)
            want = _("a whole number of at least 1, or null")
        case "merge":
            good, want = value in get_args(Merge), _("concat, sum, mul or ave")
        case "kind":
            good = value in get_args(HeadKind)
            want = _("one of {listed}").format(listed=", ".join(get_args(HeadKind)))
        case "reads":
            good, want = value in get_args(HeadReads), _("last, end or steps")
        case "activation" | "recurrent_activation":
            good = value in get_args(Activation)
            want = _("one of {listed}").format(listed=", ".join(get_args(Activation)))
        case "output_activation":
            good = value is None or value in get_args(Activation)
            want = _("null or one of {listed}").format(listed=", ".join(get_args(Activation)))
        case _:
            from rnnviz.cells import CELLS

            good = isinstance(value, str) and value in CELLS
            want = _("one of {listed}").format(listed=", ".join(CELLS))
    if not good:
        raise ValueError(
            _("{where}: expected {want}, found {found}").format(
                where=where, want=want, found=repr(value)[:60]
            )
        )
