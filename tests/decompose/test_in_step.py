"""Strikes of a key are put in step to the sample, from notes that are told within 10 ms."""

import numpy as np
import pytest

from rtsynth.decompose import Note, Recording, recording_from_array
from rtsynth.decompose.keys import in_step
from rtsynth.decompose.steps.found_notes import on_their_side, without_doubles
from tests.decompose.known_bank import RATE, key_sound

Times = dict[int, list[float]]


def put_in_step(recording: Recording, notes: list[Note]) -> list[Note]:
    channels = recording.frames.shape[1]
    weights = np.full(channels, 1.0 / channels)
    return in_step.put_in_step(recording.frames, weights, recording.sample_rate, notes).notes


def played(times: Times, seconds: float, noise: float = 1e-4) -> Recording:
    sound = np.random.default_rng(1).normal(0.0, noise, round(seconds * RATE))
    for key, onsets in times.items():
        for number, onset in enumerate(onsets):
            first = round(onset * RATE)
            note = key_sound(key, 2.0)[: len(sound) - first]
            sound[first : first + len(note)] += 0.1 * (1.0 + 0.3 * (number % 3)) * note
    return recording_from_array(sound, RATE)


def late(found: list[Note], times: Times) -> dict[int, np.ndarray]:
    """Per key, samples by which its strikes are later than they should be."""
    return {
        key: np.round(
            [
                (note.onset_s - onset) * RATE
                for note, onset in zip([n for n in found if n.key == key], onsets, strict=True)
            ]
        )
        for key, onsets in times.items()
    }


def told(times: Times, spread_s: float, seed: int = 0) -> list[Note]:
    random = np.random.default_rng(seed)
    return [
        Note(max(0.0, onset + spread_s * random.uniform(-1.0, 1.0)), key)
        for key, onsets in times.items()
        for onset in onsets
    ]


@pytest.mark.parametrize("spread_s", [0.003, 0.01])
def test_chords_told_wrongly_by_milliseconds_come_out_in_step_within_a_sample(
    spread_s: float,
) -> None:
    times = {
        48: [0.2, 0.9, 1.7, 2.4],
        55: [0.205, 1.302, 1.7, 2.8],
        60: [0.5, 0.9, 1.31, 2.4],
        64: [0.21, 0.512, 1.7, 2.803],
    }
    found = put_in_step(played(times, 4.0), told(times, spread_s))
    for away in late(found, times).values():
        assert np.ptp(away) <= 1.0  # samples


def test_a_key_struck_a_hundred_times_stays_in_step_throughout() -> None:
    onsets = (0.1 + 0.21 * np.arange(100) + 0.01 * np.sin(np.arange(100.0))).tolist()
    found = put_in_step(played({60: onsets}, 22.0), told({60: onsets}, 0.008))
    assert np.ptp(late(found, {60: onsets})[60]) <= 1.0  # samples


def test_what_is_no_copy_stays_where_it_was_said_to_be() -> None:
    noise = recording_from_array(np.random.default_rng(0).normal(0.0, 0.1, 2 * RATE), RATE)
    notes = [Note(0.2, 60), Note(0.7, 60), Note(1.2, 60)]
    for found, said in zip(put_in_step(noise, notes), notes, strict=True):
        assert found.onset_s == pytest.approx(said.onset_s, abs=0.5 / RATE)


def test_a_lone_strike_stays_and_strikes_at_the_ends_are_no_trouble() -> None:
    recording = played({60: [0.0, 0.5, 1.19]}, 1.2)
    lone = Note(0.7, 72)
    found = put_in_step(recording, [Note(1.19, 60), lone, Note(0.0, 60), Note(0.504, 60)])
    assert lone in found
    assert [note.key for note in found] == [60, 60, 72, 60]
    assert found[1].onset_s - found[0].onset_s == pytest.approx(0.5, abs=1.0 / RATE)
    assert put_in_step(recording, []) == []


def test_the_order_in_which_notes_are_told_does_not_matter() -> None:
    times = {60: [0.2, 0.6, 1.1], 67: [0.21, 0.6, 1.4]}
    recording, notes = played(times, 2.0), told(times, 0.005)
    assert put_in_step(recording, notes) == put_in_step(recording, notes[::-1])


def test_no_note_is_moved_across_a_segments_end() -> None:
    before = [Note(0.99, 60), Note(1.01, 60), Note(1.03, 62), Note(1.5, 60)]
    after = [Note(0.98, 60), Note(0.99, 60), Note(1.001, 62), Note(1.51, 60)]
    kept = on_their_side(before, after, 1.0)
    assert sorted(kept) == [Note(0.98, 60), Note(1.001, 62), Note(1.01, 60), Note(1.51, 60)]


def test_strikes_repeated_faster_than_the_reach_stay_apart_and_in_order() -> None:
    onsets = [0.2 + 0.034 * k for k in range(20)]
    notes = told({60: onsets}, 0.003)
    found = put_in_step(played({60: onsets}, 1.5), notes)
    assert len(found) == len(onsets)
    for one, said in zip(found, sorted(notes), strict=True):
        assert abs(one.onset_s - said.onset_s) < 0.02  # s


def test_a_strike_that_was_found_twice_is_one() -> None:
    found = [Note(1.02, 60), Note(1.0, 60), Note(1.01, 64), Note(1.04, 60)]
    assert without_doubles(found) == [Note(1.0, 60), Note(1.01, 64), Note(1.04, 60)]
