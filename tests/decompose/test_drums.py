"""Hits become one event each, in time to the sample, with tails that die away as they did."""

import numpy as np
import pytest
from numpy.typing import NDArray

from rtsynth.decompose import decompose_array
from rtsynth.decompose.damped import Modes
from rtsynth.decompose.draft import Draft, Resonance, Strike
from rtsynth.decompose.drums.attacks import HIT_S, learn_attacks
from rtsynth.decompose.drums.copies import find_copies
from rtsynth.decompose.drums.draft import are_drums, drum_draft
from rtsynth.decompose.drums.hiss import fit_hiss
from rtsynth.decompose.drums.percussion import find_drums, hit_patches
from rtsynth.decompose.drums.quietest import Quietest
from rtsynth.decompose.drums.waveforms import Placed, fit_waveforms, sum_waveforms
from rtsynth.decompose.onset import find_onsets
from rtsynth.decompose.takes import take_onsets
from rtsynth.instrument import NOISE_EDGES_HZ
from rtsynth.metrics import onset_scores
from tests.decompose.drum_kit import HAT, HAT_T60_S, RATE, kit, loop
from tests.decompose.known_bank import melody

PLAYED = loop()


def test_every_hit_is_an_onset_within_2_ms_and_nothing_else_is() -> None:
    found = find_onsets(PLAYED.sound, RATE) / RATE
    assert onset_scores(PLAYED.onsets_s, found, 0.002).f1 == 1.0


def test_the_ripple_of_dying_noise_is_no_onset() -> None:
    rng = np.random.default_rng(0)
    time_s = np.arange(2 * RATE) / RATE
    noise = rng.standard_normal(len(time_s)) * np.exp(-4.0 * time_s)
    assert len(find_onsets(0.1 * noise, RATE)) == 1


def test_strikes_are_as_many_as_hits_within_a_seventh() -> None:
    draft = drum_draft(PLAYED.sound, RATE, find_onsets(PLAYED.sound, RATE), 32, 128)
    assert len(draft.strikes) == pytest.approx(len(PLAYED.hits), rel=0.15)


def test_drums_are_told_from_keys() -> None:
    keys = melody([60, 64, 67, 72, 60, 55], [1.0, 0.5, 1.0, 0.6, 0.3, 1.0])
    for sound, rate, expected in ((PLAYED.sound, RATE, True), (keys.sound, 44_100, False)):
        onsets = find_onsets(sound, rate)
        assert are_drums(sound, rate, take_onsets(sound, rate, onsets)) is expected


def bars(keys: list[float]) -> NDArray[np.float64]:
    """Short bars struck with a stick that is louder than they are."""
    rng = np.random.default_rng(5)
    time_s = np.arange(RATE // 3) / RATE
    sound = 1e-4 * rng.normal(size=RATE // 3 * (len(keys) + 1))
    for place, key in enumerate(keys):
        hz = 440.0 * 2.0 ** ((key - 69.0) / 12.0)
        bar = np.exp(-6.91 * time_s / 0.25) * np.sin(2.0 * np.pi * hz * time_s)
        bar += 0.08 * np.exp(-6.91 * time_s / 0.1) * np.sin(2.0 * np.pi * 3.0 * hz * time_s)
        stick = 0.6 * np.exp(-6.91 * time_s / 0.02) * rng.normal(size=len(time_s))
        sound[place * len(time_s) :][: len(time_s)] += 0.3 * (bar + stick)
    return sound


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ([72.0, 76.0, 79.0, 84.0, 76.0, 74.0, 77.0, 81.0], False),
        ([72.4, 76.1, 78.7, 83.5, 75.8, 74.3, 77.6, 81.2], True),
    ],
)
def test_short_bars_under_a_loud_stick_are_keys_if_they_are_in_tune(
    keys: list[float], expected: bool
) -> None:
    sound = bars(keys)
    onsets = find_onsets(sound, RATE)
    assert are_drums(sound, RATE, take_onsets(sound, RATE, onsets)) is expected


def test_a_patch_holds_what_the_hit_brought_and_nothing_of_before() -> None:
    steady = 0.1 * np.sin(2 * np.pi * 3_000.0 * np.arange(RATE) / RATE)
    patches = hit_patches(steady, RATE, np.array([RATE // 2]))
    loud = 0.5 * 0.1**2
    assert patches.max() < 0.01 * loud


def test_drums_that_never_meet_are_found_apart() -> None:
    patches = np.zeros((6, 32, 5))
    patches[::2, 3:6] = 1.0
    patches[1::2, 20:25] = 0.01
    found = find_drums(patches)
    assert [len(members) for members in found.members] == [1] * 6
    assert len({next(iter(members)) for members in found.members}) == 2


def test_where_nothing_rose_there_are_no_drums() -> None:
    found = find_drums(np.zeros((3, 32, 5)))
    assert found.patches.shape == (0, 32, 5)
    assert found.members == [{}, {}, {}]


def test_copies_at_the_very_end_stay_inside_the_recording() -> None:
    rng = np.random.default_rng(7)
    hit = rng.normal(size=2_000) * np.exp(-np.arange(2_000) / 300.0)
    sound = np.zeros(2 * RATE)
    places = np.array([5_000, 25_000, 45_000, 65_000, len(sound) - 100])
    for at in places:
        sound[at : at + 2_000] += hit[: len(sound) - at]
    draft = drum_draft(sound, RATE, places + np.array([0, -300, 0, -200, 90]), 8, 4)
    assert draft.strikes
    assert max(strike.onset for strike in draft.strikes) < len(sound)


def test_copies_are_aligned_to_the_sample_and_others_kept_apart() -> None:
    rng = np.random.default_rng(5)
    hats = [kit()[HAT], rng.permutation(kit()[HAT][:4_000])]
    sound, places, known = np.zeros(4 * RATE), [], [0, 1, 0, 1, 0]
    for number, which in enumerate(known):
        at = 5_000 + 30_000 * number + 37 * number
        sound[at : at + len(hats[which])] += hats[which]
        places.append(at)
    seen = np.array(places) + np.array([0, 11, -25, 60, 7])
    copies = find_copies(sound, RATE, seen, np.ones((5, 32)))
    assert (copies.cluster[:, None] == copies.cluster).tolist() == (
        np.equal.outer(known, known).tolist()
    )
    offset = seen + copies.shift - np.array(places)
    assert len(set(offset[::2].tolist())) == len(set(offset[1::2].tolist())) == 1


def test_waveforms_that_overlap_are_told_apart_within_minus_30_db() -> None:
    rng = np.random.default_rng(6)
    waveforms = rng.standard_normal((2, 400)) * np.exp(-np.arange(400) / 80.0)
    strikes = [
        Placed(int(at), r, g) for at, r, g in zip(
            rng.integers(0, 9_000, 30), rng.integers(0, 2, 30), rng.uniform(0.5, 1.5, 30),
            strict=True,
        )
    ]  # fmt: skip
    signal = sum_waveforms(waveforms, strikes, 10_000)
    found = fit_waveforms(signal, strikes, 2, 400, 1e-4)
    assert np.linalg.norm(found - waveforms) < 10 ** (-30 / 20) * np.linalg.norm(waveforms)


def test_what_comes_late_after_one_strike_and_soon_after_another_is_the_other_s() -> None:
    """Always struck together, so that least squares alone would give half of it to each."""
    lag, length = round(0.25 * RATE), round(HIT_S * RATE)
    burst = np.zeros((2, length))
    burst[1, : RATE // 20] = 0.1 * np.random.default_rng(8).standard_normal(RATE // 20)
    placed = [Placed(at * RATE + r * lag, r, 1.0) for at in range(3) for r in range(2)]
    sound = sum_waveforms(burst, placed, 3 * RATE)
    strikes = [Strike(one.onset, one.resonance, one.gain) for one in placed]
    drums = [Resonance(Modes.none()), Resonance(Modes.none())]
    draft = Draft(RATE, len(sound), strikes, drums)
    learn_attacks(draft, sound.copy(), Quietest.of(draft, sound, length), np.zeros((2, length)))
    early, late = (float(np.linalg.norm(drum.attack)) for drum in drums)
    assert early < 10 ** (-20 / 20) * late
    assert late > 0.9 * np.linalg.norm(burst)


def test_hiss_dies_away_as_the_noise_did_within_a_fifth() -> None:
    rng = np.random.default_rng(7)
    sound, strikes = np.zeros(11 * RATE), []
    time_s = np.arange(RATE) / RATE
    for number in range(10):
        noise = 0.1 * rng.standard_normal(RATE) * np.exp(-np.log(1000.0) / HAT_T60_S * time_s)
        sound[number * RATE : (number + 1) * RATE] += noise
        strikes.append(Strike(number * RATE, 0, 1.0))
    gains, t60s = fit_hiss(sound, RATE, strikes, 1)
    high = NOISE_EDGES_HZ[:-1] > 1_000.0
    assert np.abs(t60s[0, high] / HAT_T60_S - 1.0).max() < 0.2
    expected = 0.1 * np.sqrt(np.diff(NOISE_EDGES_HZ) / (RATE / 2.0))
    assert np.abs(20.0 * np.log10(gains[0, high] / expected[high])).max() < 3.0


def test_a_loop_is_resynthesised_with_one_event_per_hit() -> None:
    taken = decompose_array(PLAYED.sound, RATE)
    events = [event for event in taken.score.table if event.name != "floor"]
    assert len(events) == pytest.approx(len(PLAYED.hits), rel=0.15)
    assert taken.report["metrics"]["sc"] < 0.3
    assert taken.report["metrics"]["log_mag"] < 0.4
    instrument = taken.instrument
    assert instrument.blown.any()
    assert not instrument.sustained.any()  # a hit ends by itself
