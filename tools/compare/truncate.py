"""How much of a piece is left of it when only some of its events stay, by the order they go in.

    python tools/data/make_clips.py --work FOLDER --out CLIPS --only d03 d04 d05
    python tools/compare/truncate.py CLIPS/d0[345]_*.wav --out FOLDER

Against the clip itself: SC, log-magnitude distance (nepers) and Zimtohrli MOS of all events, three
quarters, half and a quarter of them. Orders: by importance (`rank_events`); by gain, the quietest
left out first; by energy; least important first; at random (mean of eight seeds). Writes
truncate.md and truncate.json; decompositions are kept in the folder and used again.
"""

import argparse
import json
import pathlib

import numpy as np
from decompose_measure import Clip, Row, read_clip
from live_takes import Float

from rtsynth.decompose import decompose_file, rank_events, render_score
from rtsynth.events import EventTable, Score
from rtsynth.instrument import Instrument
from rtsynth.metrics import mean_opinion, multi_resolution
from rtsynth.render import load_score, save_score

SHARES = (1.0, 0.75, 0.5, 0.25)
SEEDS = 8


def each_alone(score: Score, instrument: Instrument, frames: int) -> dict[int, Float]:
    """[frames] of every event, by its id."""
    found = {}
    for event in score.table:
        one = Score(EventTable([event]), score.seconds, score.sample_rate)
        sound = render_score(one, instrument, score.sample_rate)[:frames, 0]
        found[event.id] = np.pad(sound, (0, frames - len(sound)))
    return found


def orders(
    score: Score, instrument: Instrument, alone: dict[int, Float]
) -> dict[str, list[list[int]]]:
    """Ids by name of the order, several orders where they are drawn."""
    ids = [event.id for event in score.table]
    ranked = list(rank_events(score, instrument).ids)
    drawn = [np.random.default_rng(seed).permutation(ids).tolist() for seed in range(SEEDS)]
    return {
        "importance": [ranked],
        "gain": [sorted(ids, key=lambda i: -score.table[i].gain)],
        "energy": [sorted(ids, key=lambda i: -float(np.sum(alone[i] ** 2)))],
        "random": drawn,
        "least important": [ranked[::-1]],
    }


def measured(clip: Clip, sound: Float) -> tuple[float, float, float]:
    """SC, log-mag, MOS; not a number where one is not defined."""
    convergence, log_mag = multi_resolution(clip.sound, sound)
    mos = mean_opinion(clip.sound, sound, clip.sample_rate)
    values = (convergence, log_mag, mos)
    low, middle, high = (float("nan") if value is None else float(value) for value in values)
    return low, middle, high


def rows(clip: Clip, score: Score, instrument: Instrument) -> list[Row]:
    """A row per order and share."""
    alone = each_alone(score, instrument, len(clip.sound))
    found = []
    for name, several in orders(score, instrument, alone).items():
        for share in SHARES if name == "importance" else SHARES[1:]:
            count = max(1, round(share * len(alone)))
            sums = [np.sum([alone[i] for i in order[:count]], axis=0) for order in several]
            values = np.mean([measured(clip, sound) for sound in sums], axis=0).tolist()
            measures = dict(zip(("sc", "log_mag", "mos"), values, strict=True))
            found.append({"clip": clip.name, "order": name, "events": count, "share": share}
                         | measures)  # fmt: skip
    return found


def page(found: list[Row]) -> str:
    """The table in Markdown: SC / log-mag / MOS."""
    lines = ["# Truncated scores", "", "SC / log-mag (nepers) / Zimtohrli MOS against the clip", ""]
    lines += ["| clip | order |" + "".join(f" {share:.0%} |" for share in SHARES)]
    lines += ["| --- | --- |" + " --- |" * len(SHARES)]
    for clip, order in dict.fromkeys((row["clip"], row["order"]) for row in found):
        cells = {r["share"]: r for r in found if (r["clip"], r["order"]) == (clip, order)}
        shown = [_shown(cells.get(share)) for share in SHARES]
        lines.append(f"| {clip} | {order} | {' | '.join(shown)} |")
    return "\n".join(lines) + "\n"


def _shown(row: Row | None) -> str:
    return f"{row['sc']:.3f} / {row['log_mag']:.3f} / {row['mos']:.2f}" if row else ""


def kept(clip: pathlib.Path, folder: pathlib.Path) -> tuple[Score, Instrument]:
    """The clip's decomposition, from the folder if it is there."""
    path = folder / f"{clip.stem}.score.safetensors"
    if not path.exists():
        made = decompose_file(clip)
        save_score(made.score, made.instrument, path)
    return load_score(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", type=pathlib.Path, nargs="+")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    found = []
    for path in options.clips:
        found += rows(read_clip(path), *kept(path, options.out))
    text = page(found)
    (options.out / "truncate.md").write_text(text)
    (options.out / "truncate.json").write_text(json.dumps(found))
    print(text)


if __name__ == "__main__":
    main()
