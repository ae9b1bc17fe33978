"""A picture of a decomposition: what was there, what was made of it, what is left. Thread: main."""

import itertools
import os
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rtsynth.decompose.damped import Float
from rtsynth.events import Event, Kind, Score
from rtsynth.instrument import Instrument
from rtsynth.metrics import stft_magnitude

__all__ = ["colour_of", "draw", "frequency_axis", "log_spectrogram"]

SIZE = 4096
LOWEST_HZ, BINS = 40.0, 320
RANGE_DB = 80.0
COLUMNS = 1_600
LINE_SECONDS = 40.0  # T60s are drawn no longer than the picture anyway
MODES_DRAWN = 8


def draw(
    score: Score,
    instrument: Instrument,
    resynthesis: ArrayLike,
    sample_rate: int,
    path_png: str | os.PathLike[str],
    reference: ArrayLike | None = None,
) -> None:
    """Write the spectrograms of original, resynthesis and residual, events drawn over them.

    Args:
        score: its events, coloured by resonance.
        instrument: the bank, for their mode lines.
        resynthesis: [frames] or [frames, channels].
        sample_rate: Hz, of both sounds.
        path_png: file to write.
        reference: the original, like resynthesis; without it only the resynthesis is drawn.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    panels = _panels(resynthesis, reference)
    levels = [log_spectrogram(sound, sample_rate) for _, sound in panels]
    top = max(float(level.max()) for level in levels[: max(1, len(levels) - 1)])
    figure, axes = plt.subplots(
        len(panels) + 1,
        1,
        figsize=(14, 3.2 * len(panels) + 2.4),
        sharex=True,
        squeeze=False,
        constrained_layout=True,
        height_ratios=[3.0] * len(panels) + [2.0],
    )
    image: Any = None
    high = sample_rate / 2
    for axis, (title, sound), level in zip(axes[:, 0], panels, levels, strict=False):
        seconds = len(sound) / sample_rate
        image = axis.imshow(
            level,
            origin="lower",
            aspect="auto",
            cmap="magma",
            vmin=top - RANGE_DB,
            vmax=top,
            extent=(0.0, seconds, np.log2(LOWEST_HZ), np.log2(high)),
        )
        frequency_axis(axis, high)
        axis.set_title(title, loc="left", fontsize=10)
    shown = axes[1 if reference is not None else 0, 0]
    _draw_modes(shown, score, instrument, high)
    _draw_events(axes[-1, 0], score, instrument)
    for axis in axes[:1, 0]:
        _draw_onsets(axis, score)
    figure.colorbar(image, ax=list(axes[:-1, 0]), label="level, dB", pad=0.01, aspect=40)
    modal = int(np.sum(score.table.rows["kind"] == Kind.MODAL))
    name = score.source or "score"
    used = len(set(score.table.rows["resonance"].tolist()))
    figure.suptitle(f"{name}: {modal} events on {used} resonances, {score.seconds:.1f} s")
    figure.savefig(os.fspath(path_png), dpi=100)
    plt.close(figure)


def _panels(resynthesis: ArrayLike, reference: ArrayLike | None) -> list[tuple[str, Float]]:
    made = _one_channel(resynthesis)
    if reference is None:
        return [("resynthesis", made)]
    original = _one_channel(reference)
    count = min(len(made), len(original))
    made, original = made[:count], original[:count]
    return [
        ("original, with the onsets found", original),
        ("resynthesis, with each event's strongest modes in the colour of its resonance", made),
        ("residual", original - made),
    ]


def _one_channel(sound: ArrayLike) -> Float:
    array = np.asarray(sound, float)
    return array if array.ndim == 1 else array.mean(axis=1)


def log_spectrogram(signal: Float, sample_rate: int) -> Float:
    """[BINS, columns] level in dB on a log-frequency axis."""
    hop = max(256, len(signal) // COLUMNS)
    magnitude = stft_magnitude(signal, SIZE, hop)[: max(1, len(signal) // hop)] / (SIZE / 4)
    freq = LOWEST_HZ * (sample_rate / 2 / LOWEST_HZ) ** np.linspace(0, 1, BINS + 1)
    place = np.clip((freq * SIZE / sample_rate), 0, SIZE // 2)
    rows = []
    for low, high in itertools.pairwise(place):
        first, last = int(np.floor(low)), int(np.ceil(high))
        rows.append(magnitude[:, first : max(last, first + 1)].max(axis=1))
    return 20.0 * np.log10(np.array(rows) + 1e-7)


def frequency_axis(axis: Any, high_hz: float) -> None:
    """Ticks of an axis that shows log2 of Hz, from `LOWEST_HZ` on."""
    ticks = [f for f in (50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000) if f < high_hz]
    axis.set_yticks(np.log2(ticks), [f"{f // 1000} k" if f >= 1000 else str(f) for f in ticks])
    axis.set_ylabel("frequency, Hz")
    axis.set_ylim(np.log2(LOWEST_HZ), np.log2(high_hz))


def colour_of(resonance: int) -> Any:
    """The colour of a resonance in every picture."""
    import matplotlib

    return matplotlib.colormaps["tab20"](resonance % 20)


def _draw_onsets(axis: Any, score: Score) -> None:
    low, high = axis.get_ylim()
    for event in score.table:
        if event.kind == Kind.MODAL:
            span = (high - low) * 0.06
            axis.vlines(event.onset_s, high - span, high, color=colour_of(event.resonance), lw=2)


def _length_s(event: Event, instrument: Instrument) -> float:
    """Seconds until an event is about 60 dB down, or let go."""
    t60 = instrument.t60_s[event.resonance]
    loud = np.abs(instrument.amplitude(event.resonance))
    main = float(t60[int(np.argmax(loud))]) if loud.any() else 0.05
    attack_s = instrument.attack.shape[1] / instrument.attack_rate
    return float(min(max(main * event.damp, attack_s), event.duration_s + event.release_s))


def _draw_modes(axis: Any, score: Score, instrument: Instrument, high_hz: float) -> None:
    low, high = axis.get_xlim(), axis.get_ylim()
    for event in score.table:
        if event.kind != Kind.MODAL:
            continue
        freq = instrument.freq_hz[event.resonance] * 2.0 ** (event.transpose / 12.0)
        strength = np.abs(instrument.amplitude(event.resonance)) * (freq > LOWEST_HZ)
        for mode in np.argsort(-strength)[:MODES_DRAWN]:
            if strength[mode] > 0 and freq[mode] < high_hz:
                until = event.onset_s + min(
                    float(instrument.t60_s[event.resonance, mode]),
                    event.duration_s + event.release_s,
                    LINE_SECONDS,
                )
                y = np.log2(freq[mode])
                colour = colour_of(event.resonance)
                axis.plot([event.onset_s, until], [y, y], color=colour, lw=0.8, alpha=0.45)
                axis.plot(event.onset_s, y, ".", color=colour, ms=3)
    axis.set_xlim(low)
    axis.set_ylim(high)


def _draw_events(axis: Any, score: Score, instrument: Instrument) -> None:
    """One row per resonance: each event from its onset on, as thick as it is loud."""
    rows = sorted({int(r) for r in score.table.rows["resonance"]})
    place = {resonance: index for index, resonance in enumerate(rows)}
    for event in score.table:
        texture = event.kind == Kind.TEXTURE
        length = score.seconds if texture else _length_s(event, instrument)
        length = min(length, score.seconds - event.onset_s)
        y, colour = place[event.resonance], colour_of(event.resonance)
        height = 0.25 + 0.6 * min(1.0, float(event.gain) ** 0.5)
        axis.barh(y, length, height, event.onset_s, color=colour, alpha=0.35, lw=0)
        axis.vlines(event.onset_s, y - height / 2, y + height / 2, color=colour, lw=2)
    if len(rows) <= 24:
        axis.set_yticks(range(len(rows)), [instrument.names[r] or str(r) for r in rows])
    axis.tick_params(axis="y", labelsize=7)
    axis.set_ylim(-0.8, max(len(rows), 1) - 0.2)
    axis.set_title("events by resonance: onset, length, loudness", loc="left", fontsize=10)
    axis.set_xlabel("time, s")
    axis.set_ylabel("resonance")
