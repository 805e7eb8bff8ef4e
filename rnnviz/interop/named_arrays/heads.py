"""Dense layers on recurrent ones: what they read, their activations, and what is assumed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from rnnviz.interop.contents import (
    Assumption,
    DenseOperation,
    EmbeddingOperation,
    ImportOptions,
    Operation,
)
from rnnviz.interop.named_arrays.modules import FoundModule
from rnnviz.messages import N_


@dataclass(eq=False)
class RecurrentStack:
    """Recurrent modules one on another, the embedding below, and the dense layers above.

    ``scored``: a conditional random field reads the outputs of every step.
    """

    modules: list[FoundModule]
    embedding: FoundModule | None = None
    heads: list[list[FoundModule]] = field(default_factory=list)
    scored: bool = False

    @property
    def last(self) -> FoundModule:
        """The highest recurrent module."""
        return self.modules[-1]


def dense_operations(
    stack: RecurrentStack, chain: list[FoundModule], below: str, head: str, options: ImportOptions
) -> list[Operation]:
    """The dense layers of ``chain`` on ``below``; ``head`` says what of it they read."""
    made: list[Operation] = []
    for k, module in enumerate(chain):
        operation = module.operations[0]
        assert isinstance(operation, DenseOperation)
        final = k == len(chain) - 1
        activation = (
            _output(stack, module, options) if final else (options.dense_activation or "relu")
        )
        made.append(
            replace(operation, reads=(below,), activation=activation, each_step=head == "steps")
        )
        below = operation.name
    return made


def _is_language_model(stack: RecurrentStack) -> bool:
    words = stack.modules[0].reads if stack.embedding is None else None
    if stack.embedding is not None:
        table = stack.embedding.operations[0]
        words = len(table.table) if isinstance(table, EmbeddingOperation) else None
    outputs = stack.heads[0][-1].gives if stack.heads else None
    return words is not None and words == outputs and words > 10


def head_kind(stack: RecurrentStack, options: ImportOptions) -> str:
    """What the dense layers of a stack read: last, end, steps or none."""
    if options.head is not None:
        return options.head
    return "steps" if stack.scored or _is_language_model(stack) else "last"


def _output(stack: RecurrentStack, module: FoundModule, options: ImportOptions) -> str:
    if options.output is not None:
        return options.output
    if stack.scored:
        return "linear"
    if module.gives == 1:
        return "linear" if stack.embedding is None else "sigmoid"
    return "softmax"


def head_assumptions(
    stack: RecurrentStack, chain: list[FoundModule], head: str, options: ImportOptions
) -> list[Assumption]:
    """What was assumed of the dense layers of ``chain``, apart from what the user said."""
    made, top, last = [], chain[0].name, chain[-1]
    if options.head is None:
        words = {
            "last": N_("the states after the last step"),
            "steps": N_("the output of every step"),
        }
        reason = N_("the file does not say it")
        if stack.scored:
            crf = N_("a conditional random field reads scores of every step")
            reason = f"{reason}; {crf}"
        elif head == "steps":
            writes = N_("there are as many outputs as different inputs, as in a net that writes")
            reason = f"{reason}; {writes}"
        made.append(
            Assumption(N_("what {name} reads").format(name=top), words[head], "--head", reason)
        )
    if len(chain) > 1 and options.dense_activation is None:
        between = ", ".join(module.name for module in chain[:-1])
        made.append(
            Assumption(
                N_("the activation of {name}").format(name=between), "relu", "--dense-activation",
                N_("the file does not say it"),
            )
        )  # fmt: skip
    if options.output is None:
        many = N_("the file does not say it; it has {count} outputs").format(count=last.gives)
        made.append(
            Assumption(
                N_("the activation of {name}").format(name=last.name),
                _output(stack, last, options), "--output",
                N_("the file does not say it; it has 1 output") if last.gives == 1 else many,
            )
        )  # fmt: skip
    return made
