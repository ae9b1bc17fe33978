"""One sustained note measured as one event: a resonance, and curves in the field's own units.

A bowed, blown or sung note is one resonance whose modes are held by a drive (`bow`); a struck or
plucked one is one resonance that is let go (`impulse`). Either way the pitch moves by `bend`, the
spectrum tilts by `bright` and, where it is driven, moves by the tone bands; what is no partial is
the noise of the blow bands. The curves are those of `rtsynth.instrument`, so that its formula plays
the note. Thread: worker.
"""

import dataclasses

import numpy as np

from rtsynth.decompose.damped import Complex, Float, Modes
from rtsynth.decompose.sustained.blowing import blow_curves, floor_between
from rtsynth.decompose.sustained.bowing import (
    DB_PER_OCTAVE,
    bow_curves,
    bowed_t60,
    common_envelope,
)
from rtsynth.decompose.sustained.bowing import driven as under_bow
from rtsynth.decompose.sustained.holding import falls, find_end, fit_release
from rtsynth.decompose.sustained.partials import Partials, find_partials
from rtsynth.decompose.sustained.pitch import STEP_S, phase_of, track_pitch
from rtsynth.decompose.sustained.striking import strike_modes
from rtsynth.decompose.sustained.tone import tone_curves
from rtsynth.errors import AudioFileError
from rtsynth.instrument import CONTROLS, NOISE_BANDS, PLAIN_CONTROLS
from rtsynth.instrument.field import TONE
from rtsynth.units import LN1000

__all__ = ["Sustained", "measure_sustained"]

SHORTEST_S, LONGEST_S = 0.15, 60.0
PRIOR_T60_S, PRIOR_RELEASE_S = 0.3, 0.3  # of a driven note whose release is not in the recording
RELEASE_SHARE = 11.0  # the modes' own decay does nearly all of a driven note's release
RELEASES_S = (0.005, 10.0)
ATTACK_S = 0.06
STILL_CENTS = 3.0
SILENT = 1e-5
CLEAR = 0.05  # of the loudest: the pitch is sure above it


@dataclasses.dataclass(frozen=True)
class Sustained:
    """One note, as measured.

    Attributes:
        onset_s: in the recording.
        duration_s: how long it is driven or held, seconds.
        release_s: what then adds to the decay, T60 in seconds.
        pitch_hz: its mean.
        driven: held by a bow; otherwise struck.
        modes: at the mean pitch; their amplitudes at a bow of 1, or as struck.
        controls: [points, 54] in the order and units of `CONTROLS`, every `step_s` of age; of a
            struck note 38, without tone bands.
        weight: [points] how loud the note is there, 0 … 1.
        blow_gain: [32] RMS amplitude of its noise per band.
        attack: [samples] waveform from the onset on: a struck note's blow.
        step_s: seconds from point to point.
    """

    onset_s: float
    duration_s: float
    release_s: float
    pitch_hz: float
    driven: bool
    modes: Modes
    controls: Float
    weight: Float
    blow_gain: Float
    attack: Float
    step_s: float = STEP_S


@dataclasses.dataclass(frozen=True)
class _Note:
    """The partials from the onset on: [partials, points] where not said otherwise."""

    start: int  # sample of the onset
    track_hz: Float  # [points]
    ratio: Float  # [partials]
    octaves: Float  # [partials]
    turned: Complex
    level: Float
    total: Float  # [points]
    residual: Float  # [samples] of the recording
    kept: float


def measure_sustained(
    signal: Float, sample_rate: float, *, modes: int = 32, driven: bool | None = None
) -> Sustained:
    """Measure a recording that holds one sustained note.

    Args:
        signal: [samples], one channel.
        sample_rate: Hz.
        modes: at most so many partials.
        driven: whether something keeps it going; found out if None.

    Raises:
        AudioFileError: too short, too long, or without a pitched note.
    """
    _check(signal, sample_rate)
    note, driven = _follow(signal, sample_rate, modes, driven)
    held, release_t60_s = fit_release(note.total, STEP_S)
    loud = note.total[:held] ** 2
    pitch = float(np.exp2(np.average(np.log2(note.track_hz[:held]), weights=loud)))
    controls = np.zeros((len(note.total), len(CONTROLS) if driven else PLAIN_CONTROLS))
    controls[:, CONTROLS.index("bend")] = 12.0 * np.log2(_sure(note) / pitch)
    if driven:
        own, release_s = _bow(note, held, pitch, release_t60_s, controls)
    else:
        own, release_s = _strike(note, held, pitch, release_t60_s, modes)
    attack = np.zeros(0)
    if not driven:
        attack = _take_attack(note, own, pitch, signal, sample_rate)
    return Sustained(
        onset_s=note.start / sample_rate,
        duration_s=held * STEP_S,
        release_s=float(np.clip(release_s, *RELEASES_S)),
        pitch_hz=pitch,
        driven=driven,
        modes=own,
        controls=controls,
        weight=note.total / note.total.max(),
        blow_gain=_blow(signal if driven else None, note, sample_rate, pitch, controls),
        attack=attack,
    )


def _follow(
    signal: Float, sample_rate: float, modes: int, driven: bool | None
) -> tuple[_Note, bool]:
    """The partials along their pitch, and whether they are held."""
    track = track_pitch(signal, sample_rate)
    partials = find_partials(signal, sample_rate, track, modes)
    total = np.sqrt(np.sum(np.abs(partials.amplitude) ** 2, axis=0))
    if float(total.max(initial=0.0)) < SILENT:
        raise AudioFileError("no pitched note stands out; give a recording of one sustained note")
    first, last = find_end(total, STEP_S)
    held = not falls(total[first:last], STEP_S) if driven is None else driven
    if not held:
        track = _still(track, total)
        partials = find_partials(signal, sample_rate, track, modes, locked=False)
    return _note(partials, track, first, last, sample_rate), held


def _check(signal: Float, sample_rate: float) -> None:
    seconds = len(signal) / sample_rate
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise AudioFileError(
            f"{seconds:.2f} s for one sustained note; legal: {SHORTEST_S} … {LONGEST_S:.0f} s; "
            "cut the recording to its note"
        )
    if float(np.abs(signal).max()) < SILENT:
        raise AudioFileError("the recording is silent; give one of a sustained note")


def _still(track: Float, total: Float) -> Float:
    """The track, or its mean if it hardly moves: then its errors are all that moves."""
    level = np.log2(track)
    mean = np.average(level, weights=total**2)
    spread = np.sqrt(np.average((level - mean) ** 2, weights=total**2))
    return np.full(len(track), np.exp2(mean)) if 1200.0 * spread < STILL_CENTS else track


def _note(partials: Partials, track: Float, first: int, last: int, sample_rate: float) -> _Note:
    start = round(first * STEP_S * sample_rate)
    phase = phase_of(track, start + 1, sample_rate)[-1]
    turned = partials.amplitude[:, first:last] * np.exp(1j * partials.ratio * phase)[:, None]
    level = np.abs(turned)
    return _Note(
        start,
        track[first:last],
        partials.ratio,
        np.log2(partials.ratio / partials.ratio[0]),
        turned,
        level,
        np.sqrt(np.sum(level**2, axis=0)),
        partials.residual,
        partials.kept,
    )


def _bow(
    note: _Note, held: int, pitch_hz: float, release_t60_s: float | None, controls: Float
) -> tuple[Modes, float]:
    """The modes at a bow of 1, and the release; bow, damping and tilt go into the controls."""
    share = RELEASE_SHARE / (RELEASE_SHARE - 1.0)
    free_s = share * (release_t60_s or PRIOR_T60_S)
    level = note.level[:, :held]
    bowed_s = min(free_s, bowed_t60(common_envelope(level, note.octaves)[1]))
    size, bow, tilt = bow_curves(level, note.octaves, bowed_s)
    controls[:, CONTROLS.index("bow")] = _extended(bow, len(controls))
    controls[:, CONTROLS.index("bright")] = _extended(tilt, len(controls))
    controls[:held, CONTROLS.index("damp")] = np.log2(bowed_s / free_s)
    made = np.exp2(np.outer(note.octaves, tilt / DB_PER_OCTAVE)) * under_bow(bow, bowed_s)
    freq_hz = np.outer(note.ratio, note.track_hz[:held])
    controls[:, TONE:] = _extended(tone_curves(level, size[:, None] * made, freq_hz), len(controls))
    release_s = RELEASE_SHARE * release_t60_s if release_t60_s else PRIOR_RELEASE_S
    phase = np.angle(np.sum(note.turned[:, :held] * level, axis=1))
    amplitude = size * np.exp(1j * phase)
    return Modes(note.ratio * pitch_hz, np.full(len(size), free_s), amplitude), release_s


def _strike(
    note: _Note, held: int, pitch_hz: float, release_t60_s: float | None, modes: int
) -> tuple[Modes, float]:
    """The modes as struck, and the release."""
    own = Modes(*strike_modes(note.turned[:, :held], note.ratio * pitch_hz, modes))
    if len(own) == 0:
        raise AudioFileError("the note dies too soon; give a recording of one sustained note")
    if release_t60_s is None:
        return own, PRIOR_RELEASE_S
    decay = float(np.average(LN1000 / own.t60_s, weights=own.energy()))
    return own, LN1000 / max(LN1000 / release_t60_s - decay, LN1000 / RELEASES_S[1])


def _sure(note: _Note) -> Float:
    """[points] Hz, where the note is too weak to have a pitch that of the next clear point."""
    points = np.arange(len(note.total))
    clear = np.flatnonzero(note.total > CLEAR * note.total.max())
    return np.interp(points, clear, note.track_hz[clear])


def _take_attack(
    note: _Note, own: Modes, pitch_hz: float, signal: Float, sample_rate: float
) -> Float:
    """[samples] what the modes leave of the beginning, faded; it is no part of the noise then."""
    count = min(round(ATTACK_S * sample_rate), len(signal) - note.start)
    phase = phase_of(note.track_hz, count, sample_rate)
    time = np.arange(count) / sample_rate
    turn = np.outer(own.freq_hz / pitch_hz, phase) + np.angle(own.amplitude)[:, None]
    size = np.exp(np.outer(-LN1000 / own.t60_s, time)) * np.abs(own.amplitude)[:, None]
    made = np.sum(size * np.cos(turn), axis=0)
    fade = np.cos(np.linspace(0.0, np.pi / 2, count)) ** 2
    note.residual[note.start : note.start + count] *= 1.0 - fade
    attack: Float = (signal[note.start : note.start + count] - made) * fade
    return attack


def _blow(
    steady: Float | None, note: _Note, sample_rate: float, pitch_hz: float, controls: Float
) -> Float:
    """[32] levels of the noise, its curves into `controls`; `steady` is a held note's signal."""
    top_hz = (float(note.ratio[-1]) + 0.5) * pitch_hz
    gain, bands, common = blow_curves(
        note.residual, sample_rate, note.start, len(controls), top_hz, note.kept
    )
    if steady is not None:  # the noise of a hammer dies away: it has no median worth the name
        floor = floor_between(steady[note.start :], sample_rate, len(controls))
        gain = np.minimum(gain, floor)
    controls[:, :NOISE_BANDS] = bands
    controls[:, CONTROLS.index("dry")] = common
    return gain


def _extended(curve: Float, points: int) -> Float:
    return np.concatenate([curve, np.repeat(curve[-1:], points - len(curve), axis=0)])
