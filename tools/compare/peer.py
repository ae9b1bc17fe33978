"""What a peer says about a clip, and how it is asked: by a script, run once for all clips.

    python SCRIPT --method NAME --out FOLDER CLIP.wav …

writes CLIP.NAME.wav and CLIP.NAME.json for each clip. Peers need packages that rtsynth does not, so
they run in an environment of their own; this module imports nothing beyond NumPy and soundfile.
"""

import argparse
import dataclasses
import json
import pathlib
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import soundfile

__all__ = ["Answer", "answer_all"]


@dataclasses.dataclass
class Answer:
    """What a peer made of a clip.

    Attributes:
        sound: [samples] its resynthesis; None where it makes none.
        values: numbers it carries; None where that is not the point.
        events: how many atoms, notes or partials it found; None where it has none.
        notes: (onset in seconds, MIDI number) of each note; None where it finds no notes.
        seconds: of processor time it took; None for all that the method took.
    """

    sound: Any = None
    values: int | None = None
    events: int | None = None
    notes: list[tuple[float, float]] | None = None
    seconds: float | None = None


Method = Callable[[Any, int, pathlib.Path], Mapping[str, Answer]]
"""`method(samples, sample_rate, path)`: answers by name; several if one run gives several."""


def answer_all(methods: Mapping[str, Method]) -> None:
    """Carry out the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--method", choices=list(methods), required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("clips", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    method = methods[options.method]
    noise = np.random.default_rng(0).normal(0.0, 0.1, 22_050)
    warm = options.out / "warm-up.wav"
    soundfile.write(warm, noise, 44_100, "PCM_16")
    method(noise, 44_100, warm)  # imports and compilation are not the method's time
    for path in options.clips:
        sound, rate = soundfile.read(path, dtype="float64", always_2d=True)
        mono = sound.mean(axis=1)
        began = time.process_time()
        answers = method(mono, rate, path)
        seconds = time.process_time() - began
        for name, answer in answers.items():
            _write(options.out / f"{path.stem}.{name}", answer, len(mono), rate, seconds)


def _write(stem: pathlib.Path, answer: Answer, count: int, rate: int, seconds: float) -> None:
    if answer.sound is not None:
        sound = np.asarray(answer.sound, float)[:count]
        sound = np.pad(sound, (0, count - len(sound)))
        soundfile.write(f"{stem}.wav", sound, rate, "FLOAT")
    facts: dict[str, Any] = {
        "values": answer.values,
        "events": answer.events,
        "notes": answer.notes,
    }
    facts["seconds"] = seconds if answer.seconds is None else answer.seconds
    pathlib.Path(f"{stem}.json").write_text(json.dumps(facts))
