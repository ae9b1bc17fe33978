"""Exactly one resonance per event against a mixture, from the same modes, with as many modes.

Bank, choice and gains are all learned. In eight rounds over the first 60 % of the steps the choice
is learned from the sum of the events' magnitudes, the bank held, and the bank by crops, the choice
held; then the choice is frozen, and the magnitude of the sum counts. Ways to choose:

    one_em       one of R, hard EM
    one_gumbel   one of R, straight-through Gumbel-softmax, 25 steps on the whole clip per round
    one_vector   as one_em, and three smooth coordinates of brightness per event
    mix_em       at most four of 4R, greedily with their best gains ≥ 0, where hard EM takes one
    mix_relu     sparse weights ≥ 0 by gradient, 25 steps per round; the four largest are kept
    given        the decomposition's own choice, never changed: for orientation

A mixture's resonances have a quarter of the modes: an event has as many modes, and so has the bank.
"""

import dataclasses
import math
from typing import Any

import numpy as np
import torch
from ablate_bank import Bank, dealt, from_patches, present_only
from ablate_material import Clip
from ablate_report import report
from numpy.typing import NDArray
from torch import Tensor, nn

from rtsynth.losses import MultiScale
from rtsynth.losses.multiscale import smooth_magnitude
from rtsynth.nn.assign import hard_em, placed
from rtsynth.nn.choice import ANNEALED, GumbelChoice, ReluMixture

__all__ = ["STARTS", "WAYS", "Rates", "learn_choice"]

WAYS = ("given", "one_em", "one_gumbel", "one_vector", "mix_em", "mix_relu")
STARTS = ("decomposed", "patches")
PARTS = 4
COORDINATES = 3
CROP_S = 0.75
WINDOWS = (2048, 512)
SIZE, HOP, HEARD_S = 1024, 512, 0.4
PATCH_S = 0.1
ROUNDS, STEPS_PER_ROUND = 8, 25
SILENT = -20.0  # nepers: of a weight that is not used
SWEEPS = 3
BANDED = True  # neighbouring modes stay together: better for the mixture than every fourth


@dataclasses.dataclass(frozen=True)
class Rates:
    """Adam's rates per step: cents, nepers, radians, dB; logits and weights while choosing."""

    pitch: float = 1.0
    decay: float = 0.02
    level: float = 0.02
    phase: float = 0.05
    gain: float = 0.02
    vector: float = 0.3
    logits: float = 0.1
    weights: float = 0.02
    sparsity: float = 0.003


class Chooser(nn.Module):
    """What each event plays: `index` [E, k] and `log_gain` [E, k].

    Args:
        clip: events.
        bank: as the way needs it.
        way: of WAYS.
        seed: of Gumbel noise and first weights.
    """

    def __init__(self, clip: Clip, bank: Bank, way: str, seed: int) -> None:
        super().__init__()
        count, resonances = len(clip.onset), bank.shape[0]
        self.clip, self.bank, self.way = clip, bank, way
        kept = min(PARTS, resonances) if way.startswith("mix") else 1
        self.index = torch.zeros(count, kept, dtype=torch.int64)
        self.log_gain = nn.Parameter(_first_gain(clip)[:, None].repeat(1, kept))
        self.vector = nn.Parameter(torch.zeros(count, COORDINATES, dtype=torch.float64))
        numbers = torch.arange(1, COORDINATES + 1).double()
        self.curves = torch.cos(math.pi * numbers[:, None, None] * bank.octaves())
        taken = math.ceil(ROUNDS * STEPS_PER_ROUND / ANNEALED)
        self.choice = GumbelChoice(count, resonances, taken, seed=seed)
        self.mixture = ReluMixture(count, resonances, taken, kept, seed=seed)
        self.rough_gain = nn.Parameter(_first_gain(clip))

    def weights(self) -> Tensor:
        """[E, k, 1], or [E, k, M] where vectors shape the modes."""
        gains = self.log_gain.exp()[..., None]
        if self.way != "one_vector":
            return gains
        db = torch.einsum("ec,cekm->ekm", self.vector, self.curves[:, self.index])
        return gains * 10.0 ** (db / 20.0)

    def magnitudes(self) -> tuple[Tensor, Tensor, Tensor]:
        """[bins, frames] of what is to be explained, [E] first frames, [R, bins, frames]."""
        heard = int(HEARD_S * self.clip.rate)
        left = torch.from_numpy(self.clip.target - self.clip.rest).float()[None]
        wanted = smooth_magnitude(nn.functional.pad(left, (0, heard)), SIZE, HOP)[0]
        frame = torch.from_numpy(np.rint(self.clip.onset / HOP).astype(np.int64))
        return wanted, frame, smooth_magnitude(self.bank.alone(heard), SIZE, HOP)

    def choose(self, rates: Rates, *, first: bool) -> None:
        """A round of learning the choice with the bank held."""
        if self.way == "given":
            return
        with torch.no_grad():
            scene = self.magnitudes()
        if self.way in ("one_gumbel", "mix_relu"):
            self._by_gradient(scene, rates)
            self._keep()
            return
        if self.way == "mix_em":
            index, gain = pursue(*scene, kept=self.index.shape[1])
        else:
            found = hard_em(*scene, sweeps=SWEEPS)
            index, gain = found.index[:, None], found.gain[:, None]
        moved = (index != self.index).any(1, keepdim=True) | torch.tensor(first)
        log_gain = gain.double().clamp_min(math.exp(SILENT)).log()
        with torch.no_grad():
            self.log_gain.copy_(torch.where(moved, log_gain, self.log_gain))
        self.index = index

    def _by_gradient(self, scene: tuple[Tensor, Tensor, Tensor], rates: Rates) -> None:
        wanted, frame, sounds = scene
        own = self.choice.logits if self.way == "one_gumbel" else self.mixture.raw
        rate = rates.logits if self.way == "one_gumbel" else rates.weights
        groups = [{"params": [own], "lr": rate}, {"params": [self.rough_gain], "lr": 0.05}]
        optimiser = torch.optim.Adam(groups, betas=(0.9, 0.99))
        for _ in range(STEPS_PER_ROUND):
            optimiser.zero_grad()
            weights = self.choice() if self.way == "one_gumbel" else self.mixture()
            every = (self.rough_gain.exp()[:, None] * weights).float()
            events = (every @ sounds.flatten(1)).reshape(len(every), *sounds.shape[1:])
            made = placed(events, frame, wanted.shape[1])
            loss = (made - wanted).square().sum() / wanted.square().sum()
            if self.way == "one_gumbel":
                loss = loss + self.choice.balance_loss()
            else:
                loss = loss + rates.sparsity * self.mixture.sparsity_loss()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            if self.way == "one_gumbel":
                self.choice.advance(weights)
            else:
                self.mixture.advance()

    @torch.no_grad()
    def _keep(self) -> None:
        """Index and gains as learned by gradient so far."""
        if self.way == "one_gumbel":
            self.index = self.choice.index[:, None].clone()
            self.log_gain.copy_(self.rough_gain[:, None])
            return
        weights = self.rough_gain.exp()[:, None] * torch.relu(self.mixture.raw)
        largest = weights.topk(self.index.shape[1], dim=-1)
        self.index = largest.indices
        self.log_gain.copy_(largest.values.clamp_min(math.exp(SILENT)).log())


def _first_gain(clip: Clip) -> Tensor:
    """[E] logarithm of the gain that gives a resonance of unit energy the patch's energy."""
    left, count = clip.target - clip.rest, int(PATCH_S * clip.rate)
    energy = [float(np.sum(left[at : at + count] ** 2)) / clip.rate for at in clip.onset]
    return torch.from_numpy(0.5 * np.log(np.maximum(energy, 1e-10)))


@torch.no_grad()
def pursue(
    magnitude: Tensor, onset: Tensor, sounds: Tensor, kept: int, sweeps: int = SWEEPS
) -> tuple[Tensor, Tensor]:
    """Hard EM where an event may take up to `kept` resonances, one after the other.

    After each is taken the gains of all are solved for again, none below 0.

    Returns:
        [E, kept] index and gain.
    """
    count, length = len(onset), sounds.shape[2]
    left = nn.functional.pad(magnitude, (0, length))
    index = torch.zeros(count, kept, dtype=torch.int64)
    gain = magnitude.new_zeros(count, kept)
    whole = _products(sounds)
    for _ in range(sweeps):
        for event in onset.argsort(stable=True).tolist():
            at = int(onset[event])
            heard = min(length, magnitude.shape[1] - at)
            here, shapes = left[:, at : at + heard], sounds[:, :, :heard]
            here += torch.einsum("k,kft->ft", gain[event], shapes[index[event]])
            gram = whole if heard == length else _products(shapes)
            match = torch.einsum("ft,rft->r", here, shapes).double().numpy()
            index[event], gain[event] = _greedy(match, gram, kept)
            here -= torch.einsum("k,kft->ft", gain[event], shapes[index[event]])
    return index, gain


def _products(shapes: Tensor) -> NDArray[Any]:
    """[R, R] of every two shapes [R, bins, frames]."""
    flat = shapes.flatten(1)
    products: NDArray[Any] = (flat @ flat.T).double().numpy()
    return products


def _greedy(match: NDArray[Any], gram: NDArray[Any], kept: int) -> tuple[Tensor, Tensor]:
    """[kept] resonances and their gains, from the products with the patch [R] and [R, R]."""
    chosen: list[int] = []
    gains = np.zeros(0)
    size = np.maximum(gram.diagonal(), 1e-30)
    for _ in range(kept):
        left = match - gram[:, chosen] @ gains
        energies = np.maximum(left, 0.0) ** 2 / size
        energies[chosen] = -1.0
        chosen.append(int(energies.argmax()))
        gains = _least_squares(gram[np.ix_(chosen, chosen)], match[chosen])
    return torch.tensor(chosen), torch.from_numpy(gains).float()


def _least_squares(gram: NDArray[Any], match: NDArray[Any], rounds: int = 30) -> NDArray[Any]:
    """Gains ≥ 0 of least squares, by coordinate descent."""
    gains = np.zeros(len(match))
    for _ in range(rounds):
        for k in range(len(gains)):
            off = match[k] - gram[k] @ gains + gram[k, k] * gains[k]
            gains[k] = max(0.0, off / max(gram[k, k], 1e-30))
    return gains


def _groups(bank: Bank, chooser: Chooser, rates: Rates) -> list[dict[str, Any]]:
    pairs = [
        (bank.pitch, rates.pitch), (bank.decay, rates.decay), (bank.level, rates.level),
        (bank.phase, rates.phase), (chooser.log_gain, rates.gain), (chooser.vector, rates.vector),
    ]  # fmt: skip
    return [{"params": [parameter], "lr": rate, "top": rate} for parameter, rate in pairs]


def _loss(
    clip: Clip, bank: Bank, chooser: Chooser, first: int, count: int, choosing: bool
) -> Tensor:
    target = torch.from_numpy(clip.target[first : first + count]).float()[None]
    rest = torch.from_numpy(clip.rest[first : first + count]).float()[None]
    events = bank.active(first, count)
    weights = chooser.weights()[events]
    sounds = torch.cat([bank.sounds(events, chooser.index[events], weights, first, count), rest])
    if not choosing:
        return MultiScale()(target, sounds[None])[0]
    total = torch.zeros(())
    for size in WINDOWS:
        wanted = smooth_magnitude(target, size, size // 2)[0]
        made = smooth_magnitude(sounds, size, size // 2).sum(0)
        total = total + (made - wanted).square().sum() / wanted.square().sum().clamp_min(1e-9)
    return total / len(WINDOWS)


def learn_choice(
    clip: Clip, way: str, start: str, steps: int, seed: int, rates: Rates | None = None
) -> dict[str, Any]:
    """Train one way on a clip; everything that the table reports.

    Args:
        clip: what is learned from.
        way: of WAYS.
        start: "decomposed": the decomposition's bank, its choices forgotten; "patches": peaks of
            the spectra after onsets drawn at random, the same for every way.
        steps: of Adam.
        seed: of everything drawn.
        rates: of Adam.
    """
    rates = rates or Rates()
    bank = Bank(clip, _modes(clip, way, start, seed))
    chooser = Chooser(clip, bank, way, seed)
    if way == "given":
        chooser.index = torch.from_numpy(_given(clip))[:, None]
    optimiser = torch.optim.Adam(_groups(bank, chooser, rates), betas=(0.9, 0.99))
    random = np.random.Generator(np.random.PCG64(seed))
    count = min(int(CROP_S * clip.rate), len(clip.target))
    turns = sorted({round(r * ANNEALED * steps / ROUNDS) for r in range(ROUNDS)})
    for step in range(steps):
        if step in turns:
            chooser.choose(rates, first=step == 0)
        for group in optimiser.param_groups:
            share = 0.5 + 0.5 * math.cos(math.pi * step / steps)
            group["lr"] = group["top"] * (0.05 + 0.95 * share)
        first = int(random.integers(0, len(clip.target) - count + 1))
        optimiser.zero_grad()
        loss = _loss(clip, bank, chooser, first, count, choosing=step < ANNEALED * steps)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return report(clip, bank, chooser.index, chooser.weights().detach(), chooser.vector, way)


def _given(clip: Clip) -> NDArray[Any]:
    """[E] the decomposition's choice among the resonances that have modes."""
    number: NDArray[Any] = np.cumsum((clip.freq_hz > 0).any(axis=1)) - 1
    return number[clip.given]


def _modes(clip: Clip, way: str, start: str, seed: int) -> Any:
    modes = present_only(clip)
    if start == "patches":
        modes = from_patches(clip, len(modes[0]), clip.freq_hz.shape[1], seed)
    return dealt(modes, PARTS, banded=BANDED) if way.startswith("mix") else modes
