"""A picture of a step: onsets over the spectrogram, the modes each brought, the groups they form.

Thread: main.
"""

import os
from typing import Any

import numpy as np

from rtsynth.decompose.axes import LOWEST_HZ, colour_of, frequency_axis, log_spectrogram
from rtsynth.decompose.damped import Modes
from rtsynth.decompose.steps import State, Task

__all__ = ["draw_step"]

RANGE_DB, MODES_DB = 80.0, 40.0
LONGEST_S = 1.0  # a mode's line, so that lines of later onsets can be told from it


def draw_step(task: Task, state: State, path_png: str | os.PathLike[str]) -> None:
    """Write what is known after a step.

    Before the groups are known every onset has a colour of its own; then every template has.
    Below, from the groups on: which templates each onset is made of, as thick as they are loud.

    Args:
        task: of the segment.
        state: after any step.
        path_png: file to write.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rate = round(task.sample_rate)
    grouped = len(state.groups.modes) > 0
    figure, axes = plt.subplots(
        1 + grouped, 1, figsize=(14, 8 if grouped else 5), sharex=True, squeeze=False,
        constrained_layout=True, height_ratios=[3.0, 2.0][: 1 + grouped],
    )  # fmt: skip
    level = log_spectrogram(task.signal, rate)
    axes[0, 0].imshow(
        level, origin="lower", aspect="auto", cmap="magma",
        vmin=level.max() - RANGE_DB, vmax=level.max(),
        extent=(0.0, len(task.signal) / rate, np.log2(LOWEST_HZ), np.log2(rate / 2)),
    )  # fmt: skip
    frequency_axis(axes[0, 0], rate / 2)
    for onset in state.onsets / rate:
        axes[0, 0].axvline(onset, color="white", lw=0.6, alpha=0.7)
    _draw_takes(axes[0, 0], state, rate)
    axes[0, 0].set_title(_title(state), loc="left", fontsize=10)
    if grouped:
        _draw_groups(axes[1, 0], state, rate)
    axes[-1, 0].set_xlabel("time, s")
    figure.savefig(os.fspath(path_png), dpi=100)
    plt.close(figure)


def _title(state: State) -> str:
    facts = [f"{len(state.onsets)} onsets"]
    facts += [f"{len(state.groups.modes)} templates"] if state.groups.modes else []
    facts += [f"{len(state.draft.strikes)} events"] if state.draft.strikes else []
    return f"after {state.done}: {', '.join(facts)}"


def _draw_takes(axis: Any, state: State, rate: int) -> None:
    grouped = len(state.groups.modes) > 0
    span = axis.get_xlim()
    for number, take in enumerate(state.takes):
        members = state.groups.members[number] if grouped else {}
        colour = max(members, key=lambda index: members[index]) if members else number
        _draw_modes(axis, take.onset / rate, take.modes, colour_of(colour))
    axis.set_xlim(span)
    axis.set_ylim(np.log2(LOWEST_HZ), np.log2(rate / 2))


def _draw_modes(axis: Any, onset_s: float, modes: Modes, colour: Any) -> None:
    if len(modes) == 0:
        return
    level = 20.0 * np.log10(np.abs(modes.amplitude) / np.abs(modes.amplitude).max() + 1e-9)
    shown = level > -MODES_DB
    until = onset_s + np.minimum(modes.t60_s[shown], LONGEST_S)
    pitch = np.log2(modes.freq_hz[shown])
    axis.hlines(pitch, onset_s, until, color=colour, lw=1.0, alpha=0.8)
    axis.plot(np.full(len(pitch), onset_s), pitch, ".", color=colour, ms=3)


def _draw_groups(axis: Any, state: State, rate: int) -> None:
    loudest = np.zeros(len(state.groups.modes))
    for members in state.groups.members:
        for index, gain in members.items():
            loudest[index] = max(loudest[index], gain)
    for take, members in zip(state.takes, state.groups.members, strict=True):
        for index, gain in members.items():
            size = 12.0 + 60.0 * gain / loudest[index]
            axis.scatter(take.onset / rate, index, size, color=colour_of(index))
    axis.set_ylabel("template")
    axis.set_ylim(-0.8, len(state.groups.modes) - 0.2)
    axis.set_title("templates by onset, as large as they are loud", loc="left", fontsize=10)
