"""From a measured note to one resonance, one event, and a field that draws it. Thread: worker."""

from threadpoolctl import threadpool_limits

from rtsynth.decompose.bake import note_name
from rtsynth.decompose.damped import Float
from rtsynth.decompose.panning import mid_signal
from rtsynth.decompose.recording import Recording
from rtsynth.decompose.sustained.measure import Sustained, measure_sustained
from rtsynth.decompose.sustained.sustaining import going_on
from rtsynth.errors import UsageError
from rtsynth.events import Event, EventTable, Score
from rtsynth.instrument import Instrument
from rtsynth.instrument.field import FieldWeights

__all__ = ["after", "held_on", "one_event", "sustained_event"]

GOING_ON_S = 3.0


def one_event(
    note: Sustained,
    sample_rate: int,
    seconds: float,
    *,
    source: str = "",
    field: FieldWeights | None = None,
) -> tuple[Score, Instrument]:
    """The score of one event and the instrument of one resonance that a note is.

    Args:
        note: as measured.
        sample_rate: Hz, of the instrument's attack and of the score.
        seconds: length of the score.
        source: name of the recording.
        field: what draws the curves; None leaves the resonance alone.
    """
    count = len(note.attack)
    own = note.modes
    instrument = Instrument.blank(1, len(own), count, sample_rate)
    instrument.set_modes(0, own.freq_hz, own.t60_s, own.amplitude)
    if note.driven:
        instrument.bow[0], instrument.impulse[0] = instrument.impulse[0], 0.0
    instrument.attack[0] = note.attack
    instrument.blow_gain[0] = note.blow_gain
    instrument.blow_dry[0] = 1.0
    instrument.names[0] = note_name(note.pitch_hz)
    instrument.field = field
    event = Event(
        id=1,
        onset_s=note.onset_s,
        duration_s=note.duration_s,
        release_s=note.release_s,
        seed=1,
    )
    score = Score(
        EventTable([event]),
        seconds=seconds,
        sample_rate=sample_rate,
        channels=1,
        instrument=instrument.fingerprint(),
        source=source,
    )
    return score, instrument


def held_on(note: Sustained) -> tuple[Float, Float]:
    """[points, 38 or 54] and [points]: controls and weights of the note as if held for longer.

    Past the recording they go on for as long again as it was held, at least for `GOING_ON_S`.
    """
    held = round(note.duration_s / note.step_s)
    points = held + max(held, round(GOING_ON_S / note.step_s))
    index = going_on(note.controls, held, points, note.step_s, loops=note.driven)
    return note.controls[index], note.weight[index]


def after(note: Sustained) -> dict[str, float]:
    """The controls that change once the note is let go: nothing damps the string any longer."""
    return {"damp": 0.0} if note.driven else {}


def sustained_event(recording: Recording, modes: int) -> tuple[Score, Instrument]:
    """A recording of one sustained note as one event, its curves drawn by a field.

    Args:
        recording: at least 0.15 s, at most a minute, holding one note.
        modes: at most so many.

    Raises:
        AudioFileError: it holds no such note; the message says why.
        UsageError: torch, which learns the field, is not installed.
    """
    try:
        from rtsynth.nn.regress import draw_curves
    except ImportError as error:
        raise UsageError(
            f"a sustained note needs torch ({error}); pip install 'rtsynth[torch]'"
        ) from None
    rate = recording.sample_rate
    note = measure_sustained(mid_signal(recording.frames), rate, modes=modes)
    with threadpool_limits(1):  # small matrices: a second thread waits, badly on a busy machine
        field = draw_curves(*held_on(note), note.step_s, note.duration_s, after=after(note))
    score, instrument = one_event(
        note, rate, recording.seconds, source=recording.source, field=field
    )
    score.sample_rate, score.channels = recording.source_rate, recording.channels
    return score, instrument
