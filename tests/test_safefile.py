"""A file is written whole or not at all."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from rtsynth.errors import FileFormatError
from rtsynth.events import Event, EventTable, Score
from rtsynth.safefile import atomic_write, load_arrays, save_arrays

KILLS = 20
SAVER = """
import sys
from rtsynth.events import Event, EventTable, Score
versions = [Score(EventTable(Event(i + 1) for i in range(n)), source=str(n)) for n in (10, 3000)]
print("ready", flush=True)
while True:
    for score in versions:
        score.save(sys.argv[1])
"""


def test_arrays_and_metadata_come_back(tmp_path: Path) -> None:
    arrays = {"a": np.arange(6.0).reshape(2, 3), "strided": np.arange(10)[::2]}
    save_arrays(tmp_path / "x", "thing", (1, 2), arrays, {"k": [1, "ü"]})
    found, metadata = load_arrays(tmp_path / "x", "thing", (1, 0))
    assert metadata == {"k": [1, "ü"]}
    assert set(found) == set(arrays)
    assert all(np.array_equal(found[k], arrays[k]) for k in arrays)


def test_an_error_while_writing_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")

    def write_half() -> None:
        with atomic_write(path) as temporary:
            temporary.write_bytes(b"ne")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half"):
        write_half()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["x"]


def test_what_json_cannot_say_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        save_arrays(tmp_path / "x", "thing", (1, 0), {}, {"k": float("nan")})
    assert os.listdir(tmp_path) == []


def test_a_link_and_a_pipe_are_no_trap(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(FileFormatError):
        load_arrays(tmp_path / "loop", "thing", (1, 0))
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(FileFormatError, match="regular file"):
            load_arrays(tmp_path / "pipe", "thing", (1, 0))


@pytest.mark.skipif(os.name != "posix", reason="kills with SIGKILL")
def test_a_writer_killed_at_any_moment_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "a.score.safetensors"
    Score(EventTable(Event(i + 1) for i in range(10)), source="10").save(path)
    rng = np.random.default_rng()
    for _ in range(KILLS):
        command = [sys.executable, "-c", SAVER, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(float(rng.uniform(0.0, 0.05)))
            child.send_signal(signal.SIGKILL)
        score = Score.load(path)
        assert len(score.table) == int(score.source)
        assert len(score.table) in (10, 3000)
