"""How many key-offs a decomposition finds, of clips that are sums of known strikes.

    python tools/compare/key_offs.py CLIPS/d0[234]*.wav OTHERS/h[1-5]*.wav [--told]

Of every strike that is found, and that is still within 40 dB of its loudest when it is let go, the
end of its event is compared with the true one (tools/data/make_clips.py, make_others.py): within
80 ms, later (or never), earlier. With --told the true notes are given, without when they end.
"""

import argparse
import math
import pathlib

import numpy as np
from decompose_measure import Clip, Float, matched, read_clip
from numpy.typing import NDArray

from rtsynth.decompose import Note, decompose_file
from rtsynth.events import Event, Kind
from rtsynth.metrics import Placed, compare, event_pitches

NEAR_S, REST_S = 0.08, 0.15
AUDIBLE = 0.01
LEVEL_S, LOUDEST_S = 0.02, 0.1


def told(clip: Clip) -> list[Note]:
    """The clip's true notes."""
    notes = clip.truth.notes if clip.truth else ()
    return [Note(note.onset_s, round(note.pitch or 0.0)) for note in notes]


def rms(sound: Float) -> float:
    return float(np.sqrt(np.mean(sound**2))) if len(sound) else 0.0


def may_be_seen(clip: Clip, stem: Placed, end_s: float) -> bool:
    """Whether a strike is still to be heard when it is let go, and the recording goes on."""
    end = round(end_s * clip.sample_rate) - stem.first
    begin = end - round(LEVEL_S * clip.sample_rate)
    if end_s > clip.seconds - REST_S or not 0 < end < len(stem.samples):
        return False
    loudest = rms(stem.samples[: round(LOUDEST_S * clip.sample_rate)])
    return rms(stem.samples[max(begin, 0) : end]) > AUDIBLE * loudest


def count(clip: Clip, found: list[Event], pitches: Float) -> NDArray[np.int64]:
    """[3] key-offs right, late, early."""
    true = clip.truth.events if clip.truth else ()
    counts = np.zeros(3, np.int64)
    for number, place in matched(true, found, pitches):
        note, event = true[number], found[place]
        end_s = note.onset_s + (note.duration_s or math.inf)
        if may_be_seen(clip, clip.stems[number], end_s):
            late_s = event.onset_s + event.duration_s - end_s
            counts[0 if abs(late_s) <= NEAR_S else 1 if late_s > 0 else 2] += 1
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("clips", nargs="+", type=pathlib.Path)
    parser.add_argument("--told", action="store_true", help="give it the true notes")
    options = parser.parse_args()
    print("| clip | key-offs within 80 ms | late or never | early | SNR, dB |")
    print("| --- | --- | --- | --- | --- |")
    total, snrs = np.zeros(3, np.int64), list[float]()
    for path in options.clips:
        clip = read_clip(path)
        made = decompose_file(path, notes=told(clip) if options.told else None)
        found = [event for event in made.score.table if event.kind is not Kind.TEXTURE]
        counts = count(clip, found, event_pitches(made.score, made.instrument)[: len(found)])
        heard = made.resynthesis.mean(axis=1)[: len(clip.sound)]
        snr = compare(clip.sound[: len(heard)], heard, clip.sample_rate)["snr_db"] or 0.0
        total, snrs = total + counts, [*snrs, snr]
        print(f"| {clip.name} | {' | '.join(map(str, counts))} | {snr:.1f} |", flush=True)
    print(f"| all | {' | '.join(map(str, total))} | {np.mean(snrs):.1f} |")


if __name__ == "__main__":
    main()
