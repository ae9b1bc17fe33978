"""What explains an onset better per mode: subband ESPRIT or pursuit, and at what cost.

    python tools/compare/onset_modes.py recording.wav …

For every onset (or some, evenly chosen) of every recording: the energy left of the sound from 4 ms
after it to the next onset, 0.3 s at most, when what rang before and so many new modes are taken
away; in dB, median over onsets. What rang before is judged from the sound before the onset only.
Times are the thread's own, per onset.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2]))

from rtsynth.decompose.mode import modes_at
from rtsynth.decompose.onset import find_onsets
from rtsynth.decompose.panning import mid_signal
from rtsynth.decompose.pursue import explained, pursued_modes
from rtsynth.decompose.recording import read_audio

BEFORE_S, AFTER_S, JUDGED_S = (0.04, 0.15), (0.12, 0.6), 0.3
WAYS = {"ESPRIT": modes_at, "pursuit": pursued_modes}


def windows(
    onsets: NDArray[np.int64], length: int, rate: int, most: int
) -> list[tuple[int, int, int, int]]:
    """Onset, samples before and after to analyse, and samples to judge, of some onsets."""
    edges = [0, *onsets.tolist(), length]
    found = []
    for previous, onset, following in zip(edges, edges[1:], edges[2:], strict=False):
        before = int(np.clip(onset - previous, BEFORE_S[0] * rate, BEFORE_S[1] * rate))
        after = int(np.clip(following - onset, AFTER_S[0] * rate, AFTER_S[1] * rate))
        found.append((onset, before, after, min(following - onset, round(JUDGED_S * rate))))
    return found[:: max(1, -(-len(found) // most))]


def left_db(
    way: str, signal: NDArray[np.float64], rate: int, some: list[tuple[int, int, int, int]], n: int
) -> tuple[NDArray[np.float64], float]:
    """[onsets] dB left by at most n modes, and milliseconds per onset."""
    began, left = time.thread_time(), []
    for onset, before, after, judged in some:
        modes, fresh = WAYS[way](signal, rate, onset, before, after, n)
        share = explained(signal, rate, onset, (modes, fresh[:judged]))
        left.append(10.0 * np.log10(max(1.0 - share, 1e-9)))
    return np.array(left), (time.thread_time() - began) * 1e3 / max(len(some), 1)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recordings", nargs="+")
    parser.add_argument("--onsets", type=int, default=12, help="at most so many per recording")
    parser.add_argument("--modes", type=int, nargs="+", default=[8, 32])
    args = parser.parse_args()
    print("| recording | modes | ESPRIT, dB | pursuit, dB | pursuit better | ESPRIT | pursuit |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for path in args.recordings:
        recording = read_audio(path)
        signal, rate = mid_signal(recording.frames), recording.sample_rate
        some = windows(find_onsets(signal, rate), len(signal), rate, args.onsets)
        for n in args.modes:
            (old, old_ms), (new, new_ms) = (left_db(way, signal, rate, some, n) for way in WAYS)
            print(
                f"| {Path(path).stem} | {n} | {np.median(old):.1f} | {np.median(new):.1f} | "
                f"{np.sum(new < old)} of {len(some)} | {old_ms:.0f} ms | {new_ms:.0f} ms |",
                flush=True,
            )


if __name__ == "__main__":
    main()
