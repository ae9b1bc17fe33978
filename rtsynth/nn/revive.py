"""New life for a resonance that nobody plays: it is learned again from what is explained worst.

Thread: worker.
"""

import torch
from torch import Tensor

from rtsynth.nn.bank import ResonanceBank
from rtsynth.nn.frequency import learn_modes

__all__ = ["largest_patch", "revive"]

PATCH_S = 0.25
FIRST_SHARE = 0.25  # the patch begins where its first part is loudest: at an attack, not before it
LEARNED_SAMPLES = 4096
MOST_MODES = 8


def largest_patch(left: Tensor, length: int) -> int:
    """First sample of the patch with most energy.

    Args:
        left: [samples], target minus model.
        length: of the patch, samples; a longer one than the signal begins at 0.
    """
    if left.shape[-1] <= length:
        return 0
    energy = torch.cat([left.new_zeros(1), left.detach().square().cumsum(-1)])
    # weighing the beginning double draws the patch's start to the onset
    early = max(1, round(FIRST_SHARE * length))
    first = torch.arange(left.shape[-1] - length + 1, device=left.device)
    gained = (energy[first + length] - energy[first]) + (energy[first + early] - energy[first])
    return int(gained.argmax())


def revive(
    bank: ResonanceBank,
    entry: int,
    left: Tensor,
    sample_rate: float,
    patch_s: float = PATCH_S,
    modes: int = MOST_MODES,
) -> tuple[int, int]:
    """Give a neglected resonance the modes of the largest patch of the residual.

    Args:
        bank: changed in place; an optimiser's memory of the entry is the caller's to clear.
        entry: the resonance.
        left: [samples], target minus model.
        sample_rate: Hz.
        patch_s: length of a patch, seconds.
        modes: at most so many are learned, the rest is absent; 8 take about two seconds.

    Returns:
        first and last sample of the patch; events with an onset near the first may be offered it.
    """
    length = min(round(patch_s * sample_rate), left.shape[-1])
    first = largest_patch(left, length)
    patch = left[first : first + min(length, LEARNED_SAMPLES)].detach().double()
    count = min(modes, bank.present.shape[1], len(patch) // 4)
    freq_hz, t60_s, amplitude = learn_modes(patch.cpu().numpy(), sample_rate, count)
    bank.set_modes(
        entry, torch.from_numpy(freq_hz), torch.from_numpy(t60_s), torch.from_numpy(amplitude)
    )
    return first, first + length
