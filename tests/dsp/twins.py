"""Float64 NumPy twins of the compiled kernels: the textbook's formula, plainly."""

import numpy as np
from numpy.typing import NDArray

from rtsynth.units import LN1000

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]

GOLDEN = 0x9E3779B97F4A7C15
WORD = (1 << 64) - 1


def splitmix(z: int) -> int:
    """The finaliser of splitmix64 in whole numbers."""
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & WORD
    return z ^ (z >> 31)


def uniform(seed: int, position: int) -> float:
    """Uniform in [0, 1) at a position of the seed's stream."""
    bits = splitmix((splitmix((seed + GOLDEN) & WORD) + position * GOLDEN) & WORD)
    return (bits >> 11) / 2.0**53


def white(seed: int, first: int, count: int) -> Float:
    """[count] noise of zero mean and unit variance; 0 before position 0."""
    return np.array(
        [
            (uniform(seed, n) - 0.5) * np.sqrt(12.0) if n >= 0 else 0.0
            for n in range(first, first + count)
        ]
    )


def gaussian(seed: int, position: int) -> tuple[float, float]:
    """Two normal numbers (Box & Muller 1958)."""
    radius = np.sqrt(-2.0 * np.log(1.0 - uniform(seed, 2 * position)))
    angle = 2.0 * np.pi * uniform(seed, 2 * position + 1)
    return float(radius * np.cos(angle)), float(radius * np.sin(angle))


def pole(freq_hz: Float, t60_s: Float, rate: float) -> Complex:
    """[modes] pole of each mode."""
    p: Complex = np.exp((-LN1000 / t60_s + 2j * np.pi * freq_hz) / rate)
    return p


def modes_driven(p: Complex, a: Complex, z: Complex, gain: Float, drive: Float) -> Float:
    """[frames] `Re Σ g z` of `z ← z·p + a·x`, the gain [frames, modes] given."""
    out = np.zeros(len(drive))
    for n, x in enumerate(drive):
        z = z * p + a * x
        out[n] = (gain[n] * z.real).sum()
    return out


def modes_ringing(p: Complex, z: Complex, gain: Float, frames: int) -> Float:
    """[frames] `Re Σ g z p^(n+1)`."""
    power = np.exp(np.outer(np.arange(1, frames + 1), np.log(p)))
    sound: Float = (power * (gain * z)).real.sum(axis=1)
    return sound


def strike(seed: int, length: float, envelope: Float, taps: Float, frames: int) -> Float:
    """[frames] noise of a strike from its onset on."""
    source = white(seed, -(len(taps) - 1), frames + len(taps) - 1)
    level = np.interp(
        np.arange(frames) / length * (len(envelope) - 1), np.arange(len(envelope)), envelope
    )
    level[np.arange(frames) >= length] = 0.0
    return level * np.convolve(source, taps, "valid")


def high_pass(x: Float, radius: float) -> Float:
    """[frames, channels] `y[n] = x[n] − x[n−1] + radius·y[n−1]`."""
    out = np.zeros_like(x)
    last_in = last_out = np.zeros(x.shape[1])
    for n in range(len(x)):
        last_out = x[n] - last_in + radius * last_out
        last_in = x[n]
        out[n] = last_out
    return out


def limiter(x: Float, ceiling: float, release: float, window: int) -> Float:
    """[frames, channels] held minimum, released, averaged, times the sound W − 1 frames before."""
    peak = np.abs(x).max(axis=1)
    needed = np.minimum(1.0, ceiling / np.maximum(peak, 1e-30))
    released, state = np.ones(len(x)), 1.0
    for n in range(len(x)):
        held = needed[max(n - window + 1, 0) : n + 1].min()
        state = min(held, state + (1.0 - state) * release)
        released[n] = state
    padded = np.concatenate([np.ones(window - 1), released])
    gain = np.convolve(padded, np.full(window, 1.0 / window), "valid")
    delayed = np.concatenate([np.zeros((window - 1, x.shape[1])), x])[: len(x)]
    return delayed * gain[:, None]


def texture_grain(
    seed: int, index: int, band_gain: Float, vector: Float, weights: Float, size: int
) -> Float:
    """[size] grain of a texture, by NumPy's inverse transform."""
    bins = size // 2
    power = ((band_gain * 10.0 ** (vector / 20.0)) ** 2) @ weights
    spectrum = np.zeros(bins + 1, complex)
    for i in range(1, bins):
        re, im = gaussian(seed, (index + 1) * bins + i)
        spectrum[i] = 0.5 * np.sqrt(power[i]) * (re + 1j * im)
    grain: Float = np.fft.irfft(spectrum, size) * size
    return grain
