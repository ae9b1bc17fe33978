"""Several held voices at once: each note by itself, though partials meet and periods are common."""

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from rtsynth.decompose import Recipe, decompose_array, event_signal
from rtsynth.decompose.held.bake import sounds_together
from rtsynth.decompose.held.breath import ringing_on
from rtsynth.decompose.held.draft import draw_line
from rtsynth.decompose.held.entering import clear_of
from rtsynth.decompose.held.line import CODE
from rtsynth.decompose.held.measure import MeasuredNote
from rtsynth.decompose.held.place import places
from rtsynth.decompose.keys.keyboard import KEYS
from rtsynth.decompose.panning import mid_signal
from rtsynth.decompose.recording import recording_from_array
from rtsynth.decompose.voices.letting_go import BLUR_S, fit_letting_go
from rtsynth.decompose.voices.line import measured_voices
from rtsynth.decompose.voices.measure import measure_voices, share_that_swells
from rtsynth.decompose.voices.note import VoiceNote, harmonics
from rtsynth.decompose.voices.notes import notes_of
from rtsynth.decompose.voices.roll import Roll, sounding_keys
from rtsynth.decompose.voices.shares import shared_levels
from rtsynth.decompose.voices.together import follow_notes, partial_amplitudes, partial_sound
from rtsynth.metrics import event_pitches
from rtsynth.units import LN1000
from tests.decompose.bowed_line import (
    LEAD_S,
    PARTIALS,
    RATE,
    RELEASE_T60_S,
    SCALE,
    bowed,
    laid,
    struck,
    tone,
)

Float = NDArray[np.float64]

UPPER, LOWER = (67, 69, 73, 71), (52, 48, 53, 55)
UPPER_S, LOWER_S = 0.7, 0.9
CENTS = 20.0


def hz(key: float) -> float:
    return float(440.0 * 2.0 ** ((key - 69.0) / 12.0))


def still(key: float, seconds: float, *, level: float = 1.0) -> Float:
    """A note that neither swells nor shakes, 10 ms to rise and to fall."""
    count = int(seconds * RATE)
    edge = np.minimum(np.arange(count), np.arange(count)[::-1]) / (0.01 * RATE)
    return level * tone(np.full(count, key), np.minimum(edge, 1.0))


def duet() -> Float:
    """Two voices in their own times."""
    above = laid([bowed(p, UPPER_S, cents=CENTS) for p in UPPER], UPPER_S)
    below = laid([bowed(p, LOWER_S, cents=0.0) for p in LOWER], LOWER_S)
    return np.pad(above, (0, len(below) - len(above))) + below


def truth() -> list[VoiceNote]:
    voices = ((UPPER, UPPER_S), (LOWER, LOWER_S))
    return sorted(
        VoiceNote(
            round((LEAD_S + every_s * place) * RATE),
            round((LEAD_S + every_s * (place + 1)) * RATE),
            hz(key),
        )
        for keys, every_s in voices
        for place, key in enumerate(keys)
    )


DUET = duet()


def keys_in(sound: Float, at_s: float) -> set[int]:
    """MIDI numbers that sound at a time."""
    column = round(at_s / 0.032)
    return set(KEYS[sounding_keys(sound, RATE).keys[:, column]].tolist())


def test_two_voices_show_two_keys_and_one_voice_never_most_of_the_time() -> None:
    roll = sounding_keys(DUET, RATE)
    assert roll.shows_several()
    assert keys_in(DUET, 0.5) == {67, 52}
    assert keys_in(DUET, 2.6) == {71, 53}
    alone = laid([bowed(p, 0.5, cents=CENTS) for p in SCALE], 0.5)
    assert not sounding_keys(alone, RATE).shows_several()


@pytest.mark.parametrize("chord", [(52, 57), (60, 64, 67), (55, 62, 71)])
def test_the_period_that_a_chord_has_in_common_is_no_key(chord: tuple[int, ...]) -> None:
    sound = sum((still(key, 1.0) for key in chord), np.zeros(RATE))
    assert keys_in(sound, 0.5) == set(chord)


def test_a_low_note_that_lacks_its_first_partial_is_no_key() -> None:
    """Held notes have one: without it, it is the period that others have in common."""
    time = np.arange(RATE) / RATE
    rootless = sum(np.cos(2 * np.pi * hz(43) * k * time) / k for k in range(2, 9))
    assert 43 not in keys_in(0.1 * np.asarray(rootless), 0.5)
    assert 43 in keys_in(0.1 * (rootless + 0.3 * np.cos(2 * np.pi * hz(43) * time)), 0.5)


def test_a_key_that_is_missed_for_a_column_sounds_on() -> None:
    gap = still(60, 1.5) + still(64, 1.5)
    gap[int(0.7 * RATE) : int(0.72 * RATE)] *= 0.01
    runs = sounding_keys(gap, RATE).runs()
    assert sorted(key for _, _, key in runs) == [60, 64]


def test_columns_are_where_they_were_taken_two_minutes_later() -> None:
    keys = np.zeros((len(KEYS), 3_600), bool)
    keys[60 - 21, 3_500:3_520] = True
    column = round(0.032 * RATE)
    silent = np.zeros(3_600 * column)
    (note,) = notes_of(Roll(keys, np.ones(3_600), 1.0), silent, RATE)
    assert (note.onset, note.end) == (3_500 * column, 3_520 * column)


@pytest.mark.parametrize("lead_s", [0.0, 0.02, 0.1])
def test_a_chord_at_the_very_beginning_begins_there_within_12_ms(lead_s: float) -> None:
    chord = still(55, 1.0) + still(62, 1.0)
    sound = np.concatenate([np.zeros(int(lead_s * RATE)), chord, np.zeros(RATE // 4)])
    assert [note.onset / RATE for note in found_in(sound)] == pytest.approx([lead_s] * 2, abs=0.012)


def test_a_note_enters_where_it_does_though_a_sounding_one_shares_its_partials() -> None:
    """A fifth over a held note: every second partial of it was there before."""
    below = still(48, 2.0)
    sound = np.concatenate([np.zeros(RATE // 10), below, np.zeros(RATE // 4)])
    first = int(0.9 * RATE)
    above = still(55, 0.8, level=0.6)
    sound[first : first + len(above)] += above
    upper = [note for note in found_in(sound) if note.pitch_hz > hz(53)]
    assert [note.onset / RATE for note in upper] == pytest.approx([0.9], abs=0.015)


def test_silence_and_a_tuning_fork_show_no_chord() -> None:
    assert not sounding_keys(np.zeros(RATE), RATE).keys.any()
    assert not sounding_keys(np.zeros(RATE), RATE).shows_several()
    fork = 0.1 * np.sin(2 * np.pi * 440.0 * np.arange(RATE) / RATE)
    assert not sounding_keys(fork, RATE).shows_several()


def test_a_tuning_30_cents_flat_is_the_notes_own() -> None:
    sound = still(59.7, 1.0) + still(63.7, 1.0)
    notes = notes_of(sounding_keys(sound, RATE), sound, RATE)
    assert [note.pitch_hz for note in notes] == pytest.approx([hz(59.7), hz(63.7)], rel=0.003)


def test_each_voices_notes_begin_within_20_ms_though_the_other_goes_on() -> None:
    notes = notes_of(sounding_keys(DUET, RATE), DUET, RATE)
    assert len(notes) == len(truth())
    for true in truth():
        found = min(notes, key=lambda note: abs(note.pitch_hz - true.pitch_hz))
        assert found.pitch_hz == pytest.approx(true.pitch_hz, rel=0.005)
        assert abs(found.onset - true.onset) / RATE < 0.02


def test_notes_are_let_go_where_they_are_within_30_ms_and_die_away_as_fast() -> None:
    notes, _ = measure_voices(DUET, RATE, found_in(DUET))
    for true in truth():
        found = min(notes, key=lambda note: abs(note.pitch_hz - true.pitch_hz))
        end = found.onset / RATE + found.duration_s
        assert end == pytest.approx(true.end / RATE, abs=0.03)
        assert found.release_t60_s == pytest.approx(RELEASE_T60_S, abs=0.1)


@pytest.mark.parametrize("t60_s", [0.05, 0.3])
@pytest.mark.parametrize("rough", [-0.06, 0.0, 0.12])
def test_a_blurred_release_is_found_within_12_ms(t60_s: float, rough: float) -> None:
    time = 0.004 * np.arange(300)
    level = np.exp(-LN1000 * np.maximum(time - 0.7, 0.0) / t60_s) * 10.0 ** (-0.3 * time)
    blur = np.hanning(round(BLUR_S / 0.004) + 1)
    seen = np.convolve(np.pad(level, 10, mode="edge"), blur / blur.sum(), "same")[10:-10]
    points, found_s = fit_letting_go(seen, round((0.7 + rough) / 0.004))
    assert 0.004 * points == pytest.approx(0.7, abs=0.012)
    assert found_s == pytest.approx(t60_s, rel=0.3, abs=0.025)


def test_a_note_that_is_never_let_go_is_held_as_long_as_it_was_seen() -> None:
    assert fit_letting_go(np.linspace(1.0, 0.8, 300), 220)[0] == 220
    assert fit_letting_go(np.ones(3), 2)[0] == 2


def test_a_key_played_twice_under_a_held_one_is_two_notes_and_a_tremolo_one() -> None:
    twice = np.concatenate([still(65, 0.6), np.zeros(int(0.06 * RATE)), still(65, 0.6)])
    below = still(50, len(twice) / RATE)[: len(twice)]
    notes = found_in(twice + below)
    keys = [round(12 * np.log2(n.pitch_hz / 440.0)) + 69 for n in notes]
    assert sorted(keys) == [50, 65, 65]
    assert notes[-1].onset / RATE == pytest.approx(0.66, abs=0.02)
    time = np.arange(len(below)) / RATE
    shaking = still(65, len(below) / RATE)[: len(below)]
    shaking = shaking * (1.0 - 0.35 * (1.0 - np.cos(2 * np.pi * 5.0 * time)) / 2.0)
    assert len(found_in(shaking + below)) == 2


def test_a_dip_without_an_onset_is_no_second_note() -> None:
    """It swells again over 0.15 s, as no key does that is played anew."""
    count = int(1.4 * RATE)
    time = np.arange(count) / RATE
    dipping = np.clip(np.abs(time - 0.7) / 0.3, 0.25, 1.0)
    sound = still(65, 1.4)[:count] * dipping + still(50, 1.4)[:count]
    assert len(found_in(sound)) == 2


@pytest.mark.parametrize("gap_s", [0.06, 0.15, 0.25])
def test_a_key_played_again_is_as_loud_as_before(gap_s: float) -> None:
    again_s = 0.6 + gap_s
    sound = np.concatenate([still(65, 0.6), np.zeros(round(gap_s * RATE)), still(65, 0.6)])
    sound = sound + still(50, len(sound) / RATE + 0.001)[: len(sound)]
    first, second = round(0.6 * RATE), round(again_s * RATE)
    notes = [
        VoiceNote(0, len(sound), hz(50)),
        VoiceNote(0, first, hz(65)),
        VoiceNote(second, second + first, hz(65)),
    ]
    measured, _ = measure_voices(sound, RATE, notes, PARTIALS)
    steady = measured[2].level[0, 15:130]
    assert 20 * np.log10(steady / 0.15) == pytest.approx(0.0, abs=1.0)


def test_a_note_nobody_hears_is_none_and_takes_nothing_away() -> None:
    sound = np.zeros(RATE)
    notes, left = measure_voices(sound, RATE, [VoiceNote(100, RATE - 100, hz(60))])
    assert notes == []
    assert not left.any()


def found_in(sound: Float) -> list[VoiceNote]:
    return notes_of(sounding_keys(sound, RATE), sound, RATE)


def test_partials_a_semitone_apart_come_out_within_a_decibel() -> None:
    levels = (1.0, 0.3)
    sound = sum((still(k, 1.0, level=g) for k, g in zip((64, 65), levels, strict=True)), 0.0)
    notes = [VoiceNote(0, RATE, hz(64)), VoiceNote(0, RATE, hz(65))]
    followed = follow_notes(np.asarray(sound), RATE, notes)
    cells = partial_amplitudes(np.asarray(sound), RATE, followed, PARTIALS)
    middle = np.abs(cells.frame * cells.hop - RATE // 2) < RATE // 5
    for index, gain in enumerate(levels):
        for number in range(1, PARTIALS + 1):
            own = middle & (cells.note == index) & (cells.number == number)
            found = np.abs(cells.amplitude[own])
            assert 20 * np.log10(found / (gain * 0.15 / number)) == pytest.approx(0.0, abs=1.0)


def test_what_two_voices_leave_of_their_sound_is_22_db_down() -> None:
    notes, left = measure_voices(DUET, RATE, truth(), PARTIALS)
    assert len(notes) == len(truth())
    assert 10 * np.log10(np.mean(left**2) / np.mean(DUET**2)) < -22.0


def test_a_vibrato_is_followed_within_4_cents_under_another_voice() -> None:
    notes, _ = measure_voices(DUET, RATE, truth(), PARTIALS)
    shaken = [note for note in notes if note.pitch_hz > hz(60)]
    assert len(shaken) == len(UPPER)
    for note, key in zip(shaken, UPPER, strict=True):
        assert 12 * np.log2(note.pitch_hz / hz(key)) == pytest.approx(0.0, abs=0.04)
        time = 0.004 * np.arange(len(note.bend))
        inside = (time > 0.08) & (time < UPPER_S - 0.08)
        wanted = CENTS / 100.0 * np.sin(2 * np.pi * 5.5 * time)
        assert np.std((note.bend - wanted)[inside]) < 0.04


def test_octaves_divide_what_they_share_by_what_they_have_elsewhere() -> None:
    """The upper note's partials all beat with the lower one's; alone before, both are known."""
    below, above = still(48, 3.0), still(60.1, 3.0, level=0.5)
    sound = np.concatenate([below[:RATE], above[:RATE], below + above])
    notes = [
        VoiceNote(0, RATE, hz(48)),
        VoiceNote(RATE, 2 * RATE, hz(60.1)),
        VoiceNote(2 * RATE, 5 * RATE, hz(48)),
        VoiceNote(2 * RATE, 5 * RATE, hz(60.1)),
    ]
    cells = partial_amplitudes(sound, RATE, follow_notes(sound, RATE, notes), PARTIALS)
    levels = shared_levels(cells, np.array([note.pitch_hz for note in notes]))
    assert (levels >= 0.0).all()
    middle = np.abs(cells.frame * cells.hop - 7 * RATE // 2) < 1.2 * RATE
    for index, gain, numbers in ((2, 1.0, range(1, 7)), (3, 0.5, range(1, 4))):
        for number in numbers:
            own = middle & (cells.note == index) & (cells.number == number)
            mean = np.sqrt(np.mean(levels[own] ** 2))
            assert 20 * np.log10(mean / (gain * 0.15 / number)) == pytest.approx(0.0, abs=2.0)


def test_a_pattern_with_more_harmonics_than_its_neighbours_is_borrowed_all_the_same() -> None:
    """All partials of the upper note lie on the lower one's; a note beside it has its pattern."""
    parts = [still(84, 1.0), still(36, 1.0) + still(84.05, 1.0)]
    sound = np.concatenate(parts)
    notes = [
        VoiceNote(0, RATE, hz(84)),
        VoiceNote(RATE, 2 * RATE, hz(36)),
        VoiceNote(RATE, 2 * RATE, hz(84.05)),
    ]
    cells = partial_amplitudes(sound, RATE, follow_notes(sound, RATE, notes), 32)
    levels = shared_levels(cells, np.array([note.pitch_hz for note in notes]))
    middle = np.abs(cells.frame * cells.hop - 3 * RATE // 2) < RATE // 4
    for number in (1, 2):
        own = middle & (cells.note == 2) & (cells.number == number)
        mean = np.sqrt(np.mean(levels[own] ** 2))
        assert 20 * np.log10(mean / (0.15 / number)) == pytest.approx(0.0, abs=2.5)


def test_what_lies_together_keeps_its_power() -> None:
    notes = [VoiceNote(0, RATE, hz(50)), VoiceNote(0, RATE, hz(62))]
    sound = still(50, 1.0) + still(62, 1.0)
    cells = partial_amplitudes(sound, RATE, follow_notes(sound, RATE, notes), PARTIALS)
    levels = shared_levels(cells, np.array([note.pitch_hz for note in notes]))
    frame = cells.frame == int(cells.frame.max()) // 2
    near = np.abs(cells.freq_hz - hz(62)) < 5.0
    here = frame & near
    assert np.count_nonzero(here) == 2
    heard = np.abs(np.sum((cells.amplitude * cells.turned)[here])) ** 2
    assert np.sum(levels[here] ** 2) == pytest.approx(heard, rel=1e-6)


def test_partials_on_frames_are_the_sound_they_are_of() -> None:
    sound = bowed(60, 0.8, cents=CENTS)
    note = VoiceNote(0, int(0.8 * RATE), hz(60))
    (own,) = follow_notes(sound, RATE, [note])
    cells = partial_amplitudes(sound, RATE, [own], PARTIALS)
    frames = np.arange(cells.frame.min(), cells.frame.max() + 1)
    amplitude = np.zeros((PARTIALS, len(frames)), complex)
    amplitude[cells.number - 1, cells.frame - frames[0]] = cells.amplitude
    made = partial_sound(own, frames, amplitude, cells.hop)
    inside = slice(int(0.1 * RATE), int(0.7 * RATE))
    assert np.std(made[inside] - sound[inside]) < 0.03 * np.std(sound[inside])


def test_which_partials_are_clear_of_others() -> None:
    freq = harmonics(200.0, 6, 44_100)
    assert freq == pytest.approx([200.0, 400.0, 600.0, 800.0, 1000.0, 1200.0])
    assert clear_of(freq, [300.0], 30.0).tolist() == [True, True, False, True, True, False]
    assert clear_of(freq, [], 30.0).all()
    assert len(harmonics(8_000.0, 16, 8_000)) == 1


def test_struck_chords_swell_in_less_time_than_bowed_ones() -> None:
    chords = laid([struck(p) + struck(p + 5.0) for p in (52, 57, 55)], 0.5)
    notes = found_in(chords)
    assert notes
    assert share_that_swells(measure_voices(chords, RATE, notes)[0]) < 0.5
    assert measured_voices(chords, RATE, 16) is None
    assert share_that_swells(measure_voices(DUET, RATE, truth())[0]) > 0.9
    assert share_that_swells([]) == 0.0


@pytest.mark.parametrize("rate", [8_000, 11_025, 48_000])
def test_other_sample_rates_find_the_same_keys(rate: int) -> None:
    place = np.arange(int(1.5 * rate)) * RATE / rate
    sound = np.interp(place, np.arange(len(DUET)), DUET)
    found = notes_of(sounding_keys(sound, rate), sound, rate)
    notes, _ = measure_voices(sound, rate, found)
    keys = {round(12 * np.log2(note.pitch_hz / 440.0)) + 69 for note in notes}
    assert keys == {52, 67, 69, 48}


def test_each_voices_note_becomes_an_event_that_sounds_alone() -> None:
    """The first of the upper voice by itself: partials of the lower one are 25 dB down."""
    pytest.importorskip("torch")
    made = decompose_array(DUET, RATE)
    assert any("several sustained voices" in note for note in made.report["notes"])
    assert sounds_together(made.score, made.instrument)
    events = list(made.score.table)
    pitches = event_pitches(made.score, made.instrument)
    assert len(events) == len(pitches)
    assert np.count_nonzero(np.isfinite(pitches)) == len(truth())
    first = int(np.nanargmin(np.abs(pitches - 67.0)))
    solo = event_signal(events[first], made.instrument, RATE, RATE)
    part = solo[int(0.2 * RATE) : int(0.6 * RATE)]
    own, other = (level_db(part, hz(key)) for key in (67, 52))
    assert own - other > 25.0
    assert own == pytest.approx(20 * np.log10(0.15), abs=2.5)


@pytest.mark.parametrize(("alone", "longer_s"), [(True, 0.0), (False, 0.6)])
def test_a_note_that_rings_longer_than_its_modes_rings_under_the_others(
    alone: bool, longer_s: float
) -> None:
    level = np.ones((1, 100))
    notes = [
        MeasuredNote(onset, 0.4, 0.9, hz(60), np.zeros(100), np.ones(1), level)
        for onset in (0, RATE // 4)
    ]
    first, second = ringing_on(notes, 0.2, RATE, alone=alone)
    assert first.duration_s == pytest.approx(0.4 + longer_s)
    assert second.duration_s == pytest.approx(1.0)


@pytest.mark.parametrize(("seconds", "steps"), [(6.0, 100), (18.0, 150), (60.0, 200)])
def test_more_seconds_of_notes_are_taught_longer_up_to_twice(
    seconds: float, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    regress_line = pytest.importorskip("rtsynth.nn.regress_line")
    line = measured_voices(DUET[: 2 * RATE], RATE, 8)
    assert line is not None
    points = round(seconds / 0.004 / len(line.notes))
    line = dataclasses.replace(line, controls=[np.zeros((points, 54)) for _ in line.notes])
    asked = []

    def taught(*_: object, **settings: int) -> tuple[None, Float]:
        asked.append(settings["steps"])
        return None, np.zeros((len(line.notes), CODE))

    monkeypatch.setattr(regress_line, "draw_line_curves", taught)
    draw_line(line, recording_from_array(DUET, RATE), Recipe(curve_steps=100))
    assert asked == pytest.approx([steps], abs=1)


def test_each_voice_sits_where_it_did() -> None:
    above = laid([bowed(p, UPPER_S, cents=CENTS) for p in UPPER], UPPER_S)
    below = laid([bowed(p, LOWER_S, cents=0.0) for p in LOWER], LOWER_S)
    above = np.pad(above, (0, len(below) - len(above)))
    frames = np.stack([1.0 * above + 0.1 * below, 0.3 * above + 1.0 * below], axis=1)
    recording = recording_from_array(frames, RATE)
    notes, _ = measure_voices(mid_signal(frames), RATE, truth(), PARTIALS)
    for note, (pan, louder) in zip(notes, places(notes, recording), strict=True):
        left, right = (1.0, 0.3) if note.pitch_hz > hz(60) else (0.1, 1.0)
        angle = (pan + 1.0) * np.pi / 4.0
        assert pan == pytest.approx(4.0 / np.pi * np.arctan2(right, left) - 1.0, abs=0.05)
        assert louder * (np.cos(angle) + np.sin(angle)) == pytest.approx(np.sqrt(2.0))
    alone = [note for note in notes if note.pitch_hz > hz(60)]
    assert len({place for place in places(alone, recording)}) == 1
    assert places(notes, recording_from_array(DUET, RATE)) == [(0.0, 1.0)] * len(notes)


def level_db(part: Float, freq_hz: float) -> float:
    window = np.hanning(len(part))
    turned = np.exp(-2j * np.pi * freq_hz * np.arange(len(part)) / RATE)
    return float(20 * np.log10(np.abs(np.sum(part * window * turned)) * 2 / window.sum() + 1e-12))
