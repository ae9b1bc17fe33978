"""Make the shipped scores and instruments from the shipped recordings: taken apart, then fitted.

    python tools/data/make_instruments.py [NAME ...] [--out presets] [--pictures docs]

Each recording goes through `rtsynth decompose --recipe quality`, a bowed note through
`--sustained`, then through `rtsynth fit` with the experiments named in STAGES, one after the other.
A stage that does not bring the sound closer to the recording, on windows that its training has not
seen, is dropped. Everything is seeded and runs in one thread; the engine plays what the table
measures.
"""

import argparse
import dataclasses
import pathlib
import time

import torch
from threadpoolctl import threadpool_limits

from rtsynth.decompose import Recipe, Recording, decompose, draw, load_recipe, read_audio
from rtsynth.errors import UnknownNameError
from rtsynth.events import Score
from rtsynth.fit import fit, load_experiment
from rtsynth.fit.codebook import bits_per_event
from rtsynth.fit.measure import measure
from rtsynth.fit.sound import sound_of
from rtsynth.instrument import Instrument
from rtsynth.metrics import ear_scores, read_truth, score_against
from rtsynth.presets import INSTRUMENTS, find_shipped
from rtsynth.render import instrument_beside, render_score, save_score

STAGES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(INSTRUMENTS, ("quick",)),
    "tabla": ("quick", "field"),
}
SUSTAINED = ("bowed",)
PICTURES = ("piano", "drums")
LARGEST_BYTES = 4 << 20
COLUMNS = ("held_out", "mel_db", "lsd_db", "sc", "log_mag", "w1", "mos")
HEADINGS = (
    "instrument", "held-out", "mel, dB", "LSD, dB", "SC", "log-mag", "W1", "MOS",
    "events", "per true one", "events/s", "bits/event", "with a code", "kB", "CPU s",
)  # fmt: skip


@dataclasses.dataclass
class Made:
    """A score with its instrument, and how good they are.

    Attributes:
        facts: of `rtsynth.fit.measure.measure`, MOS, bits per event, and the truth's if known.
    """

    score: Score
    instrument: Instrument
    facts: dict[str, float | None]


def measured(recording: Recording, score: Score, instrument: Instrument) -> Made:
    rate = recording.sample_rate
    facts = measure(recording.frames, score, instrument, rate)
    sound = sound_of(score, instrument, rate, len(recording.frames))
    facts |= {"mos": ear_scores(recording.frames, sound, rate)["mos"]}
    facts |= {**bits_per_event([score], instrument), **against_truth(recording, score, instrument)}
    return Made(score, instrument, facts)


def against_truth(
    recording: Recording, score: Score, instrument: Instrument
) -> dict[str, float | None]:
    """How well the score says what was played, if that lies beside the recording."""
    try:
        path = find_shipped(f"audio/{pathlib.Path(recording.source).stem}.json")
    except UnknownNameError:
        return {}
    truth = read_truth(path)
    return {} if truth is None else score_against(score, instrument, truth)


def held_out(made: Made) -> float:
    value = made.facts["held_out"]
    assert value is not None
    return value


def fitted(recording: Recording, first: Made, stages: tuple[str, ...]) -> Made:
    """The best of what the stages make of it, each going on from the best so far."""
    best = first
    for stage in stages:
        experiment = load_experiment(find_shipped(f"experiments/{stage}.yaml"))
        found = fit([(recording, best.score)], best.instrument, experiment, progress=True)
        made = measured(recording, found.scores[0], found.instrument)
        kept = found.improved and held_out(made) < held_out(best)
        word = "kept" if kept else "dropped, nothing improved"
        print(
            f"  {stage}: held-out {held_out(best):.4f} → {held_out(made):.4f}, {word}", flush=True
        )
        best = made if kept else best
    return best


def save(made: Made, out: pathlib.Path, name: str) -> int:
    """Write both files; their bytes."""
    path = out / f"{name}.score.safetensors"
    save_score(made.score, made.instrument, path)
    size = path.stat().st_size + instrument_beside(path).stat().st_size
    if size > LARGEST_BYTES:
        raise SystemExit(f"{path}: {size} bytes with its instrument, more than {LARGEST_BYTES}")
    return size


def picture(made: Made, recording: Recording, path: pathlib.Path) -> None:
    rate = recording.sample_rate
    sound = render_score(made.score, made.instrument, sample_rate=rate)
    draw(made.score, made.instrument, sound, rate, path, reference=recording.frames)


def row(name: str, recording: Recording, before: Made, after: Made, size: int, took: float) -> str:
    def both(key: str, digits: int) -> str:
        pair = [made.facts.get(key) for made in (before, after)]
        return " → ".join("–" if value is None else f"{value:.{digits}f}" for value in pair)

    count = len(after.score.table)
    true = after.facts.get("events_per_note")
    cells = [
        name,
        *(both(key, 2 if key.endswith("db") else 3) for key in COLUMNS),
        str(count),
        "–" if true is None else f"{true:.2f}",
        f"{count / recording.seconds:.1f}",
        both("bits_per_event_continuous", 0),
        both("bits_per_event_snapped", 0),
        f"{size / 1e3:.0f}",
        f"{took:.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def make(name: str, out: pathlib.Path, pictures: pathlib.Path) -> str:
    """Make one instrument; its row of the table."""
    began = time.process_time()
    recording = read_audio(find_shipped(f"audio/{name}.flac"))
    recipe = Recipe(sustained=True) if name in SUSTAINED else load_recipe("quality")
    found = decompose(recording, recipe=recipe)
    before = measured(recording, found.score, found.instrument)
    print(f"{name}: decomposed in {time.process_time() - began:.0f} s", flush=True)
    after = fitted(recording, before, STAGES[name])
    took = time.process_time() - began
    size = save(after, out, name)
    if name in PICTURES:
        picture(after, recording, pictures / f"{name}.png")
    return row(name, recording, before, after, size, took)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(INSTRUMENTS))
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("presets"))
    parser.add_argument("--pictures", type=pathlib.Path, default=pathlib.Path("docs"))
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(INSTRUMENTS)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: legal: {', '.join(INSTRUMENTS)}")
    for folder in (arguments.out, arguments.pictures):
        folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # sums are in one order then
    with threadpool_limits(limits=1):
        rows = [make(n, arguments.out, arguments.pictures) for n in arguments.names or INSTRUMENTS]
    print("\n".join([f"| {' | '.join(HEADINGS)} |", "| --- " * len(HEADINGS) + "|", *rows]))


if __name__ == "__main__":
    main()
