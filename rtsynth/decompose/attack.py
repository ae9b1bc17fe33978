"""The strike itself: what the modes leave of a resonance's first 0.2 s. Thread: any."""

import numpy as np

from rtsynth.decompose.damped import Float

__all__ = ["ATTACK_S", "RISE_S", "attack_fade", "fit_attack", "from_nothing"]

ATTACK_S = 0.2
FADE_FROM = 0.4  # of the attack's length; from there it fades to nothing
CROWDED_WEIGHT = 0.1  # of samples after the next onset, which belong to others too
SHRINK = 0.1
CERTAIN_S = 0.02
RISE_S = 0.0005  # over which a strike begins: nothing starts with a step


def fit_attack(
    residuals: list[Float], gains: list[float], gaps: list[int], length: int, sample_rate: float
) -> Float:
    """[length] waveform that strikes of one resonance share beyond its modes.

    Args:
        residuals: per strike, ≤ length samples from its onset on, the modes taken away.
        gains: of each strike.
        gaps: samples until the next onset of anything.
        length: samples of the attack.
        sample_rate: Hz.
    """
    weights = [
        _weights(g, gap, len(r), length) for r, g, gap in zip(residuals, gains, gaps, strict=True)
    ]
    scaled = [_padded(r, length) / g for r, g in zip(residuals, gains, strict=True)]
    # the first moment cancels the modes' sudden start: there a smaller attack is a click
    shrink = SHRINK * np.minimum(np.arange(length) / (CERTAIN_S * sample_rate), 1.0)
    mean = _weighted(scaled, weights, gains, shrink)
    if len(scaled) > 2:  # a strike unlike the others counts less
        errors = np.array(
            [
                np.sum((part - mean) ** 2 * w) / w.sum()
                for part, w in zip(scaled, weights, strict=True)
            ]
        )
        trust = 1.0 / (1.0 + errors / (2.0 * np.median(errors) + 1e-20))
        mean = _weighted(
            scaled, [w * t for w, t in zip(weights, trust, strict=True)], gains, shrink
        )
    attack: Float = mean * attack_fade(length)
    return attack


def attack_fade(length: int, begin: float = FADE_FROM) -> Float:
    """[length] 1, then from the share `begin` of it on half a cosine down to 0."""
    place = np.arange(length) / max(length, 1)
    fade: Float = np.cos(np.pi / 2 * np.clip((place - begin) / (1 - begin), 0, 1)) ** 2
    return fade


def from_nothing(attack: Float, modal: Float, sample_rate: float) -> Float:
    """[samples] an attack so changed that it rises from 0 together with its modes.

    Args:
        attack: [samples].
        modal: what the modes sound like; only the first 0.5 ms are looked at.
        sample_rate: Hz.
    """
    count = min(round(RISE_S * sample_rate), len(attack))
    rise = np.sin(np.pi / 2 * np.arange(count) / max(count, 1)) ** 2
    beside = _padded(modal[:count], count)
    risen: Float = attack.copy()
    risen[:count] = (attack[:count] + beside) * rise - beside
    return risen


def _weights(gain: float, gap: int, present: int, length: int) -> Float:
    weight = np.full(length, gain**2)
    weight[min(gap, length) :] *= CROWDED_WEIGHT
    weight[present:] = 0.0
    return weight


def _weighted(parts: list[Float], weights: list[Float], gains: list[float], shrink: Float) -> Float:
    top = sum(float(w.max(initial=0.0)) for w in weights) or float(np.sum(np.square(gains)))
    above = np.sum([p * w for p, w in zip(parts, weights, strict=True)], axis=0)
    mean: Float = above / (np.sum(weights, axis=0) + shrink * top + 1e-30)
    return mean


def _padded(signal: Float, length: int) -> Float:
    return np.pad(signal[:length], (0, max(0, length - len(signal))))
