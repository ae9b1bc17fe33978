"""What is measured of a resynthesis of a clip, the same for rtsynth, its peers and the floor."""

import dataclasses
import json
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from rtsynth.decompose import event_signal
from rtsynth.events import Event, Kind, Score
from rtsynth.instrument import Instrument
from rtsynth.metrics import (
    Placed,
    Truth,
    compare,
    embedding_match,
    event_pitches,
    match_notes,
    mean_opinion,
    noise_vocoder,
    note_scores,
    score_onsets,
    stem_scores,
    stem_si_sdr,
    truth_from,
)
from rtsynth.metrics.stem import LOWEST_DB
from rtsynth.metrics.truth import TrueEvent

Float = NDArray[np.float64]
Row = dict[str, Any]
SAME_TIME_S = 0.05


@dataclasses.dataclass
class Clip:
    """A recording with what is known of it.

    Attributes:
        name: of its file.
        sound: [frames], channels averaged.
        sample_rate: Hz.
        truth: its events; None if nothing is known.
        silver_s: onsets on which detectors agree, where there is no truth.
        stems: what each event of the truth adds; empty where it is no exact sum.
    """

    name: str
    sound: Float
    sample_rate: int
    truth: Truth | None
    silver_s: list[float] | None
    stems: list[Placed]

    @property
    def seconds(self) -> float:
        """Length."""
        return len(self.sound) / self.sample_rate


def read_clip(path: pathlib.Path, silver: pathlib.Path | None = None) -> Clip:
    """A clip with its truth and stems from the files beside it (tools/data/make_clips.py)."""
    frames, rate = soundfile.read(path, dtype="float64", always_2d=True)
    beside = path.with_suffix(".json")
    data = json.loads(beside.read_text()) if beside.exists() else {"events": None}
    truth = truth_from(data, str(beside))
    agreed = json.loads(silver.read_text())["onsets"].get(path.stem) if silver else None
    stems = _stems(path, data["events"] or [])
    return Clip(path.stem, frames.mean(axis=1), rate, truth, agreed, stems)


def matched(
    true: Sequence[TrueEvent], found: Sequence[Event], pitches: Float
) -> list[tuple[int, int]]:
    """Which of the true notes are which of the events, by onset and pitch; indices of both.

    Args:
        true: with their pitches.
        found: played events.
        pitches: [events] MIDI numbers; not finite for what is no note.
    """
    kept = np.flatnonzero(np.isfinite(pitches))
    pairs = match_notes(
        [note.onset_s for note in true],
        [note.pitch or 0.0 for note in true],
        np.array([event.onset_s for event in found])[kept],
        pitches[kept],
    )
    return [(number, int(kept[place])) for number, place in pairs]


def _stems(path: pathlib.Path, events: list[dict[str, Any]]) -> list[Placed]:
    """By onset, as the truth's events are."""
    file = path.with_suffix(".stems.flac")
    if not file.exists() or any("stem" not in event for event in events):
        return []
    sounds, _ = soundfile.read(file, dtype="float64")
    places = [event["stem"] for event in sorted(events, key=lambda event: float(event["t"]))]
    return [Placed(at, sounds[first : first + count]) for first, count, at in places]


def sound_row(clip: Clip, sound: Float) -> Row:
    """Distances; the ear-like score, also with a noise model of what is left; an embedding's."""
    rate = clip.sample_rate
    left = noise_vocoder(clip.sound - sound, rate)
    return {
        **compare(clip.sound, sound, rate),
        "mos": mean_opinion(clip.sound, sound, rate),
        "mos_with_noise": mean_opinion(clip.sound, sound + left, rate),
        **embedding_match(clip.sound, sound, rate),
    }


def events_row(clip: Clip, onsets_s: Float, pitches: Float) -> Row:
    """Onsets, notes and events per true note of what was found, pitches NaN where there is none."""
    if clip.truth is None:
        known = clip.silver_s
        return {f"silver_{k}": v for k, v in score_onsets(known, onsets_s).items()} if known else {}
    events, notes = clip.truth.events, clip.truth.notes
    row: Row = dict(score_onsets([event.onset_s for event in events], onsets_s))
    row["events_per_note"] = len(onsets_s) / len(events) if events else None
    if notes:
        pitched = np.isfinite(pitches)
        true = [note.onset_s for note in notes], [note.pitch or 0.0 for note in notes]
        row["note_f1"] = note_scores(*true, onsets_s[pitched], pitches[pitched]).f1
    return row


def stems_row(clip: Clip, score: Score, instrument: Instrument) -> Row:
    """Each true event's stem against the event that stands for it, alone."""
    if not clip.stems or clip.truth is None:
        return {}
    of = matched_events(clip, score, instrument)
    found = [
        solo(of[i], instrument, clip) if i in of else None for i in range(len(clip.truth.events))
    ]
    scores = stem_scores(clip.stems, found)
    return {
        "stem_si_sdr_db": scores.median_db,
        "stem_matched_si_sdr_db": scores.matched_median_db,
        "stem_matched": scores.matched,
    }


def matched_events(clip: Clip, score: Score, instrument: Instrument) -> dict[int, Event]:
    """The event that stands for each true one, by its index: by note, or by sound without."""
    if clip.truth is None:
        return {}
    events = [e for e in score.table if e.kind is not Kind.TEXTURE and not e.muted]
    onsets = np.array([event.onset_s for event in events])
    truth = clip.truth.events
    if len(clip.truth.notes) == len(truth):
        pitch = event_pitches(score, instrument)
        pitched = np.flatnonzero(np.isfinite(pitch))
        true = [event.onset_s for event in truth], [event.pitch or 0.0 for event in truth]
        pairs = match_notes(*true, onsets[pitched], pitch[pitched])
        return {i: events[int(pitched[j])] for i, j in pairs}
    solos = [solo(event, instrument, clip) for event in events]
    of = _by_sound(clip, [event.onset_s for event in truth], onsets, solos)
    return {i: events[j] for i, j in of.items()}


def solo(event: Event, instrument: Instrument, clip: Clip) -> Placed:
    """One event alone, where it sounds in its clip."""
    first = round(event.onset_s * clip.sample_rate)
    limit = max(1, len(clip.sound) - first)
    return Placed(first, event_signal(event, instrument, clip.sample_rate, limit))


def _by_sound(
    clip: Clip, true_s: list[float], found_s: Float, solos: list[Placed]
) -> dict[int, int]:
    """What has no pitch is paired by its sound, best pair first, within 50 ms."""
    pairs = []
    for i, stem in enumerate(clip.stems):
        for j in np.flatnonzero(np.abs(found_s - true_s[i]) <= SAME_TIME_S).tolist():
            value = stem_si_sdr(stem, solos[j])
            pairs.append((LOWEST_DB if value is None else value, i, j))
    of: dict[int, int] = {}
    for _, i, j in sorted(pairs, reverse=True):
        if i not in of and j not in of.values():
            of[i] = j
    return of
