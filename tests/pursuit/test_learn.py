"""Atoms are learned from the sound they are in."""

import numpy as np
import pytest

from rtsynth.errors import ValueRangeError
from rtsynth.pursuit import Atoms, learn_atoms, pursue, render
from rtsynth.pursuit.atoms import analytic
from tests.pursuit.planted import RATE, planted

LENGTH = 256


def chirps() -> Atoms:
    """Two analytic waveforms that are no sinusoids."""
    time = np.arange(LENGTH) / RATE
    rising = np.exp(2j * np.pi * (900.0 * time + 1.2e5 * time**2)) * np.hanning(LENGTH)
    double = (np.exp(2j * np.pi * 700.0 * time) + 0.7j * np.exp(2j * np.pi * 1900.0 * time)) * (
        np.hanning(LENGTH)
    )
    return Atoms(np.stack([rising, double]))


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """0 … 1 over all shifts, in any phase."""
    return float(np.abs(np.correlate(one, other, "full")).max())


def starting(sound: np.ndarray, seed: int) -> Atoms:
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, len(sound) - LENGTH, 2)
    return Atoms(analytic(np.array([sound[n : n + LENGTH] * np.hanning(LENGTH) for n in starts])))


def test_learning_recovers_planted_atoms_in_any_phase_and_place() -> None:
    truth = chirps()
    sound, _ = planted(truth, 60, 2.0, 30.0)
    begun = starting(sound, 4)
    learned = learn_atoms(sound, begun, rounds=20, seed=1, picks=60)
    for wave in truth.waveform:
        assert max(likeness(wave, own) for own in learned.waveform) > 0.95
    before, after = (
        sound - render(pursue(sound, atoms, picks=60), atoms, len(sound))
        for atoms in (begun, learned)
    )
    assert after @ after < 0.3 * (before @ before)


def test_learning_is_the_same_for_the_same_seed() -> None:
    sound, _ = planted(chirps(), 20, 0.7, 30.0)
    one, other = (learn_atoms(sound, starting(sound, 2), 3, seed=9, picks=20) for _ in range(2))
    np.testing.assert_array_equal(one.waveform, other.waveform)


def test_learned_atoms_have_nothing_at_negative_frequencies() -> None:
    sound, _ = planted(chirps(), 20, 0.7, 30.0)
    learned = learn_atoms(sound, starting(sound, 2), 2, picks=20)
    spectrum = np.abs(np.fft.fft(learned.waveform, axis=1)) ** 2
    assert spectrum[:, LENGTH // 2 + 1 :].sum() < 1e-12 * spectrum.sum()


def test_silence_teaches_nothing_and_bad_rounds_are_refused() -> None:
    atoms = chirps()
    assert learn_atoms(np.zeros(4000), atoms, 3) is atoms
    with pytest.raises(ValueRangeError, match="rounds"):
        learn_atoms(np.zeros(4000), atoms, -1)
