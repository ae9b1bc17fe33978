"""What is not taken apart by steps: a sustained note, a texture, moving noise, a line of notes.

Thread: worker.
"""

from rtsynth.decompose.disk import Samples
from rtsynth.decompose.held.bake import joins_pitches
from rtsynth.decompose.held.closer import line_if_closer
from rtsynth.decompose.held.draft import LONGEST_S, draw_line, find_line, sustained_draft
from rtsynth.decompose.held.line import HeldLine
from rtsynth.decompose.held.noise_line import noise_line
from rtsynth.decompose.panning import mid_signal
from rtsynth.decompose.progress import Progress
from rtsynth.decompose.recipe import Recipe
from rtsynth.decompose.recording import Recording
from rtsynth.decompose.sustained.one_event import sustained_event
from rtsynth.decompose.texture.moving import noise_if_closer, textures_move
from rtsynth.decompose.texture.only import Textures, bake_texture, only_texture
from rtsynth.decompose.work import Work
from rtsynth.errors import UsageError
from rtsynth.events import Score
from rtsynth.instrument import Instrument

__all__ = ["as_a_whole", "rather_held", "rather_noise", "refuse_no_steps"]

CLOSER = "closer as a line of sustained notes than struck"
MOVING, NO_STRIKES = "noise that moves", "closer as noise that moves than struck"


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
        work: keeps a line of sustained notes, and noise that moves.
        notes: what was found is added to them.
    """
    if recipe.sustained:
        progress.begin("sustained note", 1)
        return sustained_event(recording, recipe.few_modes)
    progress.begin("texture?", 1)
    texture, note = only_texture(recording, recipe.only_texture)
    if texture is not None:
        moving = _moving(texture, recording, recipe, progress, work, notes)
        if moving is not None:
            return moving
    notes += [note] if note else []
    if texture is not None:
        return bake_texture(texture, recording)
    kept = work.line()
    if kept is not None and not kept[1].bow.any():
        return _kept_noise(kept, NO_STRIKES, progress, work, notes)
    if not recipe.held:
        return None
    progress.begin("sustained line?", 1)
    held = kept
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


def rather_noise(
    recording: Recording,
    resynthesis: Samples,
    recipe: Recipe,
    progress: Progress,
    work: Work,
    notes: list[str],
) -> tuple[Score, Instrument] | None:
    """Score and instrument of what was taken for strikes, and is closer as noise that moves.

    Args:
        recording: not silent; may be noise.
        resynthesis: [frames, channels] of the strikes.
        recipe: settings.
        progress: told what is tried.
        work: keeps the noise.
        notes: what was found is added to them.
    """
    progress.begin("rather noise?", 1)
    line = noise_if_closer(recording, resynthesis)
    return None if line is None else _drawn(line, NO_STRIKES, recording, recipe, work, notes)


def _moving(
    texture: Textures,
    recording: Recording,
    recipe: Recipe,
    progress: Progress,
    work: Work,
    notes: list[str],
) -> tuple[Score, Instrument] | None:
    """A texture that moves, as noise that does; None for one that stands still."""
    if not recipe.follows_noise or recording.seconds > LONGEST_S:
        return None
    kept = work.line()
    if kept is not None:
        return _kept_noise(kept, MOVING, progress, work, notes)
    signal, rate = mid_signal(recording.frames), recording.sample_rate
    progress.begin("does it move?", 1)
    line = noise_line(signal, rate) if textures_move(texture, signal, rate) else None
    return None if line is None else _drawn(line, MOVING, recording, recipe, work, notes)


def _drawn(
    line: HeldLine,
    what: str,
    recording: Recording,
    recipe: Recipe,
    work: Work,
    notes: list[str],
) -> tuple[Score, Instrument] | None:
    """Noise whose levels a field has learned, and kept; None without torch."""
    made = draw_line(line, recording, recipe)
    if made[1].field is None:  # it would not move
        notes.append(f"{what}, with torch; pip install 'rtsynth[torch]'")
        return None
    work.keep_line(*made)
    notes.append(_of_noise(made[0], what))
    return made


def _kept_noise(
    kept: tuple[Score, Instrument], what: str, progress: Progress, work: Work, notes: list[str]
) -> tuple[Score, Instrument]:
    progress.say(f"{work.folder}: the noise that moves is kept there")
    notes.append(_of_noise(kept[0], what))
    return kept


def _of_noise(score: Score, what: str) -> str:
    count = len(score.table)
    events = "one event" if count == 1 else f"{count} events"
    return f"{what}: {events} (moving_noise: false in a recipe forbids)"


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
