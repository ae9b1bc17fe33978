"""What is not taken apart by steps: one sustained note, a texture, a line of held notes.

Thread: worker.
"""

from rtsynth.decompose.disk import Samples
from rtsynth.decompose.held.bake import joins_pitches
from rtsynth.decompose.held.closer import line_if_closer
from rtsynth.decompose.held.draft import draw_line, find_line, sustained_draft
from rtsynth.decompose.progress import Progress
from rtsynth.decompose.recipe import Recipe
from rtsynth.decompose.recording import Recording
from rtsynth.decompose.sustained.one_event import sustained_event
from rtsynth.decompose.texture.only import bake_texture, only_texture
from rtsynth.decompose.work import Work
from rtsynth.errors import UsageError
from rtsynth.events import Score
from rtsynth.instrument import Instrument

__all__ = ["as_a_whole", "rather_held", "refuse_no_steps"]

CLOSER = "closer as a line of sustained notes than struck"


def as_a_whole(
    recording: Recording,
    recipe: Recipe,
    progress: Progress,
    work: Work,
    notes: list[str],
) -> tuple[Score, Instrument] | None:
    """Score and instrument of what is not taken apart by steps; None for what is.

    Args:
        recording: not silent.
        recipe: settings.
        progress: told what is tried.
        work: keeps a line of sustained notes.
        notes: what was found is added to them.
    """
    if recipe.sustained:
        progress.begin("sustained note", 1)
        return sustained_event(recording, recipe.few_modes)
    progress.begin("texture?", 1)
    texture, note = only_texture(recording, recipe.only_texture)
    notes += [note] if note else []
    if texture is not None:
        return bake_texture(texture, recording)
    if not recipe.held:
        return None
    progress.begin("sustained line?", 1)
    held = kept = work.line()
    if held is None:
        held = sustained_draft(recording, recipe)
        if held is None:
            return None
        if held[1].field is not None:  # without torch it is not all that it can be
            work.keep_line(*held)
    else:
        progress.say(f"{work.folder}: the line of sustained notes is kept there")
    surely = kept is None or find_line(recording) is not None
    notes += _told(*held, "a line of sustained notes" if surely else CLOSER)
    return held


def rather_held(
    recording: Recording,
    resynthesis: Samples,
    recipe: Recipe,
    progress: Progress,
    work: Work,
    notes: list[str],
) -> tuple[Score, Instrument] | None:
    """Score and instrument of what was taken for strikes, and is closer as a line of held notes.

    Args:
        recording: not silent.
        resynthesis: [frames, channels] of the strikes.
        recipe: settings.
        progress: told what is tried.
        work: keeps the line.
        notes: what was found is added to them.
    """
    progress.begin("rather a sustained line?", 1)
    line = line_if_closer(recording, resynthesis, recipe.few_modes)
    if line is None:
        return None
    held = draw_line(line, recording, recipe)
    if held[1].field is None:  # what was closer are curves that move
        notes.append(f"{CLOSER}, with torch; pip install 'rtsynth[torch]'")
        return None
    work.keep_line(*held)
    notes += _told(*held, CLOSER)
    return held


def _told(score: Score, instrument: Instrument, what: str) -> list[str]:
    told = [f"{what}: one event each (held: false in a recipe forbids)"]
    if joins_pitches(score, instrument):
        told.append("several pitches at once that share a period are one event")
    if instrument.field is None:
        told.append("without torch their pitch and bow stay still; pip install 'rtsynth[torch]'")
    return told


def refuse_no_steps(recording: Recording, recipe: Recipe) -> None:
    """Say that a recording is not taken apart by steps, where it is not.

    Raises:
        UsageError: what it is taken as, and how to forbid that.
    """
    way = ""
    if recipe.sustained:
        way = "one sustained note"
    elif only_texture(recording, recipe.only_texture)[0] is not None:
        way = "one texture"
    elif recipe.held and find_line(recording) is not None:
        way = "a line of sustained notes"
    if way:
        raise UsageError(
            f"{recording.source} is taken as {way}, which has no steps; leave --until out, or "
            "choose a recipe with held: false, only_texture: false and sustained: false"
        )
