"""A long recording in segments: the same keys, one bank, linear cost; interrupted and taken up."""

import dataclasses
import pathlib

import numpy as np
import pytest
import soundfile

from rtsynth.decompose import (
    Recipe,
    Recording,
    decompose,
    decompose_array,
    decompose_until,
    recording_from_array,
    whole,
)
from rtsynth.decompose import analysis as analysis_module
from rtsynth.decompose import ledger as ledger_module
from rtsynth.decompose.analysis import analyse, analyse_until
from rtsynth.decompose.damped import Modes
from rtsynth.decompose.draft import Resonance, Strike
from rtsynth.decompose.grouping import Take
from rtsynth.decompose.ledger import Ledger
from rtsynth.decompose.progress import Silent
from rtsynth.decompose.segment import cut_segments
from rtsynth.decompose.steps import STEPS, Known, State
from rtsynth.decompose.work import Work, fingerprint
from rtsynth.errors import FileFormatError, UsageError
from rtsynth.events import Kind, Score
from rtsynth.instrument import Instrument
from tests.decompose.known_bank import RATE, melody
from tests.random_field import random_weights

KEYS = [60, 64, 67, 72, 60, 64, 67, 72, 64, 60] * 2
KNOWN = melody(KEYS, [1.0, 0.8, 0.9, 0.7, 0.8] * 4, step_s=0.5)
CUT = Recipe(modes=12, sweeps=2, whole_s=1.0, segment_s=5.0, only_texture=False)
RECORDING = recording_from_array(KNOWN.sound, RATE)
MADE = decompose(RECORDING, recipe=CUT)
MODAL = [event for event in MADE.score.table if event.kind == Kind.MODAL]


def test_every_frame_belongs_to_one_segment_and_cuts_fall_before_onsets() -> None:
    segments = cut_segments(RECORDING, CUT)
    assert len(segments) > 1
    assert [s.first for s in segments[1:]] == [s.last for s in segments[:-1]]
    assert (segments[0].first, segments[-1].last) == (0, len(KNOWN.sound))
    for segment in segments:
        assert 2.4 < (segment.last - segment.first) / RATE < 7.6  # s
        assert segment.begin <= segment.first
        assert segment.end >= segment.last
    for cut in [s.first / RATE for s in segments[1:]]:
        ahead = min(onset - cut for onset in KNOWN.onsets_s if onset > cut)
        assert ahead < 0.06  # s: the quietest place is just before the next key


def test_a_short_recording_is_one_segment() -> None:
    assert len(cut_segments(RECORDING, Recipe())) == 1


def test_keys_are_struck_once_each_whatever_the_cuts() -> None:
    found = sorted(event.onset_s for event in MODAL)
    assert len(found) == len(KEYS)
    np.testing.assert_allclose(found, KNOWN.onsets_s, atol=0.002)  # s


def test_a_key_struck_again_in_a_later_segment_is_the_same_resonance() -> None:
    used = [event.resonance for event in sorted(MODAL, key=lambda event: event.onset_s)]
    assert len(set(used)) == len(set(KEYS))
    assert len(set(zip(used, KEYS, strict=True))) == len(set(KEYS))


def test_segments_lose_less_than_3_db_against_the_whole() -> None:
    whole = decompose(RECORDING, recipe=dataclasses.replace(CUT, whole_s=60.0))
    lost = whole.report["metrics"]["snr_db"] - MADE.report["metrics"]["snr_db"]
    assert lost < 3.0  # dB: each key is learned from its first segment alone


def test_workers_change_nothing() -> None:
    again = decompose(RECORDING, recipe=CUT, workers=3)
    assert again.score.table == MADE.score.table
    assert again.instrument.fingerprint() == MADE.instrument.fingerprint()


@pytest.mark.parametrize("broken_off", [("takes", 0), ("fit", 1)])
def test_an_interrupted_run_goes_on_and_ends_the_same(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, broken_off: tuple[str, int]
) -> None:
    keep = Work.keep

    def interrupted(self: Work, segment: int, state: State) -> None:
        keep(self, segment, state)
        if (state.done, segment) == broken_off:
            raise KeyboardInterrupt

    monkeypatch.setattr(Work, "keep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        decompose(RECORDING, recipe=CUT, work=tmp_path)
    steps: list[tuple[str, int]] = []

    def noted(self: Work, segment: int, state: State) -> None:
        steps.append((state.done, segment))

    monkeypatch.setattr(Work, "keep", noted)
    made = decompose(RECORDING, recipe=CUT, work=tmp_path)
    assert broken_off not in steps
    assert made.score.table == MADE.score.table
    assert made.instrument.fingerprint() == MADE.instrument.fingerprint()


def test_a_run_that_goes_on_says_from_where(tmp_path: pathlib.Path) -> None:
    work = Work(tmp_path, fingerprint(RECORDING, CUT))
    assert work.reached() == ""
    analyse_until(RECORDING, CUT, "groups", work, Silent())
    assert work.reached() == f"{tmp_path}: goes on with segment 1, after its step groups"
    made = decompose(RECORDING, recipe=CUT, work=tmp_path)
    assert f"{tmp_path}: goes on with segment 1, after its step groups" in made.report["notes"]
    count = len(cut_segments(RECORDING, CUT))
    assert work.reached() == f"{tmp_path}: {count} segments are done there"


def test_a_line_that_was_kept_is_not_fitted_again(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted = []
    drawn = dataclasses.replace(
        MADE.instrument, field=random_weights(resonances=MADE.instrument.resonances)
    )

    def line(_line: object, recording: Recording, _recipe: Recipe) -> tuple[Score, Instrument]:
        fitted.append(recording.source)
        return MADE.score, drawn

    monkeypatch.setattr(whole, "surely_held", lambda *_: object())
    monkeypatch.setattr(whole, "draw_line", line)
    made = [decompose(RECORDING, recipe=CUT, work=tmp_path) for _ in range(2)]
    assert len(fitted) == 1
    assert made[1].score.table == MADE.score.table
    assert made[1].instrument.fingerprint() == drawn.fingerprint()


@pytest.mark.parametrize(
    ("change", "way"), [("only_texture", "texture"), ("sustained", "one sustained")]
)
def test_steps_of_what_has_none_are_refused(tmp_path: pathlib.Path, change: str, way: str) -> None:
    soundfile.write(tmp_path / "keys.wav", KNOWN.sound, RATE)
    only = dataclasses.replace(CUT, only_texture=True)
    made = only if change == "only_texture" else dataclasses.replace(CUT, sustained=True)
    with pytest.raises(UsageError, match=way):
        decompose_until(tmp_path / "keys.wav", "onsets", recipe=made)


def test_the_most_alike_are_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    made = analyse(RECORDING, CUT, Work(None, ""), Silent())
    monkeypatch.setattr(ledger_module, "OFFERED", 2)
    assert len(made.bank) == 4
    for index in range(4):
        assert index in made.offer([made.bank[index].take])
    assert len(made.offer([known.take for known in made.bank])) == 2


def test_work_on_something_else_is_refused(tmp_path: pathlib.Path) -> None:
    mark = fingerprint(RECORDING, CUT)
    Work(tmp_path, mark)
    changed = KNOWN.sound.copy()
    changed[100] += 1e-3
    for other in (
        fingerprint(recording_from_array(changed, RATE), CUT),
        fingerprint(RECORDING, dataclasses.replace(CUT, sweeps=3)),
    ):
        with pytest.raises(FileFormatError, match="another recipe"):
            Work(tmp_path, other)


def test_a_folder_that_is_a_file_is_refused(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileFormatError, match="choose another folder"):
        Work(tmp_path / "file", "mark")


def test_steps_stop_where_they_are_asked_to(tmp_path: pathlib.Path) -> None:
    work = Work(tmp_path, "mark")
    _, state = analyse_until(RECORDING, CUT, "groups", work, Silent())
    assert state.done == "groups"
    assert state.draft.strikes == []
    kept = sorted(path.name for path in tmp_path.glob("*.safetensors"))
    assert kept == [f"0000.{n}-{step}.safetensors" for n, step in enumerate(list(STEPS)[:3])]


def test_the_nearest_resonances_are_merged_until_the_limit_holds() -> None:
    ledger = analyse(RECORDING, CUT, Work(None, ""), Silent())
    strikes = len(ledger.strikes)
    ledger.shrink(2)
    assert len({strike.resonance for strike in ledger.strikes}) == 2
    assert len(ledger.strikes) == strikes
    assert all(strike.gain > 0 for strike in ledger.strikes)


def test_a_crowded_bank_is_merged_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    shrink = Ledger.shrink

    def noted(self: Ledger, limit: int) -> None:
        shrink(self, limit)
        sizes.append(len(self.bank))

    monkeypatch.setattr(Ledger, "shrink", noted)
    monkeypatch.setattr(analysis_module, "CROWDED", 0.5)
    few = dataclasses.replace(CUT, resonances=4)
    ledger = analyse(RECORDING, few, Work(None, ""), Silent())
    assert len(sizes) > 1
    assert max(sizes) <= 4
    assert {strike.resonance for strike in ledger.strikes} == set(range(len(ledger.bank)))
    assert len(ledger.strikes) == len(KEYS)


def test_what_is_silent_is_merged_first() -> None:
    rng = np.random.default_rng(0)
    ledger = Ledger(RATE, np.ones(1))
    for number, level in enumerate((1.0, 0.0, 0.5)):
        modes = Modes(220.0 * (1.0 + np.arange(2.0)), np.ones(2), np.full(2, level + 0j))
        take = Take(0, modes, rng.uniform(0.5, 1.0, 64), 0.9, np.zeros(2))
        ledger.learn(Known(Resonance(modes), take))
        ledger.strikes.append(Strike(1_000 * number, number, 1.0))
    ledger.shrink(2)
    levels = [float(abs(known.resonance.modes.amplitude[0])) for known in ledger.bank]
    assert levels == [1.0, 0.5]
    assert {strike.resonance for strike in ledger.strikes} == {0, 1}


def test_what_rings_into_a_segment_is_what_the_earlier_events_do_there() -> None:
    ledger = analyse(RECORDING, CUT, Work(None, ""), Silent())
    second = cut_segments(RECORDING, CUT)[1]
    early = [strike for strike in ledger.strikes if strike.onset < second.first]
    before = Ledger(RATE, np.ones(1), early, ledger.bank)
    whole = before.draft(len(KNOWN.sound)).model()[second.begin : second.end]
    np.testing.assert_allclose(before.ringing(second), whole, atol=1e-12)


def test_the_two_sides_of_a_cut_stereo_recording_are_kept() -> None:
    sides = np.stack([KNOWN.sound, 0.2 * KNOWN.sound], axis=1)
    made = decompose_array(sides, RATE, recipe=CUT)
    pans = [event.pan for event in made.score.table if event.kind == Kind.MODAL]
    assert made.resynthesis.shape[1] == 2
    assert np.median(pans) == pytest.approx(np.arctan(0.2) * 4 / np.pi - 1, abs=0.05)
