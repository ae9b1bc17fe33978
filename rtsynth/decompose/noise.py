"""The strike's noise: what differs from strike to strike, and how much of it helps. Thread: any."""

import numpy as np

from rtsynth.decompose.attack import ATTACK_S, attack_fade
from rtsynth.decompose.damped import Float
from rtsynth.decompose.fit import Fit

__all__ = ["choose_level", "fit_noise", "give_noise", "log_magnitude"]

ENVELOPE_POINTS, FILTER_TAPS = 64, 32
LEVELS = (0.0, 0.25, 0.5, 0.7, 1.0)
SIZE, HOP = 512, 128
FLOOR = 1e-4 * SIZE / 4


def give_noise(fit: Fit) -> None:
    """Learn each resonance's noise from what is left around its strikes.

    Args:
        fit: its draft's resonances are changed, its residual is not.
    """
    rate = fit.draft.sample_rate
    span = round(ATTACK_S * rate)
    for index, resonance in enumerate(fit.draft.resonances):
        strikes = fit.draft.of(index)
        if index in fit.frozen:
            continue
        parts, gains, floors = [], [], []
        for strike in strikes:
            parts.append(fit.left(strike, min(span, fit.gap(strike.onset))))
            gains.append(strike.gain)
            before = fit.residual[max(0, strike.onset - span // 4) : strike.onset]
            floors.append(float(np.sqrt(np.mean(before**2))) if len(before) else 0.0)
        length = min((len(p) for p in parts), default=0)
        envelope, taps = fit_noise([p[:length] for p in parts], gains, floors, rate)
        spans = [slice(strike.onset, strike.onset + length) for strike in strikes]
        targets = [fit.signal[span] for span in spans]
        models = [fit.signal[span] - fit.residual[span] for span in spans]
        level = choose_level(targets, models, gains, envelope, taps)
        resonance.noise_envelope, resonance.noise_filter = level * envelope, taps
        resonance.noise_s = length / rate if level > 0.0 else 0.0


def choose_level(
    targets: list[Float], models: list[Float], gains: list[float], envelope: Float, taps: Float
) -> float:
    """How loud the noise should be, 0 … 1, for the log-magnitudes to come closest.

    Args:
        targets: per strike, [samples] of the recording from its onset on.
        models: per strike, the same samples as the modes and attacks make them.
        gains: of each strike.
        envelope: [64] of the noise.
        taps: [32] of its filter.
    """
    if not envelope.any() or len(targets[0]) < SIZE:
        return 0.0
    source = np.random.Generator(np.random.Philox(0))
    distances = np.zeros(len(LEVELS))
    for target, model, gain in zip(targets, models, gains, strict=True):
        count = len(target)
        level = np.interp(np.linspace(0, 63, count), np.arange(ENVELOPE_POINTS), envelope)
        white = source.standard_normal(count + FILTER_TAPS - 1)
        sound = gain * level * np.convolve(white, taps, "valid")
        wanted = log_magnitude(target)
        for index, share in enumerate(LEVELS):
            made = log_magnitude(model + share * sound)
            distances[index] += float(np.mean(np.abs(made - wanted)))
    return LEVELS[int(np.argmin(distances))]


def log_magnitude(signal: Float) -> Float:
    """[frames, bins] log of the magnitudes of short windows, none below −80 dB of full scale."""
    frames = np.lib.stride_tricks.sliding_window_view(signal, SIZE)[::HOP] * np.hanning(SIZE)
    level: Float = np.log(np.abs(np.fft.rfft(frames, axis=1)) + FLOOR)
    return level


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
    return envelope * _headroom(envelope, residuals, gains), _minimum_phase(spectrum)


def _headroom(envelope: Float, residuals: list[Float], gains: list[float]) -> float:
    """0 … 1: the factor with which no strike's noise is louder than what is left there."""
    own = float(np.sqrt(np.mean(envelope**2)))
    room = [
        float(np.sqrt(np.mean(residual**2))) / (gain * own + 1e-30)
        for residual, gain in zip(residuals, gains, strict=True)
        if len(residual)
    ]
    return min([1.0, *room])


def _minimum_phase(spectrum: Float) -> Float:
    """[32] taps of unit energy with this power spectrum (cepstral folding)."""
    size = 2 * (len(spectrum) - 1)
    cepstrum = np.fft.irfft(0.5 * np.log(spectrum + 1e-6 * spectrum.max() + 1e-30))
    cepstrum[1 : size // 2] *= 2.0
    cepstrum[size // 2 + 1 :] = 0.0
    taps = np.fft.irfft(np.exp(np.fft.rfft(cepstrum)))[:FILTER_TAPS]
    unit: Float = taps / (np.linalg.norm(taps) + 1e-30)
    return unit
