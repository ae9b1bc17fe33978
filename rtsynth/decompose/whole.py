"""What is not taken apart by steps: a sustained note, a texture, moving noise, a line of notes.

Thread: worker.
"""

import dataclasses

from rtsynth.decompose.closer import held_if_closer, looks_held, surely_held
from rtsynth.decompose.disk import Samples
from rtsynth.decompose.held.bake import joins_pitches, sounds_together
from rtsynth.decompose.held.draft import LONGEST_S, draw_line
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

__all__ = ["Attempt", "as_a_whole", "rather_held", "rather_noise", "refuse_no_steps"]

ONE_VOICE, SEVERAL_VOICES = "a line of sustained notes", "several sustained voices"
MOVING, NO_STRIKES = "noise that moves", "closer as noise that moves than struck"


@dataclasses.dataclass(frozen=True)
class Attempt:
    """A recording that may be taken as a whole, and where that is told and kept.

    Attributes:
        recording: not silent.
        recipe: settings.
        progress: told what is tried.
        work: keeps a line of sustained notes, and noise that moves.
        notes: what is found is added to them.
    """

    recording: Recording
    recipe: Recipe
    progress: Progress
    work: Work
    notes: list[str]


def as_a_whole(attempt: Attempt) -> tuple[Score, Instrument] | None:
    """Score and instrument of what is not taken apart by steps; None for what is."""
    recording, recipe, progress = attempt.recording, attempt.recipe, attempt.progress
    if recipe.sustained:
        progress.begin("sustained note", 1)
        return sustained_event(recording, recipe.few_modes)
    progress.begin("texture?", 1)
    texture, note = only_texture(recording, recipe.only_texture)
    if texture is not None:
        moving = _moving(attempt, texture)
        if moving is not None:
            return moving
    attempt.notes.extend([note] if note else [])
    if texture is not None:
        return bake_texture(texture, recording)
    kept = attempt.work.line()
    if kept is not None and _is_noise(kept[1]):
        return _kept_noise(attempt, kept, NO_STRIKES)
    if not recipe.held:
        return None
    progress.begin("sustained notes?", 1)
    held = kept
    if held is None:
        line = surely_held(recording, recipe.few_modes)
        if line is None:
            return None
        held = draw_line(line, recording, recipe)
        if held[1].field is not None:  # without torch it is not all that it can be
            attempt.work.keep_line(*held)
    else:
        progress.say(f"{attempt.work.folder}: the line of sustained notes is kept there")
    surely = kept is None or looks_held(recording)
    attempt.notes.extend(_told(*held, _named(*held, surely=surely)))
    return held


def rather_held(attempt: Attempt, resynthesis: Samples) -> tuple[Score, Instrument] | None:
    """Score and instrument of what was taken for strikes, and is closer as held notes.

    Args:
        attempt: of a recording that may be one.
        resynthesis: [frames, channels] of the strikes.
    """
    attempt.progress.begin("rather sustained notes?", 1)
    line = held_if_closer(attempt.recording, resynthesis, attempt.recipe.few_modes)
    return None if line is None else _drawn(attempt, line)


def rather_noise(attempt: Attempt, resynthesis: Samples) -> tuple[Score, Instrument] | None:
    """Score and instrument of what was taken for strikes, and is closer as noise that moves.

    Args:
        attempt: of a recording that may be noise.
        resynthesis: [frames, channels] of the strikes.
    """
    attempt.progress.begin("rather noise?", 1)
    line = noise_if_closer(attempt.recording, resynthesis)
    return None if line is None else _drawn(attempt, line, NO_STRIKES)


def _moving(attempt: Attempt, texture: Textures) -> tuple[Score, Instrument] | None:
    """A texture that moves, as noise that does; None for one that stands still."""
    recording = attempt.recording
    if not attempt.recipe.follows_noise or recording.seconds > LONGEST_S:
        return None
    kept = attempt.work.line()
    if kept is not None:
        return _kept_noise(attempt, kept, MOVING)
    signal, rate = mid_signal(recording.frames), recording.sample_rate
    attempt.progress.begin("does it move?", 1)
    line = noise_line(signal, rate) if textures_move(texture, signal, rate) else None
    return None if line is None else _drawn(attempt, line, MOVING)


def _drawn(
    attempt: Attempt, line: HeldLine, what: str | None = None
) -> tuple[Score, Instrument] | None:
    """A line whose curves a field has learned, told and kept; None without torch."""
    made = draw_line(line, attempt.recording, attempt.recipe)
    what = _named(*made, surely=False) if what is None else what
    if made[1].field is None:  # what was closer are curves that move
        attempt.notes.append(f"{what}, with torch; pip install 'rtsynth[torch]'")
        return None
    attempt.work.keep_line(*made)
    attempt.notes.extend(_told(*made, what))
    return made


def _kept_noise(
    attempt: Attempt, kept: tuple[Score, Instrument], what: str
) -> tuple[Score, Instrument]:
    attempt.progress.say(f"{attempt.work.folder}: the noise that moves is kept there")
    attempt.notes.extend(_told(*kept, what))
    return kept


def _is_noise(instrument: Instrument) -> bool:
    """Whether a line's instrument has no resonance that is bowed."""
    return not instrument.bow.any()


def _named(score: Score, instrument: Instrument, *, surely: bool) -> str:
    """What held notes are taken as."""
    voices = SEVERAL_VOICES if sounds_together(score, instrument) else ONE_VOICE
    return voices if surely else f"closer as {voices} than struck"


def _told(score: Score, instrument: Instrument, what: str) -> list[str]:
    if _is_noise(instrument):
        count = len(score.table)
        events = "one event" if count == 1 else f"{count} events"
        return [f"{what}: {events} (moving_noise: false in a recipe forbids)"]
    told = [f"{what}: one event per note (held: false in a recipe forbids)"]
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
    elif recipe.held and looks_held(recording):
        way = "sustained notes"
    if way:
        raise UsageError(
            f"{recording.source} is taken as {way}, which has no steps; leave --until out, or "
            "choose a recipe with held: false, only_texture: false and sustained: false"
        )
