"""How good a score is, by distances that training never sees. Thread: worker.

Training compares windows of 2048 … 64 samples. The best state is chosen by `validation`, on other
windows; `held_out`, on yet others and on a mel scale, is reported and decides nothing.
"""

import numpy as np
from numpy.typing import NDArray

from rtsynth.events import Score
from rtsynth.fit.sound import sound_of
from rtsynth.instrument import Instrument
from rtsynth.metrics import compare, stft_magnitude

__all__ = ["held_out", "measure", "mel_distance_db", "validation"]

VALIDATION_WINDOWS = (1_536, 384, 96)
HELD_OUT_WINDOWS = (3_000, 1_200, 640, 200)
MEL_WINDOW, MEL_BANDS = 1_600, 64
FLOOR = 1e-4  # −80 dB against the bin of a full-scale sine, as in `rtsynth.metrics`

Float = NDArray[np.float64]


def _distance(reference: Float, estimate: Float, windows: tuple[int, ...]) -> float:
    """Mean over windows of ‖Y−X‖/‖X‖ plus mean |log Y − log X| in nepers."""
    total = 0.0
    for size in windows:
        x, y = (stft_magnitude(s, size, size // 4) for s in (reference, estimate))
        floor = FLOOR * size / 4
        norm = float(np.sqrt(np.sum(x**2))) + 1e-30
        total += float(np.sqrt(np.sum((y - x) ** 2))) / norm
        total += float(np.mean(np.abs(np.log(y + floor) - np.log(x + floor))))
    return total / len(windows)


def validation(reference: Float, estimate: Float) -> float:
    """What the best state is chosen by: smaller is better, 0 is equal."""
    return _distance(reference, estimate, VALIDATION_WINDOWS)


def held_out(reference: Float, estimate: Float) -> float:
    """As `validation`, on windows that neither training nor choosing has seen."""
    return _distance(reference, estimate, HELD_OUT_WINDOWS)


def mel_distance_db(reference: Float, estimate: Float, sample_rate: int) -> float:
    """Mean absolute difference of log-mel spectra, dB."""
    bank = _mel_bank(sample_rate)
    floor = FLOOR * MEL_WINDOW / 4
    levels = [
        20.0 * np.log10(np.sqrt(stft_magnitude(s, MEL_WINDOW, MEL_WINDOW // 4) ** 2 @ bank) + floor)
        for s in (reference, estimate)
    ]
    return float(np.mean(np.abs(levels[0] - levels[1])))


def _mel_bank(sample_rate: int) -> Float:
    """[bins, bands] triangles on the mel scale of O'Shaughnessy (1987), 40 Hz to Nyquist."""
    low, high = (2_595.0 * np.log10(1.0 + hz / 700.0) for hz in (40.0, sample_rate / 2))
    edges = 700.0 * (10.0 ** (np.linspace(low, high, MEL_BANDS + 2) / 2_595.0) - 1.0)
    freq = np.arange(MEL_WINDOW // 2 + 1)[:, None] * (sample_rate / MEL_WINDOW)
    rise = (freq - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - freq) / (edges[2:] - edges[1:-1])
    bank: Float = np.maximum(np.minimum(rise, fall), 0.0)
    return bank


def measure(
    reference: Float, score: Score, instrument: Instrument, sample_rate: int
) -> dict[str, float | None]:
    """Everything reported about a score against its recording.

    Args:
        reference: [frames, channels].
        score: to be rendered.
        instrument: its instrument.
        sample_rate: Hz.
    """
    sound = sound_of(score, instrument, sample_rate, len(reference))
    x, y = reference.mean(axis=1), sound.mean(axis=1)
    return {
        **compare(x, y, sample_rate),
        "validation": validation(x, y),
        "held_out": held_out(x, y),
        "mel_db": mel_distance_db(x, y, sample_rate),
    }
