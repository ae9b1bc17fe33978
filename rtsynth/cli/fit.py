"""Commands that train: fit, bake. Thread: main."""

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import Any

from rtsynth.cli.score import print_facts, recording_of
from rtsynth.errors import UsageError
from rtsynth.events import Score
from rtsynth.instrument import Instrument
from rtsynth.presets import find_shipped
from rtsynth.render import instrument_beside, load_score, save_score
from rtsynth.render.load import SCORE_SUFFIX

__all__ = ["bake", "fit"]

LARGEST_BYTES = 4 << 20
SHIPPED = ("quick", "field", "full")


def fit(options: argparse.Namespace) -> int:
    """`rtsynth fit`; 1 if nothing improved."""
    _need_torch()
    from rtsynth.decompose import read_audio
    from rtsynth.fit import fit as train

    experiment = _experiment(options)
    outputs = _outputs(options)
    loaded = [load_score(path) for path in options.scores]
    sources = _recordings(options, [score for score, _ in loaded])
    result = train(
        [(read_audio(path), score) for path, (score, _) in zip(sources, loaded, strict=True)],
        loaded[0][1],
        experiment,
        checkpoint=options.checkpoint,
        resume=options.resume,
        log=options.log,
        progress=not options.quiet,
    )
    facts = dict(result.report)
    scores, instrument = _snapped(result.scores, result.instrument, options.codebook, facts)
    facts |= _save(scores, instrument, outputs)
    print_facts(_flat(facts) if not options.json else facts, options.json)
    return 0 if result.improved else 1


def bake(options: argparse.Namespace) -> int:
    """`rtsynth bake`."""
    _need_torch()
    from rtsynth.fit import bake_checkpoint

    scores, instrument = bake_checkpoint(options.checkpoint)
    stem = options.output.removesuffix(SCORE_SUFFIX)
    names = [stem, *(f"{stem}-{number}" for number in range(2, len(scores) + 1))]
    facts: dict[str, Any] = {"checkpoint": options.checkpoint}
    scores, instrument = _snapped(scores, instrument, options.codebook, facts)
    facts |= _save(scores, instrument, [Path(name + SCORE_SUFFIX) for name in names])
    print_facts(_flat(facts) if not options.json else facts, options.json)
    return 0


def _need_torch() -> None:
    try:
        import torch  # noqa: F401  # only whether it is there
    except ImportError:
        raise UsageError("training needs torch: install rtsynth[torch]") from None


def _experiment(options: argparse.Namespace) -> Any:
    from rtsynth.fit import load_experiment

    name = options.experiment
    path = find_shipped(f"experiments/{name}.yaml") if name in SHIPPED else Path(name)
    changed = {
        key: getattr(options, key)
        for key in ("steps", "seed", "device")
        if getattr(options, key) is not None
    }
    return dataclasses.replace(load_experiment(path), **changed)


def _outputs(options: argparse.Namespace) -> list[Path]:
    sources = [Path(path) for path in options.scores]
    if len(sources) > 1:
        if options.output is None or not Path(options.output).is_dir():
            raise UsageError(f"-o {options.output}: give an existing folder for several scores")
        names = [Path(options.output) / source.name for source in sources]
    elif options.output is not None:
        names = [Path(options.output)]
    else:
        stem = sources[0].name.removesuffix(SCORE_SUFFIX)
        names = [sources[0].with_name(f"{stem}.fitted{SCORE_SUFFIX}")]
    for name in names:
        if name.resolve() in [source.resolve() for source in sources]:
            raise UsageError(f"{name}: would overwrite the score it is made from; choose another")
    return names


def _recordings(options: argparse.Namespace, scores: list[Score]) -> list[Path]:
    given = [Path(path) for path in options.recording]
    if given and len(given) != len(scores):
        raise UsageError(f"{len(given)} recordings for {len(scores)} scores; give one for each")
    if given:
        return given
    found = []
    for path, score in zip(options.scores, scores, strict=True):
        there = recording_of(Path(path), score)
        if there is None:
            raise UsageError(f"{path}: its recording is not beside it; give --recording")
        found.append(there)
    return found


def _snapped(
    scores: list[Score], instrument: Instrument, entries: int | None, facts: dict[str, Any]
) -> tuple[list[Score], Instrument]:
    from rtsynth.fit.codebook import bits_per_event, snap

    if entries is None:
        facts |= bits_per_event(scores, instrument)
        return scores, instrument
    snapped, facts["codebook_off_db"], facts["codebook_entries"] = snap(scores, entries)
    facts |= bits_per_event(scores, instrument, facts["codebook_entries"])
    return snapped, instrument


def _save(scores: list[Score], instrument: Instrument, outputs: list[Path]) -> dict[str, Any]:
    sizes = []
    for score, path in zip(scores, outputs, strict=True):
        save_score(score, instrument, path)
        sizes.append(path.stat().st_size + instrument_beside(path).stat().st_size)
        if sizes[-1] > LARGEST_BYTES:
            print(
                f"rtsynth: {path}: {sizes[-1]} bytes with its instrument, more than the "
                f"{LARGEST_BYTES >> 20} MiB a live set should carry; use a smaller field",
                file=sys.stderr,
            )
    return {"score": ", ".join(str(path) for path in outputs), "bytes": max(sizes)}


def _flat(facts: dict[str, Any]) -> dict[str, Any]:
    """Before and after side by side, for people."""
    shown = dict(facts)
    before, after = shown.pop("before", None), shown.pop("after", None)
    if before is not None and after is not None:
        shown["before → after"] = ""
        for name, value in before.items():
            shown[f"  {name}"] = f"{_number(value)} → {_number(after[name])}"
    return shown


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
