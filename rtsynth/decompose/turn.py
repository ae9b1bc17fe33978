"""One resonance's turn in a sweep: its strikes aligned, its modes, gains, key-offs and attack.

Steps come in chains; a chain is kept only if the misfit falls, so that the fit cannot diverge.
Thread: any.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from scipy.signal import correlate

from rtsynth.decompose.align import REACH_S, rise_shift
from rtsynth.decompose.attack import ATTACK_S, RISE_S, fit_attack, from_nothing
from rtsynth.decompose.composite import Composite, combine, find_lead
from rtsynth.decompose.damped import Float, Modes, poles
from rtsynth.decompose.draft import Resonance, Strike, modal_signal, strike_signal
from rtsynth.decompose.peel import mend_modes, peel_modes, refit_modes
from rtsynth.decompose.release import Held, find_release
from rtsynth.decompose.restrike import rings_on

if TYPE_CHECKING:
    from rtsynth.decompose.fit import Fit

__all__ = ["Turn"]

SPANS_S = (0.5, 1.5, 6.0)  # per sweep: near the onset first, before key-offs are known
GAIN_SPANS_S = (0.5, 0.8, 1.5, 2.0)
RELEASE_SPAN_S = 4.0
DEFAULT_RELEASE_S = 0.3
RESTRUCK_SPAN_S = 0.6
SHORTEST_S = 0.05
LEAD_S = 0.012
ALIGN_S, ALIGN_SPAN_S = 0.003, 0.08
BEFORE_S, RISING_S, NEAR_S = 0.006, 0.03, 0.0005
CLEAR, NEARLY = 0.1, 0.9

Step = Callable[[], None]


class Turn:
    """The strikes of one resonance while they are fitted.

    Args:
        fit: whose residual is kept up to date.
        resonance: changed in place.
        strikes: its strikes, changed in place.
        power: [samples] local power of what nobody explained when the sweep began.
        number: of the sweep.
    """

    def __init__(
        self, fit: Fit, resonance: Resonance, strikes: list[Strike], power: Float, number: int
    ) -> None:
        self._fit, self._resonance, self._strikes = fit, resonance, strikes
        self._power, self._number = power, number
        self._rate = fit.draft.sample_rate
        self._sounds = [self._whole(strike) for strike in strikes]

    def run(
        self,
        modes: int,
        *,
        mend: bool = False,
        align: bool = True,
        lead: bool = True,
        attack: bool,
        releases: bool = True,
    ) -> None:
        """All steps.

        Args:
            modes: look for so many anew; 0 keeps the poles.
            mend: look for those partials only of which most is left.
            align: move the strikes to where they are in step.
            lead: move all of them to where their sound begins.
            attack: learn the attack.
            releases: look for key-offs.
        """
        learn: list[Step] = [self._learn_attack] if attack else []
        chains: list[list[Step]] = [
            [self._align, self._fit_gains] if align else [self._fit_gains],
            [self._refit, self._fit_gains],
        ]
        if releases:
            chains.append([self._fit_releases, self._fit_gains])
        if modes:
            chains.append([lambda: self._seek(modes, mend), *learn, self._fit_gains])
        early: list[Step] = [self._lead] if lead else []
        chains.append([*early, *learn, self._fit_gains])
        self._keep_what_helps(chains)

    def run_known(self, *, align: bool = True, releases: bool = True) -> None:
        """The steps of a resonance that stays as it is, whose strikes may be in step already."""
        first: list[Step] = [self._align_to_known] if align else []
        last: list[list[Step]] = [[self._fit_releases]] if releases else []
        self._keep_what_helps([[*first, self._fit_gains], *last])

    def _keep_what_helps(self, chains: list[list[Step]]) -> None:
        misfit = self._misfit()
        for chain in chains:
            before = self._kept()
            for step in chain:
                step()
            after = self._misfit()
            if after <= misfit:
                misfit = after
            else:
                self._restore(before)

    def _kept(self) -> tuple[Resonance, list[Strike], list[Float]]:
        strikes = [dataclasses.replace(strike) for strike in self._strikes]
        return dataclasses.replace(self._resonance), strikes, list(self._sounds)

    def _restore(self, kept: tuple[Resonance, list[Strike], list[Float]]) -> None:
        resonance, strikes, sounds = kept
        for index in range(len(strikes)):
            self._put_back(index)
        vars(self._resonance).update(vars(resonance))
        for strike, old in zip(self._strikes, strikes, strict=True):
            vars(strike).update(vars(old))
        self._sounds = sounds
        for index in range(len(strikes)):
            self._take_away(index)

    def _whole(self, strike: Strike) -> Float:
        return self._fit.sound(strike, self._fit.draft.length - strike.onset)

    def _put_back(self, index: int) -> None:
        self._where(index)[...] += self._sounds[index]

    def _take_away(self, index: int) -> None:
        self._where(index)[...] -= self._sounds[index]

    def _where(self, index: int) -> Float:
        """The residual under a strike's sound."""
        onset = self._strikes[index].onset
        return self._fit.residual[onset : onset + len(self._sounds[index])]

    def _sound_anew(self, indices: range | None = None) -> None:
        """Bring the residual up to date with what was changed but the onsets."""
        for index in indices or range(len(self._strikes)):
            self._put_back(index)
            self._sounds[index] = self._whole(self._strikes[index])
            self._take_away(index)

    def _target(self, index: int, length: int) -> Float:
        """[≤ length] samples from a strike's onset on, everybody else taken away."""
        target = self._fit.left(self._strikes[index], length).copy()
        own = self._sounds[index][: len(target)]
        target[: len(own)] += own
        return target

    def _misfit(self) -> float:
        """Weighted energy that is left, from the first strike on."""
        first = max(0, min(s.onset for s in self._strikes) - round(2 * ALIGN_S * self._rate))
        left = self._fit.residual[first:] * self._fit.weight[first:]
        return float(left @ left)

    def _align(self) -> None:
        """Every strike is moved to where it begins as the loudest does."""
        if len(self._strikes) < 2:
            return
        # a chord's other keys rise, too
        alone = [self._fit.is_alone(strike.onset) for strike in self._strikes]
        places = range(len(self._strikes))
        loudest = max(places, key=lambda index: (alone[index], self._strikes[index].gain))
        template = self._template()
        self._put_back(loudest)
        span = round(ALIGN_SPAN_S * self._rate)
        rising = self._around(self._strikes[loudest].onset, span) if alone[loudest] else None
        self._take_away(loudest)
        for index in places:
            if index != loudest:
                self._move(index, template, rising if alone[index] else None)

    def _align_to_known(self) -> None:
        """Every strike is moved to where it begins as its resonance does."""
        template = self._template()
        rising = np.diff(np.concatenate([np.zeros(round(BEFORE_S * self._rate)), template]))
        for index, strike in enumerate(self._strikes):
            self._move(index, template, rising if self._fit.is_alone(strike.onset) else None)

    def _template(self) -> Float:
        """[samples] the resonance as it begins."""
        span = round(ALIGN_SPAN_S * self._rate)
        return strike_signal(Strike(0, 0, 1.0), self._resonance, self._rate, span)

    def _move(self, index: int, template: Float, rising: Float | None) -> None:
        """To where the template fits, or something rises as the reference does, if there is one."""
        strike = self._strikes[index]
        self._put_back(index)
        onset = strike.onset + self._late(strike.onset, template)
        if rising is not None:
            onset = self._risen(strike.onset, onset, rising)
        if onset != strike.onset:
            strike.onset = onset
            self._sounds[index] = self._whole(strike)
        self._take_away(index)

    def _around(self, onset: int, span: int) -> Float | None:
        """[samples] slopes of what is left, from a little before an onset on; None at the ends."""
        begin, end = onset - round(BEFORE_S * self._rate), onset + span
        inside = 0 <= begin and end <= len(self._fit.residual)
        return np.diff(self._fit.residual[begin:end]) if inside else None

    def _late(self, onset: int, template: Float) -> int:
        """Samples by which a waveform fits later; where several places do, its slopes decide."""
        reach = round(ALIGN_S * self._rate)
        begin = onset - reach
        around = self._fit.residual[max(begin, 0) : onset + len(template) + reach]
        if begin < 0 or len(template) < 2 or len(around) < len(template) + 2 * reach:
            return 0
        likeness = correlate(around, template, "valid")
        slopes = correlate(np.diff(around), np.diff(template), "valid")
        best = float(likeness.max())
        if best <= 0.0:
            return 0
        likely = likeness >= NEARLY * best
        return int(np.argmax(np.where(likely, slopes, -np.inf))) - reach

    def _risen(self, onset: int, other: int, reference: Float) -> int:
        """Where the reference rises again near an onset, or `other` if that is likelier."""
        reach, near = round(REACH_S * self._rate), round(NEAR_S * self._rate)
        head = reference[: round((BEFORE_S + RISING_S) * self._rate)]
        around = self._around(onset - reach, round(RISING_S * self._rate) + 2 * reach)
        if around is None:
            return other
        shift, clear = rise_shift(head, around, self._rate)
        if clear < CLEAR:
            return other
        middle = onset - reach + shift
        near_by = [middle + step for step in range(-near, near + 1)]
        return max([other, *near_by], key=lambda place: self._likeness(place, reference))

    def _likeness(self, onset: int, reference: Float) -> float:
        """How far what is left looks like the reference from an onset on."""
        span = len(reference) + 1 - round(BEFORE_S * self._rate)
        there = self._around(onset, span)
        if there is None:
            return -1.0
        return float(there @ reference) / float(np.sqrt(there @ there) + 1e-30)

    def _lead(self) -> None:
        """Onsets go back to where the strikes' common waveform leaves what was there before."""
        reach = round(LEAD_S * self._rate)
        begins = [strike.onset - reach for strike in self._strikes]
        parts, gains = [], []
        for index, (strike, begin) in enumerate(zip(self._strikes, begins, strict=True)):
            own = self._sounds[index][:reach]
            if begin >= 0 and len(own) == reach:
                part = self._fit.residual[begin : begin + 2 * reach].copy()
                part[reach:] += own
                parts.append(part)
                gains.append(strike.gain)
        lead = find_lead(parts, gains, self._rate) if parts else 0
        lead = min(lead, *(strike.onset for strike in self._strikes), reach)
        if lead == 0:
            return
        modes = self._resonance.modes
        back = np.exp(-lead * poles(modes.freq_hz, modes.t60_s, self._rate))
        for index, strike in enumerate(self._strikes):
            self._put_back(index)
            strike.onset -= lead
            strike.held = None if strike.held is None else strike.held + lead
        attack = np.concatenate([np.zeros(lead), self._resonance.attack])
        self._resonance.modes = Modes(modes.freq_hz, modes.t60_s, modes.amplitude * back)
        self._resonance.attack = attack[: len(self._resonance.attack)]
        for index, strike in enumerate(self._strikes):
            self._sounds[index] = self._whole(strike)
            self._take_away(index)

    def _composite(self) -> Composite:
        span = round(SPANS_S[min(self._number, len(SPANS_S) - 1)] * self._rate)
        parts, variances = [], []
        for index, strike in enumerate(self._strikes):
            alone = min(self._fit.gap(strike.onset), round(SPANS_S[-1] * self._rate))
            count = max(span, alone) if self._number > 0 else span  # so far nothing disturbs it
            count = count if strike.held is None else min(count, strike.held)
            parts.append(self._target(index, count))
            variances.append(self._power[strike.onset : strike.onset + count])
        return combine(parts, [s.gain for s in self._strikes], variances, self._rate)

    def _refit(self) -> None:
        """New amplitudes; what the attack has is not the modes' any more."""
        composite = self._composite()
        if len(composite) < SHORTEST_S * self._rate:
            return
        attack = self._resonance.attack[: len(composite)]
        composite.sound[: len(attack)] -= attack
        self._resonance.modes = refit_modes(self._resonance.modes, composite, self._rate)
        self._sound_anew()

    def _seek(self, modes: int, mend: bool) -> None:
        composite, known = self._composite(), self._resonance.modes
        if len(composite) < SHORTEST_S * self._rate:
            return
        if mend and len(known):
            self._resonance.modes = mend_modes(known, composite, self._rate, modes)
        else:
            self._resonance.modes = peel_modes(composite, self._rate, modes)
        self._sound_anew()

    def _fit_gains(self) -> None:
        span_s = GAIN_SPANS_S[min(self._number, len(GAIN_SPANS_S) - 1)]
        for index, strike in enumerate(self._strikes):
            extent = max(self._fit.extent(strike, span_s), round(SHORTEST_S * self._rate))
            model = self._sounds[index][:extent]
            target = self._target(index, len(model))
            energy = float(model @ model)
            if energy > 0.0:
                gain = strike.gain * float(target @ model) / energy
                self._set_gain(index, float(np.clip(gain, 1e-6, 1e6)))

    def _set_gain(self, index: int, gain: float) -> None:
        strike = self._strikes[index]
        self._put_back(index)
        self._sounds[index] = gain / strike.gain * self._sounds[index]
        self._take_away(index)
        strike.gain = gain

    def _fit_releases(self) -> None:
        span = round(RELEASE_SPAN_S * self._rate)
        alike = Held(self._modal(Strike(0, 0, 1.0), span), self._rate)
        for index, strike in enumerate(self._strikes):
            if strike.gain == 0.0:
                continue
            before = strike.held, strike.release_s
            held = alike
            if strike.offset_db is not None:
                own = Strike(0, 0, 1.0, offset_db=strike.offset_db)
                held = Held(self._modal(own, span), self._rate)
            self._fit_release(index, held)
            if (strike.held, strike.release_s) != before:
                self._sound_anew(range(index, index + 1))

    def _modal(self, strike: Strike, limit: int) -> Float:
        return modal_signal(strike, self._resonance.modes, self._rate, limit)

    def _fit_release(self, index: int, held: Held) -> None:
        strike = self._strikes[index]
        model = held.sound[: self._fit.draft.length - strike.onset]
        target = self._target(index, len(model)) / strike.gain
        found = find_release(target, held, self._fit.gap(strike.onset))
        stopped = self._stopped(index, found[0] if found else self._fit.draft.length)
        if stopped is not None:
            found = stopped, DEFAULT_RELEASE_S
        elif found:
            let_go = Strike(0, 0, 1.0, *found, offset_db=strike.offset_db)
            shorter = self._modal(let_go, len(model))
            gone = model.copy()
            gone[: len(shorter)] -= shorter
            # ‖t − shorter‖² < ‖t − model‖²
            if 2.0 * float(gone @ (target - model)) + float(gone @ gone) >= 0.0:
                found = None
        strike.held, strike.release_s = found if found else (None, DEFAULT_RELEASE_S)

    def _stopped(self, index: int, before: int) -> int | None:
        """Samples until the next strike of the resonance stops this one, None if it does not."""
        strike = self._strikes[index]
        later = [n for n, other in enumerate(self._strikes) if other.onset > strike.onset]
        again = min(later, key=lambda n: self._strikes[n].onset, default=None)
        if again is None:
            return None
        late, span = self._strikes[again].onset - strike.onset, round(RESTRUCK_SPAN_S * self._rate)
        if late >= before:
            return None
        held = Strike(0, 0, strike.gain, offset_db=strike.offset_db)
        older = self._modal(held, late + span)[late:]
        newer = self._sounds[again][: len(older)]
        sound = self._target(again, len(newer))
        own = self._sounds[index][late : late + len(sound)]
        sound[: len(own)] += own
        return None if rings_on(sound, older[: len(newer)], newer) else late

    def _learn_attack(self) -> None:
        length = round(ATTACK_S * self._rate)
        parts, gains, gaps = [], [], []
        for index, strike in enumerate(self._strikes):
            target = self._target(index, length)
            modal = self._modal(strike, len(target))
            target[: len(modal)] -= modal
            parts.append(target)
            gains.append(strike.gain)
            gaps.append(self._fit.gap(strike.onset))
        attack = fit_attack(parts, gains, gaps, length, self._rate)
        begin = self._modal(Strike(0, 0, 1.0), round(RISE_S * self._rate))
        self._resonance.attack = from_nothing(attack, begin, self._rate)
        self._sound_anew()
