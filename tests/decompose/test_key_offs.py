"""Key-offs of all strikes together: seen, stopped by the next strike, placed, and doubted."""

import numpy as np
import pytest

from rtsynth.decompose import Note, Recipe, decompose, recording_from_array
from rtsynth.decompose.draft import Draft, Strike, modal_signal
from rtsynth.decompose.fit import Fit
from rtsynth.decompose.keys import key_offs
from rtsynth.decompose.keys.key_offs import find_key_offs, place_key_offs
from rtsynth.metrics import event_pitches
from tests.decompose.test_damper import RATE, played, string

Heard = tuple[int, float, float | None]

LEGATO: list[Heard] = [
    (60, 0.1, 0.4), (64, 0.5, 0.4), (67, 0.9, 0.4), (55, 0.1, 1.1), (60, 1.3, 0.3), (48, 1.3, 0.8),
]  # fmt: skip


def fit_of(*notes: Heard) -> tuple[Fit, list[float | None]]:
    """A fit whose resonances are right and whose strikes are all held."""
    sound, draft, helds = played(*notes)
    return Fit(sound, draft), helds


def kept_up(fit: Fit) -> bool:
    """Whether the residual is what the draft leaves; float32 sums, 120 dB down."""
    return bool(np.allclose(fit.residual, fit.signal - fit.draft.model(), atol=1e-6))


def test_key_offs_of_overlapping_notes_are_found_to_5_ms() -> None:
    fit, helds = fit_of(*LEGATO)
    assert find_key_offs(fit)
    place_key_offs(fit)  # once more, as a fit does: now the others are placed, too
    for strike, held in zip(fit.draft.strikes, helds, strict=True):
        assert strike.held is not None
        assert held is not None
        assert abs(strike.held / RATE - held) < 0.005
        assert strike.release_s == pytest.approx(0.35)  # s
    assert kept_up(fit)
    left = float(fit.residual @ fit.residual) / float(fit.signal @ fit.signal)
    assert 10.0 * np.log10(left) < -35.0  # dB


def test_found_anew_they_are_the_same() -> None:
    fit, _ = fit_of(*LEGATO)
    dampers = find_key_offs(fit)
    first = [(strike.held, strike.release_s) for strike in fit.draft.strikes]
    assert find_key_offs(fit, dampers) == dampers
    assert [(strike.held, strike.release_s) for strike in fit.draft.strikes] == first


def test_a_wrong_key_off_is_forgotten() -> None:
    fit, _ = fit_of((60, 0.1, None), (64, 0.5, None))
    for strike in fit.draft.strikes:
        fit.put_back([strike])
        strike.held, strike.release_s = round(0.3 * RATE), 0.1
        fit.take_away([strike])
    find_key_offs(fit)
    assert [strike.held for strike in fit.draft.strikes] == [None, None]
    assert kept_up(fit)


@pytest.mark.parametrize("rings", [False, True])
def test_a_key_struck_again_was_let_go_unless_it_plainly_rings_on(rings: bool) -> None:
    held = None if rings else 0.6
    fit, _ = fit_of((60, 0.1, held), (60, 0.7, None))
    find_key_offs(fit)
    found = fit.draft.strikes[0].held
    if rings:
        assert found is None
    else:
        assert found is not None
        assert abs(found / RATE - 0.6) < 0.01
    assert kept_up(fit)


@pytest.mark.parametrize(("first_s", "then_s"), [(1.3, 0.7), (0.9, 0.6)])
def test_what_rings_on_under_the_next_strike_is_let_go_with_it(
    first_s: float, then_s: float
) -> None:
    """As by a pedal that is lifted."""
    begin_s = 0.1 + first_s - then_s
    fit, helds = fit_of((60, 0.1, first_s), (60, begin_s, then_s), (67, 0.3, None))
    find_key_offs(fit)
    place_key_offs(fit)
    for strike, held in zip(fit.draft.strikes[:2], helds[:2], strict=True):
        assert strike.held is not None
        assert held is not None
        assert abs(strike.held / RATE - held) < 0.03  # both fall at once
    assert kept_up(fit)


@pytest.mark.parametrize(("ringing", "stay"), [(4, True), (1, False)])
def test_strikes_that_may_ring_on_do_so_where_most_may(ringing: int, stay: bool) -> None:
    """Noise hides so much that it is not plain of any one by itself."""
    apart, gap, rate = round(1.6 * RATE), round(0.5 * RATE), RATE
    strikes, resonances = [], [string(key) for key in (50, 57, 64, 71)]
    for key in range(4):
        begin = round(0.1 * RATE) + key * apart
        strikes.append(Strike(begin, key, 1.0, None if key < ringing else gap, 0.1))
        strikes.append(Strike(begin + gap, key, 1.0, gap, 0.1))
    draft = Draft(rate, 5 * apart, strikes, resonances)
    older = modal_signal(Strike(0, 0, 1.0), resonances[0].modes, RATE, gap + 13_000)[gap:]
    loud = 1.3 * float(np.sqrt(np.mean(older**2)))
    sound = draft.model() + loud * np.random.default_rng(7).standard_normal(draft.length)
    for strike in strikes[::2]:
        strike.held = None
    stopped = key_offs._stop(Fit(sound, draft))
    assert [id(strike) not in stopped for strike in strikes[:2:2]] == [stay]


def test_a_key_struck_again_and_again_ends_every_time() -> None:
    fit, helds = fit_of(*((60, 0.1 + 0.25 * number, 0.24) for number in range(6)))
    dampers = find_key_offs(fit)
    find_key_offs(fit, dampers)
    for strike, held in zip(fit.draft.strikes, helds, strict=True):
        assert strike.held is not None
        assert held is not None
        assert abs(strike.held / RATE - held) < 0.02
    assert kept_up(fit)


def test_two_strikes_at_one_onset_do_not_stop_each_other() -> None:
    sound, draft, _ = played((60, 0.1, None))
    draft.strikes[0].gain /= 2.0
    draft.strikes.append(Strike(draft.strikes[0].onset, 0, draft.strikes[0].gain))
    fit = Fit(sound, draft)
    find_key_offs(fit)
    assert [strike.held for strike in fit.draft.strikes] == [None, None]


@pytest.mark.parametrize("off_s", [-0.05, -0.02, 0.03, 0.05])
@pytest.mark.parametrize("release_s", [0.09, 0.5])
def test_a_key_off_that_is_known_to_50_ms_is_placed_to_the_block(
    off_s: float, release_s: float
) -> None:
    resonances = [string(60), string(67)]
    strikes = [
        Strike(2_000, 0, 1.0, round(0.7 * RATE), release_s),
        Strike(round(0.75 * RATE), 1, 1.5),
    ]
    truth = Draft(RATE, round(2.0 * RATE), strikes, resonances)
    sound = truth.model()
    strikes[0].held, strikes[0].release_s = round((0.7 + off_s) * RATE), 0.25
    fit = Fit(sound, truth)
    place_key_offs(fit)
    assert strikes[0].held is not None
    assert abs(strikes[0].held - 0.7 * RATE) <= 64  # samples
    assert strikes[0].release_s == release_s
    assert kept_up(fit)


def test_falls_after_which_the_waveform_goes_on_are_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fit, _ = fit_of((60, 0.1, None), (64, 0.3, None), (67, 0.5, 0.6))
    said = [round(0.4 * RATE), round(0.5 * RATE), round(0.6 * RATE)]
    monkeypatch.setattr(key_offs, "damped_at", lambda *_: said)
    assert not find_key_offs(fit, False)
    helds = [strike.held for strike in fit.draft.strikes]
    assert helds[:2] == [None, None]
    assert helds[2] is not None
    assert abs(helds[2] / RATE - 0.6) < 0.005
    assert kept_up(fit)


@pytest.mark.parametrize(("damped", "expected"), [(5, True), (1, False)])
def test_whether_there_are_dampers_is_told_by_what_most_falls_leave(
    monkeypatch: pytest.MonkeyPatch, damped: int, expected: bool
) -> None:
    notes = [(48 + 3 * n, 0.1 + 0.1 * n, 0.5 if n < damped else None) for n in range(6)]
    fit, _ = fit_of(*notes)
    monkeypatch.setattr(key_offs, "damped_at", lambda *_: [round(0.5 * RATE)] * 6)
    assert find_key_offs(fit) is expected
    ends = sum(strike.held is not None for strike in fit.draft.strikes)
    assert ends == (6 if expected else 1)


def test_where_dampers_are_known_every_fall_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    fit, _ = fit_of((60, 0.1, None), (64, 0.3, None))
    said = [round(0.4 * RATE), None]
    monkeypatch.setattr(key_offs, "damped_at", lambda *_: said)
    assert find_key_offs(fit, True)
    first, second = fit.draft.strikes
    assert first.held is not None
    assert abs(first.held / RATE - 0.4) <= 0.061
    assert second.held is None


def test_nothing_is_said_of_no_strikes_and_of_strikes_at_the_very_end() -> None:
    empty = Fit(np.zeros(1_000), Draft(RATE, 1_000, [], []))
    assert find_key_offs(empty) is None
    sound, draft, _ = played((60, 0.1, None), (67, 0.5, None))
    draft.strikes[1].onset, draft.strikes[1].gain = draft.length - 1, 1e-3
    fit = Fit(sound, draft)
    find_key_offs(fit)
    assert fit.draft.strikes[1].held is None
    assert kept_up(fit)


@pytest.mark.parametrize("sweeps", [1, 2, 3])
def test_a_decomposition_finds_key_offs_with_any_number_of_sweeps(sweeps: int) -> None:
    sound, draft, helds = played(*LEGATO)
    keys = sorted({key for key, _, _ in LEGATO})
    notes = [Note(s.onset / RATE, keys[s.resonance]) for s in draft.strikes]
    recording = recording_from_array(0.5 * sound, round(RATE))
    made = decompose(recording, recipe=Recipe(sweeps=sweeps), notes=notes)
    pitches = event_pitches(made.score, made.instrument)
    right = 0
    for event, pitch in zip(made.score.table, pitches, strict=False):
        for (key, onset_s, _), held in zip(LEGATO, helds, strict=True):
            near = round(pitch) == key and abs(event.onset_s - onset_s) < 0.02
            right += near and held is not None and abs(event.duration_s - held) < 0.08
    assert right >= len(LEGATO) - 1
