"""The command line: what it prints, what it writes, how it refuses."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from rtsynth.audio import read_wav
from rtsynth.cli import run
from rtsynth.events import Score
from rtsynth.render import save_score
from tests.engine.bank import BELL, RATE, clicks, mixed_table, small_instrument
from tests.integration.running import RTSYNTH, write_score


def answer(*words: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The one JSON object a command prints."""
    capsys.readouterr()
    assert run([*words, "--json"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    found = json.loads(out)
    assert isinstance(found, dict)
    return found


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from rtsynth.cli import run\n"
        "try: run(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'numba', 'scipy', 'torch', 'zmq', 'matplotlib'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert found.returncode == 0, found.stderr
    assert "decompose" in found.stdout


@pytest.mark.parametrize("block", ["1", "64", "65", "480", "8193"])
def test_render_is_bit_identical_for_any_block_size(block: str, tmp_path: Path) -> None:
    score = write_score(tmp_path, mixed_table())
    outputs = []
    for size in ("1024", block):
        out = tmp_path / f"{size}.wav"
        assert run(["render", str(score), "-o", str(out), "--block-size", size]) == 0
        outputs.append(read_wav(out)[0])
    assert np.array_equal(outputs[0], outputs[1])
    assert np.abs(outputs[0]).max() > 0.05


def test_render_from_and_to_cut_the_score(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    score = write_score(tmp_path, clicks(0.25, 0.6))
    out = tmp_path / "cut.wav"
    facts = answer(
        *("render", str(score), "-o", str(out), "--from", "0.2", "--to", "0.5"), capsys=capsys
    )
    assert facts["seconds"] == pytest.approx(0.3, abs=1e-4)
    assert np.flatnonzero(np.abs(read_wav(out)[0][:, 0]) > 0.1).tolist() == [2_400]


def test_inspect_tells_the_facts_as_one_json_object(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    score = write_score(tmp_path, mixed_table(), seconds=2.0)
    facts = answer("inspect", str(score), capsys=capsys)
    assert facts["events"] == 6
    assert facts["seconds"] == 2.0
    assert facts["events_per_second"] == 3.0
    assert facts["resonances"] == 3
    assert facts["values_per_second"] > 0


def test_inspect_lists_when_every_event_begins_and_how_long_it_is_held(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = mixed_table()
    assert run(["inspect", str(write_score(tmp_path, table, seconds=2.0))]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    head = next(number for number, words in enumerate(lines) if words[:1] == ["id"])
    listed = {int(words[0]): (float(words[1]), float(words[2])) for words in lines[head + 1 :]}
    assert listed.keys() == {event.id for event in table}
    for event in table:
        assert listed[event.id] == pytest.approx((event.onset_s, event.duration_s), abs=6e-4)  # s


def test_inspect_names_the_note_that_an_event_sounds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An A4 moved by 7 semitones is an E5."""
    instrument = small_instrument()
    instrument.names[BELL] = "A4"
    path = tmp_path / "named.score.safetensors"
    save_score(Score(mixed_table(), seconds=1.0, sample_rate=RATE, channels=2), instrument, path)
    assert run(["inspect", str(path)]) == 0
    rows = {words[0]: words for words in map(str.split, capsys.readouterr().out.splitlines())}
    assert rows["3"][5:7] == ["A4+7", "E5"]
    assert rows["1"][5:7] == ["A4", "A4"]


def test_compare_of_a_sound_with_itself_is_perfect(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    score = write_score(tmp_path, mixed_table())
    out = tmp_path / "a.wav"
    assert run(["render", str(score), "-o", str(out)]) == 0
    facts = answer("compare", str(out), str(out), capsys=capsys)
    assert facts["sc"] == 0.0
    assert facts["log_mag"] == 0.0


def test_sounds_of_unlike_lengths_are_compared_up_to_the_shorter_and_it_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, frames in (("long", 96_000), ("short", 72_000)):
        tone = np.sin(0.05 * np.arange(frames)) / 2
        soundfile.write(tmp_path / f"{name}.wav", tone, 48_000)
    sounds = [str(tmp_path / "long.wav"), str(tmp_path / "short.wav")]
    assert run(["compare", *sounds, "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["compared_s"] == 1.5
    assert "is 2.000 s long" in said.err
    assert "the first 1.500 s of both are compared" in said.err


def test_a_stretch_in_which_nothing_sounds_is_said_to_be_silent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    score, out = write_score(tmp_path, clicks(0.25)), tmp_path / "out.wav"
    words = ["render", str(score), "-o", str(out), "--from", "80", "--to", "80.5"]
    assert run(words) == 0
    assert "is silent" in capsys.readouterr().err


def test_a_recording_cut_short_is_told_on_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cut.wav"
    soundfile.write(path, np.exp(-np.arange(48_000) / 4e3) / 2, 48_000)
    path.write_bytes(path.read_bytes()[:-6_000])
    assert run(["decompose", str(path), "-q", "--json"]) == 0
    said = capsys.readouterr()
    assert "cut short" in json.loads(said.out)["notes"][0]
    assert "rtsynth: cut.wav: the file is cut short" in said.err


def test_devices_always_list_the_null_device(capsys: pytest.CaptureFixture[str]) -> None:
    facts = answer("devices", capsys=capsys)
    assert "null" in [device["name"] for device in facts["devices"]]


@pytest.mark.parametrize(
    "words",
    [
        ["inspect", "nowhere.score.safetensors"],
        ["decompose", "nowhere.wav"],
        ["render", "nowhere.score.safetensors", "-o", "x.wav"],
        ["render", "x", "-o", "x.wav", "--block-size", "0"],
        ["render", "piano", "-o", "x.mp3"],
        ["render", "piano", "-o", "x.wav", "--from", "6", "--to", "2"],
        ["render", "piano", "-o", "x.wav", "--from", "600"],
        ["decompose", "nowhere.wav", "--until", "fit", "-o", "x.score.safetensors"],
        ["inspect", "piano", "--png", "x.txt"],
        ["decompose", "nowhere.wav", "--png", "x.txt"],
        ["serve", "x", "--osc-port", "70000"],
        ["compare", "a.wav", "b.wav"],
        ["dance"],
        [],
    ],
)
def test_bad_input_is_a_line_on_stderr_and_exit_code_2(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = subprocess.run(
        [*RTSYNTH, *words], capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    assert found.returncode == 2
    assert found.stdout == ""
    assert "Traceback" not in found.stderr
    assert 1 <= len(found.stderr.strip().splitlines()) <= 2
    assert list(tmp_path.iterdir()) == []


def test_a_log_of_another_instrument_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    score = write_score(tmp_path, clicks(0.0))
    log = tmp_path / "log.jsonl"
    header = {"rtsynth_log": 1, "sample_rate": 48_000, "channels": 2, "score": "", "start_ramp": 1}
    log.write_text(json.dumps({**header, "instrument": "0" * 64, "start_ramp": True}) + "\n")
    out = tmp_path / "x.wav"
    assert run(["render", str(score), "-o", str(out), "--commands", str(log)]) == 2
    assert "another instrument" in capsys.readouterr().err
    assert not out.exists()
