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
FREE_DB = 3.0
"""A waveform explained by less is not matched: its phases are free, or the fit has failed."""
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

    made = _one_channel(resynthesis)
    original = None if reference is None else _one_channel(reference)
    if original is not None:
        frames = min(len(made), len(original))
        made, original = made[:frames], original[:frames]
    seconds, high = len(made) / sample_rate, sample_rate / 2
    panels = _panels(made, original, sample_rate)
    figure, axes = _figure(plt, len(panels), len(set(score.table.rows["resonance"].tolist())))
    top = max(float(level.max()) for _, level in panels[:2])
    for axis, (title, level) in zip(axes, panels, strict=False):
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


def _panels(made: Float, original: Float | None, sample_rate: int) -> list[tuple[str, Float]]:
    """Titles and levels, [bins, columns] in dB; two sounds are equally long."""
    heard = log_spectrogram(made, sample_rate)
    if original is None:
        return [("resynthesis, with the events' onsets", heard)]
    level = log_spectrogram(original, sample_rate)
    return [
        ("original, with the onsets found", level),
        ("resynthesis", heard),
        _residual(original, original - made, level, heard, sample_rate),
    ]


def _residual(
    original: Float, left: Float, level: Float, heard: Float, sample_rate: int
) -> tuple[str, Float]:
    """What is left of the waveform; where that is not matched, of the levels."""
    below_db = _below_db(original, left)
    if below_db is None or below_db >= FREE_DB:
        title = f"residual: original − resynthesis{_in_words(below_db)}"
        return title, log_spectrogram(left, sample_rate)
    amplitude, rest = 10.0 ** (level / 20.0), level_left(level, heard)
    below_db = _below_db(amplitude, 10.0 ** (rest / 20.0))
    return f"residual of levels (the waveform is not matched){_in_words(below_db)}", rest


def _in_words(below_db: float | None) -> str:
    if below_db is None:
        return ""
    return f", {abs(below_db):.1f} dB {'below' if below_db >= 0 else 'above'} the original"


def level_left(level: Float, heard: Float) -> Float:
    """The difference of two amplitudes; all three in dB, down to −140."""
    return 20.0 * np.log10(np.abs(10.0 ** (level / 20.0) - 10.0 ** (heard / 20.0)) + 1e-7)


def _below_db(original: Float, left: Float) -> float | None:
    """How far one lies below the other; None where either is silent."""
    power, rest = float(np.sum(original**2)), float(np.sum(left**2))
    return 10.0 * float(np.log10(power / rest)) if power > 0.0 and rest > 0.0 else None


def _one_channel(sound: ArrayLike) -> Float:
    array = np.asarray(sound, float)
    return array if array.ndim == 1 else array.mean(axis=1)
