"""From the working draft to the score and the instrument that people keep. Thread: any."""

import math

import numpy as np

from rtsynth.decompose.damped import Float
from rtsynth.decompose.draft import Draft, Strike
from rtsynth.decompose.recording import Recording
from rtsynth.events import VECTOR_DIM, Event, EventTable, Kind, Score
from rtsynth.instrument import Instrument

__all__ = ["bake", "note_name", "score_of"]

MAX_GAIN = 64.0
NOTE_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def bake(draft: Draft, floor: Float, recording: Recording, modes: int) -> tuple[Score, Instrument]:
    """The draft's score and instrument; the loudest strike of a resonance has gain 1.

    Args:
        draft: only resonances that are struck are kept.
        floor: [32] texture gains; all zero for no texture event.
        recording: where it came from.
        modes: modes per resonance of the instrument.
    """
    used = sorted({strike.resonance for strike in draft.strikes})
    textured = bool(floor.any())
    instrument = _instrument(draft, used, floor if textured else None, modes)
    row = {resonance: index for index, resonance in enumerate(used)}
    loudest = {r: max(s.gain for s in draft.of(r)) or 1.0 for r in used}
    events = [
        _event(number, strike, row, loudest, draft)
        for number, strike in enumerate(sorted(draft.strikes, key=lambda s: s.onset), start=1)
    ]
    if textured:
        texture = Event(
            id=len(events) + 1,
            kind=Kind.TEXTURE,
            resonance=len(used),
            duration_s=recording.seconds,
            release_s=0.05,
            name="floor",
            seed=len(events) + 1,
        )
        events.append(texture)
    return score_of(events, instrument, recording), instrument


def score_of(events: list[Event], instrument: Instrument, recording: Recording) -> Score:
    """The score of a recording that these events of an instrument resynthesise."""
    return Score(
        EventTable(events),
        seconds=recording.seconds,
        sample_rate=recording.source_rate,
        channels=recording.channels,
        instrument=instrument.fingerprint(),
        source=recording.source,
    )


def _instrument(draft: Draft, used: list[int], floor: Float | None, modes: int) -> Instrument:
    length = max((len(draft.resonances[r].attack) for r in used), default=0)
    count = max(1, len(used) + (floor is not None))
    instrument = Instrument.blank(count, modes, length, round(draft.sample_rate))
    for index, number in enumerate(used):
        resonance = draft.resonances[number]
        scale = max(strike.gain for strike in draft.of(number))
        own = resonance.modes.take(resonance.modes.loudest())  # those that a vector can tell first
        instrument.set_modes(index, own.freq_hz, own.t60_s, own.amplitude * scale)
        instrument.attack[index, : len(resonance.attack)] = resonance.attack * scale
        instrument.strike_s[index] = resonance.noise_s
        instrument.strike_envelope[index] = resonance.noise_envelope * scale
        instrument.strike_filter[index] = resonance.noise_filter
        instrument.strike_dry[index] = 1.0 if resonance.noise_s > 0 else 0.0
        if resonance.hiss_gain.any():
            instrument.blow_gain[index] = resonance.hiss_gain * scale
            instrument.blow_t60_s[index] = resonance.hiss_t60_s
            instrument.blow_dry[index] = 1.0
        instrument.names[index] = note_name(resonance.pitch_hz) or f"r{index}"
    if floor is not None:
        instrument.texture_gain[len(used)] = floor
        instrument.names[len(used)] = "floor"
    return instrument


def note_name(pitch_hz: float) -> str:
    """The name of the nearest note, as C4; empty for no pitch."""
    if pitch_hz <= 0:
        return ""
    note = round(69 + 12 * math.log2(pitch_hz / 440.0))
    return f"{NOTE_NAMES[note % 12]}{note // 12 - 1}"


def _event(
    number: int, strike: Strike, row: dict[int, int], loudest: dict[int, float], draft: Draft
) -> Event:
    vector = np.zeros(VECTOR_DIM)
    resonance = draft.resonances[strike.resonance]
    if strike.offset_db is not None:
        told = resonance.modes.loudest()[:VECTOR_DIM]
        vector[: len(told)] = strike.offset_db[told]
    gain = strike.gain / loudest[strike.resonance]
    return Event(
        id=number,
        onset_s=strike.onset / draft.sample_rate,
        duration_s=math.inf if strike.held is None else strike.held / draft.sample_rate,
        gain=min(gain, MAX_GAIN),
        resonance=row[strike.resonance],
        vector=tuple(vector.tolist()),
        seed=resonance.hiss_seed if resonance.hiss_gain.any() else number,
        pan=strike.pan,
        release_s=strike.release_s,
    )
