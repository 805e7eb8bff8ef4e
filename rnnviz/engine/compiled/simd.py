"""Whole vectors of numbers as values that compiled code adds and multiplies.

A compiler turns a plain loop over units into vector instructions only where it can prove that the
arrays in it do not overlap; of a dozen arrays it cannot. Here the loops say what they want: ``get``
reads as many neighbouring numbers as one register holds, the functions below compute with them,
``put`` writes them, ``stream`` past the cache: what is not read again soon needs no place there,
and memory need not be read to be written. The compiler still chooses instructions and registers.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

# What these packages say about their types differs from version to version, or is nothing.
binding: Any = import_module("llvmlite.binding")
ir: Any = import_module("llvmlite.ir")
types: Any = import_module("numba").types
cgutils: Any = import_module("numba.core.cgutils")
extending: Any = import_module("numba.extending")
intrinsic, register_model = extending.intrinsic, extending.register_model
Primitive: Any = extending.models.PrimitiveModel
Type: Any = types.Type

#: Bits of one register. Where there are only shorter ones, the compiler takes several.
BITS = 512 if binding.get_host_cpu_features().get("avx512f") else 256

#: How many of them a processor has.
REGISTERS = {512: 32, 256: 16}

#: tanh(x) = x·P(x²) / Q(x²) up to ±FLAT, where float32 has reached ±1: least relative error, found
#: by reweighted least squares. The ratio is exact to 2·10⁻⁸, its value in float32 to 4·10⁻⁷.
FLAT = 9.02
P = (
    0.99999997903794, 0.1337971737541814, 0.003494033875211036, 2.058347000040481e-05,
    1.3319056659571627e-08,
)  # fmt: skip
Q = (
    1.0, 0.46713032621285394, 0.02587107061838217, 0.00032830917163087086, 7.762013111074951e-07,
)  # fmt: skip

#: Gradients far smaller than this, by bits, become zero: added and subtracted again, they are lost.
#: They vanish on their way back, and arithmetic on numbers below 1e-38 takes a hundred times as
#: long.
NOTHING = {32: 1e-15, 64: 1e-240}

#: May a product and a sum be one instruction? Yes: it rounds once less. Nothing else may change, so
#: that what is not a number stays visible.
CONTRACT = ("contract",)

Code = Callable[[Any, Any, Any, Any], Any]


class Vector(Type):  # type: ignore[misc]
    """BITS of float32 or float64."""

    def __init__(self, dtype: Any) -> None:
        self.dtype, self.lanes = dtype, BITS // dtype.bitwidth
        super().__init__(f"Vector({dtype}, {self.lanes})")


def _llvm(vector: Vector) -> Any:
    number = ir.FloatType() if vector.dtype.bitwidth == 32 else ir.DoubleType()
    return ir.VectorType(number, vector.lanes)


class _Model(Primitive):  # type: ignore[misc]
    def __init__(self, manager: Any, vector: Vector) -> None:
        super().__init__(manager, vector, _llvm(vector))


register_model(Vector)(_Model)


class Numbers(Type):  # type: ignore[misc]
    """Where numbers begin in memory: an array of which nobody asks the size."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(f"Numbers({dtype})")


class _NumbersModel(Primitive):  # type: ignore[misc]
    def __init__(self, manager: Any, numbers: Numbers) -> None:
        number = manager.lookup(numbers.dtype).get_data_type()
        super().__init__(manager, numbers, number.as_pointer())


register_model(Numbers)(_NumbersModel)


def _place(builder: Any, args: Any) -> Any:
    """Where number ``args[1]`` of ``args[0]`` is."""
    return builder.gep(args[0], [args[1]])


def _everywhere(builder: Any, kind: Any, number: Any) -> Any:
    """A vector that has one number in every place."""
    undefined = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(undefined, number, ir.Constant(ir.IntType(32), 0))
    lanes = ir.Constant(ir.VectorType(ir.IntType(32), kind.count), None)
    return builder.shuffle_vector(first, undefined, lanes)


def _constant(kind: Any, value: float) -> Any:
    return ir.Constant(kind, [ir.Constant(kind.element, value)] * kind.count)


def _function(builder: Any, name: str, *args: Any) -> Any:
    """One of LLVM's own functions of vectors: ``fma``, ``exp``, ``sqrt``."""
    kind = args[0].type
    bits = 32 if isinstance(kind.element, ir.FloatType) else 64
    wanted = ir.FunctionType(kind, [kind] * len(args))
    full = f"llvm.{name}.v{kind.count}f{bits}"
    return builder.call(cgutils.get_or_insert_function(builder.module, wanted, full), args)


def _get(typing: Any, a: Any, i: Any) -> tuple[Any, Code]:
    vector = Vector(a.dtype)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place = builder.bitcast(_place(builder, args), _llvm(vector).as_pointer())
        loaded = builder.load(place)
        loaded.align = a.dtype.bitwidth // 8
        return loaded

    return vector(a, types.int64), code


def _put(typing: Any, a: Any, i: Any, v: Any) -> tuple[Any, Code]:
    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place = builder.bitcast(_place(builder, args), _llvm(v).as_pointer())
        builder.store(args[2], place).align = v.dtype.bitwidth // 8
        return context.get_dummy_value()

    return types.void(a, types.int64, v), code


def _stream(typing: Any, a: Any, i: Any, v: Any) -> tuple[Any, Code]:
    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place = builder.bitcast(_place(builder, args), _llvm(v).as_pointer())
        stored = builder.store(args[2], place)
        stored.align = v.dtype.bitwidth // 8 * v.lanes
        one = ir.Constant(ir.IntType(32), 1)
        stored.set_metadata("nontemporal", builder.module.add_metadata([one]))
        return context.get_dummy_value()

    return types.void(a, types.int64, v), code


def _each(typing: Any, a: Any, i: Any) -> tuple[Any, Code]:
    vector = Vector(a.dtype)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        number = builder.load(_place(builder, args))
        return _everywhere(builder, _llvm(vector), number)

    return vector(a, types.int64), code


def _fill(typing: Any, like: Any, value: Any) -> tuple[Any, Code]:
    vector = Vector(like.dtype)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = _llvm(vector)
        number = context.cast(builder, args[1], types.float64, vector.dtype)
        return _everywhere(builder, kind, number)

    return vector(like, types.float64), code


def _arithmetic(instruction: str) -> Any:
    def operation(typing: Any, a: Any, b: Any) -> tuple[Any, Code]:
        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return getattr(builder, instruction)(*args, flags=CONTRACT)

        return a(a, a), code

    return intrinsic(operation)


def _limit(sign: str) -> Any:
    """The second vector where the first lies beyond it, else the first; NaN stays NaN."""

    def operation(typing: Any, a: Any, b: Any) -> tuple[Any, Code]:
        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            v, end = args
            return builder.select(builder.fcmp_ordered(sign, v, end), end, v)

        return a(a, a), code

    return intrinsic(operation)


def _fma(typing: Any, a: Any, b: Any, c: Any) -> tuple[Any, Code]:
    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _function(builder, "fma", *args)

    return a(a, a, a), code


def _sqrt(typing: Any, v: Any) -> tuple[Any, Code]:
    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _function(builder, "sqrt", *args)

    return v(v), code


def _step(typing: Any, v: Any) -> tuple[Any, Code]:
    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        zero, one = (_constant(_llvm(v), value) for value in (0.0, 1.0))
        return builder.select(builder.fcmp_ordered(">", args[0], zero), one, zero)

    return v(v), code


def _nothing(typing: Any, v: Any) -> tuple[Any, Code]:
    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _constant(_llvm(v), NOTHING[v.dtype.bitwidth])

    return v(v), code


def _tanh(typing: Any, v: Any) -> tuple[Any, Code]:
    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        write = _tanh_by_ratio if v.dtype.bitwidth == 32 else _tanh_by_exp
        return write(builder, args[0])

    return v(v), code


def _tanh_by_exp(builder: Any, x: Any) -> Any:
    """1 − 2 / (e²ˣ + 1)."""
    one, two = (_constant(x.type, value) for value in (1.0, 2.0))
    power = _function(builder, "exp", builder.fmul(two, x))
    return builder.fsub(one, builder.fdiv(two, builder.fadd(power, one)))


def _tanh_by_ratio(builder: Any, x: Any) -> Any:
    x = _between(builder, x, FLAT)
    square = builder.fmul(x, x)
    above, below = (_polynomial(builder, square, terms) for terms in (P, Q))
    return _between(builder, builder.fdiv(builder.fmul(x, above), below, flags=("arcp",)), 1.0)


def _between(builder: Any, x: Any, limit: float) -> Any:
    for sign, end in ((">", limit), ("<", -limit)):
        bound = _constant(x.type, end)
        x = builder.select(builder.fcmp_ordered(sign, x, bound), bound, x)
    return x


def _polynomial(builder: Any, x: Any, terms: tuple[float, ...]) -> Any:
    *rest, found = (_constant(x.type, c) for c in terms)
    for c in reversed(rest):
        found = _function(builder, "fma", found, x, c)
    return found


def _floats(typing: Any, like: Any, address: Any) -> tuple[Any, Code]:
    found = Numbers(like.dtype)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.inttoptr(args[1], context.get_value_type(found))

    return found(like, types.int64), code


def _at(typing: Any, a: Any, i: Any) -> tuple[Any, Code]:
    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load(_place(builder, args))

    return a.dtype(a, types.int64), code


def _assign(typing: Any, a: Any, i: Any, value: Any) -> tuple[Any, Code]:
    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        builder.store(args[2], _place(builder, args))
        return context.get_dummy_value()

    return types.void(a, types.int64, a.dtype), code


def _lanes(typing: Any, a: Any) -> tuple[Any, Code]:
    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return context.get_constant(types.int64, Vector(a.dtype).lanes)

    return types.int64(a), code


def _registers(typing: Any, a: Any) -> tuple[Any, Code]:
    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return context.get_constant(types.int64, REGISTERS[BITS])

    return types.int64(a), code


floats, at, assign = map(intrinsic, (_floats, _at, _assign))
get, put, each, fill = map(intrinsic, (_get, _put, _each, _fill))
lanes, registers = intrinsic(_lanes), intrinsic(_registers)
stream = intrinsic(_stream)
add, sub, mul, div = map(_arithmetic, ("fadd", "fsub", "fmul", "fdiv"))
minimum, maximum = _limit(">"), _limit("<")
fma, nothing, sqrt, step, tanh = map(intrinsic, (_fma, _nothing, _sqrt, _step, _tanh))
