"""Voices that can be differentiated: the formula of `rtsynth.instrument` on ticks of 32 frames.

Ticks are counted from an event's onset; within a tick poles, bow and blow levels are constant, read
from the controls at the age of its middle, and every output gain moves in a straight line from the
last tick's to its own. The state at a tick's start is a float64 sum over the ticks before it, so
that a window of a long event costs only its own ticks, and the whole form is one step.
Thread: worker.
"""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from rtsynth.dsp.modal import TICK
from rtsynth.instrument import CONTROL_LIMITS
from rtsynth.instrument.field import BEND, BOW, BRIGHT, DAMP, DRY, PLAIN_CONTROLS, TONE, WET
from rtsynth.nn.batch import BankTensors, EventBatch
from rtsynth.nn.curves import read_curves, tone_at
from rtsynth.nn.excitation import blow_noise, frames_of, grain_ages, scan_linear, strike_table
from rtsynth.nn.ring import powers, ring_ticks
from rtsynth.units import LN1000

__all__ = ["Controls", "VoiceState", "Voices"]

NYQUIST_SHARE = 0.49
RELEASE_FADE_S = 0.005
DB_TO_LOG2 = math.log2(10.0) / 20.0

Controls = Callable[[Tensor], Tensor]
"""`controls(age_s [E, T]) -> [E, T, C]`, the sum over the field's members, not yet clipped; C is
38, or 54 with tone bands."""


@dataclasses.dataclass
class VoiceState:
    """Where E voices are before a tick.

    Attributes:
        tick: [E] int64, ticks since the onset.
        decay: [E, M] float64, nepers fallen since the onset.
        phase: [E, M] float64, radians modulo 2π.
        gain: [E, M] output gain at the last tick's end.
        bowed: [E, M] amplitude the bow has built up, over c · bow.
        driven: [E, M] complex state of what noise has driven.
    """

    tick: Tensor
    decay: Tensor
    phase: Tensor
    gain: Tensor
    bowed: Tensor
    driven: Tensor


@dataclasses.dataclass
class _Bent:
    """Poles and gains of T ticks: nepers and radians per frame, pole, gain, each [E, T, M]."""

    decay: Tensor
    turn: Tensor
    pole: Tensor
    gain: Tensor
    controls: Tensor | None


class Voices:
    """E events on one bank.

    Args:
        bank: the instrument's tensors, at the sample rate.
        events: what sounds.
        sample_rate: Hz.
        controls: what the field draws over age; None draws nothing.
        drawn: [E, A] the field's attack for gain 1, or None.
        past_stride: ticks of the past that share one reading of the controls; 1 is exact.
    """

    def __init__(
        self,
        bank: BankTensors,
        events: EventBatch,
        sample_rate: int,
        controls: Controls | None = None,
        drawn: Tensor | None = None,
        past_stride: int = 1,
    ) -> None:
        self.bank, self.events, self.rate = bank, events, sample_rate
        self.controls, self.past_stride = controls, past_stride
        r = events.resonance
        freq = bank.freq_hz[r]
        self.present = freq > 0
        self.freq = torch.where(self.present, freq, torch.ones_like(freq)).double()
        lowest = torch.where(self.present, freq, torch.inf).amin(dim=1, keepdim=True)
        above = self.freq / torch.where(torch.isfinite(lowest), lowest, 1.0)
        inharm = events.inharm[:, None].double()
        self.learned = self.freq
        self.freq = self.freq * torch.sqrt((1.0 + inharm * above**2) / (1.0 + inharm))
        self.freq = self.freq * events.detune.double()
        self.octaves = torch.log2(above).to(bank.dtype)
        t60 = torch.where(self.present, bank.t60_s[r], torch.ones_like(freq)).double()
        slower = (events.damp.double() / events.stretch.double().clamp_min(1e-30))[:, None]
        self.decay = torch.where(events.stretch[:, None] > 0, LN1000 / (t60 * slower), 0.0)
        self.offset_db = events.vector @ bank.mode_map
        self.gain = bank.gain[r] * self.present
        self.struck = self.gain * bank.impulse[r][:, None]
        self.attack = self._attack(drawn)
        table = strike_table(bank.source, r.cpu().numpy(), events.seed, sample_rate)
        self.noise = torch.from_numpy(table).to(freq)
        self.steady = controls is None and not bool((events.vibrato_depth > 0).any())
        self.bowing = bool((bank.bow[r] > 0).any())
        self.blowing = bool((bank.blow_gain[r] > 0).any())
        wet = (bank.strike_wet[r] > 0) & bool(self.noise.shape[1])
        self.driving = bool(wet.any()) or (self.blowing and bool((bank.blow_wet[r] > 0).any()))

    def open(self, tick: Tensor) -> VoiceState:
        """The state before tick `tick` [E] ≥ 0.

        Where noise drives the modes there is no closed form: what came before is rendered.
        """
        begin = self._onset_state()
        if self.driving and int(tick.max()) > 0:
            return self._open_driven(begin, tick)
        most = int(tick.max())
        if most == 0:
            return begin
        stride = most if self.steady else self.past_stride
        group = torch.arange(0, most, stride, device=tick.device)
        count = (tick[:, None] - group).clamp(0, stride)
        middle = group.expand(len(tick), -1) + (count // 2) * (stride > 1)
        bent = self._bend(middle, coarse=stride > 1)
        frames = (TICK * count).unsqueeze(-1).double()
        decay = begin.decay + (frames * bent.decay).sum(dim=1)
        phase = begin.phase + (frames * bent.turn).sum(dim=1)
        before = self._bend((tick - 1).clamp_min(0)[:, None]).gain[:, 0]
        gain = torch.where((tick > 0)[:, None], before, begin.gain)
        bowed = begin.bowed
        if self.bowing:
            bowed = self._bowed_past(bent, group * TICK, frames, begin.bowed)
        return VoiceState(tick, decay, _wrapped(phase), gain, bowed, begin.driven)

    def step(self, state: VoiceState, ticks: int) -> tuple[Tensor, VoiceState]:
        """The next `ticks` ticks.

        Returns:
            [E, 32·ticks] samples with the events' gains, without pan; the state after them.
        """
        tick = state.tick[:, None] + torch.arange(ticks, device=state.tick.device)
        bent = self._bend(tick)
        fallen = TICK * torch.cumsum(bent.decay, dim=1)
        turned = TICK * torch.cumsum(bent.turn, dim=1)
        decay = state.decay[:, None] + torch.nn.functional.pad(fallen, (0, 0, 1, 0))
        phase = state.phase[:, None] + torch.nn.functional.pad(turned, (0, 0, 1, 0))
        phase = _wrapped(phase)
        before = torch.cat([state.gain[:, None], bent.gain[:, :-1]], dim=1)
        kind = self.bank.gain.dtype
        turn = torch.polar(torch.ones_like(phase[:, :-1]), phase[:, :-1]).to(kind)
        pole = bent.pole
        z = self.struck[:, None] * (torch.exp(-decay[:, :-1]).to(self.bank.dtype) * turn)
        sound, bowed = self._bow(state.bowed, bent, tick, turn, pole, before)
        if bowed is not None:
            z = z + self.gain[:, None] * bowed[0] * turn
        sound = sound + ring_ticks(z, pole, before, bent.gain)
        sound = sound.reshape(len(self.events), -1)
        frame = state.tick * TICK
        dry, wet = self._noises(frame, TICK * ticks, bent)
        driven = state.driven
        if self.driving and wet is not None:
            rung, driven = self._drive(driven, wet, pole, before, bent.gain)
            sound = sound + rung
        sound = sound * self._release(frame, TICK * ticks) + dry
        after = VoiceState(
            state.tick + ticks, decay[:, -1], phase[:, -1], bent.gain[:, -1],
            state.bowed if bowed is None else bowed[1], driven,
        )  # fmt: skip
        return sound * self.events.gain[:, None], after

    def whole(self, first: Tensor, ticks: int) -> Tensor:
        """[E, 32·ticks] samples from each event's tick `first` [E] on."""
        return self.step(self.open(first), ticks)[0]

    def _onset_state(self) -> VoiceState:
        start = torch.zeros(len(self.events), 1, dtype=torch.int64, device=self.freq.device)
        bent = self._bend(start)
        nothing = torch.zeros_like(self.octaves)
        state = VoiceState(
            start[:, 0], -bent.decay[:, 0], -bent.turn[:, 0], bent.gain[:, 0], nothing,
            torch.zeros_like(self.gain),
        )  # fmt: skip
        return state

    def _open_driven(self, begin: VoiceState, tick: Tensor) -> VoiceState:
        """States event by event: noise that drives leaves no closed form."""
        states = []
        for row, count in enumerate(tick.tolist()):
            one = self.only(row)
            state = one._onset_state()
            states.append(one.step(state, count)[1] if count else state)
        joined = {
            f.name: torch.cat([getattr(s, f.name) for s in states])
            for f in dataclasses.fields(VoiceState)
        }
        return VoiceState(**joined)

    def only(self, row: int) -> "Voices":
        """The voice of one event alone."""
        one = object.__new__(Voices)
        one.__dict__.update(self.__dict__)
        at = np.array([row])
        one.events = self.events.take(at)
        for name in ("present", "learned", "freq", "octaves", "decay", "offset_db", "gain",
                     "struck", "attack", "noise"):  # fmt: skip
            setattr(one, name, getattr(self, name)[row : row + 1])
        if self.controls is not None:
            whole, count = self.controls, len(self.events)
            one.controls = lambda age: whole(age.expand(count, -1))[row : row + 1]
        return one

    def _bend(self, tick: Tensor, coarse: bool = False) -> _Bent:
        """Poles and gains in ticks [E, T], as `rtsynth.dsp.modal.bend_modes` computes them."""
        events, shape = self.events, tick.shape
        if self.steady:
            tick = tick[:, :1]
        time = (tick * TICK + TICK // 2).double() / self.rate
        c = self._controls_at(time * events.stretch[:, None].double(), coarse)
        turn = torch.sin(2.0 * torch.pi * events.vibrato_hz[:, None].double() * time)
        bend = events.bend[:, None].double() + events.vibrato_depth[:, None].double() * turn
        bright, decay = events.bright[:, None], self.decay[:, None]
        if c is not None:
            bend = bend + c[..., BEND].double()
            bright = bright + c[..., BRIGHT]
            decay = decay * torch.exp2(-c[..., DAMP].double())[..., None]
        ratio = torch.exp2(bend / 12.0)[..., None]
        freq = self.freq[:, None] * ratio
        db = self.offset_db[:, None] + bright[..., None] * self.octaves[:, None]
        louder = db * DB_TO_LOG2
        if c is not None and c.shape[-1] > PLAIN_CONTROLS:
            louder = louder + tone_at(c[..., TONE:], self.learned[:, None] * ratio)
        gain = torch.exp2(louder)
        gain = torch.where(freq < NYQUIST_SHARE * self.rate, gain, torch.zeros_like(gain))
        decay = decay.expand_as(freq) / self.rate
        turned = 2.0 * torch.pi * freq / self.rate
        pole = torch.polar(torch.exp(-decay), turned).to(self.bank.gain.dtype)
        every = (*shape, freq.shape[-1])
        return _Bent(
            decay.expand(every), turned.expand(every), pole.expand(every), gain.expand(every), c
        )

    def _controls_at(self, age: Tensor, coarse: bool = False) -> Tensor | None:
        if self.controls is None:
            return None
        limits = torch.from_numpy(CONTROL_LIMITS).to(self.bank.freq_hz)
        drawn = self.controls(age) if coarse else read_curves(self.controls, age)
        limits = limits[: drawn.shape[-1]]
        return drawn.clamp(limits[:, 0], limits[:, 1])

    def _held_ticks(self, tick: Tensor) -> Tensor:
        """[E, T] frames of each tick that lie before the end of the duration, 0 … 32."""
        return (self.events.held[:, None] - (tick * TICK).double()).clamp(0, TICK)

    def _bow_level(self, bent: _Bent) -> Tensor:
        """[E, T, 1] the bow's curve times its strength, seconds."""
        level = self.bank.bow[self.events.resonance][:, None]
        if bent.controls is not None:
            level = level * torch.exp2(bent.controls[..., BOW])
        return level.expand(bent.decay.shape[:2]).unsqueeze(-1)

    def _bowed_past(self, bent: _Bent, first: Tensor, frames: Tensor, start: Tensor) -> Tensor:
        left = self.events.held[:, None, None] - first[:, None].double()
        on = torch.minimum(left.clamp_min(0.0), frames)
        stays = torch.exp(-bent.decay * frames)
        gains = torch.exp(-bent.decay * (frames - on)) - stays
        level = self._bow_level(bent)
        added = gains.to(level.dtype) * level
        return scan_linear(stays.to(level.dtype), added, start)[1]

    def _bow(
        self, start: Tensor, bent: _Bent, tick: Tensor, turn: Tensor, pole: Tensor, before: Tensor
    ) -> tuple[Tensor, tuple[Tensor, Tensor] | None]:
        """Steady part of the bowed sound [E, T, 32]; what of it decays [E, T, M], and its end."""
        if not self.bowing:
            return before.new_zeros(1), None
        on = self._held_ticks(tick).unsqueeze(-1)
        level = self._bow_level(bent)
        stays = torch.exp(-bent.decay * TICK)
        gains = (torch.exp(-bent.decay * (TICK - on)) - stays).to(level.dtype) * level
        built, end = scan_linear(stays.to(level.dtype), gains, start)
        level = level * (on > 0)
        steady = self.gain[:, None] * level * turn
        circle = torch.polar(torch.ones_like(bent.turn), bent.turn).to(pole.dtype)
        frame = torch.arange(TICK, device=tick.device)
        held = ring_ticks(steady, circle, before, bent.gain) * (frame < on)
        cut = ((on > 0) & (on < TICK)).to(level.dtype)
        regrown = steady * cut * torch.exp(bent.decay * on).to(level.dtype)
        let_go = ring_ticks(regrown, pole, before, bent.gain) * (frame >= on)
        return held + let_go, (built - level, end)

    def _drive(
        self, start: Tensor, drive: Tensor, pole: Tensor, before: Tensor, gain: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Modes driven by [E, frames]: what they sound like, and their state at the end."""
        x = drive.reshape(*pole.shape[:2], TICK)
        c = self.gain[:, None] / self.rate
        power = powers(pole)
        late = torch.cat([torch.ones_like(power[..., :1]), power[..., :-1]], dim=-1)
        added = c * torch.einsum("etmi,eti->etm", late, x.flip(-1).to(late.dtype))
        state, end = scan_linear(power[..., -1], added, start)
        sound = ring_ticks(state, pole, before, gain)
        ramp = torch.arange(1, TICK + 1, device=drive.device, dtype=drive.dtype) / TICK
        respond = c / pole
        first = ring_ticks(respond, pole, before, before)
        moved = ring_ticks(respond, pole, gain - before, gain - before)
        sound = sound + _convolved(first, x) + ramp * _convolved(moved, x)
        return sound.reshape(len(drive), -1), end

    def _noises(self, frame: Tensor, count: int, bent: _Bent) -> tuple[Tensor, Tensor | None]:
        """What is heard directly [E, count], attack included, and what drives the modes."""
        r = self.events.resonance
        dry = frames_of(self.attack, frame, count)
        wet = None
        if self.noise.shape[1] and int(frame.min()) < self.noise.shape[1]:
            noise = frames_of(self.noise, frame, count)
            dry = dry + self.bank.strike_dry[r][:, None] * noise
            wet = self.bank.strike_wet[r][:, None] * noise
        if self.blowing:
            blown = self._blow(frame, count)
            per_tick = self._blow_gains(bent)
            dry = dry + blown * per_tick[0]
            driven = blown * per_tick[1]
            wet = driven if wet is None else wet + driven
        if wet is None and self.driving:
            wet = torch.zeros_like(dry)
        return dry, wet

    def _blow(self, frame: Tensor, count: int) -> Tensor:
        index, centre = grain_ages(frame, count, self.rate)
        level = self.bank.blow_gain[self.events.resonance][:, None]
        c = self._controls_at(centre * self.events.stretch[:, None].double())
        if c is not None:
            level = level * torch.exp2(c[..., :WET])
        level = level * self._blow_fallen(centre) * self._blow_begun(index)
        level = level.expand(*index.shape, -1)
        blown = blow_noise(self.events.seed, index, level, frame, count, self.rate)
        late = frame[:, None] + torch.arange(count, device=frame.device) - self.events.held[:, None]
        faded = ((late + 1.0) / math.ceil(RELEASE_FADE_S * self.rate)).clamp(0.0, 1.0)
        return blown * (0.5 + 0.5 * torch.cos(torch.pi * faded)).to(blown.dtype)

    def _blow_fallen(self, centre: Tensor) -> Tensor:
        """[E, G, 32] how far each band has died away at the centres [E, G] of its grains."""
        t60 = self.bank.blow_t60_s[self.events.resonance][:, None]
        pace = (self.events.stretch / self.events.damp)[:, None].double()
        aged = (centre.clamp_min(0.0) * pace).to(t60)[..., None]
        return torch.where(t60 > 0, torch.exp(-LN1000 * aged / t60.clamp_min(1e-3)), 1.0)

    def _blow_begun(self, index: Tensor) -> Tensor:
        """[E, G, 32] 0 where what stays has not begun: its grains [E, G] begin at the onset."""
        falls = self.bank.blow_t60_s[self.events.resonance][:, None] > 0
        return (falls | (index >= 0)[..., None]).to(self.bank.blow_gain)

    def _blow_gains(self, bent: _Bent) -> tuple[Tensor, Tensor]:
        """[E, frames] factors of what is heard and of what drives, constant within a tick."""
        gains = []
        for own, row in ((self.bank.blow_dry, DRY), (self.bank.blow_wet, WET)):
            level = own[self.events.resonance][:, None].expand(bent.decay.shape[:2])
            if bent.controls is not None:
                level = level * torch.exp2(bent.controls[..., row])
            gains.append(level.repeat_interleave(TICK, dim=1))
        return gains[0], gains[1]

    def _release(self, frame: Tensor, count: int) -> Tensor:
        """[E, count] decay added once the duration is over."""
        at = frame[:, None] + torch.arange(count, device=frame.device)
        late = (at + 1 - self.events.held[:, None]).clamp_min(0.0)
        rate = self.events.release_rate(self.rate)[:, None]
        return torch.exp(-late * rate).to(self.bank.dtype)

    def _attack(self, drawn: Tensor | None) -> Tensor:
        """[E, A] the attack's waveform, read at the rate of the transposition."""
        table = self.bank.attack[self.events.resonance]
        if drawn is not None:
            length = max(table.shape[1], drawn.shape[1])
            table = _padded(table, length) + _padded(drawn, length)
        ratio = torch.exp2(self.events.bend.double() / 12.0)
        if table.shape[1] == 0 or bool((ratio == 1.0).all()):
            return table
        count = int(np.ceil(table.shape[1] / float(ratio.min())))
        at = ratio[:, None] * torch.arange(count, device=ratio.device)
        low = at.floor().long()
        share = (at - low).to(table.dtype)
        wide = _padded(table, int(low.max()) + 2)
        return wide.gather(1, low) * (1.0 - share) + wide.gather(1, low + 1) * share


def _wrapped(phase: Tensor) -> Tensor:
    """The phase modulo 2π; the gradient passes as through the identity."""
    return phase - (2.0 * torch.pi * torch.round(phase / (2.0 * torch.pi))).detach()


def _padded(table: Tensor, length: int) -> Tensor:
    return torch.nn.functional.pad(table, (0, length - table.shape[1]))


def _convolved(response: Tensor, x: Tensor) -> Tensor:
    """`y_i = Σ_(j ≤ i) response_(i−j) x_j` within every tick, [E, T, 32] each."""
    size = 2 * TICK
    product = torch.fft.rfft(response, size) * torch.fft.rfft(x, size)
    sound: Tensor = torch.fft.irfft(product, size)[..., :TICK]
    return sound
