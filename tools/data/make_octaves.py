"""Chords with octaves and twelfths on a sampled grand, after their keys have been heard alone.

    python tools/data/make_octaves.py --work FOLDER --out FOLDER

Of heard_NN every key is struck twice by itself, then there are three chords of some of them; of
unheard_NN one key of five is struck in the only chord and nowhere else. Sources and licences as
in make_clips.py; the same seeds give the same clips.
"""

import numpy as np
from make_clips import LEAD_S, kitchen_and_folder, save
from midi import Note
from numpy.random import Generator

CLIPS = 20  # of either kind
SHAPES = ((0, 12, 24), (0, 12, 16, 24), (0, 12), (0, 19, 24), (0, 12, 15, 19, 24), (0, 7, 12))
FIVES = ((0, 7, 12, 16, 24), (0, 7, 16, 19, 24), (0, 12, 15, 19, 24), (0, 4, 7, 12, 16))
APART_S, HELD_S = 0.4, 0.7


def heard(random: Generator, shape: tuple[int, ...]) -> list[Note]:
    """Keys of a shape and one that is in no chord, then chords."""
    root = int(random.integers(38, 62))
    keys = [root + above for above in shape]
    notes = alone(random, [*keys, root + 5])
    onset = LEAD_S + APART_S * len(notes)
    for _ in range(3):
        some = random.choice(keys, int(random.integers(2, len(keys) + 1)), replace=False)
        notes += chord(random, sorted(int(key) for key in some), onset, 1.0)
        onset += 0.9
    return notes


def unheard(random: Generator, shape: tuple[int, ...]) -> list[Note]:
    """All keys of a shape but one, then all of them."""
    root = int(random.integers(40, 60))
    keys = [root + above for above in shape]
    new = int(random.choice(keys))
    notes = alone(random, [key for key in keys if key != new])
    return notes + chord(random, keys, LEAD_S + APART_S * len(notes), 2.5)


def alone(random: Generator, keys: list[int]) -> list[Note]:
    """Each twice, in any order."""
    order = [int(key) for key in random.permutation(2 * keys)]
    onsets = LEAD_S + APART_S * np.arange(len(order))
    return [
        Note(float(onset), float(onset) + HELD_S, key, velocity(random))
        for onset, key in zip(onsets, order, strict=True)
    ]


def chord(random: Generator, keys: list[int], onset: float, seconds: float) -> list[Note]:
    """All at once, none as loud as the other."""
    return [Note(onset, onset + seconds, key, velocity(random)) for key in keys]


def velocity(random: Generator) -> int:
    """As a player strikes."""
    return int(random.integers(50, 90))


def main() -> None:
    kitchen, out = kitchen_and_folder(__doc__)
    for number in range(CLIPS):
        for name, notes in (
            (f"heard_{number:02d}", heard(np.random.default_rng(number), SHAPES[number % 6])),
            (f"unheard_{number:02d}", unheard(np.random.default_rng(number), FIVES[number % 4])),
        ):
            seconds = max(note.end_s for note in notes) + 0.4
            save(out, name, kitchen.piano(notes, seconds))


if __name__ == "__main__":
    main()
