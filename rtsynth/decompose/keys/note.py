"""Notes that somebody says are struck, and reading them from a MIDI file. Thread: main.

A MIDI file is one that was recorded with the sound, aligned to it, or written by a transcriber.
Its channel 10 has drums, which have no keys, and is left out.
"""

import dataclasses
import os
from pathlib import Path

import mido

from rtsynth.errors import FileFormatError

__all__ = ["HIGHEST", "LOWEST", "Note", "read_notes"]

LOWEST, HIGHEST = 21, 108  # A0 … C8
DRUM_CHANNEL = 9
MAX_FILE_BYTES = 2 << 20  # the messages of a file take 500 times its size in memory
MAX_NOTES = 100_000


@dataclasses.dataclass(frozen=True, order=True)
class Note:
    """One struck key.

    Attributes:
        onset_s: seconds from the recording's beginning.
        key: as MIDI numbers them, 21 (A0) … 108 (C8).
    """

    onset_s: float
    key: int

    def frame(self, sample_rate: float) -> int:
        """Nearest frame to its onset."""
        return round(self.onset_s * sample_rate)


def read_notes(path: str | os.PathLike[str]) -> list[Note]:
    """The notes of a MIDI file, by onset; what begins twice at once is one.

    Args:
        path: Standard MIDI File of type 0 or 1.

    Raises:
        FileFormatError: no such file, no MIDI, too large, or no note between A0 and C8 in it.
    """
    name = os.fspath(path)
    try:
        if Path(path).stat().st_size > MAX_FILE_BYTES:
            raise FileFormatError(f"{name}: larger than {MAX_FILE_BYTES >> 20} MiB; split it")
        midi = mido.MidiFile(name)
        if midi.type == 2 or midi.ticks_per_beat <= 0:
            raise FileFormatError(
                f"{name}: MIDI of type {midi.type} with {midi.ticks_per_beat} ticks per beat; "
                "legal: type 0 or 1, timed in beats; save it so"
            )
        notes = _played(midi)
    except FileFormatError:
        raise
    except Exception as error:  # whatever strange bytes do to the parser
        reason = str(error) or type(error).__name__
        raise FileFormatError(f"{name}: no MIDI file that can be read ({reason})") from None
    if len(notes) > MAX_NOTES:
        raise FileFormatError(
            f"{name}: more than {MAX_NOTES} notes; legal: at most so many; split it"
        )
    if not notes:
        raise FileFormatError(f"{name}: no note between A0 and C8 in it, drums apart")
    return sorted(notes)


def _played(midi: mido.MidiFile) -> set[Note]:
    notes, now_s = set(), 0.0
    for message in midi:
        now_s += message.time
        if message.type != "note_on" or message.velocity == 0 or message.channel == DRUM_CHANNEL:
            continue
        if LOWEST <= message.note <= HIGHEST:
            notes.add(Note(now_s, message.note))
        if len(notes) > MAX_NOTES:
            break
    return notes
