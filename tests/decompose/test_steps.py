"""Every step by itself: what it fills in, and that its state survives a file to the last bit."""

import dataclasses
import pathlib
from typing import Any

import numpy as np
import pytest

from rtsynth.cli.parser import DECOMPOSE_STEPS
from rtsynth.decompose import Recipe, draw_step
from rtsynth.decompose.draft import strike_signal
from rtsynth.decompose.fit import Fit
from rtsynth.decompose.steps import (
    STEPS,
    State,
    Task,
    fit_step,
    load_state,
    run_steps,
    save_state,
)
from rtsynth.errors import FileFormatError
from tests.decompose.known_bank import RATE, melody

KEYS = [60, 67, 60, 72]
KNOWN = melody(KEYS, [1.0, 0.8, 0.5, 0.7])
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

    monkeypatch.setattr(Fit, "sweep", sweep)
    monkeypatch.setattr(fit_step, "settle", settle)
    state = run_steps(TASK, State(RATE, len(KNOWN.sound)), "draft")
    recipe = Recipe(modes=12, sweeps=4, peels=1, mends=1, newton=2)
    fit_step.fit_draft(dataclasses.replace(TASK, recipe=recipe), state)
    assert order[:4] == ["settle 0", "sweep", "settle 1", "peel"]
    assert order[4:] == ["settle 2", "mend", "settle 2", "sweep", "settle 2"]


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
