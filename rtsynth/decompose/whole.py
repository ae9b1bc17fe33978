"""What is not taken apart by steps: one sustained note, a texture, a line of held notes.

Thread: worker.
"""

from rtsynth.decompose.held.draft import find_line, sustained_draft
from rtsynth.decompose.progress import Progress
from rtsynth.decompose.recipe import Recipe
from rtsynth.decompose.recording import Recording
from rtsynth.decompose.sustained.one_event import sustained_event
from rtsynth.decompose.texture.only import bake_texture, only_texture
from rtsynth.decompose.work import Work
from rtsynth.errors import UsageError
from rtsynth.events import Score
from rtsynth.instrument import Instrument

__all__ = ["as_a_whole", "refuse_no_steps"]


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
    held = work.line()
    if held is None:
        held = sustained_draft(recording, recipe)
        if held is None:
            return None
        if held[1].field is not None:  # without torch it is not all that it can be
            work.keep_line(*held)
    else:
        progress.say(f"{work.folder}: the line of sustained notes is kept there")
    notes.append("a line of sustained notes: one event each (held: false in a recipe forbids)")
    if held[1].field is None:
        notes.append("without torch their pitch and bow stay still; pip install 'rtsynth[torch]'")
    return held


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
