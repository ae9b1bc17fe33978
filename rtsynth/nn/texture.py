"""A texture in torch: its sound by the engine's own counters, and what its statistics should be.

Levels, depths and strengths have gradients in both; the rate of clicks only in the statistics, as
the moments of clicks are drawn, not computed. The moments of filtered Poisson processes are
Campbell's (Rice 1944). Thread: worker.
"""

import dataclasses
import math

import numpy as np
import torch
from torch import Tensor, nn

from rtsynth.dsp.click import CELLS_PER_S, count_clicks, place_click, size_click
from rtsynth.dsp.fft import BINS, GRAIN
from rtsynth.dsp.noise import fill_gaussian
from rtsynth.dsp.texture import HOP, band_weights, swell_db
from rtsynth.instrument import NOISE_BANDS, NOISE_EDGES_HZ

__all__ = ["Texture", "TextureMoments"]

OVERLAP = 0.75
"""A moment lies in two grains with shares sin² and cos² of their power: the mean of sin⁴ + cos⁴."""

DB_TO_LN = math.log(10.0) / 20.0


@dataclasses.dataclass(frozen=True)
class TextureMoments:
    """What a long stretch of the texture has on average, as its moments about the mean.

    Attributes:
        band_power: [32] mean square per band, clicks included.
        variance: [] of the waveform.
        kurtosis: [] of the waveform, E x⁴ / (E x²)²; 3 for steady noise.
    """

    band_power: Tensor
    variance: Tensor
    kurtosis: Tensor


class Texture(nn.Module):
    """Noise of 32 moving bands and clicks; float64 throughout.

    Attributes:
        gain_db: [32] level per band, dB re an RMS amplitude of 1.
        am_depth_db: [32] standard deviation of each band's level.
        click_rate_hz: [] clicks per second.
        click_gain_db: [] strength of the median click against `click`.
        click_spread_db: [] standard deviation of the strengths.
        click: [samples] what a click of strength 1 sounds like.
    """

    def __init__(
        self,
        gain_db: np.ndarray,
        sample_rate: int,
        *,
        am_depth_db: np.ndarray | None = None,
        am_rate_hz: float = 0.0,
        click: np.ndarray | None = None,
        click_rate_hz: float = 0.0,
        click_spread_db: float = 0.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        depth = np.zeros(NOISE_BANDS) if am_depth_db is None else am_depth_db
        self.sample_rate, self.am_rate_hz, self.seed = sample_rate, am_rate_hz, seed
        self.gain_db = nn.Parameter(torch.tensor(gain_db, dtype=torch.float64))
        self.am_depth_db = nn.Parameter(torch.tensor(depth, dtype=torch.float64))
        self.click_rate_hz = nn.Parameter(torch.tensor(click_rate_hz, dtype=torch.float64))
        self.click_gain_db = nn.Parameter(torch.tensor(0.0, dtype=torch.float64))
        self.click_spread_db = nn.Parameter(torch.tensor(click_spread_db, dtype=torch.float64))
        shape = np.zeros(1) if click is None else click
        self.click: Tensor
        self.weights: Tensor
        self.register_buffer("click", torch.tensor(shape, dtype=torch.float64))
        weights = band_weights(NOISE_EDGES_HZ, sample_rate)
        self.register_buffer("weights", torch.tensor(weights, dtype=torch.float64))

    def whole(self, length: int) -> Tensor:
        """[length] samples from the onset on."""
        return self.stretch(0, length)

    def step(self, state: int, frames: int) -> tuple[Tensor, int]:
        """The next samples, and where the one after them stands; 0 is the onset.

        Args:
            state: sample at which to go on.
            frames: how many.

        Returns:
            [frames], and state + frames.
        """
        return self.stretch(state, frames), state + frames

    def stretch(self, first: int, frames: int) -> Tensor:
        """[frames] samples from sample `first` ≥ 0 on, in whatever order they are asked."""
        return self._noise(first, frames) + self._clicks(first, frames)

    def _noise(self, first: int, frames: int) -> Tensor:
        begin = first // HOP - 1  # grains that reach into the stretch
        count = (first + frames - 1) // HOP - begin + 1
        normal = np.empty((2, count * BINS))
        fill_gaussian(np.uint64(self.seed), (begin + 1) * BINS, normal[0], normal[1])
        bins = torch.complex(*torch.from_numpy(normal)).reshape(count, BINS)
        # a conjugate pair of bins of variance σ² each way sounds with power 4σ²
        size = 0.5 * GRAIN * torch.sqrt(self._power(begin, count) @ self.weights + 1e-300)
        inside = torch.arange(BINS) > 0
        spectrum = torch.cat([bins * size * inside, torch.zeros(count, 1)], dim=1)
        angle = math.pi * (torch.arange(GRAIN, dtype=torch.float64) + 0.5) / GRAIN
        grains = torch.fft.irfft(spectrum, GRAIN) * torch.sin(angle)
        early, late = grains[1:, :HOP], grains[:-1, HOP:]
        at = first - (begin + 1) * HOP
        sound: Tensor = (early + late).reshape(-1)[at : at + frames]
        return sound

    def _power(self, begin: int, count: int) -> Tensor:
        """[grains, 32] power of every band in every grain."""
        level = self.gain_db.expand(count, -1)
        if self.am_rate_hz > 0.0:
            cycles = (begin + 1 + np.arange(count)) * HOP * self.am_rate_hz / self.sample_rate
            moved = torch.from_numpy(_swells(self.seed, cycles))
            level = level + self.am_depth_db * (moved - DB_TO_LN * self.am_depth_db)
        return torch.exp(2.0 * DB_TO_LN * level)

    def _clicks(self, first: int, frames: int) -> Tensor:
        rate, reach = float(self.click_rate_hz.detach()), len(self.click)
        low = max(first - reach + 1, 0)
        places, normals = _drawn(self.seed, rate, low, first + frames, self.sample_rate)
        drive = torch.zeros(first + frames - low, dtype=torch.float64)
        if len(places):
            db = self.click_gain_db + self.click_spread_db * torch.from_numpy(normals)
            drive = drive.index_add(0, torch.from_numpy(places - low), torch.exp(DB_TO_LN * db))
        size = len(drive) + reach
        sound: Tensor = torch.fft.irfft(
            torch.fft.rfft(drive, size) * torch.fft.rfft(self.click, size), size
        )
        return sound[first - low : first - low + frames]

    def moments(self) -> TextureMoments:
        """The statistics that a long stretch tends to."""
        power = torch.exp(2.0 * DB_TO_LN * self.gain_db) * self.weights.sum(dim=1)
        size = DB_TO_LN * self.click_gain_db
        spread = DB_TO_LN * self.click_spread_db
        per_frame = self.click_rate_hz / self.sample_rate
        second = per_frame * torch.exp(2.0 * size + 2.0 * spread**2)
        fourth = per_frame * torch.exp(4.0 * size + 8.0 * spread**2)
        energy = self._click_energy()
        clicks = second * (self.click**2).sum()
        variance = power.sum() + clicks
        moving = torch.expm1((2.0 * DB_TO_LN * self.am_depth_db) ** 2)
        if self.am_rate_hz <= 0.0:
            moving = torch.zeros_like(moving)
        excess = fourth * (self.click**4).sum() + 3.0 * (power**2 * moving).sum() * OVERLAP
        return TextureMoments(power + second * energy, variance, 3.0 + excess / variance**2)

    def _click_energy(self) -> Tensor:
        """[32] energy of a click per band."""
        size = max(GRAIN, len(self.click))
        spectrum = torch.fft.rfft(self.click, size).abs() ** 2 * (2.0 / size)
        hz = np.fft.rfftfreq(size, 1.0 / self.sample_rate)
        band = np.searchsorted(NOISE_EDGES_HZ, hz, "right") - 1
        inside = (band >= 0) & (band < NOISE_BANDS)
        at = torch.from_numpy(np.where(inside, band, 0))
        energy = torch.zeros(NOISE_BANDS, dtype=torch.float64)
        return energy.index_add(0, at, spectrum * torch.from_numpy(inside.astype(float)))


def _swells(seed: int, cycles: np.ndarray) -> np.ndarray:
    """[grains, 32] unit-variance motion of every band."""
    key = np.uint64(seed)
    moved = [[swell_db(key, band, at) for band in range(NOISE_BANDS)] for at in cycles.tolist()]
    return np.array(moved)


def _drawn(
    seed: int, rate_hz: float, first: int, last: int, sample_rate: int
) -> tuple[np.ndarray, np.ndarray]:
    """Frames of the clicks in first … last, and the normal numbers behind their strengths."""
    cell_frames, key = sample_rate / CELLS_PER_S, np.uint64(seed)
    found = [
        (frame, math.log(size_click(key, cell, i, 1.0)) / DB_TO_LN)
        for cell in range(int(first / cell_frames), int(last / cell_frames) + 1)
        for i in range(count_clicks(key, cell, rate_hz / sample_rate * cell_frames))
        if first <= (frame := place_click(key, cell, i, cell_frames)) < last
    ]
    places = np.array([frame for frame, _ in found], np.int64)
    return places, np.array([normal for _, normal in found], float)
