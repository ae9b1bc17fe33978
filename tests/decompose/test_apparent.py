"""Which keys only look so: common periods of chords, overtones of bars."""

import numpy as np
import pytest

from rtsynth.decompose.damped import Modes
from rtsynth.decompose.keys.apparent import overtones, rooted_keys, with_first_partial
from rtsynth.decompose.keys.keyboard import KEYS, key_hz, partial_hz, partial_places, partial_ratios
from rtsynth.decompose.keys.keyed import are_keyed
from rtsynth.decompose.keys.needed import needed

C4, E4, G4 = 60, 64, 67


def row(key: int) -> int:
    """Where a key stands among all keys."""
    return key - int(KEYS[0])


def partials_of(key: int, levels: dict[int, float]) -> Modes:
    """A key of these partials, by their number."""
    freq = partial_hz(float(key), key_hz(float(key)), max(levels))
    chosen = np.array([freq[number - 1] for number in levels])
    amplitude = np.array(list(levels.values()), complex)
    return Modes(chosen, np.full(len(chosen), 2.0), amplitude)


def joined(*some: Modes) -> Modes:
    return Modes(
        *(
            np.concatenate([getattr(m, name) for m in some])
            for name in ("freq_hz", "t60_s", "amplitude")
        )
    )


def sines(*keys: int) -> Modes:
    return joined(*(partials_of(key, {1: 1.0}) for key in keys))


def test_the_common_period_of_a_triad_of_sines_is_no_key() -> None:
    rooted = rooted_keys(sines(C4, E4, G4))
    assert rooted[[row(C4), row(E4), row(G4)]].all()
    assert not rooted[: row(C4)].any()  # C2 has its partials 4, 5 and 6 there, no other prime


def test_a_low_key_whose_first_partial_is_missing_is_a_key() -> None:
    spoken = partials_of(28, {number: 1.0 / number for number in range(2, 13)})
    assert rooted_keys(spoken)[row(28)]
    assert not with_first_partial(spoken)[row(28)]


def test_a_high_key_whose_early_partials_are_missing_is_none() -> None:
    spoken = partials_of(52, {number: 1.0 for number in range(3, 13)})
    assert not rooted_keys(spoken)[row(52)]


@pytest.mark.parametrize(("level_db", "there"), [(-20.0, True), (-30.0, False)])
def test_a_first_partial_is_there_down_to_25_db_below_the_strongest(
    level_db: float, there: bool
) -> None:
    levels = {1: 10.0 ** (level_db / 20.0), 2: 1.0, 4: 0.5}
    assert with_first_partial(partials_of(48, levels))[row(48)] == there
    assert rooted_keys(partials_of(48, levels))[row(48)] == there


def test_keys_are_rooted_in_the_tuning_of_the_recording() -> None:
    quarter = Modes(sines(C4).freq_hz * 2.0 ** (0.8 / 12.0), np.array([2.0]), np.ones(1, complex))
    assert not rooted_keys(quarter)[row(C4)]
    assert not with_first_partial(quarter)[row(C4)]
    assert rooted_keys(quarter, 2.0 ** (0.8 / 12.0))[row(C4)]


def struck(onsets: dict[int, list[float]]) -> np.ndarray:
    """Gains [keys, onsets] of some keys."""
    gains = np.zeros((len(KEYS), len(next(iter(onsets.values())))))
    for key, levels in onsets.items():
        gains[row(key)] = levels
    return gains


def test_what_always_sounds_with_one_key_far_below_is_its_overtone() -> None:
    bar = struck({60: [1.0, 0.0, 0.5, 0.8], 84: [0.3, 0.0, 0.15, 0.24], 67: [0.0, 1.0, 0.0, 0.0]})
    assert np.flatnonzero(overtones(bar)).tolist() == [row(84)]


@pytest.mark.parametrize(
    "upper",
    [
        [0.3, 0.0, 0.5, 0.24],  # its level beside the lower key's changes by 10 dB
        [0.3, 0.0, 0.0, 0.24],  # not whenever the lower key is struck
        [0.3, 0.4, 0.15, 0.24],  # also without it
    ],
)
def test_a_key_played_two_octaves_above_another_is_no_overtone(upper: list[float]) -> None:
    assert not overtones(struck({60: [1.0, 0.0, 0.5, 0.8], 84: upper})).any()


def test_parallel_octaves_are_keys() -> None:
    assert not overtones(struck({60: [1.0, 0.5], 72: [1.0, 0.5]})).any()


def test_a_key_at_the_end_of_the_keyboard_heard_only_with_a_far_lower_one_is_its_overtone() -> None:
    once = {60: [1.0, 1.0], 96: [0.4, 0.0]}
    assert np.flatnonzero(overtones(struck(once))).tolist() == [row(96)]
    alone = {60: [1.0, 0.0], 96: [0.0, 0.4]}
    assert not overtones(struck(alone)).any()


def test_silence_has_neither_keys_nor_overtones() -> None:
    assert not rooted_keys(Modes.none()).any()
    assert not overtones(np.zeros((len(KEYS), 3))).any()


def test_a_key_must_explain_more_where_another_s_partials_lie_on_its_first() -> None:
    # A third above C4 has a first partial of its own; a twelfth's may be C4's third; and of what
    # is very high only the first is seen.
    assert needed_beside_c4(64, 0.2)
    assert not needed_beside_c4(79, 0.2)
    assert needed_beside_c4(79, 0.3)
    assert not needed_beside_c4(100, 0.2)
    assert needed_beside_c4(100, 0.3)


def needed_beside_c4(key: int, gain: float) -> bool:
    """Whether a key of this strength beside C4 is needed, where partials fall by 3 dB an octave."""
    harmonics = partial_places().shape[1]
    levels = np.arange(1.0, harmonics + 1.0) ** -0.5
    parts = np.einsum("h,khb->bk", levels, partial_places())
    parts /= parts.sum(axis=0)
    gains = np.zeros(len(KEYS))
    gains[[row(C4), row(key)]] = 1.0, gain
    wanted = parts @ gains
    kept = needed(wanted, np.full(len(wanted), 0.02 * wanted.max()), parts, gains)
    assert kept[row(C4)] > 0.0
    return bool(kept[row(key)] > 0.0)


def test_hits_on_bars_in_tune_are_keyed_and_those_on_bells_are_not() -> None:
    bars = [joined(partials_of(key, {1: 1.0, 3: 0.1})) for key in (67, 69, 72, 76, 79)]
    rng = np.random.default_rng(3)
    bells = [
        Modes(440.0 * 2.0 ** rng.uniform(-1.0, 3.0, 6), np.ones(6), np.ones(6, complex))
        for _ in range(12)
    ]
    assert are_keyed(bars)
    assert not are_keyed(bells)
    assert not are_keyed([])


def test_a_string_s_partials_are_sharp_by_its_stiffness() -> None:
    ratios = partial_ratios(60.0, 8)
    assert ratios[0] == pytest.approx(1.0)
    cents = 1200.0 * np.log2(ratios / np.arange(1, 9))
    stiffness = 2e-4 * 2.0 ** (12.0 / 18.0)
    np.testing.assert_allclose(cents[7], 600.0 * np.log2((1 + 64 * stiffness) / (1 + stiffness)))
    assert (np.diff(cents) > 0.0).all()
