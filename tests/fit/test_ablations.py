"""The ablations: a cell of each kind runs, repeats, and says what is compared."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.fit.clip import a_clip

COMPARE = Path(__file__).parents[2] / "tools" / "compare"


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The tool's modules by name."""
    monkeypatch.syspath_prepend(str(COMPARE))
    return lambda name: importlib.import_module(name)


def pair(tool: Any) -> Any:
    recording, score, instrument = a_clip(seconds=0.9)
    return tool("ablate_material").Pair("tabla", recording, score, instrument)


@pytest.mark.parametrize("way", ["one_em", "one_gumbel", "one_vector", "mix_em", "mix_relu"])
def test_a_choice_cell_repeats(tool: Any, way: str) -> None:
    clip = tool("ablate_material").clip_of(pair(tool))
    learn = tool("ablate_choice").learn_choice
    first, again = (learn(clip, way, "patches", 3, 1) for _ in range(2))
    assert first == again
    assert first["active"] <= (4 if way.startswith("mix") else 1)
    assert first["participation"] == pytest.approx(1.0) or way.startswith("mix")
    assert first["modes_per_event"] <= 32
    assert np.isfinite(first["held_out"])


@pytest.mark.parametrize("variant", ["four", "one", "additive", "off"])
def test_a_field_cell_repeats_with_equal_weights(tool: Any, variant: str) -> None:
    learn = tool("ablate_field").learn_field
    first, again = (learn(pair(tool), variant, 2, 1, half=variant == "four") for _ in range(2))
    assert first == again
    assert np.isfinite(first["held_out"])
    if variant != "off":
        assert first["weights"] == pytest.approx(65_000, rel=0.02)


def test_both_ways_start_with_the_same_modes(tool: Any) -> None:
    bank = tool("ablate_bank")
    clip = tool("ablate_material").clip_of(pair(tool))
    whole = bank.from_patches(clip, 5, 32, 3)
    parts = bank.dealt(whole, 4, banded=True)
    assert parts[0].shape == (20, 8)
    for one, many in zip(whole, parts, strict=True):
        assert np.array_equal(np.sort(one.ravel()), np.sort(many.ravel()))


def test_pursuit_finds_the_two_of_which_an_event_is_made(tool: Any) -> None:
    torch = importlib.import_module("torch")
    random = torch.Generator().manual_seed(2)
    sounds = torch.rand(6, 9, 12, generator=random) ** 4
    magnitude = torch.zeros(9, 30)
    magnitude[:, 3:15] = 0.7 * sounds[1] + 0.2 * sounds[4]
    index, gain = tool("ablate_choice").pursue(magnitude, torch.tensor([3]), sounds, kept=2)
    assert sorted(index[0].tolist()) == [1, 4]
    assert sorted(gain[0].tolist()) == pytest.approx([0.2, 0.7], rel=1e-3)
