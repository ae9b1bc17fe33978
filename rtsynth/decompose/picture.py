"""A picture of a decomposition: what was there, what was made of it, what is left. Thread: main."""

import os
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rtsynth.decompose.axes import frequency_axis, log_spectrogram, spectrogram
from rtsynth.decompose.damped import Float
from rtsynth.decompose.event_panels import SHOWN_DB, draw_events, draw_onsets, draw_partials
from rtsynth.decompose.event_shape import event_shape
from rtsynth.events import Kind, Score
from rtsynth.instrument import Instrument

__all__ = ["draw"]

WIDTH_INCHES, SPECTROGRAM_INCHES = 14.0, 2.7
ROW_INCHES, ROWS_INCHES = 0.19, (1.6, 8.0)


def draw(
    score: Score,
    instrument: Instrument,
    resynthesis: ArrayLike,
    sample_rate: int,
    path_png: str | os.PathLike[str],
    reference: ArrayLike | None = None,
) -> None:
    """Write spectrograms of original, resynthesis and residual, and below them the events.

    Args:
        score: its events, coloured by resonance.
        instrument: the bank, for their partials and how they fade.
        resynthesis: [frames] or [frames, channels].
        sample_rate: Hz, of both sounds.
        path_png: file to write.
        reference: the original, like resynthesis; without it only the resynthesis is drawn.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    panels = _panels(resynthesis, reference)
    seconds, high = len(panels[0][1]) / sample_rate, sample_rate / 2
    figure, axes = _figure(plt, len(panels), len(set(score.table.rows["resonance"].tolist())))
    levels = [log_spectrogram(sound, sample_rate) for _, sound in panels]
    top = max(float(level.max()) for level in levels[:2])
    for axis, (title, _), level in zip(axes, panels, levels, strict=False):
        image = spectrogram(axis, level, seconds, high, top)
        axis.set_title(title, loc="left", fontsize=10)
    figure.colorbar(image, ax=list(axes[: len(panels)]), label="level, dB", pad=0.01, aspect=40)
    draw_onsets(axes[0], score)
    shapes = [
        (event, event_shape(event, instrument, sample_rate, seconds - event.onset_s))
        for event in score.table
        if event.onset_s < seconds
    ]
    frequency_axis(axes[-2], high)
    draw_partials(axes[-2], shapes, high)
    axes[-2].set_title("the events' strongest partials, in their resonances' colours", **LEFT)
    draw_events(axes[-1], shapes, score, instrument)
    words = f"events by resonance, as thick as they are loud, down to −{SHOWN_DB:.0f} dB"
    axes[-1].set_title(words, **LEFT)
    axes[-1].set_xlim(0.0, max(seconds, 1e-3))
    figure.suptitle(_headline(score))
    figure.savefig(os.fspath(path_png), dpi=100)
    plt.close(figure)


LEFT: dict[str, Any] = {"loc": "left", "fontsize": 10}


def _figure(plt: Any, sounds: int, rows: int) -> tuple[Any, Any]:
    """A figure with an axis per sound, one for partials, one for that many rows of events."""
    low = min(max(ROW_INCHES * rows, ROWS_INCHES[0]), ROWS_INCHES[1])
    heights = [SPECTROGRAM_INCHES] * (sounds + 1) + [low]
    figure, axes = plt.subplots(
        sounds + 2,
        1,
        figsize=(WIDTH_INCHES, sum(heights) + 0.35 * len(heights) + 0.3),
        sharex=True,
        squeeze=False,
        constrained_layout=True,
        height_ratios=heights,
    )
    return figure, axes[:, 0]


def _headline(score: Score) -> str:
    rows = score.table.rows
    modal = rows[rows["kind"] == Kind.MODAL]
    textures = len(rows) - len(modal)
    floor = f" and {textures} texture{'s' if textures > 1 else ''}" if textures else ""
    used = len(set(modal["resonance"].tolist()))
    name = score.source or "score"
    return f"{name}: {len(modal)} events on {used} resonances{floor}, {score.seconds:.1f} s"


def _panels(resynthesis: ArrayLike, reference: ArrayLike | None) -> list[tuple[str, Float]]:
    made = _one_channel(resynthesis)
    if reference is None:
        return [("resynthesis, with the events' onsets", made)]
    original = _one_channel(reference)
    count = min(len(made), len(original))
    made, original = made[:count], original[:count]
    left = original - made
    return [
        ("original, with the onsets found", original),
        ("resynthesis", made),
        (f"residual: original − resynthesis{_below(original, left)}", left),
    ]


def _below(original: Float, left: Float) -> str:
    """How far the residual lies below the original, in words."""
    power, rest = float(np.sum(original**2)), float(np.sum(left**2))
    if power == 0.0 or rest == 0.0:
        return ""
    below_db = 10.0 * np.log10(power / rest)
    return f", {abs(below_db):.1f} dB {'below' if below_db >= 0 else 'above'} the original"


def _one_channel(sound: ArrayLike) -> Float:
    array = np.asarray(sound, float)
    return array if array.ndim == 1 else array.mean(axis=1)
