"""Inner loops of the modal bank, written for vector registers: LANES modes side by side.

Numba's own loops keep a mode's state in memory from sample to sample. Here the state of LANES modes
stays in registers for a whole tick, and of sample n + k only the real part is made,
`Re(z[n]·p^k)` for k = 1 … STEP, before z moves on by p^STEP: three multiply-adds per mode and
sample, the sum over the modes included. Lanes are summed once, at the tick's end, always in the
same order. Thread: audio.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["LANES", "TICK", "WORK_ROWS", "sum_driven", "sum_gliding", "sum_ringing"]

TICK = 32
"""Frames of the absolute grid on which everything done per block is done."""

STEP = 4
"""Samples made from one state."""

LANES = 16 if llvmlite.binding.get_host_cpu_features().get("avx512f") else 8
"""Modes side by side; divides `MODE_ALIGN`."""

WORK_ROWS = 8
"""Rows of `work`: state z, pole p, output gain and its step per frame, gain of the drive."""

Z, P, A = (0, 1), (2, 3), (6, 7)
GAIN, GLIDE = 4, 5

FLOAT = ir.FloatType()
VECTOR = ir.VectorType(FLOAT, LANES)
Pair = tuple[Any, Any]


def _places(places: list[int]) -> Any:
    """The mask of a shuffle."""
    return ir.Constant(ir.VectorType(ir.IntType(32), LANES), places)


class _Code:
    """A builder of vector code on rows of `work`."""

    def __init__(self, context: Any, builder: Any, signature: Any, args: Any) -> None:
        self.context, self.builder = context, builder
        work_type = signature.args[0]
        work = context.make_array(work_type)(context, builder, args[0])
        self.data = builder.bitcast(work.data, FLOAT.as_pointer())
        self.columns = cgutils.unpack_tuple(builder, work.shape)[1]
        self.column: Any = None

    def _cell(self, row: int) -> Any:
        builder = self.builder
        at = builder.add(
            builder.mul(ir.Constant(self.columns.type, row), self.columns), self.column
        )
        return builder.bitcast(builder.gep(self.data, [at]), VECTOR.as_pointer())

    def load(self, row: int) -> Any:
        return self.builder.load(self._cell(row), align=4)

    def load_pair(self, rows: tuple[int, int]) -> Pair:
        return self.load(rows[0]), self.load(rows[1])

    def store(self, row: int, value: Any) -> None:
        self.builder.store(value, self._cell(row), align=4)

    def mul(self, a: Any, b: Any) -> Any:
        return self.builder.fmul(a, b, flags=("contract",))

    def add(self, a: Any, b: Any) -> Any:
        return self.builder.fadd(a, b, flags=("contract",))

    def sub(self, a: Any, b: Any) -> Any:
        return self.builder.fsub(a, b, flags=("contract",))

    def constant(self, value: float) -> Any:
        return ir.Constant(VECTOR, [value] * LANES)

    def splat_lane(self, vector: Any, lane: int) -> Any:
        return self.builder.shuffle_vector(vector, vector, _places([lane] * LANES))

    def narrow(self, array_type: Any, array: Any) -> list[Any]:
        """The first TICK numbers of a float64 array as vectors of float32."""
        data = self.context.make_array(array_type)(self.context, self.builder, array).data
        wide = ir.VectorType(ir.DoubleType(), LANES)
        found = []
        for first in range(0, TICK, LANES):
            at = self.builder.gep(data, [ir.Constant(self.columns.type, first)])
            at = self.builder.bitcast(at, wide.as_pointer())
            found.append(self.builder.fptrunc(self.builder.load(at, align=8), VECTOR))
        return found

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
        """`a·b` of complex numbers."""
        return self.real(a, b), self.imaginary(a, b)

    def powers(self, p: Pair) -> list[Pair]:
        """p, p² … p^STEP."""
        found = [p]
        while len(found) < STEP:
            half = len(found) + 1
            found.append(self.times(found[half // 2 - 1], found[(half + 1) // 2 - 1]))
        return found

    def sums(self, count: int) -> list[Any]:
        """Cells of as many vectors, all zero."""
        cells = [cgutils.alloca_once(self.builder, VECTOR) for _ in range(count)]
        for cell in cells:
            self.builder.store(self.constant(0.0), cell)
        return cells

    def bump(self, cell: Any, onto: Any) -> None:
        """Let `onto` add to a cell."""
        self.builder.store(onto(self.builder.load(cell)), cell)

    def bump_gliding(self, cell: Any, re: Any, gain: Any, glide: Any, n: int) -> None:
        """Add `(gain + (n+1)·glide)·re` to a cell."""
        now = self.add(gain, self.mul(glide, self.constant(n + 1.0)))
        self.bump(cell, lambda total: self.add(total, self.mul(now, re)))

    def bump_answer(self, cells: list[Any], a: Pair, powers: list[Pair], *gains: Any) -> None:
        """Add `gain·Re(a·p^j)`, j = 0 … STEP − 1, to the cells, for each gain."""
        for j in range(STEP):
            re = self.real(a, powers[j - 1]) if j > 0 else a[0]
            for i, gain in enumerate(gains):
                self.bump(
                    cells[i * STEP + j],
                    lambda total, re=re, gain=gain: self.add(total, self.mul(gain, re)),
                )

    def beaten(self, s: Pair, powers: list[Pair], beats: list[Any]) -> Pair:
        """The state s after STEP samples of a real drive."""
        re, im = beats[-1], None
        for k, beat in enumerate(beats[:-1]):
            p = powers[STEP - 2 - k]
            re = self.add(re, self.mul(beat, p[0]))
            im = self.mul(beat, p[1]) if im is None else self.add(im, self.mul(beat, p[1]))
        return self.real(s, powers[-1], re), self.imaginary(s, powers[-1], im)

    def answered(self, heard: Any, near: Any, x: Any, v: int) -> Any:
        """Samples v·LANES … with the drive's own answer within STEP samples added."""
        times = ir.Constant(VECTOR, [float(v * LANES + lane + 1) for lane in range(LANES)])
        for j in range(STEP):
            kept = [lane - j if lane % STEP >= j else LANES for lane in range(LANES)]
            past = self.builder.shuffle_vector(x, self.constant(0.0), _places(kept))
            gain, glide = self.splat_lane(near, j), self.splat_lane(near, STEP + j)
            heard = self.add(heard, self.mul(self.add(gain, self.mul(glide, times)), past))
        return heard

    @contextlib.contextmanager
    def over_columns(self, count: Any) -> Iterator[None]:
        """The body of a loop over vectors of columns."""
        zero, step = ir.Constant(count.type, 0), ir.Constant(count.type, LANES)
        with cgutils.for_range_slice(self.builder, zero, count, step) as (column, _):
            self.column = column
            yield

    def _fold(self, a: Any, b: Any, width: int) -> Any:
        """Halve two sums' lanes: groups of `width` lanes of a, then of b, alternating."""
        low = [
            lane // width % 2 * LANES + lane // (2 * width) * 2 * width + lane % width
            for lane in range(LANES)
        ]
        high = [place + width for place in low]
        return self.builder.fadd(
            self.builder.shuffle_vector(a, b, _places(low)),
            self.builder.shuffle_vector(a, b, _places(high)),
        )

    def reduce(self, cells: list[Any]) -> list[Any]:
        """[ceil(count / LANES)] vectors: lane k of vector v is the sum of cell v·LANES + k."""
        found = []
        for first in range(0, len(cells), LANES):
            rows = [self.builder.load(cell) for cell in cells[first : first + LANES]]
            rows += [self.constant(0.0)] * (LANES - len(rows))
            width = LANES // 2  # partners half the rows apart: the lanes come out in order
            while width >= 1:
                half = len(rows) // 2
                rows = [self._fold(rows[i], rows[i + half], width) for i in range(half)]
                width //= 2
            found.append(rows[0])
        return found

    def write(self, array_type: Any, array: Any, vectors: list[Any]) -> None:
        """Vectors into the beginning of a float32 array."""
        data = self.context.make_array(array_type)(self.context, self.builder, array).data
        for v, vector in enumerate(vectors):
            at = self.builder.gep(data, [ir.Constant(self.columns.type, v * LANES)])
            self.builder.store(vector, self.builder.bitcast(at, VECTOR.as_pointer()), align=4)


@intrinsic
def sum_ringing(typingctx: Any, work: Any, count: Any, out: Any) -> Any:
    """`out[n] = Re Σ z·p^{n+1}` for n = 0 … TICK − 1.

    Args:
        typingctx: Numba's.
        work: [≥ 4, M] float32: z with its gain in it, p.
        count: columns, a multiple of LANES.
        out: [TICK] float32, overwritten.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = _Code(context, builder, signature, args)
        sums = code.sums(TICK)
        with code.over_columns(args[1]):
            z, powers = code.load_pair(Z), code.powers(code.load_pair(P))
            for n in range(TICK):
                code.bump(sums[n], lambda total, z=z, k=n % STEP: code.real(z, powers[k], total))
                if n % STEP == STEP - 1:
                    z = code.times(z, powers[-1])
        code.write(signature.args[2], args[2], code.reduce(sums))
        return context.get_dummy_value()

    return types.void(work, types.int64, out), codegen


@intrinsic
def sum_gliding(typingctx: Any, work: Any, count: Any, out: Any) -> Any:
    """`out[n] = Re Σ (g + (n+1)·step)·z·p^{n+1}` for n = 0 … TICK − 1.

    Args:
        typingctx: Numba's.
        work: [≥ 6, M] float32: z, p, g, step.
        count: columns, a multiple of LANES.
        out: [TICK] float32, overwritten.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = _Code(context, builder, signature, args)
        sums = code.sums(TICK)
        with code.over_columns(args[1]):
            z, powers = code.load_pair(Z), code.powers(code.load_pair(P))
            gain, glide = code.load(GAIN), code.load(GLIDE)
            for n in range(TICK):
                code.bump_gliding(sums[n], code.real(z, powers[n % STEP]), gain, glide, n)
                if n % STEP == STEP - 1:
                    z = code.times(z, powers[-1])
        code.write(signature.args[2], args[2], code.reduce(sums))
        return context.get_dummy_value()

    return types.void(work, types.int64, out), codegen


@intrinsic
def sum_driven(typingctx: Any, work: Any, count: Any, drive: Any, out: Any) -> Any:
    """As `sum_gliding`, with `a·drive[n]` added to the state at frame n; what that adds, into z.

    With x the drive, s[n] = Σ_{k<n} x[k]·p^{n-1-k} is what a unit of it has left before frame n.
    Within STEP samples the drive's own answer is a short convolution with Σ g·Re(a·p^j), for which
    the modes are summed first.

    Args:
        typingctx: Numba's.
        work: [WORK_ROWS, M] float32; the rows of z become s[TICK].
        count: columns, a multiple of LANES.
        drive: [TICK] float64.
        out: [TICK] float32, overwritten.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = _Code(context, builder, signature, args)
        x = code.narrow(signature.args[2], args[2])
        beats = [code.splat_lane(x[n // LANES], n % LANES) for n in range(TICK)]
        sums, answer = code.sums(TICK), code.sums(2 * STEP)
        with code.over_columns(args[1]):
            z, a, powers = code.load_pair(Z), code.load_pair(A), code.powers(code.load_pair(P))
            gain, glide = code.load(GAIN), code.load(GLIDE)
            code.bump_answer(answer, a, powers, gain, glide)
            s = code.constant(0.0), code.constant(0.0)
            for n in range(0, TICK, STEP):
                both = code.real(a, s, z[0]), code.imaginary(a, s, z[1])
                for k in range(STEP):
                    re = code.real(both, powers[k])
                    code.bump_gliding(sums[n + k], re, gain, glide, n + k)
                z = code.times(z, powers[-1])
                s = code.beaten(s, powers, beats[n : n + STEP])
            code.store(Z[0], s[0])
            code.store(Z[1], s[1])
        heard = code.reduce(sums)
        near = code.reduce(answer)
        for v in range(len(heard)):
            heard[v] = code.answered(heard[v], near[0], x[v], v)
        code.write(signature.args[3], args[3], heard)
        return context.get_dummy_value()

    return types.void(work, types.int64, drive, out), codegen
