"""Several held voices at once on a soundfont, and struck chords, to see which is taken as what.

    python tools/data/make_chords.py --work FOLDER --out FOLDER

Names begin with held_ or struck_. Sources and licences as in make_clips.py.
"""

from collections.abc import Callable

import numpy as np
from make_clips import LEAD_S, Clip, Kitchen, kitchen_and_folder, named, save
from midi import Note
from numpy.random import Generator

SECONDS, TAIL_S = 9.0, 0.8
LENGTHS_S = (0.5, 0.75, 1.0, 1.5)
STEPS = (-3, -2, 2, 3, 5)
Voices = list[list[Note]]


def triads(random: Generator, low: int) -> Voices:
    """Chords of three, each voice let go as the next chord enters."""
    voices: Voices = [[], [], []]
    onset = LEAD_S
    while onset < SECONDS - TAIL_S - max(LENGTHS_S):
        end = onset + float(random.choice(LENGTHS_S))
        root = int(random.integers(low, low + 14))
        third = int(random.choice((3, 4)))
        for voice, above in zip(voices, (0, third, 7), strict=True):
            voice.append(Note(onset, end, root + above, int(random.integers(70, 95))))
        onset = end
    return voices


def counterpoint(random: Generator, lows: tuple[int, ...]) -> Voices:
    """Melodies at once, each in its own time."""
    return [_melody(random, low) for low in lows]


def _melody(random: Generator, low: int) -> list[Note]:
    notes, key, onset = [], low + 4, LEAD_S
    while onset < SECONDS - TAIL_S - max(LENGTHS_S):
        key = int(np.clip(key + random.choice(STEPS), low, low + 12))
        end = onset + float(random.choice(LENGTHS_S))
        notes.append(Note(onset, end, key, int(random.integers(70, 95))))
        onset = end
    return notes


PLAYED: dict[str, tuple[tuple[int, ...], Callable[[Generator], Voices]]] = {
    "held_organ": ((19,), lambda random: triads(random, 50)),
    "held_strings": ((48,), lambda random: triads(random, 50)),
    "held_choir": ((52,), lambda random: triads(random, 52)),
    "held_accordion": ((21,), lambda random: triads(random, 52)),
    "held_brass": ((61,), lambda random: triads(random, 48)),
    "held_pad": ((89,), lambda random: triads(random, 50)),
    "held_violin_cello": ((40, 42), lambda random: counterpoint(random, (62, 45))),
    "held_flute_clarinet": ((73, 71), lambda random: counterpoint(random, (70, 55))),
    "held_trumpet_trombone": ((56, 57), lambda random: counterpoint(random, (62, 46))),
    "held_quartet": ((40, 40, 41, 42), lambda random: counterpoint(random, (70, 63, 54, 42))),
    "held_organ_voices": ((19,), lambda random: counterpoint(random, (67, 58, 48))),
    "struck_piano": ((0,), lambda random: triads(random, 50)),
    "struck_rhodes": ((4,), lambda random: counterpoint(random, (67, 58, 48))),
    "struck_guitar": ((25,), lambda random: triads(random, 45)),
    "struck_harp": ((46,), lambda random: counterpoint(random, (67, 50))),
    "struck_vibraphone": ((11,), lambda random: triads(random, 58)),
}


def played(kitchen: Kitchen, programs: tuple[int, ...], voices: Voices) -> Clip:
    """Voices on one program, or each on its own."""
    parts: dict[int, list[Note]] = {}
    for index, voice in enumerate(voices):
        parts.setdefault(programs[index % len(programs)], []).extend(voice)
    sound = kitchen.fluid(parts, SECONDS)
    source = f"Debian fluid-soundfont-gm, programs {', '.join(map(str, programs))}"
    notes = sorted(note for voice in voices for note in voice)
    return Clip(source, "MIT", sound, [named(note) for note in notes])


def main() -> None:
    kitchen, out = kitchen_and_folder(__doc__)
    for seed, (name, (programs, voices)) in enumerate(PLAYED.items()):
        save(out, name, played(kitchen, programs, voices(np.random.default_rng(seed))))


if __name__ == "__main__":
    main()
