"""The hiss of cymbals and snares: noise that dies away band by band, after the attack.

Band powers of what no mode explains are a non-negative sum of exponentials that begin at the
strikes, found for the least Itakura-Saito divergence (Févotte et al. 2009): every decibel counts
alike, so that the faint ends of tails are heard. All strikes of a resonance share their hiss
sample by sample; the attack learned on top of it takes it away again where it knows better.
Thread: any.
"""

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.attack import ATTACK_S, attack_fade
from rtsynth.decompose.damped import Float
from rtsynth.decompose.draft import Draft, Resonance, Strike, modal_signal
from rtsynth.decompose.drawn import Drawing, blown_noise
from rtsynth.decompose.waveforms import Placed, fit_waveforms
from rtsynth.events import Event
from rtsynth.instrument import BLOW_EDGES_HZ, Instrument
from rtsynth.units import LN1000

__all__ = ["fit_hiss", "hiss_signal", "learn_hiss"]

SIZE, HOP = 1024, 256
T60S_S = (0.06, 0.12, 0.25, 0.5, 1.0, 2.0, 4.0)
KNOWN_S = 0.08  # so long the attack says it all
TRUST_KNOWN = 0.02
ROUNDS = 60
INAUDIBLE = 1e-10
SHOWN_S = (0.05, 0.8)
DEEP = 1e-4  # −40 dB: how far down a tail's decay is read
SHORTEST_S, LONGEST_S = 0.03, 8.0


def fit_hiss(
    left: Float, sample_rate: float, strikes: list[Strike], resonances: int
) -> tuple[Float, Float]:
    """Gains [resonances, 16] at gain 1 and T60s [resonances, 16] of every resonance's hiss.

    Args:
        left: [samples], one channel: what no mode explains, attacks included.
        sample_rate: Hz.
        strikes: all of them.
        resonances: how many.
    """
    power = _band_powers(left, sample_rate)
    shapes = _tails(strikes, resonances, len(power), sample_rate)
    trust = _trust(strikes, len(power), sample_rate)
    weights = _decomposed(power, shapes, trust)[:, :-1].reshape(-1, resonances, len(T60S_S))
    gains, t60s = np.zeros((resonances, 16)), np.zeros((resonances, 16))
    for band in range(power.shape[1]):
        for resonance in range(resonances):
            gain, t60 = _one_slope(weights[band, resonance])
            gains[resonance, band], t60s[resonance, band] = gain, t60
    return gains, t60s


def _band_powers(signal: Float, sample_rate: float) -> Float:
    """[analysis frames, 16] power per blow band; frames are centred."""
    padded = np.pad(signal, (SIZE // 2, SIZE))
    frames = np.lib.stride_tricks.sliding_window_view(padded, SIZE)[: len(signal) + 1 : HOP]
    window = np.hanning(SIZE)
    freq = np.fft.rfftfreq(2 * SIZE, 1.0 / sample_rate)
    band = np.searchsorted(BLOW_EDGES_HZ, freq, "right") - 1
    share = np.zeros((len(freq), len(BLOW_EDGES_HZ) - 1))
    legal = np.flatnonzero((band >= 0) & (band < share.shape[1]))
    share[legal, band[legal]] = 1.0 / (SIZE * np.sum(window**2))
    return np.concatenate(
        [
            np.abs(np.fft.rfft(frames[i : i + 512] * window, 2 * SIZE)) ** 2 @ share
            for i in range(0, len(frames), 512)
        ]
    )


def _tails(strikes: list[Strike], resonances: int, frames: int, sample_rate: float) -> Float:
    """[resonances · T60s + 1, frames] what each resonance's strikes would leave; the floor last."""
    rows = np.zeros((resonances, len(T60S_S), frames))
    time = np.arange(frames) * HOP / sample_rate
    rate = 2.0 * LN1000 / np.array(T60S_S)
    for strike in strikes:
        onset_s = strike.onset / sample_rate
        first = int(np.searchsorted(time, onset_s))
        age = time[first:] - onset_s
        rows[strike.resonance, :, first:] += strike.gain**2 * np.exp(-rate[:, None] * age)
    return np.concatenate([rows.reshape(-1, frames), np.ones((1, frames))])


def _trust(strikes: list[Strike], frames: int, sample_rate: float) -> Float:
    """[frames] 1 where only tails sound, little where an attack does."""
    trust = np.ones(frames)
    for strike in strikes:
        first = int((strike.onset - SIZE / 2) / HOP)
        last = int((strike.onset + KNOWN_S * sample_rate) / HOP)
        trust[max(0, first) : last + 1] = TRUST_KNOWN
    return trust


def _decomposed(power: Float, shapes: Float, trust: Float) -> Float:
    """[bands, shapes] non-negative weights of least weighted Itakura-Saito divergence."""
    floor = INAUDIBLE * max(float(power.max(initial=0.0)), 1e-12)
    seen = power.T + floor
    mean = shapes.mean(axis=1) + 1e-20
    weights = np.repeat(seen.mean(axis=1)[:, None], len(shapes), 1) / mean / len(shapes)
    for _ in range(ROUNDS):
        made = weights @ shapes + floor
        up = (trust * seen / made**2) @ shapes.T
        down = (trust / made) @ shapes.T
        weights *= np.sqrt(up / (down + 1e-30))
    return weights


def _one_slope(weights: Float) -> tuple[float, float]:
    """Gain and T60 of the one exponential nearest in dB to a sum of them."""
    time = np.linspace(*SHOWN_S, 64)
    rate = 2.0 * LN1000 / np.array(T60S_S)
    curve = weights @ np.exp(-rate[:, None] * time)
    if curve[0] <= 0.0:
        return 0.0, SHORTEST_S
    shown = curve > DEEP * curve[0]
    if shown.sum() < 3:
        shown[:3] = True
    slope, start = np.polyfit(time[shown], np.log(curve[shown] + 1e-300), 1)
    t60 = float(np.clip(-2.0 * LN1000 / min(slope, -1e-6), SHORTEST_S, LONGEST_S))
    return float(np.sqrt(np.exp(start))), t60


def hiss_signal(resonance: Resonance, sample_rate: int, length: int) -> Float:
    """[≤ length] the hiss of one resonance for gain 1, as the engine plays it."""
    if not resonance.hiss_gain.any():
        return np.zeros(0)
    bank = Instrument.blank(1, 1, attack_rate=sample_rate)
    bank.blow_gain[0], bank.blow_t60_s[0] = resonance.hiss_gain, resonance.hiss_t60_s
    bank.blow_dry[0] = 1.0
    heard = int(float(resonance.hiss_t60_s.max()) * 80.0 / 60.0 * sample_rate)
    event = Event(1, seed=resonance.hiss_seed)
    return blown_noise(Drawing(event, bank, sample_rate), min(length, heard))[0]


def learn_hiss(draft: Draft, signal: Float) -> Float:
    """Give every resonance its hiss, and the attack that goes with it, in place.

    Returns:
        [samples] what the draft, hiss included, leaves of the signal.
    """
    rate, strikes = draft.sample_rate, draft.strikes
    left = signal.copy()
    for strike in strikes:
        sound = modal_signal(
            strike, draft.resonances[strike.resonance].modes, rate, len(left) - strike.onset
        )
        left[strike.onset : strike.onset + len(sound)] -= sound
    gains, t60s = fit_hiss(left, rate, strikes, len(draft.resonances))
    used = sorted({strike.resonance for strike in strikes})
    for index in used:
        resonance = draft.resonances[index]
        resonance.hiss_gain, resonance.hiss_t60_s = gains[index], t60s[index]
        resonance.hiss_seed = index + 1
        hiss = hiss_signal(resonance, round(rate), len(signal))
        for strike in draft.of(index):
            count = min(len(hiss), len(left) - strike.onset)
            left[strike.onset : strike.onset + count] -= strike.gain * hiss[:count]
    _learn_attacks(draft, left)
    return left


def _learn_attacks(draft: Draft, left: Float) -> None:
    """The attacks that fit beside modes and hiss; taken out of `left`, in place."""
    length = round(ATTACK_S * draft.sample_rate)
    placed = [Placed(s.onset, s.resonance, s.gain) for s in draft.strikes]
    waveforms = fit_waveforms(left, placed, len(draft.resonances), length)
    fade: NDArray[np.float64] = attack_fade(length)
    for strike in draft.strikes:
        resonance = draft.resonances[strike.resonance]
        resonance.attack = waveforms[strike.resonance] * fade
        count = min(length, len(left) - strike.onset)
        left[strike.onset : strike.onset + count] -= strike.gain * resonance.attack[:count]
