"""Decompose sound files and print what counts, beside the truth where it is known.

The truth of `clip.wav` is `clip.json` beside it: {"events": [{"t": seconds, ...}, ...]}.
"""

import argparse
import json
import pathlib

from rtsynth.decompose import Decomposition, decompose_file, draw
from rtsynth.metrics import events_per_note, onset_scores

SAME_ONSET_S = 0.02


def true_onsets(path: pathlib.Path) -> list[float] | None:
    """[events] seconds, or None without a truth beside the file."""
    truth = path.with_suffix(".json")
    if not truth.exists():
        return None
    events = json.loads(truth.read_text()).get("events")
    return sorted(float(event["t"]) for event in events) if events else None


def distinct(onsets_s: list[float]) -> list[float]:
    """Onsets further apart than one ear can tell: a chord counts once."""
    kept: list[float] = []
    for onset in sorted(onsets_s):
        if not kept or onset - kept[-1] > SAME_ONSET_S:
            kept.append(onset)
    return kept


def line(path: pathlib.Path, made: Decomposition) -> str:
    report, truth = made.report, true_onsets(path)
    modal = made.score.table.rows[made.score.table.rows["kind"] == 0]
    cells = [f"{path.stem[:18]:18s}", f"{len(modal):6d}", f"{report['resonances']:5d}"]
    if truth:
        found = distinct(modal["onset_s"].tolist())
        scores = onset_scores(distinct(truth), found)
        offset = scores.median_offset_s
        cells.append(f"{events_per_note(len(modal), len(truth)) or 0:6.2f} {scores.f1:6.3f}")
        cells.append(f"{1000 * offset:6.1f}" if offset is not None else "     –")
    else:
        cells.append("     –      –      –")
    for name in ("sc", "log_mag", "snr_db", "w1", "tonality"):
        value = report["metrics"][name]
        cells.append(f"{value:7.3f}" if value is not None else "      –")
    cells.append(f"{report['values_per_s']:8.0f} {report['seconds_taken']:6.1f}")
    return " ".join(cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="+", type=pathlib.Path)
    parser.add_argument("--pictures", type=pathlib.Path, help="folder for one picture each")
    arguments = parser.parse_args()
    print(
        f"{'clip':18s} events bank  /key  onsetF off_ms      sc log-mag     snr      w1   tonal"
        " values/s seconds"
    )
    for path in arguments.paths:
        made = decompose_file(path)
        print(line(path, made), flush=True)
        if arguments.pictures:
            arguments.pictures.mkdir(parents=True, exist_ok=True)
            picture = arguments.pictures / f"{path.stem}.png"
            rate = made.recording.sample_rate
            draw(
                made.score,
                made.instrument,
                made.resynthesis,
                rate,
                picture,
                reference=made.recording.frames,
            )


if __name__ == "__main__":
    main()
