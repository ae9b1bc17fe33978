"""The learnable resonance bank: R resonances of M modes each, passive whatever their parameters.

    s = −ln(1000)/T60 + j·2π·freq,   c = gain / max_f |Σ gain/(j2πf − s)|,   amplitude = impulse · c

so that |H_r(f)| ≤ 1 at every step of learning, and `impulse` alone carries the scale. What is
learned is log2 of the frequency in Hz, ln of T60 in s, the complex gain, of which only the
direction counts, and ln of the impulse in s. An event's sound: `rtsynth.instrument`.
Thread: worker.
"""

import dataclasses
import math

import numpy as np
import torch
from torch import Tensor, nn

from rtsynth.errors import CapacityError
from rtsynth.instrument import Instrument
from rtsynth.nn.bound import bounded
from rtsynth.nn.damped import ring, step
from rtsynth.nn.passive import peak_response
from rtsynth.units import LN1000

__all__ = ["EventModes", "ResonanceBank"]

HZ_RANGE = (20.0, 24_000.0)
T60_RANGE_S = (0.02, 20.0)
IMPULSE_RANGE_S = (1e-12, 1e6)
MAX_TOTAL = 1 << 20
ALIAS = 0.49  # modes beyond this share of the sample rate stay silent, as in the engine
LN_IMPULSE = (math.log(IMPULSE_RANGE_S[0]), math.log(IMPULSE_RANGE_S[1]))


@dataclasses.dataclass(frozen=True)
class EventModes:
    """The modes of some events (or of all resonances), deformed and ready to sound.

    Attributes:
        s: [events, modes] complex128, 1/s and rad/s.
        gain: [events, modes] complex128, 1/s, passive; 0 for absent modes.
        impulse: [events] seconds.
    """

    s: Tensor
    gain: Tensor
    impulse: Tensor

    @property
    def amplitude(self) -> Tensor:
        """[events, modes] complex128 as struck with gain 1."""
        return self.gain * self.impulse[:, None]

    def whole(
        self,
        length: int,
        sample_rate: float,
        first: float | Tensor = 0.0,
        dtype: torch.dtype = torch.float64,
    ) -> Tensor:
        """[events, length] as struck with gain 1, in closed form, from age `first` samples on."""
        return ring(
            self.s, self._heard(self.amplitude, sample_rate), length, sample_rate, first, dtype
        )

    def silent(self) -> Tensor:
        """[events, modes] the state of the step form before anything happened."""
        return torch.zeros_like(self.gain)

    def step(self, state: Tensor, drive: Tensor, sample_rate: float) -> tuple[Tensor, Tensor]:
        """The next block of the recursion: [events, length] of sound, and the state after it.

        Args:
            state: [events, modes] from `silent` or the block before.
            drive: [events, length]; a strike is one sample of `impulse · sample_rate`.
            sample_rate: Hz.
        """
        return step(self.s, self._heard(self.gain, sample_rate), state, drive, sample_rate)

    def after(self, drive: Tensor, length: int, sample_rate: float) -> Tensor:
        """[events, drive + length] driven, then ringing on in closed form (no history needed).

        Args:
            drive: [events, samples].
            length: samples after the drive is over.
            sample_rate: Hz.
        """
        driven, state = self.step(self.silent(), drive, sample_rate)
        return torch.cat([driven, ring(self.s, state, length, sample_rate, 1.0)], dim=-1)

    def _heard(self, amplitude: Tensor, sample_rate: float) -> Tensor:
        above = self.s.imag >= ALIAS * 2.0 * math.pi * sample_rate
        return torch.where(above, torch.zeros_like(amplitude), amplitude)


class ResonanceBank(nn.Module):
    """R × M learnable modes.

    Args:
        resonances: R, ≥ 1.
        modes: M, ≥ 1; up to about a million modes in all.
        seed: of the first frequencies, log-uniform from 60 Hz to 6 kHz.

    Attributes:
        log2_hz: [R, M] float64.
        log_t60: [R, M] float64, natural logarithm of seconds.
        gain: [R, M, 2] float64, real and imaginary part, any scale.
        log_impulse: [R] float64, natural logarithm of seconds.
        present: [R, M] bool; False for absent modes, which stay silent.

    Raises:
        CapacityError: no modes at all, or too many.
    """

    present: Tensor

    def __init__(self, resonances: int, modes: int, seed: int = 0) -> None:
        super().__init__()
        if min(resonances, modes) < 1 or resonances * modes > MAX_TOTAL:
            raise CapacityError(
                f"a bank of {resonances} × {modes} modes; legal: 1 … {MAX_TOTAL} in all"
            )
        random = torch.Generator().manual_seed(seed)
        shape = (resonances, modes)

        def drawn(low: float, high: float, *size: int) -> Tensor:
            return low + (high - low) * torch.rand(*size, generator=random, dtype=torch.float64)

        self.log2_hz = nn.Parameter(drawn(math.log2(60.0), math.log2(6000.0), *shape))
        self.log_t60 = nn.Parameter(drawn(math.log(0.1), math.log(1.0), *shape))
        self.gain = nn.Parameter(drawn(-1.0, 1.0, *shape, 2))
        self.log_impulse = nn.Parameter(torch.full((resonances,), math.log(1e-3)).double())
        self.register_buffer("present", torch.ones(shape, dtype=torch.bool))

    @property
    def freq_hz(self) -> Tensor:
        """[R, M] Hz, 20 … 24 000; of absent modes too."""
        return torch.exp2(bounded(self.log2_hz, math.log2(HZ_RANGE[0]), math.log2(HZ_RANGE[1])))

    @property
    def t60_s(self) -> Tensor:
        """[R, M] seconds, 0.02 … 20."""
        low, high = T60_RANGE_S
        return torch.exp(bounded(self.log_t60, math.log(low), math.log(high)))

    @property
    def impulse(self) -> Tensor:
        """[R] seconds; 0 for a resonance without modes."""
        return torch.exp(bounded(self.log_impulse, *LN_IMPULSE)) * self.present.any(-1)

    def modes(
        self,
        index: Tensor | None = None,
        *,
        transpose: Tensor | None = None,
        damp: Tensor | None = None,
        bright: Tensor | None = None,
        inharm: Tensor | None = None,
        gain_db: Tensor | None = None,
    ) -> EventModes:
        """The modes of events that chose `index`, deformed.

        Args:
            index: [events] int64, one resonance each; None for each resonance once.
            transpose: [events] semitones.
            damp: [events] factor on T60.
            bright: [events] dB per octave above the resonance's lowest mode.
            inharm: [events] B: frequencies times √((1 + B·k²)/(1 + B)), k = freq/lowest.
            gain_db: [events, modes] dB, such as `vector @ mode_map`.
        """
        freq, t60, passive, impulse = self.freq_hz, self.t60_s, self.passive_gain(), self.impulse
        present = self.present
        if index is not None:
            freq, t60, passive = freq[index], t60[index], passive[index]
            impulse, present = impulse[index], present[index]
        level = torch.zeros_like(freq) if gain_db is None else gain_db.double()
        lowest = torch.where(present, freq, math.inf).amin(-1, keepdim=True)
        above = torch.where(present, freq / lowest, 1.0)
        if bright is not None:
            level = level + bright.double()[:, None] * torch.log2(above)
        if inharm is not None:
            stiff = inharm.double()[:, None]
            freq = freq * torch.sqrt((1.0 + stiff * above.square()) / (1.0 + stiff))
        if transpose is not None:
            freq = freq * torch.exp2(transpose.double()[:, None] / 12.0)
        if damp is not None:
            t60 = t60 * damp.double()[:, None]
        s = torch.complex(-LN1000 / t60, 2.0 * math.pi * freq)
        return EventModes(s, passive * 10.0 ** (level / 20.0), impulse)

    def passive_gain(self) -> Tensor:
        """[R, M] complex128, 1/s: the gain over the peak of its response."""
        raw = torch.view_as_complex(self.gain) * self.present
        s = torch.complex(-LN1000 / self.t60_s, 2.0 * math.pi * self.freq_hz)
        peak = peak_response(s, raw)
        return raw / torch.where(peak > 0, peak, torch.ones_like(peak))[:, None]

    @classmethod
    def from_instrument(cls, instrument: Instrument) -> "ResonanceBank":
        """The bank of an instrument; T60 is clamped to 0.02 … 20 s, frequency to 20 … 24 000 Hz."""
        bank = cls(instrument.resonances, max(1, instrument.modes))
        for index in range(instrument.resonances):
            present = np.flatnonzero(instrument.freq_hz[index] > 0)
            bank.set_modes(
                index,
                torch.from_numpy(instrument.freq_hz[index][present].astype(float)),
                torch.from_numpy(instrument.t60_s[index][present].astype(float)),
                torch.from_numpy(instrument.amplitude(index)[present]),
            )
        return bank

    @torch.no_grad()
    def set_modes(self, resonance: int, freq_hz: Tensor, t60_s: Tensor, amplitude: Tensor) -> None:
        """Give a resonance the modes `Re Σ amplitude · e^{s t}`; those it lacks become absent.

        Args:
            resonance: its index.
            freq_hz: [modes], at most M of them.
            t60_s: [modes] seconds.
            amplitude: [modes] complex, at the onset for gain 1.
        """
        count = len(freq_hz)
        self.present[resonance] = torch.arange(self.present.shape[1]) < count
        self.log2_hz[resonance, :count] = freq_hz.double().clamp(*HZ_RANGE).log2()
        self.log_t60[resonance, :count] = t60_s.double().clamp(*T60_RANGE_S).log()
        raw = amplitude.to(torch.complex128)
        s = torch.complex(
            -LN1000 / self.log_t60[resonance, :count].exp(),
            2.0 * math.pi * torch.exp2(self.log2_hz[resonance, :count]),
        )
        peak = float(peak_response(s[None], raw[None])[0]) if count else 0.0
        self.gain[resonance, :count] = torch.view_as_real(raw / peak if peak > 0 else raw)
        self.log_impulse[resonance] = math.log(max(peak, IMPULSE_RANGE_S[0]))

    @torch.no_grad()
    def write_to(self, instrument: Instrument) -> None:
        """Put the modes into an instrument that has as many resonances and at least M modes.

        Raises:
            CapacityError: it has other sizes.
        """
        resonances, modes = self.present.shape
        if instrument.resonances != resonances or instrument.modes < modes:
            raise CapacityError(
                f"the instrument holds {instrument.resonances} × {instrument.modes} modes, the "
                f"bank {resonances} × {modes}; make it with Instrument.blank({resonances}, {modes})"
            )
        learned = self.modes()
        for index in range(resonances):
            present = self.present[index]
            instrument.set_modes(
                index,
                self.freq_hz[index][present].cpu().numpy(),
                self.t60_s[index][present].cpu().numpy(),
                learned.amplitude[index][present].cpu().numpy(),
            )
