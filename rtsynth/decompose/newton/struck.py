"""One resonance and its strikes to first order. Thread: any.

Unknown are the modes' amplitudes and poles, the attack and the strikes' gains, all as one vector:
level and slope per mode, real then imaginary parts, the attack's samples, a share of each gain.
They are scaled so that a step of 1 changes the weighted sound by about an energy of 1. Strikes
share the exponentials: these are summed once, however often the resonance is struck.
"""

import dataclasses

import numpy as np

from rtsynth.decompose.attack import RISE_S, attack_fade, from_nothing
from rtsynth.decompose.damped import Complex, Float, Modes, poles, ring_modes
from rtsynth.decompose.draft import Draft, Resonance, Strike, heard_samples
from rtsynth.decompose.newton.exponentials import Exponentials, Single
from rtsynth.units import LN1000

__all__ = ["Struck"]

FURTHEST = 0.25  # nepers or radians within its duration that a mode's pole may move at once
LOUDER = 0.7  # nepers that a gain may move at once
FAINTEST = 1e-8  # of the whole's energy: what is heard of a resonance that is still to be moved
HEARD_S = 0.05  # of a sound that is still to be moved
STIFFNESS = 1.0  # the less, the less of a step goes into the attack, which could explain anything
SHORTEST_S, LONGEST_S = 0.02, 20.0
LOWEST_HZ, HIGHEST = 20.0, 0.48  # of the sample rate


class Struck:
    """What a resonance's strikes change by with a step of what is unknown about them.

    Args:
        draft: strikes without gains per mode.
        index: of the resonance.
        weight: [samples] of the misfit's root.
        frozen: the resonance stays as it is; only its strikes' gains are unknown. So are those of a
            resonance of which next to nothing is heard: nobody would know how to move it.
        energy: of the whole weighted signal.

    Attributes:
        size: unknowns.
    """

    def __init__(
        self, draft: Draft, index: int, weight: Float, *, frozen: bool, energy: float
    ) -> None:
        self.index, self._rate = index, draft.sample_rate
        self._strikes = draft.of(index)
        self._resonance: Resonance = draft.resonances[index]
        modes, attack = self._resonance.modes, self._resonance.attack
        self._heard = [_heard(strike, modes, draft) for strike in self._strikes]
        length = max(held + len(damped) for held, damped in self._heard)
        rung = ring_modes(modes, self._rate, length, single=True)
        self._modal: Single = rung.astype(np.float32)
        self._attack: Single = attack.astype(np.float32)
        energies = np.array([self._energy(n, weight) for n in range(len(self._strikes))])
        within = draft.length - min(strike.onset for strike in self._strikes)
        heard = min(within, max(length, len(attack)))
        faint = heard < HEARD_S * self._rate or float(energies.sum()) <= FAINTEST * energy
        still = frozen or faint
        self._modes = Modes.none() if still else modes
        self._fade = attack_fade(0 if still else len(attack))
        modal, struck = self._counted(length, weight)
        self._basis = Exponentials(self._modes, self._rate, modal)
        self._scale = self._scales(struck, energies)
        self.size = len(self._scale)

    def _counted(self, length: int, weight: Float) -> tuple[Float, Float]:
        """How much each sample of the modes and of the attack counts, all strikes together."""
        modal, struck = np.zeros(length), np.zeros(len(self._fade))
        for strike, (held, damped) in zip(self._strikes, self._heard, strict=True):
            whole = held + len(damped)
            there = (strike.gain * weight[strike.onset :][: max(whole, len(struck))]) ** 2
            modal[:held] += there[:held]
            modal[held:whole] += there[held:whole] * damped**2
            near = there[: len(struck)]
            struck[: len(near)] += near
        return modal, struck

    def _energy(self, number: int, weight: Float) -> float:
        """What is heard of a strike."""
        there = weight[self._strikes[number].onset :]
        sound = np.zeros(min(len(there), max(len(self._modal), len(self._attack))), np.float32)
        self._add(number, self._modal, self._attack, sound)
        heard = sound * there[: len(sound)]
        return float(heard @ heard)

    def _scales(self, struck: Float, energies: Float) -> Float:
        basis = self._basis
        level = _inverse_root(basis.energy)
        loudness = np.abs(self._modes.amplitude) ** 2
        slope = _inverse_root(basis.energy * basis.spread * loudness)
        attack = STIFFNESS * self._fade * _inverse_root(struck)
        return np.concatenate([level, level, slope, slope, attack, _inverse_root(energies)])

    def _add(self, number: int, modal: Single, attack: Single, total: Single) -> None:
        """Add what a strike makes of modes and attack, in place, from its onset on."""
        gain = np.float32(self._strikes[number].gain)
        held, damped = self._heard[number]
        sound = gain * modal[: held + len(damped)]
        sound[held:] *= damped
        total[: len(sound)] += sound
        count = min(len(attack), len(total))
        total[:count] += gain * attack[:count]

    def _split(self, step: Float) -> tuple[Complex, Complex, Float, Float]:
        """Levels, shares by which poles move, the attack's change, shares of the gains."""
        modes, taken = len(self._modes), len(self._fade)
        ends = np.cumsum([modes, modes, modes, modes, taken])
        real, imaginary, decay, turn, attack, gains = np.split(step * self._scale, ends)
        return real + 1j * imaginary, decay + 1j * turn, attack, gains

    def add_change(self, step: Float, total: Single) -> None:
        """Add what a step changes in the sound, in place.

        Args:
            step: [size].
            total: [samples] of the draft.
        """
        level, slope, attack, gains = self._split(step)
        changed = np.zeros_like(self._attack)
        changed[: len(attack)] = attack
        modal = self._basis.sound(level, slope * self._modes.amplitude)
        for number, (strike, share) in enumerate(zip(self._strikes, gains, strict=True)):
            louder, (held, damped) = np.float32(share), self._heard[number]
            count = held + len(damped)
            self._add(
                number,
                modal[:count] + louder * self._modal[:count],
                changed + louder * self._attack,
                total[strike.onset :],
            )

    def products(self, heard: Single) -> Float:
        """[size] inner products of a sound with what each unknown changes.

        Args:
            heard: [samples] of the draft, weighted twice.
        """
        modal = np.zeros(len(self._modal), np.float32)
        struck = np.zeros(len(self._attack), np.float32)
        gains = []
        for strike, (held, damped) in zip(self._strikes, self._heard, strict=True):
            there, gain = heard[strike.onset :], np.float32(strike.gain)
            own = gain * there[: held + len(damped)]
            own[held:] *= damped
            near = gain * there[: len(struck)]
            modal[: len(own)] += own
            struck[: len(near)] += near
            gains.append(float(own @ self._modal[: len(own)] + near @ self._attack[: len(near)]))
        level, slope = self._basis.products(modal)
        slope = slope * self._modes.amplitude.conj()
        taken = struck[: len(self._fade)]
        modal_parts = [level.real, level.imag, slope.real, slope.imag]
        found: Float = np.concatenate([*modal_parts, taken.astype(float), gains]) * self._scale
        return found

    def moved(self, step: Float) -> tuple[Resonance, dict[int, float]]:
        """The resonance and the gains of its strikes, by identity, a step of [size] further."""
        level, slope, attack, shares = self._split(step)
        gains = {
            id(strike): strike.gain * float(np.exp(np.clip(share, -LOUDER, LOUDER)))
            for strike, share in zip(self._strikes, shares, strict=True)
        }
        if len(self._modes) == 0 and len(attack) == 0:
            return self._resonance, gains
        modes = self._moved_modes(level, slope)
        if len(attack):
            count = min(len(attack), round(RISE_S * self._rate))
            begins = [ring_modes(m, self._rate, count) for m in (modes, self._modes)]
            attack = from_nothing(attack, begins[0] - begins[1], self._rate)
            attack = attack + self._resonance.attack
        return dataclasses.replace(self._resonance, modes=modes, attack=attack), gains

    def _moved_modes(self, level: Complex, slope: Complex) -> Modes:
        """Each mode with its pole moved around its centre, no further than the tangent holds.

        None comes up louder at once than the loudest is.
        """
        reach = np.abs(slope) * np.sqrt(self._basis.spread)
        slope = slope / np.maximum(reach / FURTHEST, 1.0)
        old, rate = self._modes, self._rate
        loudest = float(np.abs(old.amplitude).max(initial=1e-30))
        level = level / np.maximum(np.abs(level) / loudest, 1.0)
        s = poles(old.freq_hz, old.t60_s, rate) + slope
        # what is beyond the limits already may stay there
        longest, shortest = np.maximum(LONGEST_S, old.t60_s), np.minimum(SHORTEST_S, old.t60_s)
        lowest, highest = (
            np.minimum(LOWEST_HZ, old.freq_hz),
            np.maximum(HIGHEST * rate, old.freq_hz),
        )
        t60_s = LN1000 / np.clip(-s.real * rate, LN1000 / longest, LN1000 / shortest)
        freq_hz = np.clip(s.imag * rate / (2.0 * np.pi), lowest, highest)
        amplitude = old.amplitude * np.exp(-slope * self._basis.centre) + level
        return Modes(freq_hz, t60_s, amplitude)


def _heard(strike: Strike, modes: Modes, draft: Draft) -> tuple[int, Single]:
    """Samples for which a strike is held, and [samples] its level after that, until 80 dB down."""
    limit = draft.length - strike.onset
    held, rest = heard_samples(strike, modes, draft.sample_rate, limit)
    falling = np.exp(-LN1000 / (strike.release_s * draft.sample_rate) * np.arange(rest))
    return held, falling.astype(np.float32)


def _inverse_root(energy: Float) -> Float:
    """1 / root, and 0, which leaves alone, where there is next to nothing."""
    least = 1e-10 * float(energy.max(initial=0.0))
    found: Float = np.where(energy > least, 1.0 / np.sqrt(energy + 1e-300), 0.0)
    return found
