"""A state in a safetensors file and back: ragged lists as one array and their lengths.

Thread: worker.
"""

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.damped import Modes
from rtsynth.decompose.draft import Draft, Resonance, Strike
from rtsynth.decompose.grouping import Grouping, Take
from rtsynth.decompose.keys.played import Played
from rtsynth.decompose.steps.state import State
from rtsynth.errors import FileFormatError
from rtsynth.safefile import load_arrays, save_arrays

__all__ = ["load_state", "save_state"]

VERSION = (1, 0)
KIND = "decomposition"
Arrays = dict[str, NDArray[Any]]


def save_state(state: State, path: str | os.PathLike[str], fingerprint: str = "") -> None:
    """Write a state; it reads back as it was, to the last bit.

    Args:
        state: after any step.
        path: of the file.
        fingerprint: of recording, recipe and segment.
    """
    arrays: Arrays = {"onsets": state.onsets, "floor": state.floor}
    arrays["known"] = np.array(state.known, np.int64)
    arrays |= _takes(state.takes) | _groups(state.groups) | _draft(state.draft)
    arrays |= _played(state.played)
    facts = {
        "fingerprint": fingerprint,
        "sample_rate": state.sample_rate,
        "length": state.length,
        "done": state.done,
        "drums": state.drums,
        "draft": [state.draft.sample_rate, state.draft.length],
    }
    save_arrays(path, KIND, VERSION, arrays, facts)


def load_state(path: str | os.PathLike[str], fingerprint: str = "") -> State:
    """Read a state.

    Args:
        path: of the file.
        fingerprint: what the file must have been saved with.

    Raises:
        FileFormatError: damaged, or saved with another fingerprint.
    """
    arrays, facts = load_arrays(path, KIND, VERSION)
    if facts.get("fingerprint") != fingerprint:
        raise FileFormatError(
            f"{os.fspath(path)}: belongs to another recording or recipe; remove it"
        )
    try:
        return _state(arrays, facts)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise FileFormatError(
            f"{os.fspath(path)}: is damaged ({type(error).__name__}: {error}); remove it"
        ) from None


def _state(arrays: Arrays, facts: dict[str, Any]) -> State:
    rate, length = facts["draft"]
    return State(
        float(facts["sample_rate"]),
        int(facts["length"]),
        str(facts["done"]),
        arrays["onsets"],
        _read_takes(arrays),
        _read_groups(arrays),
        _read_played(arrays),
        arrays["known"].tolist(),
        bool(facts["drums"]),
        Draft(float(rate), int(length), _read_strikes(arrays), _read_resonances(arrays)),
        arrays["floor"],
    )


def _flat(name: str, parts: Sequence[NDArray[Any] | None], kind: Any = np.float64) -> Arrays:
    """Parts of unequal length one after the other; a part may be absent, which is not empty."""
    lengths = np.array([-1 if part is None else len(part) for part in parts], np.int64)
    there = [part for part in parts if part is not None]
    joined = np.concatenate(there).astype(kind) if there else np.zeros(0, kind)
    return {f"{name}.lengths": lengths, name: joined}


def _parts(arrays: Arrays, name: str) -> list[NDArray[Any] | None]:
    lengths = arrays[f"{name}.lengths"]
    ends = np.cumsum(np.maximum(lengths, 0))
    if len(ends) and ends[-1] != len(arrays[name]):
        raise ValueError(f"{name} has {len(arrays[name])} values, {ends[-1]} expected")
    return [
        None if length < 0 else arrays[name][end - length : end].copy()
        for length, end in zip(lengths.tolist(), ends.tolist(), strict=True)
    ]


def _present(arrays: Arrays, name: str) -> list[NDArray[Any]]:
    return [np.zeros(0) if part is None else part for part in _parts(arrays, name)]


def _dicts(arrays: Arrays, keys: str, values: str) -> list[dict[int, Any]]:
    """One dict per part, of parts that hold its keys and parts that hold its values."""
    columns = zip(_present(arrays, keys), _present(arrays, values), strict=True)
    return [dict(zip(key.tolist(), value.tolist(), strict=True)) for key, value in columns]


def _modes(name: str, modes: Sequence[Modes]) -> Arrays:
    return (
        _flat(f"{name}.freq_hz", [m.freq_hz for m in modes])
        | _flat(f"{name}.t60_s", [m.t60_s for m in modes])
        | _flat(f"{name}.real", [m.amplitude.real for m in modes])
        | _flat(f"{name}.imag", [m.amplitude.imag for m in modes])
    )


def _read_modes(arrays: Arrays, name: str) -> list[Modes]:
    columns = [_present(arrays, f"{name}.{k}") for k in ("freq_hz", "t60_s", "real", "imag")]
    return [Modes(f, t, re + 1j * im) for f, t, re, im in zip(*columns, strict=True)]


def _column(name: str, records: Sequence[Any], field: str, kind: Any = np.float64) -> Arrays:
    return {f"{name}.{field}": np.array([getattr(record, field) for record in records], kind)}


def _takes(takes: list[Take]) -> Arrays:
    arrays = _modes("take", [take.modes for take in takes])
    arrays |= _flat("take.rise", [take.rise for take in takes])
    arrays |= _flat("take.older", [take.older for take in takes])
    return arrays | _column("take", takes, "onset", np.int64) | _column("take", takes, "tonal")


def _read_takes(arrays: Arrays) -> list[Take]:
    onsets, tonal = arrays["take.onset"].tolist(), arrays["take.tonal"].tolist()
    rises, older = _present(arrays, "take.rise"), _present(arrays, "take.older")
    columns = (onsets, _read_modes(arrays, "take"), rises, tonal, older)
    return [Take(*values) for values in zip(*columns, strict=True)]


def _groups(groups: Grouping) -> Arrays:
    members = groups.members
    arrays = _modes("group", groups.modes)
    arrays |= {"group.pitch_hz": np.array(groups.pitches_hz, float)}
    arrays |= {"group.all_keys": np.array([groups.all_keys])}
    arrays |= _flat("group.member", [np.array([*m], np.int64) for m in members], np.int64)
    return arrays | _flat("group.gain", [np.array([*m.values()], float) for m in members])


def _read_groups(arrays: Arrays) -> Grouping:
    members = _dicts(arrays, "group.member", "group.gain")
    pitches_hz, all_keys = arrays["group.pitch_hz"].tolist(), bool(arrays["group.all_keys"][0])
    return Grouping(_read_modes(arrays, "group"), pitches_hz, members, all_keys)


def _played(played: Played | None) -> Arrays:
    if played is None:
        return {}
    arrays: Arrays = {"played.doubtful": np.array(sorted(played.doubtful), np.int64)}
    arrays |= _flat("played.key", [np.array([*s], np.int64) for s in played.struck], np.int64)
    frames = [np.array([*s.values()], np.int64) for s in played.struck]
    return arrays | _flat("played.frame", frames, np.int64)


def _read_played(arrays: Arrays) -> Played | None:
    if "played.doubtful" not in arrays:
        return None
    struck = _dicts(arrays, "played.key", "played.frame")
    return Played(struck, frozenset(arrays["played.doubtful"].tolist()))


NUMBERS = {
    "onset": np.int64, "resonance": np.int64, "gain": np.float64, "release_s": np.float64,
    "pan": np.float64, "seen_gain": np.float64,
}  # fmt: skip
RESONANCE_PARTS = ("attack", "noise_envelope", "noise_filter", "hiss_gain", "hiss_t60_s")
RESONANCE_NUMBERS = {"noise_s": np.float64, "pitch_hz": np.float64, "hiss_seed": np.int64}


def _draft(draft: Draft) -> Arrays:
    arrays = _modes("resonance", [resonance.modes for resonance in draft.resonances])
    for field in RESONANCE_PARTS:
        arrays |= _flat(f"resonance.{field}", [getattr(r, field) for r in draft.resonances])
    for field, kind in RESONANCE_NUMBERS.items():
        arrays |= _column("resonance", draft.resonances, field, kind)
    for field, kind in NUMBERS.items():
        arrays |= _column("strike", draft.strikes, field, kind)
    held = [-1 if strike.held is None else strike.held for strike in draft.strikes]
    arrays["strike.held"] = np.array(held, np.int64)
    return arrays | _flat("strike.offset_db", [strike.offset_db for strike in draft.strikes])


def _read_strikes(arrays: Arrays) -> list[Strike]:
    columns = {field: arrays[f"strike.{field}"].tolist() for field in NUMBERS}
    columns["held"] = [None if held < 0 else held for held in arrays["strike.held"].tolist()]
    columns["offset_db"] = _parts(arrays, "strike.offset_db")
    return [
        Strike(**dict(zip(columns, values, strict=True)))
        for values in zip(*columns.values(), strict=True)
    ]


def _read_resonances(arrays: Arrays) -> list[Resonance]:
    found = [Resonance(modes) for modes in _read_modes(arrays, "resonance")]
    columns: dict[str, list[Any]] = {
        field: list(_present(arrays, f"resonance.{field}")) for field in RESONANCE_PARTS
    }
    for field in RESONANCE_NUMBERS:
        columns[field] = arrays[f"resonance.{field}"].tolist()
    return [
        dataclasses.replace(resonance, **dict(zip(columns, values, strict=True)))
        for resonance, *values in zip(found, *columns.values(), strict=True)
    ]
