"""What Numba cannot say by itself: atomics, float modes, a clock, memory by address.

Thread: audio. Each is one or two machine instructions, or one call that never blocks.
"""

import platform
import sys
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from rtsynth.dsp.compile import kernel

__all__ = [
    "ARM",
    "X86",
    "address_to_pointer",
    "array_at",
    "array_value",
    "bits_of",
    "float_of",
    "flush_denormals",
    "item_pointer",
    "load_acquire",
    "now_ns",
    "pointer_to_address",
    "spent_ns",
    "stack_pair",
    "store_release",
]

X86 = platform.machine().lower() in ("x86_64", "amd64", "i386", "i686")
ARM = platform.machine().lower() in ("aarch64", "arm64")
MXCSR_FTZ_DAZ = 0x8040
FPCR_FZ = 1 << 24


def item_pointer(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """LLVM value of the address of `array[index]`, an intrinsic's first two arguments.

    Thread: main.
    """
    array_type, index_type = signature.args[:2]
    struct = context.make_array(array_type)(context, builder, args[0])
    index = context.cast(builder, args[1], index_type, types.intp)
    return cgutils.get_item_pointer(
        context, builder, array_type, struct, [index], wraparound=False, boundscheck=False
    )


@intrinsic
def load_acquire(typingctx: Any, array: Any, index: Any) -> Any:
    """`array[index]` of an int64 array; nothing after it is read before it."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = item_pointer(context, builder, signature, args)
        return builder.load_atomic(pointer, "acquire", 8)

    return types.int64(array, index), codegen


@intrinsic
def store_release(typingctx: Any, array: Any, index: Any, value: Any) -> Any:
    """`array[index] = value` of an int64 array; all before it is written before it."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = item_pointer(context, builder, signature, args)
        number = context.cast(builder, args[2], signature.args[2], types.int64)
        builder.store_atomic(number, pointer, "release", 8)
        return context.get_dummy_value()

    return types.void(array, index, value), codegen


@intrinsic
def flush_denormals(typingctx: Any) -> Any:
    """Set flush-to-zero and denormals-are-zero in this thread; a no-op on unknown processors."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        void = ir.VoidType()
        if X86:
            word = ir.IntType(32)
            cell = cgutils.alloca_once(builder, word)
            pointer = builder.bitcast(cell, ir.IntType(8).as_pointer())
            call_type = ir.FunctionType(void, [ir.IntType(8).as_pointer()])
            module = builder.module
            save = cgutils.get_or_insert_function(module, call_type, "llvm.x86.sse.stmxcsr")
            load = cgutils.get_or_insert_function(module, call_type, "llvm.x86.sse.ldmxcsr")
            builder.call(save, [pointer])
            bits = builder.or_(builder.load(cell), ir.Constant(word, MXCSR_FTZ_DAZ))
            builder.store(bits, cell)
            builder.call(load, [pointer])
        elif ARM:
            word = ir.IntType(64)
            read = ir.FunctionType(word, [])
            bits = builder.asm(read, "mrs $0, fpcr", "=r", [], True)
            bits = builder.or_(bits, ir.Constant(word, FPCR_FZ))
            write = ir.FunctionType(void, [word])
            builder.asm(write, "msr fpcr, $0", "r", [bits], True)
        return context.get_dummy_value()

    return types.void(), codegen


def array_value(context: Any, builder: Any, array_type: Any, address: Any, sizes: list[Any]) -> Any:
    """LLVM value of the C-contiguous array of these sizes at an integer address. Thread: main."""
    array = context.make_array(array_type)(context, builder)
    itemsize = context.get_constant(
        types.intp, context.get_abi_sizeof(context.get_data_type(array_type.dtype))
    )
    strides = [itemsize]
    for size in reversed(sizes[1:]):
        strides.insert(0, builder.mul(strides[0], size))
    populate_array(
        array,
        data=builder.inttoptr(address, array.data.type),
        shape=sizes,
        strides=strides,
        itemsize=itemsize,
        meminfo=None,
    )
    return array._getvalue()


@intrinsic
def array_at(typingctx: Any, address: Any, shape: Any, dtype: Any) -> Any:
    """The C-contiguous array of `dtype` and `shape` (a tuple of integers) at an integer address.

    Numba's own `carray` does the same but wants its reference counting compiled in.
    """
    array_type = types.Array(dtype.dtype, len(shape), "C")

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        sizes = [
            context.cast(builder, size, signature.args[1][i], types.intp)
            for i, size in enumerate(cgutils.unpack_tuple(builder, args[1]))
        ]
        return array_value(context, builder, array_type, args[0], sizes)

    return array_type(address, shape, dtype), codegen


@intrinsic
def bits_of(typingctx: Any, number: Any) -> Any:
    """The bits of a float64 as an int64."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(64))

    return types.int64(types.float64), codegen


@intrinsic
def float_of(typingctx: Any, bits: Any) -> Any:
    """The float64 whose bits an int64 holds."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(types.int64), codegen


@intrinsic
def pointer_to_address(typingctx: Any, pointer: Any) -> Any:
    """The integer address of a `void *`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ptrtoint(args[0], ir.IntType(64))

    return types.int64(pointer), codegen


@intrinsic
def address_to_pointer(typingctx: Any, address: Any) -> Any:
    """A `void *` from an integer address."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(types.voidptr))

    return types.voidptr(address), codegen


@intrinsic
def stack_pair(typingctx: Any) -> Any:
    """Address of two int64 on this function's stack."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pair = cgutils.alloca_once(builder, ir.IntType(64), size=2)
        return builder.ptrtoint(pair, ir.IntType(64))

    return types.int64(), codegen


if sys.platform == "darwin":
    _clock = types.ExternalFunction("clock_gettime_nsec_np", types.uint64(types.int32))
    CLOCK_UPTIME_RAW, CLOCK_THREAD = 8, 16

    @kernel("int64()")
    def now_ns() -> int:
        """The clock of `time.monotonic_ns`, in nanoseconds."""
        return int(_clock(CLOCK_UPTIME_RAW))

    @kernel("int64()")
    def spent_ns() -> int:
        """Processor time of this thread, in nanoseconds."""
        return int(_clock(CLOCK_THREAD))

elif sys.platform == "win32":
    _clock = types.ExternalFunction("QueryPerformanceCounter", types.int32(types.voidptr))
    _rate = types.ExternalFunction("QueryPerformanceFrequency", types.int32(types.voidptr))

    @kernel("int64()")
    def now_ns() -> int:
        """The clock of `time.perf_counter_ns`, in nanoseconds."""
        address = stack_pair()
        cell = array_at(address, (2,), np.int64)
        _rate(address_to_pointer(address))
        ticks_per_s = cell[0]
        _clock(address_to_pointer(address))
        ticks = cell[0]
        return ticks // ticks_per_s * 1_000_000_000 + (
            ticks % ticks_per_s * 1_000_000_000 // ticks_per_s
        )

    spent_ns = now_ns  # the system tells a thread's own time in steps of 16 ms only

else:
    _clock = types.ExternalFunction("clock_gettime", types.int32(types.int32, types.voidptr))
    CLOCK_MONOTONIC, CLOCK_THREAD = 1, 3

    @kernel("int64()")
    def now_ns() -> int:
        """The clock of `time.monotonic_ns`, in nanoseconds."""
        address = stack_pair()
        cell = array_at(address, (2,), np.int64)
        _clock(CLOCK_MONOTONIC, address_to_pointer(address))
        return int(cell[0] * 1_000_000_000 + cell[1])

    @kernel("int64()")
    def spent_ns() -> int:
        """Processor time of this thread, in nanoseconds."""
        address = stack_pair()
        cell = array_at(address, (2,), np.int64)
        _clock(CLOCK_THREAD, address_to_pointer(address))
        return int(cell[0] * 1_000_000_000 + cell[1])
