"""One texture event against a recorded and a made-up scratchy record: figures and docs/texture.png.

    python tools/compare/texture.py --work FOLDER [--out docs/texture.png]

Needs apt-get and dpkg-deb on the PATH. The recording is `vinyl_hiss` (CC0) of Debian's
sonic-pi-samples, 8 s, its left channel; the made-up record is 60 s of known hiss, clicks and hum.
"""

import argparse
import dataclasses
import pathlib
import subprocess

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import soundfile
from matplotlib.axes import Axes
from numpy.typing import NDArray

from rtsynth.decompose import (
    TextureFit,
    event_signal,
    fit_texture,
    texture_statistics,
    texture_w1,
)
from rtsynth.decompose.texture.floor import noise_floor
from rtsynth.decompose.texture.synthesis import click_times
from rtsynth.events import Event, EventTable, Kind, Score
from rtsynth.instrument import NOISE_EDGES_HZ, Instrument
from rtsynth.metrics import stft_magnitude
from rtsynth.render import render_score

PACKAGE = "sonic-pi-samples"
SAMPLE = "usr/share/sonic-pi/samples/vinyl_hiss.flac"
RATE = 44_100
RENDERED_S = 60.0
SEEDS = (11, 12, 13)

Float = NDArray[np.float64]


def fetch(work: pathlib.Path) -> Float:
    """[samples] the recording's left channel, unpacked from Debian."""
    path = work / SAMPLE
    if not path.exists():
        subprocess.run(["apt-get", "download", "-q", PACKAGE], cwd=work, check=True)
        package = next(work.glob(f"{PACKAGE}_*.deb"))
        subprocess.run(["dpkg-deb", "-x", package.name, "."], cwd=work, check=True)
    frames, rate = soundfile.read(path, always_2d=True)
    if rate != RATE:
        raise SystemExit(f"{path}: {rate} Hz; expected {RATE}")
    left: Float = frames[:, 0] - frames[:, 0].mean()
    return left


def made_up() -> tuple[Instrument, Float]:
    """A record of which everything is known, and 60 s of it."""
    truth = Instrument.blank(1, 4, attack_rate=RATE)
    truth.set_modes(
        0,
        np.array([800.0, 2500.0, 6000.0]),
        np.array([0.05, 0.02, 0.01]),
        np.array([0.02, 0.03j, 0.08 - 0.02j]),
    )
    truth.texture_gain[0] = np.geomspace(0.004, 0.001, 32)
    truth.am_depth_db[0], truth.am_rate_hz[0] = 3.0, 2.0
    truth.click_rate_hz[0], truth.click_spread_db[0] = 12.0, 4.0
    truth.click_gain[0] = truth.impulse[0]
    truth.hum_hz[0, :3], truth.hum_gain[0, :3] = (50.0, 100.0, 150.0), (0.01, 0.004, 0.003)
    event = Event(1, kind=Kind.TEXTURE, seed=7)
    return truth, event_signal(event, truth, RATE, 60 * RATE)


def played(fit: TextureFit, seed: int) -> Float:
    """[samples] 60 s of the texture, by the engine."""
    event = dataclasses.replace(fit.event(), seed=seed, duration_s=RENDERED_S)
    score = Score(EventTable([event]), seconds=RENDERED_S, sample_rate=RATE, channels=1)
    sound: Float = render_score(score, fit.instrument(RATE))[:, 0].astype(float)
    return sound


def figures(name: str, sound: Float, fit: TextureFit) -> Float:
    """Print the distances of the texture and of less; a rendering."""
    flat = np.zeros(32)
    none = np.zeros(0)
    bank = dataclasses.replace(
        fit,
        band_gain=noise_floor(sound, RATE),
        am_depth_db=flat,
        click_rate_hz=0.0,
        hum_hz=none,
        hum_gain=none,
    )
    white = np.random.default_rng(0).normal(size=len(sound))
    renderings = [played(fit, seed) for seed in SEEDS]
    distances = [texture_w1(sound, made, RATE) for made in renderings]
    same = texture_w1(renderings[0][: len(sound)], renderings[1], RATE)
    print(f"{name}: {len(sound) / RATE:.1f} s")
    print(f"  W1, one texture event       {' '.join(f'{d:.4f}' for d in distances)}")
    print(f"  W1, of the texture's own    {same:.4f}")
    print(f"  W1, noise floor only        {texture_w1(sound, played(bank, SEEDS[0]), RATE):.4f}")
    print(f"  W1, white noise, no texture {texture_w1(sound, white, RATE):.4f}")
    print(f"  clicks/s {fit.click_rate_hz:.2f}, spread {fit.click_spread_db:.2f} dB")
    print(f"  motion {np.median(fit.am_depth_db):.2f} dB at {fit.am_rate_hz:.2f} Hz")
    print(f"  hum {np.round(fit.hum_hz, 2)} Hz {np.round(fit.hum_gain, 4)}")
    return renderings[0]


def against_truth(truth: Instrument, fit: TextureFit) -> None:
    """Print how far what was found is from what was made up."""
    frames, sizes = click_times(7, 12.0, 4.0, 60 * RATE, RATE)
    level = 20 * np.log10(fit.band_gain / truth.texture_gain[0])
    print(f"  truth: {len(frames) / 60:.2f} clicks/s, spread {np.std(20 * np.log10(sizes)):.2f} dB")
    print(f"  level error dB: mean {level.mean():.2f}, RMS {np.sqrt(np.mean(level**2)):.2f}")
    strongest = fit.click.take(np.argsort(-fit.click.energy())[:3])
    print(f"  modes {strongest.freq_hz.round(1)} Hz, T60 {strongest.t60_s.round(4)} s")


def spectrogram(axes: Axes, sound: Float, title: str) -> None:
    level = 20 * np.log10(stft_magnitude(sound[: 8 * RATE], 1024, 256).T + 1e-9)
    axes.imshow(
        level,
        origin="lower",
        aspect="auto",
        extent=(0.0, 8.0, 0.0, RATE / 2000),
        vmin=-50.0,
        vmax=25.0,
        cmap="magma",
    )
    axes.set(title=title, xlabel="s", ylabel="kHz")


def draw(recording: Float, rendering: Float, out: pathlib.Path) -> None:
    figure, axes = plt.subplots(2, 3, figsize=(15, 7.5), layout="constrained")
    spectrogram(axes[0, 0], recording, "recording: vinyl hiss and crackle, 8 s")
    spectrogram(axes[1, 0], rendering, "one texture event, played by the engine")
    found, made = (texture_statistics(sound, RATE) for sound in (recording, rendering))
    centre = np.sqrt(NOISE_EDGES_HZ[1:] * NOISE_EDGES_HZ[:-1])
    panels = (
        (axes[0, 1], "median_db", "median level of each band, dB"),
        (axes[0, 2], "deviation_db", "deviation of its level over time, dB"),
        (axes[1, 1], "kurtosis", "kurtosis of its spectrum (2: steady noise)"),
    )
    for panel, field, title in panels:
        panel.semilogx(centre, getattr(found, field), label="recording", color="black")
        panel.semilogx(centre, getattr(made, field), label="one event", color="tab:orange")
        panel.set(title=title, xlabel="Hz")
        panel.legend()
    panel = axes[1, 2]
    for sound, label, colour in (
        (recording, "recording", "black"),
        (rendering, "one event", "tab:orange"),
        (np.random.default_rng(0).normal(size=len(recording)), "noise alone", "tab:blue"),
    ):
        peak = np.abs(sound) / np.median(np.abs(sound))
        share = 1.0 - (np.arange(len(peak)) + 0.5) / len(peak)
        panel.loglog(np.sort(peak)[::50], share[::50], label=label, color=colour)
    panel.set(
        title="share of samples beyond so many medians", xlabel="|x| / median", xlim=(0.5, 300)
    )
    panel.legend()
    figure.savefig(out, dpi=80)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("docs/texture.png"))
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    recording = fetch(options.work)
    rendering = figures("recorded", recording, fit_texture(recording, RATE))
    draw(recording, rendering, options.out)
    truth, sound = made_up()
    fit = fit_texture(sound, RATE)
    figures("made up", sound, fit)
    against_truth(truth, fit)


if __name__ == "__main__":
    main()
