"""Formants: how the levels of a note's partials move apart, band by band. Thread: worker."""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from rtsynth.decompose.damped import Float
from rtsynth.instrument import CONTROL_LIMITS
from rtsynth.instrument.field import TONE, TONE_BANDS, TONE_LOW_HZ, tone_place

__all__ = ["tone_curves"]

MISFIT_LIMIT = 5.0  # log2, 30 dB
SILENT = 1e-7
EVEN, SMALL = 1e-4, 1e-5  # of all weight: price of a difference between neighbours, and of a gain
FAINT = 1e-4  # of the greatest weight, price of a gain: where nothing sounds none is drawn
SMOOTHING_POINTS = 1.0


def tone_curves(level: Float, made: Float, freq_hz: Float) -> Float:
    """[points, 16] log2 gains of the tone bands that bring partials to their levels.

    Weighted least squares of the logarithms at every point: a partial counts by its amplitude, and
    a band that no partial tells anything of follows its neighbours.

    Args:
        level: [partials, points] amplitudes.
        made: [partials, points] amplitudes without tone bands.
        freq_hz: [partials, points].
    """
    wanted = np.log2((level + SILENT) / (made + SILENT)).T.clip(-MISFIT_LIMIT, MISFIT_LIMIT)
    weight = np.sqrt(level * made).T + SILENT
    share = _shares(freq_hz)
    apart = np.diff(np.eye(TONE_BANDS), axis=0)
    price = EVEN * apart.T @ apart + SMALL * np.eye(TONE_BANDS)
    weighed = share * weight[..., None]
    total = weight.sum(axis=1)[:, None, None]
    faint = FAINT * float(total.max()) * np.eye(TONE_BANDS)
    square = np.swapaxes(share, 1, 2) @ weighed + total * price + faint
    right = np.einsum("tpb,tp->tb", weighed, wanted)
    found = np.linalg.solve(square, right[..., None])[..., 0]
    limits = CONTROL_LIMITS[TONE:]
    smooth = gaussian_filter1d(found, SMOOTHING_POINTS, axis=0)
    tone: Float = np.clip(smooth, limits[:, 0], limits[:, 1])
    return tone


def _shares(freq_hz: Float) -> Float:
    """[points, partials, 16] how much each band counts at frequencies [partials, points]."""
    place = tone_place(np.log2(freq_hz.T / TONE_LOW_HZ))
    shares: Float = np.maximum(1.0 - np.abs(place[..., None] - np.arange(TONE_BANDS)), 0.0)
    return shares
