"""A pursuit takes energy by exactly what it says, and finds what was planted."""

import numpy as np
import pytest

from rtsynth.errors import ValueRangeError
from rtsynth.pursuit import Atoms, assign_picks, damped_atoms, pursue, render
from rtsynth.pursuit.atoms import optimum
from rtsynth.pursuit.picks import Picks
from rtsynth.pursuit.pursue import Pursuit
from rtsynth.pursuit.search import FromResidual, safe_hop
from rtsynth.pursuit.through_gram import ThroughGram
from rtsynth.units import LN1000
from tests.pursuit.planted import LENGTH, RATE, planted, windowed


def energy(sound: np.ndarray) -> float:
    return float(sound @ sound)


def random_atoms(count: int, length: int, seed: int = 3) -> Atoms:
    """Complex noise, far from analytic: |ρ| is not small."""
    rng = np.random.default_rng(seed)
    return Atoms(rng.normal(size=(count, length)) + 0.3j * rng.normal(size=(count, length)))


@pytest.mark.parametrize("seed", range(4))
def test_the_closed_form_is_least_squares_to_1e_10(seed: int) -> None:
    rng = np.random.default_rng(seed)
    atoms = random_atoms(1, 64, seed)
    sound = rng.normal(size=64)
    wave = atoms.waveform[0]
    design = np.stack([2 * wave.real, -2 * wave.imag], axis=1)
    real, imag = np.linalg.lstsq(design, sound, rcond=None)[0]
    amplitude, gain = optimum(complex(wave.conj() @ sound), complex(atoms.rho[0]))
    assert abs(amplitude - (real + 1j * imag)) < 1e-10
    left = sound - design @ [real, imag]
    assert gain == pytest.approx(energy(sound) - energy(left), rel=1e-10)


@pytest.mark.parametrize("hop", [1, 4])
@pytest.mark.parametrize("kind", ["windowed", "noise", "real"])
def test_each_pick_lowers_the_energy_by_exactly_its_gain(kind: str, hop: int) -> None:
    atoms = windowed() if kind == "windowed" else random_atoms(8, 128)
    if kind == "real":
        atoms = Atoms(atoms.waveform.real.astype(complex))
    sound, _ = planted(windowed(), 20, 0.5, 40.0)
    pursuit = Pursuit(sound, atoms, hop)
    before = energy(pursuit.residual)
    for _ in range(30):
        claimed = pursuit.energy
        assert pursuit.step()
        after = energy(pursuit.residual)
        fell = claimed - pursuit.energy
        assert before - after == pytest.approx(fell, rel=1e-9, abs=1e-11 * energy(sound))
        before = after
    assert np.sum(pursuit.picks().gain) == pytest.approx(energy(sound) - before, rel=1e-9)


def test_without_refit_the_gains_and_the_rest_are_the_whole_energy() -> None:
    sound, _ = planted(windowed(), 20, 0.5, 40.0)
    picks = pursue(sound, windowed(), picks=40, refit_every=0)
    left = energy(sound - render(picks, windowed(), len(sound)))
    assert left + picks.gain.sum() == pytest.approx(energy(sound), rel=1e-9)


def test_19_of_20_planted_atoms_are_found_within_2_samples_at_40_db() -> None:
    atoms = windowed()
    found = wanted = 0
    for seed in range(5):
        sound, truth = planted(atoms, 20, 1.0, 40.0, seed)
        picks = pursue(sound, atoms, picks=20)
        for atom, shift, amplitude in zip(truth.atom, truth.shift, truth.amplitude, strict=True):
            near = (picks.atom == atom) & (np.abs(picks.shift - shift) <= 2)
            found += bool(near.any()) and bool(
                np.abs(np.abs(picks.amplitude[near]) - abs(amplitude)).min() < 0.1
            )
            wanted += 1
    assert found >= 0.95 * wanted


def test_complex_atoms_need_fewer_picks_than_real_ones_for_the_same_snr() -> None:
    atoms = windowed()
    sound, _ = planted(atoms, 40, 1.0, 60.0)
    real = Atoms(atoms.waveform.real.astype(complex))
    both = Atoms(np.concatenate([atoms.waveform.real, atoms.waveform.imag]).astype(complex))
    needed, one, two = (
        len(pursue(sound, kind, picks=400, until_db=-40.0)) for kind in (atoms, real, both)
    )
    assert needed < 0.5 * min(one, two)


@pytest.mark.parametrize("kind", [FromResidual, ThroughGram])
@pytest.mark.parametrize("noise", [False, True])
def test_maxima_updated_near_the_picks_equal_those_of_a_full_recomputation(
    kind: type[FromResidual] | type[ThroughGram], noise: bool
) -> None:
    atoms = random_atoms(6, 200) if noise else windowed(12)
    sound, _ = planted(windowed(), 20, 0.4, 30.0)
    pursuit = Pursuit(sound, atoms, search=kind)
    for _ in range(12):
        pursuit.step()
    assert isinstance(pursuit.search, kind)
    peaks, anew = pursuit.search.peaks, kind(pursuit.residual, atoms).peaks
    np.testing.assert_allclose(peaks.gain, anew.gain, rtol=1e-3, atol=1e-5 * float(anew.gain.max()))


@pytest.mark.parametrize("kind", [FromResidual, ThroughGram])
def test_block_maxima_are_those_of_plain_correlations(
    kind: type[FromResidual] | type[ThroughGram],
) -> None:
    atoms = random_atoms(5, 100)
    sound = np.random.default_rng(1).normal(size=900)
    gains = []
    for wave, rho in zip(atoms.waveform, atoms.rho, strict=True):
        plain = np.correlate(sound, wave, "valid")
        gains.append([optimum(c, complex(rho))[1] for c in plain])
    best = np.max(gains, axis=0)
    peaks = kind(sound, atoms).peaks
    for block, gain in enumerate(peaks.gain):
        assert gain == pytest.approx(best[block * 128 : (block + 1) * 128].max(), rel=1e-4)
        there = gains[peaks.atom[block]][peaks.place[block]]
        assert there == pytest.approx(gain, rel=1e-4)


def test_refitting_leaves_a_residual_orthogonal_to_every_pick_near() -> None:
    atoms = windowed(60)
    sound, _ = planted(atoms, 12, 0.1, 60.0)
    plain = pursue(sound, atoms, picks=16, refit_every=0)
    fitted = pursue(sound, atoms, picks=16, refit_every=4)
    left = sound - render(fitted, atoms, len(sound))
    assert energy(left) < energy(sound - render(plain, atoms, len(sound)))
    for atom, shift in zip(fitted.atom, fitted.shift, strict=True):
        inner = abs(atoms.waveform[atom].conj() @ left[shift : shift + LENGTH])
        assert inner < 1e-6 * np.sqrt(energy(sound))


def test_a_wide_hop_still_places_a_pick_to_the_sample() -> None:
    atoms = windowed(8)
    assert safe_hop(atoms) > 1
    assert safe_hop(Atoms(atoms.waveform.real.astype(complex))) == 1
    sound, truth = planted(atoms, 1, 0.1, 80.0)
    picks = pursue(sound, atoms, picks=1, hop=8)
    assert picks.shift[0] == truth.shift[0]
    assert abs(picks.amplitude[0] - truth.amplitude[0]) < 1e-3


def test_damped_atoms_fall_60_db_in_t60_and_are_of_unit_norm() -> None:
    atoms = damped_atoms([440.0, 880.0], [0.05, 0.02], 2048, RATE)
    np.testing.assert_allclose(np.linalg.norm(atoms.waveform, axis=1), 1.0, rtol=1e-12)
    for wave, t60 in zip(atoms.waveform, (0.05, 0.02), strict=True):
        later = round(0.01 * RATE)
        fall = np.log(abs(wave[0] / wave[later]))
        assert fall == pytest.approx(LN1000 * later / RATE / t60, rel=1e-9)


def test_picks_belong_to_the_channel_that_sounds_there() -> None:
    atoms = windowed()
    sound, truth = planted(atoms, 20, 1.0, 60.0)
    even = np.arange(20) % 2 == 0
    channels = np.stack(
        [render(truth.take(part), atoms, len(sound)) for part in (even, ~even)]
        + [np.zeros(len(sound))]
    )
    np.testing.assert_array_equal(assign_picks(truth, atoms, channels), np.where(even, 0, 1))
    assert (assign_picks(truth, atoms, channels[2:]) == -1).all()


def test_gain_and_amplitude_follow_the_level_of_the_sound() -> None:
    atoms = windowed()
    sound, _ = planted(atoms, 10, 0.5, 40.0)
    one, small = pursue(sound, atoms, picks=10), pursue(1e-9 * sound, atoms, picks=10)
    np.testing.assert_array_equal(one.atom, small.atom)
    np.testing.assert_allclose(small.amplitude, 1e-9 * one.amplitude, rtol=1e-6)
    np.testing.assert_allclose(small.gain, 1e-18 * one.gain, rtol=1e-6)


@pytest.mark.parametrize("sound", [np.zeros(4000), np.zeros(0), np.ones(LENGTH - 1)])
def test_silence_and_what_is_shorter_than_an_atom_give_no_picks(sound: np.ndarray) -> None:
    assert len(pursue(sound, windowed())) == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_signal_that_is_not_finite_is_refused_by_its_first_bad_sample(bad: float) -> None:
    sound = np.zeros(4000)
    sound[17] = bad
    with pytest.raises(ValueRangeError, match=r"signal\[17\]"):
        pursue(sound, windowed())
    with pytest.raises(ValueRangeError, match="one channel"):
        pursue(np.zeros((2, 4000)), windowed())


@pytest.mark.parametrize(
    "settings",
    [{"picks": -1}, {"until_db": 3.0}, {"hop": 0}, {"refit_every": -1}, {"until_db": np.nan}],
)
def test_settings_out_of_range_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ValueRangeError, match=next(iter(settings))):
        pursue(np.ones(4000), windowed(), **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("wave", [np.zeros((1, 64)), np.full((1, 64), np.nan), np.zeros((0, 64))])
def test_atoms_that_are_silent_nan_or_none_are_refused(wave: np.ndarray) -> None:
    with pytest.raises(ValueRangeError):
        Atoms(wave)


def test_an_exact_copy_of_one_atom_is_one_pick() -> None:
    atoms = windowed()
    truth = Picks(np.array([5]), np.array([700]), np.array([0.4j]), np.zeros(1))
    picks = pursue(render(truth, atoms, 4000), atoms, until_db=-100.0)
    assert len(picks) == 1
    assert (picks.atom[0], picks.shift[0]) == (5, 700)
