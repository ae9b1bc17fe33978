"""Commands on files: decompose, render, inspect, compare. Thread: main."""

import argparse
import dataclasses
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rtsynth.errors import FileFormatError, UsageError
from rtsynth.events import Kind, Score
from rtsynth.instrument import Instrument
from rtsynth.presets import find_score
from rtsynth.render import load_score, render_score, save_score, score_seconds
from rtsynth.render.load import SCORE_SUFFIX

if TYPE_CHECKING:
    from rtsynth.decompose import Ranking, Recipe, Recording

__all__ = ["check_wav", "compare", "decompose", "inspect", "print_facts", "recording_of", "render"]

PICTURES = (".png", ".pdf", ".svg")


def print_facts(facts: dict[str, Any], as_json: bool) -> None:
    """One JSON object, or a line per fact."""
    if as_json:
        print(json.dumps(facts, allow_nan=False))
        return
    for name, value in facts.items():
        if isinstance(value, dict):
            for inner, number in value.items():
                print(f"  {inner:18} {_shown(number)}")
        elif isinstance(value, list):
            for line in value:
                print(f"  {line}")
        else:
            print(f"{name:20} {_shown(value)}")


def decompose(options: argparse.Namespace) -> int:
    """`rtsynth decompose`."""
    _check_picture(options.png)
    from rtsynth.decompose import decompose_file, draw, read_notes

    source = Path(options.input)
    output = Path(options.output or source.with_suffix(SCORE_SUFFIX))
    if output.name == source.name:
        raise UsageError(f"{output}: the score would overwrite the recording; choose another -o")
    recipe = _recipe(options)
    if options.until and options.output:
        raise UsageError(
            f"--until {options.until} writes no score: leave -o out, or --until; --work keeps steps"
        )
    if options.until:
        return _decompose_until(options, recipe)
    found = decompose_file(
        source,
        recipe=recipe,
        progress=not options.quiet,
        work=options.work,
        workers=options.workers,
        notes=read_notes(options.notes) if options.notes else None,
    )
    _warn(found.recording)
    beside = save_score(found.score, found.instrument, output)
    facts = {"score": str(output), "instrument": str(beside), "recipe": recipe.name, **found.report}
    if options.png:
        rate = found.recording.sample_rate
        draw(
            found.score,
            found.instrument,
            found.resynthesis,
            rate,
            options.png,
            reference=found.recording.frames,
        )
        facts["png"] = options.png
    print_facts(facts, options.json)
    return 0


def _warn(*recordings: "Recording") -> None:
    """What is odd about recordings, on standard error."""
    for recording in recordings:
        for note in recording.notes:
            print(f"rtsynth: {recording.source}: {note}", file=sys.stderr)


def _recipe(options: argparse.Namespace) -> "Recipe":
    from rtsynth.decompose import load_recipe

    recipe = load_recipe(options.recipe)
    if options.texture:
        recipe = dataclasses.replace(recipe, only_texture=True)
    return dataclasses.replace(recipe, sustained=True) if options.sustained else recipe


def _decompose_until(options: argparse.Namespace, recipe: "Recipe") -> int:
    """The first steps only: facts, a picture of the last of them, and what `--work` keeps."""
    from rtsynth.decompose import decompose_until, draw_step, read_notes

    task, state = decompose_until(
        options.input,
        options.until,
        recipe=recipe,
        progress=not options.quiet,
        work=options.work,
        workers=options.workers,
        notes=read_notes(options.notes) if options.notes else None,
    )
    facts: dict[str, Any] = {
        "step": state.done,
        "seconds": state.length / state.sample_rate,
        "onsets": len(state.onsets),
        "takes": len(state.takes),
        "templates": len(state.groups.modes),
        "events": len(state.draft.strikes),
    }
    if options.png:
        draw_step(task, state, options.png)
        facts["png"] = options.png
    print_facts(facts, options.json)
    return 0


def _check_picture(name: str | None) -> None:
    """Refuse a picture's name before minutes of work, not after."""
    if name and Path(name).suffix.lower() not in PICTURES:
        raise UsageError(f"--png {name}: no picture by this name; legal: {', '.join(PICTURES)}")


def check_wav(option: str, name: str) -> None:
    """Refuse a name that says the sound is anything but WAV.

    Raises:
        UsageError: it does.
    """
    if Path(name).suffix.lower() != ".wav":
        raise UsageError(f"{option} {name}: the sound is written as WAV; legal: a name in .wav")


def render(options: argparse.Namespace) -> int:
    """`rtsynth render`."""
    from rtsynth.audio import WavWriter

    check_wav("-o", options.output)
    if options.to_s is not None and options.to_s <= (options.from_s or 0.0):
        raise UsageError(
            f"--to {options.to_s:g} is not after --from {options.from_s or 0.0:g}; nothing to hear"
        )
    score, instrument = load_score(find_score(options.score))
    ends_s = score_seconds(score, instrument)
    if options.to_s is None and options.from_s >= ends_s > 0.0 and not options.commands:
        raise UsageError(
            f"--from {options.from_s:g}: the score ends at {ends_s:.3f} s; with --to what still "
            "rings then can be heard"
        )
    score = _fewer(score, instrument, options)
    rate = options.sample_rate or score.sample_rate
    if options.commands:
        from rtsynth.service import replay_log

        header_rate, sound = replay_log(
            Path(options.commands),
            score,
            instrument,
            options.block_size,
            Path(options.input) if options.input else None,
        )
        rate = header_rate
    else:
        sound = render_score(
            score,
            instrument,
            sample_rate=rate,
            channels=options.channels,
            from_s=options.from_s,
            to_s=options.to_s,
            block_size=options.block_size,
        )
    writer = WavWriter(options.output, rate, sound.shape[1])
    try:
        writer.write(sound)
    finally:
        writer.close()
    facts = {"output": options.output, "seconds": len(sound) / rate, "sample_rate": rate}
    facts |= {"events": len(score.table), "peak": float(np.abs(sound).max(initial=0.0))}
    if facts["peak"] == 0.0:
        print(f"rtsynth: {options.output} is silent: nothing sounds there", file=sys.stderr)
    print_facts(facts, options.json)
    return 0


def _fewer(score: Score, instrument: Instrument, options: argparse.Namespace) -> Score:
    """The score, or as many of its most important events as were asked for."""
    if options.events is None and options.share is None:
        return score
    if options.commands:
        raise UsageError(
            "--commands performs on the whole score; leave --events and --share out, or render "
            "without a log"
        )
    from rtsynth.decompose import keep_events, rank_events

    count = options.events
    if count is None:
        count = math.ceil(options.share * len(score.table))
    return keep_events(score, rank_events(score, instrument), count)


def inspect(options: argparse.Namespace) -> int:
    """`rtsynth inspect`."""
    _check_picture(options.png)
    from rtsynth.decompose import count_values, rank_events

    score, instrument = load_score(find_score(options.score))
    ranking = rank_events(score, instrument) if options.importance else None
    rows = score.table.rows
    seconds = score_seconds(score, instrument)
    span = max(seconds, 1e-9)
    facts: dict[str, Any] = {
        "events": len(rows),
        "seconds": seconds,
        "events_per_second": len(rows) / span,
        "values_per_second": count_values(score) / span,
        "resonances": len(np.unique(rows["resonance"])),
        "textures": int(np.sum(rows["kind"] == Kind.TEXTURE)),
        "modes": int(np.count_nonzero(instrument.freq_hz)),
        "sample_rate": score.sample_rate,
        "channels": score.channels,
        "source": score.source,
        "instrument": instrument.fingerprint(),
    }
    if options.png:
        _draw(score, instrument, options)
        facts["png"] = options.png
    if ranking is not None:
        facts |= _ranked(ranking, options.json)
    print_facts(facts, options.json)
    if not options.json:
        _print_events(score, instrument, ranking)
    return 0


def _ranked(ranking: "Ranking", as_json: bool) -> dict[str, Any]:
    """How few events bring most of what is heard; for a program all of the order."""
    if as_json:
        return {"importance": {"ids": list(ranking.ids), "heard": list(ranking.heard)}}
    heard = np.array(ranking.heard)
    needed = {p: min(int(np.searchsorted(heard, p / 100)) + 1, len(heard)) for p in (50, 75, 90)}
    return {f"events_for_{p}%": count for p, count in needed.items()}


def compare(options: argparse.Namespace) -> int:
    """`rtsynth compare`."""
    from rtsynth.decompose import read_audio
    from rtsynth.metrics import compare as measure
    from rtsynth.metrics import ear_scores, embedding_scores

    if options.truth and not options.score:
        raise UsageError("--truth says what a score should hold; give that score with --score")
    reference, estimate = read_audio(options.reference), read_audio(options.estimate)
    if reference.sample_rate != estimate.sample_rate:
        raise UsageError(
            f"{options.estimate} is at {estimate.source_rate} Hz, {options.reference} at "
            f"{reference.source_rate} Hz; convert one of them first"
        )
    _warn(reference, estimate)
    sounds = reference.frames, estimate.frames, reference.sample_rate
    facts: dict[str, Any] = {"compared_s": min(reference.seconds, estimate.seconds)}
    if len(reference.frames) != len(estimate.frames):
        print(
            f"rtsynth: {options.reference} is {reference.seconds:.3f} s long, {options.estimate} "
            f"{estimate.seconds:.3f} s; the first {facts['compared_s']:.3f} s of both are compared",
            file=sys.stderr,
        )
    if options.score:
        facts["score"] = _scored(options.score, options.truth, reference.seconds)
    heard = {**ear_scores(*sounds), **embedding_scores(*sounds)}
    print_facts({**measure(*sounds), **heard, **facts}, options.json)
    return 0


def _scored(name: str, truth_path: str | None, seconds: float) -> dict[str, float | None]:
    """What a score costs, and how well it holds what was played if that is known."""
    from rtsynth.decompose import count_values
    from rtsynth.metrics import rates, read_truth, score_against

    truth = read_truth(truth_path) if truth_path else None
    if truth_path and truth is None:
        raise FileFormatError(f"{truth_path}: says that nothing is known; leave --truth out")
    score, instrument = load_score(find_score(name))
    textures = int(np.sum(score.table.rows["kind"] == Kind.TEXTURE))
    facts: dict[str, float | None] = {"events": len(score.table) - textures, "textures": textures}
    facts |= rates(len(score.table), count_values(score), seconds)
    return facts if truth is None else facts | score_against(score, instrument, truth)


def recording_of(path: Path, score: Score) -> Path | None:
    """The recording of a score: beside it, or in the folder `audio` there; None if in neither."""
    if not score.source:
        return None
    places = (path.with_name(score.source), path.parent / "audio" / score.source)
    return next((place for place in places if place.is_file()), None)


def _draw(score: Score, instrument: Instrument, options: argparse.Namespace) -> None:
    from rtsynth.decompose import draw, read_audio

    path = options.reference or recording_of(find_score(options.score), score)
    recording = read_audio(path) if path else None
    rate = recording.sample_rate if recording else score.sample_rate
    sound = render_score(score, instrument, sample_rate=rate)
    reference = recording.frames if recording else None
    if recording is None:
        print("rtsynth: no recording beside the score; give --reference to see it", file=sys.stderr)
    draw(score, instrument, sound, rate, options.png, reference=reference)


def _print_events(score: Score, instrument: Instrument, ranking: "Ranking | None") -> None:
    from rtsynth.decompose.event_panels import sounding_name

    rank = {} if ranking is None else {i: n for n, i in enumerate(ranking.ids, start=1)}
    head = f"{'rank':>6} " if rank else ""
    print(
        f"{'id':>6} {'onset s':>9} {'held s':>8} {'gain':>8} {'resonance':>14} "
        f"{'note':>5} {head} name, group"
    )
    for event in score.table:
        called = f"{event.resonance} {instrument.names[event.resonance]}"
        if event.transpose:
            called += f"{event.transpose:+.3g}"
        place = f"{rank[event.id]:>6} " if rank else ""
        print(
            f"{event.id:>6} {event.onset_s:>9.3f} {event.duration_s:>8.3f} {event.gain:>8.3f} "
            f"{called:>14} {sounding_name(event, instrument) or '–':>5} "
            f"{place} {event.name} {event.group}"
        )


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
