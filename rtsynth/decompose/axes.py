"""What all pictures share: colours, the axis of frequency, the spectrogram. Thread: main."""

import colorsys
import itertools
from typing import Any

import numpy as np

from rtsynth.decompose.damped import Float
from rtsynth.metrics import stft_magnitude

__all__ = ["LOWEST_HZ", "RANGE_DB", "colour_of", "frequency_axis", "log_spectrogram", "spectrogram"]

LOWEST_HZ, BINS = 40.0, 320
RANGE_DB = 80.0
SIZE = 4096
COLUMNS = 1_600
GOLDEN = 0.618034  # hues a golden section apart stay apart, however many there are


def log_spectrogram(signal: Float, sample_rate: int) -> Float:
    """[BINS, columns] level in dB on a log-frequency axis."""
    hop = max(256, len(signal) // COLUMNS)
    magnitude = stft_magnitude(signal, SIZE, hop)[: max(1, len(signal) // hop)] / (SIZE / 4)
    freq = LOWEST_HZ * (sample_rate / 2 / LOWEST_HZ) ** np.linspace(0, 1, BINS + 1)
    place = np.clip((freq * SIZE / sample_rate), 0, SIZE // 2)
    rows = []
    for low, high in itertools.pairwise(place):
        first, last = int(np.floor(low)), int(np.ceil(high))
        rows.append(magnitude[:, first : max(last, first + 1)].max(axis=1))
    return 20.0 * np.log10(np.array(rows) + 1e-7)


def spectrogram(axis: Any, level: Float, seconds: float, high_hz: float, top_db: float) -> Any:
    """Show levels of `log_spectrogram` down to `RANGE_DB` below the top; the image."""
    image = axis.imshow(
        level,
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=top_db - RANGE_DB,
        vmax=top_db,
        extent=(0.0, seconds, np.log2(LOWEST_HZ), np.log2(high_hz)),
    )
    frequency_axis(axis, high_hz)
    return image


def frequency_axis(axis: Any, high_hz: float) -> None:
    """Ticks of an axis that shows log2 of Hz, from `LOWEST_HZ` on."""
    ticks = [f for f in (50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000) if f < high_hz]
    axis.set_yticks(np.log2(ticks), [f"{f // 1000} k" if f >= 1000 else str(f) for f in ticks])
    axis.set_ylabel("frequency, Hz")
    axis.set_ylim(np.log2(LOWEST_HZ), np.log2(high_hz))


def colour_of(resonance: int) -> tuple[float, float, float]:
    """The colour of a resonance in every picture: red, green and blue, 0 … 1."""
    return colorsys.hsv_to_rgb((0.58 + GOLDEN * resonance) % 1.0, 0.9, 0.8)
