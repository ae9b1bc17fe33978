"""Every step by itself: what it fills in, and that its state survives a file to the last bit."""

import dataclasses
import pathlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rtsynth.cli.parser import DECOMPOSE_STEPS
from rtsynth.decompose import Recipe, draw_step
from rtsynth.decompose.damped import Float
from rtsynth.decompose.draft import strike_signal
from rtsynth.decompose.fit import Fit
from rtsynth.decompose.keys.note import Note
from rtsynth.decompose.keys.played import played_notes
from rtsynth.decompose.onset import find_onsets
from rtsynth.decompose.steps import (
    STEPS,
    State,
    Task,
    fit_step,
    found_notes,
    load_state,
    onsets_step,
    run_steps,
    save_state,
)
from rtsynth.errors import FileFormatError
from tests.decompose.known_bank import RATE, key_sound, melody

KEYS = [60, 67, 60, 72]
KNOWN = melody(KEYS, [1.0, 0.8, 0.5, 0.7])
KNOWN_AGAIN = melody([60, 67, 60, 72, 60, 67, 60], [1.0, 0.8, 0.5, 0.7, 0.4, 0.6, 0.8])
TASK = Task(
    KNOWN.sound[:, None], KNOWN.sound, KNOWN.sound, RATE,
    Recipe(modes=12, sweeps=2), (0, len(KNOWN.sound)),
)  # fmt: skip


def plain(value: Any) -> Any:
    """Records as nested tuples of bytes and numbers, to be compared exactly."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return tuple(plain(getattr(value, f.name)) for f in dataclasses.fields(value))
    if isinstance(value, np.ndarray):
        return (value.dtype.kind, value.shape, value.tobytes())
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def test_a_run_taken_up_after_any_step_ends_in_the_same_state(tmp_path: pathlib.Path) -> None:
    whole = run_steps(TASK, State(RATE, len(KNOWN.sound)))
    state = State(RATE, len(KNOWN.sound))
    for step in STEPS:
        run_steps(TASK, state, step)
        save_state(state, tmp_path / "state.safetensors", "this one")
        again = load_state(tmp_path / "state.safetensors", "this one")
        assert plain(again) == plain(state), step
        state = again
    assert plain(state) == plain(whole)


def test_onsets_takes_and_strikes_follow_each_other() -> None:
    state = run_steps(TASK, State(RATE, len(KNOWN.sound)), "draft")
    assert state.done == "draft"
    np.testing.assert_allclose(state.onsets / RATE, KNOWN.onsets_s, atol=0.002)  # s
    assert [take.onset for take in state.takes] == state.onsets.tolist()
    assert {strike.onset for strike in state.draft.strikes} == set(state.onsets.tolist())
    assert len(state.draft.resonances) == len(set(KEYS))


def test_what_sweeps_find_is_settled_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    def sweep(fit: Fit, number: int, advance: Any, *, peel: bool, mend: bool) -> None:
        order.append("peel" if peel else "mend" if mend else "sweep")

    def settle(fit: Fit, steps: int, *, workers: int) -> None:
        order.append(f"settle {steps}")

    def recognise(fit: Fit, *, sure: bool, adding: bool) -> None:
        order.append(f"recognise{' surely' * sure}{' and forget' * (not adding)}")

    monkeypatch.setattr(Fit, "sweep", sweep)
    monkeypatch.setattr(fit_step, "settle", settle)
    monkeypatch.setattr(fit_step, "recognise", recognise)
    state = run_steps(TASK, State(RATE, len(KNOWN.sound)), "draft")
    recipe = Recipe(modes=12, sweeps=4, peels=1, mends=1, newton=2)
    fit_step.fit_draft(dataclasses.replace(TASK, recipe=recipe), state)
    assert order == [
        "settle 0", "sweep", "recognise",
        "settle 1", "peel", "recognise surely",
        "settle 2", "mend", "recognise surely",
        "settle 2", "sweep", "settle 2", "recognise surely and forget",
    ]  # fmt: skip


def test_nothing_is_recognised_where_notes_are_told_or_the_recipe_forbids(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(fit_step, "recognise", lambda fit, **how: asked.append(True))
    notes = [Note(onset, key) for onset, key in zip(KNOWN.onsets_s, KNOWN.keys, strict=True)]
    told = dataclasses.replace(TASK, played=played_notes(notes, RATE, 0, len(KNOWN.sound)))
    run_steps(told, State(RATE, len(KNOWN.sound)), "fit")
    assert not asked
    without = dataclasses.replace(TASK, recipe=dataclasses.replace(TASK.recipe, recognise=False))
    run_steps(without, State(RATE, len(KNOWN.sound)), "fit")
    assert not asked
    run_steps(TASK, State(RATE, len(KNOWN.sound)), "fit")
    assert asked


def test_a_key_missed_by_the_chords_is_found_by_the_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an octave's upper key, which was struck by itself before, the draft knows nothing."""
    keys, gains = [60, 72, 67, 60, 72, 67, 60], [1.0, 0.8, 0.7, 0.9, 1.0, 0.8, 0.9]
    known = melody(keys, gains)
    first = round(known.onsets_s[-1] * RATE)
    sound = known.sound.copy()
    sound[first:] += 0.1 * key_sound(72, 3.0)[: len(sound) - first]
    task = dataclasses.replace(TASK, frames=sound[:, None], heard=sound, signal=sound)
    task = dataclasses.replace(task, owned=(0, len(sound)), recipe=Recipe(modes=12, sweeps=3))
    state = run_steps(task, State(RATE, len(sound)), "draft")
    upper = next(s.resonance for s in state.draft.strikes if abs(s.onset - 0.4 * RATE) < 100)
    state.draft.strikes = [
        s for s in state.draft.strikes if s.resonance != upper or s.onset < first - 100
    ]
    run_steps(task, state, "fit")
    found = [s.onset for s in state.draft.strikes if s.resonance == upper]
    assert len(found) == 3
    assert found[-1] == pytest.approx(first, abs=0.002 * RATE)


def test_a_faint_onset_is_one_where_a_key_is_struck_that_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Seen too faintly at first, the fifth strike is a copy of the first; the noise is of none."""
    faint_s, noise_s = KNOWN_AGAIN.onsets_s[4], 2.35
    strong = find_onsets(KNOWN_AGAIN.sound, RATE)
    faint = np.array([round(faint_s * RATE), round(noise_s * RATE)])
    strong = np.array([o for o in strong if np.abs(o - faint).min() > 0.03 * RATE])

    def onsets(signal: Float, sample_rate: float, threshold: float) -> NDArray[np.int64]:
        both = np.sort(np.concatenate([strong, faint]))
        return strong if threshold >= TASK.recipe.onset_threshold else both

    monkeypatch.setattr(onsets_step, "find_onsets", onsets)
    monkeypatch.setattr(found_notes, "find_onsets", onsets)
    task = dataclasses.replace(
        TASK, frames=KNOWN_AGAIN.sound[:, None], heard=KNOWN_AGAIN.sound,
        signal=KNOWN_AGAIN.sound, owned=(0, len(KNOWN_AGAIN.sound)),
    )  # fmt: skip
    state = run_steps(task, State(RATE, len(KNOWN_AGAIN.sound)), "groups")
    assert state.played is not None
    struck = [(frame / RATE, key) for keys in state.played.struck for key, frame in keys.items()]
    assert [key for time, key in struck if abs(time - faint_s) < 0.01] == [KNOWN_AGAIN.keys[4]]
    assert not [key for time, key in struck if abs(time - noise_s) < 0.02]
    assert len(struck) == len(KNOWN_AGAIN.keys)


def test_steps_of_all_at_once_leave_less() -> None:
    def left(newton: int) -> float:
        recipe = Recipe(modes=12, sweeps=2, newton=newton)
        state = State(RATE, len(KNOWN.sound))
        run_steps(dataclasses.replace(TASK, recipe=recipe), state, "fit")
        return float(np.sum((KNOWN.sound - state.draft.model()) ** 2))

    assert left(2) < 0.7 * left(0)


def test_onsets_before_the_segment_are_somebody_elses() -> None:
    owned = (round(0.5 * RATE), len(KNOWN.sound))
    task = dataclasses.replace(TASK, owned=owned)
    state = run_steps(task, State(RATE, len(KNOWN.sound)), "onsets")
    np.testing.assert_allclose(state.onsets / RATE, KNOWN.onsets_s[2:], atol=0.002)  # s


def test_a_state_of_another_recording_or_a_damaged_one_is_refused(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "state.safetensors"
    state = run_steps(TASK, State(RATE, len(KNOWN.sound)), "takes")
    save_state(state, path, "one")
    with pytest.raises(FileFormatError, match="another recording"):
        load_state(path, "two")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(FileFormatError):
        load_state(path, "one")


def test_a_step_can_be_seen_before_and_after_the_groups_are_known(tmp_path: pathlib.Path) -> None:
    state = State(RATE, len(KNOWN.sound))
    for step in ("onsets", "takes", "groups"):
        draw_step(TASK, run_steps(TASK, state, step), tmp_path / f"{step}.png")
        assert (tmp_path / f"{step}.png").read_bytes()[:4] == b"\x89PNG"


def test_no_strike_starts_louder_than_what_is_heard() -> None:
    state = run_steps(TASK, State(RATE, len(KNOWN.sound)), "draft")
    span = round(0.06 * RATE)
    for strike in state.draft.strikes:
        sound = strike_signal(strike, state.draft.resonances[strike.resonance], RATE, span)
        heard = KNOWN.sound[strike.onset : strike.onset + span]
        assert float(sound @ sound) <= 1.001 * float(heard @ heard)


def test_the_command_line_knows_the_steps() -> None:
    assert tuple(STEPS) == DECOMPOSE_STEPS
