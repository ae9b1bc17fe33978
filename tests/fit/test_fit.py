"""Training makes a real recording's resynthesis better, repeats, and goes on where it stopped."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.signal import lfilter

from rtsynth.decompose import render_score
from rtsynth.errors import FileFormatError
from rtsynth.fit import Experiment, FieldSize, Rates, bake_checkpoint, fit, load_experiment
from rtsynth.fit.bake import bake
from rtsynth.fit.checkpoint import Checkpoint
from rtsynth.fit.crop import render_crop
from rtsynth.fit.material import prepare
from rtsynth.fit.model import Model
from rtsynth.fit.sound import sound_of
from rtsynth.fit.trainer import Trainer
from rtsynth.presets import find_shipped
from tests.fit.clip import a_clip

SMALL = Experiment(
    name="small", steps=6, crop_s=0.3, warmup=1, validate_every=2, checkpoint_every=3,
    field=FieldSize(4, 8, 0.02),
)  # fmt: skip


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)  # sums are in one order then


def test_the_quick_recipe_improves_a_real_clip_on_windows_it_never_saw(tmp_path: Path) -> None:
    recipe = load_experiment(find_shipped("experiments/quick.yaml"))
    recipe = dataclasses.replace(recipe, steps=60, crop_s=0.5, validate_every=20)
    recording, score, instrument = a_clip()
    log = tmp_path / "log.jsonl"
    found = fit([(recording, score)], instrument, recipe, log=log)
    before, after = found.report["before"], found.report["after"]
    assert found.improved
    assert after["held_out"] < 0.93 * before["held_out"]
    assert after["mel_db"] < before["mel_db"] - 0.3  # dB
    assert after["lsd_db"] < before["lsd_db"] - 0.1  # dB
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 61))
    assert lines[0]["loss"] == pytest.approx(
        sum(lines[0][name] for name in ("linear", "log", "vector", "pitch")), rel=1e-5
    )
    found.instrument.validate()
    assert found.instrument.macros


def test_a_resumed_run_ends_as_the_unbroken_one(tmp_path: Path) -> None:
    recording, score, instrument = a_clip(seconds=0.8)
    pair = [(recording, score)]
    unbroken = fit(pair, instrument, SMALL, checkpoint=tmp_path / "whole")
    trainer = Trainer(prepare(*_turned(pair, instrument)), SMALL)
    trainer.run(until=3, checkpoint=tmp_path / "half")
    resumed = fit(
        pair, instrument, SMALL, resume=tmp_path / "half", checkpoint=tmp_path / "resumed"
    )
    ends = [Checkpoint.load(tmp_path / name).arrays for name in ("whole", "resumed")]
    assert ends[0].keys() == ends[1].keys()
    for name in ends[0]:
        if name.startswith("file."):
            continue  # the same files with their keys in another order
        np.testing.assert_array_equal(ends[0][name], ends[1][name], err_msg=name)
    assert unbroken.instrument.fingerprint() == resumed.instrument.fingerprint()


def _turned(pair: list, instrument: object) -> tuple:  # type: ignore[type-arg]
    from rtsynth.fit import rotate

    scores, turned, _ = rotate([s for _, s in pair], instrument)  # type: ignore[arg-type]
    return [(r, s) for (r, _), s in zip(pair, scores, strict=True)], turned


@pytest.mark.parametrize("choice", ["em", "gumbel"])
def test_a_choice_ends_with_exactly_one_legal_resonance_each(choice: str, tmp_path: Path) -> None:
    recipe = dataclasses.replace(SMALL, choice=choice, choice_every=2, candidates=3, field=None)
    recording, score, instrument = a_clip(seconds=0.8)
    material = prepare([(recording, score)], instrument)
    trainer = Trainer(material, recipe)
    trainer.run(checkpoint=tmp_path / "c")
    trainer.take_best()
    scores, baked = bake(trainer.model, material)
    resonance = scores[0].table.rows["resonance"]
    assert (resonance < instrument.resonances).all()
    chosen = resonance[material.pieces[0].modal]
    # a hi-hat may be hiss and an attack without a mode
    sounding = [baked.freq_hz, np.abs(baked.attack), baked.strike_envelope, baked.blow_gain]
    assert np.any([(part[chosen] > 0).any(axis=1) for part in sounding], axis=0).all()
    assert trainer.best <= trainer.start
    assert bake_checkpoint(tmp_path / "c")[0][0].table.rows["resonance"].tolist() == (
        resonance.tolist()
    )


def test_any_crop_of_an_untrained_model_is_the_reference() -> None:
    recording, score, instrument = a_clip(seconds=1.0)
    material = prepare([(recording, score)], instrument)
    model = Model(material, dataclasses.replace(SMALL, past_stride=1))
    piece = material.pieces[0]
    quiet = dataclasses.replace(instrument, texture_gain=np.zeros_like(instrument.texture_gain))
    wanted = render_score(score, quiet, material.sample_rate)[:, 0]
    for first, count in ((0, 20_000), (12_345, 20_000)):
        batch = model.batch(material.active(piece, first, count))
        with torch.no_grad():
            crop = render_crop(model, batch, first, count, 1)[0].numpy()
        np.testing.assert_allclose(crop, wanted[first : first + count], atol=3e-4)  # −80 dB


def _blocked(sound: np.ndarray, sample_rate: int) -> np.ndarray:
    """Through the engine's DC blocker."""
    radius = math.exp(-2.0 * math.pi * 10.0 / sample_rate)
    return np.asarray(lfilter([1.0, -1.0], [1.0, -radius], sound))


def test_what_is_only_bowed_is_trained_and_baked_as_it_was_played() -> None:
    recording, score, instrument = a_clip(seconds=1.0)
    instrument.bow[:], instrument.impulse[:] = 0.01 * instrument.impulse, 0.0
    instrument.attack[:], instrument.texture_gain[:] = 0.0, 0.0
    score.instrument = ""
    material = prepare([(recording, score)], instrument)
    model = Model(material, dataclasses.replace(SMALL, field=None, past_stride=1))
    wanted = sound_of(score, instrument, material.sample_rate, 40_000)[:, 0]
    batch = model.batch(material.active(material.pieces[0], 0, 40_000))
    crop = render_crop(model, batch, 0, 40_000, 1)[0]
    crop.square().sum().backward()  # type: ignore[no-untyped-call]
    assert float(model.decay.grad.abs().max()) > 0.0  # type: ignore[union-attr]
    scores, baked = bake(model, material)
    np.testing.assert_array_equal(baked.impulse, 0.0)
    played = sound_of(scores[0], baked, material.sample_rate, 40_000)[:, 0]
    assert np.std(wanted) > 1e-4
    np.testing.assert_allclose(played, wanted, atol=1e-3 * np.abs(wanted).max())  # −60 dB
    made = _blocked(crop.detach().numpy(), material.sample_rate)
    assert np.std(made - wanted) < 0.05 * np.std(wanted)


def test_a_baked_field_is_played_by_the_engine_as_it_was_trained() -> None:
    recording, score, instrument = a_clip(seconds=1.0)
    instrument.texture_gain[:] = 0.0
    score.instrument = ""
    material = prepare([(recording, score)], instrument)
    model = Model(material, dataclasses.replace(SMALL, past_stride=1))
    torch.manual_seed(0)
    assert model.field is not None
    with torch.no_grad():
        model.field.control_net.w2.normal_(0, 0.02)
        model.field.attack_net.b2.normal_(0, 0.02)
        batch = model.batch(material.active(material.pieces[0], 0, 40_000))
        crop = render_crop(model, batch, 0, 40_000, 1)[0].numpy()
    scores, baked = bake(model, material)
    played = sound_of(scores[0], baked, material.sample_rate, 40_000)[:, 0]
    crop = _blocked(crop, material.sample_rate)
    # ticks are counted from the onset in training, on the stream's grid in the engine: −40 dB
    assert np.std(crop - played) < 0.01 * np.std(played)


def test_nothing_worse_than_what_came_in_is_returned() -> None:
    recording, score, instrument = a_clip(seconds=0.8)
    wild = Rates(pitch=10, decay=3, level=3, phase=3, attack=3, gain=3, vector=10)
    recipe = dataclasses.replace(SMALL, field=None, rates=wild, warmup=0, final_rate=1.0)
    found = fit([(recording, score)], instrument, recipe)
    assert not found.improved
    assert found.scores == [score]
    assert found.report["before"] == found.report["after"]
    assert "nothing improved" in found.report["notes"][-1]


def test_a_checkpoint_bakes_without_the_recording(tmp_path: Path) -> None:
    recording, score, instrument = a_clip(seconds=0.8)
    gentle = Rates(
        pitch=0.05, decay=0.005, level=0.005, phase=0.005, attack=0.002, gain=0.002, field=3e-4
    )
    recipe = dataclasses.replace(SMALL, steps=12, rates=gentle)
    found = fit([(recording, score)], instrument, recipe, checkpoint=tmp_path / "c")
    scores, baked = bake_checkpoint(tmp_path / "c")
    assert found.improved
    assert baked.fingerprint() == found.instrument.fingerprint()
    np.testing.assert_array_equal(scores[0].table.rows, found.scores[0].table.rows)


def test_a_checkpoint_of_another_experiment_or_a_damaged_one_is_refused(tmp_path: Path) -> None:
    recording, score, instrument = a_clip(seconds=0.8)
    path = tmp_path / "c"
    recipe = dataclasses.replace(SMALL, steps=1, field=None)
    fit([(recording, score)], instrument, recipe, checkpoint=path)
    with pytest.raises(FileFormatError, match="another experiment"):
        fit([(recording, score)], instrument, dataclasses.replace(recipe, seed=1), resume=path)
    found = Checkpoint.load(path)
    found.arrays["now.gain"] = found.arrays["now.gain"] * math.nan
    found.save(path)
    with pytest.raises(FileFormatError, match=r"now\.gain"):
        bake_checkpoint(path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(FileFormatError):
        bake_checkpoint(path)


def test_material_that_does_not_belong_together_is_refused() -> None:
    recording, score, instrument = a_clip(seconds=0.8)
    with pytest.raises(FileFormatError, match="no score"):
        prepare([], instrument)
    score.instrument = "other"
    with pytest.raises(FileFormatError, match="another instrument"):
        prepare([(recording, score)], instrument)
    score.instrument = ""
    other = dataclasses.replace(recording, sample_rate=22_050)
    with pytest.raises(FileFormatError, match="22050 Hz"):
        prepare([(recording, score), (other, score)], instrument)
