"""With the notes known, there is an event on every one of them and nowhere else."""

import dataclasses
import json
import pathlib

import mido
import numpy as np
import pytest
import soundfile

from rtsynth.cli import run
from rtsynth.decompose import (
    Decomposition,
    Note,
    Recipe,
    Recording,
    decompose,
    decompose_file,
    decompose_until,
    recording_from_array,
)
from rtsynth.decompose.segment import cut_segments
from rtsynth.errors import FileFormatError, UsageError, ValueRangeError
from rtsynth.events import Kind
from rtsynth.metrics import event_pitches
from tests.decompose.known_bank import RATE, key_sound

# octaves in one chord, of which a search by partials cannot tell how many there are
CHORDS = [(0.2, (48, 60, 72)), (0.8, (50, 62)), (1.4, (48, 72)), (2.0, (60,)), (2.6, (50, 62, 74))]
NOTES = [Note(onset + 0.004 * k, key) for onset, keys in CHORDS for k, key in enumerate(keys)]


def played(notes: list[Note], seconds: float) -> Recording:
    sound = np.random.default_rng(0).normal(0.0, 1e-5, round(seconds * RATE))
    for note in notes:
        first = round(note.onset_s * RATE)
        struck = key_sound(note.key, 2.0)[: len(sound) - first]
        sound[first : first + len(struck)] += 0.08 * struck
    return recording_from_array(sound, RATE)


RECORDING = played(NOTES, 3.6)
MADE = decompose(RECORDING, notes=NOTES)


def found(made: Decomposition) -> list[tuple[float, int]]:
    rows = made.score.table.rows
    pitches = event_pitches(made.score, made.instrument)
    modal = rows["kind"] == Kind.MODAL
    return [(float(t), round(p)) for t, p in zip(rows["onset_s"][modal], pitches, strict=True)]


def test_every_note_is_one_event_of_its_own_key_though_octaves_share_their_partials() -> None:
    events = found(MADE)
    assert [key for _, key in events] == [note.key for note in NOTES]
    away = [t - note.onset_s for (t, _), note in zip(events, NOTES, strict=True)]
    assert np.abs(away).max() < 0.002  # s


def resonances(made: Decomposition) -> set[tuple[int, int]]:
    """Keys with the resonances they are struck on."""
    rows = made.score.table.rows
    used = rows["resonance"][rows["kind"] == Kind.MODAL]
    return {(key, int(r)) for (_, key), r in zip(found(made), used, strict=True)}


def test_all_strikes_of_a_key_are_one_resonance() -> None:
    assert len(resonances(MADE)) == len({note.key for note in NOTES})


def test_the_resynthesis_is_close_though_notes_are_told_within_8_ms() -> None:
    random = np.random.default_rng(3)
    told = [Note(n.onset_s + random.uniform(-0.008, 0.008), n.key) for n in NOTES]
    for made in (MADE, decompose(RECORDING, notes=told)):
        assert made.report["metrics"]["snr_db"] > 15.0  # dB


def test_the_same_notes_give_the_same_events() -> None:
    again = decompose(RECORDING, notes=reversed(NOTES))
    assert again.score.table.rows.tobytes() == MADE.score.table.rows.tobytes()
    np.testing.assert_array_equal(again.resynthesis, MADE.resynthesis)


def test_an_inaudible_note_is_kept() -> None:
    silent = Note(1.7, 90)
    assert 90 in [key for _, key in found(decompose(RECORDING, notes=[*NOTES, silent]))]


def test_a_chord_at_the_very_end_and_repetitions_within_a_chord_are_kept() -> None:
    late = [Note(3.58, 53), Note(3.58, 57), Note(3.6 - 0.4 / RATE, 48)]
    again = [Note(2.02, 60), Note(2.0201, 67)]
    told = [*NOTES, *late[:2], *again]
    assert sorted(key for _, key in found(decompose(RECORDING, notes=told))) == sorted(
        note.key for note in told
    )
    with_remark = decompose(RECORDING, notes=[*NOTES, late[2]])
    assert any("beyond the recording's end" in line for line in with_remark.report["notes"])


def test_a_key_told_twice_at_one_frame_within_a_chord_is_one() -> None:
    chord = [Note(1.7, 60), Note(1.7, 64)]
    made = decompose(RECORDING, notes=[*NOTES, *chord, Note(1.7 + 1e-6, 60)])
    assert sorted(found(made)) == sorted(found(decompose(RECORDING, notes=[*NOTES, *chord])))


def test_fewer_resonances_than_keys_lose_no_note() -> None:
    made = decompose(RECORDING, notes=NOTES, recipe=Recipe(resonances=3, sweeps=2))
    assert len(found(made)) == len(NOTES)
    assert made.report["resonances"] <= 3


def test_a_note_on_the_cut_between_segments_is_one_event() -> None:
    many = [Note(n.onset_s + 3.0 * k, n.key) for k in range(3) for n in NOTES]
    recording = played(many, 10.0)
    recipe = Recipe(whole_s=5.0, segment_s=5.0, sweeps=1)
    cut = cut_segments(recording, recipe)[1].first
    for away in (-1.0, -0.4, 0.0, 0.4):  # frames
        made = decompose(recording, notes=[*many, Note((cut + away) / RATE, 90)], recipe=recipe)
        assert [key for _, key in found(made)].count(90) == 1


def test_few_notes_are_not_shifted_onto_other_sounds() -> None:
    made = decompose(RECORDING, notes=[Note(0.5, 60)], recipe=Recipe(sweeps=1))
    assert not any("shifted" in line for line in made.report["notes"])


def test_no_notes_are_no_events() -> None:
    assert not len(decompose(RECORDING, notes=[], recipe=Recipe(texture=False)).score.table)


def test_a_long_recording_keeps_all_notes_in_step_and_keys_it_knows() -> None:
    many = [Note(n.onset_s + 3.0 * k, n.key) for k in range(5) for n in NOTES]
    recipe = Recipe(whole_s=5.0, segment_s=5.0)
    made = decompose(played(many, 16.0), recipe=recipe, notes=many)
    events = found(made)
    assert sorted(key for _, key in events) == sorted(note.key for note in many)
    for key in {note.key for note in many}:
        true = [note.onset_s for note in many if note.key == key]
        away = np.array([t for t, k in events if k == key]) - true
        assert np.ptp(away) < 1e-4  # s
    pairs = resonances(made)
    assert len({resonance for _, resonance in pairs}) == len(pairs)
    for key in {note.key for note in NOTES} - {74}:  # which never sounds without its octaves
        assert sum(known == key for known, _ in pairs) == 1
    assert made.report["metrics"]["snr_db"] > 15.0  # dB


def test_notes_of_a_delayed_recorder_are_shifted_to_where_they_sound() -> None:
    early = [dataclasses.replace(note, onset_s=note.onset_s - 0.13) for note in NOTES]
    made = decompose(RECORDING, notes=early)
    assert any("shifted by +1" in line for line in made.report["notes"])
    away = [t - note.onset_s for (t, _), note in zip(found(made), NOTES, strict=True)]
    assert np.abs(away).max() < 0.006  # s


def test_notes_of_another_recording_are_doubted_and_those_beyond_the_end_told() -> None:
    random = np.random.default_rng(0)
    others = [Note(t, 60) for t in [*random.uniform(0.0, 3.5, 30), 9.0]]
    notes = decompose(RECORDING, notes=others, recipe=Recipe(sweeps=1)).report["notes"]
    assert any("are they of this very recording" in line for line in notes)
    assert any("1 of 31 notes lie beyond the recording's end" in line for line in notes)


def test_notes_that_all_lie_beyond_the_end_are_refused_and_no_notes_are_told() -> None:
    with pytest.raises(ValueRangeError, match=r"first note begins at 60\.20 s.*ends at 3\.60 s"):
        decompose(RECORDING, notes=[dataclasses.replace(n, onset_s=n.onset_s + 60) for n in NOTES])
    assert (
        "no note within the recording: no events" in decompose(RECORDING, notes=[]).report["notes"]
    )
    assert f"{len(NOTES)} notes given: one event each" in MADE.report["notes"]


@pytest.mark.parametrize(
    "note",
    [
        Note(0.1, 20),
        Note(0.1, 109),
        Note(-0.1, 60),
        Note(0.1, 60.5),  # type: ignore[arg-type]
        Note(float("nan"), 60),
    ],
)
def test_a_note_that_is_none_is_refused_with_what_is_legal(note: Note) -> None:
    with pytest.raises(ValueRangeError, match="legal: whole keys 21 … 108"):
        decompose(RECORDING, notes=[note])


@pytest.mark.parametrize("recipe", [Recipe(only_texture=True), Recipe(sustained=True)])
def test_a_texture_or_one_sustained_note_has_no_struck_keys(recipe: Recipe) -> None:
    with pytest.raises(UsageError, match="leave out the one or the other"):
        decompose(RECORDING, notes=NOTES, recipe=recipe)


def test_kept_work_belongs_to_its_notes(tmp_path: pathlib.Path) -> None:
    soundfile.write(tmp_path / "a.wav", RECORDING.frames, RATE)
    task, state = decompose_until(tmp_path / "a.wav", "groups", work=tmp_path / "work", notes=NOTES)
    assert task.played is not None
    assert len(state.groups.modes) == len({note.key for note in NOTES})
    with pytest.raises(FileFormatError, match="other notes"):
        decompose_file(tmp_path / "a.wav", work=tmp_path / "work", notes=NOTES[:-1])
    kept = decompose_file(tmp_path / "a.wav", work=tmp_path / "work", notes=NOTES)
    assert [key for _, key in found(kept)] == [note.key for note in NOTES]


def test_the_command_takes_a_midi_file_and_says_what_is_wrong_with_another(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    soundfile.write(tmp_path / "a.wav", RECORDING.frames, RATE)
    track, last = mido.MidiTrack(), 0
    for note in NOTES:
        ticks = round(note.onset_s * 960)  # of 480 to a beat of half a second
        track.append(mido.Message("note_on", note=note.key, time=ticks - last))
        last = ticks
    midi = mido.MidiFile(tracks=[track])
    midi.save(tmp_path / "a.mid")
    arguments = ["decompose", str(tmp_path / "a.wav"), "-q", "--json", "--notes"]
    assert run([*arguments, str(tmp_path / "a.mid")]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["events"] - facts["textures"] == len(NOTES)
    assert run([*arguments, str(tmp_path / "a.wav")]) != 0
    error = capsys.readouterr().err
    assert "a.wav: no MIDI file" in error
    assert "Traceback" not in error
