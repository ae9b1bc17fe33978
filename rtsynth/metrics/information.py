"""How many bits a general coder still needs for what is left. Thread: any."""

import io

import numpy as np
import soundfile
from numpy.typing import NDArray

__all__ = ["flac_bits"]

BLOCK_S = 60.0
FULL_SCALE = 1.0 - 2.0**-15
SHORTEST = 16  # samples; a block shorter than that is not worth a header


def flac_bits(signal: NDArray[np.float64], sample_rate: int) -> float | None:
    """Bits per sample of the signal as 16-bit FLAC at its own level, headers included.

    A proxy for information that anybody can repeat: a quieter or a more predictable residual costs
    less. White noise at full scale costs 16, silence nearly nothing.

    Args:
        signal: [samples]; beyond full scale it is clipped.
        sample_rate: Hz.

    Returns:
        Bits per sample, None for a signal of no length.
    """
    block = max(SHORTEST, round(BLOCK_S * sample_rate))
    pieces = [signal[first : first + block] for first in range(0, len(signal), block)]
    used = [_bytes(piece, sample_rate) for piece in pieces]
    return 8.0 * sum(used) / len(signal) if used else None


def _bytes(signal: NDArray[np.float64], sample_rate: int) -> int:
    file = io.BytesIO()
    clipped = np.clip(signal, -1.0, FULL_SCALE)
    soundfile.write(file, clipped, sample_rate, "PCM_16", format="FLAC", compression_level=1.0)
    return len(file.getvalue())
