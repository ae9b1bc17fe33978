"""Learning frequencies and modes of a signal, from nothing to the Cramer-Rao bound.

The surrogate is descended on ever longer beginnings of the signal, since how far a frequency can be
seen is one over the length; after each, poles that ran together are parted. A Gauss-Newton polish
with variable projection follows, and then every pole in turn, weakest first, may jump to the
highest peak of what the others leave, if that lowers the error. The jumps make it sure: without
them one of ten sets of eight was complete, with them all were. Thread: worker.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rtsynth.errors import ValueRangeError
from rtsynth.nn.project import Poles, polish, powers, residual, solve_amplitude
from rtsynth.nn.surrogate import SurrogateBank, residual_peak
from rtsynth.units import LN1000

__all__ = ["learn_frequencies", "learn_modes"]

FIRST_LENGTH = 64
LAST_LENGTH = 4096  # beyond it Gauss-Newton alone is as sure, and far quicker
DESCENTS = 60
RATE = 0.5  # learning rate times length, radians
BETTER = 0.999
SETTLED = 1e-3
T60_RANGE_S = (0.001, 100.0)


def learn_frequencies(
    signal: Tensor,
    count: int,
    *,
    damped: bool = False,
    descents: int = DESCENTS,
    jumps: int = 3,
    seed: int = 0,
) -> Poles:
    """The `count` sinusoids that together are nearest to each signal.

    Args:
        signal: [batch, length] or [length], real; at least 4·count samples.
        count: K.
        damped: whether sinusoids may decay.
        descents: gradient steps per stage of the length.
        jumps: rounds in which every pole may jump.
        seed: of the first poles.

    Returns:
        [batch, K], lowest frequency first.

    Raises:
        ValueRangeError: too short a signal, or a count below 1.
    """
    rows = signal.detach().double().reshape(-1, signal.shape[-1])
    if count < 1 or rows.shape[-1] < 4 * count:
        raise ValueRangeError(
            f"{count} frequencies from {rows.shape[-1]} samples; legal: at least 1, and 4 samples "
            "of signal for each"
        )
    bank = SurrogateBank(count, len(rows), seed=seed)
    length = min(max(FIRST_LENGTH, 8 * count), rows.shape[-1])
    while True:
        _descend(bank, rows[:, :length], descents)
        if length >= min(LAST_LENGTH, rows.shape[-1]):
            break
        length = min(2 * length, rows.shape[-1])
    for _ in range(count):
        if bank.part(rows) == 0:
            break
    poles = polish(rows, bank.read_off(rows, damped=damped), damped=damped)
    return _sorted(_jump(rows, poles, damped, jumps))


def learn_modes(
    signal: NDArray[np.floating], sample_rate: float, count: int, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.complex128]]:
    """The modes of a sound that was struck at its first sample.

    Args:
        signal: [samples], one channel.
        sample_rate: Hz.
        count: modes.
        seed: of the first guess.

    Returns:
        freq_hz, t60_s and complex amplitude at the first sample, [count] each, lowest first.
    """
    sound = torch.from_numpy(np.ascontiguousarray(signal, np.float64))
    poles = learn_frequencies(sound, count, damped=True, seed=seed)
    low, high = T60_RANGE_S
    t60 = (LN1000 / (poles.decay[0] * sample_rate).clamp_min(1e-9)).clamp(low, high)
    freq = poles.omega[0] * sample_rate / (2.0 * math.pi)
    return freq.numpy(), t60.numpy(), poles.amplitude[0].numpy()


@torch.enable_grad()
def _descend(bank: SurrogateBank, signal: Tensor, descents: int) -> None:
    optimiser = torch.optim.Adam(bank.parameters(), RATE / signal.shape[-1])
    for _ in range(descents):
        optimiser.zero_grad()
        bank.loss(signal).sum().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    bank.part(signal)


def _jump(signal: Tensor, poles: Poles, damped: bool, rounds: int) -> Poles:
    error = _error(signal, poles)
    for _ in range(rounds):
        before = error
        for rank in range(poles.omega.shape[-1]):
            moved = _moved(signal, poles, rank)
            tried = polish(signal, moved, damped=damped, rounds=12, settled=SETTLED)
            attempt = _error(signal, tried)
            won = attempt < BETTER * error
            poles = _where(won, tried, poles)
            error = torch.where(won, attempt, error)
        if bool((error >= BETTER * before).all()):
            break
    return polish(signal, poles, damped=damped)


def _moved(signal: Tensor, poles: Poles, rank: int) -> Poles:
    """The pole of the given rank, weakest first, at the highest peak of what the others leave."""
    length = signal.shape[-1]
    energy = poles.amplitude.abs().square() / (poles.decay + 0.5 / length)
    which = energy.argsort(-1)[:, rank, None]
    waves = powers(poles.omega, poles.decay, length)
    others = waves.scatter(1, which[..., None].expand(-1, -1, length), 0.0)
    left = residual(others, solve_amplitude(others, signal), signal)
    omega = poles.omega.scatter(1, which, residual_peak(left)[:, None])
    decay = poles.decay.scatter(1, which, torch.full_like(omega[:, :1], 1.0 / length))
    return Poles(omega, decay, poles.amplitude)


def _error(signal: Tensor, poles: Poles) -> Tensor:
    waves = powers(poles.omega, poles.decay, signal.shape[-1])
    return residual(waves, poles.amplitude, signal).square().sum(-1)


def _where(won: Tensor, yes: Poles, no: Poles) -> Poles:
    pick = won[:, None]
    return Poles(
        torch.where(pick, yes.omega, no.omega),
        torch.where(pick, yes.decay, no.decay),
        torch.where(pick, yes.amplitude, no.amplitude),
    )


def _sorted(poles: Poles) -> Poles:
    order = poles.omega.argsort(-1)
    return Poles(
        *(field.gather(-1, order) for field in (poles.omega, poles.decay, poles.amplitude))
    )
