"""From the notes of a line to a few bowed resonances, one event per note, and what a field draws.

A note takes a resonance that has its pattern of partials, moved to its pitch by `transpose`; what
its partials differ by are the first coordinates of its vector, in dB; the last ones are a code by
which the field knows whose curves to draw. Thread: worker.
"""

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.bake import note_name, score_of
from rtsynth.decompose.damped import Float
from rtsynth.decompose.held.breath import ringing_on
from rtsynth.decompose.held.curves import closest_curves
from rtsynth.decompose.held.lacking import line_noise
from rtsynth.decompose.held.line import OFFSETS, HeldLine, bowed_partials, partial_sizes
from rtsynth.decompose.held.measure import MeasuredNote
from rtsynth.decompose.held.noise_curves import noise_curves
from rtsynth.decompose.held.place import overlap, places
from rtsynth.decompose.recording import Recording
from rtsynth.decompose.sustained.bowing import bowed_t60, common_envelope
from rtsynth.decompose.sustained.tone import tone_curves
from rtsynth.events import Event, Kind, Score
from rtsynth.instrument import CONTROL_LIMITS, CONTROLS, NOISE_BANDS, Instrument
from rtsynth.instrument.field import BEND, BOW, BRIGHT, TONE

__all__ = ["bake_line", "joins_pitches", "line_of", "sounds_together"]

ALIKE_DB, FARTHEST = 6.0, 5.0  # of patterns that share a resonance, and semitones between them
LONGEST_T60_S, SHORTEST_T60_S = 1.0, 0.05
LARGEST_OFFSET_DB, LEAST_OFFSET_DB = 24.0, 0.5
FLOOR_DB = 60.0  # below its strongest a partial counts as that weak
QUIET = 1e-9
ABSENT_DB = -25.0  # under the strongest: first partials of speakers have −13 or more, of chords −29


def line_of(
    signal: Float,
    left: Float,
    sample_rate: float,
    notes: list[MeasuredNote],
    *,
    alone: bool = True,
) -> HeldLine:
    """Find the resonances, each note's deformations and curves, and what sounds between notes.

    Args:
        signal: [samples] of the recording.
        left: [samples] the same without its notes' partials.
        sample_rate: Hz.
        notes: with partials, at least one.
        alone: one at a time, so that each rings no longer than until the next begins.
    """
    t60_s = _common_t60(notes)
    notes = ringing_on(notes, t60_s, sample_rate, alone=alone)
    bowed = [closest_curves(n.level, np.log2(n.ratio), t60_s) for n in notes]
    sizes = [b[0] for b in bowed]
    resonance, leaders = _pool(notes, sizes)
    gain = np.array([float(np.linalg.norm(s)) for s in sizes])
    loudest = np.array([gain[resonance == r].max() for r in range(len(leaders))])
    amplitude = [sizes[i] / gain[i] * g for i, g in zip(leaders, loudest, strict=True)]
    gain = gain / loudest[resonance]
    offset = np.array(
        [_offsets(s / g, amplitude[r]) for s, g, r in zip(sizes, gain, resonance, strict=True)]
    )
    controls = []
    for index, (note, (_, bow, tilt)) in enumerate(zip(notes, bowed, strict=True)):
        own = partial_sizes(amplitude[resonance[index]], float(gain[index]), offset[index])
        controls.append(_drawn(note, own, bow, tilt, t60_s))
    breaths, noise = line_noise(signal, left, sample_rate, notes)
    controls += [np.zeros((len(b.bend), len(CONTROLS))) for b in breaths]
    resonance = np.concatenate([resonance, np.full(len(breaths), len(leaders))])
    gain = np.concatenate([gain, np.ones(len(breaths))])
    offset = np.concatenate([offset, np.zeros((len(breaths), OFFSETS))])
    amplitude += [np.zeros(0)] * bool(breaths)
    blow_gain, of_noise = noise_curves(noise, resonance, gain, len(amplitude))
    for drawn, curves in zip(controls, of_noise, strict=True):
        drawn[:, :NOISE_BANDS] = curves
        np.clip(drawn, CONTROL_LIMITS[:, 0], CONTROL_LIMITS[:, 1], out=drawn)
    everything = notes + breaths
    weight = [_loudness(note, own) for note, own in zip(everything, noise, strict=True)]
    pitches = np.array([*(notes[i].pitch_hz for i in leaders), *([0.0] * bool(breaths))])
    return HeldLine(
        everything, resonance, pitches, t60_s, gain, offset, controls, weight, amplitude, blow_gain
    )


def _loudness(note: MeasuredNote, noise: Float) -> Float:
    """[points] 0 … 1, of its partials; of its noise [points, 32] where it has none."""
    level: Float = np.linalg.norm(note.level if len(note.ratio) else noise.T, axis=0)
    return level / (float(level.max()) + QUIET)


def bake_line(
    line: HeldLine, recording: Recording, code: Float, modes: int
) -> tuple[Score, Instrument]:
    """The score and the instrument of a line, without its field.

    Args:
        line: at least one note.
        recording: it came from.
        code: [notes, 8] last coordinates of the vectors.
        modes: per resonance of the instrument.
    """
    rate = recording.sample_rate
    instrument = Instrument.blank(len(line.amplitude), modes, 0, rate)
    instrument.mode_map[OFFSETS:] = 0.0
    unpitched = "breath" if line.pitched else "noise"
    for index, amplitude in enumerate(line.amplitude):
        freq = line.pitch_hz[index] * np.arange(1.0, len(amplitude) + 1.0)
        t60_s = np.full(len(freq), line.t60_s)
        instrument.set_modes(index, freq, t60_s, amplitude.astype(complex))
        instrument.bow[index], instrument.impulse[index] = instrument.impulse[index], 0.0
        instrument.blow_gain[index], instrument.blow_dry[index] = line.blow_gain[index], 1.0
        instrument.names[index] = note_name(float(line.pitch_hz[index])) or unpitched
    events = [
        Event(
            id=index + 1,
            onset_s=note.onset / rate,
            duration_s=note.duration_s,
            gain=louder * float(line.gain[index]),
            pan=pan,
            resonance=int(line.resonance[index]),
            transpose=_transpose(note.pitch_hz, float(line.pitch_hz[line.resonance[index]])),
            release_s=line.release_s(index),
            vector=(*line.offset_db[index].tolist(), *code[index].tolist()),
            seed=index + 1,
        )
        for index, (note, (pan, louder)) in enumerate(
            zip(line.notes, places(line.notes, recording), strict=True)
        )
    ]
    return score_of(events, instrument, recording), instrument


def sounds_together(score: Score, instrument: Instrument) -> bool:
    """Whether most of the time in which notes are held more than one is."""
    bowed = [event for event in score.table if instrument.bow[event.resonance].any()]
    onset_s = np.array([event.onset_s for event in bowed])
    end_s = np.minimum(onset_s + np.array([event.duration_s for event in bowed]), score.seconds)
    return overlap(onset_s, end_s)


def joins_pitches(score: Score, instrument: Instrument) -> bool:
    """Whether most notes of a line lack a first partial: their pitches are periods of chords."""
    size = np.linalg.norm(instrument.mode_gain.astype(float), axis=2)
    modal = [event for event in score.table if event.kind is not Kind.TEXTURE]
    bowed = [event for event in modal if size[event.resonance].any()]
    if not bowed:
        return False
    first = np.array([size[event.resonance, 0] for event in bowed])
    most = np.array([size[event.resonance].max() for event in bowed])
    absent_db = 20.0 * np.log10(first / most + QUIET)
    weight = [event.gain**2 * min(event.duration_s, score.seconds) for event in bowed]
    return float(np.average(absent_db, weights=weight)) < ABSENT_DB


def _transpose(pitch_hz: float, own_hz: float) -> float:
    return 12.0 * float(np.log2(pitch_hz / own_hz)) if own_hz else 0.0


def _common_t60(notes: list[MeasuredNote]) -> float:
    """Seconds: a decay that follows nearly all envelopes, and lets notes ring out as they do."""
    followed = [bowed_t60(common_envelope(n.level, np.log2(n.ratio))[1]) for n in notes]
    release = 1.1 * float(np.median([n.release_t60_s for n in notes]))
    return float(np.clip(min(release, np.median(followed)), SHORTEST_T60_S, LONGEST_T60_S))


def _pool(notes: list[MeasuredNote], sizes: list[Float]) -> tuple[NDArray[np.intp], list[int]]:
    """[notes] resonance of each, and the note each resonance is taken from, loud and long first."""
    order = np.argsort(
        [-len(n.bend) * float(np.linalg.norm(s)) for n, s in zip(notes, sizes, strict=True)]
    )
    resonance = np.zeros(len(notes), np.intp)
    leaders: list[int] = []
    for index in order.tolist():
        apart = [_apart_db(notes, sizes, index, leader) for leader in leaders]
        best = int(np.argmin(apart)) if apart else -1
        if best < 0 or apart[best] > ALIKE_DB:
            leaders.append(index)
            best = len(leaders) - 1
        resonance[index] = best
    return resonance, leaders


def _apart_db(notes: list[MeasuredNote], sizes: list[Float], one: int, other: int) -> float:
    """How different two patterns of partials are, weighed by their strength; pitch included."""
    if abs(12.0 * np.log2(notes[one].pitch_hz / notes[other].pitch_hz)) > FARTHEST:
        return np.inf
    if len(sizes[one]) > len(sizes[other]):
        extra = sizes[one][len(sizes[other]) :]
        if np.linalg.norm(extra) > 10.0 ** (-FLOOR_DB / 20.0) * np.linalg.norm(sizes[one]):
            return np.inf
    count = min(len(sizes[one]), len(sizes[other]))
    a, b = (_floored(s)[:count] / np.linalg.norm(s) for s in (sizes[one], sizes[other]))
    weight = a + b
    return float(np.average(np.abs(20.0 * np.log10(a / b)), weights=weight))


def _floored(size: Float) -> Float:
    floored: Float = np.maximum(size, float(size.max()) * 10.0 ** (-FLOOR_DB / 20.0) + QUIET)
    return floored


def _offsets(size: Float, amplitude: Float) -> Float:
    """[24] dB by which a note's modes differ from its resonance's; small ones are 0."""
    offset = np.zeros(OFFSETS)
    count = min(len(size), len(amplitude), OFFSETS)
    found = 20.0 * np.log10(_floored(size)[:count] / _floored(amplitude)[:count])
    found[np.abs(found) < LEAST_OFFSET_DB] = 0.0
    offset[:count] = np.clip(found, -LARGEST_OFFSET_DB, LARGEST_OFFSET_DB)
    if len(amplitude) > len(size):
        offset[len(size) : len(amplitude)] = -LARGEST_OFFSET_DB
    return offset


def _drawn(note: MeasuredNote, amplitude: Float, bow: Float, tilt: Float, t60_s: float) -> Float:
    """[points, 54] what moves a note's modes."""
    controls = np.zeros((len(note.bend), len(CONTROLS)))
    controls[:, BOW], controls[:, BRIGHT], controls[:, BEND] = bow, tilt, note.bend
    count = min(len(note.ratio), len(amplitude))
    freq_hz, made = bowed_partials(note.pitch_hz, amplitude[:count], controls, t60_s)
    controls[:, TONE:] = tone_curves(note.level[:count], made, freq_hz)
    return controls
