"""The texture in torch sounds as the engine's and knows its own statistics."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from rtsynth.decompose.synthesis import event_signal
from rtsynth.events import Event, Kind
from rtsynth.instrument import NOISE_BANDS, Instrument
from rtsynth.nn.texture import Texture

RATE = 16_000
SEED = 11
TIME = np.arange(800) / RATE
CLICK = np.exp(-TIME * 400.0) * np.sin(2 * np.pi * 1500.0 * TIME)


def made(**settings: object) -> Texture:
    values = {
        "gain_db": np.linspace(-50.0, -40.0, NOISE_BANDS),
        "am_depth_db": np.full(NOISE_BANDS, 3.0),
        "am_rate_hz": 5.0,
        "click": CLICK,
        "click_rate_hz": 20.0,
        "click_spread_db": 4.0,
        "seed": SEED,
    }
    return Texture(sample_rate=RATE, **(values | settings))  # type: ignore[arg-type]


def test_the_noise_equals_the_reference_within_1e_9() -> None:
    bank = Instrument.blank(1, 1, attack_rate=RATE)
    gain = np.linspace(0.001, 0.02, NOISE_BANDS).astype(np.float32)
    bank.texture_gain[0], bank.am_depth_db[0], bank.am_rate_hz[0] = gain, 3.0, 5.0
    event = Event(1, kind=Kind.TEXTURE, seed=SEED)
    expected = event_signal(event, bank, RATE, RATE)
    texture = made(gain_db=20 * np.log10(gain.astype(float)), click_rate_hz=0.0)
    found = texture.whole(RATE).detach().numpy()
    late = slice(100, None)  # the event fades in for 5 ms
    assert np.abs(found - expected)[late].max() < 1e-9


def test_steps_of_any_size_join_to_the_whole_within_1e_12() -> None:
    texture = made()
    whole = texture.whole(9_000).detach()
    state, parts = 0, []
    for frames in (1, 31, 480, 1_000, 513, 6_975):
        sound, state = texture.step(state, frames)
        parts.append(sound.detach())
    assert state == 9_000
    assert float((torch.cat(parts) - whole).abs().max()) < 1e-12


def test_a_stretch_from_the_middle_is_that_of_the_whole() -> None:
    texture = made()
    whole = texture.whole(20_000).detach()
    assert (
        float((texture.stretch(12_345, 2_000).detach() - whole[12_345:14_345]).abs().max()) < 1e-12
    )


def test_gradients_reach_levels_depths_and_clicks() -> None:
    texture = made()
    texture.whole(8_000).square().mean().backward()  # type: ignore[no-untyped-call]
    for name in ("gain_db", "am_depth_db", "click_gain_db", "click_spread_db"):
        gradient = getattr(texture, name).grad
        assert gradient is not None
        assert float(gradient.abs().max()) > 0.0, name
    texture.moments().kurtosis.backward()  # type: ignore[no-untyped-call]
    assert float(texture.click_rate_hz.grad) != 0.0  # type: ignore[arg-type]


MEASURED: dict[str, Callable[[np.ndarray], float]] = {
    "variance": lambda x: float(np.var(x)),
    "kurtosis": lambda x: float(np.mean((x - x.mean()) ** 4) / np.var(x) ** 2),
}


@pytest.mark.parametrize("clicks", [0.0, 20.0])
@pytest.mark.parametrize("name", MEASURED)
def test_the_moments_are_those_of_a_minute_within_a_tenth(name: str, clicks: float) -> None:
    found = []
    for seed in range(3):
        texture = made(click_rate_hz=clicks, click_spread_db=2.0, seed=seed)
        with torch.no_grad():
            found.append(MEASURED[name](texture.whole(20 * RATE).numpy()))
    expected = float(getattr(texture.moments(), name).detach())
    assert np.mean(found) == pytest.approx(expected, rel=0.1)


def test_a_descent_on_the_moments_finds_the_rate_of_clicks() -> None:
    wanted = made(click_rate_hz=20.0).moments()
    texture = made(click_rate_hz=8.0)
    variance, kurtosis = wanted.variance.detach(), wanted.kurtosis.detach()
    optimiser = torch.optim.Adam([texture.click_rate_hz], lr=0.5)
    for _ in range(200):
        optimiser.zero_grad()
        found = texture.moments()
        loss = (torch.log(found.variance) - torch.log(variance)).square()
        loss = loss + (torch.log(found.kurtosis) - torch.log(kurtosis)).square()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert float(texture.click_rate_hz.detach()) == pytest.approx(20.0, rel=0.05)
