"""Dampers: all of a key's own partials fall at once, beside others that go on."""

import numpy as np
import pytest

from rtsynth.decompose.damped import Float, Modes
from rtsynth.decompose.draft import Draft, Resonance, Strike
from rtsynth.decompose.keys.damper import damped_at
from rtsynth.decompose.keys.keyboard import key_hz, partial_hz

RATE = 22_050.0
SECONDS = 2.5
NEAR_S = 0.03
NOISE = 1e-4 * np.random.default_rng(1).standard_normal(round(SECONDS * RATE))


def string(key: int, t60_s: float = 2.5, seed: int = 0) -> Resonance:
    """Ten partials of a stiff string at random phases."""
    random = np.random.default_rng(100 * seed + key)
    freq_hz = partial_hz(float(key), key_hz(float(key)), 10)
    order = np.arange(1, len(freq_hz) + 1)
    amplitude = 0.2 / order * np.exp(2j * np.pi * random.random(len(order)))
    return Resonance(Modes(freq_hz, t60_s / np.sqrt(order), amplitude), pitch_hz=key_hz(float(key)))


def played(
    *notes: tuple[int, float, float | None], rate: float = RATE
) -> tuple[Float, Draft, list[float | None]]:
    """A sound, its draft as if all keys were held, and when they are let go, in seconds.

    Args:
        notes: key, onset and seconds held each.
        rate: Hz.
    """
    keys = sorted({key for key, _, _ in notes})
    resonances = [string(key) for key in keys]
    strikes = [
        Strike(
            round(onset * rate),
            keys.index(key),
            0.7,
            None if held is None else round(held * rate),
            0.35,
        )
        for key, onset, held in notes
    ]
    length = round(SECONDS * rate)
    sound = Draft(rate, length, strikes, resonances).model()
    sound += 1e-4 * np.random.default_rng(1).standard_normal(length)
    begun = [Strike(strike.onset, strike.resonance, strike.gain) for strike in strikes]
    return sound, Draft(rate, length, begun, resonances), [held for _, _, held in notes]


def check(sound: Float, draft: Draft, helds: list[float | None]) -> None:
    for found, held in zip(damped_at(sound, draft), helds, strict=True):
        assert (found is None) == (held is None)
        if found is not None and held is not None:
            assert abs(found / draft.sample_rate - held) < NEAR_S


@pytest.mark.parametrize("rate", [8_000.0, 22_050.0, 44_100.0, 192_000.0])
def test_a_damper_is_seen_at_any_rate(rate: float) -> None:
    check(*played((60, 0.1, 0.8), rate=rate))


@pytest.mark.parametrize("held_s", [0.2, 0.5, 1.4])
def test_a_damper_is_seen_whenever_it_falls(held_s: float) -> None:
    check(*played((57, 0.1, held_s)))


def test_a_key_that_is_held_is_not_damped() -> None:
    check(*played((57, 0.1, None), (64, 0.4, None)))


@pytest.mark.parametrize("later_s", [1.2, 1.25, 1.3])
def test_a_held_key_is_not_damped_by_the_hammer_of_a_louder_one(later_s: float) -> None:
    """A hammer is in all bins for a moment, and what comes after it seems to fall."""
    sound, draft, _ = played((57, 0.2, None), (60, 0.1 + later_s, None))
    hammer = 0.5 * np.random.default_rng(3).standard_normal(400) * np.hanning(400)
    sound[draft.strikes[1].onset :][:400] += hammer
    assert damped_at(sound, draft) == [None, None]


def test_of_many_held_keys_hardly_any_seems_damped() -> None:
    random = np.random.default_rng(5)
    keys, onsets = random.permutation(np.arange(40, 80))[:12], np.sort(random.random(12)) * 1.8
    found = damped_at(
        *played(*((int(k), float(o), None) for k, o in zip(keys, onsets, strict=True)))[:2]
    )
    assert sum(at is not None for at in found) <= 1


@pytest.mark.parametrize("rate", [18_900.0, 37_800.0, 50_000.0])
def test_partials_at_the_end_of_what_is_looked_at_are_no_error(rate: float) -> None:
    modes = Modes(np.array([3_999.5, 7_999.5]), np.ones(2), np.ones(2, complex))
    resonance = Resonance(modes, pitch_hz=3_999.5)
    draft = Draft(rate, round(rate), [Strike(100, 0, 0.1)], [resonance])
    assert damped_at(draft.model(), draft) == [None]


def test_what_is_over_covers_nothing_any_more() -> None:
    """A key struck again and again: its own earlier strikes lie on all of its partials."""
    sound, draft, _ = played(*((60, 0.1 + 0.3 * n, 0.3) for n in range(5)), (60, 1.6, 0.4))
    over = {id(s): round(0.3 * RATE) for s in draft.strikes[:5]}
    last = damped_at(sound, draft, over)[-1]
    assert last is not None
    assert abs(last / RATE - 0.4) < NEAR_S


def test_a_damped_key_no_longer_covers_its_octave() -> None:
    """All of the octave's partials lie below louder ones of a key that is gone by then."""
    _, draft, _ = played((48, 0.1, 0.4), (60, 0.15, 0.9))
    draft.strikes[0].gain, draft.strikes[1].gain = 2.0, 0.5
    ends = [(0.4, 0.35), (0.9, 0.35)]
    for strike, (held_s, release_s) in zip(draft.strikes, ends, strict=True):
        strike.held, strike.release_s = round(held_s * RATE), release_s
    check(draft.model() + NOISE, draft, [0.4, 0.9])


def test_keys_of_a_chord_are_let_go_one_by_one() -> None:
    check(*played((60, 0.1, 0.6), (64, 0.1, 1.1), (67, 0.1, None)))


def test_a_damper_is_seen_although_others_begin_as_it_falls() -> None:
    check(*played((60, 0.1, 0.7), (65, 0.8, None), (69, 0.8, None)))


def test_a_key_ends_below_its_octave_that_goes_on() -> None:
    """Every second partial is covered by the octave's; the others tell."""
    check(*played((48, 0.1, 0.8), (60, 0.1, None)))


def test_a_line_of_keys_each_let_go_as_the_next_begins() -> None:
    notes = [(60 + step, 0.1 + 0.3 * number, 0.3) for number, step in enumerate((0, 4, 7, 11, 5))]
    check(*played(*notes))


def test_beating_partials_are_no_damper() -> None:
    """Every partial is two that cancel nearly, each pair at another rate."""
    freq_hz = partial_hz(57.0, key_hz(57.0), 8)
    apart = np.linspace(1.0, 3.3, 8)
    freq_hz = np.concatenate([freq_hz, freq_hz + apart])
    amplitude = np.concatenate([0.05 * np.ones(8), 0.045 * np.ones(8)]).astype(complex)
    modes = Modes(freq_hz, np.full(16, 3.0), amplitude)
    resonance = Resonance(modes, pitch_hz=key_hz(57.0))
    draft = Draft(RATE, round(SECONDS * RATE), [Strike(2_205, 0, 1.0)], [resonance])
    assert damped_at(draft.model(), draft) == [None]


def test_what_falls_and_comes_back_is_no_damper() -> None:
    sound, draft, _ = played((57, 0.1, None))
    time_s = np.arange(len(sound)) / RATE
    sound *= 1.0 - 0.9 * np.exp(-0.5 * ((time_s - 1.0) / 0.05) ** 2)
    assert damped_at(sound, draft) == [None]


def test_a_partial_that_dies_fast_by_itself_is_no_damper() -> None:
    """170 dB/s, as fast as a damper, but from the start."""
    resonance = string(69, t60_s=0.35)
    draft = Draft(RATE, round(SECONDS * RATE), [Strike(2_205, 0, 1.0)], [resonance])
    assert damped_at(draft.model() + NOISE, draft) == [None]


def test_what_was_said_of_key_offs_before_changes_nothing() -> None:
    sound, draft, _ = played((60, 0.1, 0.6), (64, 0.1, 1.1))
    first = damped_at(sound, draft)
    for strike in draft.strikes:
        strike.held, strike.release_s = 3_000, 0.06
    assert damped_at(sound, draft) == first


def test_a_key_is_watched_no_further_than_its_next_strike() -> None:
    found = damped_at(*played((60, 0.1, 0.5), (60, 0.6, 0.5))[:2])
    assert found[0] is None or found[0] <= 0.52 * RATE  # the damper and the hammer come together
    assert found[1] is not None
    assert abs(found[1] / RATE - 0.5) < NEAR_S


@pytest.mark.parametrize("count", [0, 10, 3_000])
def test_short_sounds_and_no_strikes_are_no_error(count: int) -> None:
    assert damped_at(np.zeros(count), Draft(RATE, count, [], [])) == []
    if count:
        draft = Draft(RATE, count, [Strike(count - 1, 0, 1.0), Strike(0, 1, 1.0)], [])
        draft.resonances = [string(60), Resonance(Modes.none(), pitch_hz=key_hz(50.0))]
        assert damped_at(np.zeros(count), draft) == [None, None]


def test_what_has_no_pitch_has_no_damper() -> None:
    sound, draft, _ = played((60, 0.1, 0.8))
    draft.resonances[0].pitch_hz = 0.0
    assert damped_at(sound, draft) == [None]
