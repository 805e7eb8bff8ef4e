"""The records of ``loop_arguments.py`` in compiled code: one int64 array has all of their fields.

A record is the address of its first field, and reading an attribute loads that field. So a function
takes a record as one argument, however many fields there are.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, get_type_hints

from rnnviz.engine.compiled.loop_arguments import (
    LoopArguments,
    SoftmaxArguments,
    SumArguments,
)
from rnnviz.engine.compiled.simd import (
    CodeGenerator,
    Pointer,
    Primitive,
    Type,
    extending,
    intrinsic,
    ir,
    register_model,
    types,
)

AttributeTemplate: Any = import_module("numba.core.typing.templates").AttributeTemplate
from_dtype: Any = import_module("numba").from_dtype
infer_getattr: Any = extending.infer_getattr
lower_getattr_generic: Any = import_module("numba.core.imputils").lower_getattr_generic


class FieldRecord(Type):  # type: ignore[misc]
    """A record whose float arrays have the precision ``dtype``.

    ``fields`` has, for each attribute, the index of its field, or of the first field of a record.
    """

    def __init__(self, record: Any, dtype: Any) -> None:
        self.fields: dict[str, tuple[int, Any]] = {}
        self.size = 0
        for name, kind in get_type_hints(record).items():
            field: Any = types.int64
            if hasattr(kind, "_fields"):
                field = FieldRecord(kind, dtype)
            elif kind is not int:
                annotation = record.__annotations__[name].__forward_arg__
                field = Pointer(dtype if annotation == "FloatArray" else types.int64)
            self.fields[name] = self.size, field
            self.size += field.size if isinstance(field, FieldRecord) else 1
        super().__init__(f"{record.__name__}({dtype})")


class _RecordModel(Primitive):  # type: ignore[misc]
    def __init__(self, manager: Any, record: FieldRecord) -> None:
        super().__init__(manager, record, ir.IntType(64).as_pointer())


register_model(FieldRecord)(_RecordModel)


@infer_getattr
class _RecordAttributes(AttributeTemplate):  # type: ignore[misc]
    key = FieldRecord

    def generic_resolve(self, record: FieldRecord, name: str) -> Any:
        return record.fields[name][1]


def _load_field(context: Any, builder: Any, record: FieldRecord, first: Any, name: str) -> Any:
    index, kind = record.fields[name]
    address = builder.gep(first, [context.get_constant(types.intp, index)])
    if isinstance(kind, FieldRecord):
        return address
    value = builder.load(address)
    # The fields do not change while a loop runs, whatever it stores: LLVM may keep them.
    value.set_metadata("invariant.load", builder.module.add_metadata([]))
    if isinstance(kind, Pointer):
        return builder.inttoptr(value, context.get_value_type(kind))
    return value


lower_getattr_generic(FieldRecord)(_load_field)


def _unpacker(record: Any) -> Any:
    """The compiled function (like, fields) → record.

    ``fields`` are sizes and addresses as int64, in the order of the record's fields; ``like`` is an
    array of the precision that the float arrays have.
    """

    def unpack(typing: Any, like: Any, fields: Any) -> tuple[Any, CodeGenerator]:
        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return context.make_array(sig.args[1])(context, builder, args[1]).data

        return FieldRecord(record, like.dtype)(like, fields), code

    return intrinsic(unpack)


def signature(function: Any, dtype: Any) -> Any:
    """The types of a function that returns nothing, by its annotations; arrays of ``dtype``."""
    number = from_dtype(dtype)
    kinds = {"int": types.int64, "FloatArray": Pointer(number)}
    for record in (LoopArguments, *get_type_hints(LoopArguments).values()):
        kinds[record.__name__] = FieldRecord(record, number)
    annotations = {name: a for name, a in function.__annotations__.items() if name != "return"}
    return types.void(*(kinds[a] for a in annotations.values()))


unpack_loop_arguments, unpack_softmax_arguments, unpack_sum_arguments = map(
    _unpacker, (LoopArguments, SoftmaxArguments, SumArguments)
)
