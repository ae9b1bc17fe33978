"""What looking for missed and mistaken strikes is worth: clips with and without it, in turn.

    python tools/compare/recognised.py CLIPS/d03*.wav OTHERS/h1*.wav [--times 3]

Each clip with a truth beside it (tools/data/make_clips.py, make_others.py) is taken apart as it is,
or, with --times, so often at another level and with other white noise at -80 dBFS added: single
figures go up and down by 0.5 dB and 0.1 at any change. Prints note F1, notes missed and mistaken,
SNR and MOS, without and with, in the mean.
"""

import argparse
import dataclasses
import pathlib

import numpy as np
from decompose_measure import Clip, Float, matched, read_clip

from rtsynth.decompose import Recipe, decompose_array
from rtsynth.events import Kind
from rtsynth.metrics import compare, event_pitches, mean_opinion

NOISE = 1e-4
LEVELS = (0.7, 0.8, 0.9)


def figures(clip: Clip, recipe: Recipe, number: int | None) -> list[float]:
    """Note F1, missed, mistaken, SNR in dB, MOS; as it is if no number is given."""
    level = 1.0 if number is None else LEVELS[number % len(LEVELS)]
    sound: Float = level * clip.sound
    if number is not None:
        sound = sound + NOISE * np.random.default_rng(number).normal(size=len(sound))
    made = decompose_array(sound, clip.sample_rate, recipe=recipe)
    heard = made.resynthesis.mean(axis=1)[: len(sound)] / level
    true = [note for note in clip.truth.notes if note.pitch] if clip.truth else []
    found = [event for event in made.score.table if event.kind is not Kind.TEXTURE]
    pitch = event_pitches(made.score, made.instrument)
    pairs = matched(true, found, pitch)
    f1 = 2.0 * len(pairs) / max(len(true) + len(found), 1)
    distances = compare(clip.sound[: len(heard)], heard, clip.sample_rate)
    mos = mean_opinion(clip.sound[: len(heard)], heard, clip.sample_rate)
    snr = distances["snr_db"]
    return [f1, len(true) - len(pairs), len(found) - len(pairs), snr or 0.0, mos or 0.0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("clips", nargs="+", type=pathlib.Path)
    parser.add_argument("--times", type=int, default=0, help="so often with noise; 0: as it is")
    options = parser.parse_args()
    print("| clip | | note F1 | missed | mistaken | SNR, dB | MOS |\n| --- " + "| --- " * 6 + "|")
    numbers: list[int | None] = [*range(options.times)] or [None]
    for path in options.clips:
        clip = read_clip(path)
        for recognise in (False, True):
            recipe = dataclasses.replace(Recipe(), recognise=recognise)
            rows = [figures(clip, recipe, number) for number in numbers]
            f1, missed, mistaken, snr, mos = np.mean(rows, axis=0)
            word = "with" if recognise else "without"
            print(
                f"| {clip.name} | {word} | {f1:.3f} | {missed:.1f} | {mistaken:.1f} | {snr:.1f} "
                f"| {mos:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
