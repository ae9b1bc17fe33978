"""Inner loops of the modal bank, written for vector registers: LANES modes side by side.

Numba's own loops keep a mode's state in memory from sample to sample. Here LANES modes stay in
registers for a whole tick, and of sample n + k only the real part is made, `Re(z[n]·p^k)` for
k = 1 … STEP, before z moves on by p^STEP: three multiply-adds per mode and sample, the sum over the
modes included. Within the tick that is float32; before and after it the state is float64. Lanes are
summed once, at the tick's end, always in the same order. Thread: audio.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from rtsynth.dsp.arithmetic import LANES, NARROW, WHOLE, WIDE, Arithmetic, constant, places
from rtsynth.dsp.registers import (
    G0,
    G1,
    STEP,
    TICK,
    A,
    Code,
    N,
    P,
    Q,
    U,
    W,
    Z,
)

__all__ = ["bow_lanes", "drive_lanes", "glide_lanes", "largest_bits", "ring_lanes"]


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
        cells = code.vectors(signature.args[2], args[2], WIDE, TICK)
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
        found = ir.Constant(WHOLE, [0] * LANES)
        sign = ir.Constant(WHOLE, [0x7FFFFFFF] * LANES)
        code = Arithmetic(context, builder)
        for cell in code.vectors(signature.args[0], args[0], WHOLE, TICK):
            bits = builder.and_(builder.load(cell, align=4), sign)
            found = builder.select(builder.icmp_signed(">", bits, found), bits, found)
        width = LANES
        while width > 1:
            width //= 2
            low = builder.shuffle_vector(found, found, places(list(range(width))))
            high = builder.shuffle_vector(found, found, places(list(range(width, 2 * width))))
            found = builder.select(builder.icmp_signed(">", low, high), low, high)
        return builder.extract_element(found, ir.Constant(ir.IntType(32), 0))

    return types.int32(audio), codegen
