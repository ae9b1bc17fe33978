"""The joint fit: each resonance in turn against all its strikes, everybody else taken away.

One sweep: put a resonance's strikes back into the residual, align them, fit the shared amplitudes
and poles, the gains and the key-offs, learn the attack, take them away again. Thread: any.
"""

import collections
import dataclasses
from collections.abc import Callable

import numpy as np
from scipy.signal import correlate

from rtsynth.decompose.amplitude import Window, fit_amplitudes, fit_offsets
from rtsynth.decompose.attack import ATTACK_S, fit_attack
from rtsynth.decompose.damped import Float, Modes, poles, ring
from rtsynth.decompose.draft import Draft, Resonance, Strike, modal_signal, strike_signal
from rtsynth.decompose.noise import choose_level, fit_noise
from rtsynth.decompose.release import find_release
from rtsynth.units import LN1000

__all__ = ["Fit"]

SKIP_S = 0.004
FIT_S = (0.5, 0.8, 1.5, 2.0)  # per sweep: near the onset first, before key-offs are known
RELEASE_SPAN_S = 4.0
WORTH_S = 0.3
DEFAULT_RELEASE_S = 0.3
INCOHERENT, LIFTED = 0.4, 0.7  # of the level the spectrum shows
LIFT_S = 0.1
TOGETHER_S = 0.02  # onsets closer than this are one
ALIGN_S, ALIGN_SPAN_S = 0.003, 0.08
SPLIT = 0.4  # the decay is read from the first 40 % of a note against the rest
MAX_SHIFT_HZ = 2.0
MIN_T60_S, MAX_T60_S = 0.02, 30.0
MAX_OFFSET_DB = 18.0
OFFSETS_WORTH = 0.8  # offsets are kept if they bring the error down to this share


class Fit:
    """A draft being fitted to a signal.

    Args:
        signal: [samples], one channel.
        draft: changed in place.
        attack: learn attack waveforms.
        frozen: resonances that stay as they are; only their strikes are fitted.
    """

    def __init__(
        self,
        signal: Float,
        draft: Draft,
        *,
        attack: bool = True,
        frozen: frozenset[int] = frozenset(),
    ) -> None:
        self.draft = draft
        self._attack = attack
        self._frozen = frozen
        self.residual = signal - draft.model()
        self._signal = signal
        self._rate = draft.sample_rate
        self._onsets = np.unique([strike.onset for strike in draft.strikes])
        self._span_s = FIT_S[-1]

    def sweep(self, number: int, advance: Callable[[], object] = lambda: None) -> None:
        """Fit every resonance once; later sweeps (`number` ≥ 1) also move poles and key-offs."""
        self._span_s = FIT_S[min(number, len(FIT_S) - 1)]
        self._onsets = np.unique([strike.onset for strike in self.draft.strikes])
        for index in range(len(self.draft.resonances)):
            strikes = self.draft.of(index)
            if strikes:
                for strike in strikes:
                    self.draft.add(self.residual, strike, 1.0)
                self._fit_one(index, strikes, number)
                for strike in strikes:
                    self.draft.add(self.residual, strike, -1.0)
            advance()

    def drop_weak(self, weakest_db: float, worth: float = 0.015) -> None:
        """Forget strikes that are too weak, or that others at the same onset make needless.

        A lone strike stays even where its waveform fits badly: something was struck there.

        Args:
            weakest_db: least energy against the strongest strike, dB.
            worth: least share by which a strike lowers the misfit around its onset.
        """
        strikes, span = self.draft.strikes, round(WORTH_S * self._rate)
        sounds = [
            self._sound(strike, min(span, self.draft.length - strike.onset)) for strike in strikes
        ]
        energies = np.array([float(sound @ sound) for sound in sounds])
        limit = energies.max(initial=0.0) * 10.0 ** (weakest_db / 10.0)
        step = TOGETHER_S * self._rate
        places = [round(strike.onset / step) for strike in strikes]
        shared = collections.Counter(places)
        for strike, sound, energy, place in zip(
            list(strikes), sounds, energies, places, strict=True
        ):
            left = self.residual[strike.onset : strike.onset + len(sound)]
            # the difference of neighbours lets a hi-hat over a kick count as well
            gain = max(_worth(left, sound), _worth(np.diff(left), np.diff(sound)))
            crowded = shared[place] > 1
            if energy <= limit or (crowded and gain < worth):
                shared[place] -= 1
                self.draft.add(self.residual, strike, 1.0)
                strikes.remove(strike)

    def _sound(self, strike: Strike, length: int) -> Float:
        resonance = self.draft.resonances[strike.resonance]
        return strike_signal(strike, resonance, self._rate, length)

    def lift_gains(self) -> None:
        """Give strikes whose waveform differs from their resonance's the level their spectrum has.

        Least squares turns a hi-hat that is no copy of another down to nothing; the ear does not.
        """
        for index in range(len(self.draft.resonances)):
            strikes = self.draft.of(index)
            if len(strikes) < 2:
                continue
            loudest = max(strikes, key=lambda strike: strike.gain)
            for strike in strikes:
                expected = loudest.gain * min(strike.seen_gain / (loudest.seen_gain + 1e-12), 1.5)
                if strike.gain < INCOHERENT * expected:
                    self._lift(strike, LIFTED * expected)

    def _lift(self, strike: Strike, gain: float) -> None:
        """Raise a gain as far as what is left there has the energy for it."""
        span = min(round(LIFT_S * self._rate), self.draft.length - strike.onset)
        sound = self._sound(dataclasses.replace(strike, gain=1.0), span)
        self.draft.add(self.residual, strike, 1.0)
        left = self.residual[strike.onset : strike.onset + len(sound)]
        room = [
            float(a @ a) / (float(b @ b) + 1e-20)
            for a, b in ((left, sound), (np.diff(left), np.diff(sound)))
        ]
        strike.gain = max(strike.gain, min(gain, LIFTED * float(np.sqrt(min(room)))))
        self.draft.add(self.residual, strike, -1.0)

    def offsets(self) -> None:
        """Give each strike the gains per mode that pay."""
        for strike in self.draft.strikes:
            self.draft.add(self.residual, strike, 1.0)
            self._fit_offsets(strike)
            self.draft.add(self.residual, strike, -1.0)

    def noise(self) -> None:
        """Learn each resonance's noise from what is left around its strikes."""
        span = round(ATTACK_S * self._rate)
        for index, resonance in enumerate(self.draft.resonances):
            strikes = self.draft.of(index)
            if index in self._frozen:
                continue
            parts, gains, floors = [], [], []
            for strike in strikes:
                gap = min(span, self._gap(strike.onset))
                parts.append(self.residual[strike.onset : strike.onset + gap])
                gains.append(strike.gain)
                before = self.residual[max(0, strike.onset - span // 4) : strike.onset]
                floors.append(float(np.sqrt(np.mean(before**2))) if len(before) else 0.0)
            length = min((len(p) for p in parts), default=0)
            envelope, taps = fit_noise([p[:length] for p in parts], gains, floors, self._rate)
            starts = [strike.onset for strike in strikes]
            spans = [slice(start, start + length) for start in starts]
            level = choose_level(
                [self._signal[span] for span in spans],
                [self._signal[span] - self.residual[span] for span in spans],
                gains,
                envelope,
                taps,
            )
            resonance.noise_envelope, resonance.noise_filter = level * envelope, taps
            resonance.noise_s = length / self._rate if level > 0.0 else 0.0

    def _fit_one(self, index: int, strikes: list[Strike], number: int) -> None:
        """Each step is kept only if the whole recording's misfit falls: the fit cannot diverge."""
        resonance = self.draft.resonances[index]
        steps: list[Callable[[Resonance, list[Strike]], None]] = [self._align, self._fit_modes]
        if number > 0:
            steps.append(self._move_poles)
        steps += [self._fit_gains, self._fit_releases]
        if self._attack:
            steps += [self._learn_attack, self._fit_gains]
        if index in self._frozen:
            steps = [self._align, self._fit_gains, self._fit_releases]
        misfit = self._misfit(strikes)
        for step in steps:
            before = [dataclasses.replace(resonance), *(dataclasses.replace(s) for s in strikes)]
            step(resonance, strikes)
            after = self._misfit(strikes)
            if after <= misfit:
                misfit = after
                continue
            for changed, kept in zip([resonance, *strikes], before, strict=True):
                vars(changed).update(vars(kept))

    def _misfit(self, strikes: list[Strike]) -> float:
        """Energy left when these strikes are taken out of the residual."""
        first = min(strike.onset for strike in strikes)
        left = self.residual[first:].copy()
        for strike in strikes:
            sound = self._sound(strike, self.draft.length - strike.onset)
            begin = strike.onset - first
            left[begin : begin + len(sound)] -= sound
        return float(left @ left)

    def _fit_modes(self, resonance: Resonance, strikes: list[Strike]) -> None:
        windows = self._windows(strikes, resonance)
        if windows and len(resonance.modes):
            modes = resonance.modes
            resonance.modes = self._refit(modes.freq_hz, modes.t60_s, windows)

    def _fit_gains(self, resonance: Resonance, strikes: list[Strike]) -> None:
        for strike in strikes:
            self._fit_gain(resonance, strike)

    def _fit_releases(self, resonance: Resonance, strikes: list[Strike]) -> None:
        for strike in strikes:
            self._fit_release(resonance, strike)

    def _target(self, strike: Strike, length: int) -> Float:
        return self.residual[strike.onset : strike.onset + length]

    def _gap(self, onset: int) -> int:
        following = int(np.searchsorted(self._onsets, onset + round(0.005 * self._rate), "right"))
        last = self._onsets[following] if following < len(self._onsets) else self.draft.length
        return int(last) - onset

    def _extent(self, strike: Strike, resonance: Resonance) -> int:
        """Samples over which a strike can be fitted: held, audible and within the recording."""
        ring_s = float(resonance.modes.t60_s.max(initial=0.05))
        extent = round(min(self._span_s, ring_s) * self._rate)
        return min(extent, strike.held or extent, self.draft.length - strike.onset)

    def _windows(
        self, strikes: list[Strike], resonance: Resonance, begin: float = 0.0, end: float = 1.0
    ) -> list[Window]:
        """The same part of every strike, the attack taken away."""
        skip = round(SKIP_S * self._rate)
        windows = []
        for strike in strikes:
            extent = self._extent(strike, resonance)
            first = max(skip, int(begin * extent))
            last = int(end * extent)
            if last - first < 4 * skip:
                continue
            signal = self._target(strike, last)[first:].copy()
            attack = strike.gain * resonance.attack[first:last]
            signal[: len(attack)] -= attack
            windows.append(Window(signal, first, strike.gain))
        return windows

    def _align(self, resonance: Resonance, strikes: list[Strike]) -> None:
        reach, span = round(ALIGN_S * self._rate), round(ALIGN_SPAN_S * self._rate)
        if len(strikes) < 2:
            return
        loudest = max(strikes, key=lambda strike: strike.gain)
        template = strike_signal(Strike(0, 0, 1.0), resonance, self._rate, span)
        for strike in strikes:
            begin = strike.onset - reach
            if strike is loudest or begin < 0 or len(template) < span:
                continue
            around = self.residual[begin : begin + span + 2 * reach]
            if len(around) < span + 2 * reach:
                continue
            strike.onset = begin + int(np.argmax(correlate(around, template, "valid")))

    def _move_poles(self, resonance: Resonance, strikes: list[Strike]) -> None:
        modes = resonance.modes
        if len(modes) == 0:
            return
        early = self._windows(strikes, resonance, 0.0, SPLIT)
        late = self._windows(strikes, resonance, SPLIT, 1.0)
        if not early or not late:
            return
        s = poles(modes.freq_hz, modes.t60_s, self._rate)
        first, second = fit_amplitudes(s, early, 1e-3), fit_amplitudes(s, late, 1e-3)
        apart = _centre(s, late) - _centre(s, early)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.log(second / first) / apart * self._rate
        trust = self._trust(s, second, late)
        step = np.where(np.isfinite(step), step, 0.0) * trust
        freq = modes.freq_hz + np.clip(step.imag / (2 * np.pi), -MAX_SHIFT_HZ, MAX_SHIFT_HZ)
        decay = LN1000 / modes.t60_s
        decay = np.clip(decay - step.real, 0.6 * decay, 1.7 * decay)
        t60 = np.clip(LN1000 / decay, MIN_T60_S, MAX_T60_S)
        windows = self._windows(strikes, resonance)
        moved = self._refit(np.maximum(freq, 20.5), t60, windows)
        stayed = self._refit(modes.freq_hz, modes.t60_s, windows)
        if self._error(moved, windows) < self._error(stayed, windows):
            resonance.modes = moved

    def _refit(self, freq_hz: Float, t60_s: Float, windows: list[Window]) -> Modes:
        s = poles(freq_hz, t60_s, self._rate)
        return Modes(freq_hz, t60_s, fit_amplitudes(s, windows))

    def _error(self, modes: Modes, windows: list[Window]) -> float:
        s = poles(modes.freq_hz, modes.t60_s, self._rate)
        total = 0.0
        for window in windows:
            start = window.gain * modes.amplitude * np.exp(s * window.first)
            total += float(np.sum((window.signal - ring(s, start, len(window.signal))) ** 2))
        return total

    def _trust(self, s: np.ndarray, amplitude: np.ndarray, windows: list[Window]) -> Float:
        """[modes] 0 … 1: how far the later part stands out of what else is there."""
        power = np.zeros(len(s))
        noise = 0.0
        for window in windows:
            envelope = np.exp(2 * s.real * window.first) - np.exp(2 * s.real * window.last)
            power += np.abs(window.gain * amplitude) ** 2 * envelope / (-4 * s.real)
            noise += float(np.mean(window.signal**2)) * 4.0
        trust: Float = power / (power + noise + 1e-30)
        return trust

    def _fit_gain(self, resonance: Resonance, strike: Strike) -> None:
        extent = max(self._extent(strike, resonance), round(0.05 * self._rate))
        unit = Strike(0, 0, 1.0, strike.held, strike.release_s, strike.offset_db)
        model = strike_signal(unit, resonance, self._rate, extent)
        target = self._target(strike, len(model))
        model = model[: len(target)]
        energy = float(model @ model)
        if energy > 0:
            strike.gain = float(np.clip(float(target @ model) / energy, 0.0, 1e6))
        strike.gain = max(strike.gain, 1e-6)

    def _fit_release(self, resonance: Resonance, strike: Strike) -> None:
        held = Strike(0, 0, strike.gain, None, offset_db=strike.offset_db)
        limit = min(self.draft.length - strike.onset, round(RELEASE_SPAN_S * self._rate))
        model = modal_signal(held, resonance.modes, self._rate, limit)
        target = self._target(strike, len(model))
        found = find_release(target, model, self._rate)
        if found:
            let_go = dataclasses.replace(held, held=found[0], release_s=found[1])
            shorter = modal_signal(let_go, resonance.modes, self._rate, len(model))
            gone = model.copy()
            gone[: len(shorter)] -= shorter
            # ‖t − shorter‖² < ‖t − model‖²
            if 2.0 * float(gone @ (target - model)) + float(gone @ gone) >= 0.0:
                found = None
        strike.held, strike.release_s = found if found else (None, DEFAULT_RELEASE_S)

    def _fit_offsets(self, strike: Strike) -> None:
        resonance = self.draft.resonances[strike.resonance]
        modes = resonance.modes
        windows = self._windows([strike], resonance)
        if not windows or len(modes) == 0:
            return
        s = poles(modes.freq_hz, modes.t60_s, self._rate)
        factors = fit_offsets(s, modes.amplitude, windows[0])
        offset_db = 20.0 * np.log10(np.maximum(factors, 1e-2))
        trial = np.clip(offset_db, -MAX_OFFSET_DB, MAX_OFFSET_DB)
        window = windows[0]

        def error(offsets: Float | None) -> float:
            probe = Strike(0, 0, strike.gain, None, offset_db=offsets)
            sound = modal_signal(probe, modes, self._rate, window.last)
            sound = np.pad(sound, (0, max(0, window.last - len(sound))))[window.first :]
            return float(np.sum((window.signal - sound) ** 2))

        if error(trial) < OFFSETS_WORTH * error(strike.offset_db):
            strike.offset_db = trial

    def _learn_attack(self, resonance: Resonance, strikes: list[Strike]) -> None:
        length = round(ATTACK_S * self._rate)
        parts, gains, gaps = [], [], []
        for strike in strikes:
            target = self._target(strike, length).copy()
            modal = modal_signal(strike, resonance.modes, self._rate, len(target))
            target[: len(modal)] -= modal
            parts.append(target)
            gains.append(strike.gain)
            gaps.append(self._gap(strike.onset))
        resonance.attack = fit_attack(parts, gains, gaps, length)


def _worth(left: Float, sound: Float) -> float:
    """By what share the misfit would grow without `sound`."""
    misfit = float(left @ left) + 1e-20
    return (float(sound @ sound) + 2.0 * float(left @ sound)) / misfit


def _centre(s: np.ndarray, windows: list[Window]) -> Float:
    """[modes] mean age in samples of each mode's energy over the windows."""
    weight, moment = np.zeros(len(s)), np.zeros(len(s))
    for window in windows:
        age = np.linspace(window.first, window.last, 64)
        level = window.gain**2 * np.exp(2 * np.outer(s.real, age))
        weight += level.sum(axis=1) * (window.last - window.first)
        moment += (level @ age) * (window.last - window.first)
    centre: Float = moment / (weight + 1e-300)
    return centre
