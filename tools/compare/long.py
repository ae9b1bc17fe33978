"""How well each piece of a long recording is resynthesised, beside the same piece by itself.

    python tools/data/make_long.py CLIPS/*.wav --out hour.wav --seconds 3600
    rtsynth decompose hour.wav --work hour.work
    python tools/compare/long.py hour.wav [--alone 3]

Reads hour.json and hour.score.safetensors beside the recording. Per clip: how many pieces, the SNR
of all of them together, and for up to `--alone` of them also that of the piece decomposed alone,
against the same pieces within the whole. The SNR of what is bowed or sung says little: alone it is
played with a free phase.
"""

import argparse
import json
import pathlib
from typing import Any

import numpy as np

from rtsynth.decompose import decompose_array, read_audio, render_score
from rtsynth.render import load_score

SHORTEST_S = 1.0
Energies = tuple[float, float]


def energies(wanted: Any, made: Any) -> Energies:
    """Of what is wanted and of what is left."""
    left = np.asarray(wanted, float) - np.asarray(made, float)
    return float(np.sum(np.square(wanted, dtype=float))), float(np.sum(left**2))


def in_db(found: list[Energies]) -> str:
    """The SNR of several pieces together."""
    if not found:
        return "–"
    sound, left = np.sum(found, axis=0)
    return f"{10 * np.log10(sound / left):.1f}"


def table(path: pathlib.Path, alone: int) -> list[str]:
    """A line per clip and one for all."""
    recording = read_audio(path)
    rate, frames = recording.sample_rate, recording.frames
    score, instrument = load_score(path.with_suffix(".score.safetensors"))
    made = render_score(score, instrument, rate)
    rows: dict[str, list[list[Energies]]] = {}
    for piece in json.loads(path.with_suffix(".json").read_text())["pieces"]:
        first = round(piece["t"] * rate)
        last = min(first + round(piece["dur"] * rate), len(frames), len(made))
        if last - first < SHORTEST_S * rate:
            continue
        row = rows.setdefault(piece["clip"], [[], [], []])
        own = energies(frames[first:last], made[first:last])
        row[0].append(own)
        if len(row[2]) < alone:
            one = decompose_array(np.asarray(frames[first:last], float), rate)
            row[1].append(own)
            row[2].append(energies(one.recording.frames, one.resynthesis))
    rows["all"] = [[own for row in rows.values() for own in row[k]] for k in range(3)]
    return [
        f"| {clip} | {len(row[0])} | {in_db(row[0])} | {len(row[2])} | {in_db(row[1])} | "
        f"{in_db(row[2])} |"
        for clip, row in sorted(rows.items())
    ]


def main() -> None:
    """Measure one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recording", type=pathlib.Path)
    parser.add_argument("--alone", type=int, default=0, help="pieces of each clip, also by itself")
    options = parser.parse_args()
    print("| clip | pieces | SNR, dB | also alone | within the whole | alone |")
    print("| --- | --- | --- | --- | --- | --- |")
    print("\n".join(table(options.recording, options.alone)))


if __name__ == "__main__":
    main()
