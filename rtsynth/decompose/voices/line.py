"""Several held voices as what one voice is taken as: notes, resonances and curves.

Thread: worker.
"""

from rtsynth.decompose.damped import Float
from rtsynth.decompose.held.bake import line_of
from rtsynth.decompose.held.levelled import levelled
from rtsynth.decompose.held.line import HeldLine
from rtsynth.decompose.voices.measure import measure_voices, share_that_swells
from rtsynth.decompose.voices.notes import notes_of
from rtsynth.decompose.voices.roll import sounding_keys

__all__ = ["measured_voices"]

SWELLING = 0.55  # of the notes' time: what is struck has 0.1 to 0.5, what is held 0.6 to 1


def measured_voices(signal: Float, sample_rate: float, modes: int) -> HeldLine | None:
    """The notes of several held voices and their curves, before a field has learned them.

    Args:
        signal: [samples].
        sample_rate: Hz.
        modes: at most so many partials of a note.

    Returns:
        None where hardly two keys sound at once, or their notes do not swell as held ones do.
    """
    roll = sounding_keys(signal, sample_rate)
    notes = notes_of(roll, signal, sample_rate) if roll.shows_several() else []
    if not notes:
        return None
    measured, left = measure_voices(signal, sample_rate, notes, modes)
    if share_that_swells(measured) < SWELLING:
        return None
    line = line_of(signal, left, sample_rate, measured, alone=False)
    return levelled(line, signal, sample_rate)
