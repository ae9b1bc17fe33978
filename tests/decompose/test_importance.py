"""What is left of a piece when only its most important events stay."""

import dataclasses
import itertools
import pathlib

import numpy as np
import pytest

from rtsynth.audio import read_wav
from rtsynth.cli import run
from rtsynth.decompose import decompose_array, keep_events, rank_events, render_score
from rtsynth.errors import ValueRangeError
from rtsynth.events import Event, EventTable, Score
from rtsynth.metrics import multi_resolution
from rtsynth.render import save_score
from tests.decompose.known_bank import RATE, melody
from tests.engine.bank import small_instrument

KNOWN = melody([60, 64, 67, 60, 64, 72], [1.0, 0.1, 0.9, 0.1, 0.5, 0.05])
MADE = decompose_array(KNOWN.sound, RATE)
RANKING = rank_events(MADE.score, MADE.instrument)
ALL = len(MADE.score.table)


def distance(score: Score) -> float:
    """Log-magnitude distance from the whole resynthesis, nepers."""
    sound = render_score(score, MADE.instrument, RATE).mean(axis=1)
    count = min(len(sound), len(MADE.resynthesis))
    return multi_resolution(MADE.resynthesis[:count].mean(axis=1), sound[:count])[1]


def test_every_event_has_one_place_and_all_of_them_are_all_that_is_heard() -> None:
    assert sorted(RANKING.ids) == sorted(event.id for event in MADE.score.table)
    assert RANKING.heard[-1] == pytest.approx(1.0, abs=1e-9)


def test_each_further_event_adds_loudness_and_ever_less() -> None:
    added = np.diff([0.0, *RANKING.heard])
    assert (added >= 0.0).all()
    assert (np.diff(added) <= 1e-12).all()  # of all that is heard


def test_the_more_events_stay_the_nearer_is_the_piece() -> None:
    distances = [
        distance(keep_events(MADE.score, RANKING, round(share * ALL)))
        for share in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    assert (np.diff(distances) < 0.0).all()
    assert distances[-1] < 1e-9  # nepers


def test_the_important_half_is_nearer_than_the_other_half() -> None:
    half = keep_events(MADE.score, RANKING, ALL // 2)
    kept = {event.id for event in half.table}
    other = EventTable(event for event in MADE.score.table if event.id not in kept)
    rest = dataclasses.replace(MADE.score, table=other)
    assert distance(half) < 0.7 * distance(rest)


def test_a_shorter_score_is_part_of_every_longer_one_and_the_whole_is_left_alone() -> None:
    sets = [{e.id for e in keep_events(MADE.score, RANKING, n).table} for n in range(ALL + 1)]
    assert all(small < large for small, large in itertools.pairwise(sets))
    assert len(MADE.score.table) == ALL


def bells(*events: Event) -> Score:
    return Score(EventTable(events), seconds=4.0, sample_rate=48_000)


def test_loudness_decides_and_not_the_gain_alone() -> None:
    # the louder gain sounds for 5 ms only
    score = bells(Event(1, gain=1.0, duration_s=0.0, release_s=0.005), Event(2, gain=0.5))
    assert rank_events(score, small_instrument()).ids == (2, 1)


def test_what_another_event_covers_is_less_important_than_what_stands_alone() -> None:
    first, double, later = Event(1), Event(2, gain=0.9), Event(3, onset_s=2.0, gain=0.5)
    assert rank_events(bells(double, later), small_instrument()).ids == (2, 3)
    assert rank_events(bells(first, double, later), small_instrument()).ids == (1, 3, 2)


def test_muted_events_come_last() -> None:
    score = bells(Event(1, gain=1.0, muted=True), Event(2, gain=0.01))
    ranking = rank_events(score, small_instrument())
    assert ranking.ids == (2, 1)
    assert ranking.heard == (1.0, 1.0)


def test_an_empty_score_has_an_empty_order() -> None:
    assert rank_events(Score(sample_rate=48_000), small_instrument()).ids == ()


@pytest.mark.parametrize("count", [-1, ALL + 1])
def test_more_events_than_there_are_are_refused(count: int) -> None:
    with pytest.raises(ValueRangeError, match=f"legal: 0 … {ALL}"):
        keep_events(MADE.score, RANKING, count)


def test_render_keeps_the_most_important_events(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.score.safetensors"
    save_score(MADE.score, MADE.instrument, path)
    sounds = []
    for options in ([], ["--share", "0.5"], ["--events", str(-(-ALL // 2))], ["--events", "0"]):
        out = tmp_path / "a.wav"
        assert run(["render", str(path), "-o", str(out), *options]) == 0
        sounds.append(read_wav(out)[0])
    assert np.array_equal(sounds[1], sounds[2])
    assert not sounds[3].any()
    assert 0.0 < np.abs(sounds[1] - sounds[0]).max() < np.abs(sounds[0]).max()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--events", "99"], "legal: 0"),
        (["--events", "half"], "legal: 0"),
        (["--share", "1.5"], "legal: 0 … 1"),
        (["--share", "nan"], "legal: 0 … 1"),
        (["--share", "0.5", "--events", "1"], "not allowed with"),
        (["--share", "0.5", "--commands", "log.jsonl"], "whole score"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_what_is_legal(
    options: list[str], said: str, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "a.score.safetensors", tmp_path / "a.wav"
    save_score(MADE.score, MADE.instrument, path)
    assert run(["render", str(path), "-o", str(out), *options]) == 2
    assert said in capsys.readouterr().err
    assert not out.exists()


def test_inspect_shows_every_events_rank(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.score.safetensors"
    save_score(MADE.score, MADE.instrument, path)
    assert run(["inspect", str(path), "--importance"]) == 0
    lines = capsys.readouterr().out.splitlines()
    ranks = [int(line.split()[7]) for line in lines[-ALL:]]
    order = np.array([line.split()[0] for line in lines[-ALL:]], int)[np.argsort(ranks)]
    assert order.tolist() == list(RANKING.ids)
