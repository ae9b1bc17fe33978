"""What several threads need that work on the same arrays without a lock: a count, a pause.

Thread: audio. Each is one or two machine instructions.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from rtsynth.dsp.intrinsic import ARM, X86, item_pointer

__all__ = ["address_of", "fetch_add", "relax"]


@intrinsic
def fetch_add(typingctx: Any, array: Any, index: Any, number: Any) -> Any:
    """Add to `array[index]` of an int64 array at once for all threads; what was there before.

    Nothing is moved across it in either direction.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        index_value = context.cast(builder, args[1], signature.args[1], types.intp)
        pointer = item_pointer(context, builder, signature.args[0], args[0], index_value)
        added = context.cast(builder, args[2], signature.args[2], types.int64)
        return builder.atomic_rmw("add", pointer, added, "seq_cst")

    return types.int64(array, index, number), codegen


@intrinsic
def address_of(typingctx: Any, array: Any, index: Any) -> Any:
    """The integer address of `array[index]`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        index_value = context.cast(builder, args[1], signature.args[1], types.intp)
        pointer = item_pointer(context, builder, signature.args[0], args[0], index_value)
        return builder.ptrtoint(pointer, ir.IntType(64))

    return types.int64(array, index), codegen


@intrinsic
def relax(typingctx: Any) -> Any:
    """Tell the processor that this thread only looks at memory that another will write."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if X86:
            call_type = ir.FunctionType(ir.VoidType(), [])
            pause = cgutils.get_or_insert_function(builder.module, call_type, "llvm.x86.sse2.pause")
            builder.call(pause, [])
        elif ARM:
            builder.asm(ir.FunctionType(ir.VoidType(), []), "yield", "", [], True)
        return context.get_dummy_value()

    return types.void(), codegen
