"""What is odd about a recording and better said: a file cut short, a step of its mean.

Thread: main.
"""

import os
import struct

import numpy as np

from rtsynth.decompose.damped import Float
from rtsynth.decompose.disk import Samples

__all__ = ["missing_bytes", "step_at"]

LARGEST_SIZE = 0x7FFF_0000  # who writes into a pipe does not know the size, and says so or more
BLOCK_S = 0.1
BESIDE = 10  # blocks on either side of a step
LEAST_STEP = 0.02  # of the peak
CLEAR = 8.0  # times what the means beside it scatter


def missing_bytes(path: str) -> int:
    """How many bytes of sound a WAV file promises beyond its end; 0 for any other file."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        head = file.read(12)
        if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"WAVE":
            return 0
        while len(chunk := file.read(8)) == 8:
            name, length = struct.unpack("<4sI", chunk)
            if name == b"data":
                known = 0 < length < LARGEST_SIZE
                return max(0, file.tell() + length - size) if known else 0
            file.seek(length + length % 2, os.SEEK_CUR)
    return 0


def step_at(frames: Samples, sample_rate: int, peak: float) -> tuple[float, float] | None:
    """Where the mean of a recording steps, seconds, and by how much; None if it does not.

    Args:
        frames: [frames, channels].
        sample_rate: Hz.
        peak: largest amplitude.
    """
    size = round(BLOCK_S * sample_rate)
    count = len(frames) // size
    if count < 4 or peak <= 0.0:
        return None
    means: Float = np.array(
        [float(np.mean(frames[size * i : size * (i + 1)], dtype=float)) for i in range(count)]
    )
    found = [_step(means, place) for place in range(2, count - 1)]
    best = int(np.argmax([abs(height) for height in found]))
    height = found[best]
    return ((best + 2) * BLOCK_S, height) if abs(height) > LEAST_STEP * peak else None


def _step(means: Float, place: int) -> float:
    """Height of a step in the block before `place`, 0 where the means scatter as much."""
    before = means[max(0, place - 1 - BESIDE) : place - 1]
    after = means[place : place + BESIDE]
    height = float(np.median(after) - np.median(before))
    scatter = max(float(np.std(before)), float(np.std(after)))
    return height if abs(height) > CLEAR * scatter else 0.0
