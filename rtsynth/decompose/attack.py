"""The strike itself: what the modes leave of a resonance's first 0.2 s, and its noise. Thread: any."""

import numpy as np

from rtsynth.decompose.damped import Float

__all__ = ["fit_attack", "fit_noise"]

ATTACK_S = 0.2
FADE_FROM = 0.4  # of the attack's length; from there it fades to nothing
CROWDED_WEIGHT = 0.1  # of samples after the next onset, which belong to others too
SHRINK = 0.15
ENVELOPE_POINTS, FILTER_TAPS = 64, 32


def fit_attack(residuals: list[Float], gains: list[float], gaps: list[int], length: int) -> Float:
    """[length] waveform that strikes of one resonance share beyond its modes.

    Args:
        residuals: per strike, ≤ length samples from its onset on, the modes taken away.
        gains: of each strike.
        gaps: samples until the next onset of anything.
        length: samples of the attack.
    """
    weights = [
        _weights(g, gap, len(r), length) for r, g, gap in zip(residuals, gains, gaps, strict=True)
    ]
    scaled = [_padded(r, length) / g for r, g in zip(residuals, gains, strict=True)]
    mean = _weighted(scaled, weights, gains)
    if len(scaled) > 2:  # a strike unlike the others counts less
        errors = np.array(
            [
                np.sum((part - mean) ** 2 * w) / w.sum()
                for part, w in zip(scaled, weights, strict=True)
            ]
        )
        trust = 1.0 / (1.0 + errors / (2.0 * np.median(errors) + 1e-20))
        mean = _weighted(scaled, [w * t for w, t in zip(weights, trust, strict=True)], gains)
    attack: Float = mean * attack_fade(length)
    return attack


def attack_fade(length: int) -> Float:
    """[length] 1, then half a cosine down to 0."""
    place = np.arange(length) / max(length, 1)
    fade: Float = np.cos(np.pi / 2 * np.clip((place - FADE_FROM) / (1 - FADE_FROM), 0, 1)) ** 2
    return fade


def fit_noise(
    residuals: list[Float], gains: list[float], floors: list[float], sample_rate: float
) -> tuple[Float, Float]:
    """Envelope [64] and filter [32] of what differs from strike to strike.

    Args:
        residuals: per strike, samples from its onset on, modes and attack taken away.
        gains: of each strike.
        floors: RMS of what lay there before each strike.
        sample_rate: Hz, of the filter's taps.
    """
    power = np.zeros(ENVELOPE_POINTS)
    spectrum = np.zeros(FILTER_TAPS + 1)
    total = 0.0
    for residual, gain, floor in zip(residuals, gains, floors, strict=True):
        if len(residual) < 2 * ENVELOPE_POINTS:
            continue
        pieces = np.array_split(residual, ENVELOPE_POINTS)
        own = np.array([np.mean(p**2) for p in pieces]) - 1.5 * floor**2
        power += np.maximum(own, 0.0)
        total += gain**2
        windows = np.lib.stride_tricks.sliding_window_view(residual, 2 * FILTER_TAPS)[::FILTER_TAPS]
        spectrum += np.mean(np.abs(np.fft.rfft(windows * np.hanning(2 * FILTER_TAPS))) ** 2, axis=0)
    if total <= 0.0 or power.max() <= 0.0:
        return np.zeros(ENVELOPE_POINTS), np.zeros(FILTER_TAPS)
    smooth = np.convolve(np.pad(power, 1, mode="edge"), [0.25, 0.5, 0.25], "valid")
    envelope = np.sqrt(smooth / total) * attack_fade(ENVELOPE_POINTS)
    return envelope, _minimum_phase(spectrum)


def _minimum_phase(spectrum: Float) -> Float:
    """[32] taps of unit energy with this power spectrum (cepstral folding)."""
    size = 2 * (len(spectrum) - 1)
    cepstrum = np.fft.irfft(0.5 * np.log(spectrum + 1e-6 * spectrum.max() + 1e-30))
    cepstrum[1 : size // 2] *= 2.0
    cepstrum[size // 2 + 1 :] = 0.0
    taps = np.fft.irfft(np.exp(np.fft.rfft(cepstrum)))[:FILTER_TAPS]
    unit: Float = taps / (np.linalg.norm(taps) + 1e-30)
    return unit


def _weights(gain: float, gap: int, present: int, length: int) -> Float:
    weight = np.full(length, gain**2)
    weight[min(gap, length) :] *= CROWDED_WEIGHT
    weight[present:] = 0.0
    return weight


def _weighted(parts: list[Float], weights: list[Float], gains: list[float]) -> Float:
    top = sum(float(w.max(initial=0.0)) for w in weights) or float(np.sum(np.square(gains)))
    above = np.sum([p * w for p, w in zip(parts, weights, strict=True)], axis=0)
    mean: Float = above / (np.sum(weights, axis=0) + SHRINK * top + 1e-30)
    return mean


def _padded(signal: Float, length: int) -> Float:
    return np.pad(signal[:length], (0, max(0, length - len(signal))))
