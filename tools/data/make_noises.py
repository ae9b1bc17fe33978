"""Noise that moves, noise that stands still and what is struck but noisy: clips and loops.

    python tools/data/make_noises.py --work FOLDER --out FOLDER

Names begin with noise_ (it moves), steady_ or struck_. Wind, waves, steam and hiss are made by
formula; the rest are samples of sonic-pi (CC0), as in make_clips.py.
"""

import numpy as np
from make_audio import RATE
from make_clips import SONIC_PI, Clip, kitchen_and_folder, save
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

SECONDS, PEAK = 8.0, 0.3
MOVING = (
    "ambi_dark_woosh", "ambi_lunar_land", "ambi_sauna", "ambi_swoosh", "drum_splash_soft",
    "elec_filt_snare", "loop_3d_printer", "mehackit_robot4", "mehackit_robot6", "misc_cineboom",
    "vinyl_hiss",
)  # fmt: skip
STRUCK = (
    "drum_cymbal_hard", "drum_roll", "loop_amen_full", "loop_compus", "loop_electric", "loop_mika",
    "loop_perc1", "perc_door",
)  # fmt: skip
WIND_HZ = (200.0, 350.0, 600.0, 1_000.0, 1_800.0)
GUSTS_HZ, GUST_DB = 1.5, 10.0
WAVE_S, CALM = 3.7, 0.15

Float = NDArray[np.float64]


def between(source: np.random.Generator, low_hz: float, high_hz: float) -> Float:
    """White noise between two frequencies."""
    sos = butter(2, (low_hz, high_hz), "band", fs=RATE, output="sos")
    noise: Float = sosfilt(sos, source.standard_normal(round(SECONDS * RATE)))
    return noise


def wandering(source: np.random.Generator, rate_hz: float) -> Float:
    """Normal numbers at a rate, and straight lines between them."""
    place = np.arange(round(SECONDS * RATE)) / RATE * rate_hz
    numbers = source.standard_normal(int(place[-1]) + 2)
    path: Float = np.interp(place, np.arange(len(numbers)), numbers)
    return path


def wind(source: np.random.Generator) -> Float:
    """Five bands, each with gusts of its own."""
    return sum(
        (
            10.0 ** ((GUST_DB * wandering(source, GUSTS_HZ) - 3.0 * number) / 20.0)
            * between(source, 0.8 * hz, 1.25 * hz)
            for number, hz in enumerate(WIND_HZ)
        ),
        np.zeros(round(SECONDS * RATE)),
    )


def waves(source: np.random.Generator) -> Float:
    """Surf that comes every few seconds, over a murmur."""
    time = np.arange(round(SECONDS * RATE)) / RATE
    swell = CALM + np.maximum(np.sin(2.0 * np.pi * time / WAVE_S), 0.0) ** 2
    sound: Float = between(source, 150.0, 6_000.0) * swell + 0.1 * between(source, 100.0, 1_000.0)
    return sound


def steam(source: np.random.Generator) -> Float:
    """A jet that flutters."""
    sound: Float = between(source, 2_000.0, 12_000.0) * np.exp(0.4 * wandering(source, 20.0))
    return sound


def pink(source: np.random.Generator) -> Float:
    """3 dB less an octave, from 2.5 Hz on."""
    spectrum = np.fft.rfft(source.standard_normal(round(SECONDS * RATE)))
    sound: Float = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 20.0)))
    return sound


def main() -> None:
    kitchen, out = kitchen_and_folder(__doc__)
    made = {"noise_wind": wind, "noise_waves": waves, "noise_steam": steam, "steady_pink": pink}
    for seed, (name, make) in enumerate(made.items()):
        sound = make(np.random.default_rng(seed))
        save(out, name, Clip("a formula", "nobody's", PEAK * sound / np.abs(sound).max()))
    for kind, samples in (("noise", MOVING), ("struck", STRUCK)):
        for name in samples:
            clip = Clip(f"{SONIC_PI}, {name}", "CC0 1.0", kitchen.loop(name, 12.0))
            save(out, f"{kind}_{name}", clip)


if __name__ == "__main__":
    main()
