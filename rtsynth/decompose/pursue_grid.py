"""A sound's correlations with damped exponentials over frequency and decay.

All exponentials start with the sound, so the grid is one Fourier transform per decay, with as many
frequencies as that decay can tell apart; what is picked is taken out of it in closed form, as the
cross-Gram of the family is a geometric sum. Thread: any.
"""

import numpy as np

from rtsynth.decompose.damped import Complex, Float
from rtsynth.dsp.pursuit import lower_grid
from rtsynth.units import LN1000

__all__ = ["TILT", "Grid"]

T60_RATIO, SHORTEST_S, LONGEST_S = 2.5, 0.03, 8.0
LONG = 6.0  # windows: decays longer than so many look the same
LOWEST_HZ, TOP_HZ, TOP_SHARE = 25.0, 11_000.0, 0.45
TILT = 0.5  # of the frequency's power by which a gain counts: what is high is heard, but small


class Grid:
    """Every damped exponential that is looked at, for windows of one length.

    Args:
        count: samples of the window.
        sample_rate: Hz.
    """

    def __init__(self, count: int, sample_rate: float) -> None:
        self._count = count
        most = min(LONGEST_S, max(LONG * count / sample_rate, 2.0 * SHORTEST_S))
        steps = max(2, 1 + round(np.log(most / SHORTEST_S) / np.log(T60_RATIO)))
        self._decays: list[tuple[Float, int, slice]] = []
        found = []
        for t60 in np.geomspace(SHORTEST_S, most, steps):
            lasting = min(count, round(t60 * sample_rate))
            size = 1 << int(np.ceil(np.log2(lasting)))
            low = max(1, int(np.ceil(LOWEST_HZ * size / sample_rate)))
            top = min(TOP_HZ, TOP_SHARE * sample_rate)
            bins = np.arange(low, int(top * size / sample_rate))
            sigma = -LN1000 / (t60 * sample_rate)
            envelope = np.exp(sigma * np.arange(count))
            self._decays.append((envelope, size, slice(int(bins[0]), int(bins[-1]) + 1)))
            found.append(sigma + 2j * np.pi * bins / size)
        self.s: Complex = np.concatenate(found)
        self._poles, self._powers = np.exp(self.s), np.exp(self.s * count)
        # for columns that are not normalised: E = Σ|p|^2n and R = Σ p^2n
        energy = np.expm1(2.0 * self.s.real * count) / np.expm1(2.0 * self.s.real)
        rho = np.expm1(2.0 * self.s * count) / np.expm1(2.0 * self.s)
        left = energy**2 - np.abs(rho) ** 2
        left = np.maximum(left, 1e-6 * energy**2)
        self._alpha, self._beta = 2.0 * energy / left, 2.0 * rho / left
        hertz = self.s.imag * sample_rate / (2 * np.pi)
        self._weights = (hertz / LOWEST_HZ) ** TILT
        self._gain = np.zeros(len(self.s))
        self.correlations = np.zeros(len(self.s), complex)

    def look(self, residual: Float) -> None:
        """Correlate a window's residual with everything."""
        parts = []
        for envelope, size, bins in self._decays:
            padded = np.zeros(-(-self._count // size) * size)
            padded[: self._count] = residual * envelope
            parts.append(np.fft.rfft(padded.reshape(-1, size).sum(axis=0))[bins])
        self.correlations = np.concatenate(parts)

    def best(self) -> complex:
        """Exponent of the one that explains most, higher frequencies weighing a little more."""
        return self._lower(0j, 0j)

    def take(self, s: complex, amplitude: complex) -> complex:
        """Take out `Re amplitude · e^{s n}`; the exponent that explains most of the rest."""
        return self._lower(s, amplitude / 2.0)

    def _lower(self, s: complex, b: complex) -> complex:
        pole, power = complex(np.exp(s)), complex(np.exp(s * self._count))
        index = lower_grid(
            self.correlations, self._poles, self._powers, self._weights, self._alpha, self._beta,
            pole, power, b, self._count, self._gain,
        )  # fmt: skip
        return complex(self.s[index])
