"""Hits as a draft: drums by their patches, copies by their waveforms, waveforms by least squares.

Thread: any.
"""

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.attack import ATTACK_S, attack_fade
from rtsynth.decompose.damped import Float, Modes, ring_modes
from rtsynth.decompose.draft import Draft, Resonance, Strike
from rtsynth.decompose.drums.copies import find_copies
from rtsynth.decompose.drums.percussion import Drums, find_drums, hit_patches
from rtsynth.decompose.drums.waveforms import Placed, fit_waveforms, sum_waveforms
from rtsynth.decompose.grouping import Take
from rtsynth.decompose.keys.keyed import are_keyed
from rtsynth.decompose.mode import modes_at

__all__ = ["DRUM_SWEEPS", "are_drums", "drum_draft", "falls_db"]

TONAL = 0.7  # of the usual take, above which these are keys or strings
SHARP_DB = 8.0  # by which the usual hit is louder at once than a little later
FEWEST = 4
EARLY = 3  # slices of a patch
LONG_S = 0.3  # waveforms are estimated for so long, to see what rings in them
LONG_RIDGE = 0.1
SKIP_S = 0.02
PEAK_HZ, AROUND_HZ = 8.0, 250.0
STANDS_OUT_DB = 12.0  # as in the metric of tonality; the highest of noise's peaks stand out by 10
LONGEST_SPANS = 8.0  # T60s beyond so many spans cannot be read from one
ROUNDS = 3
DRUM_SWEEPS = 2  # the waveforms begin near the end
WEAKEST = 0.05


def are_drums(signal: Float, sample_rate: float, takes: list[Take]) -> bool:
    """Whether most of what starts in a recording are hits: hardly tonal, soon over, and no keys.

    A xylophone's bars are as short as drums, and the stick as loud; but they are in tune.

    Args:
        signal: [samples], one channel.
        sample_rate: Hz.
        takes: of its onsets.
    """
    if len(takes) < FEWEST or float(np.median([take.tonal for take in takes])) > TONAL:
        return False
    if are_keyed([take.modes for take in takes]):
        return False
    onsets = np.array([take.onset for take in takes])
    patches = hit_patches(signal, sample_rate, onsets)
    return bool(np.median(falls_db(patches)) > SHARP_DB)


def falls_db(patches: Float) -> Float:
    """[hits] by how much each is louder at once than a little later.

    Args:
        patches: [hits, 32, slices] of `hit_patches`.
    """
    at_once = patches[:, :, :EARLY].max(axis=2).sum(axis=1)
    later = patches[:, :, EARLY:].mean(axis=2).sum(axis=1)
    falls: Float = 10.0 * np.log10((at_once + 1e-20) / (later + 1e-20))
    return falls


def drum_draft(
    signal: Float, sample_rate: float, onsets: NDArray[np.int64], count: int, limit: int
) -> Draft:
    """Strikes and resonances of a recording of drums.

    Args:
        signal: [samples], one channel.
        sample_rate: Hz.
        onsets: [hits] samples, ascending.
        count: at most so many modes per resonance.
        limit: at most so many resonances.
    """
    patches = hit_patches(signal, sample_rate, onsets)
    drums = find_drums(patches, limit)
    hits = _clusters(signal, sample_rate, onsets, drums, limit)
    strikes, waveforms = _gains(signal, sample_rate, hits)
    resonances = [_resonance(waveform, sample_rate, count) for waveform in waveforms]
    draft = Draft(sample_rate, len(signal), [], resonances)
    draft.strikes = [Strike(s.onset, s.resonance, s.gain, seen_gain=s.gain) for s in strikes]
    return draft


def _clusters(
    signal: Float, sample_rate: float, onsets: NDArray[np.int64], drums: Drums, limit: int
) -> list[Placed]:
    """Every strike with the cluster of copies it belongs to as its resonance."""
    power = drums.patches.mean(axis=2) ** 2
    sets: dict[frozenset[int], int] = {}
    placed: dict[tuple[int, int], Placed] = {}
    for drum in range(len(drums.patches)):
        hits = [i for i, found in enumerate(drums.members) if drum in found]
        if not hits:
            continue
        shares = np.stack([_share(drums.members[i], power, drum) for i in hits])
        copies = find_copies(signal, sample_rate, onsets[hits], shares)
        for cluster in range(int(copies.cluster.max()) + 1):
            chosen = np.flatnonzero(copies.cluster == cluster)
            same = frozenset(hits[i] for i in chosen)
            if len(sets) >= limit and same not in sets:
                continue
            resonance = sets.setdefault(same, len(sets))
            for i in chosen:
                onset = int(np.clip(onsets[hits[i]] + copies.shift[i], 0, len(signal) - 1))
                gain = drums.members[hits[i]][drum]
                placed.setdefault((resonance, hits[i]), Placed(onset, resonance, gain))
    return list(placed.values())


def _share(found: dict[int, float], power: Float, drum: int) -> Float:
    """[32] share of a drum in the power of a hit."""
    total = sum(gain**2 * power[other] for other, gain in found.items())
    share: Float = found[drum] ** 2 * power[drum] / (total + 1e-20)
    return share


def _gains(signal: Float, sample_rate: float, strikes: list[Placed]) -> tuple[list[Placed], Float]:
    """Gains and waveforms in turn."""
    length = round(LONG_S * sample_rate)
    count = 1 + max((s.resonance for s in strikes), default=-1)
    waveforms = np.zeros((count, length))
    for _ in range(ROUNDS):
        waveforms = fit_waveforms(signal, strikes, count, length, LONG_RIDGE)
        left = signal - sum_waveforms(waveforms, strikes, len(signal))
        strikes = [_regained(s, left, waveforms[s.resonance], sample_rate) for s in strikes]
    waveforms = fit_waveforms(signal, strikes, count, length, LONG_RIDGE)
    return strikes, waveforms


def _regained(strike: Placed, left: Float, waveform: Float, sample_rate: float) -> Placed:
    """The strike with a gain nearer to what is there, by its first 0.1 s."""
    target = left[strike.onset : strike.onset + round(0.1 * sample_rate)]
    own = waveform[: len(target)]
    change = float(target @ own) / (float(own @ own) + 1e-20)
    gain = float(np.clip(strike.gain + change, WEAKEST * strike.gain, 3.0 * strike.gain))
    return Placed(strike.onset, strike.resonance, gain)


def _resonance(waveform: Float, sample_rate: float, count: int) -> Resonance:
    """Modes of what rings in a waveform, and the rest of its beginning as the attack."""
    modes, _ = modes_at(waveform, sample_rate, 0, 0, len(waveform), count)
    length = round(ATTACK_S * sample_rate)
    modes = _tonal(modes, waveform, sample_rate)
    rung = ring_modes(modes, sample_rate, length)
    attack = (waveform[:length] - rung) * attack_fade(length)
    return Resonance(modes, attack)


def _tonal(modes: Modes, waveform: Float, sample_rate: float) -> Modes:
    """The modes that stand out of their surroundings; in noise every pole is a mode."""
    skip = round(SKIP_S * sample_rate)
    part = waveform[skip:] * np.hanning(len(waveform) - skip)
    level_db = 20.0 * np.log10(np.abs(np.fft.rfft(part)) + 1e-12)
    step_hz = sample_rate / len(part)
    keep = []
    for freq in modes.freq_hz:
        at, near, far = (round(hz / step_hz) for hz in (freq, PEAK_HZ, max(AROUND_HZ, freq / 4)))
        around = level_db[max(0, at - far) : at + far + 1]
        peak = level_db[max(0, at - near) : at + near + 1]
        keep.append(bool(len(peak)) and peak.max() > np.median(around) + STANDS_OUT_DB)
    known = np.array(keep, bool) & (modes.t60_s < LONGEST_SPANS * LONG_S)
    return modes.take(known)
