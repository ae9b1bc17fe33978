"""A tick of sound added to another and taken away from where it was. Thread: audio, helper.

Written in LLVM's vectors: Numba makes one sample at a time of a loop that writes two arrays.
"""

from typing import Any

from numba import types
from numba.extending import intrinsic

from rtsynth.dsp.arithmetic import NARROW, Arithmetic, constant
from rtsynth.dsp.registers import TICK

__all__ = ["pour"]


@intrinsic
def pour(typingctx: Any, found: Any, out: Any) -> Any:
    """`out += found`, both [TICK] float32 and two arrays; leave silence in `found`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = Arithmetic(context, builder)
        sources, targets = (
            code.vectors(kind, array, NARROW, TICK)
            for kind, array in zip(signature.args, args, strict=True)
        )
        for source, target in zip(sources, targets, strict=True):
            total = builder.fadd(builder.load(target, align=4), builder.load(source, align=4))
            builder.store(total, target, align=4)
            builder.store(constant(0.0, NARROW), source, align=4)
        return context.get_dummy_value()

    return types.void(found, out), codegen
