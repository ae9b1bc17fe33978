"""Decompose one clip in a process of its own, so that its time and memory are its own.

    python tools/compare/decompose_one.py CLIP.wav --out FOLDER [--recipe fast] [--notes CLIP.mid]
        [--only-time]

writes FOLDER/CLIP.rtsynth.json with all that is measured, and FOLDER/CLIP.png; with notes
"CLIP.rtsynth with notes.json" and CLIP.notes.png. A first second is
decomposed before, so that compiling is not counted.
"""

import argparse
import importlib
import json
import pathlib
import resource
import sys
import time

import numpy as np
import soundfile
from decompose_measure import Row, events_row, read_clip, sound_row, stems_row
from decompose_targets import OURS, WITH_NOTES

from rtsynth.decompose import (
    Decomposition,
    Recipe,
    count_values,
    decompose_array,
    decompose_file,
    draw,
    read_notes,
)
from rtsynth.events import Kind
from rtsynth.instrument import Instrument
from rtsynth.metrics import event_pitches, rates

KILOBYTE = 1_024 if sys.platform != "darwin" else 1


def recipe_of(word: str | None) -> Recipe:
    if word is None:
        return Recipe()
    loaded: Recipe = importlib.import_module("rtsynth.decompose.recipe_file").load_recipe(word)
    return loaded


def warm(path: pathlib.Path, recipe: Recipe) -> None:
    """Compile and import what the recording will need."""
    sound, rate = soundfile.read(path, dtype="float64", frames=soundfile.info(path).samplerate)
    decompose_array(sound + 1e-4 * np.random.default_rng(0).normal(size=sound.shape), rate,
                    recipe=recipe)  # fmt: skip


def timed(
    path: pathlib.Path, recipe: Recipe, midi: pathlib.Path | None
) -> tuple[Decomposition, Row]:
    began, used = time.perf_counter(), time.process_time()
    made = decompose_file(path, recipe=recipe, notes=read_notes(midi) if midi else None)
    taken, used = time.perf_counter() - began, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KILOBYTE
    return made, {
        "seconds": made.recording.seconds,
        "seconds_taken": taken,
        "cpu_seconds": used,
        "memory_mb": peak / 2**20,
    }


def bank_values(instrument: Instrument) -> int:
    """Numbers other than 0 in the bank; the map of the vector, the same for all, is left out."""
    arrays = {name: value for name, value in vars(instrument).items() if name != "mode_map"}
    return sum(int(np.count_nonzero(a)) for a in arrays.values() if isinstance(a, np.ndarray))


def measured(made: Decomposition, path: pathlib.Path, silver: pathlib.Path | None) -> Row:
    clip = read_clip(path, silver)
    sound = made.resynthesis.mean(axis=1)
    count = min(len(sound), len(clip.sound))
    clip.sound, sound = clip.sound[:count], sound[:count]
    rows = made.score.table.rows
    played = rows[(rows["kind"] != Kind.TEXTURE) & (rows["muted"] == 0)]
    pitches = event_pitches(made.score, made.instrument)
    return {
        "events": len(played),
        "textures": int(np.sum(rows["kind"] == Kind.TEXTURE)),
        "resonances": made.report["resonances"],
        "bank_modes": made.report["modes"],
        "bank_values": bank_values(made.instrument),
        **rates(len(played), count_values(made.score), clip.seconds),
        **sound_row(clip, sound),
        **events_row(clip, played["onset_s"], pitches),
        **stems_row(clip, made.score, made.instrument),
        "notes": list(made.report["notes"]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--recipe")
    parser.add_argument("--notes", type=pathlib.Path)
    parser.add_argument("--silver", type=pathlib.Path)
    parser.add_argument("--only-time", action="store_true")
    options = parser.parse_args()
    recipe = recipe_of(options.recipe)
    warm(options.clip, recipe)
    made, row = timed(options.clip, recipe, options.notes)
    name = options.clip.stem
    if not options.only_time:
        row |= measured(made, options.clip, options.silver)
        frames, rate = made.recording.frames, made.recording.sample_rate
        picture = options.out / f"{name}{'.notes' if options.notes else ''}.png"
        draw(made.score, made.instrument, made.resynthesis, rate, picture, reference=frames)
    method = WITH_NOTES if options.notes else OURS
    (options.out / f"{name}.{method}.json").write_text(json.dumps(row, allow_nan=False))


if __name__ == "__main__":
    main()
