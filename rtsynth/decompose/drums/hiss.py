"""The hiss of cymbals and snares: noise that dies away band by band, after the attack.

Band powers of what no mode explains are a sum of exponentials that begin at the strikes, one per
resonance and band, found for the least log-spectral distance by gradient descent: every decibel
counts alike, so that the faint ends of tails are heard. All strikes of a resonance share their hiss
sample by sample; the attack learned on top of it takes it away again where it knows better.
Thread: any.
"""

import numpy as np

from rtsynth.decompose.damped import Float
from rtsynth.decompose.draft import Draft, Resonance, Strike, modal_signal
from rtsynth.decompose.drawn import Drawing, blown_noise
from rtsynth.decompose.drums.attacks import HIT_S, learn_attacks
from rtsynth.decompose.drums.quietest import Quietest
from rtsynth.events import Event
from rtsynth.instrument import NOISE_BANDS, NOISE_EDGES_HZ, Instrument
from rtsynth.units import LN1000

__all__ = ["add_hiss", "fit_hiss", "hiss_signal", "learn_hiss"]

SIZE, HOP = 1024, 256
LOWEST = 4  # bands below 200 Hz ring, they do not hiss
KNOWN_S = 0.12  # so long the attack says it all
KNOWN_BESIDE_S = 0.05  # and so long one that was learned as that of keys
TRUST_KNOWN = 0.02
QUIET = 1e-10  # power, −100 dBFS in a band: what lies below counts little
SOFT = 0.3  # nepers of power within which errors count squared, beyond it by their size
START_T60_S = 0.4
STEPS, RATE = 150, 0.15
BESIDE = 0.5  # among keys: at full level it sounds no nearer and its magnitudes are further off
SHORTEST_S, LONGEST_S, LONGEST_SEEN_S = 0.03, 8.0, 4.0


def fit_hiss(
    left: Float,
    sample_rate: float,
    strikes: list[Strike],
    resonances: int,
    known_s: float = KNOWN_S,
) -> tuple[Float, Float]:
    """Gains [resonances, 32] at gain 1 and T60s [resonances, 32] of every resonance's hiss.

    Args:
        left: [samples], one channel: what no mode explains, attacks included.
        sample_rate: Hz.
        strikes: all of them.
        resonances: how many.
        known_s: so long after each onset its attack says what there is.
    """
    power = _band_powers(left, sample_rate)
    trust = _trust(strikes, len(power), sample_rate, known_s)
    tails = _Tails(strikes, resonances, len(power), sample_rate)
    seen = np.log(power.T + QUIET)
    level = np.zeros((resonances, NOISE_BANDS)) + np.quantile(seen, 0.9, axis=1)
    slope = np.full((resonances, NOISE_BANDS), np.log(START_T60_S))
    floor = np.quantile(seen, 0.05, axis=1)
    state = [np.zeros((2, *level.shape)) for _ in range(2)]
    for number in range(1, STEPS + 1):
        made, grown = tails.made(level, slope)
        total = made + np.exp(floor)[:, None] + QUIET
        off = np.log(total) - seen
        pull = trust * off / np.sqrt(off**2 + SOFT**2) / total
        gradient = np.stack(tails.gradient(pull, grown, level, slope))
        step = _adam(gradient, state, number)
        level -= step[0]
        slope = np.clip(slope - step[1], np.log(SHORTEST_S), np.log(LONGEST_S))
    return np.exp(0.5 * level), np.exp(slope)


class _Tails:
    """Band powers that strikes leave: level and slope are log power and log T60."""

    def __init__(
        self, strikes: list[Strike], resonances: int, frames: int, sample_rate: float
    ) -> None:
        self._frames, self._resonances = frames, resonances
        self._placed = []
        for strike in strikes:
            first = int(np.ceil(strike.onset / HOP))
            last = min(frames, first + int(LONGEST_SEEN_S * sample_rate / HOP))
            age = (np.arange(first, last) * HOP - strike.onset) / sample_rate
            self._placed.append((strike.resonance, strike.gain**2, slice(first, last), age))

    def made(self, level: Float, slope: Float) -> tuple[Float, list[Float]]:
        """[32, frames] power, and each strike's own part of it."""
        total = np.zeros((NOISE_BANDS, self._frames))
        parts = []
        for resonance, power, where, age in self._placed:
            rate = 2.0 * LN1000 * np.exp(-slope[resonance])
            part = power * np.exp(level[resonance][:, None] - rate[:, None] * age)
            total[:, where] += part
            parts.append(part)
        return total, parts

    def gradient(
        self, pull: Float, parts: list[Float], level: Float, slope: Float
    ) -> tuple[Float, Float]:
        """Derivatives by level and slope where `pull` [32, frames] is that by power."""
        by_level, by_slope = np.zeros_like(level), np.zeros_like(slope)
        for (resonance, _, where, age), part in zip(self._placed, parts, strict=True):
            pulled = pull[:, where] * part
            rate = 2.0 * LN1000 * np.exp(-slope[resonance])
            by_level[resonance] += pulled.sum(axis=1)
            by_slope[resonance] += rate * (pulled @ age)
        return by_level, by_slope


def _adam(gradient: Float, state: list[Float], number: int) -> Float:
    """A step of Adam (Kingma & Ba 2015); the two moments are kept in `state`."""
    state[0] += 0.1 * (gradient - state[0])
    state[1] += 0.02 * (gradient**2 - state[1])
    mean, square = state[0] / (1.0 - 0.9**number), state[1] / (1.0 - 0.98**number)
    pace = RATE * (1.0 - number / (STEPS + 1.0))
    step: Float = pace * mean / (np.sqrt(square) + 1e-12)
    return step


def _band_powers(signal: Float, sample_rate: float) -> Float:
    """[analysis frames, 32] power per blow band; frames are centred."""
    padded = np.pad(signal, (SIZE // 2, SIZE))
    frames = np.lib.stride_tricks.sliding_window_view(padded, SIZE)[: len(signal) + 1 : HOP]
    window = np.hanning(SIZE)
    freq = np.fft.rfftfreq(2 * SIZE, 1.0 / sample_rate)
    band = np.searchsorted(NOISE_EDGES_HZ, freq, "right") - 1
    share = np.zeros((len(freq), len(NOISE_EDGES_HZ) - 1))
    legal = np.flatnonzero((band >= 0) & (band < share.shape[1]))
    share[legal, band[legal]] = 1.0 / (SIZE * np.sum(window**2))
    return np.concatenate(
        [
            np.abs(np.fft.rfft(frames[i : i + 512] * window, 2 * SIZE)) ** 2 @ share
            for i in range(0, len(frames), 512)
        ]
    )


def _trust(strikes: list[Strike], frames: int, sample_rate: float, known_s: float) -> Float:
    """[frames] 1 where only tails sound, little where an attack does."""
    trust = np.ones(frames)
    for strike in strikes:
        first = int((strike.onset - SIZE / 2) / HOP)
        last = int((strike.onset + known_s * sample_rate) / HOP)
        trust[max(0, first) : last + 1] = TRUST_KNOWN
    return trust


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


def learn_hiss(draft: Draft, signal: Float, *, attack: bool = True) -> Float:
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
    gains[:, :LOWEST] = 0.0
    used = sorted({strike.resonance for strike in strikes})
    for index in used:
        _give_hiss(draft, index, gains[index], t60s[index], left)
    if attack:
        length = round(HIT_S * rate)
        under = np.zeros((len(draft.resonances), length))
        for index in used:
            _lay_under(under[index], draft.resonances[index], rate)
        learn_attacks(draft, left, Quietest.of(draft, signal, length), under)
    return left


def _lay_under(under: Float, resonance: Resonance, sample_rate: float) -> None:
    """Add modes and hiss of a resonance struck with gain 1, in place."""
    for sound in (
        modal_signal(Strike(0, 0, 1.0), resonance.modes, sample_rate, len(under)),
        hiss_signal(resonance, round(sample_rate), len(under)),
    ):
        under[: len(sound)] += sound


def add_hiss(draft: Draft, residual: Float, chosen: list[int]) -> Float:
    """Give some resonances the hiss that a fit left, in place; attacks stay as they are.

    Args:
        draft: fitted.
        residual: [samples] what it leaves.
        chosen: indices of resonances.

    Returns:
        [samples] the residual without the hiss.
    """
    places = {index: place for place, index in enumerate(chosen)}
    strikes = [strike for strike in draft.strikes if strike.resonance in places]
    if not strikes:
        return residual
    rate, left = draft.sample_rate, residual.copy()
    placed = [Strike(s.onset, places[s.resonance], s.gain) for s in strikes]
    gains, t60s = fit_hiss(left, rate, placed, len(chosen), KNOWN_BESIDE_S)
    gains[:, :LOWEST] = 0.0
    gains *= BESIDE
    for index, place in places.items():
        _give_hiss(draft, index, gains[place], t60s[place], left)
    return left


def _give_hiss(draft: Draft, index: int, gain: Float, t60_s: Float, left: Float) -> None:
    """Give one resonance its hiss and take it out of `left`, in place."""
    resonance = draft.resonances[index]
    resonance.hiss_gain, resonance.hiss_t60_s = gain, t60_s
    resonance.hiss_seed = index + 1
    hiss = hiss_signal(resonance, round(draft.sample_rate), len(left))
    for strike in draft.of(index):
        count = min(len(hiss), len(left) - strike.onset)
        left[strike.onset : strike.onset + count] -= strike.gain * hiss[:count]
