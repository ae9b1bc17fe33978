"""A tick of sound added to another and taken away from where it was. Thread: audio, helper.

Written in LLVM's vectors: Numba makes one sample at a time of a loop that writes two arrays.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from rtsynth.dsp.arithmetic import LANES, NARROW, constant
from rtsynth.dsp.registers import TICK

__all__ = ["pour"]


def _places(context: Any, builder: Any, kind: Any, array: Any) -> list[Any]:
    """Addresses of the vectors in [TICK] float32."""
    data = context.make_array(kind)(context, builder, array).data
    starts = [
        builder.gep(data, [ir.Constant(ir.IntType(64), first)]) for first in range(0, TICK, LANES)
    ]
    return [builder.bitcast(start, NARROW.as_pointer()) for start in starts]


@intrinsic
def pour(typingctx: Any, found: Any, out: Any) -> Any:
    """`out += found`, both [TICK] float32 and two arrays; leave silence in `found`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        sources = _places(context, builder, signature.args[0], args[0])
        targets = _places(context, builder, signature.args[1], args[1])
        for source, target in zip(sources, targets, strict=True):
            total = builder.fadd(builder.load(target, align=4), builder.load(source, align=4))
            builder.store(total, target, align=4)
            builder.store(constant(0.0, NARROW), source, align=4)
        return context.get_dummy_value()

    return types.void(found, out), codegen
