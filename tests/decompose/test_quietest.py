"""A drum has no more than the quietest of its strikes shows; a strike like no other is its own."""

import numpy as np

from rtsynth.decompose.drums.copies import find_copies
from rtsynth.decompose.drums.quietest import Quietest
from rtsynth.decompose.drums.waveforms import Placed, fit_waveforms
from tests.decompose.drum_kit import HAT, KICK, RATE, kit

LENGTH = RATE // 5
PLACES = (4_000, 34_000, 64_000, 94_000, 124_000)


def _kick_mostly_under_hats() -> np.ndarray:
    """Five kicks, the hat beside all but the third, its noise new each time."""
    rng = np.random.default_rng(11)
    drums = kit()
    sound = np.zeros(160_000)
    for number, at in enumerate(PLACES):
        sound[at : at + len(drums[KICK])] += drums[KICK]
        if number != 2:
            noise = rng.permutation(drums[HAT][:4_000])
            sound[at : at + len(noise)] += noise
    return sound


def _high(waveform: np.ndarray) -> float:
    """Energy above 8 kHz, from 25 ms on: before that the kick's own click is there."""
    later = waveform[RATE // 40 :]
    spectrum = np.abs(np.fft.rfft(later * np.hanning(len(later)))) ** 2
    return float(spectrum[round(8_000 / RATE * len(later)) :].sum())


def test_a_kick_that_sounds_alone_once_does_not_hiss_by_20_db() -> None:
    sound = _kick_mostly_under_hats()
    strikes = [Placed(at, 0, 1.0) for at in PLACES]
    learned = fit_waveforms(sound, strikes, 1, LENGTH)[0]
    capped = Quietest(sound, RATE, strikes, 1, LENGTH).capped(0, learned)
    assert _high(capped) < 10.0 ** (-20.0 / 10.0) * _high(learned)


def test_what_every_strike_shows_stays_within_a_percent() -> None:
    sound = np.zeros(160_000)
    drum = kit()[KICK]
    for at in PLACES:
        sound[at : at + len(drum)] += drum
    strikes = [Placed(at, 0, 1.0) for at in PLACES]
    capped = Quietest(sound, RATE, strikes, 1, LENGTH).capped(0, drum[:LENGTH])
    assert np.linalg.norm(capped - drum[:LENGTH]) < 0.01 * np.linalg.norm(drum[:LENGTH])


def test_strikes_without_copies_lead_clusters_of_their_own() -> None:
    rng = np.random.default_rng(12)
    hat = kit()[HAT][:4_000]
    sound = np.zeros(160_000)
    for number, at in enumerate(PLACES):
        sound[at : at + len(hat)] += hat if number < 3 else rng.permutation(hat)
    copies = find_copies(sound, RATE, np.array(PLACES), np.ones((5, 32)))
    assert copies.cluster.tolist() == [0, 0, 0, 1, 2]


def test_a_strike_shortly_before_the_recording_s_end_silences_no_other() -> None:
    drum = kit()[KICK]
    sound = np.zeros(PLACES[-1] + RATE // 10)
    for at in PLACES:
        part = drum[: len(sound) - at]
        sound[at : at + len(part)] += part
    strikes = [Placed(at, 0, 1.0) for at in PLACES]
    capped = Quietest(sound, RATE, strikes, 1, LENGTH).capped(0, drum[:LENGTH])
    assert np.linalg.norm(capped - drum[:LENGTH]) < 0.01 * np.linalg.norm(drum[:LENGTH])
