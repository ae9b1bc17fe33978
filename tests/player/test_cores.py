"""How many cores a stream takes of a machine."""

import os
from pathlib import Path

import pytest

from rtsynth.player import cores


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Twelve processors, two to a core."""
    for cpu in range(12):
        place = tmp_path / f"cpu{cpu}" / "topology"
        place.mkdir(parents=True)
        (place / "thread_siblings_list").write_text(f"{cpu % 6},{cpu % 6 + 6}\n")
    monkeypatch.setattr(cores, "TOPOLOGY", tmp_path)
    monkeypatch.setattr(cores, "WAKES", True)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(12)), raising=False)
    return tmp_path


def test_two_hardware_threads_of_one_core_count_once(machine: Path) -> None:
    assert cores.physical_cores() == 6


def test_a_process_kept_to_two_processors_of_one_core_has_one(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {2, 8}, raising=False)
    assert cores.physical_cores() == 1
    assert cores.cores_for(None) == 1


def test_what_nobody_asked_for_is_at_most_four_and_what_was_asked_for_is_as_many(
    machine: Path,
) -> None:
    assert cores.cores_for(None) == 4
    assert cores.cores_for(6) == 6


def test_where_nobody_can_be_woken_in_time_one_core_is_taken(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cores, "WAKES", False)
    assert cores.cores_for(None) == 1
    assert cores.cores_for(2) == 2
