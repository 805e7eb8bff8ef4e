"""SIMD vectors as values in compiled code, with loads, stores and arithmetic.

LLVM vectorizes a loop over units only if it can prove that the arrays in it do not overlap, which
it cannot for a dozen arrays. So the loops use vectors explicitly: ``load`` reads as many adjacent
numbers as one register holds, the functions below compute with them, and ``store`` writes them.
``stream`` stores without caching, for values that are not read again soon: the cache keeps other
data, and the memory is not read first. LLVM still chooses instructions and registers.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

# Any: the type information of these packages differs between versions, or is missing.
binding: Any = import_module("llvmlite.binding")
ir: Any = import_module("llvmlite.ir")
types: Any = import_module("numba").types
cgutils: Any = import_module("numba.core.cgutils")
extending: Any = import_module("numba.extending")
intrinsic, register_model = extending.intrinsic, extending.register_model
Primitive: Any = extending.models.PrimitiveModel
Type: Any = types.Type

#: Bits of a vector. Where registers are shorter, LLVM uses several.
BITS = 512 if binding.get_host_cpu_features().get("avx512f") else 256

#: The number of vector registers, by their bits.
REGISTERS = {512: 32, 256: 16}

#: Gradients far smaller than this, by bits, are set to zero by adding and subtracting it:
#: arithmetic on denormal numbers (below 1e-38) takes a hundred times as long.
FLUSH_SIZE = {32: 1e-15, 64: 1e-240}

#: Numbers below this, by bits, are zero for ``without_tiny``.
TINY = {32: 1e-30, 64: 1e-300}

#: Allowed in arithmetic: fusing a multiplication and an addition, which rounds once less. No other
#: fast-math flag, so that NaN propagates.
CONTRACT = ("contract",)

CodeGenerator = Callable[[Any, Any, Any, Any], Any]


class Vector(Type):  # type: ignore[misc]
    """A vector of float32 or float64, BITS long."""

    def __init__(self, dtype: Any) -> None:
        self.dtype, self.lanes = dtype, BITS // dtype.bitwidth
        super().__init__(f"Vector({dtype}, {self.lanes})")


def llvm_type(vector: Vector) -> Any:
    number = ir.FloatType() if vector.dtype.bitwidth == 32 else ir.DoubleType()
    return ir.VectorType(number, vector.lanes)


class _VectorModel(Primitive):  # type: ignore[misc]
    def __init__(self, manager: Any, vector: Vector) -> None:
        super().__init__(manager, vector, llvm_type(vector))


register_model(Vector)(_VectorModel)


class Pointer(Type):  # type: ignore[misc]
    """The address of an array's first number; the size is not known."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(f"Pointer({dtype})")


class _PointerModel(Primitive):  # type: ignore[misc]
    def __init__(self, manager: Any, pointer: Pointer) -> None:
        number = manager.lookup(pointer.dtype).get_data_type()
        super().__init__(manager, pointer, number.as_pointer())


register_model(Pointer)(_PointerModel)


def _element_address(builder: Any, args: Any) -> Any:
    """The address of element ``args[1]`` of ``args[0]``."""
    return builder.gep(args[0], [args[1]])


def splat(builder: Any, kind: Any, number: Any) -> Any:
    """A vector with the same number in every lane."""
    undefined = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(undefined, number, ir.Constant(ir.IntType(32), 0))
    lanes = ir.Constant(ir.VectorType(ir.IntType(32), kind.count), None)
    return builder.shuffle_vector(first, undefined, lanes)


def constant(kind: Any, value: float) -> Any:
    return ir.Constant(kind, [ir.Constant(kind.element, value)] * kind.count)


def call_llvm(builder: Any, name: str, *args: Any) -> Any:
    """Call an LLVM intrinsic on vectors: ``fma``, ``log``, ``sqrt``."""
    kind = args[0].type
    bits = 32 if isinstance(kind.element, ir.FloatType) else 64
    wanted = ir.FunctionType(kind, [kind] * len(args))
    full = f"llvm.{name}.v{kind.count}f{bits}"
    return builder.call(cgutils.get_or_insert_function(builder.module, wanted, full), args)


def _load(typing: Any, a: Any, i: Any) -> tuple[Any, CodeGenerator]:
    vector = Vector(a.dtype)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        address = builder.bitcast(_element_address(builder, args), llvm_type(vector).as_pointer())
        loaded = builder.load(address)
        loaded.align = a.dtype.bitwidth // 8
        return loaded

    return vector(a, types.int64), code


def _store(typing: Any, a: Any, i: Any, v: Any) -> tuple[Any, CodeGenerator]:
    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        address = builder.bitcast(_element_address(builder, args), llvm_type(v).as_pointer())
        builder.store(args[2], address).align = v.dtype.bitwidth // 8
        return context.get_dummy_value()

    return types.void(a, types.int64, v), code


def _stream(typing: Any, a: Any, i: Any, v: Any) -> tuple[Any, CodeGenerator]:
    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        address = builder.bitcast(_element_address(builder, args), llvm_type(v).as_pointer())
        stored = builder.store(args[2], address)
        stored.align = v.dtype.bitwidth // 8 * v.lanes
        one = ir.Constant(ir.IntType(32), 1)
        stored.set_metadata("nontemporal", builder.module.add_metadata([one]))
        return context.get_dummy_value()

    return types.void(a, types.int64, v), code


def _prefetch(typing: Any, a: Any, i: Any) -> tuple[Any, CodeGenerator]:
    """Begin to load the cache line of element i; nothing happens where there is no memory."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        byte, integer = ir.IntType(8).as_pointer(), ir.IntType(32)
        wanted = ir.FunctionType(ir.VoidType(), [byte, integer, integer, integer])
        function = cgutils.get_or_insert_function(builder.module, wanted, "llvm.prefetch.p0")
        options = (ir.Constant(integer, value) for value in (0, 3, 1))  # a read, to keep, of data
        builder.call(function, [builder.bitcast(_element_address(builder, args), byte), *options])
        return context.get_dummy_value()

    return types.void(a, types.int64), code


def _broadcast(typing: Any, a: Any, i: Any) -> tuple[Any, CodeGenerator]:
    vector = Vector(a.dtype)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        number = builder.load(_element_address(builder, args))
        return splat(builder, llvm_type(vector), number)

    return vector(a, types.int64), code


def _fill(typing: Any, like: Any, value: Any) -> tuple[Any, CodeGenerator]:
    vector = Vector(like.dtype)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = llvm_type(vector)
        number = context.cast(builder, args[1], types.float64, vector.dtype)
        return splat(builder, kind, number)

    return vector(like, types.float64), code


def _arithmetic(instruction: str) -> Any:
    def operation(typing: Any, a: Any, b: Any) -> tuple[Any, CodeGenerator]:
        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return getattr(builder, instruction)(*args, flags=CONTRACT)

        return a(a, a), code

    return intrinsic(operation)


def _clamp(sign: str) -> Any:
    """The second vector where the first exceeds it, else the first; NaN stays NaN."""

    def operation(typing: Any, a: Any, b: Any) -> tuple[Any, CodeGenerator]:
        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            v, bound = args
            return builder.select(builder.fcmp_ordered(sign, v, bound), bound, v)

        return a(a, a), code

    return intrinsic(operation)


def _fma(typing: Any, a: Any, b: Any, c: Any) -> tuple[Any, CodeGenerator]:
    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return call_llvm(builder, "fma", *args)

    return a(a, a, a), code


def _llvm_function(name: str) -> Any:
    """An LLVM intrinsic of one vector."""

    def operation(typing: Any, v: Any) -> tuple[Any, CodeGenerator]:
        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return call_llvm(builder, name, *args)

        return v(v), code

    return intrinsic(operation)


def _flush_size(typing: Any, v: Any) -> tuple[Any, CodeGenerator]:
    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return constant(llvm_type(v), FLUSH_SIZE[v.dtype.bitwidth])

    return v(v), code


def _without_tiny(typing: Any, v: Any) -> tuple[Any, CodeGenerator]:
    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        zero, tiny = (constant(llvm_type(v), x) for x in (0.0, TINY[v.dtype.bitwidth]))
        size = call_llvm(builder, "fabs", args[0])
        return builder.select(builder.fcmp_ordered("<", size, tiny), zero, args[0])

    return v(v), code


def _first(typing: Any, v: Any) -> tuple[Any, CodeGenerator]:
    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.extract_element(args[0], ir.Constant(ir.IntType(32), 0))

    return v.dtype(v), code


def _indicator(typing: Any, like: Any, i: Any) -> tuple[Any, CodeGenerator]:
    """1 in lane i, 0 in the others, and in all of them if there is no lane i."""
    vector = Vector(like.dtype)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = llvm_type(vector)
        zero, one = (constant(kind, value) for value in (0.0, 1.0))
        wide = ir.VectorType(ir.IntType(64), vector.lanes)
        chosen = splat(builder, wide, args[1])
        lanes = ir.Constant(wide, list(range(vector.lanes)))
        return builder.select(builder.icmp_signed("==", lanes, chosen), one, zero)

    return vector(like, types.int64), code


def _pointer(typing: Any, like: Any, address: Any) -> tuple[Any, CodeGenerator]:
    kind = Pointer(like.dtype)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.inttoptr(args[1], context.get_value_type(kind))

    return kind(like, types.int64), code


def _item(typing: Any, a: Any, i: Any) -> tuple[Any, CodeGenerator]:
    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load(_element_address(builder, args))

    return a.dtype(a, types.int64), code


def _set_item(typing: Any, a: Any, i: Any, value: Any) -> tuple[Any, CodeGenerator]:
    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        builder.store(args[2], _element_address(builder, args))
        return context.get_dummy_value()

    return types.void(a, types.int64, a.dtype), code


def _call(typing: Any, address: Any, *values: Any) -> tuple[Any, CodeGenerator]:
    """Call the function at an address, which returns nothing."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kinds = [context.get_value_type(kind) for kind in sig.args[1]]
        wanted = ir.FunctionType(context.get_value_type(types.none), kinds)
        function = builder.inttoptr(args[0], wanted.as_pointer())
        builder.call(function, cgutils.unpack_tuple(builder, args[1]))
        return context.get_dummy_value()

    return types.void(types.int64, types.StarArgTuple(values)), code


def _lanes(typing: Any, a: Any) -> tuple[Any, CodeGenerator]:
    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return context.get_constant(types.int64, Vector(a.dtype).lanes)

    return types.int64(a), code


def _registers(typing: Any, a: Any) -> tuple[Any, CodeGenerator]:
    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return context.get_constant(types.int64, REGISTERS[BITS])

    return types.int64(a), code


pointer, item, set_item, call = map(intrinsic, (_pointer, _item, _set_item, _call))
load, store, broadcast, fill = map(intrinsic, (_load, _store, _broadcast, _fill))
lanes, registers = intrinsic(_lanes), intrinsic(_registers)
stream, prefetch = map(intrinsic, (_stream, _prefetch))
add, sub, mul, div = map(_arithmetic, ("fadd", "fsub", "fmul", "fdiv"))
minimum, maximum = _clamp(">"), _clamp("<")
absolute, log, sqrt = map(_llvm_function, ("fabs", "log", "sqrt"))
fma, first, flush_size = map(intrinsic, (_fma, _first, _flush_size))
indicator, without_tiny = map(intrinsic, (_indicator, _without_tiny))
