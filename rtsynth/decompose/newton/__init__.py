"""Least squares of everything at once: poles, amplitudes, attacks and gains of a whole draft.

A sweep fits one resonance while all others stay as they are; keys that share their partials then
creep towards each other. Here all of them move together. Thread: any.
"""

from rtsynth.decompose.newton.settle import settle

__all__ = ["settle"]
