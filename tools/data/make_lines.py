"""Melodies of one voice on a soundfont, held and struck, and speech, to see which is taken as what.

    python tools/data/make_lines.py --work FOLDER --out FOLDER

Names begin with held_ or struck_. Speech is added where espeak-ng is installed. Sources and
licences as in make_clips.py; the speech is made by formants and belongs to nobody.
"""

import shutil

import numpy as np
from make_audio import load, run
from make_clips import LEAD_S, Clip, Kitchen, kitchen_and_folder, save
from midi import Note

HELD = {
    "violin": (40, 60), "cello": (42, 45), "harmonica": (22, 62), "voice": (53, 60),
    "trumpet": (56, 60), "trombone": (57, 48), "horn": (60, 50), "soprano_sax": (64, 62),
    "tenor_sax": (66, 52), "oboe": (68, 62), "clarinet": (71, 58), "flute": (73, 68),
    "recorder": (74, 70),
}  # fmt: skip
STRUCK = {
    "piano": (0, 57), "rhodes": (4, 57), "glockenspiel": (9, 74), "vibraphone": (11, 60),
    "marimba": (12, 58), "dulcimer": (15, 60), "nylon_guitar": (24, 50), "bass": (32, 34),
    "pizzicato": (45, 55), "harp": (46, 57),
}  # fmt: skip
STEPS = (-5, -3, -2, -1, 1, 2, 4, 5)
LENGTHS_S = (0.2, 0.3, 0.45, 0.6)
SECONDS, TAIL_S = 7.0, 0.6
BELOW, ABOVE = 5, 9  # semitones around the first key
SPOKEN = {
    "speech_1": ("en-us+m3", "She sells sea shells by the sea shore, and they are sea shells."),
    "speech_2": ("en-gb+f2", "Please call Stella and ask her to bring these things with her."),
    "speech_3": ("it+m1", "Is it raining again? No, the sun has come out at last!"),
}


def melody(first: int, seed: int) -> list[Note]:
    """One note after the other, some with a rest after them."""
    random = np.random.default_rng(seed)
    notes, key, onset = [], first, LEAD_S
    while onset < SECONDS - TAIL_S - max(LENGTHS_S):
        key = int(np.clip(key + random.choice(STEPS), first - BELOW, first + ABOVE))
        end = onset + float(random.choice(LENGTHS_S))
        notes.append(Note(onset, end, key, int(random.integers(50, 115))))
        onset = end + float(random.choice((0.0, 0.0, 0.03)))
    return notes


def spoken(kitchen: Kitchen, voice: str, words: str) -> Clip:
    """A sentence by formant synthesis."""
    file = kitchen.work / "spoken.wav"
    run(["espeak-ng", "-v", voice, "-w", str(file), words], kitchen.work)
    return Clip(f"espeak-ng, voice {voice}", "made by formants", load(file))


def main() -> None:
    kitchen, out = kitchen_and_folder(__doc__)
    for kind, programs in (("held", HELD), ("struck", STRUCK)):
        for name, (program, first) in programs.items():
            clip = kitchen.soundfont(program, melody(first, seed=program), SECONDS)
            save(out, f"{kind}_{name}", clip)
    if shutil.which("espeak-ng"):
        for name, (voice, words) in SPOKEN.items():
            save(out, f"held_{name}", spoken(kitchen, voice, words))


if __name__ == "__main__":
    main()
