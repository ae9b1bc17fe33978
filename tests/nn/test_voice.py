"""Differentiable voices play the formula, in windows and in steps, and their gradients are true."""

import dataclasses

import numpy as np
import pytest
import torch

from rtsynth.decompose.drawn import Drawing, blown_noise, drawn_attack, sounding_modes
from rtsynth.decompose.synthesis import event_signal
from rtsynth.errors import ValueRangeError
from rtsynth.events import Event, EventTable
from rtsynth.instrument import Instrument
from rtsynth.nn.batch import BankTensors, EventBatch
from rtsynth.nn.excitation import scan_linear
from rtsynth.nn.field import NeuralField
from rtsynth.nn.ring import ring_plain, ring_ticks
from rtsynth.nn.voice import Voices

RATE = 48_000
FRAMES = 16_000
TICKS = FRAMES // 32
START = torch.zeros(1, dtype=torch.int64)


def an_instrument(bow: float = 0.0, blow: float = 0.0, field: bool = False) -> Instrument:
    rng = np.random.default_rng(1)
    instrument = Instrument.blank(2, 4, attack_length=100, attack_rate=RATE)
    freq, t60 = np.array([200.0, 510.0, 900.0, 1300.0]), np.array([1.0, 0.5, 0.3, 0.2])
    instrument.set_modes(1, freq, t60, np.array([0.5, 0.3j, 0.2, 0.1 + 0.1j]))
    instrument.attack[1] = np.linspace(0.3, 0.0, 100)
    instrument.bow[1] = bow * instrument.impulse[1]
    instrument.blow_gain[1], instrument.blow_dry[1], instrument.blow_wet[1] = blow, 0.3, 0.2
    instrument.mode_map[:] = np.linalg.qr(rng.normal(size=(32, 32)))[0][:, :4]
    if field:
        torch.manual_seed(0)
        drawn = NeuralField(2, frequencies=4, hidden=8, attack_s=0.05, sample_rate=RATE)
        with torch.no_grad():
            for net in (drawn.control_net, drawn.attack_net):
                net.w2.normal_(0, 0.05)
                net.b2.normal_(0, 0.05)
        instrument.field = drawn.to_weights()
    return instrument


def an_event(**changes: object) -> Event:
    rng = np.random.default_rng(2)
    plain = Event(
        1, resonance=1, vector=tuple(rng.normal(size=32) * 3), bright=1.0, damp=1.2,
        inharm=0.001, detune=10.0, gain=0.7, seed=3,
    )  # fmt: skip
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]


def voices(event: Event, instrument: Instrument, dtype: torch.dtype = torch.float64) -> Voices:
    bank = BankTensors.of(instrument, dtype)
    batch = EventBatch.of(EventTable([event]).rows, instrument.modes, RATE, dtype)
    if instrument.field is None:
        return Voices(bank, batch, RATE)
    field = NeuralField.from_weights(instrument.field).to(dtype)
    own = (batch.resonance, batch.vector)
    age = torch.arange(int(np.ceil(field.attack_s * RATE)), dtype=torch.float64)[None] / RATE

    def controls(age: torch.Tensor) -> torch.Tensor:
        return field.draw_controls(*own, age, batch.duration_s).sum(0)

    return Voices(bank, batch, RATE, controls, field.attack(*own, age, batch.duration_s))


@torch.no_grad()
def sound(event: Event, instrument: Instrument, dtype: torch.dtype = torch.float64) -> np.ndarray:
    found: np.ndarray = voices(event, instrument, dtype).whole(START, TICKS)[0].numpy()
    return found


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-6), (torch.float32, 1e-5)])
def test_a_struck_event_is_the_reference(dtype: torch.dtype, tolerance: float) -> None:
    event, instrument = an_event(), an_instrument()
    wanted = event_signal(event, instrument, RATE, FRAMES)  # ends at −80 dB
    np.testing.assert_allclose(
        sound(event, instrument, dtype)[: len(wanted)], wanted, atol=tolerance
    )


def test_a_struck_noise_is_the_reference() -> None:
    event, instrument = an_event(), an_instrument()
    instrument.strike_s[1], instrument.strike_dry[1], instrument.strike_wet[1] = 0.05, 0.4, 0.3
    instrument.strike_envelope[1] = np.linspace(1.0, 0.0, 64)
    instrument.strike_filter[1, :4] = [0.5, 0.3, -0.2, 0.1]
    wanted = event_signal(event, instrument, RATE, FRAMES)
    np.testing.assert_allclose(sound(event, instrument)[: len(wanted)], wanted, atol=1e-6)


@pytest.mark.parametrize(("bow", "blow"), [(2.0, 0.0), (0.0, 0.05), (2.0, 0.05)])
def test_bow_and_blow_under_a_field_are_the_reference(bow: float, blow: float) -> None:
    event = an_event(duration_s=0.2, release_s=0.1, vibrato_depth=0.2, stretch=0.8)
    instrument = an_instrument(bow, blow, field=True)
    instrument.attack[:] = 0.0
    drawing = Drawing(event, instrument, RATE)
    dry, wet = blown_noise(drawing, FRAMES)
    wanted = sounding_modes(drawing, FRAMES, wet) + dry
    drawn = drawn_attack(drawing, FRAMES)
    wanted[: len(drawn)] += drawn
    found, let_go = sound(event, instrument), round(0.2 * RATE)
    np.testing.assert_allclose(found[:let_go], event.gain * wanted[:let_go], atol=1e-5)
    # noise that still drives while it fades is released as if it had been there before
    np.testing.assert_allclose(found[let_go:], event.gain * wanted[let_go:], atol=1e-4)


@torch.no_grad()
def test_a_window_and_any_steps_are_the_whole() -> None:
    event = an_event(duration_s=0.2, transpose=3.0, vibrato_depth=0.2)
    for bow, blow in ((2.0, 0.0), (1.0, 0.05)):
        voice = voices(event, an_instrument(bow, blow, field=True))
        whole = voice.whole(START, TICKS)
        window = voice.whole(START + 100, 200)
        torch.testing.assert_close(window, whole[:, 3_200:9_600], atol=1e-9, rtol=0)
        state, parts = voice.open(START), []
        for ticks in (1, 7, 92, 100, TICKS - 200):
            part, state = voice.step(state, ticks)
            parts.append(part)
        torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-9, rtol=0)


def test_an_hour_later_it_is_still_in_phase() -> None:
    instrument = an_instrument()
    instrument.t60_s[1, :4] = 100.0
    event = an_event(stretch=0.0, detune=0.0, inharm=0.0)
    late = 3_600 * RATE // 32
    with torch.no_grad():
        found = voices(event, instrument).whole(START + late, 2)[0].numpy()
    freq = instrument.freq_hz[1].astype(float)
    db = event.bright * np.log2(freq / freq.min()) + np.array(
        event.vector
    ) @ instrument.mode_map.astype(float)
    time = (late * 32 + np.arange(64)) / RATE
    turned = np.exp(2j * np.pi * np.outer(time, freq))
    wanted = (turned * instrument.amplitude(1) * 10 ** (db / 20)).sum(axis=1).real
    np.testing.assert_allclose(found, event.gain * wanted, atol=1e-4)


def test_the_kernel_is_its_plain_twin_in_value_and_gradient() -> None:
    torch.manual_seed(0)
    inputs = [torch.randn(3, 5, 8, dtype=torch.complex128) for _ in range(2)]
    inputs[1] = inputs[1] / (1.01 * inputs[1].abs())
    inputs += [torch.rand(3, 5, 8, dtype=torch.float64) for _ in range(2)]
    inputs = [x.requires_grad_() for x in inputs]
    weight = torch.randn(3, 5, 32, dtype=torch.float64)
    sounds = [f(*inputs) for f in (ring_ticks, ring_plain)]
    torch.testing.assert_close(sounds[0], sounds[1], atol=1e-12, rtol=0)
    grads = [torch.autograd.grad((s * weight).sum(), inputs) for s in sounds]
    for compiled, plain in zip(*grads, strict=True):
        torch.testing.assert_close(compiled, plain, atol=1e-10, rtol=1e-10)


def test_a_scan_is_the_recursion() -> None:
    torch.manual_seed(1)
    factor, added = torch.rand(2, 37, 3).double(), torch.randn(2, 37, 3).double()
    state = start = torch.randn(2, 3).double()
    states, end = scan_linear(factor, added, start)
    for k in range(37):
        torch.testing.assert_close(states[:, k], state, atol=1e-12, rtol=0)
        state = factor[:, k] * state + added[:, k]
    torch.testing.assert_close(end, state, atol=1e-12, rtol=0)


@pytest.mark.parametrize(("bow", "blow"), [(0.0, 0.0), (2.0, 0.0), (0.0, 0.05)])
def test_gradients_are_those_of_finite_differences(bow: float, blow: float) -> None:
    instrument = an_instrument(bow, blow)
    base = BankTensors.of(instrument, torch.float64)
    rows = EventTable([an_event(duration_s=0.0015, release_s=0.01)]).rows
    batch = EventBatch.of(rows, instrument.modes, RATE, torch.float64)
    weight = torch.randn(96, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def heard(
        pitch: torch.Tensor, t60: torch.Tensor, level: torch.Tensor, vector: torch.Tensor,
        bend: torch.Tensor, blown: torch.Tensor,
    ) -> torch.Tensor:  # fmt: skip
        bank = dataclasses.replace(
            base, freq_hz=base.freq_hz * torch.exp2(pitch), t60_s=base.t60_s * torch.exp(t60),
            gain=base.gain * torch.exp(level), blow_gain=base.blow_gain * torch.exp(blown),
        )  # fmt: skip
        own = dataclasses.replace(batch, vector=vector)

        def controls(age: torch.Tensor) -> torch.Tensor:
            return bend * (1.0 + age[..., None] * 100.0)

        return Voices(bank, own, RATE, controls).whole(START, 3)[0] @ weight

    shape = base.freq_hz.shape
    inputs = [torch.zeros(shape, dtype=torch.float64) for _ in range(3)]
    inputs += [batch.vector.clone(), torch.full((38,), 0.1).double(), torch.zeros(32).double()]
    inputs = [x.requires_grad_() for x in inputs]
    assert torch.autograd.gradcheck(heard, inputs, eps=1e-6, atol=1e-6, rtol=1e-4)


def test_an_event_that_runs_backwards_is_refused() -> None:
    with pytest.raises(ValueRangeError, match="stretch"):
        EventBatch.of(EventTable([Event(1, stretch=-1.0)]).rows, 4, RATE)
