"""`rtsynth fit` and `rtsynth bake`: what they write, what they print, how they refuse."""

import json
from pathlib import Path
from typing import Any

import pytest

from rtsynth.audio import WavWriter
from rtsynth.cli import run
from rtsynth.render import load_score, save_score
from tests.fit.clip import a_clip

RECIPE = """
name: tiny
steps: 12
crop_s: 0.4
warmup: 2
validate_every: 4
checkpoint_every: 4
rates: {pitch: 0.05, decay: 0.005, level: 0.01, phase: 0.005, attack: 0.003, gain: 0.002}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fit")
    recording, score, instrument = a_clip(seconds=0.8)
    score.source = "clip.wav"
    writer = WavWriter(str(path / "clip.wav"), recording.sample_rate, 1)
    writer.write(recording.frames.astype("float32"))
    writer.close()
    save_score(score, instrument, path / "clip.score.safetensors")
    (path / "tiny.yaml").write_text(RECIPE)
    return path


def command(folder: Path, *words: str) -> list[str]:
    score, recipe = folder / "clip.score.safetensors", folder / "tiny.yaml"
    return ["fit", str(score), "--experiment", str(recipe), "-q", *words]


def answer(words: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    assert run([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def test_a_fitted_score_is_closer_and_plays(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = folder / "run.ckpt"
    facts = answer(command(folder, "--checkpoint", str(checkpoint)), capsys)
    assert facts["improved"]
    assert facts["after"]["validation"] < facts["before"]["validation"]
    assert facts["bytes"] < 4 << 20
    assert facts["score"] == str(folder / "clip.fitted.score.safetensors")
    score, instrument = load_score(facts["score"])
    assert len(score.table) > 0
    baked = folder / "again.score.safetensors"
    snapped = answer(["bake", str(checkpoint), "-o", str(baked), "--codebook", "4"], capsys)
    assert load_score(baked)[1].fingerprint() == instrument.fingerprint()
    assert 1 <= snapped["codebook_entries"] <= 4
    code_bits = 2.0  # of one in four; a vector that is all zero costs none
    assert snapped["bits_per_event_snapped"] <= snapped["bits_per_event_continuous"] + code_bits
    assert run(["render", facts["score"], "-o", str(folder / "out.wav")]) == 0


def test_resuming_a_finished_run_changes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = answer(command(folder, "--checkpoint", str(folder / "a.ckpt")), capsys)
    again = answer(command(folder, "--resume", str(folder / "a.ckpt")), capsys)
    assert again["after"] == first["after"]
    assert again["steps"] == first["steps"] == 12


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--experiment", "missing.yaml"], "missing.yaml: cannot be read"),
        (["-o", "SCORE"], "would overwrite"),
        (["--recording", "a.wav", "--recording", "b.wav"], "2 recordings for 1 scores"),
        (["--recording", "a.wav"], "a.wav: no such file"),
        (["--resume", "tiny.yaml"], "not a readable rtsynth checkpoint"),
        (["--steps", "0"], "'0'; legal: 1"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(
    words: list[str], text: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = {"SCORE": str(folder / "clip.score.safetensors"), "tiny.yaml": str(folder / "tiny.yaml")}
    assert run(command(folder, *(own.get(word, word) for word in words))) == 2
    assert text in capsys.readouterr().err
