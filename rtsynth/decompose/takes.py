"""Every onset by itself: its new modes, how its spectrum rose, how tonal it is. Thread: any."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.damped import Float, Modes, ring_modes
from rtsynth.decompose.grouping import Take, band_rise
from rtsynth.decompose.mode import Started, started_at
from rtsynth.decompose.pursue import choose_modes, pursued_modes

__all__ = ["take_onsets"]

MIN_AFTER_S, MAX_AFTER_S = 0.12, 0.6
MIN_BEFORE_S, MAX_BEFORE_S = 0.04, 0.15
RISE_S = 0.06
LASTING_S = 0.3
CHORD_MODES = 48  # several keys at once have more than one resonance may keep


def take_onsets(
    signal: Float,
    sample_rate: float,
    onsets: NDArray[np.int64],
    count: int = 32,
    advance: Callable[[], object] = lambda: None,
    workers: int = 1,
    way: str = "esprit",
    among: NDArray[np.int64] | None = None,
) -> list[Take]:
    """What each onset brought.

    Args:
        signal: [samples], one channel.
        sample_rate: Hz.
        onsets: [onsets] samples, ascending, no two the same.
        count: modes a resonance may have; an onset may have more, as it may be a chord.
        advance: called after each.
        workers: threads at once; the takes do not depend on it.
        way: "esprit", "pursuit" or "best".
        among: [others] other onsets, ascending: a take ends there, too.
    """
    wanted = set(onsets.tolist())
    edges = [0, *sorted(wanted.union(among.tolist() if among is not None else ())), len(signal)]
    neighbours = zip(edges, edges[1:], edges[2:], strict=False)
    around = [near for near in neighbours if near[1] in wanted]
    takes = []
    with ThreadPoolExecutor(max(1, workers)) as pool:
        for take in pool.map(lambda near: _take(signal, sample_rate, near, count, way), around):
            takes.append(take)
            advance()
    return takes


def _take(
    signal: Float, sample_rate: float, around: tuple[int, int, int], count: int, way: str
) -> Take:
    previous, onset, following = around

    def clip(samples: int, low_s: float, high_s: float) -> int:
        return int(np.clip(samples, low_s * sample_rate, high_s * sample_rate))

    after = clip(following - onset, MIN_AFTER_S, MAX_AFTER_S)
    before = clip(onset - previous, MIN_BEFORE_S, MAX_BEFORE_S)
    started = _started(way, signal, sample_rate, onset, before, after, max(count, CHORD_MODES))
    rise = _rises(signal, sample_rate, onset)
    tonal = _tonal(started.sound, started.modes, sample_rate)
    return Take(onset, started.modes, rise, tonal, started.older)


def _started(
    way: str, signal: Float, sample_rate: float, onset: int, before: int, after: int, count: int
) -> Started:
    if way == "esprit":
        return started_at(signal, sample_rate, onset, before, after, count)
    find = pursued_modes if way == "pursuit" else choose_modes
    modes, fresh = find(signal, sample_rate, onset, before, after, count)
    return Started(modes, np.zeros(len(modes)), fresh)


def _rises(signal: Float, sample_rate: float, onset: int) -> Float:
    """[2 · 32] growth per band just after the onset and a little later."""
    span = round(RISE_S * sample_rate)
    early = signal[max(0, onset - span) : onset]
    first = signal[onset : onset + span // 3]
    second = signal[onset + span // 3 : onset + 2 * span]
    return np.concatenate([band_rise(part, early, sample_rate) for part in (first, second)])


def _tonal(fresh: Float, modes: Modes, sample_rate: float) -> float:
    """0.02 … 0.98: share of the new sound's energy that lasting modes explain."""
    lasting = modes.take(modes.t60_s > LASTING_S)
    rung = ring_modes(lasting, sample_rate, len(fresh))
    skip = round(0.01 * sample_rate)
    total = float(np.sum(fresh[skip:] ** 2)) + 1e-12
    return float(np.clip(1.0 - np.sum((fresh - rung)[skip:] ** 2) / total, 0.02, 0.98))
