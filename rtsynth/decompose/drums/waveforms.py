"""One waveform per resonance by least squares over all its strikes, whatever else sounds there.

The recording is Σ gain · waveform(t − onset): linear in the waveforms, solved by conjugate
gradients with a ridge that keeps what only overlaps leave open small (as unmixing by onsets,
cf. Cho & Pashler's convolutional dictionaries with known atoms' places). Thread: any.
"""

import dataclasses

import numpy as np

from rtsynth.decompose.damped import Float

__all__ = ["RIDGE", "Placed", "fit_waveforms", "sum_waveforms"]

RIDGE = 0.02
STEPS = 30


@dataclasses.dataclass(frozen=True)
class Placed:
    """A strike: sample of its onset, its resonance, its gain."""

    onset: int
    resonance: int
    gain: float


def sum_waveforms(waveforms: Float, strikes: list[Placed], length: int) -> Float:
    """[length] all strikes together; waveforms are [resonances, samples]."""
    total = np.zeros(length)
    for strike in strikes:
        count = min(waveforms.shape[1], length - strike.onset)
        total[strike.onset : strike.onset + count] += (
            strike.gain * waveforms[strike.resonance, :count]
        )
    return total


def fit_waveforms(
    signal: Float,
    strikes: list[Placed],
    resonances: int,
    length: int,
    ridge: float | Float = RIDGE,
) -> Float:
    """[resonances, length] waveforms for gain 1.

    Args:
        signal: [samples], one channel.
        strikes: all that sounds.
        resonances: how many.
        length: samples of each waveform.
        ridge: weight of a waveform's energy against a strike's misfit; one, or [length].
    """

    def gathered(y: Float) -> Float:
        out = np.zeros((resonances, length))
        for strike in strikes:
            part = y[strike.onset : strike.onset + length]
            out[strike.resonance, : len(part)] += strike.gain * part
        return out

    weight = np.full((resonances, 1), 1e-12)
    for strike in strikes:
        weight[strike.resonance] += strike.gain**2
    found = np.zeros((resonances, length))
    left = gathered(signal)
    scaled = left / ((1.0 + ridge) * weight)
    direction = scaled
    power = float(np.sum(left * scaled))
    for _ in range(STEPS):
        image = gathered(sum_waveforms(direction, strikes, len(signal)))
        image += ridge * weight * direction
        curvature = float(np.sum(direction * image))
        if curvature <= 0.0 or power <= 0.0:
            break
        step = power / curvature
        found = found + step * direction
        left = left - step * image
        scaled = left / ((1.0 + ridge) * weight)
        following = float(np.sum(left * scaled))
        direction = scaled + following / power * direction
        power = following
    return found
