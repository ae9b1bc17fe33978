"""One texture event for a whole recording, fitted on statistics alone. Thread: worker.

Hum, then clicks are told from the hiss; its levels and motion are then those with which a rendering
has the recording's medians and lower deviations per band (simulated moments: McFadden 1989). Both
are measured in the same way, so that leakage, clicks and windows bias neither against the other.
"""

import dataclasses

import numpy as np

from rtsynth.decompose.damped import Float, Modes
from rtsynth.decompose.synthesis import event_signal
from rtsynth.decompose.texture_click import (
    MODES,
    click_modes,
    find_clicks,
    fit_strengths,
)
from rtsynth.decompose.texture_hum import find_hum, without_hum
from rtsynth.decompose.texture_statistics import HOP, WINDOW, band_levels
from rtsynth.dsp.texture import NODES_PER_CYCLE
from rtsynth.errors import ValueRangeError
from rtsynth.events import Event, Kind
from rtsynth.instrument import TEXTURE_BANDS, TEXTURE_EDGES_HZ, Instrument

__all__ = ["SHORTEST_S", "TextureFit", "fit_texture", "render_texture"]

SHORTEST_S = 1.0
SILENCE = 1e-6  # deviation, −120 dBFS
LONGEST_S = 120.0  # statistics of a longer recording are those of its beginning
ROUNDS = 4
LEAST_DEPTH_DB = 0.5
MOST_DEPTH_DB = 12.0
SLOWEST_HZ, FASTEST_HZ = 0.1, 12.0  # a window of 43 ms blurs what is faster
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

    def write(self, instrument: Instrument, resonance: int) -> None:
        """Put the texture into a row of an instrument with room for the click's modes."""
        instrument.set_modes(
            resonance, self.click.freq_hz, self.click.t60_s, self.click.amplitude
        )
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
    rate, spread, click = _fit_clicks(clean, sample_rate)
    fit = dataclasses.replace(
        _still(seconds),
        click_rate_hz=rate,
        click_spread_db=spread,
        click=click,
        hum_hz=hum_hz,
        hum_gain=hum_gain,
    )
    return _fit_hiss(clean, sample_rate, fit)


def render_texture(fit: TextureFit, sample_rate: int, seconds: float, seed: int = 1) -> Float:
    """[samples] of the texture as `event_signal` makes it."""
    event = dataclasses.replace(fit.event(), seed=seed, duration_s=seconds)
    length = round(seconds * sample_rate)
    return event_signal(event, fit.instrument(sample_rate), sample_rate, length)


def _still(seconds: float) -> TextureFit:
    none = np.zeros(0)
    flat = np.zeros(TEXTURE_BANDS)
    return TextureFit(flat, flat, 0.0, 0.0, 0.0, Modes.none(), none, none, seconds)


def _fit_clicks(clean: Float, sample_rate: int) -> tuple[float, float, Modes]:
    """Rate per second, spread in dB, and the modes of a median click."""
    clicks = find_clicks(clean, sample_rate)
    if len(clicks.frames) == 0:
        return 0.0, 0.0, Modes.none()
    rate, median, spread = fit_strengths(clicks, len(clean) / sample_rate)
    modes = click_modes(clicks.shape, sample_rate)
    size = np.abs(modes.amplitude)
    modes = modes.take(size > WEAKEST_MODE * size.max())
    if len(modes) == 0:
        return 0.0, 0.0, modes
    return rate, spread, dataclasses.replace(modes, amplitude=modes.amplitude * median)


def _fit_hiss(clean: Float, sample_rate: int, fit: TextureFit) -> TextureFit:
    """Levels and motion of the bands, by rendering and comparing."""
    silent = dataclasses.replace(fit, hum_hz=np.zeros(0), hum_gain=np.zeros(0))
    seconds = len(clean) / sample_rate
    target = _levels(clean, sample_rate)
    median, lower, _ = _spread(target)
    own = (TEXTURE_EDGES_HZ[1:] <= 0.5 * sample_rate) & (median > -170.0)
    gain = np.where(own, 10.0 ** (median / 20.0), 0.0)
    for number in range(ROUNDS):
        silent = dataclasses.replace(silent, band_gain=gain)
        made = _levels(render_texture(silent, sample_rate, seconds, 1000 + number), sample_rate)
        middle, steady, _ = _spread(made)
        if number == 1:
            depth, rate = _motion(target, made, lower, steady, sample_rate)
            silent = dataclasses.replace(
                silent, am_depth_db=np.where(own, depth, 0.0), am_rate_hz=rate
            )
            gain = gain * 10.0 ** (silent.am_depth_db**2 * np.log(10.0) / 400.0)
        step = np.clip(median - middle, -12.0, 12.0)
        gain = np.where(own, gain * 10.0 ** (step / 20.0), 0.0)
    return dataclasses.replace(
        fit, band_gain=gain, am_depth_db=silent.am_depth_db, am_rate_hz=silent.am_rate_hz
    )


def _levels(signal: Float, sample_rate: int) -> Float:
    """[frames, 32] level of the bands in dB."""
    levels: Float = 10.0 * np.log10(band_levels(signal, sample_rate) + 1e-24)
    return levels


def _spread(levels: Float) -> tuple[Float, Float, Float]:
    """Median, and how far the lower and the upper sixth lie from it, which in a normal
    distribution is one standard deviation; clicks move the upper one only."""
    low, middle, high = np.quantile(levels, (0.1587, 0.5, 0.8413), axis=0)
    return middle, middle - low, high - middle


def _motion(
    target: Float, made: Float, lower: Float, steady: Float, sample_rate: int
) -> tuple[Float, float]:
    """[32] depth in dB and the common rate in Hz of what moves more than the rendering does."""
    depth = np.sqrt(np.maximum(lower**2 - steady**2, 0.0))
    depth = np.where(depth < LEAST_DEPTH_DB, 0.0, np.minimum(depth, MOST_DEPTH_DB))
    if not depth.any():
        return depth, 0.0
    excess = _covariance(target, lower) - _covariance(made, steady)
    shape = excess @ np.where(depth > 0.0, 1.0, 0.0)
    if shape[0] <= 0.0:
        return np.zeros_like(depth), 0.0
    below = np.flatnonzero(shape < 0.5 * shape[0])
    if len(below) == 0:
        return depth, SLOWEST_HZ
    at = int(below[0])
    share = (shape[at - 1] - 0.5 * shape[0]) / (shape[at - 1] - shape[at])
    lag_s = (at - 1 + share) * HOP / sample_rate
    return depth, float(np.clip(HALF_LAG / (NODES_PER_CYCLE * lag_s), SLOWEST_HZ, FASTEST_HZ))


def _covariance(levels: Float, lower: Float) -> Float:
    """[lags, 32] autocovariance of the levels, what clicks lift above being cut off.

    Lags begin at the first at which windows do not overlap.
    """
    centred = levels - np.median(levels, axis=0)
    centred = np.clip(centred, -3.0 * lower, lower)
    centred -= centred.mean(axis=0)
    count = len(levels)
    size = 1 << int(np.ceil(np.log2(2 * count)))
    spectrum = np.abs(np.fft.rfft(centred, size, axis=0)) ** 2
    covariance = np.fft.irfft(spectrum, size, axis=0)[: count // 2]
    scaled: Float = covariance / (count - np.arange(len(covariance)))[:, None]
    return scaled


def _half_lag() -> float:
    """Lag in nodes at which the motion's correlation (`swell_db`) has fallen to one half."""
    turn = 0.5 * np.pi * np.linspace(0.0, 1.0, 401)[:-1]
    lags = np.linspace(0.0, 2.0, 401)
    fallen = []
    for lag in lags:
        late = turn + 0.5 * np.pi * lag
        node = np.floor(late / (0.5 * np.pi))
        rest = late - 0.5 * np.pi * node
        same = np.cos(turn) * np.cos(rest) + np.sin(turn) * np.sin(rest)
        over = np.sin(turn) * np.cos(rest)
        fallen.append(np.mean(np.where(node == 0, same, np.where(node == 1, over, 0.0))))
    return float(np.interp(-0.5, -np.array(fallen), lags))


HALF_LAG = _half_lag()
