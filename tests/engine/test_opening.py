"""A voice opened in the middle of its life is where it would be had it played from the start."""

import numpy as np
import pytest

from rtsynth.engine import Op
from rtsynth.events import Event, EventTable, Kind
from tests.engine.bank import BELL, HISS, RATE, THUD, after, engine_on, run

LONG = 24_000


def played(event: Event, position: int, start: int, tempo: float = 1.0) -> tuple[np.ndarray, ...]:
    """Sound from a position on: played through, and opened there at a frame of the stream."""
    whole, opened = engine_on(EventTable([event])), engine_on(EventTable([event]))
    for engine in (whole, opened):
        engine.post(Op.PARAM, 9, 0, 0, tempo)
    whole.post(Op.PLAY, 0, 0)
    opened.post(Op.SEEK, 0, 0, 0, position / RATE)
    opened.post(Op.PLAY, 0, start)
    skip = round(position / tempo)
    expected = run(whole, skip + LONG)[after(whole, skip) :]
    found = run(opened, start + LONG)[after(opened, start) :]
    count = min(len(expected), len(found))
    return expected[480:count], found[480:count]  # it fades in for 5 ms


@pytest.mark.parametrize("start", [64, 84, 95])
@pytest.mark.parametrize("position", [5, 48, 480, 4_801])
@pytest.mark.parametrize("resonance", [BELL, THUD])
def test_it_agrees_wherever_in_a_tick_it_is_opened(
    resonance: int, position: int, start: int
) -> None:
    expected, found = played(Event(1, resonance=resonance, seed=5), position, start)
    # the DC blocker starts afresh: a slow wave below 10 Hz remains, no partial and no click
    assert np.abs(np.diff(expected - found, axis=0)).max() < 2e-4


def test_it_has_been_let_go_if_its_duration_is_over() -> None:
    event = Event(1, resonance=BELL, duration_s=0.2, release_s=0.3)
    expected, found = played(event, round(0.3 * RATE), 84)
    assert np.abs(found - expected).max() < 0.02 * np.abs(found).max() + 1e-4
    assert np.abs(found).max() < 0.05


def test_a_texture_is_found_at_twice_the_tempo() -> None:
    event = Event(1, resonance=HISS, kind=Kind.TEXTURE, duration_s=1.0)
    expected, found = played(event, round(1.5 * RATE), 64, tempo=2.0)
    level, wanted = np.std(found[:9_000]), np.std(expected[:9_000])
    assert abs(20 * np.log10(level / wanted)) < 1.0  # dB
