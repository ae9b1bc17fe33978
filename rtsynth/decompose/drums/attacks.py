"""The attacks of drums: what fits beside modes and hiss, and never more than a strike shows.

Where two overlap, least squares alone cannot say whose the sound is. The ridge grows with a
waveform's age, so that what comes late after one strike and soon after another is the other's.
Thread: any.
"""

import numpy as np

from rtsynth.decompose.attack import attack_fade
from rtsynth.decompose.damped import Float
from rtsynth.decompose.draft import Draft
from rtsynth.decompose.drums.quietest import Quietest
from rtsynth.decompose.drums.waveforms import RIDGE, Placed, fit_waveforms, sum_waveforms

__all__ = ["HIT_S", "learn_attacks"]

HIT_S = 0.4  # length of a drum's attack
OLD_S, OLDER = 0.2, 10.0  # at this age the ridge is 1 + so many times as great as at the onset
FADE_FROM = 0.9  # of the attack: later, hiss alone is further off than what strikes share
ROUNDS = 3  # what one drum may not have is another's


def learn_attacks(draft: Draft, left: Float, quietest: Quietest, under: Float) -> None:
    """Give every resonance that is struck its attack, and take them out of `left`, in place.

    Args:
        draft: with modes and hiss.
        left: [samples] what these leave of the signal.
        quietest: how loud each resonance can be.
        under: [resonances, samples] modes and hiss of each for gain 1; attacks are as long.
    """
    count, length = under.shape
    fade = attack_fade(length, FADE_FROM)
    placed = [Placed(s.onset, s.resonance, s.gain) for s in draft.strikes]
    used = sorted({strike.resonance for strike in draft.strikes})
    age = np.arange(length) / (OLD_S * draft.sample_rate)
    ridge = RIDGE * (1.0 + OLDER * age**4)
    attacks = under * 0.0
    still = left
    for _ in range(ROUNDS):
        attacks += fit_waveforms(still, placed, count, length, ridge)
        for index in used:
            whole = quietest.capped(index, under[index] + attacks[index])
            attacks[index] = (whole - under[index]) * fade
        still = left - sum_waveforms(attacks, placed, len(left))
    left[:] = still
    for index in used:
        draft.resonances[index].attack = attacks[index]
