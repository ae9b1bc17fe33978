"""Control curves as the engine reads them: points at a fixed rate, lines between. Thread: any."""

from collections.abc import Callable

import torch
from torch import Tensor

from rtsynth.dsp.draw import CURVE_RATE
from rtsynth.instrument.field import TONE_BANDS, TONE_LOW_HZ, TONE_OCTAVES

__all__ = ["read_curves", "tone_at"]


def read_curves(draw: Callable[[Tensor], Tensor], age: Tensor) -> Tensor:
    """What `draw` draws at the points of the curves, read linearly at other ages.

    Args:
        draw: [E, P] ages in seconds to [E, P, C].
        age: [E, T] seconds ≥ 0, not descending along T.

    Returns:
        [E, T, C].
    """
    place = age.double() * CURVE_RATE
    low = place.floor().long()
    share = (place - low).unsqueeze(-1)
    first, count = low[:, :1], age.shape[1]
    span = int((low[:, -1:] - first).max()) + 2
    if span >= 2 * count:  # each age between points of its own
        both = draw(torch.cat([low, low + 1], dim=1) / CURVE_RATE)
        here, there = both[:, :count], both[:, count:]
    else:
        drawn = draw((first + torch.arange(span, device=age.device)) / CURVE_RATE)
        at = (low - first).unsqueeze(-1).expand(-1, -1, drawn.shape[-1])
        here, there = drawn.gather(1, at), drawn.gather(1, at + 1)
    share = share.to(here.dtype)
    return here * (1.0 - share) + there * share


def tone_at(tone: Tensor, freq_hz: Tensor) -> Tensor:
    """[E, T, M] log2 gains that tone bands [E, T, 16] have at some frequencies [E, T, M]."""
    octaves = torch.log2(freq_hz.clamp_min(TONE_LOW_HZ) / TONE_LOW_HZ)
    place = (octaves * ((TONE_BANDS - 1) / TONE_OCTAVES)).clamp(0.0, TONE_BANDS - 1.0).to(tone)
    low = place.floor().long().clamp_max(TONE_BANDS - 2)
    below, above = tone.gather(-1, low), tone.gather(-1, low + 1)
    return below + (place - low) * (above - below)
