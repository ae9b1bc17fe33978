"""A minute of the soak: nothing leaks, nothing is louder than it may be."""

import importlib
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "tools" / "bench"


@pytest.mark.timeout(600)
def test_a_minute_of_random_performance_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(BENCH))
    soak = importlib.import_module("soak")
    facts = soak.soak(1.0, seed=2)
    assert facts.faults == []
    assert facts.frames > 60 * soak.RATE
    assert facts.commands > 1_000
    assert facts.stats["stolen"] > 0
    assert {"GO", "END", "DONE", "STOLEN", "FREED", "SHED", "SILENCED", "CALMED"} <= set(
        facts.notices
    )
    assert 0.5 < facts.peak <= soak.CEILING
