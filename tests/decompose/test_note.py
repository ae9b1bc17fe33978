"""Notes come from a MIDI file as a sequencer plays them, and from nothing else."""

import contextlib
import pathlib

import mido
import numpy as np
import pytest

from rtsynth.decompose import Note, read_notes
from rtsynth.decompose.keys import note as note_module
from rtsynth.errors import FileFormatError

BEAT = 480


def on(key: int, wait: int, velocity: int = 64, channel: int = 0) -> mido.Message:
    return mido.Message("note_on", note=key, velocity=velocity, time=wait, channel=channel)


def saved(path: pathlib.Path, *tracks: list[mido.Message], kind: int = 1) -> pathlib.Path:
    midi = mido.MidiFile(type=kind, ticks_per_beat=BEAT)
    midi.tracks.extend(mido.MidiTrack(track) for track in tracks)
    midi.save(path)
    return path


def test_onsets_follow_the_tempo_across_tracks(tmp_path: pathlib.Path) -> None:
    tempo = [
        mido.MetaMessage("set_tempo", tempo=500_000, time=0),
        mido.MetaMessage("set_tempo", tempo=1_000_000, time=2 * BEAT),  # twice as slow from 1 s on
    ]
    path = saved(tmp_path / "a.mid", tempo, [on(60, BEAT), on(64, 2 * BEAT)], [on(48, 0)])
    notes = read_notes(path)
    assert [note.key for note in notes] == [48, 60, 64]
    assert [note.onset_s for note in notes] == pytest.approx([0.0, 0.5, 2.0], abs=1e-6)


def test_releases_drums_and_what_is_beyond_the_keyboard_are_no_notes(
    tmp_path: pathlib.Path,
) -> None:
    track = [on(60, 0), on(60, BEAT, velocity=0), on(36, 0, channel=9), on(20, 0), on(109, 0)]
    assert read_notes(saved(tmp_path / "a.mid", track, kind=0)) == [Note(0.0, 60)]


def test_a_key_struck_by_two_tracks_at_once_is_one_note(tmp_path: pathlib.Path) -> None:
    assert len(read_notes(saved(tmp_path / "a.mid", [on(60, 10)], [on(60, 10)]))) == 1


def test_what_is_no_midi_file_is_refused_with_its_name_and_the_reason(
    tmp_path: pathlib.Path,
) -> None:
    path = tmp_path / "notes.mid"
    for content in (
        b"",
        b"these are words",
        b"MThd\0\0\0\6",
        saved(path, [on(60, 0)]).read_bytes()[:20],
    ):
        path.write_bytes(content)
        with pytest.raises(FileFormatError, match=r"notes\.mid.*(MIDI|note)"):
            read_notes(path)
    with pytest.raises(FileFormatError, match=r"none\.mid.*No such file"):
        read_notes(tmp_path / "none.mid")
    with pytest.raises(FileFormatError, match="MIDI"):
        read_notes(tmp_path)


def test_a_file_without_notes_of_type_2_or_too_large_is_refused(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FileFormatError, match="no note between A0 and C8"):
        read_notes(saved(tmp_path / "a.mid", [on(36, 0, channel=9)]))
    with pytest.raises(FileFormatError, match=r"type 2.*legal: type 0 or 1"):
        read_notes(saved(tmp_path / "b.mid", [on(60, 0)], kind=2))
    many = saved(tmp_path / "c.mid", [on(60, 0), on(61, 5), on(62, 5)])
    monkeypatch.setattr(note_module, "MAX_NOTES", 2)
    with pytest.raises(FileFormatError, match="more than 2 notes; legal"):
        read_notes(many)
    monkeypatch.setattr(note_module, "MAX_FILE_BYTES", 16)
    with pytest.raises(FileFormatError, match="larger than"):
        read_notes(many)


def test_strange_bytes_are_an_error_with_a_name_and_never_another(tmp_path: pathlib.Path) -> None:
    path = saved(tmp_path / "a.mid", [mido.MetaMessage("set_tempo", tempo=400_000), on(60, 5)])
    good, random = path.read_bytes(), np.random.default_rng(0)
    broken = [good.replace(b"\xff\x51\x03", b"\xff\x59\x02"), good[:30] + 200 * b"\xff" + b"\x7f"]
    for _ in range(300):
        bytes_ = bytearray(good)
        for place in random.integers(0, len(good), 3):
            bytes_[place] = random.integers(0, 256)
        broken.append(bytes(bytes_))
    for content in broken:
        path.write_bytes(content)
        with contextlib.suppress(FileFormatError):
            assert read_notes(path)
