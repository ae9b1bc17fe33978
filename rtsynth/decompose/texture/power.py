"""The power that texture events add to a spectrogram, on average. Thread: worker.

Their noise cannot be matched sample by sample, so what is fitted beside them compares with this
expectation; clicks, hum and slow modulation are left out.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from rtsynth.decompose.texture.synthesis import texture_shape
from rtsynth.events import Kind
from rtsynth.instrument import Instrument
from rtsynth.losses import Floor

__all__ = ["expected_floor"]


def expected_floor(
    rows: NDArray[np.void], instrument: Instrument, sample_rate: int, first: int
) -> Floor | None:
    """Expected power of a crop's textures; None if none of the rows is one that is heard.

    Args:
        rows: of an event table.
        instrument: their bank.
        sample_rate: Hz.
        first: frame of the recording that the crop begins at.
    """
    textures = rows[(rows["kind"] == Kind.TEXTURE) & (rows["muted"] == 0)]
    if len(textures) == 0:
        return None

    def power(size: int, hop: int, frames: int) -> torch.Tensor:
        freq = np.arange(size // 2 + 1, dtype=np.float64) * (sample_rate / size)
        energy = float(np.sum(np.hanning(size + 1)[:-1] ** 2))
        middle = (first + size // 2 + hop * np.arange(frames)) / sample_rate
        total = np.zeros((len(freq), frames))
        for row in textures:
            gains = instrument.texture_gain[row["resonance"]].astype(np.float64)
            gains *= float(row["gain"]) * 10.0 ** (row["vector"].astype(np.float64) / 20.0)
            age = middle - float(row["onset_s"])
            sounding = (age >= 0.0) & (age < float(row["duration_s"]))
            shape = texture_shape(gains, freq, sample_rate) ** 2
            total += energy * shape[:, None] * sounding
        return torch.from_numpy(total)

    return power
