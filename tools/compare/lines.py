"""Which recordings of one voice are taken as lines of sustained notes, and what that is worth.

    python tools/data/make_lines.py --work WORK --out LINES
    python tools/compare/lines.py LINES/*.wav

Every clip is taken apart as strikes (held: false) and as it is taken by itself. Prints what it was
taken as, events per note played, the mean error of levels in 32 bands, SNR and MOS of both, and the
MOS of a noise vocoder without events.
"""

import argparse
import dataclasses
import pathlib

from decompose_measure import Clip, read_clip

from rtsynth.decompose import Recipe, decompose_array
from rtsynth.decompose.held.closer import band_error
from rtsynth.events import Kind
from rtsynth.metrics import ear_scores, snr

HEAD = "| clip | taken as | events a note | band error, dB | SNR, dB | MOS | floor |"


def row(clip: Clip, *, held: bool) -> str:
    """Figures of one way of taking it."""
    made = decompose_array(
        clip.sound, clip.sample_rate, recipe=dataclasses.replace(Recipe(), held=held)
    )
    heard = made.resynthesis.mean(axis=1)[: len(clip.sound)]
    modal = [event for event in made.score.table if event.kind is not Kind.TEXTURE]
    bowed = made.instrument.bow.any()
    notes = len(clip.truth.notes) if clip.truth and clip.truth.notes else 0
    per_note = f"{len(modal) / notes:.2f}" if notes else "–"
    error_db = band_error(clip.sound, heard, clip.sample_rate)
    scores = ear_scores(clip.sound, heard, clip.sample_rate)
    return (
        f"| {clip.name} | {'held' if bowed else 'struck'}{'' if held else ' (held: false)'} "
        f"| {per_note} | {error_db:.2f} | {snr(clip.sound, heard) or 0.0:.1f} "
        f"| {scores['mos'] or 0.0:.2f} | {scores['mos_floor'] or 0.0:.2f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("clips", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    print(HEAD + "\n" + "| --- " * HEAD.count(" | ") + "| --- |", flush=True)
    for path in options.clips:
        clip = read_clip(path)
        for held in (False, True):
            print(row(clip, held=held), flush=True)


if __name__ == "__main__":
    main()
