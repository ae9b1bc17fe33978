"""Which resonances sound at each onset: patterns of modes explained by a growing set of templates.

Onsets whose modes lie on one tuning are taken apart into keys first (`keyed`). For the others, an
onset's pattern is the amplitude of its new modes on a log-frequency grid beside the rise of its
spectrum in ERB bands (drums have little else). Patterns add, so a chord or a kick under a hi-hat is
a non-negative sum of templates. What no template explains becomes one, split into several where its
modes form several harmonic series. Thread: any.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from rtsynth.decompose.damped import Float, Modes
from rtsynth.decompose.keys.keyed import Keyed, Struck, find_keys
from rtsynth.decompose.series import best_series, series_weight, split_series
from rtsynth.instrument import NOISE_EDGES_HZ

__all__ = ["Grouping", "Take", "band_rise", "group"]

LOWEST_HZ, HIGHEST_HZ = 27.0, 12_000.0
BINS_PER_OCTAVE = 60
SPREAD_CENTS, SPREAD_HZ = 25.0, 2.0
SETTLED_S = 0.2  # modes gone sooner tell little about which key it was
NEW_SHARE = 0.40  # unexplained share of a pattern's energy that asks for a new template
STEP_SHARE = 0.10  # what one more template must explain to be taken
BAND_WEIGHT = np.tile((NOISE_EDGES_HZ[1:] / 200.0) ** 0.5, 2)  # a hi-hat counts beside a kick
MAX_TOGETHER = 6
PURE_TONAL, PURE_SHARE = 0.8, 0.62


@dataclasses.dataclass
class Take:
    """What one onset brought.

    Attributes:
        onset: sample.
        modes: its new modes.
        rise: [2 · 32] growth of the RMS amplitude per ERB band, at once and a little later.
        tonal: 0 … 1, how far `modes` explain what came.
        older: [modes] amplitude of what rang on at each mode's frequency.
    """

    onset: int
    modes: Modes
    rise: Float
    tonal: float
    older: Float


@dataclasses.dataclass
class Grouping:
    """Templates and who uses them.

    Attributes:
        modes: the modes of each template.
        pitches_hz: of each template, 0 if it shows no harmonic series.
        members: for each take, {template: gain}.
        all_keys: whether every take is made of keys of a keyboard and nothing else.
    """

    modes: list[Modes]
    pitches_hz: list[float]
    members: list[dict[int, float]]
    all_keys: bool = False


def group(
    takes: list[Take],
    limit: int = 128,
    count: int = 32,
    struck: Struck | None = None,
    given: list[set[int]] | None = None,
) -> Grouping:
    """Explain every take by few templates.

    Args:
        takes: in time order.
        limit: at most so many templates.
        count: at most so many modes each.
        struck: has the last word on every key found at a take, if given.
        given: the keys of each take, as MIDI numbers them, if they are known.
    """
    patterns = [pattern(take.modes, take.rise, take.tonal) for take in takes]
    keys = find_keys(
        [take.modes for take in takes],
        [take.older for take in takes],
        [take.tonal for take in takes],
        limit,
        struck,
        given,
    )
    own_patterns = [_key_pattern(takes[keys.sources[i]], keys, i) for i in range(len(keys.modes))]
    others = [index for index, members in enumerate(keys.members) if members is None]
    rest = _group_unkeyed(
        [takes[i] for i in others], [patterns[i] for i in others], limit - len(own_patterns)
    )
    members: list[dict[int, float]] = []
    unkeyed = iter(rest.members)
    for wanted, own in zip(patterns, keys.members, strict=True):
        if own is None:
            found = next(unkeyed)
        else:
            found = _beside(wanted, own, own_patterns, rest.templates)
        members.append(
            {**(own or {}), **{i + len(own_patterns): gain for i, gain in found.items()}}
        )
    modes = [m.take(np.arange(min(len(m), count))) for m in keys.modes + rest.modes]
    all_keys = bool(keys.modes) and not rest.modes and all(keys.members)
    return Grouping(modes, keys.pitches_hz + rest.pitches_hz, members, all_keys)


def _key_pattern(take: Take, keys: Keyed, index: int) -> Float:
    share = keys.shares[index]
    return pattern(keys.modes[index], take.rise * share, take.tonal)


def _beside(
    wanted: Float, keys: dict[int, float], struck: list[Float], templates: list[Float]
) -> dict[int, float]:
    """What else sounds with the keys of an onset: a drum of its own."""
    left, share = _left_over(wanted, struck, keys)
    if share < NEW_SHARE or not templates:
        return {}
    return _explain(left, templates)


@dataclasses.dataclass
class _Unkeyed:
    templates: list[Float]
    modes: list[Modes]
    pitches_hz: list[float]
    members: list[dict[int, float]]


def _group_unkeyed(takes: list[Take], patterns: list[Float], limit: int) -> _Unkeyed:
    pure = [_pure_pitch(take) for take in takes]
    templates: list[Float] = []
    modes: list[Modes] = []
    pitches: list[float] = []
    for index in _clean_first(pure, patterns):
        take, wanted = takes[index], patterns[index]
        if pure[index] > 0 and _same_pitch(pure[index], pitches) is not None:
            continue
        chosen = {} if pure[index] > 0 else _explain(wanted, templates)
        left, share = _left_over(wanted, templates, chosen)
        if share < NEW_SHARE or len(templates) >= limit:
            continue
        for part, pitch in _new_parts(take, left, share, bool(chosen), pure[index]):
            rise = take.rise if share > 0.9 else left[-len(take.rise) :] / BAND_WEIGHT
            templates.append(pattern(part, rise, take.tonal))
            modes.append(part)
            pitches.append(pitch)
    keep = _needed(templates, pitches)
    templates, modes = [templates[i] for i in keep], [modes[i] for i in keep]
    pitches = [pitches[i] for i in keep]
    members = [
        _members(wanted, templates, _same_pitch(alone, pitches) if alone else None)
        for wanted, alone in zip(patterns, pure, strict=True)
    ]
    return _Unkeyed(templates, modes, pitches, members)


def _members(wanted: Float, templates: list[Float], single: int | None) -> dict[int, float]:
    if single is None:
        return _explain(wanted, templates)
    template = templates[single]
    return {single: max(float(wanted @ template), 0.0) / float(template @ template)}


def _pure_pitch(take: Take) -> float:
    """The pitch of a take that is one harmonic series and nothing else; 0 for any other."""
    pitch, members = best_series(take.modes)
    weight = series_weight(take.modes)
    if take.tonal < PURE_TONAL or len(members) < 2 or len(take.modes) == 0:
        return 0.0
    share = float(weight[members].sum() / weight.sum())
    lowest = float(weight[np.abs(take.modes.freq_hz / pitch - 1.0) < 0.03].sum() / weight.sum())
    return pitch if share > PURE_SHARE and lowest > 0.05 else 0.0


def _same_pitch(pitch: float, pitches: list[float]) -> int | None:
    for index, other in enumerate(pitches):
        if other > 0 and abs(1200.0 * np.log2(pitch / other)) < 45.0:
            return index
    return None


def pattern(modes: Modes, rise: Float, tonal: float) -> Float:
    """[bins + 32] fine amplitudes of the modes, then the rise per band, weighed by tonality."""
    bins = int(BINS_PER_OCTAVE * np.log2(HIGHEST_HZ / LOWEST_HZ))
    grid = np.arange(bins) / BINS_PER_OCTAVE
    fine = np.zeros(bins)
    for freq, t60, amplitude in zip(modes.freq_hz, modes.t60_s, modes.amplitude, strict=True):
        weight = abs(amplitude) * (t60 / (t60 + SETTLED_S)) ** 2 * np.sqrt(freq / 200.0)
        spread = max(SPREAD_CENTS / 1200.0, SPREAD_HZ / freq * 1.44)
        fine += weight * np.exp(-0.5 * ((grid - np.log2(freq / LOWEST_HZ)) / spread) ** 2)
    rise = rise * BAND_WEIGHT
    norm = float(np.linalg.norm(fine))
    level = float(np.linalg.norm(rise))
    if norm > 0:
        fine *= np.sqrt(tonal) * level / norm
    return np.concatenate([fine, np.sqrt(max(1.0 - tonal, 0.02)) * rise])


def band_rise(late: Float, early: Float, sample_rate: float) -> Float:
    """[32] growth of the RMS amplitude per ERB band from `early` to `late`."""
    after, before = (_band_power(part, sample_rate) for part in (late, early))
    rise: Float = np.sqrt(np.maximum(after - before, 0.0))
    return rise


def _band_power(signal: Float, sample_rate: float) -> Float:
    if len(signal) < 16:
        return np.zeros(len(NOISE_EDGES_HZ) - 1)
    window = np.hanning(len(signal))
    spectrum = np.abs(np.fft.rfft(signal * window)) ** 2 * 2.0
    spectrum /= len(signal) * np.sum(window**2)
    freq = np.fft.rfftfreq(len(signal), 1.0 / sample_rate)
    band = np.searchsorted(NOISE_EDGES_HZ, freq) - 1
    legal: NDArray[np.bool] = (band >= 0) & (band < len(NOISE_EDGES_HZ) - 1)
    bands = len(NOISE_EDGES_HZ) - 1
    power: Float = np.bincount(band[legal], spectrum[legal], minlength=bands).astype(np.float64)
    return power


def _clean_first(pure: list[float], patterns: list[Float]) -> list[int]:
    """Single keys first, then what fills fewest bands: they make the purest templates."""
    loudest = max((float(np.linalg.norm(p)) for p in patterns), default=0.0) + 1e-12

    def impurity(index: int) -> float:
        wanted = patterns[index]
        power = wanted**2 + 1e-20
        spread = float(power.sum() ** 2 / np.sum(power**2)) / len(wanted)
        quiet = -float(np.log10(np.linalg.norm(wanted) / loudest + 1e-3))
        return quiet - 10.0 if pure[index] > 0 else 10.0 * spread + 0.3 * quiet

    return sorted(range(len(patterns)), key=impurity)


def _explain(wanted: Float, templates: list[Float]) -> dict[int, float]:
    """Few templates with non-negative gains: greedy, refitted after each pick."""
    total = float(wanted @ wanted)
    chosen: list[int] = []
    gains = np.zeros(0)
    rest, share = wanted, 1.0
    while templates and total > 0 and len(chosen) < MAX_TOGETHER:
        scores = [
            -1.0 if i in chosen else float(rest @ t) / (float(np.linalg.norm(t)) + 1e-12)
            for i, t in enumerate(templates)
        ]
        best = int(np.argmax(scores))
        if scores[best] <= 0:
            break
        trial = [*chosen, best]
        fitted, distance = nnls(np.stack([templates[i] for i in trial], axis=1), wanted)
        if share - distance**2 / total < (STEP_SHARE if chosen else 0.3):
            break
        chosen, gains, share = trial, fitted, distance**2 / total
        rest = wanted - np.stack([templates[i] for i in chosen], axis=1) @ gains
    return {i: float(g) for i, g in zip(chosen, gains, strict=True) if g > 0}


def _left_over(
    wanted: Float, templates: list[Float], chosen: dict[int, float]
) -> tuple[Float, float]:
    left = wanted.copy()
    for index, gain in chosen.items():
        left -= gain * templates[index]
    left = np.maximum(left, 0.0)
    return left, float(left @ left) / (float(wanted @ wanted) + 1e-20)


def _new_parts(
    take: Take, left: Float, share: float, partly_known: bool, pure: float
) -> list[tuple[Modes, float]]:
    """The modes of a take that nobody explains, one part per harmonic series."""
    modes = take.modes
    if pure > 0:
        return [(modes, pure)]
    if take.tonal < PURE_TONAL:
        return [(modes, 0.0)]
    if partly_known and len(modes):
        bins = int(BINS_PER_OCTAVE * np.log2(HIGHEST_HZ / LOWEST_HZ))
        place = np.clip(BINS_PER_OCTAVE * np.log2(modes.freq_hz / LOWEST_HZ), 0, bins - 1)
        fine = pattern(modes, take.rise, take.tonal)[:bins]
        there = place.astype(np.int64)
        modes = modes.take(left[there] > 0.5 * fine[there])
    return split_series(modes)


def _needed(templates: list[Float], pitches: list[float]) -> list[int]:
    """Templates that are no sum of others."""
    alive = list(range(len(templates)))
    for index in sorted(alive, key=lambda i: -float(np.count_nonzero(templates[i] > 0))):
        if pitches[index] > 0:
            continue
        others = [i for i in alive if i != index]
        chosen = _explain(templates[index], [templates[i] for i in others])
        _, share = _left_over(templates[index], [templates[i] for i in others], chosen)
        if chosen and share < 0.15:
            alive.remove(index)
    return alive
