"""Sizes and addresses in one array of int64, seen by compiled code as the records of ``job.py``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any, get_type_hints

from rnnviz.engine.compiled.job import Job, Sum
from rnnviz.engine.compiled.simd import Code, Numbers, intrinsic, types


def _opener(record: Any) -> Any:
    """A function of an array of the wanted precision, and the fields in order."""

    def opened(typing: Any, like: Any, words: Any) -> tuple[Any, Code]:
        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            begin = context.make_array(sig.args[1])(context, builder, args[1]).data
            return _made(sig.return_type, context, builder, begin, count())

        return _type(record, like.dtype)(like, words), code

    return intrinsic(opened)


def _type(record: Any, dtype: Any) -> Any:
    """The compiler's type of a record."""
    found = []
    for name, kind in get_type_hints(record).items():
        if hasattr(kind, "_fields"):
            found.append(_type(kind, dtype))
        elif kind is int:
            found.append(types.int64)
        else:
            written = record.__annotations__[name].__forward_arg__
            found.append(Numbers(dtype if written == "Floats" else types.int64))
    return types.NamedTuple(found, record)


def _made(kind: Any, context: Any, builder: Any, begin: Any, numbers: Iterator[int]) -> Any:
    """The record of the next numbers."""
    values = []
    for field in kind.types:
        if isinstance(field, types.NamedTuple):
            values.append(_made(field, context, builder, begin, numbers))
            continue
        at = builder.gep(begin, [context.get_constant(types.intp, next(numbers))])
        value = builder.load(at)
        if isinstance(field, Numbers):
            value = builder.inttoptr(value, context.get_value_type(field))
        values.append(value)
    return context.make_tuple(builder, kind, values)


opened_job, opened_sum = _opener(Job), _opener(Sum)
