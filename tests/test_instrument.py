"""An instrument is passive, knows itself, and a damaged one is refused."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from rtsynth.dsp.texture import band_weights
from rtsynth.errors import FileFormatError, NewerVersionError
from rtsynth.instrument import (
    CONTROLS,
    NOISE_EDGES_HZ,
    PLAIN_CONTROLS,
    FieldNet,
    FieldWeights,
    Instrument,
    passive_impulse,
)
from rtsynth.units import LN1000
from tests.random_field import random_net

RATE = 48_000


def random_modes(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    freq = np.exp(rng.uniform(np.log(50.0), np.log(8_000.0), count))
    t60 = np.exp(rng.uniform(np.log(0.05), np.log(3.0), count))
    return freq, t60, rng.normal(size=count) + 1j * rng.normal(size=count)


def an_instrument() -> Instrument:
    rng = np.random.default_rng(0)
    instrument = Instrument.blank(3, 8, attack_length=100)
    for r in range(3):
        instrument.set_modes(r, *random_modes(rng, 8 - r))
    instrument.attack[:] = rng.normal(size=(3, 100))
    instrument.strike_s[:] = 0.1
    instrument.strike_envelope[:] = 0.5
    instrument.texture_gain[1] = 0.1
    instrument.names = ["bell", "", "ü"]
    return instrument


def parts() -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    instrument = an_instrument()
    names = [
        "freq_hz", "t60_s", "mode_gain", "impulse", "attack", "strike_s", "strike_envelope",
        "strike_filter", "strike_dry", "strike_wet", "texture_gain",
    ]  # fmt: skip
    arrays = {name: getattr(instrument, name) for name in names}
    return arrays, {"attack_rate": RATE, "names": instrument.names}


ARRAYS = list(parts()[0])


def write(
    path: Path, arrays: dict[str, np.ndarray], metadata: object, version: str = "1.0"
) -> Path:
    header = {"format": "rtsynth.instrument", "version": version, "metadata": json.dumps(metadata)}
    save_file(arrays, path, header)
    return path


def refused(path: Path) -> str:
    with pytest.raises(FileFormatError) as caught:
        Instrument.load(path)
    return str(caught.value)


@pytest.mark.parametrize("count", [1, 2, 8, 32])
def test_no_frequency_leaves_stronger_than_it_came(count: int) -> None:
    rng = np.random.default_rng(count)
    for _ in range(20):
        instrument = Instrument.blank(1, count)
        instrument.set_modes(0, *random_modes(rng, count))
        freq, t60 = instrument.freq_hz[0].astype(float), instrument.t60_s[0].astype(float)
        gain = instrument.mode_gain[0, :, 0] + 1j * instrument.mode_gain[0, :, 1]
        decay = LN1000 / t60
        s = -decay + 2j * np.pi * freq
        grid = (freq[:, None] + np.linspace(-8.0, 8.0, 801) * decay[:, None] / (2 * np.pi)).ravel()
        jw = 2j * np.pi * np.concatenate([grid, np.geomspace(1.0, 24_000.0, 4_000)])[:, None]
        response = 0.5 * (gain / (jw - s) + gain.conj() / (jw - s.conj())).sum(axis=1)
        assert np.abs(response).max() <= 1.0 + 1e-3


def test_passivity_is_measured_by_fft_too() -> None:
    instrument = an_instrument()
    t = np.arange(4 * RATE) / RATE
    for r in range(instrument.resonances):
        sounding = instrument.freq_hz[r] > 0
        freq, t60 = instrument.freq_hz[r, sounding], instrument.t60_s[r, sounding]
        gain = instrument.mode_gain[r, sounding] @ np.array([1.0, 1.0j])
        sound = np.zeros(len(t))
        for f, d, c in zip(freq.astype(float), t60.astype(float), gain, strict=True):
            sound += (c * np.exp((-LN1000 / d + 2j * np.pi * f) * t)).real
        sound[0] *= 0.5  # the integral's half sample at the jump
        assert np.abs(np.fft.rfft(sound, 2**20)).max() / RATE <= 1.0 + 1e-3


def test_set_modes_keeps_the_amplitudes_and_clears_the_rest() -> None:
    instrument = an_instrument()
    freq, t60, amplitude = random_modes(np.random.default_rng(9), 3)
    instrument.set_modes(0, freq, t60, amplitude)
    assert instrument.amplitude(0)[:3] == pytest.approx(amplitude, rel=1e-6)
    assert not instrument.freq_hz[0, 3:].any()
    assert not instrument.mode_gain[0, 3:].any()
    assert passive_impulse(np.zeros(0), np.zeros(0), np.zeros(0, complex)) == 0.0


def test_one_mode_has_unit_gain_at_its_peak() -> None:
    t60 = 2.0
    impulse = passive_impulse(np.array([1000.0]), np.array([t60]), np.ones(1, complex))
    assert impulse == pytest.approx(0.5 * t60 / LN1000, rel=1e-3)  # 1/(2·decay)


def test_the_fingerprint_is_that_of_the_sound() -> None:
    one, other = an_instrument(), an_instrument()
    other.names = ["x", "y", "z"]
    assert one.fingerprint() == other.fingerprint()
    assert len(one.fingerprint()) == 64
    prints = {one.fingerprint()}
    for name in ARRAYS:
        changed = an_instrument()
        getattr(changed, name).reshape(-1)[0] += 1.0
        prints.add(changed.fingerprint())
    changed = an_instrument()
    changed.attack_rate = 44_100
    prints.add(changed.fingerprint())
    assert len(prints) == len(ARRAYS) + 2


def test_an_instrument_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    path = tmp_path / "a.instrument.safetensors"
    an_instrument().save(path)
    again = Instrument.load(path)
    assert again.fingerprint() == an_instrument().fingerprint()
    assert again.names == ["bell", "", "ü"]


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_blown_noise_stays_in_a_file_older_than_its_t60(tmp_path: Path, version: str) -> None:
    arrays, metadata = parts()
    if version == "1.1":
        full = an_instrument()
        full.blow_gain[0, 3] = full.blow_dry[0] = 0.1
        full.save(tmp_path / "full")
        arrays = {k: v for k, v in load_file(tmp_path / "full").items() if k != "blow_t60_s"}
        arrays["blow_gain"] = arrays["blow_gain"][:, :16].copy()
    found = Instrument.load(write(tmp_path / "a", arrays, metadata, version))
    assert found.blow_t60_s.shape == (3, 32)
    assert not found.blow_t60_s.any()
    assert found.sustained.tolist() == [version == "1.1", False, False]


@pytest.mark.parametrize("toned", [False, True])
def test_blown_noise_of_a_file_with_16_bands_has_the_same_power_in_every_bin(
    tmp_path: Path, toned: bool
) -> None:
    """Within 1e-5 of it, curves of a field included; files of format 1 had 16 bands."""
    rng = np.random.default_rng(5)
    full = an_instrument()
    full.blow_dry[:] = 1.0
    full.field = FieldWeights(
        random_net(1, 200.0, len(CONTROLS) if toned else PLAIN_CONTROLS),
        random_net(2, 19_200.0, 2),
        0.1,
    )
    full.save(tmp_path / "full")
    gain = rng.uniform(0.01, 0.1, (3, 16)).astype(np.float32)
    t60_s = rng.uniform(0.1, 1.0, (3, 16)).astype(np.float32)
    coarse = load_file(tmp_path / "full") | {"blow_gain": gain, "blow_t60_s": t60_s}
    for name in ("field.controls.w2", "field.controls.b2"):
        coarse[name] = np.ascontiguousarray(coarse[name][..., 16:])
    found = Instrument.load(
        write(
            tmp_path / "a",
            coarse,
            {"attack_rate": RATE, "names": full.names, "attack_s": 0.1},
            "1.3",
        )
    )
    assert found.field is not None
    assert found.field.drawn == full.field.drawn
    age_s, vector = np.array([0.1]), np.zeros(32)
    drawn = found.field.draw_controls(1, vector, age_s).sum(0)[0]
    old = (
        FieldNet(*(coarse[f"field.controls.{f.name}"] for f in dataclasses.fields(FieldNet)))
        .evaluate(1, vector, age_s)
        .sum(0)[0]
    )
    assert drawn[32:] == pytest.approx(old[16:], rel=1e-12)
    aged = 10.0 ** (-3.0 * age_s / t60_s[1])
    before = (gain[1] * 2.0 ** old[:16] * aged) ** 2 @ band_weights(NOISE_EDGES_HZ[::2], RATE)
    aged = 10.0 ** (-3.0 * age_s / found.blow_t60_s[1])
    level = found.blow_gain[1] * 2.0 ** drawn[:32] * aged
    assert level**2 @ band_weights(NOISE_EDGES_HZ, RATE) == pytest.approx(before, rel=1e-5)
    found.save(tmp_path / "b")
    assert found.is_that_of(found.before)
    assert not Instrument.load(tmp_path / "b").is_that_of(found.before)


def test_a_file_of_today_without_blown_noise_keeps_its_38_curves(tmp_path: Path) -> None:
    full = an_instrument()
    full.field = FieldWeights.zeros(3, 4, 8)
    full.save(tmp_path / "full")
    arrays = {k: v for k, v in load_file(tmp_path / "full").items() if "blow" not in k}
    facts = {"attack_rate": RATE, "names": full.names, "attack_s": full.field.attack_s}
    found = Instrument.load(write(tmp_path / "a", arrays, facts, "2.0"))
    assert found.field is not None
    assert found.field.drawn == 38
    assert found.before == ""


@pytest.mark.parametrize(("version", "bands"), [("1.3", 32), ("2.0", 16)])
def test_bands_of_another_version_are_refused(tmp_path: Path, version: str, bands: int) -> None:
    arrays, metadata = parts()
    blown = np.zeros((3, bands), np.float32)
    assert "blow_gain" in refused(
        write(tmp_path / "a", {**arrays, "blow_gain": blown}, metadata, version)
    )


def test_an_instrument_is_written_as_version_2_0(tmp_path: Path) -> None:
    an_instrument().save(tmp_path / "a")
    with safe_open(tmp_path / "a", framework="numpy") as file:
        assert file.metadata()["version"] == "2.0"


@pytest.mark.parametrize("toned", [False, True])
def test_a_field_comes_back_with_and_without_tone_bands(tmp_path: Path, toned: bool) -> None:
    instrument = an_instrument()
    instrument.field = FieldWeights.zeros(3, 4, 8, toned=toned)
    instrument.save(tmp_path / "a")
    again = Instrument.load(tmp_path / "a")
    assert again.field is not None
    assert again.field.drawn == (54 if toned else 38)
    assert again.fingerprint() == instrument.fingerprint()


def test_a_field_that_draws_some_of_the_tone_bands_is_refused(tmp_path: Path) -> None:
    instrument = an_instrument()
    instrument.field = FieldWeights.zeros(3, 4, 8)
    instrument.field.controls = FieldNet.zeros(3, 4, 8, 30)
    with pytest.raises(FileFormatError, match=r"field\.controls\.w2"):
        instrument.save(tmp_path / "a")


def test_a_tail_lasts_until_hiss_is_80_db_down_and_silent_bands_do_not_count() -> None:
    instrument = an_instrument()
    instrument.blow_gain[0, 3], instrument.blow_t60_s[0, 3] = 0.1, 20.0
    instrument.blow_dry[0] = 1.0
    instrument.blow_t60_s[1, 3] = 50.0
    before_s = an_instrument().tail_s()
    after_s = instrument.tail_s()
    assert after_s[0] == pytest.approx(20.0 * 80.0 / 60.0, rel=1e-6)
    assert after_s[1:].tolist() == before_s[1:].tolist()


def test_what_a_later_rtsynth_wrote_is_kept(tmp_path: Path) -> None:
    arrays, metadata = parts()
    path = write(tmp_path / "a", {**arrays, "new": np.eye(2)}, {**metadata, "mood": 1}, "2.9")
    Instrument.load(path).save(path)
    again = Instrument.load(path)
    assert again.extra == {"mood": 1}
    assert np.array_equal(again.extra_arrays["new"], np.eye(2))
    with pytest.raises(NewerVersionError):
        Instrument.load(write(path, *parts(), version="3.0"))


@pytest.mark.parametrize("name", ARRAYS)
def test_a_damaged_array_is_refused(tmp_path: Path, name: str) -> None:
    arrays, metadata = parts()
    old = arrays[name]
    wrong = [old.astype(np.float64), old[:2].copy(), old[..., None].copy(), np.array(old.flat[0])]
    for value in (math.nan, math.inf, -math.inf, 2e9):
        wrong.append(old.copy())
        wrong[-1].flat[-1] = value
    if name not in ("freq_hz", "t60_s", "mode_gain", "attack", "strike_filter"):
        wrong.append(-np.ones_like(old))
    for array in wrong:
        refused(write(tmp_path / "a", {**arrays, name: array}, metadata))
    del arrays[name]
    assert name in refused(write(tmp_path / "a", arrays, metadata))


OUT_OF_RANGE = [("freq_hz", 19.0), ("freq_hz", -440.0), ("freq_hz", 4e5), ("t60_s", 0.0)]
OUT_OF_RANGE += [("t60_s", -1.0), ("t60_s", 101.0), ("strike_s", 0.21)]


@pytest.mark.parametrize(("name", "value"), OUT_OF_RANGE)
def test_a_value_out_of_range_is_refused_by_name(tmp_path: Path, name: str, value: float) -> None:
    arrays, metadata = parts()
    arrays[name].flat[0] = value
    assert name in refused(write(tmp_path / "a", arrays, metadata))


def test_an_attack_longer_than_half_a_second_is_refused(tmp_path: Path) -> None:
    arrays, metadata = parts()
    metadata["attack_rate"] = 48_000
    for frames, legal in ((24_000, True), (24_002, False)):
        attack = np.zeros((len(arrays["attack"]), frames), np.float32)
        path = write(tmp_path / "a", {**arrays, "attack": attack}, metadata)
        if legal:
            assert Instrument.load(path).attack.shape[1] == frames
        else:
            assert "attack" in refused(path)


@pytest.mark.parametrize(
    "wrong",
    [{"attack_rate": 0}, {"attack_rate": 1e400}, {"attack_rate": "fast"}, {"attack_rate": None},
     {"attack_rate": math.nan}, {"names": 3}, {"names": None}, {"names": ["one"]}],
    ids=str,
)  # fmt: skip
def test_hostile_metadata_is_refused(tmp_path: Path, wrong: dict[str, object]) -> None:
    arrays, metadata = parts()
    refused(write(tmp_path / "a", arrays, {**metadata, **wrong}))


def test_truncated_and_mutated_files_load_or_are_refused(tmp_path: Path) -> None:
    whole = write(tmp_path / "a", *parts()).read_bytes()
    path = tmp_path / "b"
    rng = np.random.default_rng(0)
    for length in range(0, len(whole), 499):
        path.write_bytes(whole[:length])
        refused(path)
    header = 8 + int.from_bytes(whole[:8], "little")
    for trial in range(500):
        data = bytearray(whole)
        end = header if trial % 2 else len(data)
        for _ in range(int(rng.integers(1, 4))):
            data[int(rng.integers(0, end))] = int(rng.integers(0, 256))
        path.write_bytes(data)
        try:
            Instrument.load(path).validate()
        except FileFormatError:
            continue


def test_the_texture_bands_cover_hearing() -> None:
    assert NOISE_EDGES_HZ[[0, -1]] == pytest.approx([30.0, 20_000.0])
    assert (np.diff(NOISE_EDGES_HZ, 2) > 0.0).all()


def test_a_small_file_cannot_ask_for_much_memory(tmp_path: Path) -> None:
    arrays, metadata = parts()
    arrays["freq_hz"] = np.zeros((100_000_000, 0), np.float32)
    path = write(tmp_path / "hostile.instrument.safetensors", arrays, metadata)
    assert "freq_hz has shape" in refused(path)


def test_a_field_that_lengthens_decays_lengthens_the_tail() -> None:
    instrument = an_instrument()
    before = instrument.tail_s()
    instrument.field = FieldWeights.zeros(3, 4, 8)
    instrument.field.controls.b2[0, CONTROLS.index("damp")] = 1.0
    assert instrument.tail_s() == pytest.approx(2.0 * before, rel=0.1)


def test_what_nobody_could_load_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "x.instrument.safetensors"
    instrument = Instrument.blank(1, 2)
    instrument.set_modes(0, np.array([12.0]), np.array([1.0]), np.array([0.1 + 0j]))
    path.write_bytes(b"old")
    with pytest.raises(FileFormatError, match=r"not written.*freq_hz"):
        instrument.save(path)
    assert path.read_bytes() == b"old"
