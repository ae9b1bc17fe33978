"""The folder of the arena."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rtsynth.player.process import mapped
from rtsynth.service.folder import ArenaFolder, sweep

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="folders are locked with flock")


def test_two_maps_of_the_file_are_the_same_bytes_and_the_folder_is_private() -> None:
    folder = ArenaFolder(100_000)
    one, two = folder.memory(), mapped(folder.arena, folder.size)
    one[99_999] = 7
    assert two[99_999] == 7
    assert folder.arena.parent.stat().st_mode & 0o777 == 0o700
    folder.remove()
    assert not folder.arena.parent.exists()
    assert np.count_nonzero(two) == 1  # who has mapped it keeps it
    folder.remove()


def test_a_folder_in_use_is_left_alone() -> None:
    folder = ArenaFolder(4_096)
    sweep()
    assert folder.arena.exists()
    folder.remove()


def test_what_a_killed_service_left_is_removed_by_the_next() -> None:
    code = (
        "import os, signal; from rtsynth.service.folder import ArenaFolder;"
        "f = ArenaFolder(4096); print(f.arena.parent, flush=True);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    left = Path(found.stdout.strip())
    assert left.is_dir()
    folder = ArenaFolder(4_096)
    assert not left.exists()
    folder.remove()
