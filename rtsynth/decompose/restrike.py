"""Whether what is struck again still sounds from before: both sounds are sought in their sum.

A key that is struck again has been let go, and a string that is plucked again has been stopped; a
bar or a pedalled string may ring on. What the spectrum shows of it lies on the very lines of the
new strike, so only the waveform can tell, and it must do so plainly. Thread: any.
"""

import numpy as np

from rtsynth.decompose.damped import Float

__all__ = ["rings_on"]

LEVEL = 0.6  # at which the older one must be there, of what it would have if it were held
MOST = 2.0  # more than that is no old sound but what the newer one's model leaves
SAVED = 0.1  # of the error that the newer one leaves by itself
DEPENDENT = 1e-6  # sounds as alike as that cannot be told apart
SHORTEST = 1_000  # samples: less tells nothing


def rings_on(sound: Float, older: Float, newer: Float, saved: float = SAVED) -> bool:
    """Whether a sound holds two strikes of one resonance, not the newer one only.

    Args:
        sound: [samples] from the newer one on, everybody else taken away.
        older: [samples] the one before, as if it were held.
        newer: [samples] the other.
        saved: share of the error that the newer one leaves by itself, and both do not, at least.
    """
    if len(sound) < SHORTEST:
        return False
    both = np.stack([older, newer])
    gram, right = both @ both.T, both @ sound
    if np.linalg.det(gram) <= DEPENDENT * gram[0, 0] * gram[1, 1]:
        return False
    levels = np.linalg.solve(gram, right)
    energy = float(sound @ sound)
    without = energy - float(right[1]) ** 2 / float(gram[1, 1])
    left = energy - float(right @ levels)
    likely = LEVEL <= levels[0] <= MOST and levels[1] > 0.0
    return bool(likely and left <= (1.0 - saved) * without)
