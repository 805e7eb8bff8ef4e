"""The operations of a net as they are collected, and what flows between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from rnnviz.interop.contents import (
    Assumption,
    FoundVocabulary,
    IgnoredEntry,
    ImportOptions,
    InputOperation,
    LastStepOperation,
    OpaqueOperation,
    Operation,
    RecurrentOperation,
    TensorRole,
)
from rnnviz.interop.keras.topology import Endpoint
from rnnviz.messages import N_

Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class Flow:
    """The output of an operation.

    ``shape`` is without the batch, None where it is not known. ``flipped``: Keras has it in the
    order of reading, last token first. ``masked``: a mask goes with it. ``inner``: the operation
    is applied to each step of a longer sequence (TimeDistributed), and ``shape`` is that of a step.
    """

    name: str
    shape: Shape | None = None
    flipped: bool = False
    masked: bool = False
    inner: bool = False

    @property
    def width(self) -> int | None:
        """The last axis."""
        return self.shape[-1] if self.shape else None


@dataclass(eq=False)
class Net:
    """Collects operations, and what is to be said about them.

    ``version`` is Keras's, (0,) where it is not known. ``assets`` are the texts beside the weights
    by path.
    """

    options: ImportOptions
    version: tuple[int, ...] = (0,)
    assets: Mapping[str, str] = field(default_factory=dict)
    operations: list[Operation] = field(default_factory=list)
    roles: dict[str, TensorRole] = field(default_factory=dict)
    conversions: list[str] = field(default_factory=list)
    assumptions: list[Assumption] = field(default_factory=list)
    ignored: list[IgnoredEntry] = field(default_factory=list)
    vocabulary: FoundVocabulary | None = None
    _flows: dict[Endpoint, Flow] = field(default_factory=dict)

    @property
    def keras_3(self) -> bool:
        """Whether the file's version has the hard sigmoid of Keras 3."""
        return self.version >= (3,)

    def add(self, operation: Operation) -> None:
        """Add an operation; ValueError for a name that there is."""
        if any(own.name == operation.name for own in self.operations):
            raise ValueError(
                N_("two of its layers are called {name}").format(name=operation.name[:60])
            )
        self.operations.append(operation)

    def opaque(self, name: str, kind: str, reads: tuple[Flow, ...], reason: str) -> Flow:
        """Add an operation that cannot be stepped through."""
        self.add(OpaqueOperation(name, tuple(flow.name for flow in reads), kind, reason))
        return Flow(name)

    def marks(self) -> tuple[int, int, int, dict[Endpoint, Flow]]:
        """What there is, for ``undo``."""
        return len(self.operations), len(self.conversions), len(self.ignored), dict(self._flows)

    def undo(self, marks: tuple[int, int, int, dict[Endpoint, Flow]]) -> None:
        """Remove what was added since ``marks``."""
        operations, conversions, ignored, self._flows = marks
        del self.operations[operations:], self.conversions[conversions:], self.ignored[ignored:]

    def set_output(self, call: str, flow: Flow) -> None:
        """Say what the output of a layer is."""
        self._flows[Endpoint(call)] = flow

    def at(self, endpoint: Endpoint) -> Flow:
        """What an endpoint gives; states that a layer returns are added when they are read."""
        if endpoint not in self._flows:
            self._flows[endpoint] = self._state(endpoint)
        return self._flows[endpoint]

    def read(self, endpoint: Endpoint) -> Flow:
        """The same, as layers that are not applied step by step see it."""
        flow = self.at(endpoint)
        return self.outer(flow) if flow.inner else flow

    def outer(self, flow: Flow) -> Flow:
        """The outputs over the steps of the longer sequence that a TimeDistributed layer reads."""
        name = f"{flow.name}.steps"
        if all(own.name != name for own in self.operations):
            reason = N_("what is below is computed for each step, what is above reads all steps")
            self.opaque(name, "TimeDistributed", (flow,), reason)
        return Flow(name, None if flow.shape is None else (None, *flow.shape))

    def each_step(self, flow: Flow) -> Flow:
        """One step of a sequence of sequences, as an input of its own."""
        if flow.inner:
            return flow
        name = f"{flow.name}.step"
        shape = (flow.shape or (None, None, None))[1:]
        if all(own.name != name for own in self.operations):
            below = next((own for own in self.operations if own.name == flow.name), None)
            dtype = below.dtype if isinstance(below, InputOperation) else "float32"
            self.add(InputOperation(name, (), shape, dtype))
        return replace(flow, name=name, shape=shape, inner=True)

    def _state(self, endpoint: Endpoint) -> Flow:
        """The states after the last step: h (1) and c (2) of the layer."""
        output = self._flows[Endpoint(endpoint.call)]
        if output.name != endpoint.call:  # the outputs of both directions, merge_mode None
            return output
        layer = next((own for own in self.operations if own.name == endpoint.call), None)
        name = f"{endpoint.call}.state_{endpoint.index}"
        if not isinstance(layer, RecurrentOperation) or endpoint.index > 2 or output.inner:
            return self.opaque(
                name,
                "output",
                (output,),
                N_("output {index} of its layer").format(index=endpoint.index),
            )
        if endpoint.index == 1 and not layer.spec.bidirectional:
            if not layer.every_step:
                return output
            if not layer.spec.reverse:
                self.add(LastStepOperation(name, (output.name,)))
                return Flow(name, output.shape and output.shape[-1:])
        state = N_("hidden state") if endpoint.index == 1 else N_("cell state")
        reason = N_("the {what} of {name} after its last step is read by another layer").format(
            what=state, name=endpoint.call
        )
        return self.opaque(name, state, (output,), reason)
