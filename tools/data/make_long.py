"""Make a long recording of many short ones, with what lies where in it.

    python tools/data/make_clips.py --work FOLDER --out CLIPS
    python tools/data/make_long.py CLIPS/*.wav --out hour.wav --seconds 3600

All clips come in turn, in a new order every round, each time from another place on, resampled by
-3 ... 3 semitones (so faster or slower too) and up to 9 dB quieter: nothing comes twice. Between
them is silence of 0.1 ... 0.8 s. Mono, 44.1 kHz, 16 bit. hour.json holds for every piece {"clip",
"t", "dur", "skipped", "semitones", "gain_db"}, times in seconds; "skipped" is what of the clip,
as resampled, lies before the piece. The same clips and seed give the same sound.
"""

import argparse
import json
import pathlib
from typing import Any

import numpy as np
import soundfile
import soxr
from make_audio import RATE, Float, load

SEMITONES = 3
QUIETEST_DB = -9.0
PAUSE_S = (0.1, 0.8)
SKIP_SHARE = 0.3  # of a clip, at most so much is left out at its beginning
FADE_S = 0.01


def piece(path: pathlib.Path, random: np.random.Generator) -> tuple[Float, dict[str, Any]]:
    """A clip changed by chance, and how."""
    semitones = int(random.integers(-SEMITONES, SEMITONES + 1))
    sound = soxr.resample(load(path), RATE * 2.0 ** (semitones / 12), RATE)
    skipped = int(random.uniform(0.0, SKIP_SHARE) * len(sound))
    gain_db = float(random.uniform(QUIETEST_DB, 0.0))
    sound = sound[skipped:] * 10.0 ** (gain_db / 20.0)
    ramp = np.linspace(0.0, 1.0, round(FADE_S * RATE))
    sound[: len(ramp)] *= ramp
    sound[-len(ramp) :] *= ramp[::-1]
    facts = {"clip": path.stem, "semitones": semitones, "gain_db": round(gain_db, 2)}
    return sound, facts | {"skipped": skipped / RATE}


def write(clips: list[pathlib.Path], out: pathlib.Path, seconds: float, seed: int) -> None:
    """Write the recording and the list of its pieces."""
    random, wanted, written = np.random.default_rng(seed), round(seconds * RATE), 0
    pieces: list[dict[str, Any]] = []
    turn: list[int] = []
    with soundfile.SoundFile(out, "w", RATE, 1, "PCM_16") as file:
        while written < wanted:
            turn = turn or random.permutation(len(clips)).tolist()
            sound, facts = piece(clips[turn.pop()], random)
            pause = np.zeros(round(float(random.uniform(*PAUSE_S)) * RATE))
            sound = sound[: wanted - written]
            pieces.append({**facts, "t": written / RATE, "dur": len(sound) / RATE})
            sound = np.concatenate([sound, pause])[: wanted - written]
            file.write(sound)
            written += len(sound)
    out.with_suffix(".json").write_text(json.dumps({"seed": seed, "pieces": pieces}, indent=1))


def main() -> None:
    """Make it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--seconds", type=float, default=3_600.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    write(options.clips, options.out, options.seconds, options.seed)


if __name__ == "__main__":
    main()
