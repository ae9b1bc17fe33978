"""Standard MIDI files: notes and pedal out of one, notes into one.

Format 0 and 1, ticks per quarter note (RP-001, the MIDI Association's "Standard MIDI Files 1.0").
"""

import bisect
import dataclasses
import pathlib
import struct
from collections.abc import Iterable

__all__ = ["Note", "Piece", "read_midi", "write_midi"]

DEFAULT_TEMPO = 500_000  # µs per quarter note
TICKS = 960
PEDAL = 64
DRUMS = 9


@dataclasses.dataclass(frozen=True, order=True)
class Note:
    """A key struck and let go; seconds, MIDI number, velocity."""

    onset_s: float
    end_s: float
    pitch: int
    velocity: int


@dataclasses.dataclass(frozen=True)
class Piece:
    """Notes and moves of the pedal (seconds, 0 … 127), both in time's order."""

    notes: list[Note]
    pedal: list[tuple[float, int]]


@dataclasses.dataclass
class _Reader:
    data: bytes
    place: int = 0

    def take(self, count: int) -> bytes:
        self.place += count
        return self.data[self.place - count : self.place]

    def number(self) -> int:
        """A variable-length quantity: seven bits a byte, the highest bit says that one follows."""
        value = 0
        while True:
            (byte,) = self.take(1)
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value


def read_midi(path: pathlib.Path) -> Piece:
    """Every note of every track and channel."""
    file = _Reader(path.read_bytes())
    if file.take(4) != b"MThd":
        raise ValueError(f"{path}: no MIDI file")
    _, _, tracks, division = struct.unpack(">IHHH", file.take(10))
    if division & 0x8000:
        raise ValueError(f"{path}: counts SMPTE frames; only ticks per quarter are read")
    messages: list[tuple[int, int, int, bytes]] = []
    for number in range(tracks):
        _, size = struct.unpack(">4sI", file.take(8))
        track = _track(_Reader(file.take(size)))
        messages += [(tick, number, status, content) for tick, status, content in track]
    messages.sort(key=lambda message: message[0])
    return _piece(messages, division)


def _track(file: _Reader) -> Iterable[tuple[int, int, bytes]]:
    """(tick, status, data) of each message; tempo changes have status 0xFF."""
    tick = status = 0
    while file.place < len(file.data):
        tick += file.number()
        if file.data[file.place] >= 0x80:
            status = file.take(1)[0]
        if status == 0xFF:
            kind, content = file.take(1)[0], file.take(file.number())
            if kind == 0x51:
                yield tick, status, content
        elif status >= 0xF0:
            file.take(file.number())
        else:
            yield tick, status, file.take(1 if 0xC0 <= status < 0xE0 else 2)


def _piece(messages: list[tuple[int, int, int, bytes]], division: int) -> Piece:
    ticks, seconds, tempos = [0], [0.0], [DEFAULT_TEMPO]
    notes: list[Note] = []
    pedal: list[tuple[float, int]] = []
    down: dict[tuple[int, int, int], list[tuple[float, int]]] = {}
    for tick, track, status, data in messages:
        last = bisect.bisect_right(ticks, tick) - 1
        now = seconds[last] + (tick - ticks[last]) * tempos[last] * 1e-6 / division
        if status == 0xFF:
            ticks, seconds = [*ticks, tick], [*seconds, now]
            tempos.append(int.from_bytes(data))
            continue
        kind, key = status & 0xF0, (track, status & 0x0F, data[0])
        if kind == 0x90 and data[1]:
            down.setdefault(key, []).append((now, data[1]))
        elif kind in (0x80, 0x90):
            notes += [Note(on, now, data[0], v) for on, v in down.pop(key, []) if now > on]
        elif kind == 0xB0 and data[0] == PEDAL:
            pedal.append((now, data[1]))
    return Piece(sorted(notes), pedal)


def write_midi(path: pathlib.Path, parts: dict[int, list[Note]]) -> None:
    """One track per General MIDI program, each on a channel of its own."""
    tracks = [_track_of(channel, program, parts[program]) for channel, program in enumerate(parts)]
    if len(tracks) > DRUMS:
        raise ValueError(f"{len(tracks)} parts; legal: at most {DRUMS}")
    header = struct.pack(">4sIHHH", b"MThd", 6, 1, len(tracks), TICKS)
    path.write_bytes(header + b"".join(tracks))


def _track_of(channel: int, program: int, notes: list[Note]) -> bytes:
    per_second = TICKS * 1e6 / DEFAULT_TEMPO
    moves = [(0, 0, bytes([0xC0 | channel, program]))]
    for note in notes:
        on, off = round(note.onset_s * per_second), round(note.end_s * per_second)
        moves.append((on, 2, bytes([0x90 | channel, note.pitch, note.velocity])))
        moves.append((off, 1, bytes([0x80 | channel, note.pitch, 0])))
    content, before = b"", 0
    for tick, _, message in sorted(moves):
        content += _quantity(tick - before) + message
        before = tick
    content += b"\x00\xff\x2f\x00"
    return struct.pack(">4sI", b"MTrk", len(content)) + content


def _quantity(value: int) -> bytes:
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(value & 0x7F | 0x80)
    return bytes(reversed(out))
