"""One note as one event, beside its decomposition: figures, and a picture of the first.

    python tools/compare/sustained.py presets/audio/bowed.flac [more notes] [--png docs/bowed.png]

Three resyntheses of each recording are rendered in float64 and measured: the one event with its
field, the same event with the field off, and what `rtsynth decompose` makes of it without.
"""

import argparse
import dataclasses
import pathlib
import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rtsynth.decompose import Recipe, decompose, read_audio, render_score
from rtsynth.decompose.panning import mid_signal
from rtsynth.decompose.sustained.measure import Sustained, measure_sustained
from rtsynth.decompose.sustained.one_event import after, held_on, one_event
from rtsynth.decompose.sustained.pitch import STEP_S, track_pitch
from rtsynth.events import Score
from rtsynth.instrument import CONTROLS, Instrument
from rtsynth.metrics import compare
from rtsynth.nn.regress import draw_curves

Float = NDArray[np.float64]
SETTLED_S = 0.1
MEASURES = ("sc", "log_mag", "relative_l1", "lsd_db")
TOP_HZ, RANGE_DB = 10_000, 80.0


@dataclasses.dataclass
class Way:
    """One way to make the note again."""

    name: str
    events: int
    modes: int
    sound: Float


@dataclasses.dataclass
class Study:
    """A recording, the note measured in it, what the field draws, and the three ways."""

    sound: Float
    rate: int
    note: Sustained
    drawn: Float
    ways: list[Way]


def play(score: Score, instrument: Instrument, length: int, rate: int) -> Float:
    made = render_score(score, instrument, rate)[:, 0]
    return np.pad(made, (0, max(0, length - len(made))))[:length]


def study(path: pathlib.Path) -> Study:
    recording = read_audio(path)
    sound, rate = mid_signal(recording.frames), recording.sample_rate
    began = time.perf_counter()
    note = measure_sustained(sound, rate)
    measured = time.perf_counter()
    field = draw_curves(*held_on(note), note.step_s, note.duration_s, after=after(note))
    learned = time.perf_counter()
    print(
        f"{path.name}: measured in {measured - began:.1f} s, learned in {learned - measured:.1f} s"
    )
    ways = []
    for name, drawing in (("one event, field", field), ("one event, field off", None)):
        score, instrument = one_event(note, rate, len(sound) / rate, field=drawing)
        made = play(score, instrument, len(sound), rate)
        ways.append(Way(name, len(score.table), instrument.modes, made))
    bank = decompose(recording, recipe=Recipe(held=False))
    made = play(bank.score, bank.instrument, len(sound), rate)
    ways.append(Way("bank alone", bank.report["events"], bank.report["modes"], made))
    age = np.arange(len(note.controls)) * note.step_s
    drawn = field.draw_controls(0, np.zeros(32), age, note.duration_s).sum(axis=0)
    return Study(sound, rate, note, drawn, ways)


def cents_off(found: Study, made: Float) -> Float:
    """[points] of the settled note."""
    wanted, got = (track_pitch(sound, found.rate) for sound in (found.sound, made))
    first = int((found.note.onset_s + SETTLED_S) / STEP_S)
    last = int((found.note.onset_s + found.note.duration_s) / STEP_S)
    off: Float = 1200.0 * np.log2(got[first:last] / wanted[first:last])
    return off


def report(found: Study) -> None:
    for way in found.ways:
        values = compare(found.sound, way.sound, found.rate)
        off = cents_off(found, way.sound)
        shown = " ".join(f"{name} {values[name] or 0.0:6.3f}" for name in MEASURES)
        print(
            f"  {way.name:22s} events {way.events:3d} modes {way.modes:4d} {shown} "
            f"cents rms {np.sqrt(np.mean(off**2)):5.2f} max {np.abs(off).max():6.1f}"
        )
    held = round(found.note.duration_s / found.note.step_s)
    weight = found.note.weight[:held] ** 2
    for name, scale, unit in (
        ("bend", 100.0, "cents"),
        ("bow", 6.02, "dB"),
        ("bright", 1, "dB/oct"),
    ):
        index = CONTROLS.index(name)
        error = (found.drawn - found.note.controls)[:held, index]
        size = scale * np.sqrt(np.sum(weight * error**2) / np.sum(weight))
        print(f"  drawn {name:6s} is off by {size:.3f} {unit} rms")


def picture(found: Study, path: pathlib.Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        6,
        1,
        figsize=(13, 17),
        sharex=True,
        constrained_layout=True,
        height_ratios=[3] * 4 + [2] * 2,
    )
    panels = [("recording", found.sound)]
    for way in found.ways:
        events = f"{way.events} event{'s' * (way.events != 1)}"
        title = way.name if way.name.startswith("one") else f"{way.name}: {events}"
        panels.append((f"{title}, {way.modes} modes", way.sound))
    for axis, (title, sound) in zip(axes, panels, strict=False):
        spectrogram(axis, sound, found.rate)
        axis.set_title(title, loc="left", fontsize=10)
    held = round(found.note.duration_s / found.note.step_s)
    time_s = found.note.onset_s + np.arange(held) * STEP_S
    for axis, name, scale, unit in (
        (axes[4], "bend", 100.0, "cents"),
        (axes[5], "bow", 20 * np.log10(2), "dB"),
    ):
        index = CONTROLS.index(name)
        axis.plot(
            time_s, scale * found.note.controls[:held, index], lw=3, color="0.75", label="measured"
        )
        axis.plot(
            time_s, scale * found.drawn[:held, index], lw=1, color="C3", label="drawn by the field"
        )
        axis.axvline(found.note.onset_s + found.note.duration_s, color="0.5", ls=":", lw=1)
        axis.set_ylabel(f"{name}, {unit}")
        axis.legend(loc="lower right", fontsize=8)
    axes[5].set_ylim(bottom=-30)
    axes[5].set_xlabel("time, s; dotted: the bow is lifted")
    figure.savefig(path, dpi=60)
    plt.close(figure)


def spectrogram(axis: Any, sound: Float, rate: int) -> None:
    axis.specgram(
        sound + 1e-9, NFFT=2048, noverlap=1792, Fs=rate, cmap="magma", vmin=-60 - RANGE_DB, vmax=-60
    )
    axis.set_ylim(0, TOP_HZ)
    axis.set_ylabel("Hz")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="+", type=pathlib.Path)
    parser.add_argument("--png", type=pathlib.Path, help="picture of the first note")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for number, path in enumerate(arguments.paths):
        found = study(path)
        report(found)
        if number == 0 and arguments.png:
            picture(found, arguments.png)


if __name__ == "__main__":
    main()
