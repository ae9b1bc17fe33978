"""A neglected resonance comes back as the sound that nothing explained."""

import torch

from rtsynth.nn.bank import ResonanceBank
from rtsynth.nn.revive import largest_patch, revive
from tests.nn.known_scene import RATE, semitones


def test_the_largest_patch_begins_at_the_loudest_attack() -> None:
    with torch.no_grad():
        note = semitones(1, 0).modes().whole(RATE, RATE)[0]
    left = torch.zeros(4 * RATE, dtype=torch.float64)
    left[5000 : 5000 + RATE] += 0.3 * note
    left[20_000:][:RATE] += note
    assert abs(largest_patch(left, 2000) - 20_000) < 16
    assert largest_patch(left[:1000], 2000) == 0


def test_a_revived_resonance_plays_what_was_left() -> None:
    known = semitones(3, 2)
    with torch.no_grad():
        target = known.modes().whole(2000, RATE)[1]
        left = torch.cat([torch.zeros(3000, dtype=torch.float64), target])
        bank = ResonanceBank(3, 6)
        before = bank.modes().whole(2000, RATE)
        first, last = revive(bank, 2, left, RATE)
        assert abs(first - 3000) < 16
        assert last == first + RATE // 4
        after = bank.modes().whole(2000, RATE)
        expected = left[first : first + 1900]
        error = (after[2, : len(expected)] - expected).square().sum() / expected.square().sum()
    assert torch.equal(after[:2], before[:2])
    assert error < 0.05
