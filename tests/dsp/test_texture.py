"""A texture is noise of the colour and motion asked for, its clicks Poisson, in any order."""

import itertools

import numpy as np
import pytest

from rtsynth.dsp.click import (
    CELLS_PER_S,
    clicks_before,
    count_clicks,
    drive_clicks,
)
from rtsynth.dsp.fft import BINS, GRAIN, fft_tables
from rtsynth.dsp.hum import add_hum
from rtsynth.dsp.registers import TICK
from rtsynth.dsp.texture import (
    HOP,
    band_spans,
    band_weights,
    grain_window,
    overlap_add,
    swell_db,
    take_out,
    texture_grain,
)
from rtsynth.instrument import NOISE_EDGES_HZ
from tests.contract import verify_contract
from tests.dsp import twins

RATE = 48_000
BANDS = len(NOISE_EDGES_HZ) - 1
WEIGHTS = band_weights(NOISE_EDGES_HZ, RATE)
SPANS = band_spans(WEIGHTS)
TABLES, WINDOW = fft_tables(), grain_window()
FLAT = np.zeros(BANDS, np.float32)


class Texture:
    """Grains of one seed, overlap-added into a ring."""

    channels = 1

    def __init__(self, gains: np.ndarray | None = None, seed: int = 5) -> None:
        self.gains = np.full(BANDS, 0.02, np.float32) if gains is None else gains
        self.depth, self.rate = FLAT, 0.0
        self.seed = np.uint64(seed)
        self.data = np.zeros((3, GRAIN), np.float32)
        self.ring = np.zeros(2 * GRAIN, np.float32)
        self.reset()

    def reset(self) -> None:
        self.ring[:] = 0.0
        self.at = 0
        self.add(-1)
        self.ring[-HOP:] = 0.0  # the half of grain −1 that lies before the onset

    def grain(self, index: int) -> np.ndarray:
        texture_grain(
            self.seed,
            index,
            self.gains,
            FLAT,
            self.depth,
            self.rate,
            WEIGHTS,
            SPANS,
            TABLES,
            self.data,
        )
        grain: np.ndarray = self.data[0]
        return grain

    def add(self, index: int) -> None:
        overlap_add(self.grain(index), WINDOW, index * HOP % len(self.ring), self.ring)

    def process(self, out: np.ndarray) -> None:
        done = 0
        while done < len(out):
            if self.at % HOP == 0:
                self.add(self.at // HOP)
            n = min(HOP - self.at % HOP, len(out) - done)
            slot = self.at % len(self.ring)
            out[done : done + n, 0] = self.ring[slot : slot + n]
            self.ring[slot : slot + n] = 0.0
            self.at += n
            done += n

    def play(self, frames: int) -> np.ndarray:
        out = np.zeros((frames, 1), np.float32)
        self.process(out)
        return out[:, 0]


def test_the_texture_keeps_the_contract() -> None:
    verify_contract(Texture, frames=20_000)


def test_a_grain_equals_its_twin_within_1e_5_of_its_peak() -> None:
    gains = np.random.default_rng(0).uniform(0.0, 0.1, BANDS).astype(np.float32)
    vector = np.linspace(-12.0, 6.0, BANDS).astype(np.float32)
    data = np.zeros((3, GRAIN), np.float32)
    for index in (-1, 0, 5, 10**6):
        texture_grain(np.uint64(8), index, gains, vector, FLAT, 0.0, WEIGHTS, SPANS, TABLES, data)
        expected = twins.texture_grain(
            8, index, gains.astype(float), vector.astype(float), WEIGHTS.astype(float), GRAIN
        )
        assert np.abs(data[0] - expected).max() < 1e-5 * np.abs(expected).max()


def test_grains_may_be_made_in_any_order() -> None:
    texture = Texture()
    forwards = [texture.grain(k).copy() for k in range(8)]
    for k in (5, 0, 7, 3):
        assert np.array_equal(texture.grain(k), forwards[k])


def test_neighbouring_grains_and_other_seeds_are_uncorrelated() -> None:
    flat = np.sqrt(np.diff(NOISE_EDGES_HZ)).astype(np.float32)  # per hertz: some 430 bins
    grains = [Texture(flat, seed).grain(k).copy() for seed in (1, 2) for k in range(4)]
    correlation = np.corrcoef(grains) - np.eye(len(grains))
    assert np.abs(correlation).max() < 5.0 / np.sqrt(2 * 430)


def rms_per_band(sound: np.ndarray) -> np.ndarray:
    """[BANDS] RMS amplitude by periodogram."""
    power = 2.0 * np.abs(np.fft.rfft(sound)) ** 2 / len(sound) ** 2
    freq = np.fft.rfftfreq(len(sound), 1.0 / RATE)
    band = np.searchsorted(NOISE_EDGES_HZ, freq, "right") - 1
    inside = (band >= 0) & (band < BANDS)
    return np.sqrt(np.bincount(band[inside], power[inside], BANDS))


@pytest.mark.parametrize("band", [6, 12, 20, 31])
def test_a_band_has_the_rms_amplitude_asked_for(band: int) -> None:
    gains = np.zeros(BANDS, np.float32)
    gains[band] = 0.1
    sound = Texture(gains).play(20 * RATE)
    rms = np.sqrt((sound.astype(float) ** 2).mean())
    assert 20.0 * np.log10(rms / 0.1) == pytest.approx(0.0, abs=0.5)  # dB


def test_every_band_of_a_full_texture_is_as_asked() -> None:
    gains = np.geomspace(0.02, 0.1, BANDS).astype(np.float32)
    found = rms_per_band(Texture(gains).play(20 * RATE))
    wide = np.diff(NOISE_EDGES_HZ) > 4 * RATE / GRAIN  # narrower ones share their bins
    level_db = 20.0 * np.log10(found / gains)[wide]
    assert wide.sum() > 12
    assert np.abs(level_db).max() < 0.5


def test_the_power_is_stationary() -> None:
    sound = np.stack([Texture(seed=s).play(8 * HOP) for s in range(200)])
    power = (sound.astype(float) ** 2).mean(axis=0).reshape(-1, 64).mean(axis=1)
    assert np.abs(10.0 * np.log10(power / power.mean())).max() < 0.75  # dB, along the grains
    assert (WINDOW[:HOP] ** 2 + WINDOW[HOP:] ** 2) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("rate", [22_050, 44_100, 48_000, 96_000])
def test_band_weights_conserve_power_below_the_nyquist_frequency(rate: int) -> None:
    weights = band_weights(NOISE_EDGES_HZ, rate)
    assert weights.shape == (BANDS, BINS)
    assert (weights >= 0.0).all()
    first, last = rate / GRAIN / 2, rate / 2 - rate / GRAIN / 2  # edges of the bins used
    low, high = NOISE_EDGES_HZ[:-1], NOISE_EDGES_HZ[1:]
    share = np.clip(np.minimum(high, last) - np.maximum(low, first), 0.0, None) / (high - low)
    assert weights.sum(axis=1) == pytest.approx(share, abs=1e-6)


def test_a_span_holds_all_of_its_band_and_no_more() -> None:
    for weights, (first, last) in zip(WEIGHTS, SPANS, strict=True):
        assert not weights[:first].any()
        assert not weights[last:].any()
        assert first == last or min(weights[first], weights[last - 1]) > 0.0


@pytest.mark.parametrize("position", [0, 3, 50, 64, 100])
@pytest.mark.parametrize("first", [0, 5])
def test_what_is_taken_out_of_a_ring_leaves_silence(position: int, first: int) -> None:
    ring = np.arange(1, 65, dtype=np.float32)
    out = np.full(TICK, 7.0, np.float32)
    place = (position + np.arange(TICK)) % 64
    expected = np.where(np.arange(TICK) < first, 0.0, ring[place])
    left = ring.copy()
    left[place[first:]] = 0.0
    take_out(position, first, ring, out)
    assert np.array_equal(out, expected)
    assert np.array_equal(ring, left)


def test_overlap_add_wraps_around_the_ring() -> None:
    ring = np.ones(12, np.float32)
    overlap_add(np.arange(8, dtype=np.float32), np.full(8, 0.5, np.float32), 7, ring)
    expected = np.ones(12)
    expected[(7 + np.arange(8)) % 12] += 0.5 * np.arange(8)
    assert np.array_equal(ring, expected)


def moving(depth_db: float, rate_hz: float, seed: int) -> Texture:
    texture = Texture(seed=seed)
    texture.depth, texture.rate = np.full(BANDS, depth_db, np.float32), rate_hz / RATE
    texture.reset()
    return texture


def test_a_moving_texture_keeps_the_contract() -> None:
    verify_contract(lambda: moving(6.0, 20.0, 3), frames=20_000)


def test_the_motion_has_zero_mean_and_unit_variance_at_every_moment() -> None:
    for at in (0.0, 0.13, 0.25, 0.4):
        values = [swell_db(np.uint64(seed), 3, at + 100.0) for seed in range(4_000)]
        assert np.mean(values) == pytest.approx(0.0, abs=0.06)
        assert np.std(values) == pytest.approx(1.0, abs=0.05)


def test_the_motion_is_smooth_and_has_forgotten_itself_after_a_cycle() -> None:
    cycles = np.arange(4_000) * 0.25
    values = np.array([swell_db(np.uint64(1), 5, float(c)) for c in cycles])
    assert abs(np.corrcoef(values[:-4], values[4:])[0, 1]) < 0.1
    steps = [swell_db(np.uint64(1), 5, c * 1e-3) for c in range(2_000)]
    assert np.abs(np.diff(steps)).max() < 0.02


def test_bands_move_apart() -> None:
    cycles = np.arange(2_000) * 1.0
    pair = [[swell_db(np.uint64(1), band, float(c)) for c in cycles] for band in (4, 5)]
    assert abs(np.corrcoef(pair)[0, 1]) < 0.1


def test_the_depth_of_the_motion_in_decibels_is_measured_and_the_rms_amplitude_kept() -> None:
    gains = np.zeros(BANDS, np.float32)
    gains[28] = 0.05  # a wide band: its noise alone wavers by little
    texture = moving(4.0, 1.0, 2)
    texture.gains = gains
    sound = texture.play(120 * RATE).astype(float)
    power = (sound.reshape(-1, 4_800) ** 2).mean(axis=1)
    assert np.std(10 * np.log10(power)) == pytest.approx(4.0, abs=0.5)  # dB
    assert 10 * np.log10(power.mean() / 0.05**2) == pytest.approx(0.0, abs=0.75)  # dB


CELL = RATE / CELLS_PER_S


def click_drive(first: int, last: int, rate_hz: float = 20.0, seed: int = 4) -> np.ndarray:
    drive = np.zeros(last - first)
    drive_clicks(np.uint64(seed), first, last, rate_hz / RATE, CELL, 6.0, 1.0, drive)
    return drive


@pytest.mark.parametrize("rate_hz", [0.5, 8.0, 50.0])
def test_clicks_per_second_equal_the_rate_within_sampling_error(rate_hz: float) -> None:
    found = np.count_nonzero(click_drive(0, 400 * RATE, rate_hz))
    assert abs(found - 400 * rate_hz) < 3.5 * np.sqrt(400 * rate_hz)


def test_cells_have_poisson_counts_and_waits_are_exponential() -> None:
    counts = [count_clicks(np.uint64(2), cell, 0.8) for cell in range(20_000)]
    assert np.mean(counts) == pytest.approx(0.8, abs=0.03)
    assert np.var(counts) == pytest.approx(0.8, abs=0.04)
    waits = np.diff(np.flatnonzero(click_drive(0, 400 * RATE))) / RATE
    assert np.std(waits) / np.mean(waits) == pytest.approx(1.0, abs=0.05)


def test_strengths_are_log_normal_about_the_median() -> None:
    drive = click_drive(0, 200 * RATE)
    level = 20 * np.log10(drive[drive > 0])
    assert np.median(level) == pytest.approx(0.0, abs=0.5)  # dB
    assert np.std(level) == pytest.approx(6.0, abs=0.3)  # dB


def test_clicks_are_the_same_in_any_blocks_and_order() -> None:
    whole = click_drive(0, 3 * RATE)
    cuts = np.unique(np.random.default_rng(0).integers(1, 3 * RATE, 200))
    edges = [0, *cuts.tolist(), 3 * RATE]
    pieces = {a: click_drive(a, b) for a, b in reversed(list(itertools.pairwise(edges)))}
    assert np.array_equal(whole, np.concatenate([pieces[a] for a in sorted(pieces)]))


def test_nothing_clicks_before_the_onset() -> None:
    assert not click_drive(-RATE, 0, 50.0).any()


def test_the_clicks_before_a_frame_are_those_that_were_played() -> None:
    age, reach = 2 * RATE, RATE
    drive = click_drive(0, age)
    out = np.zeros((2, 512))
    count = clicks_before(np.uint64(4), age, float(reach), 20.0 / RATE, CELL, 6.0, 1.0, 256, out)
    rebuilt = np.zeros(age)
    np.add.at(rebuilt, age - 1 - out[0, :count].astype(int), out[1, :count])
    assert np.array_equal(rebuilt[age - reach :], drive[age - reach :])


def test_hum_has_its_frequency_amplitude_and_phase_in_the_middle() -> None:
    hums = np.array([[50.0, 30_000.0], [0.1, 1.0]], np.float32)
    out = np.zeros(32, np.float32)
    age = 3_600 * RATE + 64
    add_hum(hums, 2, age, float(RATE), 4, out)
    expected = 0.1 * np.sin(2 * np.pi * 50.0 * (age + np.arange(32)) / RATE)
    assert not out[:4].any()
    assert np.abs(out - expected)[4:].max() < 1e-6
