"""The inner loops of the inverse transform of 512 complex numbers, LANES columns at a time.

With n = 32·a + b and k = c + 16·d, `X[k] = Σ_b w32^{b·d} · w512^{b·c} · Σ_a w16^{a·c} · x[n]`
(Bailey 1990, the four-step transform): transforms of 16 down the columns of a 16 × 32 table, each
number turned, the table transposed in registers, transforms of 32 down its columns. The columns
stand side by side, so that no step works on one number alone. Thread: audio, helper.
"""

import cmath
import math
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from rtsynth.dsp.arithmetic import LANES, NARROW, Arithmetic, Pair, constant, places

__all__ = ["DOWN", "POINTS", "ROUND", "transform_lanes"]

POINTS = 512
DOWN, ROUND = 16, 32
"""Rows and columns of the first table."""


class _Transform(Arithmetic):
    """A builder of short transforms on vectors, and of loads and stores of float32."""

    def lanes_at(self, array_type: Any, array: Any, row: int, first: int, moved: Any) -> Any:
        """Address of the vector that begins at `first + moved` of a row of an array."""
        place = self.builder.add(ir.Constant(ir.IntType(64), first), moved)
        cells = self.context.make_array(array_type)(self.context, self.builder, array)
        columns = cgutils.unpack_tuple(self.builder, cells.shape)[1]
        start = self.builder.mul(ir.Constant(columns.type, row), columns)
        at = self.builder.gep(cells.data, [self.builder.add(start, place)])
        return self.builder.bitcast(at, NARROW.as_pointer())

    def plus(self, a: Pair, b: Pair) -> Pair:
        """The complex sum a + b."""
        return self.add(a[0], b[0]), self.add(a[1], b[1])

    def minus(self, a: Pair, b: Pair) -> Pair:
        """The complex difference a − b."""
        return self.sub(a[0], b[0]), self.sub(a[1], b[1])

    def turned(self, a: Pair, turn: float) -> Pair:
        """`a·e^{2πj·turn}`."""
        if turn == 0.0:
            return a
        w = cmath.exp(2j * math.pi * turn)
        return self.times(a, (constant(w.real, NARROW), constant(w.imag, NARROW)))

    def transform(self, x: list[Pair]) -> list[Pair]:
        """The inverse DFT of a list of vectors, unscaled: four interleaved ones, or two."""
        size = len(x)
        if size == 1:
            return x
        ways = 4 if size % 4 == 0 else 2
        parts = [self.transform(x[way::ways]) for way in range(ways)]
        quarter = size // ways
        found: list[Pair] = [x[0]] * size
        for k in range(quarter):
            turned = [self.turned(part[k], way * k / size) for way, part in enumerate(parts)]
            for place, value in enumerate(self._butterfly(turned)):
                found[k + place * quarter] = value
        return found

    def _butterfly(self, x: list[Pair]) -> list[Pair]:
        if len(x) == 2:
            return [self.plus(*x), self.minus(*x)]
        even, odd = self.plus(x[0], x[2]), self.plus(x[1], x[3])
        across, (re, im) = self.minus(x[0], x[2]), self.minus(x[1], x[3])
        return [
            self.plus(even, odd),
            (self.sub(across[0], im), self.add(across[1], re)),
            self.minus(even, odd),
            (self.add(across[0], im), self.sub(across[1], re)),
        ]

    def transposed(self, rows: list[Any]) -> list[Any]:
        """LANES vectors of which lane i of vector k was lane k of vector i."""
        rows, apart = list(rows), LANES // 2
        while apart >= 1:
            low = [i if not i & apart else LANES + i - apart for i in range(LANES)]
            high = [i + apart if not i & apart else LANES + i for i in range(LANES)]
            for i in (i for i in range(LANES) if not i & apart):
                a, b = rows[i], rows[i + apart]
                rows[i] = self.builder.shuffle_vector(a, b, places(low))
                rows[i + apart] = self.builder.shuffle_vector(a, b, places(high))
            apart //= 2
        return rows

    def interleaved(self, a: Any, b: Any) -> tuple[Any, Any]:
        """a0 b0 a1 b1 … in two vectors."""
        order = [lane // 2 + lane % 2 * LANES for lane in range(2 * LANES)]
        first, second = places(order[:LANES]), places(order[LANES:])
        return self.builder.shuffle_vector(a, b, first), self.builder.shuffle_vector(a, b, second)


@intrinsic
def transform_lanes(typingctx: Any, tables: Any, data: Any) -> Any:
    """The inner part of `rtsynth.dsp.fft.inverse_fft`: complex numbers in row 1, sound in row 0.

    Args:
        typingctx: Numba's.
        tables: [4, POINTS] float32; rows 2 and 3 turn the number in row c, column b.
        data: [3, 2·POINTS] float32. Row 1 holds real parts, then imaginary ones; row 0 becomes the
            transform's real and imaginary parts in turn; row 2 is scratch.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = _Transform(context, builder)
        (tables_type, data_type), (tables_at, data_at) = signature.args, args
        whole = ir.IntType(64)

        def cell(row: int, first: int, moved: Any) -> Any:
            return code.lanes_at(data_type, data_at, row, first, moved)

        def table(row: int, first: int, moved: Any) -> Any:
            at = code.lanes_at(tables_type, tables_at, row, first, moved)
            return builder.load(at, align=4)

        def pair(row: int, first: int, moved: Any) -> Pair:
            re, im = cell(row, first, moved), cell(row, POINTS + first, moved)
            return builder.load(re, align=4), builder.load(im, align=4)

        zero, step = ir.Constant(whole, 0), ir.Constant(whole, LANES)
        with cgutils.for_range_slice(builder, zero, ir.Constant(whole, ROUND), step) as (b, _):
            found = code.transform([pair(1, a * ROUND, b) for a in range(DOWN)])
            for c in range(DOWN):
                turn = table(2, c * ROUND, b), table(3, c * ROUND, b)
                found[c] = code.times(found[c], turn)
            start = builder.mul(b, ir.Constant(whole, DOWN))
            for c in range(0, DOWN, LANES):
                for part in range(2):
                    rows = code.transposed([value[part] for value in found[c : c + LANES]])
                    for i, row in enumerate(rows):
                        to = cell(2, part * POINTS + i * DOWN + c, start)
                        builder.store(row, to, align=4)
        with cgutils.for_range_slice(builder, zero, ir.Constant(whole, DOWN), step) as (c, _):
            found = code.transform([pair(2, b * DOWN, c) for b in range(ROUND)])
            twice = builder.mul(c, ir.Constant(whole, 2))
            for d, value in enumerate(found):
                for half, vector in enumerate(code.interleaved(*value)):
                    to = cell(0, 2 * d * DOWN + half * LANES, twice)
                    builder.store(vector, to, align=4)
        return context.get_dummy_value()

    return types.void(tables, data), codegen
