"""How the modes of a voice lie in memory, and a builder of vector code on them.

LANES modes stand side by side; what is float64 in memory may be worked on as float32.
Thread: audio; the code is built when it is compiled.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from llvmlite import ir
from numba.core import cgutils

from rtsynth.dsp.arithmetic import LANES, NARROW, WIDE, Arithmetic, Pair, constant, places

__all__ = ["Code", "ROWS", "TICK"]

TICK = 32
"""Frames of the absolute grid on which everything done per block is done."""

ZR, ZI, PR, PI, QR, QI, AR, AI, G0, G1, NR, NI, UR, UI, WR, WI = range(16)
ROWS = 16
"""Rows of `modes`: state z, pole p, p^TICK, gain of the drive a, output gain now and its target;
the pole's direction p/|p|; the bow's phasor u, and its share w of the state."""

STEP = 4
"""Samples made from one state."""

Z, P, Q, A, N, U, W = (ZR, ZI), (PR, PI), (QR, QI), (AR, AI), (NR, NI), (UR, UI), (WR, WI)


class Code(Arithmetic):
    """A builder of vector code on the rows of a voice's modes."""

    def __init__(self, context: Any, builder: Any, array_type: Any, array: Any) -> None:
        super().__init__(context, builder)
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

    @contextlib.contextmanager
    def over_columns(self, count: Any) -> Iterator[None]:
        """The body of a loop over vectors of columns."""
        zero, step = ir.Constant(count.type, 0), ir.Constant(count.type, LANES)
        with cgutils.for_range_slice(self.builder, zero, count, step) as (column, _):
            self.column = column
            yield

    # --- arithmetic --------------------------------------------------------------------------

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
            past = self.builder.shuffle_vector(x, constant(0.0, NARROW), places(kept))
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
            self.builder.shuffle_vector(a, b, places(low)),
            self.builder.shuffle_vector(a, b, places(high)),
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
        for cell, vector in zip(self.vectors(array_type, array, NARROW, TICK), heard, strict=True):
            self.builder.store(vector, cell, align=4)
        level, width = self.builder.load(self.level), LANES
        while width > 1:
            width //= 2
            low, high = places(list(range(width))), places(list(range(width, 2 * width)))
            level = self.builder.fadd(
                self.builder.shuffle_vector(level, level, low),
                self.builder.shuffle_vector(level, level, high),
            )
        return self.builder.extract_element(level, ir.Constant(ir.IntType(32), 0))
