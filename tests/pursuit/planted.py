"""A dictionary and sounds in which picks were planted."""

import numpy as np

from rtsynth.pursuit import Atoms, Picks, render

RATE = 22_050
LENGTH = 512


def windowed(count: int = 24, length: int = LENGTH) -> Atoms:
    """[count] Hann-windowed complex exponentials, 200 Hz … 8 kHz."""
    freq = np.geomspace(200.0, 8_000.0, count)
    time = np.arange(length) / RATE
    return Atoms(np.exp(2j * np.pi * np.outer(freq, time)) * np.hanning(length))


def planted(
    atoms: Atoms, count: int, seconds: float, snr_db: float, seed: int = 0
) -> tuple[np.ndarray, Picks]:
    """Picks of random atoms, places and phases, not closer than a quarter atom, and their sound."""
    rng = np.random.default_rng(seed)
    samples = round(seconds * RATE)
    grid = np.arange(0, samples - atoms.length, atoms.length // 4)
    shift = np.sort(rng.choice(grid, count, replace=False)) + rng.integers(0, 8, count)
    phase = np.exp(2j * np.pi * rng.random(count))
    picks = Picks(
        rng.integers(0, len(atoms), count),
        shift.astype(np.int64),
        phase * rng.uniform(0.3, 1.0, count),
        np.zeros(count),
    )
    sound = render(picks, atoms, samples)
    level = np.sqrt(np.mean(sound**2)) * 10.0 ** (-snr_db / 20.0)
    return sound + level * rng.standard_normal(samples), picks
