"""How kernels on the engine's state are compiled: once each, and the large ones apart.

Numba compiles a function anew for every type it is called with, and gives every caller a copy of
all code below it. So a kernel here has the one signature its annotations say (`st`, integers,
floats), and the large ones are doors: C functions called by name, whose code stands nowhere else.
Thread: main.
"""

import inspect
from collections.abc import Callable
from typing import Any

import llvmlite.binding
import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from rtsynth.dsp.compile import kernel
from rtsynth.engine.state import STATE

__all__ = ["DOORS", "door", "state_kernel"]

DOORS: dict[str, Any] = {}
"""Every door's C function by its symbol."""

_TYPES = {int: types.int64, float: types.float64, bool: types.boolean}


def _arguments(function: Callable[..., Any]) -> tuple[Any, ...]:
    """Types of all arguments but the first, from their annotations."""
    annotations = list(inspect.signature(function).parameters.values())[1:]
    return tuple(_TYPES[parameter.annotation] for parameter in annotations)


def state_kernel(function: Callable[..., Any]) -> Any:
    """Compile a kernel `(st, integers and floats …)`, inlined where the compiler likes."""
    return kernel((STATE, *_arguments(function)))(function)


def door(function: Callable[..., Any]) -> Any:
    """Compile a kernel `(address, integers and floats …) -> None` apart from its callers.

    The function takes the address of the state (`st = state_at(address)`); its callers pass `st`.
    """
    symbol = f"rtsynth_{function.__name__}"
    signature = types.void(types.int64, *_arguments(function))
    compiled = numba.cfunc(signature, nopython=True, cache=True, error_model="numpy", _nrt=False)(
        function
    )
    llvmlite.binding.add_symbol(symbol, compiled.address)
    DOORS[symbol] = compiled
    count = len(signature.args)

    def codegen(context: Any, builder: Any, call: Any, args: Any) -> Any:
        values = [context.get_value_type(t) for t in signature.args]
        callee = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), values), symbol
        )
        builder.call(callee, args)
        return context.get_dummy_value()

    def typer(typingctx: Any, *given: Any) -> Any:
        return types.void(STATE, *signature.args[1:]), codegen

    return intrinsic(_with_arity(typer, count))


def _with_arity(typer: Callable[..., Any], count: int) -> Any:
    """The typing function with as many named arguments as the door has: Numba asks for names."""
    if count == 1:
        return lambda typingctx, st: typer(typingctx, st)
    if count == 2:
        return lambda typingctx, st, a: typer(typingctx, st, a)
    if count == 6:
        return lambda typingctx, st, a, b, c, d, e: typer(typingctx, st, a, b, c, d, e)
    raise TypeError(f"a door of {count} arguments")
