"""Turning the events' vectors into coordinates worth a fader. Thread: worker.

`vector' = vector · Q` and `mode_map' = Qᵀ · mode_map`, Q orthonormal, leave every mode's gain what
it was; the field's projections turn with them. Q's columns are the principal directions of what the
events differ in, strongest first, then a cosine basis for what no event uses.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from rtsynth.events import VECTOR_DIM, EventTable, Kind, Score
from rtsynth.events.event import VECTOR_FIELD
from rtsynth.instrument import FieldNet, FieldWeights, Instrument

__all__ = ["principal_axes", "rotate"]

FAINT = 1e-6  # of the largest variance: directions below it are nobody's
NAMED = 0.6  # correlation from which a coordinate carries a descriptor's name
EQUAL = 1e-6  # of correlations
MOST_NAMES = 8

Float = NDArray[np.float64]


def principal_axes(vectors: Float) -> tuple[Float, int]:
    """[32, 32] orthonormal columns, strongest first, and how many of them are used.

    Args:
        vectors: [events, 32].
    """
    spread = vectors - vectors.mean(axis=0)
    values, axes = np.linalg.eigh(spread.T @ spread)
    order = np.argsort(values)[::-1]
    used = int(np.sum(values > FAINT * max(float(values.max()), 1e-9)))
    index = np.arange(VECTOR_DIM)
    cosines = np.cos(np.pi * (index[:, None] + 0.5) * index / VECTOR_DIM)
    found: list[Float] = []
    for column in [*axes[:, order[:used]].T, *cosines.T]:
        left = np.asarray(column, float)
        for _ in range(2):  # twice is enough (Kahan, in Parlett 1980)
            for other in found:
                left = left - (left @ other) * other
        size = float(np.linalg.norm(left))
        if size > 1e-6 * float(np.linalg.norm(column)) and len(found) < VECTOR_DIM:
            found.append(left / size)
    return np.stack(found, axis=1), used


def rotate(
    scores: list[Score], instrument: Instrument
) -> tuple[list[Score], Instrument, list[str]]:
    """Scores and instrument in principal coordinates: the same sound to rounding.

    Returns:
        New scores, a new instrument with its macros named, and notes for people.
    """
    modal = [s.table.rows["kind"] == Kind.MODAL for s in scores]
    vectors = np.concatenate(
        [s.table.rows["vector"][m] for s, m in zip(scores, modal, strict=True)]
    ).astype(float)
    if len(vectors) < 2 or not np.ptp(vectors, axis=0).any():
        return scores, instrument, ["the events' vectors do not differ: no macros"]
    axes, used = principal_axes(vectors)
    offsets = vectors @ instrument.mode_map.astype(float)
    resonance = np.concatenate(
        [s.table.rows["resonance"][m] for s, m in zip(scores, modal, strict=True)]
    )
    described = _descriptors(offsets, resonance, instrument)
    names, signs = _names(vectors @ axes[:, :used], *described)
    axes[:, :used] *= signs
    if np.abs(vectors @ axes).max() > VECTOR_FIELD.maximum:
        return scores, instrument, ["vectors beyond ±96 dB after turning: left as they were"]
    turned = dataclasses.replace(
        instrument,
        mode_map=(axes.T @ instrument.mode_map.astype(float)).astype(np.float32),
        field=_turned_field(instrument.field, axes),
        macros=names[:MOST_NAMES],
    )
    made = [_turned(s, m, axes, turned) for s, m in zip(scores, modal, strict=True)]
    return made, turned, []


def _turned(score: Score, modal: NDArray[np.bool_], axes: Float, instrument: Instrument) -> Score:
    rows = score.table.rows.copy()
    rows["vector"][modal] = rows["vector"][modal].astype(float) @ axes
    names, meta = score.table.labels()
    table = EventTable.from_rows(rows, list(score.table.group_names), names, meta)
    return dataclasses.replace(
        score, table=table, instrument=instrument.fingerprint(), instrument_path=""
    )


def _turned_field(field: FieldWeights | None, axes: Float) -> FieldWeights | None:
    if field is None:
        return None

    def turned(net: FieldNet) -> FieldNet:
        project = np.tensordot(axes.T, net.project.astype(float), 1)
        return dataclasses.replace(net, project=project.astype(np.float32))

    return FieldWeights(turned(field.controls), turned(field.attack), field.attack_s)


def _descriptors(
    offsets: Float, resonance: NDArray[np.integer], instrument: Instrument
) -> tuple[dict[str, Float], dict[str, float]]:
    """[events] what a musician would call a difference, by its name; offsets are [events, M] dB.

    And how much of the offsets each of them alone accounts for, dB² over all events and modes.
    """
    found: dict[str, list[float]] = {
        "brightness": [], "odd/even": [], "fundamental": [], "level": []
    }  # fmt: skip
    power = dict.fromkeys(found, 0.0)
    for row, r in zip(offsets, resonance, strict=True):
        freq = instrument.freq_hz[r].astype(float)
        own, level = freq[freq > 0], row[freq > 0]
        if len(own) < 2:
            for values in found.values():
                values.append(0.0)
            continue
        octaves = np.log2(own / own.min())
        number = np.round(own / own.min()).astype(int)
        odd, even = (number % 2 == 1) & (number > 1), number % 2 == 0
        slope = octaves - octaves.mean()
        found["brightness"].append(float(slope @ level / max(float(slope @ slope), 1e-9)))
        found["odd/even"].append(
            float(level[odd].mean() - level[even].mean()) if odd.any() and even.any() else 0.0
        )
        found["fundamental"].append(float(level[np.argmin(own)] - level.mean()))
        found["level"].append(float(level.mean()))
        squares = {
            "brightness": float(slope @ slope),
            "odd/even": 0.25 * len(own),
            "fundamental": 1.0,
            "level": float(len(own)),
        }
        for name, values in found.items():
            power[name] += squares[name] * values[-1] ** 2
    return {name: np.array(values) for name, values in found.items()}, power


def _names(
    coordinates: Float, descriptors: dict[str, Float], power: dict[str, float]
) -> tuple[list[str], Float]:
    """Each coordinate's name, the best-correlated free descriptor or a number; its sign.

    Of those that go with it equally well, as all do where events differ in one way only, the one
    that accounts for most.
    """
    names, signs, free = [], [], dict(descriptors)
    for number, column in enumerate(coordinates.T, start=1):
        ratings = {name: _correlation(column, values) for name, values in free.items()}
        most = max((abs(rating) for rating in ratings.values()), default=0.0)
        equal = [name for name in ratings if abs(ratings[name]) > most - EQUAL]
        best = max(equal, key=lambda name: power[name], default="")
        if best and abs(ratings[best]) >= NAMED:
            names.append(best)
            signs.append(1.0 if ratings[best] > 0 else -1.0)
            del free[best]
        else:
            names.append(f"macro {number}")
            signs.append(1.0 if column[np.argmax(np.abs(column))] >= 0 else -1.0)
    return names, np.array(signs)


def _correlation(x: Float, y: Float) -> float:
    x, y = x - x.mean(), y - y.mean()
    size = float(np.linalg.norm(x) * np.linalg.norm(y))
    return float(x @ y) / size if size > 1e-9 else 0.0
