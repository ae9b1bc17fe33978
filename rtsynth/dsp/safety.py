"""What every output passes through: DC blocker, look-ahead limiter, hard clip. Thread: audio."""

import numpy as np

from rtsynth.dsp.compile import kernel

__all__ = ["block_dc", "largest", "limit"]


@kernel("void(float64, float64[::1], float32[:,::1])")
def block_dc(radius: float, state: np.ndarray, audio: np.ndarray) -> None:
    """First-order high-pass `y[n] = x[n] − x[n−1] + radius·y[n−1]`, in place.

    Args:
        radius: e^(−2π·cutoff/sample_rate).
        state: [2 · channels] float64: last input and output of each channel.
        audio: [channels, frames] float32.
    """
    for c in range(audio.shape[0]):
        x1, y1 = state[2 * c], state[2 * c + 1]
        for n in range(audio.shape[1]):
            x = float(audio[c, n])
            y1 = x - x1 + radius * y1
            x1 = x
            audio[c, n] = y1
        state[2 * c], state[2 * c + 1] = x1, y1


@kernel(
    "float64(float64, float64, float64, float64[::1], float64[:,::1], float32[:,::1],"
    " float32[:,::1])"
)
def limit(
    ceiling: float,
    clip: float,
    release: float,
    state: np.ndarray,
    gains: np.ndarray,
    delay: np.ndarray,
    audio: np.ndarray,
) -> float:
    """Look-ahead limiter over all channels together, in place, then a hard clip.

    The gain each frame needs is held as the minimum over W frames, released exponentially, and
    averaged over W frames; the audio is delayed by W − 1. Each average then covers only gains at or
    below what its frame needs, so the ceiling holds without the clip but for rounding.

    Args:
        ceiling: largest output, linear.
        clip: where to clip what comes out: the largest ceiling of the last W frames.
        release: share of the way back to 1 per frame.
        state: [3] float64: write position, released gain, running sum of `gains[1]`.
        gains: [2, W] float64 rings: needed and released gain; both start at 1.
        delay: [channels, W − 1] float32 ring.
        audio: [channels, frames] float32.

    Returns:
        The smallest gain applied.
    """
    window = gains.shape[1]
    at, released, total = int(state[0]), state[1], state[2]
    slot = at % (window - 1)
    at = at % window
    smallest = 1.0
    # two rings of coprime lengths: their positions are kept in one counter
    counter = int(state[0])
    for n in range(audio.shape[1]):
        peak = 0.0
        for c in range(audio.shape[0]):
            peak = max(peak, abs(float(audio[c, n])))
        gains[0, at] = ceiling / peak if peak > ceiling else 1.0
        needed = 1.0
        for i in range(window):
            needed = min(needed, gains[0, i])
        released = min(needed, released + (1.0 - released) * release)
        if released > 0.999999 and needed == 1.0:
            released = 1.0
        total += released - gains[1, at]
        gains[1, at] = released
        if at == 0:  # forget the running sum's rounding once per window
            total = 0.0
            for i in range(window):
                total += gains[1, i]
        gain = total / window
        smallest = min(smallest, gain)
        for c in range(audio.shape[0]):
            y = float(delay[c, slot]) * gain
            delay[c, slot] = audio[c, n]
            audio[c, n] = min(max(y, -clip), clip)
        counter = (counter + 1) % (window * (window - 1))
        at = at + 1 if at + 1 < window else 0
        slot = slot + 1 if slot + 1 < window - 1 else 0
    state[0], state[1], state[2] = counter, released, total
    return smallest


@kernel("float64(float32[::1])")
def largest(audio: np.ndarray) -> float:
    """Largest absolute value; infinity if any sample is NaN."""
    peak = 0.0
    for n in range(audio.shape[0]):
        value = abs(float(audio[n]))
        if not value <= 1e30:  # a NaN fails every comparison
            return np.inf
        peak = max(peak, value)
    return peak
