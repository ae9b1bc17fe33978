"""Which drums sound at each onset: patches of band power explained by a growing set of drums.

A hit's patch is the power that it brought to 32 ERB bands in slices over 0.16 s. Powers of
different drums add, so a patch is a non-negative sum of the drums' own patches (as in NMF, Lee &
Seung 1999, with the drums found one by one: the simplest hit that nobody explains is a new one).
Powers are compressed and each band is weighed by its usual level, so that a hi-hat counts beside a
kick. Thread: any.
"""

import dataclasses
import itertools

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from rtsynth.decompose.damped import Float
from rtsynth.instrument import NOISE_EDGES_HZ

__all__ = ["Drums", "find_drums", "hit_patches"]

WINDOW_S, HOP_S = 0.012, 0.004
SLICES_S = (0.0, 0.012, 0.03, 0.06, 0.1, 0.16)
BEFORE_S = 0.04
EVEN = 0.6  # how far bands are brought to one level
NEW_SHARE = 0.25
STEP_SHARE = 0.1
FIRST_SHARE = 0.3
MAX_TOGETHER = 4


@dataclasses.dataclass
class Drums:
    """Drums and who strikes them.

    Attributes:
        patches: [drums, bands, slices] amplitude at gain 1, each band at a level of its own.
        members: for each hit, {drum: gain}, gains linear.
    """

    patches: Float
    members: list[dict[int, float]]


def hit_patches(signal: Float, sample_rate: float, onsets: NDArray[np.int64]) -> Float:
    """[hits, 32, slices] power that each onset brought to each ERB band.

    Args:
        signal: [samples], one channel.
        sample_rate: Hz.
        onsets: [hits] samples, ascending.
    """
    power, hop = _band_powers(signal, sample_rate)
    lead = round(WINDOW_S / 2 * sample_rate / hop)
    edges = np.round(np.array(SLICES_S) * sample_rate / hop).astype(int)
    patches = np.zeros((len(onsets), power.shape[1], len(edges) - 1))
    following = [*onsets[1:], len(signal)]
    for index, (onset, after) in enumerate(zip(onsets, following, strict=True)):
        at = round(onset / hop)
        before = power[max(0, at - lead - round(BEFORE_S * sample_rate / hop)) : max(1, at - lead)]
        quiet = before.mean(axis=0)
        for k, (first, last) in enumerate(itertools.pairwise(edges)):
            part = power[
                at + first : max(min(at + last, round(after / hop) - lead), at + first + 1)
            ]
            if len(part):
                patches[index, :, k] = np.maximum(part.mean(axis=0) - quiet, 0.0)
            elif k:
                patches[index, :, k] = patches[index, :, k - 1]
    return patches


def _band_powers(signal: Float, sample_rate: float) -> tuple[Float, int]:
    """[analysis frames, 32] power per ERB band, and the hop in samples; frames are centred."""
    hop, size = round(HOP_S * sample_rate), 2 * round(WINDOW_S * sample_rate / 2)
    padded = np.pad(signal, (size // 2, size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[: len(signal) + 1 : hop]
    window = np.hanning(size)
    freq = np.fft.rfftfreq(4 * size, 1.0 / sample_rate)
    band = np.searchsorted(NOISE_EDGES_HZ, freq, "right") - 1
    share = np.zeros((len(freq), len(NOISE_EDGES_HZ) - 1))
    legal = (band >= 0) & (band < share.shape[1])
    share[np.flatnonzero(legal), band[legal]] = 2.0 / (4 * size * np.sum(window**2))
    power = np.concatenate(
        [
            np.abs(np.fft.rfft(frames[i : i + 512] * window, 4 * size)) ** 2 @ share
            for i in range(0, len(frames), 512)
        ]
    )
    return power, hop


def find_drums(patches: Float, limit: int = 128) -> Drums:
    """Explain every patch by few drums.

    Args:
        patches: [hits, bands, slices].
        limit: at most so many drums.
    """
    seen = _weighed(patches)
    drums: list[int] = []
    rows: list[Float] = []
    for index in _simplest_first(seen):
        wanted = seen[index]
        _, left = _explain(wanted, rows)
        share = float(left @ left) / (float(wanted @ wanted) + 1e-20)
        if share < NEW_SHARE or len(rows) >= limit:
            continue
        rows.append(wanted if share > 0.9 else np.maximum(left, 0.0))
        drums.append(index)
    for _ in range(3):
        members = [_explain(wanted, rows)[0] for wanted in seen]
        rows = _refined(seen, rows, members)
    return Drums(np.array(rows).reshape(-1, *patches.shape[1:]), members)


def _weighed(patches: Float) -> Float:
    """[hits, bands·slices] amplitudes, every band brought towards the others' level."""
    amplitude = np.sqrt(patches)
    usual = np.sqrt(np.mean(amplitude**2, axis=(0, 2))) + 1e-9
    even: Float = (amplitude / usual[:, None] ** EVEN).reshape(len(patches), -1)
    return even


def _simplest_first(seen: Float) -> list[int]:
    loudest = max((float(np.linalg.norm(row)) for row in seen), default=0.0) + 1e-20

    def order(index: int) -> float:
        power = seen[index] ** 2 + 1e-20
        spread = float(power.sum() ** 2 / np.sum(power**2)) / len(power)
        level = float(np.linalg.norm(seen[index])) / loudest
        return 10.0 * spread - 0.3 * float(np.log10(level + 1e-3))

    return sorted(range(len(seen)), key=order)


def _explain(wanted: Float, rows: list[Float]) -> tuple[dict[int, float], Float]:
    """Few drums with their gains, and what they leave: greedy, refitted after each pick."""
    total = float(wanted @ wanted) + 1e-20
    chosen: list[int] = []
    gains = np.zeros(0)
    left, share = wanted, 1.0
    while rows and len(chosen) < MAX_TOGETHER:
        best, best_share, best_gains = -1, share, gains
        for index in range(len(rows)):
            if index in chosen:
                continue
            stack = np.stack([rows[i] for i in [*chosen, index]], axis=1)
            fitted, distance = nnls(stack, wanted)
            if distance**2 / total < best_share:
                best, best_share, best_gains = index, distance**2 / total, fitted
        if best < 0 or share - best_share < (STEP_SHARE if chosen else FIRST_SHARE):
            break
        chosen, share, gains = [*chosen, best], best_share, best_gains
        left = wanted - np.stack([rows[i] for i in chosen], axis=1) @ gains
    return {i: float(g) for i, g in zip(chosen, gains, strict=True) if g > 0}, left


def _refined(seen: Float, rows: list[Float], members: list[dict[int, float]]) -> list[Float]:
    """Multiplicative update of the drums' patches by all hits (Lee & Seung 1999)."""
    if not rows:  # nothing rose anywhere
        return rows
    gains = np.zeros((len(seen), len(rows)))
    for index, found in enumerate(members):
        for drum, gain in found.items():
            gains[index, drum] = gain
    stack = np.stack(rows)
    for _ in range(4):
        stack = stack * (gains.T @ seen + 1e-12) / (gains.T @ gains @ stack + 1e-12)
    return list(stack)
