"""A piece that an older rtsynth saved loads with the instrument it was made with."""

from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from rtsynth.events import Event, EventTable, Score
from rtsynth.instrument import Instrument
from rtsynth.render import load_score, render_score, save_score

RATE = 48_000


def test_a_blown_piece_of_format_1_loads_plays_and_is_saved_as_one_of_today(tmp_path: Path) -> None:
    instrument = Instrument.blank(1, 1, attack_rate=RATE)
    instrument.set_modes(0, np.array([300.0]), np.array([0.1]), np.array([0.1 + 0j]))
    instrument.blow_dry[0] = 1.0
    instrument.blow_gain[0, 8:20] = 0.02
    score = Score(EventTable([Event(1, 0.0, duration_s=0.3)]), seconds=0.4, sample_rate=RATE)
    path = tmp_path / "a.score.safetensors"
    beside = save_score(score, instrument, path)
    with safe_open(beside, framework="numpy") as file:
        header = {**file.metadata(), "version": "1.3"}
    arrays = load_file(beside)
    arrays["blow_gain"] = arrays["blow_gain"][:, ::2].copy()
    arrays["blow_t60_s"] = arrays["blow_t60_s"][:, ::2].copy()
    save_file(arrays, beside, header)
    as_it_was = Instrument.load(beside).before
    score.instrument = as_it_was
    score.save(path)

    again, older = load_score(path)
    assert np.abs(render_score(again, older)).max() > 0.01
    save_score(again, older, path)
    saved, newer = load_score(path)
    assert saved.instrument == newer.fingerprint() != as_it_was
