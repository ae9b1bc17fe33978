"""Make the bowed, plucked and drummed recordings in presets/audio from Debian packages.

    python tools/data/make_notes.py --work FOLDER [--out presets/audio]

Needs apt-get and dpkg-deb on the PATH; about 150 MB are fetched into FOLDER. The bowed note is one
recorded violin note out of a soundfont, held longer by going back over its last vibrato cycles; the
guitar is a real recording, cut; the drum pattern is our own, played with recorded hits of one kit.
"""

import argparse
import mmap
import pathlib
import struct

import numpy as np
import soxr
from make_audio import RATE, Float, Played, load, run, save

BOWED_PACKAGE, BOWED_SAMPLE = "fluid-soundfont-gm", "Violin D6(L)"
SOUNDFONT = "usr/share/sounds/sf2/FluidR3_GM.sf2"
SAMPLES_PACKAGE = "sonic-pi-samples"
SAMPLES = "usr/share/sonic-pi/samples"
BOWED_S, LEAD_S = 3.7, 0.03
LONGEST_CYCLE_S, SHORTEST_CYCLE_S = 1.2, 0.6  # of what is gone over again
JOIN_S = 0.03
LIFT_T60_S = 0.5  # the note fades so once the bow is lifted
LIFT_S = 0.55
PLUCKED_S = 8.0
STEP_S = 0.15
HITS = {
    "k": "drum_bass_hard",
    "K": "drum_bass_soft",
    "s": "drum_snare_hard",
    "S": "drum_snare_soft",
    "c": "drum_cymbal_closed",
    "o": "drum_cymbal_open",
    "h": "drum_tom_hi_hard",
    "m": "drum_tom_mid_hard",
    "l": "drum_tom_lo_hard",
    "*": "drum_splash_hard",
}
ROWS = (
    ("*.c.c.c.c.c.c.o.", "k.....K.k.......", "....s..S....s..."),
    ("c.c.c.c.c.c.c.o.", "k.....K.k..k....", "....s..S.S..s..S"),
    ("*.c.c.c.........", "k.....K.k...k...", "....s..hh.mm.lls"),
)
LAST = "*k"
DRUMS_S = 8.4


def fetch(package: str, wanted: str, work: pathlib.Path) -> pathlib.Path:
    """The path `wanted` of a Debian package, unpacked."""
    if not (work / wanted).exists():
        run(["apt-get", "download", "-q", package], work)
        archive = next(work.glob(f"{package}_*.deb"))
        run(["dpkg-deb", "-x", archive.name, "."], work)
    return work / wanted


def soundfont_sample(path: pathlib.Path, name: str) -> Float:
    """One 16-bit sample of a soundfont (SoundFont 2.04, chunks `shdr` and `smpl`), at `RATE`."""
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        headers, samples = data.rfind(b"shdr") + 8, data.find(b"smpl") + 8
        count = struct.unpack_from("<I", data, headers - 4)[0] // 46
        for index in range(count):
            label, first, last, _, _, rate = struct.unpack_from(
                "<20sIIIII", data, headers + 46 * index
            )
            if label.split(b"\0")[0].decode("latin1") == name:
                frames = np.frombuffer(data[samples + 2 * first : samples + 2 * last], "<i2")
                sound: Float = frames.astype(float) / 32_768.0
                return sound if rate == RATE else soxr.resample(sound, rate, RATE, "VHQ")
    raise SystemExit(f"{path} has no sample {name!r}")


def best_cycle(sound: Float) -> int:
    """Samples to go back at the end of `sound` so that the waveform fits best."""
    join = int(JOIN_S * RATE)
    end = sound[-join:]
    lags = range(int(SHORTEST_CYCLE_S * RATE), int(LONGEST_CYCLE_S * RATE))

    def fit(lag: int) -> float:
        other = sound[-join - lag : -lag]
        return float(end @ other) / float(np.linalg.norm(other))

    return max(lags, key=fit)


def held(sound: Float, seconds: float) -> Float:
    """The note going back over its last cycles, crossfaded over `JOIN_S`, for so long."""
    join, cycle = int(JOIN_S * RATE), best_cycle(sound)
    fade = 0.5 - 0.5 * np.cos(np.linspace(0, np.pi, join))
    out = sound
    while len(out) < int(seconds * RATE):
        again = sound[-cycle - join :].copy()
        again[:join] = fade * again[:join] + (1 - fade) * out[-join:]
        out = np.concatenate([out[:-join], again])
    return out[: int(seconds * RATE)]


def bowed(soundfont: pathlib.Path) -> Float:
    sound = held(soundfont_sample(soundfont, BOWED_SAMPLE), BOWED_S)
    late = np.maximum(np.arange(len(sound)) / RATE - (BOWED_S - LIFT_S), 0.0)
    sound = sound * 10.0 ** (-3.0 * late / LIFT_T60_S)
    return np.concatenate([np.zeros(int(LEAD_S * RATE)), sound])


def drums(folder: pathlib.Path) -> tuple[Float, list[Played]]:
    sound = np.zeros(int(DRUMS_S * RATE))
    hits = [
        (STEP_S * (16 * bar + step), letter)
        for bar, rows in enumerate(ROWS)
        for row in rows
        for step, letter in enumerate(row)
        if letter != "."
    ]
    hits += [(STEP_S * 16 * len(ROWS), letter) for letter in LAST]
    played = []
    for onset_s, letter in hits:
        first = int((onset_s + 0.05) * RATE)
        hit = load(folder / f"{HITS[letter]}.flac")[: len(sound) - first]
        sound[first : first + len(hit)] += hit
        played.append(Played(onset_s + 0.05, hit, label=HITS[letter]))
    return sound, played


BOWED_WORDS = """bowed.flac

Source   sample "Violin D6(L)" of Fluid (R3) GM, a recorded violin note (it sounds D5),
         Debian package fluid-soundfont-gm
Author   Frank Wen and contributors, 2000-2002, 2008
Licence  MIT, as the package's copyright file states:
         Copyright (c) 2000-2002, 2008 Frank Wen; permission is hereby granted, free of charge, to
         deal in the Software without restriction, provided that this notice is included in all
         copies or substantial portions; provided "as is", without warranty of any kind.
Changed  one channel; held to 3.2 s by going back over its last vibrato cycles (crossfade 30 ms;
         1.7 s of it were recorded), faded as the bow is lifted, 30 ms of silence before,
         peak set to 0.7 (tools/data/make_notes.py)
"""

PLUCKED_WORDS = """plucked.flac

Source   guit_em9.flac of the Debian package sonic-pi-samples
Author   Sub-d, http://www.freesound.org/people/Sub-d/sounds/46992/
Licence  CC0 1.0, https://creativecommons.org/publicdomain/zero/1.0/
Changed  mixed to mono, the first 8 s kept, faded out, peak set to 0.7 (tools/data/make_notes.py)
"""

DRUMS_WORDS = """drums.flac

Source   drum_*.flac of the Debian package sonic-pi-samples: recorded hits of one kit
Author   menegass, http://www.freesound.org/people/menegass/ (sounds 100051-100064, 100066);
         the pattern played is rtsynth's own
Licence  CC0 1.0, https://creativecommons.org/publicdomain/zero/1.0/
Changed  hits summed as a pattern, faded out, peak set to 0.7 (tools/data/make_notes.py)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("presets/audio"))
    arguments = parser.parse_args()
    for folder in (arguments.work, arguments.out):
        folder.mkdir(parents=True, exist_ok=True)
    soundfont = fetch(BOWED_PACKAGE, SOUNDFONT, arguments.work)
    samples = fetch(SAMPLES_PACKAGE, SAMPLES, arguments.work)
    save(arguments.out / "bowed.flac", bowed(soundfont), BOWED_WORDS)
    plucked = load(samples / "guit_em9.flac")[: int(PLUCKED_S * RATE)]
    save(arguments.out / "plucked.flac", plucked, PLUCKED_WORDS)
    sound, played = drums(samples)
    save(arguments.out / "drums.flac", sound, DRUMS_WORDS, played)


if __name__ == "__main__":
    main()
