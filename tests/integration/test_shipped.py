"""What is shipped plays: every score with its instrument, every recording with its licence."""

from pathlib import Path

import numpy as np
import pytest

from rtsynth.cli import run
from rtsynth.errors import UnknownNameError
from rtsynth.presets import INSTRUMENTS, find_score, find_shipped
from rtsynth.render import instrument_beside, load_score, render_score

LARGEST_BYTES = 4 << 20
LICENCES = ("CC0 1.0", "CC BY 3.0", "MIT")


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_a_shipped_instrument_is_small_and_valid_and_sounds(name: str) -> None:
    path = find_score(name)
    assert path.stat().st_size + instrument_beside(path).stat().st_size <= LARGEST_BYTES
    score, instrument = load_score(path)
    instrument.validate()
    first_s = float(score.table.rows["onset_s"].min())
    sound = render_score(score, instrument, from_s=first_s, to_s=first_s + 0.5)
    assert len(sound) == round(0.5 * score.sample_rate)
    assert np.isfinite(sound).all()
    assert np.sqrt(np.mean(sound.astype(float) ** 2)) > 0.003  # −50 dBFS


def test_the_list_of_shipped_instruments_is_what_is_there() -> None:
    folder = find_score("piano").parent
    assert sorted(INSTRUMENTS) == sorted(
        path.name.split(".")[0] for path in folder.glob("*.score.safetensors")
    )


def test_every_shipped_recording_has_its_source_and_licence_beside_it() -> None:
    audio = sorted(find_shipped("audio/piano.flac").parent.glob("*.flac"))
    assert {path.stem for path in audio} >= set(INSTRUMENTS)
    for path in audio:
        words = path.with_suffix(".txt").read_text(encoding="utf-8")
        assert words.startswith(path.name)
        for heading in ("Source", "Author", "Licence", "Changed"):
            assert f"\n{heading} " in words, path
        assert any(licence in words for licence in LICENCES), path


def test_a_shipped_score_is_called_by_its_name_unless_a_file_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["render", "tabla", "-o", "out.wav", "--to", "0.1"]) == 0
    capsys.readouterr()
    assert run(["render", "kazoo", "-o", "out.wav"]) == 2
    assert "kazoo" in capsys.readouterr().err
    Path("tabla").write_bytes(b"mine")
    assert run(["render", "tabla", "-o", "out.wav"]) == 2
    assert capsys.readouterr().err.startswith("rtsynth: tabla:")


def test_a_name_that_is_none_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownNameError, match="bowed"):
        find_score("bowd")
    assert find_score("missing.score.safetensors") == Path("missing.score.safetensors")
