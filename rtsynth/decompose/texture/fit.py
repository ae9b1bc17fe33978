"""One texture event for a whole recording, fitted on statistics alone. Thread: worker.

Hum, then clicks are told from the hiss; its levels and motion are then those with which a rendering
has the recording's medians and lower deviations per band (simulated moments: McFadden 1989). Both
are measured in the same way, so that leakage, clicks and windows bias neither against the other.
"""

import dataclasses

import numpy as np

from rtsynth.decompose.damped import Float, Modes
from rtsynth.decompose.synthesis import event_signal
from rtsynth.decompose.texture.click import (
    click_modes,
    find_clicks,
    fit_strengths,
)
from rtsynth.decompose.texture.hum import find_hum, without_hum
from rtsynth.decompose.texture.statistics import HOP, band_levels, texture_w1
from rtsynth.dsp.texture import NODES_PER_CYCLE
from rtsynth.errors import ValueRangeError
from rtsynth.events import Event, Kind
from rtsynth.instrument import NOISE_BANDS, NOISE_EDGES_HZ, Instrument

__all__ = ["SHORTEST_S", "TextureFit", "fit_texture", "render_texture"]

SHORTEST_S = 1.0
SILENCE = 1e-6  # deviation, −120 dBFS
LONGEST_S = 120.0  # statistics of a longer recording are those of its beginning
ROUNDS = 4
STEP = 0.7  # what is lacking is itself measured with error
LEAST_DEPTH_DB = 0.5
MOST_DEPTH_DB = 12.0
CERTAIN = 2.0  # errors of its own measurement that motion must exceed
FEWEST_CYCLES = 4.0  # heard of it
RATES_HZ = np.geomspace(0.1, 12.0, 97)  # a window of 43 ms blurs what is faster
LAGS = 256
TUNED_S, TUNINGS, TUNING_SEED = 40.0, 4, 2001
GOOD_W1, BETTER_W1 = 0.015, 0.004
FEWEST_CLICKS = 3
DROWNED = 1.15  # clicks per click seen; fewer are what dead times hide
WEAKEST_MODE = 10.0 ** (-60.0 / 20.0)


@dataclasses.dataclass(frozen=True)
class TextureFit:
    """One texture, ready for a row of an instrument.

    Attributes:
        band_gain: [32] RMS amplitude per band.
        am_depth_db: [32] standard deviation of each band's level.
        am_rate_hz: of that motion.
        click_rate_hz: clicks per second.
        click_spread_db: standard deviation of their strengths.
        click: modes of a click of median strength.
        hum_hz: [partials].
        hum_gain: [partials].
        seconds: length of the recording.
    """

    band_gain: Float
    am_depth_db: Float
    am_rate_hz: float
    click_rate_hz: float
    click_spread_db: float
    click: Modes
    hum_hz: Float
    hum_gain: Float
    seconds: float

    @classmethod
    def silence(cls, seconds: float) -> "TextureFit":
        """Nothing, for so long."""
        none = np.zeros(NOISE_BANDS)
        return cls(none, none, 0.0, 0.0, 0.0, Modes.none(), np.zeros(0), np.zeros(0), seconds)

    @property
    def sounds(self) -> bool:
        """Whether anything is to be heard of it."""
        return bool(self.band_gain.any() or self.hum_gain.any() or self.click_rate_hz > 0.0)

    def write(self, instrument: Instrument, resonance: int) -> None:
        """Put the texture into a row of an instrument with room for the click's modes."""
        instrument.set_modes(resonance, self.click.freq_hz, self.click.t60_s, self.click.amplitude)
        instrument.texture_gain[resonance] = self.band_gain
        instrument.am_depth_db[resonance] = self.am_depth_db
        instrument.am_rate_hz[resonance] = self.am_rate_hz
        instrument.click_rate_hz[resonance] = self.click_rate_hz
        instrument.click_gain[resonance] = instrument.impulse[resonance]
        instrument.click_spread_db[resonance] = self.click_spread_db
        instrument.hum_hz[resonance] = instrument.hum_gain[resonance] = 0.0
        instrument.hum_hz[resonance, : len(self.hum_hz)] = self.hum_hz
        instrument.hum_gain[resonance, : len(self.hum_hz)] = self.hum_gain
        instrument.names[resonance] = "texture"

    def instrument(self, sample_rate: int = 48_000) -> Instrument:
        """An instrument of this one resonance."""
        made = Instrument.blank(1, max(len(self.click), 1), attack_rate=sample_rate)
        self.write(made, 0)
        return made

    def event(self, number: int = 1, resonance: int = 0) -> Event:
        """The one event, as long as the recording."""
        return Event(
            id=number,
            kind=Kind.TEXTURE,
            resonance=resonance,
            duration_s=self.seconds,
            release_s=0.05,
            name="texture",
            seed=number,
        )


def fit_texture(signal: Float, sample_rate: int) -> TextureFit:
    """The texture whose statistics are a recording's.

    Args:
        signal: [samples] of one channel; its mean is of no account.
        sample_rate: Hz.

    Returns:
        The texture; without clicks, motion or hum where none stand out. Silence has gains of 0.

    Raises:
        ValueRangeError: shorter than 1 s, or NaN or infinity within.
    """
    whole = np.asarray(signal, float)
    seconds = len(whole) / sample_rate
    if seconds < SHORTEST_S:
        raise ValueRangeError(
            f"signal = {seconds:.3f} s; legal: {SHORTEST_S:g} s or more, as statistics need it",
            field="signal",
        )
    if not np.isfinite(whole).all():
        raise ValueRangeError("signal holds NaN or infinity; legal: finite samples", field="signal")
    part = whole[: round(LONGEST_S * sample_rate)]
    part = part - part.mean()
    if float(part.std()) < SILENCE:
        return _still(seconds)
    hum_hz, hum_gain = find_hum(part, sample_rate)
    clean = without_hum(part, sample_rate, hum_hz)
    rate, spread, click, guessed = _fit_clicks(clean, sample_rate)
    fit = dataclasses.replace(
        _still(seconds),
        click_rate_hz=rate,
        click_spread_db=spread,
        click=click,
        hum_hz=hum_hz,
        hum_gain=hum_gain,
    )
    fit = _fit_hiss(clean, sample_rate, fit)
    tuned = _tune_clicks(clean, sample_rate, fit) if guessed else fit
    return fit if tuned is fit else _fit_hiss(clean, sample_rate, tuned, again=True)


def render_texture(fit: TextureFit, sample_rate: int, seconds: float, seed: int = 1) -> Float:
    """[samples] of the texture as `event_signal` makes it."""
    event = dataclasses.replace(fit.event(), seed=seed, duration_s=seconds)
    length = round(seconds * sample_rate)
    return event_signal(event, fit.instrument(sample_rate), sample_rate, length)


def _still(seconds: float) -> TextureFit:
    none = np.zeros(0)
    flat = np.zeros(NOISE_BANDS)
    return TextureFit(flat, flat, 0.0, 0.0, 0.0, Modes.none(), none, none, seconds)


def _fit_clicks(clean: Float, sample_rate: int) -> tuple[float, float, Modes, bool]:
    """Rate per second, spread in dB, modes of a median click; whether many drown in the noise."""
    clicks = find_clicks(clean, sample_rate)
    seconds = len(clean) / sample_rate
    if len(clicks.frames) < FEWEST_CLICKS:
        return 0.0, 0.0, Modes.none(), False
    rate, median, spread = fit_strengths(clicks, seconds)
    modes = click_modes(clicks.shape, sample_rate)
    size = np.abs(modes.amplitude)
    modes = modes.take(size > WEAKEST_MODE * size.max())
    if len(modes) == 0:
        return 0.0, 0.0, modes, False
    guessed = rate * seconds > DROWNED * len(clicks.frames)
    louder = dataclasses.replace(modes, amplitude=modes.amplitude * median)
    return rate, spread, louder, guessed


def _tune_clicks(clean: Float, sample_rate: int, fit: TextureFit) -> TextureFit:
    """Clicks as strong and as spread as the noise statistic asks, where that tells much.

    Only those above the noise were seen: how the rest are spread is a guess until here.
    """
    part = clean[: round(TUNED_S * sample_rate)]
    silent = dataclasses.replace(fit, hum_hz=np.zeros(0), hum_gain=np.zeros(0))

    def distance(gain_db: float, spread: float) -> float:
        click = dataclasses.replace(
            fit.click, amplitude=fit.click.amplitude * 10.0 ** (gain_db / 20.0)
        )
        other = dataclasses.replace(silent, click=click, click_spread_db=spread)
        return texture_w1(
            part, render_texture(other, sample_rate, TUNED_S, TUNING_SEED), sample_rate
        )

    gain_db, spread = 0.0, fit.click_spread_db
    best = distance(gain_db, spread)
    for _ in range(TUNINGS):
        moves = ((3.0, 1.0), (0.0, 1.25), (-3.0, 1.0), (0.0, 0.8))
        offers = [(gain_db + more, spread * factor) for more, factor in moves]
        found = [distance(*offer) for offer in offers] if best > GOOD_W1 else [best]
        at = int(np.argmin(found))
        if found[at] > best - BETTER_W1:
            break
        best, (gain_db, spread) = found[at], offers[at]
    if (gain_db, spread) == (0.0, fit.click_spread_db):
        return fit
    louder = fit.click.amplitude * 10.0 ** (gain_db / 20.0)
    return dataclasses.replace(
        fit, click=dataclasses.replace(fit.click, amplitude=louder), click_spread_db=spread
    )


def _fit_hiss(clean: Float, sample_rate: int, fit: TextureFit, again: bool = False) -> TextureFit:
    """Levels and motion of the bands, by rendering and comparing; if again, from what they are."""
    silent = dataclasses.replace(fit, hum_hz=np.zeros(0), hum_gain=np.zeros(0))
    seconds = len(clean) / sample_rate
    target = _levels(clean, sample_rate)
    clicks = fit.click_rate_hz > 0.0
    level, lower = _usual(target, clicks), _spread(target)[1]
    own = (NOISE_EDGES_HZ[:-1] < 0.49 * sample_rate) & (level > -170.0)
    gain = fit.band_gain if again else np.where(own, 10.0 ** (level / 20.0), 0.0)
    for number in range(2 if again else 0, ROUNDS):
        silent = dataclasses.replace(silent, band_gain=gain)
        made = _levels(render_texture(silent, sample_rate, seconds, 1000 + number), sample_rate)
        moved = _spread(made)[1]
        before = silent
        if number == 1:
            depth, rate = _motion(target, made, lower, moved, sample_rate)
            silent = dataclasses.replace(silent, am_depth_db=depth * own, am_rate_hz=rate)
        elif number > 1:
            silent = _corrected(silent, target, made)
        if clicks:
            swell = silent.am_depth_db**2 - before.am_depth_db**2  # medians fall as depths grow
            gain = gain * 10.0 ** (swell * np.log(10.0) / 400.0)
        step = np.clip(level - _usual(made, clicks), -12.0, 12.0)
        gain = np.where(own, gain * 10.0 ** (step / 20.0), 0.0)
    return dataclasses.replace(
        fit, band_gain=gain, am_depth_db=silent.am_depth_db, am_rate_hz=silent.am_rate_hz
    )


def _corrected(fit: TextureFit, target: Float, made: Float) -> TextureFit:
    """The motion's depth, by what a rendering of it still lacks against the recording."""
    if not fit.am_depth_db.any():
        return fit
    lower, moved = _spread(target)[1], _spread(made)[1]
    power = fit.am_depth_db**2 + STEP * (lower**2 - moved**2)
    depth = np.minimum(np.sqrt(np.maximum(power, 0.0)), MOST_DEPTH_DB)
    depth = np.where((fit.am_depth_db > 0.0) & (depth >= LEAST_DEPTH_DB), depth, 0.0)
    return dataclasses.replace(
        fit, am_depth_db=depth, am_rate_hz=fit.am_rate_hz if depth.any() else 0.0
    )


def _levels(signal: Float, sample_rate: int) -> Float:
    """[frames, 32] level of the bands in dB."""
    levels: Float = 10.0 * np.log10(band_levels(signal, sample_rate) + 1e-24)
    return levels


def _usual(levels: Float, clicks: bool) -> Float:
    """[32] the bands' mean power in dB; under clicks their medians, which those hardly move."""
    if clicks:
        return _spread(levels)[0]
    mean: Float = 10.0 * np.log10(np.mean(10.0 ** (levels / 10.0), axis=0))
    return mean


def _spread(levels: Float) -> tuple[Float, Float, Float]:
    """Median, and how far the lower and the upper sixth lie from it.

    In a normal distribution that is one standard deviation; clicks move the upper one only.
    """
    low, middle, high = np.quantile(levels, (0.1587, 0.5, 0.8413), axis=0)
    return middle, middle - low, high - middle


def _motion(
    target: Float, made: Float, lower: Float, steady: Float, sample_rate: int
) -> tuple[Float, float]:
    """[32] depth in dB and the common rate in Hz of what moves more than the rendering does."""
    # of n frames that overlap by half, a sixth lies from the median with an error of 1.6 / √n
    error = 1.6 * np.sqrt(2.0 / len(target)) * 2.0 * lower**2
    more = lower**2 - steady**2
    depth = np.minimum(np.sqrt(np.maximum(more, 0.0)), MOST_DEPTH_DB)
    depth = np.where((depth < LEAST_DEPTH_DB) | (more < CERTAIN * error), 0.0, depth)
    if not depth.any():
        return depth, 0.0
    excess = (_covariance(target, lower) - _covariance(made, steady))[1:]
    shape = excess @ np.where(depth > 0.0, 1.0, 0.0)
    lag_s = np.arange(1, len(shape) + 1) * HOP / sample_rate
    expected = _correlation(np.outer(RATES_HZ, lag_s))
    explained = (expected @ shape) / np.linalg.norm(expected, axis=1)
    if explained.max() <= 0.0:
        return np.zeros_like(depth), 0.0
    rate = float(RATES_HZ[int(np.argmax(explained))])
    if rate * len(target) * HOP / sample_rate < FEWEST_CYCLES:  # that was one movement, once
        return np.zeros_like(depth), 0.0
    return depth, rate


def _covariance(levels: Float, lower: Float) -> Float:
    """[lags, 32] autocovariance of the levels, what clicks lift above being cut off.

    At most 256 lags.
    """
    centred = levels - np.median(levels, axis=0)
    centred = np.clip(centred, -3.0 * lower, lower)
    centred -= centred.mean(axis=0)
    count = len(levels)
    size = 1 << int(np.ceil(np.log2(2 * count)))
    spectrum = np.abs(np.fft.rfft(centred, size, axis=0)) ** 2
    covariance = np.fft.irfft(spectrum, size, axis=0)[: min(count // 2, LAGS)]
    scaled: Float = covariance / (count - np.arange(len(covariance)))[:, None]
    return scaled


def _correlation(cycles: Float) -> Float:
    """Correlation of the motion (`rtsynth.dsp.texture.swell_db`) with itself so many cycles later.

    Averaged over where in a node's reach the first moment falls; 0 from two nodes on.
    """
    nodes = np.minimum(cycles * NODES_PER_CYCLE, 2.0)
    turn = 0.5 * np.pi * nodes
    correlation: Float = (1.0 - 0.5 * nodes) * np.cos(turn) + np.sin(turn) / np.pi
    return correlation
