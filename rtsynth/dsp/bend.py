"""Poles and gains of a resonance under deformation. Thread: audio.

A voice with drawn controls bends at every tick, so this decides how many a core carries.
What is done to every mode stands in `rtsynth.dsp.bend_lanes`.
"""

import math

import numpy as np

from rtsynth.dsp.bend_lanes import bend_lanes
from rtsynth.dsp.compile import kernel
from rtsynth.dsp.modal import TICK, padded_columns
from rtsynth.dsp.noise import uniform_at
from rtsynth.dsp.registers import AI, AR, NI, NR, PI, PR, QI, QR, ZI, ZR
from rtsynth.instrument.field import TONE_BANDS, TONE_LOW_HZ, TONE_OCTAVES

__all__ = [
    "BRIGHT",
    "CAP",
    "CONTROLS",
    "DAMP",
    "DETUNE",
    "FREQ",
    "GAIN_IM",
    "GAIN_RE",
    "INHARM",
    "OCTAVE",
    "RELEASE",
    "STRETCH",
    "T60",
    "TRANSPOSE",
    "bend_modes",
    "tone_db",
    "vector_db",
]

FREQ, T60, GAIN_RE, GAIN_IM, OCTAVE = range(5)
"""Rows of a resonance in the bank, [5, M] float32; OCTAVE: log2 of frequency over the lowest."""

TRANSPOSE, DAMP, BRIGHT, INHARM, DETUNE, STRETCH, RELEASE, CAP = range(8)
CONTROLS = 8
"""Controls of a bend: semitones with vibrato in, T60 factor, dB/octave, B, cents, ageing rate,
extra decay in nepers per second, largest |z/a| of a mode whose age runs backwards."""

LN1000 = math.log(1000.0)
TONES_PER_OCTAVE = (TONE_BANDS - 1) / TONE_OCTAVES
DB_PER_LOG2 = 20.0 * math.log10(2.0)


@kernel("void(float32[:,::1], int32[::1], int64, float32[::1], float32[::1])", fastmath=True)
def vector_db(
    mode_map: np.ndarray, columns: np.ndarray, count: int, vector: np.ndarray, out: np.ndarray
) -> None:
    """What an event's vector makes of the modes of a resonance, in dB.

    Args:
        mode_map: [modes of the instrument, D] dB per unit of the vector.
        columns: [≥ count] rows of `mode_map`.
        count: modes in use.
        vector: [D] float32.
        out: [≥ count] float32, overwritten.
    """
    for m in range(count):
        row = mode_map[columns[m]]
        total = np.float32(0.0)
        for k in range(vector.shape[0]):
            total += row[k] * vector[k]
        out[m] = total


@kernel(
    "void(float32[:,::1], int64, float64, float64[::1], float32[::1], float32[::1])", fastmath=True
)
def tone_db(
    bank: np.ndarray,
    count: int,
    ratio: float,
    tone: np.ndarray,
    gain_db: np.ndarray,
    out: np.ndarray,
) -> None:
    """Gains of modes with the tone bands at their frequencies added.

    Args:
        bank: [5, M] float32, a resonance.
        count: modes in use, ≥ 1.
        ratio: of their frequencies to the bank's.
        tone: [TONE_BANDS] log2 of gains.
        gain_db: [≥ count] float32, dB per mode.
        out: [≥ count] float32, overwritten.
    """
    top = TONE_BANDS - 1.0
    lowest = math.log2(bank[FREQ, 0] * ratio / TONE_LOW_HZ) - bank[OCTAVE, 0]
    for m in range(count):
        place = min(max((lowest + bank[OCTAVE, m]) * TONES_PER_OCTAVE, 0.0), top)
        low = min(int(place), TONE_BANDS - 2)
        between = tone[low] + (place - low) * (tone[low + 1] - tone[low])
        out[m] = gain_db[m] + np.float32(DB_PER_LOG2 * between)


@kernel("void(float32[:,::1], int64, float64[::1], uint64, float64[:,::1])")
def _bend_freq(
    bank: np.ndarray, count: int, controls: np.ndarray, seed: np.uint64, modes: np.ndarray
) -> None:
    """Frequencies in Hz into row QR."""
    ratio = 2.0 ** (controls[TRANSPOSE] / 12.0)
    inharm, detune = controls[INHARM], controls[DETUNE]
    for m in range(padded_columns(count)):  # what an earlier voice left there is no frequency
        modes[QR, m] = bank[FREQ, m] * ratio
    if inharm != 0.0:
        lowest = math.inf
        for m in range(count):
            lowest = min(lowest, bank[FREQ, m])
        for m in range(count):
            k2 = (bank[FREQ, m] / lowest) ** 2
            modes[QR, m] *= math.sqrt((1.0 + inharm * k2) / (1.0 + inharm))
    if detune != 0.0:
        for m in range(count):
            modes[QR, m] *= 2.0 ** (detune / 1200.0 * (2.0 * uniform_at(seed, m) - 1.0))


@kernel("void(int64, float64, float64[:,::1])")
def _cap(count: int, cap: float, modes: np.ndarray) -> None:
    """Let modes that run backwards grow no further than to where their onset left them."""
    for m in range(count):
        size = math.sqrt(modes[ZR, m] ** 2 + modes[ZI, m] ** 2)
        limit = cap * math.sqrt(modes[AR, m] ** 2 + modes[AI, m] ** 2)
        radius = math.sqrt(modes[PR, m] ** 2 + modes[PI, m] ** 2)
        allowed = 1.0
        if size < limit and size > 0.0:
            allowed = (limit / size) ** (1.0 / TICK)
        if radius > allowed:
            modes[PR, m] = allowed * modes[NR, m]
            modes[PI, m] = allowed * modes[NI, m]


@kernel(
    "void(float32[:,::1], int64, float64[::1], float32[::1], uint64, float64, float64[:,::1])",
    fastmath=True,
)
def bend_modes(
    bank: np.ndarray,
    count: int,
    controls: np.ndarray,
    gain_db: np.ndarray,
    seed: np.uint64,
    sample_rate: float,
    modes: np.ndarray,
) -> None:
    """Poles, drive gains and output-gain targets of a resonance under deformation.

    A mode bent to or beyond 0.49 of the sample rate is silenced, as it would alias.

    Args:
        bank: [5, M] float32, a resonance.
        count: modes in use.
        controls: [CONTROLS] float64.
        gain_db: [≥ count] float32, dB per mode.
        seed: of the detuning.
        sample_rate: Hz.
        modes: [ROWS, M]; PR … AI, NR, NI and G1 are written.
    """
    _bend_freq(bank, count, controls, seed, modes)
    rate = controls[STRETCH] / controls[DAMP] * LN1000 / sample_rate
    release = controls[RELEASE] / sample_rate
    rates = (rate, release, sample_rate, controls[BRIGHT])
    bend_lanes(modes, padded_columns(count), bank, gain_db, rates)
    if controls[STRETCH] >= 0.0:
        return
    _cap(count, controls[CAP], modes)
    for m in range(count):
        pr, pi = modes[PR, m], modes[PI, m]
        for _ in range(5):  # TICK = 2^5
            pr, pi = pr * pr - pi * pi, 2.0 * pr * pi
        modes[QR, m] = pr
        modes[QI, m] = pi
