"""A drum machine whose every hit is known, sample by sample."""

import dataclasses

import numpy as np
import scipy.signal

RATE = 44_100
KICK, SNARE, HAT = range(3)
HAT_T60_S = 0.3


@dataclasses.dataclass(frozen=True)
class Loop:
    """What was played: (sample, drum) per hit, and what it sounds like."""

    hits: list[tuple[int, int]]
    sound: np.ndarray

    @property
    def onsets_s(self) -> np.ndarray:
        """[onsets] seconds, hits together counted once."""
        return np.array(sorted({onset for onset, _ in self.hits})) / RATE


def kit() -> list[np.ndarray]:
    """One waveform per drum."""
    rng = np.random.default_rng(4)
    time = np.arange(round(0.4 * RATE)) / RATE
    kick = np.sin(2 * np.pi * 60.0 * time) * np.exp(-18.0 * time)
    kick += 0.3 * np.exp(-400.0 * time) * rng.standard_normal(len(time))
    body = np.sin(2 * np.pi * 190.0 * time) * np.exp(-25.0 * time)
    snare = 0.5 * body + 0.4 * _hiss(rng, 900.0, time) * np.exp(-20.0 * time)
    hat = 0.3 * _hiss(rng, 7_000.0, time) * np.exp(-np.log(1000.0) / HAT_T60_S * time)
    return [0.8 * kick, snare, hat]


def _hiss(rng: np.random.Generator, above_hz: float, time: np.ndarray) -> np.ndarray:
    sections = scipy.signal.butter(4, above_hz, "highpass", fs=RATE, output="sos")
    noise: np.ndarray = scipy.signal.sosfilt(sections, rng.standard_normal(len(time)))
    return noise


def loop(bars: int = 3, step_s: float = 0.16) -> Loop:
    """Hats on every second step, some of them together with a kick or a snare."""
    rows = {KICK: "x.....x.x..x....", SNARE: "....x..x....x...", HAT: "x.x.x.x.x.x.x.x."}
    drums, hits = kit(), []
    sound = np.zeros(round((bars * 16 * step_s + 0.6) * RATE))
    for bar in range(bars):
        for drum, row in rows.items():
            for step, mark in enumerate(row):
                if mark == "x":
                    onset = round((0.1 + (bar * 16 + step) * step_s) * RATE)
                    sound[onset : onset + len(drums[drum])] += drums[drum]
                    hits.append((onset, drum))
    return Loop(sorted(hits), 0.5 * sound)
