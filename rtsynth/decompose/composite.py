"""What the strikes of one resonance have in common, as if it had been struck once and cleanly.

With strikes `u_k[n] = g_k·s[n] + noise of variance v_k[n]` the best estimate of s is
`Σ g_k·u_k/v_k / Σ g_k²/v_k`, and the denominator is its precision (inverse variance). What sounds
beside a strike and is not yet explained raises its variance there. Thread: any.
"""

import dataclasses

import numpy as np

from rtsynth.decompose.damped import Float
from rtsynth.decompose.smooth_power import smooth_power

__all__ = ["Composite", "combine", "find_lead", "local_power"]

SMOOTH_S = 0.04
FLOOR = 1e-5  # of the loudest power: below it no variance is believed
ALIKE_S = 0.3  # over which strikes are compared
LEAST_TRUST = 0.02
RISEN = 3e-5  # of the strike's peak power: where it has begun
ABOVE = 4.0  # times what was there before
LEAD_SMOOTH_S = 0.0007


@dataclasses.dataclass(frozen=True)
class Composite:
    """One resonance struck once with gain 1.

    Attributes:
        sound: [samples] from the onset on.
        precision: [samples] inverse variance of it; 0 where no strike tells.
    """

    sound: Float
    precision: Float

    def __len__(self) -> int:
        return len(self.sound)


def local_power(residual: Float, sample_rate: float) -> Float:
    """[samples] power of what is left, smoothed over 40 ms."""
    return smooth_power(residual, round(SMOOTH_S * sample_rate))


def combine(
    parts: list[Float], gains: list[float], variances: list[Float], sample_rate: float
) -> Composite:
    """The strikes of a resonance as one.

    Args:
        parts: per strike, [its samples] from its onset on, everybody else taken away.
        gains: of each strike.
        variances: per strike, [its samples] power of what does not belong to it.
        sample_rate: Hz.
    """
    length = max((len(part) for part in parts), default=0)
    above, below = np.zeros(length), np.zeros(length)
    loudest = max((float(np.max(part**2, initial=0.0)) for part in parts), default=0.0)
    trusts = _trusts(parts, gains, sample_rate)
    for part, gain, variance, trust in zip(parts, gains, variances, trusts, strict=True):
        weight = trust * gain / (variance[: len(part)] + FLOOR * loudest + 1e-20)
        above[: len(part)] += weight * part
        below[: len(part)] += weight * gain
    return Composite(above / np.maximum(below, 1e-30), below)


def find_lead(parts: list[Float], gains: list[float], sample_rate: float) -> int:
    """Samples by which strikes begin before where they were thought to.

    Args:
        parts: per strike, [2 · reach] samples around its onset, everybody else taken away.
        gains: of each strike.
        sample_rate: Hz.
    """
    total = np.sum([gain * part for gain, part in zip(gains, parts, strict=True)], axis=0)
    power = smooth_power(total, round(LEAD_SMOOTH_S * sample_rate))
    reach = len(power) // 2
    before = float(np.median(power[: reach // 3]))
    begun = power > max(RISEN * float(power.max()), ABOVE * before)
    quiet = np.flatnonzero(~begun[:reach])
    return reach - 1 - int(quiet[-1]) if len(quiet) else reach


def _trusts(parts: list[Float], gains: list[float], sample_rate: float) -> list[float]:
    """Per strike 0.02 … 1: squared correlation with the one of most energy; no copy, no weight."""
    span = round(ALIKE_S * sample_rate)
    heads = [part[:span] for part in parts]
    energies = [float(head @ head) for head in heads]
    best = int(np.argmax(energies)) if energies else 0
    trusts = []
    for head in heads:
        count = min(len(head), len(heads[best]))
        one, other = head[:count], heads[best][:count]
        scale = np.sqrt(float(one @ one) * float(other @ other)) + 1e-30
        likeness = max(float(one @ other) / scale, 0.0)
        trusts.append(max(likeness**2, LEAST_TRUST))
    return trusts
