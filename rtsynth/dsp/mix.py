"""Sound added to sound, in loops that the compiler makes vectors of. Thread: audio, helper.

A loop from a `first` that is not known may begin at a negative index, which counts from the end:
Numba then computes the place of each sample. Give slices of the arrays here instead.
"""

from typing import Any

from rtsynth.dsp.compile import kernel

__all__ = ["add_scaled", "add_to"]


@kernel()
def add_to(source: Any, out: Any) -> None:
    """`out += source`, arrays of one length that share no memory."""
    for n in range(out.shape[0]):
        out[n] += source[n]


@kernel()
def add_scaled(source: Any, gain: float, out: Any) -> None:
    """`out += gain · source`, likewise."""
    for n in range(out.shape[0]):
        out[n] += gain * source[n]
