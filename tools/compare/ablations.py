"""The ablations, as tables in docs/ablations.md.

From the repository's root:

    python tools/compare/ablations.py [--clips piano tabla ...] [--only choice field half]

Every cell is one line of a JSON-lines file in the work folder; cells that are there are not run
again, so that an interrupted run goes on, and two runs of different parts may share a folder.
The page's text up to the line <!-- tables --> is kept as it is.
"""

import argparse
import dataclasses
import datetime
import json
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from ablate_choice import STARTS, WAYS, learn_choice
from ablate_field import VARIANTS, learn_field
from ablate_material import Clip, Pair, clip_of, mixed, pair_of
from ablate_page import MARK, page

CLIPS = {
    "choice": ("piano", "tabla", "plucked", "plucked+tabla", "drums"),
    "field": ("bowed", "piano", "tabla"),
    "half": ("tabla",),
}
PARTS = tuple(CLIPS)
CHOICE_SHARE = 2  # a step without a field costs little: choice cells take twice as many


@dataclasses.dataclass(frozen=True)
class Cell:
    """One training run."""

    part: str
    clip: str
    way: str
    start: str
    steps: int
    seed: int


def cells(options: argparse.Namespace) -> Iterator[Cell]:
    """Every cell that is asked for; those of the first seed come first."""
    for seed in range(options.seeds):
        for part in options.only:
            for clip in CLIPS[part]:
                if clip in options.clips:
                    yield from _cells(part, clip, options.steps, seed)


def _cells(part: str, clip: str, steps: int, seed: int) -> Iterator[Cell]:
    if part == "choice":
        for start in STARTS:
            for way in WAYS:
                if way != "given" or start == STARTS[0]:
                    yield Cell(part, clip, way, start, CHOICE_SHARE * steps, seed)
        return
    for variant in VARIANTS:
        if part == "field" or variant != "off":
            yield Cell(part, clip, variant, "decomposed", steps, seed)


class Material:
    """Clips by name, each read or decomposed once.

    Args:
        work: folder for scores that are not shipped.
    """

    def __init__(self, work: Path) -> None:
        self.work = work
        self._pairs: dict[str, Pair] = {}
        self._clips: dict[str, Clip] = {}

    def pair(self, name: str) -> Pair:
        """A recording with its score."""
        if name not in self._pairs:
            self._pairs[name] = pair_of(name, self.work)
        return self._pairs[name]

    def clip(self, name: str) -> Clip:
        """Its struck events; `a+b` is the mix of two."""
        if name not in self._clips:
            made = [clip_of(self.pair(part)) for part in name.split("+")]
            self._clips[name] = made[0] if len(made) == 1 else mixed(*made)
        return self._clips[name]


def run(cell: Cell, material: Material) -> dict[str, Any]:
    """The facts of one cell."""
    if cell.part == "choice":
        return learn_choice(material.clip(cell.clip), cell.way, cell.start, cell.steps, cell.seed)
    pair = material.pair(cell.clip)
    return learn_field(pair, cell.way, cell.steps, cell.seed, half=cell.part == "half")


def read(path: Path) -> dict[Cell, dict[str, Any]]:
    """What has been run; a line that was cut off is run again."""
    found = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        found[Cell(**record["cell"])] = record["facts"]
    return found


def write_page(path: Path, wanted: list[Cell], done: dict[Cell, dict[str, Any]]) -> None:
    """Renew everything after the mark."""
    text = path.read_text() if path.exists() else "# Ablations\n\n"
    head = text.split(MARK)[0]
    records = [(dataclasses.asdict(cell), done[cell]) for cell in wanted if cell in done]
    timed = [found["seconds"] for _, found in records if "seconds" in found]
    facts = {
        "Command": "`python tools/compare/ablations.py`",
        "Date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "Machine": f"{os.cpu_count()} cores ({platform.machine()}), one thread per cell",
        "Cells": f"{len(records)} of {len(wanted)}; seconds of the processor of {len(timed)} of "
        f"them together: {sum(timed):.0f}",
    }
    path.write_text(head + MARK + "\n\n" + page(facts, records))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--clips", nargs="+", default=sorted({clip for clips in CLIPS.values() for clip in clips})
    )
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=["choice", "field"])
    parser.add_argument("--out", type=Path, default=Path("docs/ablations.md"))
    parser.add_argument(
        "--work", type=Path, default=Path(tempfile.gettempdir()) / "rtsynth-ablations"
    )
    parser.add_argument("--page", action="store_true", help="write the page of what has been run")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.work.mkdir(parents=True, exist_ok=True)
    results = options.work / "cells.jsonl"
    material = Material(options.work)
    wanted = list(cells(options))
    for cell in wanted:
        if options.page or cell in read(results):
            continue
        began = time.process_time()
        facts = run(cell, material)
        facts["seconds"] = round(time.process_time() - began, 1)
        with open(results, "a", encoding="utf-8") as file:
            file.write(json.dumps({"cell": dataclasses.asdict(cell), "facts": facts}) + "\n")
        print(cell, facts, flush=True)
    write_page(options.out, wanted, read(results))


if __name__ == "__main__":
    main()
