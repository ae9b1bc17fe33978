"""Which strikes of one drum are copies of each other, sample by sample, and how they are aligned.

Drum machines, samplers and loops repeat waveforms exactly; drummers do not. A strike's own part of
a hit is what a Wiener filter passes by the drum's share of the power in every band; two parts are
compared by the peak of their whitened correlation (as GCC, Knapp & Carter 1976). Thread: any.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.damped import Float
from rtsynth.instrument import NOISE_EDGES_HZ

__all__ = ["Copies", "find_copies"]

SPAN_S = 0.07
LEAD_S = 0.01
REACH_S = 0.008
SAME = 0.7  # correlation from which two strikes are one waveform
LIKE = 0.6  # and from which a strike without copies counts as one of a louder or softer layer
WHITER = 0.5  # exponent: halfway between plain correlation and phase alone


@dataclasses.dataclass
class Copies:
    """The strikes of one drum, in clusters of one waveform each.

    Attributes:
        cluster: [strikes] index of its cluster.
        shift: [strikes] samples to add to its onset to align it with its cluster's first.
    """

    cluster: NDArray[np.int64]
    shift: NDArray[np.int64]


def find_copies(
    signal: Float, sample_rate: float, onsets: NDArray[np.int64], shares: Float
) -> Copies:
    """Cluster the strikes of one drum.

    Args:
        signal: [samples], one channel.
        sample_rate: Hz.
        onsets: [strikes] samples.
        shares: [strikes, 32] the drum's share of the power in each ERB band, 0 … 1.
    """
    spectra = _parts(signal, sample_rate, onsets, shares)
    count = len(onsets)
    peak, lag = np.eye(count), np.zeros((count, count), np.int64)
    reach = round(REACH_S * sample_rate)
    for i in range(count):
        cross = np.fft.irfft(spectra[i + 1 :] * spectra[i].conj(), axis=1)
        near = np.concatenate([cross[:, -reach:], cross[:, : reach + 1]], axis=1)
        if len(near):
            peak[i, i + 1 :] = peak[i + 1 :, i] = near.max(axis=1)
            lag[i, i + 1 :] = near.argmax(axis=1) - reach
            lag[i + 1 :, i] = -lag[i, i + 1 :]
    return _clustered(peak, lag)


def _parts(signal: Float, sample_rate: float, onsets: NDArray[np.int64], shares: Float) -> Float:
    """[strikes, bins] unit spectra of each strike's own part, half whitened."""
    span, lead = round(SPAN_S * sample_rate), round(LEAD_S * sample_rate)
    size = 1 << int(np.ceil(np.log2(2 * (span + lead))))
    padded = np.pad(signal, (lead, span))
    cut = np.stack([padded[onset : onset + lead + span] for onset in onsets])
    window = np.hanning(4 * lead)[: 2 * lead]
    cut[:, :lead] *= window[::2]
    cut[:, lead:] *= np.cos(np.pi / 2 * np.arange(span) / span) ** 2
    spectra = np.fft.rfft(cut, size)
    freq = np.fft.rfftfreq(size, 1.0 / sample_rate)
    band = np.clip(np.searchsorted(NOISE_EDGES_HZ, freq, "right") - 1, 0, shares.shape[1] - 1)
    level = np.sqrt(np.mean(np.abs(spectra * shares[:, band]) ** 2, axis=0))
    bands = np.bincount(band, level**2) / np.maximum(np.bincount(band), 1)
    smooth = np.sqrt(bands[band]) + 1e-12
    own = spectra * shares[:, band] / smooth**WHITER
    norm = np.sqrt(2.0 * np.sum(np.abs(own) ** 2, axis=1) / size) + 1e-20
    unit: Float = own / norm[:, None]
    return unit


def _clustered(peak: Float, lag: NDArray[np.int64]) -> Copies:
    """Leaders first: whoever has most copies; strikes without any join a like leader, or lead."""
    count = len(peak)
    cluster, shift = np.full(count, -1), np.zeros(count, np.int64)
    leaders: list[int] = []
    alike = peak >= SAME
    while True:
        free = cluster < 0
        friends = (alike & free[None, :]).sum(axis=1) * free
        leader = int(np.argmax(friends))
        if friends[leader] < 2 and leaders:
            break
        members = np.flatnonzero(alike[leader] & free)
        cluster[members], shift[members] = len(leaders), lag[leader, members]
        leaders.append(leader)
        if not (cluster < 0).any():
            break
    for strike in np.flatnonzero(cluster < 0):
        best = int(np.argmax(peak[leaders, strike]))
        if peak[leaders[best], strike] < LIKE:
            cluster[strike] = len(leaders)
            leaders.append(int(strike))
        else:
            cluster[strike], shift[strike] = best, lag[leaders[best], strike]
    return Copies(cluster.astype(np.int64), shift)
