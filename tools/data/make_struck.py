"""Struck and plucked instruments of a soundfont: chords of three, and melodies at once.

    python tools/data/make_struck.py --work FOLDER --out FOLDER [--seed N]

chords_NAME are chords of three keys, voices_NAME two or three melodies each in its own time; no
key is struck by itself first. The same seed gives the same clips. Sources and licences as in
make_clips.py.
"""

import argparse
import pathlib

import numpy as np
from make_chords import counterpoint, played, triads
from make_clips import Kitchen, save

PROGRAMS = {  # General MIDI, and the lowest key
    "rhodes": (4, 48),
    "harpsichord": (6, 48),
    "clavinet": (7, 45),
    "celesta": (8, 60),
    "glockenspiel": (9, 72),
    "music_box": (10, 60),
    "vibraphone": (11, 55),
    "marimba": (12, 48),
    "xylophone": (13, 65),
    "tubular_bells": (14, 60),
    "dulcimer": (15, 52),
    "nylon_guitar": (24, 43),
    "steel_guitar": (25, 43),
    "electric_guitar": (27, 43),
    "pizzicato": (45, 48),
    "harp": (46, 45),
    "kalimba": (108, 57),
    "steel_drums": (114, 55),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    kitchen = Kitchen(options.work)
    for number, (name, (program, low)) in enumerate(PROGRAMS.items()):
        random = np.random.default_rng([options.seed, number])
        save(options.out, f"chords_{name}", played(kitchen, (program,), triads(random, low)))
        lows = (low + 12, low) if number % 2 else (low + 14, low + 7, low)
        save(options.out, f"voices_{name}", played(kitchen, (program,), counterpoint(random, lows)))


if __name__ == "__main__":
    main()
