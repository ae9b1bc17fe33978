"""The panels of a picture that show events: their partials, and how loud they are. Thread: main."""

from typing import Any

import numpy as np

from rtsynth.decompose.axes import LOWEST_HZ, colour_of
from rtsynth.decompose.bake import note_name
from rtsynth.decompose.damped import Float
from rtsynth.decompose.event_shape import EventShape
from rtsynth.events import Event, Kind, Score
from rtsynth.instrument import Instrument
from rtsynth.metrics import note_number

__all__ = ["draw_events", "draw_onsets", "draw_partials", "row_order", "sounding_name"]

SHOWN_DB = 60.0
MODES_DRAWN = 12
STEPS = 48  # pieces of a partial's line
MOST_LABELS = 64
FULLEST = 0.46  # half a row
A4 = 69
HALF = 0.5  # semitones by which a note gets another name


def draw_onsets(axis: Any, score: Score) -> None:
    """A tick at the top for every event but textures, in its colour."""
    low, high = axis.get_ylim()
    for event in score.table:
        if event.kind == Kind.MODAL:
            span, colour = (high - low) * 0.07, colour_of(event.resonance)
            axis.vlines(event.onset_s, high - span, high, color=colour, lw=2.5)
            axis.axvline(event.onset_s, color="white", lw=0.4, alpha=0.3)


def draw_partials(axis: Any, shapes: list[tuple[Event, EventShape]], high_hz: float) -> None:
    """Each event's strongest partials as lines that pale as they fade.

    Args:
        axis: of `frequency_axis`.
        shapes: the events.
        high_hz: the axis' upper end.
    """
    from matplotlib.collections import LineCollection

    loudest = max((float(shape.amplitude.max(initial=0.0)) for _, shape in shapes), default=0.0)
    for event, shape in shapes:
        strength = shape.amplitude.max(axis=1, initial=0.0)
        for mode in np.argsort(-strength)[:MODES_DRAWN]:
            lines, height = _fading(event, shape, int(mode), loudest, high_hz)
            if len(lines):
                colour = [(*colour_of(event.resonance), float(h)) for h in height]
                axis.add_collection(LineCollection(list(lines), colors=colour, linewidths=1.3))


def _fading(
    event: Event, shape: EventShape, mode: int, loudest: float, high_hz: float
) -> tuple[Float, Float]:
    """[pieces, 2 ends, 2] of one partial's line, and how strong each is, 0 … 1."""
    chosen = np.linspace(0, len(shape.age_s) - 1, STEPS + 1).astype(int)
    freq = shape.freq_hz[mode, chosen]
    height = _height(shape.amplitude[mode, chosen], loudest)
    y = np.log2(np.clip(freq, LOWEST_HZ, high_hz))
    ends = np.stack([event.onset_s + shape.age_s[chosen], y], axis=1)
    lines = np.stack([ends[:-1], ends[1:]], axis=1)
    height = 0.5 * (height[:-1] + height[1:])
    shown = (height > 0) & (freq[:-1] > LOWEST_HZ) & (freq[:-1] < high_hz)
    return lines[shown], height[shown]


def _height(amplitude: Float, loudest: float) -> Float:
    """0 … 1 from `SHOWN_DB` below the loudest up to it."""
    level_db = 20.0 * np.log10(np.maximum(amplitude, 1e-12) / max(loudest, 1e-9))
    height: Float = np.clip(1.0 + level_db / SHOWN_DB, 0.0, 1.0)
    return height


def draw_events(
    axis: Any, shapes: list[tuple[Event, EventShape]], score: Score, instrument: Instrument
) -> None:
    """One row per resonance, low below: each event as thick as it is loud, on a scale of dB."""
    rows = row_order(score, instrument)
    place = {resonance: index for index, resonance in enumerate(rows)}
    loudest = max((float(shape.level.max(initial=0.0)) for _, shape in shapes), default=0.0)
    moved = {event.resonance for event, _ in shapes if abs(event.transpose) >= HALF}
    for event, shape in shapes:
        y, colour = place[event.resonance], colour_of(event.resonance)
        half = FULLEST * _height(shape.level, loudest)
        half[-1] = 0.0
        time = event.onset_s + shape.age_s
        axis.fill_between(time, y - half, y + half, color=colour, alpha=0.45, lw=0)
        tall = max(float(half.max()), 0.1)
        axis.vlines(event.onset_s, y - tall, y + tall, color=colour, lw=1.5)
        if event.resonance in moved:
            name = sounding_name(event, instrument)
            axis.text(event.onset_s, y, f" {name}", fontsize=7, va="center")
    every = -(-len(rows) // MOST_LABELS) or 1
    labels = [_label(resonance, score, instrument) for resonance in rows]
    axis.set_yticks(range(0, len(rows), every), labels[::every])
    axis.tick_params(axis="y", labelsize=7)
    axis.set_ylim(-0.8, max(len(rows), 1) - 0.2)
    axis.grid(axis="x", lw=0.3)
    axis.set_xlabel("time, s")


def sounding_name(event: Event, instrument: Instrument) -> str:
    """The note an event sounds, its transposition counted; empty for what has no pitch."""
    own = note_number(instrument.names[event.resonance])
    if own is None:
        return ""
    return note_name(440.0 * 2.0 ** ((own + event.transpose - A4) / 12.0))


def _label(resonance: int, score: Score, instrument: Instrument) -> str:
    count = int(np.sum(score.table.rows["resonance"] == resonance))
    return (instrument.names[resonance] or str(resonance)) + (f" ×{count}" if count > 1 else "")


def row_order(score: Score, instrument: Instrument) -> list[int]:
    """The resonances from the lowest row up: textures, those without pitch, then by pitch."""
    table = score.table.rows
    textures = set(table["resonance"][table["kind"] == Kind.TEXTURE].tolist())

    def place(resonance: int) -> tuple[int, float]:
        pitch = note_number(instrument.names[resonance])
        if resonance in textures:
            return 0, 0.0
        if pitch is not None:
            return 2, float(pitch)
        strength = np.abs(instrument.amplitude(resonance))
        return 1, float(instrument.freq_hz[resonance, int(np.argmax(strength))])

    return sorted({int(r) for r in table["resonance"]}, key=place)
