"""What several threads need that work on the same arrays without a lock: a count, a pause.

Thread: audio. Each is one or two machine instructions.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from rtsynth.dsp.intrinsic import ARM, X86, item_pointer

__all__ = ["CACHE_LINE", "LINE", "address_of", "exchange", "fetch_add", "prefetch", "relax"]

CACHE_LINE = 64
"""Bytes that go from memory to a core, and from core to core, together."""

LINE = CACHE_LINE // 4
"""Float32 in a cache line."""


def _changed(operation: str) -> Any:
    """Code that changes `array[index]` by a number at once for all threads; what was there before.

    Thread: main.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = item_pointer(context, builder, signature, args)
        number = context.cast(builder, args[2], signature.args[2], types.int64)
        return builder.atomic_rmw(operation, pointer, number, "seq_cst")

    return codegen


@intrinsic
def fetch_add(typingctx: Any, array: Any, index: Any, number: Any) -> Any:
    """Add to `array[index]` of an int64 array at once for all threads; what was there before.

    Nothing is moved across it in either direction.
    """
    return types.int64(array, index, number), _changed("add")


@intrinsic
def exchange(typingctx: Any, array: Any, index: Any, value: Any) -> Any:
    """Set `array[index]` of an int64 array; what was there before. As `fetch_add` otherwise."""
    return types.int64(array, index, value), _changed("xchg")


@intrinsic
def address_of(typingctx: Any, array: Any, index: Any) -> Any:
    """The integer address of `array[index]`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = item_pointer(context, builder, signature, args)
        return builder.ptrtoint(pointer, ir.IntType(64))

    return types.int64(array, index), codegen


@intrinsic
def prefetch(typingctx: Any, array: Any, index: Any) -> Any:
    """Let the cache line of `array[index]` be on its way."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = item_pointer(context, builder, signature, args)
        byte = ir.IntType(8).as_pointer()
        fetch = builder.module.declare_intrinsic(
            "llvm.prefetch", [byte], ir.FunctionType(ir.VoidType(), [byte, *[ir.IntType(32)] * 3])
        )
        read, keep, data = (ir.Constant(ir.IntType(32), number) for number in (0, 3, 1))
        builder.call(fetch, [builder.bitcast(pointer, byte), read, keep, data])
        return context.get_dummy_value()

    return types.void(array, index), codegen


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
