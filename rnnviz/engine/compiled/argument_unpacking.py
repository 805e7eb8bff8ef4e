"""Compiled code that unpacks one int64 array into the records of ``loop_arguments.py``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any, get_type_hints

from rnnviz.engine.compiled.loop_arguments import LoopArguments, SumArguments
from rnnviz.engine.compiled.simd import CodeGenerator, Pointer, intrinsic, types


def _unpacker(record: Any) -> Any:
    """The compiled function (like, fields) → record.

    ``fields`` are sizes and addresses as int64, in the order of the record's fields; ``like`` is an
    array of the precision that the float arrays have.
    """

    def unpack(typing: Any, like: Any, fields: Any) -> tuple[Any, CodeGenerator]:
        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            first = context.make_array(sig.args[1])(context, builder, args[1]).data
            return _build_record(sig.return_type, context, builder, first, count())

        return _record_type(record, like.dtype)(like, fields), code

    return intrinsic(unpack)


def _record_type(record: Any, dtype: Any) -> Any:
    """The compiler's type of a record."""
    fields = []
    for name, kind in get_type_hints(record).items():
        if hasattr(kind, "_fields"):
            fields.append(_record_type(kind, dtype))
        elif kind is int:
            fields.append(types.int64)
        else:
            annotation = record.__annotations__[name].__forward_arg__
            fields.append(Pointer(dtype if annotation == "FloatArray" else types.int64))
    return types.NamedTuple(fields, record)


def _build_record(kind: Any, context: Any, builder: Any, first: Any, indices: Iterator[int]) -> Any:
    """A record of type ``kind`` from the fields at the next indices."""
    values = []
    for field in kind.types:
        if isinstance(field, types.NamedTuple):
            values.append(_build_record(field, context, builder, first, indices))
            continue
        address = builder.gep(first, [context.get_constant(types.intp, next(indices))])
        value = builder.load(address)
        if isinstance(field, Pointer):
            value = builder.inttoptr(value, context.get_value_type(field))
        values.append(value)
    return context.make_tuple(builder, kind, values)


unpack_loop_arguments, unpack_sum_arguments = _unpacker(LoopArguments), _unpacker(SumArguments)
