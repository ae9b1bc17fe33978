"""Eight more pieces, seven with their notes, to check what was chosen while looking at the clips.

    python tools/data/make_others.py --work FOLDER --out FOLDER

Passages of piano music on the same sampled grand, with stems; a loop of guitar harmonics; broken
chords on a soundfont's guitar and vibraphone. Sources and licences as in make_clips.py.
"""

from make_clips import (
    KRUEGER,
    LEAD_S,
    SALAMANDER,
    SONIC_PI,
    Clip,
    Kitchen,
    kitchen_and_folder,
    save,
)
from midi import Note

TAIL_S = 0.7
PASSAGES = {
    "h1_mozart": ("mozart-k545-mvt1.mid", 0.0, 9.0),
    "h2_satie": ("satie-gymnopedie-no1.mid", 10.0, 20.0),
    "h3_elise": ("fur-elise.mid", 2.0, 11.0),
    "h4_bach": ("bach-prelude-c-major-bwv846.mid", 40.0, 50.0),
    "h5_arabesque": ("debussy-arabesque-no1.mid", 20.0, 29.0),
}
NYLON, VIBRAPHONE = 24, 11
SOUNDFONT_S = 9.0


def passage(kitchen: Kitchen, name: str, begin_s: float, end_s: float) -> Clip:
    """Part of a piece on the sampled grand."""
    notes = kitchen.midi(name, begin_s, end_s)
    return kitchen.piano(notes, end_s - begin_s + TAIL_S, f"{name}, {KRUEGER} on {SALAMANDER}")


def nylon() -> list[Note]:
    """Two chords, each broken twice; the lower strings ring on."""
    chords = [(40, 47, 52, 55, 59, 64, 59, 55)] * 2 + [(45, 52, 57, 60, 64, 69, 64, 60)] * 2
    keys = [key for chord in chords for key in chord]
    onsets = [LEAD_S + 0.24 * i for i in range(len(keys))]
    held_s = [1.2 if i % 8 < 4 else 0.5 for i in range(len(keys))]
    each = enumerate(zip(onsets, held_s, keys, strict=True))
    return [Note(t, t + held, key, 70 + 5 * (i % 4)) for i, (t, held, key) in each]


def bars() -> list[Note]:
    """A chord up and down, each bar ringing on below the next two."""
    keys = (60, 64, 67, 72, 67, 64) * 4
    onsets = [LEAD_S + 0.3 * i for i in range(len(keys))]
    return [Note(t, t + 0.9, key, 80) for t, key in zip(onsets, keys, strict=True)]


def main() -> None:
    kitchen, out = kitchen_and_folder(__doc__)
    for name, part in PASSAGES.items():
        save(out, name, passage(kitchen, *part))
    harmonics = kitchen.loop("guit_harmonics")
    save(out, "h6_harmonics", Clip(f"{SONIC_PI}, guit_harmonics", "CC0 1.0", harmonics))
    save(out, "h7_nylon", kitchen.soundfont(NYLON, nylon(), SOUNDFONT_S))
    save(out, "h8_vibraphone", kitchen.soundfont(VIBRAPHONE, bars(), SOUNDFONT_S))


if __name__ == "__main__":
    main()
