"""What recordings are taken as, with and without a key of the recipe, and what that is worth.

    python tools/data/make_lines.py --work WORK --out LINES
    python tools/compare/taken_as.py LINES/*.wav --without held
    python tools/data/make_chords.py --work WORK --out CHORDS
    python tools/compare/taken_as.py CHORDS/*.wav --without held
    python tools/data/make_noises.py --work WORK --out NOISES
    python tools/compare/taken_as.py NOISES/*.wav --without moving_noise

Every clip is taken apart with the key false, and as it is taken by itself. Prints what it was taken
as, events per note played and the F1 of notes (±50 ms) where they are known, the mean error of
levels in 32 bands, log-mag in nepers, SNR and MOS of both, and the MOS of a noise vocoder without
events.
"""

import argparse
import pathlib

from decompose_measure import Clip, events_row, read_clip

from rtsynth.decompose import Decomposition, Recipe, decompose_array
from rtsynth.decompose.held.band_error import band_error
from rtsynth.events import Kind
from rtsynth.metrics import ear_scores, event_pitches, multi_resolution, snr
from rtsynth.metrics.scoring import played

HEAD = "| clip | taken as | events | note F1 | band error, dB | log-mag | SNR, dB | MOS | floor |"
FORBIDDEN = {"held": Recipe(held=False), "moving_noise": Recipe(moving_noise=False)}


def taken_as(made: Decomposition) -> str:
    """The way a recording was taken."""
    if made.instrument.bow.any():
        return "held"
    kinds = {event.kind for event in made.score.table}
    if kinds == {Kind.TEXTURE}:
        return "texture"
    return "noise" if made.instrument.field is not None else "struck"


def row(clip: Clip, recipe: Recipe, without: str) -> str:
    """Figures of one way of taking it."""
    made = decompose_array(clip.sound, clip.sample_rate, recipe=recipe)
    heard = made.resynthesis.mean(axis=1)[: len(clip.sound)]
    way = taken_as(made)
    count = sum(event.kind is not Kind.TEXTURE or way == "texture" for event in made.score.table)
    notes = len(clip.truth.notes) if clip.truth and clip.truth.notes else 0
    events = f"{count / notes:.2f} a note" if notes else f"{count}"
    pitches = event_pitches(made.score, made.instrument)
    known = events_row(clip, played(made.score)["onset_s"], pitches)
    note_f1 = f"{known['note_f1']:.2f}" if "note_f1" in known else "–"
    error_db = band_error(clip.sound, heard, clip.sample_rate)
    scores = ear_scores(clip.sound, heard, clip.sample_rate)
    return (
        f"| {clip.name} | {way}{without} | {events} | {note_f1} "
        f"| {error_db:.2f} | {multi_resolution(clip.sound, heard)[1]:.3f} "
        f"| {snr(clip.sound, heard) or 0.0:.1f} "
        f"| {scores['mos'] or 0.0:.2f} | {scores['mos_floor'] or 0.0:.2f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("clips", nargs="+", type=pathlib.Path)
    parser.add_argument("--without", choices=FORBIDDEN, required=True)
    options = parser.parse_args()
    forbidden = FORBIDDEN[options.without]
    print(HEAD + "\n" + "| --- " * HEAD.count(" | ") + "| --- |", flush=True)
    for path in options.clips:
        clip = read_clip(path)
        print(row(clip, forbidden, f" ({options.without}: false)"), flush=True)
        print(row(clip, Recipe(), ""), flush=True)


if __name__ == "__main__":
    main()
