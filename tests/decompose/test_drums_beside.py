"""What keys leave of hits is taken apart as drums; what lasts is no hit."""

import numpy as np
import pytest

from rtsynth.decompose.damped import Modes
from rtsynth.decompose.draft import Draft, Resonance, Strike
from rtsynth.decompose.drums.beside import drums_beside
from rtsynth.decompose.fit import Fit
from tests.decompose.drum_kit import RATE, loop

PLAYED = loop(bars=1)
ONSETS = np.array(sorted({onset for onset, _ in PLAYED.hits}))
KEY, PITCHLESS = 0, 1


def _tone() -> np.ndarray:
    time_s = np.arange(len(PLAYED.sound)) / RATE
    return np.asarray(0.2 * np.sin(2.0 * np.pi * 220.0 * time_s) * 10.0 ** (-3.0 * time_s / 8.0))


def _fit(signal: np.ndarray) -> Fit:
    """A key that explains the tone, and a pitchless resonance that explains nothing."""
    tone = Modes(np.array([220.0]), np.array([8.0]), np.array([-0.2j]))
    resonances = [Resonance(tone, pitch_hz=220.0), Resonance(Modes.none())]
    strikes = [Strike(0, KEY, 1.0), *(Strike(int(at), PITCHLESS, 1.0) for at in ONSETS)]
    return Fit(signal, Draft(RATE, len(signal), strikes, resonances))


def test_hits_beside_a_key_become_drums_and_the_key_stays() -> None:
    fit = _fit(_tone() + PLAYED.sound)
    found = drums_beside(fit, ONSETS, 16, 64)
    assert found is not None
    assert [strike.resonance for strike in found.kept] == [KEY]
    onsets = np.unique([strike.onset for strike in found.drums.strikes])
    assert np.abs(onsets[:, None] - ONSETS).min(axis=0).max() < 0.005 * RATE
    assert np.sum(found.left**2) < 0.1 * np.sum(PLAYED.sound**2)
    found.join(fit.draft)
    assert len(fit.draft.resonances) == 2 + len(found.drums.resonances)
    assert {s.resonance for s in fit.draft.strikes} <= {KEY, *range(2, len(fit.draft.resonances))}


@pytest.mark.parametrize("limit", [0, 64])
def test_where_only_a_tone_sounds_there_are_no_drums(limit: int) -> None:
    time_s = np.arange(len(PLAYED.sound)) / RATE
    slow = 0.1 * np.sin(2.0 * np.pi * 700.0 * time_s) * np.minimum(time_s, 1.0)
    assert drums_beside(_fit(_tone() + slow), ONSETS, 16, limit) is None
