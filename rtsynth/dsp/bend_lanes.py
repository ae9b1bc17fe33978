"""The inner loop of a bend, written for vector registers: poles and gains of LANES modes at once.

Everything is float64. The series are those of `rtsynth.dsp.elementary`, that of the exponential
shorter: every mode of every voice that moves has two of them per tick. Thread: audio.
"""

import math
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from rtsynth.dsp.arithmetic import NARROW, WIDE, Pair, constant
from rtsynth.dsp.registers import G1, QR, A, Code, N, P, Q

__all__ = ["bend_lanes"]

FREQ, T60, GAIN_RE, GAIN_IM, OCTAVE = range(5)
DB_TO_NEPER = math.log(10.0) / 20.0
EXP = [1.0 / math.factorial(k) for k in range(8, -1, -1)]
ODD = [(-1.0) ** k / math.factorial(2 * k + 1) for k in range(9, -1, -1)]
EVEN = [(-1.0) ** k / math.factorial(2 * k) for k in range(10, -1, -1)]


def number(value: float) -> Any:
    """A vector of equal float64."""
    return constant(value, WIDE)


class _Bend(Code):
    """A builder of series and of loads from a resonance in the bank."""

    def largest(self, a: Any, b: Any) -> Any:
        return self.builder.select(self.builder.fcmp_ordered(">", a, b), a, b)

    def smallest(self, a: Any, b: Any) -> Any:
        return self.builder.select(self.builder.fcmp_ordered("<", a, b), a, b)

    def series(self, x: Any, factors: list[float]) -> Any:
        total = number(factors[0])
        for factor in factors[1:]:
            total = self.add(self.mul(total, x), number(factor))
        return total

    def exp(self, x: Any) -> Any:
        """`e^x`: the series of e^(x/16), squared four times; for |x| ≤ 40 finite and above 0.

        Relative error below 1e-14 for |x| ≤ 1, which a pole's decay per frame is; 2e-7 for |x| ≤ 8.
        """
        e = self.series(self.mul(x, number(1.0 / 16.0)), EXP)
        for _ in range(4):
            e = self.mul(e, e)
        return e

    def turn(self, angle: Any) -> Pair:
        """Cosine and sine for 0 ≤ angle ≤ π: their series around π/2."""
        b = self.sub(angle, number(0.5 * math.pi))
        square = self.mul(b, b)
        minus = self.mul(b, number(-1.0))
        return self.mul(minus, self.series(square, ODD)), self.series(square, EVEN)

    def widen(self, array_type: Any, array: Any, row: int) -> Any:
        """LANES float32 of a row of an array as wide as the modes, as float64."""
        data = self.context.make_array(array_type)(self.context, self.builder, array).data
        start = self.builder.mul(ir.Constant(self.columns.type, row), self.columns)
        at = self.builder.gep(data, [self.builder.add(start, self.column)])
        cell = self.builder.bitcast(at, NARROW.as_pointer())
        return self.builder.fpext(self.builder.load(cell, align=4), WIDE)


@intrinsic
def bend_lanes(typingctx: Any, modes: Any, count: Any, bank: Any, gain_db: Any, rates: Any) -> Any:
    """`rtsynth.dsp.bend.bend_modes` once row QR holds the frequencies; QR and QI become p^TICK.

    Args:
        typingctx: Numba's.
        modes: [ROWS, M].
        count: columns, a multiple of LANES.
        bank: [5, M] float32, a resonance.
        gain_db: [M] float32.
        rates: nepers per frame of a mode of T60 1 s, nepers per frame besides, sample rate in Hz,
            dB per octave.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = _Bend(context, builder, signature.args[0], args[0])
        fall, besides, rate, bright = (
            code.splat(value) for value in cgutils.unpack_tuple(builder, args[4])
        )
        one = number(1.0)
        scale = builder.fdiv(one, rate)
        turn = code.mul(number(2.0 * math.pi), scale)
        half, highest = code.mul(rate, number(0.5)), code.mul(rate, number(0.49))

        def bank_row(row: int) -> Any:
            return code.widen(signature.args[2], args[2], row)

        with code.over_columns(args[1]):
            freq = code.load(QR)
            t60 = bank_row(T60)  # 0 in unused columns, which must not grow beyond all bounds
            t60 = builder.select(builder.fcmp_ordered(">", t60, number(0.0)), t60, one)
            neper = code.sub(builder.fneg(builder.fdiv(fall, t60)), besides)
            radius = code.exp(code.largest(neper, number(-40.0)))
            direction = code.turn(code.mul(code.smallest(freq, half), turn))
            pole = code.scale(direction, radius)
            code.store_pair(N, direction)
            code.store_pair(P, pole)
            code.store_pair(A, code.scale((bank_row(GAIN_RE), bank_row(GAIN_IM)), scale))
            db = code.widen(signature.args[3], args[3], 0)
            louder = code.mul(code.add(db, code.mul(bright, bank_row(OCTAVE))), number(DB_TO_NEPER))
            gain = code.exp(code.smallest(code.largest(louder, number(-40.0)), number(40.0)))
            heard = builder.fcmp_ordered("<", freq, highest)
            code.store(G1, builder.select(heard, gain, number(0.0)))
            for _ in range(5):  # TICK = 2^5
                pole = code.times(pole, pole)
            code.store_pair(Q, pole)
        return context.get_dummy_value()

    return types.void(modes, types.int64, bank, gain_db, rates), codegen
