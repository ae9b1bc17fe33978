"""Arithmetic on vector registers, LANES numbers side by side: a builder of LLVM's code.

Numba makes vector code of loops where it can prove that it may; what is built here cannot be
otherwise. Thread: audio; the code is built when it is compiled.
"""

from typing import Any

import llvmlite.binding
from llvmlite import ir

__all__ = ["LANES", "NARROW", "Pair", "Arithmetic", "WHOLE", "WIDE", "constant", "places"]

LANES = 16 if llvmlite.binding.get_host_cpu_features().get("avx512f") else 8
"""Numbers side by side; divides `MODE_ALIGN`."""

NARROW = ir.VectorType(ir.FloatType(), LANES)
WIDE = ir.VectorType(ir.DoubleType(), LANES)
WHOLE = ir.VectorType(ir.IntType(32), LANES)
Pair = tuple[Any, Any]
"""Real and imaginary part."""


def constant(value: float, kind: Any) -> Any:
    """A vector of equal numbers."""
    return ir.Constant(kind, [value] * LANES)


def places(chosen: list[int]) -> Any:
    """The mask of a shuffle."""
    return ir.Constant(ir.VectorType(ir.IntType(32), len(chosen)), chosen)


class Arithmetic:
    """A builder of sums, products and shuffles of vectors, real and complex."""

    def __init__(self, context: Any, builder: Any) -> None:
        self.context, self.builder = context, builder

    def vectors(self, array_type: Any, array: Any, kind: Any, size: int) -> list[Any]:
        """Where the vectors of the first `size` numbers of an array lie."""
        data = self.context.make_array(array_type)(self.context, self.builder, array).data
        cells = []
        for first in range(0, size, LANES):
            at = self.builder.gep(data, [ir.Constant(ir.IntType(64), first)])
            cells.append(self.builder.bitcast(at, kind.as_pointer()))
        return cells

    def mul(self, a: Any, b: Any) -> Any:
        """The product a·b; may become part of a fused multiply-add."""
        return self.builder.fmul(a, b, flags=("contract",))

    def add(self, a: Any, b: Any) -> Any:
        """The sum a + b; likewise."""
        return self.builder.fadd(a, b, flags=("contract",))

    def sub(self, a: Any, b: Any) -> Any:
        """The difference a − b; likewise."""
        return self.builder.fsub(a, b, flags=("contract",))

    def scale(self, a: Pair, factor: Any) -> Pair:
        """Both parts by a real factor."""
        return self.mul(a[0], factor), self.mul(a[1], factor)

    def splat(self, scalar: Any) -> Any:
        """A float64 in every lane."""
        none = ir.Constant(WIDE, ir.Undefined)
        one = self.builder.insert_element(none, scalar, ir.Constant(ir.IntType(32), 0))
        return self.builder.shuffle_vector(one, none, places([0] * LANES))

    def splat_lane(self, vector: Any, lane: int) -> Any:
        """One lane in every lane."""
        return self.builder.shuffle_vector(vector, vector, places([lane] * LANES))

    def real(self, a: Pair, b: Pair, plus: Any = None) -> Any:
        """`plus + Re(a·b)`."""
        first = self.mul(a[0], b[0])
        if plus is not None:
            first = self.add(plus, first)
        return self.sub(first, self.mul(a[1], b[1]))

    def imaginary(self, a: Pair, b: Pair, plus: Any = None) -> Any:
        """`plus + Im(a·b)`."""
        first = self.mul(a[0], b[1])
        if plus is not None:
            first = self.add(plus, first)
        return self.add(first, self.mul(a[1], b[0]))

    def times(self, a: Pair, b: Pair) -> Pair:
        """The complex product a·b."""
        return self.real(a, b), self.imaginary(a, b)
