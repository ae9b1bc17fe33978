"""A picture is drawn with and without the original, and of nothing too."""

import pathlib

import numpy as np
import pytest

from rtsynth.decompose import draw
from rtsynth.decompose.axes import log_spectrogram
from rtsynth.decompose.picture import _panels, level_left
from rtsynth.events import Event, EventTable, Kind, Score
from rtsynth.instrument import Instrument

RATE = 16_000


def test_pictures_are_written(tmp_path: pathlib.Path) -> None:
    bank = Instrument.blank(2, 2)
    bank.set_modes(0, np.array([440.0]), np.array([0.5]), np.array([0.5]))
    events = [Event(1, onset_s=0.2), Event(2, kind=Kind.TEXTURE, resonance=1)]
    sound = np.random.default_rng(0).normal(0.0, 0.1, RATE)
    for name, score in (
        ("full", Score(EventTable(events), seconds=1.0)),
        ("empty", Score(seconds=1.0)),
    ):
        for reference in (sound, None):
            path = tmp_path / f"{name}-{reference is None}.png"
            draw(score, bank, sound, RATE, path, reference=reference)
            assert path.read_bytes()[:4] == b"\x89PNG"


def test_a_tone_of_another_phase_leaves_nothing_of_its_level() -> None:
    t = np.arange(4 * RATE) / RATE
    one, other = (np.sin(2.0 * np.pi * 440.0 * t + phase) for phase in (0.0, 2.5))
    level, heard = (log_spectrogram(sound, RATE)[:, 20:-20] for sound in (one, other))
    strong = level > level.max() - 20.0
    assert (level - level_left(level, heard))[strong].min() > 40.0  # dB
    assert log_spectrogram(one - other, RATE).max() > level.max()


def test_what_is_missing_is_left_at_its_own_level() -> None:
    level = np.array([[-20.0, -60.0]])
    assert level_left(level, np.array([[-140.0, -60.0]])) == pytest.approx(
        np.array([[-20.0, -140.0]]), abs=0.01
    )


@pytest.mark.parametrize(
    ("phase", "gain", "title"),
    [
        (0.0, 0.9, "residual: original − resynthesis, 20.0 dB below the original"),
        (2.5, 1.0, "residual of levels"),
        (0.0, 3.0, "residual of levels (the waveform is not matched), 6.0 dB above the original"),
        (0.0, 0.0, "residual of levels (the waveform is not matched), 0.0 dB below the original"),
    ],
)
def test_a_waveform_that_is_not_matched_is_judged_by_its_levels(
    phase: float, gain: float, title: str
) -> None:
    t = np.arange(RATE) / RATE
    original = np.sin(2.0 * np.pi * 440.0 * t)
    made = gain * np.sin(2.0 * np.pi * 440.0 * t + phase)
    found, level = _panels(made, original, RATE)[2]
    assert found.startswith(title)
    assert level.shape == log_spectrogram(original, RATE).shape
