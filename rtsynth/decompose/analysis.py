"""All segments of a recording through the steps, each with what the earlier ones have found.

What earlier events still do in a segment is taken away from it, and what they have taught is
offered to it. So the cost is linear in the length, and the memory that of a segment, the events
and a bounded bank.
Thread: worker.
"""

import dataclasses
from collections.abc import Sequence

from rtsynth.decompose.disk import let_go
from rtsynth.decompose.keys.note import Note
from rtsynth.decompose.keys.played import played_notes
from rtsynth.decompose.ledger import Ledger
from rtsynth.decompose.panning import mid_weights
from rtsynth.decompose.progress import Progress
from rtsynth.decompose.recipe import Recipe
from rtsynth.decompose.recording import Recording
from rtsynth.decompose.segment import Segment, cut_segments
from rtsynth.decompose.steps import STEPS, State, Task, run_steps
from rtsynth.decompose.work import Work

__all__ = ["analyse", "analyse_until"]

LAST_STEP = list(STEPS)[-1]
CROWDED = 2  # times as many resonances as there may be at last, and they are merged at once
TAKEN = "takes"  # the step after which it is known what the onsets brought


def analyse(
    recording: Recording,
    recipe: Recipe,
    work: Work,
    progress: Progress,
    workers: int = 1,
    notes: Sequence[Note] | None = None,
) -> Ledger:
    """Take a recording through all steps.

    Args:
        recording: not empty.
        recipe: settings.
        work: where results are kept.
        progress: told what goes on.
        workers: threads that may work at once.
        notes: all that is struck, in step, if that is known.

    Returns:
        what was found, with at most `recipe.resonances` resonances struck.
    """
    weights = mid_weights(recording.frames)
    ledger = Ledger(recording.sample_rate, weights)
    segments = cut_segments(recording, recipe)
    for number, segment in enumerate(segments):
        if len(segments) > 1:
            progress.tell(segment=f"{number + 1}/{len(segments)}")
        task = _task(recording, recipe, segment, ledger, notes)
        task = dataclasses.replace(task, workers=workers, progress=progress)
        state, offered = _through(task, ledger, work, number)
        ledger.add(segment, state, offered)
        if len(ledger.bank) > CROWDED * recipe.resonances:
            ledger.shrink(recipe.resonances - 1)
        let_go(recording.frames)
    ledger.shrink(recipe.resonances - int(ledger.floor().any()))
    return ledger


def analyse_until(
    recording: Recording,
    recipe: Recipe,
    until: str,
    work: Work,
    progress: Progress,
    workers: int = 1,
    notes: Sequence[Note] | None = None,
) -> tuple[Task, State]:
    """Take the first segment of a recording (all of a short one) through some of the steps.

    Args:
        recording: not empty.
        recipe: settings.
        until: name of the last step.
        work: where results are kept; `analyse` goes on from there.
        progress: told what goes on.
        workers: threads that may work at once.
        notes: all that is struck, in step, if that is known.
    """
    ledger = Ledger(recording.sample_rate, mid_weights(recording.frames))
    task = _task(recording, recipe, cut_segments(recording, recipe)[0], ledger, notes)
    task = dataclasses.replace(task, workers=workers, progress=progress)
    return task, _run(task, work, 0, until, work.latest(0, until))


def _through(task: Task, ledger: Ledger, work: Work, number: int) -> tuple[State, list[int]]:
    """All steps; what the bank offers is chosen once it is known what the onsets brought."""
    state = _run(task, work, number, TAKEN, work.latest(number, LAST_STEP))
    offered = ledger.offer(state.takes)
    task = dataclasses.replace(task, bank=ledger.offered(offered))
    return _run(task, work, number, LAST_STEP, state), offered


def _run(task: Task, work: Work, number: int, until: str, state: State | None) -> State:
    """A segment's state after the step `until`, or a later one if it had been through that."""
    state = state or State(task.sample_rate, len(task.heard))
    return run_steps(task, state, until, lambda done: work.keep(number, done))


def _task(
    recording: Recording,
    recipe: Recipe,
    segment: Segment,
    ledger: Ledger,
    notes: Sequence[Note] | None,
) -> Task:
    frames = recording.frames[segment.begin : segment.end].astype(float)
    heard = frames @ ledger.weights
    owned = (segment.first - segment.begin, segment.last - segment.begin)
    signal = heard - ledger.ringing(segment)
    rate, played = recording.sample_rate, None
    if notes is not None:
        seen = [note for note in notes if note.frame(rate) >= segment.first]
        played = played_notes(seen, rate, segment.begin, segment.end)
    return Task(frames, heard, signal, rate, recipe, owned, played=played)
