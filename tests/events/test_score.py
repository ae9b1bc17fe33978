"""A score comes back as it was saved; a damaged one is refused by name, never half read."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from rtsynth.errors import FileFormatError, NewerVersionError
from rtsynth.events import EVENT_DTYPE, Event, EventTable, Kind, Score

Arrays = dict[str, np.ndarray]
COLUMNS = [f"event.{name}" for name in EVENT_DTYPE.names or ()]


def a_score() -> Score:
    table = EventTable(
        [
            Event(1, 0.5, name="kick", group="low", release_s=0.5, meta={"midi": 36}),
            Event(4, 0.25, duration_s=1.5, resonance=3, seed=2**32 - 1, gain=0.5, release_s=0.5),
            Event(9, 0.25, kind=Kind.TEXTURE, muted=True, pan=-1.0, release_s=2.0),
        ]
    )
    return Score(table, 2.5, 44_100, 2, "abc", "a.instrument.safetensors", "take 1.wav")


def parts() -> tuple[Arrays, dict[str, Any]]:
    """The arrays and metadata of a legal file."""
    rows = a_score().table.rows
    arrays = {f"event.{n}": np.ascontiguousarray(rows[n]) for n in EVENT_DTYPE.names or ()}
    metadata: dict[str, Any] = {
        "seconds": 2.5, "sample_rate": 44_100, "channels": 2, "groups": ["", "low"],
        "names": {"1": "kick"}, "meta": {},
    }  # fmt: skip
    return arrays, metadata


def write(
    path: Path, arrays: Arrays, metadata: object, kind: str = "score", version: str = "1.0"
) -> Path:
    text = metadata if isinstance(metadata, str) else json.dumps(metadata)
    save_file(arrays, path, {"format": f"rtsynth.{kind}", "version": version, "metadata": text})
    return path


def refused(path: Path) -> str:
    with pytest.raises(FileFormatError) as caught:
        Score.load(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_score_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    path = tmp_path / "a.score.safetensors"
    a_score().save(path)
    assert Score.load(path) == a_score()
    Score().save(path)
    assert Score.load(path) == Score()


def test_what_a_later_rtsynth_wrote_is_kept(tmp_path: Path) -> None:
    arrays, metadata = parts()
    arrays["event.colour"] = np.arange(3, dtype=np.int16)
    arrays["future"] = np.eye(2)
    path = write(tmp_path / "a", arrays, {**metadata, "mood": ["calm"]}, version="1.7")
    Score.load(path).save(path)
    again = Score.load(path)
    assert again.extra == {"mood": ["calm"]}
    assert np.array_equal(again.extra_arrays["future"], np.eye(2))
    assert again.extra_arrays["event.colour"].tolist() == [0, 1, 2]


def test_a_newer_major_version_is_told_from_damage(tmp_path: Path) -> None:
    with pytest.raises(NewerVersionError, match=r"2\.3 is newer than the 1\.0"):
        Score.load(write(tmp_path / "a", *parts(), version="2.3"))


@pytest.mark.parametrize("version", ["", "1", "x.y", "-1.0", "1.0.0", "²·0", "9" * 5_000 + ".0"])
def test_an_illegal_version_is_refused(tmp_path: Path, version: str) -> None:
    refused(write(tmp_path / "a", *parts(), version=version))


def test_another_kind_of_file_is_named(tmp_path: Path) -> None:
    assert "rtsynth.instrument" in refused(write(tmp_path / "a", *parts(), kind="instrument"))
    save_file({"x": np.zeros(2)}, tmp_path / "b")
    assert "no rtsynth data" in refused(tmp_path / "b")


def test_no_file_a_folder_and_nothing_are_refused(tmp_path: Path) -> None:
    refused(tmp_path / "missing")
    refused(tmp_path)
    (tmp_path / "empty").write_bytes(b"")
    refused(tmp_path / "empty")


@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_missing_or_of_another_type_or_shape_is_refused(
    tmp_path: Path, column: str
) -> None:
    arrays, metadata = parts()
    old = arrays.pop(column)
    refused(write(tmp_path / "a", arrays, metadata))
    for wrong in (
        np.zeros(old.shape, np.int64),
        old[:2],
        np.concatenate([old, old]),
        old[..., None],
        np.array(old.reshape(-1)[0]),
        np.zeros((0, 5), old.dtype),
    ):
        message = refused(write(tmp_path / "a", {**arrays, column: np.array(wrong)}, metadata))
        # the ids say how many rows there are: all others differ from a wrong number of them
        assert column.removeprefix("event.") in message or column == "event.id"


@pytest.mark.parametrize("column", COLUMNS)
def test_a_number_out_of_range_is_refused_by_name(tmp_path: Path, column: str) -> None:
    arrays, metadata = parts()
    old = arrays[column]
    if old.dtype.kind == "f":
        poison: list[float] = [math.nan, -math.inf, -1e30]
        poison += [] if column == "event.duration_s" else [math.inf, 1e30]
    else:
        illegal = {"event.kind": [2.0, 255.0], "event.muted": [2.0], "event.group": [2.0, 65_535.0]}
        poison = illegal.get(column, [])
    for value in poison:
        wrong = old.copy()
        wrong.reshape(-1)[-1] = value
        message = refused(write(tmp_path / "a", {**arrays, column: wrong}, metadata))
        assert column.removeprefix("event.") in message
        assert "legal" in message


def test_a_range_just_missed_is_refused(tmp_path: Path) -> None:
    arrays, metadata = parts()
    for name, value in (("gain", -1e-7), ("release_s", 0.00499), ("inharm", 0.0500001)):
        wrong = arrays[f"event.{name}"].copy()
        wrong[0] = value
        refused(write(tmp_path / "a", {**arrays, f"event.{name}": wrong}, metadata))


def test_two_events_with_one_id_are_refused(tmp_path: Path) -> None:
    arrays, metadata = parts()
    arrays["event.id"][:] = 4
    assert "unique" in refused(write(tmp_path / "a", arrays, {**metadata, "names": {}}))


HOSTILE_METADATA: list[dict[str, object]] = [
    {"seconds": "long"}, {"seconds": -1}, {"seconds": math.nan}, {"seconds": math.inf},
    {"seconds": 10**400}, {"seconds": None}, {"seconds": []}, {"sample_rate": 10**9},
    {"sample_rate": 0}, {"channels": 3}, {"channels": {}}, {"channels": 10**400},
    {"names": {"1": "a", "4": "a"}}, {"names": {"77": "ghost"}}, {"names": {"x": "a"}},
    {"names": {"1": "a/b"}}, {"names": {"1": "x" * 65}}, {"names": ["kick"]}, {"names": 3},
    {"names": {"1": {"deep": 1}}}, {"groups": ["", "a b"]}, {"groups": [""]}, {"groups": 5},
    {"groups": [], }, {"groups": {"": 1}}, {"meta": [1]}, {"meta": {"1": 5}}, {"meta": {"q": {}}},
    {"meta": {"1": "text"}}, {"instrument_path": "../a"}, {"instrument_path": "/etc/passwd"},
    {"instrument_path": ".."}, {"instrument_path": "a/b"}, {"source": "../take.wav"},
    {"source": "."},
]  # fmt: skip


@pytest.mark.parametrize("wrong", HOSTILE_METADATA, ids=str)
def test_hostile_metadata_is_refused(tmp_path: Path, wrong: dict[str, object]) -> None:
    arrays, metadata = parts()
    refused(write(tmp_path / "a", arrays, {**metadata, **wrong}))


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{", "[" * 100_000, '{"seconds": 1}', "1" * 5_000, "\x00"]
)
def test_metadata_that_is_no_object_is_refused(tmp_path: Path, text: str) -> None:
    refused(write(tmp_path / "a", parts()[0], text))


def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path: Path) -> None:
    whole = write(tmp_path / "a", *parts()).read_bytes()
    path = tmp_path / "b"
    for length in {*range(0, len(whole), 37), *range(20), len(whole) - 1}:
        path.write_bytes(whole[:length])
        refused(path)
    path.write_bytes(whole + b"\0")
    refused(path)


def survives(path: Path, load: Callable[[Path], object]) -> bool:
    """Whether it loads; anything raised but FileFormatError is the test's failure."""
    try:
        load(path)
    except FileFormatError:
        return False
    return True


def test_mutated_bytes_load_as_a_legal_score_or_are_refused(tmp_path: Path) -> None:
    whole = write(tmp_path / "a", *parts()).read_bytes()
    rng = np.random.default_rng(0)
    path = tmp_path / "b"
    header = 8 + int.from_bytes(whole[:8], "little")
    loaded = 0
    for trial in range(1500):
        data = bytearray(whole)
        end = header if trial % 2 else len(data)  # half of them hit the header
        for _ in range(int(rng.integers(1, 4))):
            data[int(rng.integers(0, end))] = int(rng.choice([0, 255, 34, 48, 57, 91, 125, 192]))
        path.write_bytes(data)
        loaded += survives(path, lambda p: list(Score.load(p).table))
    assert 0 < loaded < 1500


@pytest.mark.parametrize("size", [2**63, 2**64 - 1, 2**40, 100_000_001, 10**6])
def test_an_absurd_header_size_allocates_nothing(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a"
    path.write_bytes(size.to_bytes(8, "little") + b"{}" * 20)
    refused(path)


@pytest.mark.parametrize("shape", [[2**62], [2**32, 2**32], [-1], [4_000_001], [1, 2**63 - 1]])
@pytest.mark.parametrize("dtype", ["U32", "F8_E4M3", "BF16", "BOOL", "Q7"])
def test_absurd_counts_and_types_are_refused(tmp_path: Path, shape: list[int], dtype: str) -> None:
    header = {
        "__metadata__": {"format": "rtsynth.score", "version": "1.0", "metadata": "{}"},
        "event.id": {"dtype": dtype, "shape": shape, "data_offsets": [0, 16]},
    }
    text = json.dumps(header).encode()
    (tmp_path / "a").write_bytes(len(text).to_bytes(8, "little") + text + bytes(16))
    refused(tmp_path / "a")


@pytest.mark.parametrize("dtype", ["F8_E4M3", "F8_E5M2", "BF16", "F16", "BOOL"])
def test_a_type_numpy_does_not_know_is_refused(tmp_path: Path, dtype: str) -> None:
    size = 2 if dtype in ("BF16", "F16") else 1
    header = {
        "__metadata__": {"format": "rtsynth.score", "version": "1.0", "metadata": "{}"},
        "event.id": {"dtype": dtype, "shape": [4], "data_offsets": [0, 4 * size]},
    }
    text = json.dumps(header).encode()
    (tmp_path / "a").write_bytes(len(text).to_bytes(8, "little") + text + bytes(4 * size))
    refused(tmp_path / "a")


def test_garbage_is_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for size in (1, 7, 8, 9, 100, 10_000):
        (tmp_path / "a").write_bytes(rng.bytes(size))
        refused(tmp_path / "a")
