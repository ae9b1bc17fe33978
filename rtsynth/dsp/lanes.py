"""Inner loops of the modal bank, written for vector registers: LANES modes side by side.

Numba's own loops keep a mode's state in memory from sample to sample. Here LANES modes stay in
registers for a whole tick, and of sample n + k only the real part is made, `Re(z[n]·p^k)` for
k = 1 … STEP, before z moves on by p^STEP: three multiply-adds per mode and sample, the sum over the
modes included. Within the tick that is float32; before and after it the state is float64. Lanes are
summed once, at the tick's end, always in the same order. Thread: audio.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = [
    "Code",
    "LANES",
    "ROWS",
    "TICK",
    "bow_lanes",
    "drive_lanes",
    "glide_lanes",
    "largest_bits",
    "ring_lanes",
]

TICK = 32
"""Frames of the absolute grid on which everything done per block is done."""

ZR, ZI, PR, PI, QR, QI, AR, AI, G0, G1, NR, NI, UR, UI, WR, WI = range(16)
ROWS = 16
"""Rows of `modes`: state z, pole p, p^TICK, gain of the drive a, output gain now and its target;
the pole's direction p/|p|; the bow's phasor u, and its share w of the state."""

STEP = 4
"""Samples made from one state."""

LANES = 16 if llvmlite.binding.get_host_cpu_features().get("avx512f") else 8
"""Modes side by side; divides `MODE_ALIGN`."""

Z, P, Q, A, N, U, W = (ZR, ZI), (PR, PI), (QR, QI), (AR, AI), (NR, NI), (UR, UI), (WR, WI)
NARROW = ir.VectorType(ir.FloatType(), LANES)
WIDE = ir.VectorType(ir.DoubleType(), LANES)
WHOLE = ir.VectorType(ir.IntType(32), LANES)
Pair = tuple[Any, Any]


def _places(places: list[int]) -> Any:
    """The mask of a shuffle."""
    return ir.Constant(ir.VectorType(ir.IntType(32), len(places)), places)


class Code:
    """A builder of vector code on the rows of a voice's modes."""

    def __init__(self, context: Any, builder: Any, array_type: Any, array: Any) -> None:
        self.context, self.builder = context, builder
        modes = context.make_array(array_type)(context, builder, array)
        self.data = modes.data
        self.columns = cgutils.unpack_tuple(builder, modes.shape)[1]
        self.level = cgutils.alloca_once_value(builder, constant(0.0, WIDE))
        self.column: Any = None

    # --- memory ------------------------------------------------------------------------------

    def _cell(self, row: int) -> Any:
        start = self.builder.mul(ir.Constant(self.columns.type, row), self.columns)
        at = self.builder.gep(self.data, [self.builder.add(start, self.column)])
        return self.builder.bitcast(at, WIDE.as_pointer())

    def load(self, row: int) -> Any:
        """A vector of a row at this column."""
        return self.builder.load(self._cell(row), align=8)

    def load_pair(self, rows: tuple[int, int]) -> Pair:
        """Real and imaginary rows."""
        return self.load(rows[0]), self.load(rows[1])

    def store(self, row: int, value: Any) -> None:
        """A vector into a row at this column."""
        self.builder.store(value, self._cell(row), align=8)

    def store_pair(self, rows: tuple[int, int], value: Pair) -> None:
        """Into real and imaginary rows."""
        self.store(rows[0], value[0])
        self.store(rows[1], value[1])

    def narrow(self, value: Any) -> Any:
        """As float32."""
        return self.builder.fptrunc(value, NARROW)

    def narrow_pair(self, value: Pair) -> Pair:
        """Both parts as float32."""
        return self.narrow(value[0]), self.narrow(value[1])

    def vectors(self, array_type: Any, array: Any, kind: Any) -> list[Any]:
        """Where the vectors of a TICK's length of an array lie."""
        data = self.context.make_array(array_type)(self.context, self.builder, array).data
        cells = []
        for first in range(0, TICK, LANES):
            at = self.builder.gep(data, [ir.Constant(ir.IntType(64), first)])
            cells.append(self.builder.bitcast(at, kind.as_pointer()))
        return cells

    @contextlib.contextmanager
    def over_columns(self, count: Any) -> Iterator[None]:
        """The body of a loop over vectors of columns."""
        zero, step = ir.Constant(count.type, 0), ir.Constant(count.type, LANES)
        with cgutils.for_range_slice(self.builder, zero, count, step) as (column, _):
            self.column = column
            yield

    # --- arithmetic --------------------------------------------------------------------------

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
        return self.builder.shuffle_vector(one, none, _places([0] * LANES))

    def splat_lane(self, vector: Any, lane: int) -> Any:
        """One lane in every lane."""
        return self.builder.shuffle_vector(vector, vector, _places([lane] * LANES))

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

    def powers(self, p: Pair) -> list[Pair]:
        """p, p² … p^STEP."""
        found = [p]
        while len(found) < STEP:
            half = len(found) + 1
            found.append(self.times(found[half // 2 - 1], found[(half + 1) // 2 - 1]))
        return found

    def sums(self, count: int) -> list[Any]:
        """Cells of as many vectors, all zero."""
        return [
            cgutils.alloca_once_value(self.builder, constant(0.0, NARROW)) for _ in range(count)
        ]

    def bump(self, cell: Any, a: Any, b: Any) -> None:
        """Add a·b to a cell."""
        self.builder.store(self.add(self.builder.load(cell), self.mul(a, b)), cell)

    # --- a tick ------------------------------------------------------------------------------

    def gains(self) -> tuple[Any, Any]:
        """Output gain before the tick and its step per frame; it arrives."""
        now, target = self.load(G0), self.load(G1)
        self.store(G0, target)
        step = self.mul(self.sub(target, now), constant(1.0 / TICK, WIDE))
        return self.narrow(now), self.narrow(step)

    def rest(self, z: Pair, gain: Any) -> None:
        """Store the state at the tick's end and count it in the level."""
        self.store_pair(Z, z)
        kind, name = ir.FunctionType(WIDE, [WIDE]), f"llvm.fabs.v{LANES}f64"
        size = cgutils.get_or_insert_function(self.builder.module, kind, name)
        both = self.add(*(self.builder.call(size, [part]) for part in z))
        self.bump(self.level, both, gain)

    def sum_ringing(self, sums: list[Any], z: Pair, powers: list[Pair]) -> None:
        """Add `Re z·p^{n+1}` to sum n."""
        for n in range(TICK):
            total = self.real(z, powers[n % STEP], self.builder.load(sums[n]))
            self.builder.store(total, sums[n])
            if n % STEP == STEP - 1:
                z = self.times(z, powers[-1])

    def bump_gliding(self, cell: Any, re: Any, gains: tuple[Any, Any], n: int) -> None:
        """Add `(gain + (n+1)·step)·re` to a cell."""
        now = self.add(gains[0], self.mul(gains[1], constant(n + 1.0, NARROW)))
        self.bump(cell, now, re)

    def sum_gliding(
        self, sums: list[Any], z: Pair, powers: list[Pair], gains: tuple[Any, Any]
    ) -> None:
        """Add `(gain + (n+1)·step)·Re z·p^{n+1}` to sum n."""
        for n in range(TICK):
            self.bump_gliding(sums[n], self.real(z, powers[n % STEP]), gains, n)
            if n % STEP == STEP - 1:
                z = self.times(z, powers[-1])

    def bump_answer(
        self, cells: list[Any], a: Pair, powers: list[Pair], gains: tuple[Any, Any]
    ) -> None:
        """Add `gain·Re a·p^j`, j = 0 … STEP − 1, to the cells, then the same of the gain's step."""
        for j in range(STEP):
            re = self.real(a, powers[j - 1]) if j > 0 else a[0]
            for i, gain in enumerate(gains):
                self.bump(cells[i * STEP + j], gain, re)

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
        times = ir.Constant(NARROW, [float(v * LANES + lane + 1) for lane in range(LANES)])
        for j in range(STEP):
            kept = [lane - j if lane % STEP >= j else LANES for lane in range(LANES)]
            past = self.builder.shuffle_vector(x, constant(0.0, NARROW), _places(kept))
            gain, glide = self.splat_lane(near, j), self.splat_lane(near, STEP + j)
            heard = self.add(heard, self.mul(self.add(gain, self.mul(glide, times)), past))
        return heard

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
            rows += [constant(0.0, NARROW)] * (LANES - len(rows))
            width = LANES // 2  # partners half the rows apart: the lanes come out in order
            while width >= 1:
                half = len(rows) // 2
                rows = [self._fold(rows[i], rows[i + half], width) for i in range(half)]
                width //= 2
            found.append(rows[0])
        return found

    def finish(self, array_type: Any, array: Any, heard: list[Any]) -> Any:
        """Write the tick; the level in one number."""
        for cell, vector in zip(self.vectors(array_type, array, NARROW), heard, strict=True):
            self.builder.store(vector, cell, align=4)
        level, width = self.builder.load(self.level), LANES
        while width > 1:
            width //= 2
            low, high = _places(list(range(width))), _places(list(range(width, 2 * width)))
            level = self.builder.fadd(
                self.builder.shuffle_vector(level, level, low),
                self.builder.shuffle_vector(level, level, high),
            )
        return self.builder.extract_element(level, ir.Constant(ir.IntType(32), 0))


def constant(value: float, kind: Any) -> Any:
    """A vector of equal numbers."""
    return ir.Constant(kind, [value] * LANES)


@intrinsic
def ring_lanes(typingctx: Any, modes: Any, count: Any, out: Any) -> Any:
    """`rtsynth.dsp.modal.ring_modes`: modes [ROWS, M], count a multiple of LANES, out [TICK]."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = Code(context, builder, signature.args[0], args[0])
        sums = code.sums(TICK)
        with code.over_columns(args[1]):
            z, gain = code.load_pair(Z), code.load(G0)
            code.rest(code.times(z, code.load_pair(Q)), gain)
            heard = code.narrow_pair(code.scale(z, gain))
            powers = code.powers(code.narrow_pair(code.load_pair(P)))
            code.sum_ringing(sums, heard, powers)
        return code.finish(signature.args[2], args[2], code.reduce(sums))

    return types.float64(modes, types.int64, out), codegen


@intrinsic
def glide_lanes(typingctx: Any, modes: Any, count: Any, out: Any) -> Any:
    """`rtsynth.dsp.modal.glide_modes`: modes [ROWS, M], count a multiple of LANES, out [TICK]."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = Code(context, builder, signature.args[0], args[0])
        sums = code.sums(TICK)
        with code.over_columns(args[1]):
            z, gains = code.load_pair(Z), code.gains()
            code.rest(code.times(z, code.load_pair(Q)), code.load(G1))
            powers = code.powers(code.narrow_pair(code.load_pair(P)))
            code.sum_gliding(sums, code.narrow_pair(z), powers, gains)
        return code.finish(signature.args[2], args[2], code.reduce(sums))

    return types.float64(modes, types.int64, out), codegen


@intrinsic
def drive_lanes(typingctx: Any, modes: Any, count: Any, drive: Any, out: Any) -> Any:
    """`rtsynth.dsp.modal.drive_tick`: count a multiple of LANES, drive [TICK] float64, out [TICK].

    With x the drive, s[n] = Σ_{k<n} x[k]·p^{n-1-k} is what a unit of it has left before frame n.
    Within STEP samples the drive's own answer is a short convolution with Σ g·Re(a·p^j), for which
    the modes are summed first.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = Code(context, builder, signature.args[0], args[0])
        cells = code.vectors(signature.args[2], args[2], WIDE)
        x = [code.narrow(builder.load(cell, align=8)) for cell in cells]
        beats = [code.splat_lane(x[n // LANES], n % LANES) for n in range(TICK)]
        sums, answer = code.sums(TICK), code.sums(2 * STEP)
        with code.over_columns(args[1]):
            state, gains, amount = code.load_pair(Z), code.gains(), code.load_pair(A)
            z, a = code.narrow_pair(state), code.narrow_pair(amount)
            powers = code.powers(code.narrow_pair(code.load_pair(P)))
            code.bump_answer(answer, a, powers, gains)
            s = constant(0.0, NARROW), constant(0.0, NARROW)
            for n in range(0, TICK, STEP):
                both = code.real(a, s, z[0]), code.imaginary(a, s, z[1])
                for k in range(STEP):
                    code.bump_gliding(sums[n + k], code.real(both, powers[k]), gains, n + k)
                z = code.times(z, powers[-1])
                s = code.beaten(s, powers, beats[n : n + STEP])
            made = code.times(amount, (builder.fpext(s[0], WIDE), builder.fpext(s[1], WIDE)))
            q = code.load_pair(Q)
            rest = code.real(state, q, made[0]), code.imaginary(state, q, made[1])
            code.rest(rest, code.load(G1))
        near = code.reduce(answer)[0]
        heard = [code.answered(h, near, x[v], v) for v, h in enumerate(code.reduce(sums))]
        return code.finish(signature.args[3], args[3], heard)

    return types.float64(modes, types.int64, drive, out), codegen


@intrinsic
def bow_lanes(typingctx: Any, modes: Any, count: Any, height: Any, out: Any) -> Any:
    """`rtsynth.dsp.modal.bow_modes` over a whole tick: count a multiple of LANES, out [TICK]."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = Code(context, builder, signature.args[0], args[0])
        sums, tall = code.sums(TICK), code.splat(args[2])
        with code.over_columns(args[1]):
            a, u, z = code.scale(code.load_pair(A), tall), code.load_pair(U), code.load_pair(Z)
            share, turn = code.times(a, u), code.load_pair(N)
            code.store_pair(Z, (code.sub(z[0], share[0]), code.sub(z[1], share[1])))
            now = code.load(G0)
            step = code.mul(code.sub(code.load(G1), now), constant(1.0 / TICK, WIDE))
            powers = code.powers(code.narrow_pair(turn))
            gains = code.narrow_pair((now, step))
            code.sum_gliding(sums, code.narrow_pair(share), powers, gains)
            for _ in range(5):  # TICK = 2^5
                turn = code.times(turn, turn)
            u = code.times(u, turn)
            size = code.real(u, (u[0], code.mul(u[1], constant(-1.0, WIDE))))
            longer = code.sub(constant(1.5, WIDE), code.mul(constant(0.5, WIDE), size))
            u = code.scale(u, longer)  # one step of Newton's towards length 1
            code.store_pair(U, u)
            code.store_pair(W, code.times(a, u))
        code.finish(signature.args[3], args[3], code.reduce(sums))
        return context.get_dummy_value()

    return types.void(modes, types.int64, types.float64, out), codegen


@intrinsic
def largest_bits(typingctx: Any, audio: Any) -> Any:
    """Largest |x| of [TICK] float32 as the bits of a float32: NaN and infinity above all others."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        found = ir.Constant(WHOLE, [0] * LANES)
        sign = ir.Constant(WHOLE, [0x7FFFFFFF] * LANES)
        for first in range(0, TICK, LANES):
            at = builder.gep(data, [ir.Constant(ir.IntType(64), first)])
            bits = builder.load(builder.bitcast(at, WHOLE.as_pointer()), align=4)
            bits = builder.and_(bits, sign)
            found = builder.select(builder.icmp_signed(">", bits, found), bits, found)
        width = LANES
        while width > 1:
            width //= 2
            low = builder.shuffle_vector(found, found, _places(list(range(width))))
            high = builder.shuffle_vector(found, found, _places(list(range(width, 2 * width))))
            found = builder.select(builder.icmp_signed(">", low, high), low, high)
        return builder.extract_element(found, ir.Constant(ir.IntType(32), 0))

    return types.int32(audio), codegen
