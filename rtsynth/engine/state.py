"""`State` for compiled code: one address that looks like the tuple of arrays.

Passing the arrays themselves would hand every kernel some three hundred numbers and takes the
compiler a minute. This type is the address of the engine's user data (base address, channels, then
the arena's table); an attribute of it is the array of that name, built from a few loads where it is
used.
Thread: audio.
"""

import dataclasses
from typing import Any

import numpy as np
from llvmlite import ir
from numba import from_dtype, types
from numba.core import typing
from numba.extending import (
    infer_getattr,
    intrinsic,
    lower_getattr_generic,
    models,
    register_model,
)

from rtsynth.dsp.intrinsic import array_value
from rtsynth.engine.layout import Sizes, State, manifest

__all__ = ["HEADER", "TABLE_ROW", "state_at"]

HEADER = 4
"""Numbers before the arena's table in the user data: base address, channels, arrays, 0."""

TABLE_ROW = 4
"""Numbers per array in the table: offset in bytes and up to three sizes."""

_SMALLEST = Sizes(*(1,) * len(dataclasses.fields(Sizes)))
_ARRAY_TYPES = {
    name: types.Array(from_dtype(np.dtype(dtype)), len(shape), "C")
    for name, (dtype, shape) in manifest(_SMALLEST).items()
}
_INDEX = {name: i for i, name in enumerate(State._fields)}
WORD = ir.IntType(64)


class StateType(types.Type):
    """The type of the address."""

    def __init__(self) -> None:
        super().__init__(name="rtsynth.State")


STATE = StateType()


@register_model(StateType)
class _StateModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        super().__init__(dmm, fe_type, WORD)


@infer_getattr
class _StateAttributes(typing.templates.AttributeTemplate):
    key = StateType

    def generic_resolve(self, value: Any, attribute: str) -> Any:
        return _ARRAY_TYPES.get(attribute)


@lower_getattr_generic(StateType)
def _load_array(context: Any, builder: Any, value_type: Any, value: Any, attribute: str) -> Any:
    array_type = _ARRAY_TYPES[attribute]
    words = builder.inttoptr(value, WORD.as_pointer())

    def word(index: int) -> Any:
        return builder.load(builder.gep(words, [ir.Constant(WORD, index)]))

    row = HEADER + TABLE_ROW * _INDEX[attribute]
    address = builder.add(word(0), word(row))
    sizes = [word(row + 1 + axis) for axis in range(array_type.ndim)]
    return array_value(context, builder, array_type, address, sizes)


@intrinsic
def state_at(typingctx: Any, address: Any) -> Any:
    """The engine state whose user data lies at an integer address."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return args[0]

    return STATE(types.int64), codegen
