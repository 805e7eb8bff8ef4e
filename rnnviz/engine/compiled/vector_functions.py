"""Functions of SIMD vectors, as LLVM instructions: exp and tanh in float32, sums over lanes."""

from __future__ import annotations

from typing import Any

from rnnviz.engine.compiled.simd import (
    BITS,
    CodeGenerator,
    call_llvm,
    cgutils,
    constant,
    intrinsic,
    ir,
    llvm_type,
    splat,
)

#: tanh(x) ≈ x·P(x²) / Q(x²) up to ±FLAT, where tanh is ±1 in float32. The coefficients minimise the
#: relative error (reweighted least squares); it is 2·10⁻⁸, and 4·10⁻⁷ if computed in float32.
FLAT = 9.02
P = (
    0.99999997903794, 0.1337971737541814, 0.003494033875211036, 2.058347000040481e-05,
    1.3319056659571627e-08,
)  # fmt: skip
Q = (
    1.0, 0.46713032621285394, 0.02587107061838217, 0.00032830917163087086, 7.762013111074951e-07,
)  # fmt: skip

#: exp(x) = 2ⁿ·eʳ in float32, with n the integer nearest to x / ln 2, and eʳ ≈ E(r). The
#: coefficients minimise the relative error (reweighted least squares); it is 2·10⁻⁹, and 2·10⁻⁷ if
#: computed in float32. ln 2 is the sum of two numbers, of which the first times n is exact. Below
#: LOWEST, where numbers become denormal, exp is 0; from HIGHEST on it is infinite.
E = (
    1.000000000556458, 1.0000000364306325, 0.49999992054844566, 0.1666641968177685,
    0.04166822896504372, 0.008374856985656723, 0.0013836778257566692,
)  # fmt: skip
LN_2 = 0.693359375, -2.1219444005469057e-04
LOWEST, HIGHEST = -86.98, 88.8
#: Added to a small number and subtracted again, it rounds it to an integer.
ROUNDING = 1.5 * 2.0**23


def _log1p(typing: Any, v: Any) -> tuple[Any, CodeGenerator]:
    """log(1 + x): log(u)·x / (u − 1) with u = 1 + x as rounded, or x where u is 1 (Kahan)."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        x, one = args[0], constant(llvm_type(v), 1.0)
        u = builder.fadd(one, x)
        rounded = builder.fsub(u, one)
        log = builder.fdiv(builder.fmul(call_llvm(builder, "log", u), x), rounded)
        return builder.select(builder.fcmp_ordered("==", u, one), x, log)

    return v(v), code


def _step(typing: Any, v: Any) -> tuple[Any, CodeGenerator]:
    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        zero, one = (constant(llvm_type(v), value) for value in (0.0, 1.0))
        return builder.select(builder.fcmp_ordered(">", args[0], zero), one, zero)

    return v(v), code


def _tanh(typing: Any, v: Any) -> tuple[Any, CodeGenerator]:
    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        tanh_code = _tanh_by_ratio if v.dtype.bitwidth == 32 else _tanh_by_exp
        return tanh_code(builder, args[0])

    return v(v), code


def _tanh_by_exp(builder: Any, x: Any) -> Any:
    """1 − 2 / (e²ˣ + 1)."""
    one, two = (constant(x.type, value) for value in (1.0, 2.0))
    power = call_llvm(builder, "exp", builder.fmul(two, x))
    return builder.fsub(one, builder.fdiv(two, builder.fadd(power, one)))


def _tanh_by_ratio(builder: Any, x: Any) -> Any:
    x = _clamp_to(builder, x, FLAT)
    square = builder.fmul(x, x)
    numerator, denominator = (_polynomial(builder, square, terms) for terms in (P, Q))
    ratio = builder.fmul(builder.fmul(x, numerator), _reciprocal(builder, denominator))
    return _clamp_to(builder, ratio, 1.0)


def _reciprocal(builder: Any, a: Any) -> Any:
    """1 / a, of normal numbers, in float32.

    A division of 512 bits takes 16 cycles. The processor's estimate with 14 bits takes two, and a
    step of Newton's method makes it exact but for rounding.
    """
    one = constant(a.type, 1.0)
    if BITS != 512:
        return builder.fdiv(one, a)
    mask = ir.IntType(16)
    wanted = ir.FunctionType(a.type, [a.type, a.type, mask])
    name = "llvm.x86.avx512.rcp14.ps.512"
    function = cgutils.get_or_insert_function(builder.module, wanted, name)
    estimate = builder.call(function, [a, constant(a.type, 0.0), ir.Constant(mask, -1)])
    error = call_llvm(builder, "fma", builder.fneg(a), estimate, one)
    return call_llvm(builder, "fma", estimate, error, estimate)


def _clamp_to(builder: Any, x: Any, limit: float) -> Any:
    for sign, value in ((">", limit), ("<", -limit)):
        bound = constant(x.type, value)
        x = builder.select(builder.fcmp_ordered(sign, x, bound), bound, x)
    return x


def _exp(typing: Any, v: Any) -> tuple[Any, CodeGenerator]:
    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        if v.dtype.bitwidth == 64:
            return call_llvm(builder, "exp", args[0])
        return _exp_by_powers(builder, args[0])

    return v(v), code


def _exp_by_powers(builder: Any, a: Any) -> Any:
    """2ⁿ·eʳ; computed as 2·eʳ·2ⁿ⁻¹, since 2¹²⁸ is no float32."""
    lowest, zero, power, rounding = (
        constant(a.type, value) for value in (LOWEST, 0.0, 1 / sum(LN_2), ROUNDING)
    )
    too_low = builder.fcmp_ordered("<", a, lowest)
    x = builder.select(too_low, lowest, a)
    highest = constant(a.type, HIGHEST)
    x = builder.select(builder.fcmp_ordered(">", x, highest), highest, x)
    shifted = call_llvm(builder, "fma", x, power, rounding)
    n = builder.fsub(shifted, rounding)
    for part in LN_2:
        x = call_llvm(builder, "fma", n, constant(a.type, -part), x)
    integers = ir.VectorType(ir.IntType(32), a.type.count)
    bits, bias = (ir.Constant(integers, [value] * a.type.count) for value in (23, 126 << 23))
    # The last bits of ``shifted`` are n.
    exponent = builder.add(builder.shl(builder.bitcast(shifted, integers), bits), bias)
    half = builder.bitcast(exponent, a.type)
    mantissa = _polynomial(builder, x, E)
    result = builder.fmul(builder.fadd(mantissa, mantissa), half)
    return builder.select(too_low, zero, result)


def _polynomial(builder: Any, x: Any, terms: tuple[float, ...]) -> Any:
    *rest, result = (constant(x.type, c) for c in terms)
    for c in reversed(rest):
        result = call_llvm(builder, "fma", result, x, c)
    return result


def _reduction(name: str, *start: float) -> Any:
    """The reduction of all lanes by LLVM, in every lane of a vector."""

    def operation(typing: Any, v: Any) -> tuple[Any, CodeGenerator]:
        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            kind = llvm_type(v)
            operands = [*(ir.Constant(kind.element, value) for value in start), args[0]]
            wanted = ir.FunctionType(kind.element, [operand.type for operand in operands])
            full = f"llvm.vector.reduce.{name}.v{kind.count}f{v.dtype.bitwidth}"
            function = cgutils.get_or_insert_function(builder.module, wanted, full)
            # In pairs; without the flag one lane after the other.
            number = builder.call(function, operands, fastmath=("reassoc",))
            return splat(builder, kind, number)

        return v(v), code

    return intrinsic(operation)


exp, log1p, step, tanh = map(intrinsic, (_exp, _log1p, _step, _tanh))
largest, total = _reduction("fmax"), _reduction("fadd", 0.0)
