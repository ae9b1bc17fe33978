"""What newly rings at an onset: subband ESPRIT after it, minus what already rang before it.

Each band is shifted to zero, filtered and decimated without touching the onset's edge, so a damped
exponential stays one. ESPRIT (Roy & Kailath 1989) gives the poles after the onset; their amplitudes
are fitted by least squares both after and before, and the difference is the onset's own part:
a mode that merely rang on contributes nothing. Thread: any.
"""

import dataclasses
import functools

import numpy as np
from numpy.typing import NDArray
from scipy.signal import firwin

from rtsynth.decompose.amplitude import Window, fit_amplitudes
from rtsynth.decompose.damped import Complex, Float, Modes, poles, ring
from rtsynth.units import LN1000

__all__ = ["Started", "esprit", "modes_at", "started_at"]

BAND_HZ = 375.0
TOP_HZ = 11_000.0
POLES_PER_BAND = 8
SKIP_S = 0.004  # the strike itself is no mode
MIN_HZ, MIN_T60_S, MAX_T60_S = 25.0, 0.02, 8.0
CANDIDATES = 56
FLOOR_DB = -60.0
RIDGE = 1e-3


@dataclasses.dataclass(frozen=True)
class Started:
    """What an onset brought.

    Attributes:
        modes: what is new, strongest first.
        older: [modes] amplitude of what rang on at each mode's frequency.
        sound: [samples] from the onset on, without what rang before.
    """

    modes: Modes
    older: Float
    sound: Float


def modes_at(
    signal: Float, sample_rate: float, onset: int, before: int, after: int, count: int = 32
) -> tuple[Modes, Float]:
    """The modes that start at an onset and the sound without what rang before: see `started_at`."""
    started = started_at(signal, sample_rate, onset, before, after, count)
    return started.modes, started.sound


def started_at(
    signal: Float, sample_rate: float, onset: int, before: int, after: int, count: int = 32
) -> Started:
    """What starts at an onset, apart from what rang before.

    Args:
        signal: [samples], one channel.
        sample_rate: Hz.
        onset: sample at which they start.
        before: samples before the onset to compare with.
        after: samples after the onset to analyse.
        count: at most so many modes.
    """
    skip = round(SKIP_S * sample_rate)
    late = signal[onset + skip : onset + after]
    early = signal[max(0, onset - before) : max(0, onset - skip // 2)]
    fresh = signal[onset : onset + after].copy()
    found = Modes.none()
    if len(late) >= round(0.03 * sample_rate):
        found = _candidates(late, sample_rate)
    if len(found) == 0:
        return Started(found, np.zeros(0), fresh)
    s = poles(found.freq_hz, found.t60_s, sample_rate)
    new = _fit(s, late, skip)
    old = np.zeros(len(s), complex)
    if len(early) > skip:
        old = _fading(_fit(s, early, -(len(early) + skip // 2)), new)
        fresh -= ring(s, old, len(fresh))
    started = Modes(found.freq_hz, found.t60_s, new - old)
    index = _strongest(started, count)
    return Started(started.take(index), np.abs(old[index]), fresh)


def _fading(old: Complex, late: Complex) -> Complex:
    """[modes] `old` with as much decay as makes what is new in `late` least."""
    share = np.real(late * old.conj()) / (np.abs(old) ** 2 + 1e-30)
    faded: Complex = old * np.clip(share, 0.0, 1.0)
    return faded


def _candidates(signal: Float, sample_rate: float) -> Modes:
    """Every pole of every band, the strongest `CANDIDATES` of them."""
    freq, t60 = [], []
    top = min(TOP_HZ, 0.45 * sample_rate)
    centres = np.arange(BAND_HZ / 2, top, BAND_HZ)
    bands, rate = _basebands(signal, sample_rate, centres)
    for centre, band in zip(centres, bands, strict=True):
        for pole in esprit(band, POLES_PER_BAND):
            f = centre + np.angle(pole) * rate / (2 * np.pi)
            decay = -np.log(max(abs(pole), 1e-9)) * rate
            if abs(f - centre) <= BAND_HZ / 2 and f >= MIN_HZ and decay < LN1000 / MIN_T60_S:
                freq.append(float(f))
                t60.append(min(LN1000 / max(decay, 1e-9), MAX_T60_S))
    if not freq:
        return Modes.none()
    found = Modes(np.array(freq), np.array(t60), np.zeros(len(freq), complex))
    s = poles(found.freq_hz, found.t60_s, sample_rate)
    rough = Modes(found.freq_hz, found.t60_s, _fit(s, signal, 0))
    return rough.take(_strongest(rough, CANDIDATES))


def _basebands(signal: Float, sample_rate: float, centres_hz: Float) -> tuple[Complex, float]:
    """[bands, samples] the bands around some frequencies, each turned to 0 Hz, and their rate."""
    step = max(1, int(sample_rate / (2 * BAND_HZ)))
    taps = _low_pass(step) if step > 1 else np.ones(1)
    if len(taps) > 1 and len(signal) < len(taps) + 16 * step:
        taps = taps[:: max(1, len(taps) // max(1, len(signal) // 2))]
    windows = np.lib.stride_tricks.sliding_window_view(signal, len(taps))[::step].copy()
    turn = -2j * np.pi * centres_hz[:, None] / sample_rate
    filters = taps * np.exp(turn * np.arange(len(taps)))
    bands = filters.real @ windows.T + 1j * (filters.imag @ windows.T)
    return bands * np.exp(turn * (step * np.arange(len(windows)))), sample_rate / step


@functools.lru_cache(maxsize=8)
def _low_pass(step: int) -> Float:
    taps: Float = firwin(8 * step + 1, 1.0 / step, window=("kaiser", 6.0))
    return taps


def esprit(band: Complex, order: int, rows: int = 64) -> Complex:
    """[order] discrete poles of a short complex signal, seen in pieces of `rows` samples."""
    rows = min(len(band) // 2, rows)
    order = min(order, rows - 2)
    if order < 1:
        return np.zeros(0, complex)
    pieces = np.lib.stride_tricks.sliding_window_view(band, rows).T
    _, vectors = np.linalg.eigh(pieces @ pieces.conj().T)
    space = vectors[:, -order:]
    # least squares: the columns are orthonormal but for their last row
    shifted, last = space[:-1].conj().T @ space[1:], space[-1]
    rotation = shifted + np.multiply.outer(last.conj(), last @ shifted) / (
        1.0 - float(np.vdot(last, last).real) + 1e-12
    )
    found: Complex = np.asarray(np.linalg.eigvals(rotation), complex)
    return found


def _fit(s: Complex, signal: Float, first: int) -> Complex:
    """[modes] amplitudes at sample 0 of modes seen in `signal`, which begins at sample `first`."""
    if first < 0:  # undamped: backwards in time a damped mode would grow out of all bounds
        steady: Complex = np.asarray(1j * s.imag, complex)
        return fit_amplitudes(steady, [Window(signal, first, 1.0)], RIDGE)
    local = fit_amplitudes(s, [Window(signal, 0, 1.0)], RIDGE)
    grown: Complex = local * np.exp(np.clip(-s.real * first, -3.0, 3.0) - 1j * s.imag * first)
    return grown


def _strongest(modes: Modes, count: int) -> NDArray[np.intp]:
    energy = modes.energy() * np.sqrt(modes.freq_hz / 100.0)
    order: NDArray[np.intp] = np.argsort(-energy, kind="stable")[:count]
    floor = energy.max(initial=0.0) * 10.0 ** (FLOOR_DB / 10.0)
    strongest: NDArray[np.intp] = order[energy[order] > floor]
    return strongest
