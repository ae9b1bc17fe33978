"""The bank: three ways to the same sound, T60 is 60 dB, no response above 1, and learning."""

import math

import numpy as np
import pytest
import torch

from rtsynth.decompose.synthesis import event_signal
from rtsynth.errors import CapacityError
from rtsynth.events import Event
from rtsynth.instrument import Instrument, passive_impulse
from rtsynth.nn.bank import ResonanceBank
from rtsynth.nn.bound import bounded
from rtsynth.nn.energy import budget_loss, complexity_loss, excitation_energy, participation
from rtsynth.nn.passive import peak_response, response
from rtsynth.units import LN1000

RATE = 16_000


def noise(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def struck(impulse: torch.Tensor, length: int) -> torch.Tensor:
    drive = torch.zeros(len(impulse), length, dtype=torch.float64)
    drive[:, 0] = impulse * RATE
    return drive


def recursion(bank: ResonanceBank, drive: torch.Tensor) -> torch.Tensor:
    modes = bank.modes()
    pole, gain = torch.exp(modes.s / RATE), modes.gain / RATE
    q, out = torch.zeros_like(gain), []
    for n in range(drive.shape[1]):
        q = pole * q + gain * drive[:, n, None]
        out.append(q.real.sum(-1))
    return torch.stack(out, -1)


def relative(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a - b).abs().max() / b.abs().max())


def test_closed_form_recursion_and_convolution_are_one_sound() -> None:
    with torch.no_grad():
        bank, length = ResonanceBank(3, 8, seed=4), 3000
        modes = bank.modes()
        whole = modes.whole(length, RATE)
        assert relative(recursion(bank, struck(modes.impulse, length)), whole) < 1e-12
        drive = noise(3, 700)
        padded = torch.nn.functional.pad(drive, (0, length - 700))
        response_only = (
            modes.gain[..., None]
            / RATE
            * torch.exp(modes.s[..., None] / RATE * torch.arange(length))
        ).real.sum(1)
        convolved = torch.fft.irfft(
            torch.fft.rfft(padded, 8192) * torch.fft.rfft(response_only, 8192), 8192
        )[:, :length]
        driven = modes.after(drive, length - 700, RATE)
        assert relative(driven, convolved) < 1e-12
        assert relative(driven, recursion(bank, padded)) < 1e-12


@pytest.mark.parametrize("blocks", [[1000], [1, 999], [64, 333, 3, 600], [250] * 4])
def test_any_blocks_are_the_whole(blocks: list[int]) -> None:
    with torch.no_grad():
        modes = ResonanceBank(2, 16, seed=5).modes()
        drive = noise(2, 1000)
        state, parts = modes.silent(), []
        for part in torch.split(drive, blocks, -1):
            sound, state = modes.step(state, part, RATE)
            parts.append(sound)
        expected, last = modes.step(modes.silent(), drive, RATE)
        assert relative(torch.cat(parts, -1), expected) < 1e-12
        assert relative(torch.view_as_real(state), torch.view_as_real(last)) < 1e-12


def test_a_tail_opened_anywhere_needs_no_history() -> None:
    with torch.no_grad():
        modes = ResonanceBank(2, 4).modes()
        assert relative(modes.whole(100, RATE, 4321.0), modes.whole(4421, RATE)[:, 4321:]) < 1e-12


def test_an_onset_between_samples_moves_the_sound_exactly() -> None:
    with torch.no_grad():
        modes = ResonanceBank(2, 4).modes()
        twice = modes.whole(200, 2 * RATE)
        assert relative(modes.whole(100, RATE, torch.tensor([0.5, 0.5])), twice[:, 1::2]) < 1e-12


@pytest.mark.parametrize("t60_s", [0.05, 0.5, 5.0])
def test_t60_is_60_db(t60_s: float) -> None:
    bank = ResonanceBank(1, 1)
    bank.set_modes(
        0, torch.tensor([997.0]), torch.tensor([t60_s]), torch.ones(1, dtype=torch.cfloat)
    )
    with torch.no_grad():
        early = bank.modes().whole(160, RATE).square().mean()
        late = bank.modes().whole(160, RATE, t60_s * RATE).square().mean()
    assert 10.0 * math.log10(early / late) == pytest.approx(60.0, abs=0.5)


@pytest.mark.parametrize(("resonances", "modes"), [(1, 1), (2, 8), (1, 16), (16, 32), (128, 32)])
def test_no_response_exceeds_1_whatever_the_parameters(resonances: int, modes: int) -> None:
    bank = ResonanceBank(resonances, modes, seed=modes)
    with torch.no_grad():
        bank.gain.mul_(1e3)
        bank.log_t60.add_(noise(resonances, modes))
        learned = bank.modes()
        grid = 2.0 * math.pi * torch.logspace(1.0, 4.3, 3000, dtype=torch.float64)
        for row in range(min(resonances, 16)):
            near = learned.s.imag[row, :, None] - learned.s.real[row, :, None] * torch.linspace(
                -2.0, 2.0, 41, dtype=torch.float64
            )
            omega = torch.cat([grid, near.flatten()])
            level = response(omega[None], learned.s[row, None], learned.gain[row, None])
            assert 0.999 < float(level.max()) < 1.0 + 1e-5


def test_4096_modes_in_one_resonance_are_passive_too() -> None:
    with torch.no_grad():
        learned = ResonanceBank(1, 4096).modes()
        highest = learned.gain.abs().div(-learned.s.real).topk(200).indices
        omega = learned.s.imag.gather(-1, highest)
        level = response(omega, learned.s, learned.gain)
        assert 0.5 < float(level.max()) < 1.0 + 1e-5
        assert learned.whole(64, RATE).isfinite().all()


def test_the_peak_is_the_one_the_instrument_divides_by() -> None:
    for seed in range(5):
        bank = ResonanceBank(1, 24, seed=seed)
        amplitude = torch.view_as_complex(bank.gain.detach())
        s = torch.complex(-LN1000 / bank.t60_s, 2.0 * math.pi * bank.freq_hz).detach()
        expected = passive_impulse(
            bank.freq_hz[0].detach().numpy(), bank.t60_s[0].detach().numpy(), amplitude[0].numpy()
        )
        assert float(peak_response(s, amplitude)[0]) == pytest.approx(expected, rel=1e-4)


def test_a_resonance_gives_no_more_energy_than_it_is_driven_with() -> None:
    with torch.no_grad():
        modes = ResonanceBank(8, 16, seed=2).modes()
        gain = torch.linspace(0.1, 2.0, 8).double()
        for drive in (noise(8, 4000), torch.sin(modes.s.imag[:, :1] / RATE * torch.arange(4000))):
            heard = modes.after(gain[:, None] * drive, RATE, RATE).square().sum(-1)
            driven = (gain[:, None] * drive).square().sum(-1)
            # a sampled response exceeds the continuous one by half its first sample
            excess = 0.5 * modes.gain.sum(-1).real.abs() / RATE
            assert (heard <= driven * (1.0 + excess).square() * 1.001).all()


def test_the_peak_has_the_gradient_of_the_maximum() -> None:
    bank = ResonanceBank(2, 5, seed=3)
    raw = torch.view_as_complex(bank.gain.detach())

    def peak(log2_hz: torch.Tensor, log_t60: torch.Tensor) -> torch.Tensor:
        s = torch.complex(-LN1000 / log_t60.exp(), 2.0 * math.pi * torch.exp2(log2_hz))
        return peak_response(s, raw).log()

    values = (bank.log2_hz, bank.log_t60)
    assert torch.autograd.gradcheck(peak, values, eps=1e-6, atol=1e-4, rtol=1e-3)


def test_scaling_the_gain_changes_nothing_and_has_no_gradient() -> None:
    bank = ResonanceBank(2, 6)
    sound = bank.modes().whole(400, RATE)
    sound.square().sum().backward()  # type: ignore[no-untyped-call]
    assert bank.gain.grad is not None
    radial = (bank.gain * bank.gain.grad).sum((1, 2)).abs()
    assert (radial < 1e-9 * bank.gain.grad.norm() * bank.gain.norm()).all()


def test_an_instrument_survives_the_bank() -> None:
    random = np.random.default_rng(0)
    before = Instrument.blank(4, 6)
    for index in range(3):
        count = 6 - index
        before.set_modes(
            index,
            random.uniform(100.0, 5000.0, count),
            random.uniform(0.05, 3.0, count),
            random.normal(size=count) + 1j * random.normal(size=count),
        )
    after = Instrument.blank(4, 6)
    ResonanceBank.from_instrument(before).write_to(after)
    for name in ("freq_hz", "t60_s", "mode_gain", "impulse"):
        assert np.allclose(getattr(after, name), getattr(before, name), rtol=1e-4, atol=1e-9), name
    after.validate()
    with pytest.raises(CapacityError, match=r"blank\(4, 6\)"):
        ResonanceBank.from_instrument(before).write_to(Instrument.blank(4, 5))
    with pytest.raises(CapacityError):
        ResonanceBank(0, 4)


def test_a_nan_in_one_voice_silences_that_voice_only() -> None:
    with torch.no_grad():
        modes = ResonanceBank(3, 4).modes()
        drive = noise(3, 256)
        expected, _ = modes.step(modes.silent(), drive, RATE)
        drive[1, 7] = math.nan
        sound, state = modes.step(modes.silent(), drive, RATE)
        assert torch.equal(sound[[0, 2]], expected[[0, 2]])
        assert not sound[1].any()
        again, _ = modes.step(state, noise(3, 256), RATE)
        assert again.isfinite().all()
        assert again[1].any()


def test_a_nan_in_one_resonance_stays_there() -> None:
    bank = ResonanceBank(3, 4)
    with torch.no_grad():
        expected = bank.modes().whole(100, RATE)
        bank.log2_hz[1, 2] = math.nan
        sound = bank.modes().whole(100, RATE)
    assert torch.equal(sound[[0, 2]], expected[[0, 2]])


def test_deformations_act_on_the_poles() -> None:
    with torch.no_grad():
        bank = ResonanceBank(3, 5)
        index = torch.tensor([2, 0])
        plain = bank.modes(index)
        bent = bank.modes(
            index, transpose=torch.tensor([12.0, 0.0]), damp=torch.tensor([1.0, 2.0]),
            bright=torch.tensor([0.0, 6.0]), gain_db=torch.full((2, 5), 20.0),
        )  # fmt: skip
    assert torch.allclose(bent.s.imag[0], 2.0 * plain.s.imag[0])
    assert torch.allclose(bent.s.real[1], 0.5 * plain.s.real[1])
    octaves = (plain.s.imag[1] / plain.s.imag[1].min()).log2()
    assert torch.allclose((bent.gain / plain.gain).abs()[1], 10.0 * 10.0 ** (0.3 * octaves))


def test_absent_modes_are_silent_and_leave_every_gradient_finite() -> None:
    bank = ResonanceBank(3, 4)
    one = torch.ones(2, dtype=torch.float64)
    bank.set_modes(0, 200.0 * one, one, one.to(torch.complex128))
    bank.set_modes(1, one[:0], one[:0], one[:0].to(torch.complex128))
    ones = torch.ones(3, dtype=torch.float64)
    sound = bank.modes(bright=ones, inharm=0.01 * ones, transpose=ones).whole(300, RATE)
    assert not sound[1].any()
    assert sound[[0, 2]].any(-1).all()
    sound.square().sum().backward()  # type: ignore[no-untyped-call]
    for name, parameter in bank.named_parameters():
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all(), name
    assert bank.gain.grad is not None
    assert not bank.gain.grad[0, 2:].any()
    assert bank.gain.grad[0, :2].any()


def test_deformed_events_sound_as_the_reference_renders_them() -> None:
    known = ResonanceBank(3, 6, seed=11)
    instrument = Instrument.blank(3, 6)
    known.write_to(instrument)
    vector = tuple(float(v) for v in np.random.default_rng(1).uniform(-6.0, 6.0, 32))
    event = Event(
        1, resonance=2, gain=1.0, transpose=-3.0, damp=0.7, bright=2.0, inharm=0.003, vector=vector
    )
    expected = event_signal(event, instrument, RATE, 2000)
    with torch.no_grad():
        bent = ResonanceBank.from_instrument(instrument).modes(
            torch.tensor([2]),
            transpose=torch.tensor([-3.0]),
            damp=torch.tensor([0.7]),
            bright=torch.tensor([2.0]),
            inharm=torch.tensor([0.003]),
            gain_db=torch.tensor([vector]).double()
            @ torch.from_numpy(instrument.mode_map).double(),
        )
        heard = bent.whole(len(expected), RATE)[0]
    assert relative(heard, torch.from_numpy(expected)) < 1e-5  # float32 parameters


def test_a_bound_lets_gradients_lead_back_in_and_none_out() -> None:
    value = torch.tensor([-2.0, 0.5, 2.0], requires_grad=True)
    for direction, expected in ((1.0, [0.0, 1.0, 1.0]), (-1.0, [-1.0, -1.0, 0.0])):
        (gradient,) = torch.autograd.grad((direction * bounded(value, -1.0, 1.0)).sum(), value)
        assert gradient.tolist() == expected


def test_a_bank_learns_a_struck_sound() -> None:
    truth = ResonanceBank(2, 3, seed=7)
    target = truth.modes().whole(1600, RATE).detach()
    bank = ResonanceBank(2, 3, seed=7)
    with torch.no_grad():
        bank.log2_hz.add_(2e-3 * noise(2, 3))
        bank.log_t60.add_(0.2)
        bank.gain.mul_(1.0 + 0.2 * noise(2, 3, 2))
    optimiser = torch.optim.Adam(bank.parameters(), 3e-3)

    def error() -> torch.Tensor:
        return (bank.modes().whole(1600, RATE) - target).square().sum() / target.square().sum()

    before = float(error().detach())
    for _ in range(200):
        optimiser.zero_grad()
        loss = error()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert float(error().detach()) < 0.03 * before


def test_participation_counts_equal_modes_and_the_budget_has_a_threshold() -> None:
    amplitude = torch.zeros(3, 32, dtype=torch.complex128)
    amplitude[0, :4] += 2j
    amplitude[1] += 1e-9
    assert participation(amplitude).tolist() == pytest.approx([4.0, 32.0, 0.0])
    assert float(complexity_loss(amplitude)) == pytest.approx(16.0 / 3.0)
    energy = excitation_energy(torch.tensor([1.0, 2.0]), torch.tensor([0.1, 0.1]), 100.0)
    assert energy.tolist() == pytest.approx([1.0, 4.0])
    assert float(budget_loss(energy, 6.0)) == 0.0
    assert float(budget_loss(energy, 3.0)) == pytest.approx(2.0)
