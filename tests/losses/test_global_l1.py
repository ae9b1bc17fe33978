"""The two global losses: what cancels, what telescopes, and the transform under them."""

import itertools

import pytest
import torch
from torch import Tensor

from rtsynth.errors import UnknownNameError, ValueRangeError
from rtsynth.losses import MagnitudeOfSum, MultiScaleMag, Spectra, SumOfMagnitudes, make_loss
from tests.losses.sounds import noise, notes, tone

TRANSFORM = MultiScaleMag(windows=(1024, 256, 64))


def test_cancelling_events_cost_nothing_in_the_sum_and_both_magnitudes_apart() -> None:
    sound = tone(440.0, 8_192)[None]
    pair = torch.stack([sound, -sound], dim=1)
    silence = torch.zeros_like(sound)
    assert float(MagnitudeOfSum(TRANSFORM)(silence, pair)[0]) == 0.0
    total = TRANSFORM.total(Spectra(silence, pair))
    apart = SumOfMagnitudes(TRANSFORM)(silence, pair)[0] * total
    alone = 2.0 * sum(float(part.sum()) for part in TRANSFORM(sound))
    assert float(apart) == pytest.approx(alone, rel=1e-12)


def test_the_sum_of_magnitudes_is_never_below_the_magnitude_of_the_sum() -> None:
    events = torch.stack([noise(8_192, seed) for seed in range(4)])[None]
    spectra = Spectra(events[:, 0], events)
    apart = [part.sum(dim=1) for part in TRANSFORM.of(spectra, "channels")]
    pairs = zip(apart, TRANSFORM.of(spectra, "mix"), strict=True)
    assert all(bool((a >= together - 4e-4).all()) for a, together in pairs)


def test_subtracting_events_one_by_one_telescopes_to_g2_in_any_order() -> None:
    events = notes()
    target = events.sum(dim=1) + 0.01 * noise(16_384)[None]
    spectra = Spectra(target, events)
    wanted, parts = TRANSFORM.of(spectra, "target"), TRANSFORM.of(spectra, "channels")
    total = float(TRANSFORM.total(spectra))
    g2 = float(SumOfMagnitudes(TRANSFORM)(target, events)[0]) * total
    for order in itertools.permutations(range(4)):
        left, steps = wanted, 0.0
        for event in order:
            after = [rest - part[:, event] for rest, part in zip(left, parts, strict=True)]
            steps += _norm(after) - _norm(left)
            left = after
        assert steps == pytest.approx(g2 - total, abs=1e-9 * total)


def _norm(parts: list[Tensor]) -> float:
    return sum(float(part.abs().sum()) for part in parts)


def test_half_the_level_is_half_of_the_loss() -> None:
    target = noise(8_192)[None]
    for name in ("g1", "g2"):
        value, parts = make_loss(name)(target, 0.5 * target[:, None])
        assert float(value) == pytest.approx(0.5, rel=1e-4)
        assert set(parts) == {name}


def test_what_several_losses_need_is_computed_once() -> None:
    events = notes()
    spectra = Spectra(events.sum(dim=1), events)
    apart = TRANSFORM.of(spectra, "channels")
    assert TRANSFORM.of(spectra, "channels") is apart
    fresh = MagnitudeOfSum(TRANSFORM)(spectra.target, events)[0]
    shared = MagnitudeOfSum(TRANSFORM).measure(spectra)[0]  # from a sum of spectra
    assert float(shared) == pytest.approx(float(fresh), abs=1e-9)


def test_octaves_hold_all_of_the_energy_between_them() -> None:
    sound = noise(5_000)[None]
    bands = Spectra(sound, sound[:, None]).bands("target")
    assert [band.shape[-1] for band in bands] == [512, 1024, 2048, 4096, 8192]
    energy = sum(float(band.square().sum()) for band in bands)
    assert energy == pytest.approx(float(sound.square().sum()), rel=1e-2)  # borders are real


@pytest.mark.parametrize(
    "settings",
    [{}, {"octave": True}, {"compress": "log1p"}, {"compress": "power"}, {"windows": [512, 64]}],
)
def test_every_form_of_the_transform_is_zero_at_silence_and_has_a_gradient_there(
    settings: dict[str, object],
) -> None:
    made = torch.zeros(1, 2, 3_000, dtype=torch.float64, requires_grad=True)
    target = tone(440.0, 3_000)[None]
    value, _ = make_loss("g2", {"transform": settings})(target, made)
    value.backward()  # type: ignore[no-untyped-call]
    assert float(value.detach()) == pytest.approx(1.0, abs=1e-9)
    assert made.grad is not None
    assert bool(torch.isfinite(made.grad).all())


def test_noise_that_is_expected_is_added_as_power() -> None:
    target = tone(440.0, 8_192)[None] + 0.05 * noise(8_192)[None]
    made = tone(440.0, 8_192)[None, None]

    def floor(size: int, hop: int, frames: int) -> Tensor:
        energy = float(torch.hann_window(size).square().sum())
        return torch.full((size // 2 + 1, frames), 0.05**2 * energy)

    for name in ("g1", "g2"):
        loss = make_loss(name)
        assert float(loss(target, made, floor)[0]) < 0.7 * float(loss(target, made)[0])


def test_settings_that_do_not_exist_are_named() -> None:
    with pytest.raises(UnknownNameError, match="widnows"):
        make_loss("g1", {"transform": {"widnows": [512]}})
    with pytest.raises(ValueRangeError, match="compress"):
        make_loss("g1", {"transform": {"compress": "cube"}})
    with pytest.raises(ValueRangeError, match="gamma"):
        MultiScaleMag(gamma=0.0)
