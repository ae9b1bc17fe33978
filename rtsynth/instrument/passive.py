"""How strong a strike may be for the modes behind it to be passive. Thread: any."""

import numpy as np
from numpy.typing import NDArray

from rtsynth.units import LN1000

__all__ = ["passive_impulse"]


def passive_impulse(
    freq_hz: NDArray[np.floating],
    t60_s: NDArray[np.floating],
    amplitude: NDArray[np.complexfloating],
) -> float:
    """Peak over frequency of |Σ amplitude/(j2πf − s)|, s: dividing by it makes the modes passive.

    The peak is sought at each mode's own frequency and at points one half-bandwidth to either side,
    then ever closer around the highest of them, for the real signal's spectrum, both halves of each
    conjugate pair included.

    Args:
        freq_hz: [modes], Hz.
        t60_s: [modes], seconds.
        amplitude: [modes], complex amplitude at the onset.
    """
    if len(freq_hz) == 0:
        return 0.0
    freq = np.asarray(freq_hz, float)
    decay = LN1000 / np.asarray(t60_s, float)
    s = -decay + 2j * np.pi * freq
    a = np.asarray(amplitude, complex)

    def level(omega: NDArray[np.float64]) -> NDArray[np.float64]:
        pairs = a / (1j * omega[:, None] - s) + a.conj() / (1j * omega[:, None] - s.conj())
        size: NDArray[np.float64] = 0.5 * np.abs(pairs.sum(axis=1))
        return size

    offsets = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    omega = (2 * np.pi * freq[:, None] + offsets * decay[:, None]).reshape(-1)
    width = np.repeat(decay, len(offsets))
    found = level(omega)
    for zoom in (0.5, 0.05):
        best = np.argsort(found)[-16:]
        steps = np.linspace(-zoom, zoom, 21)
        omega = (omega[best][:, None] + width[best][:, None] * steps).reshape(-1)
        width = np.repeat(width[best], len(steps))
        found = level(omega)
    return float(found.max())
