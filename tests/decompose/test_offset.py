"""Gains per mode of single strikes: what an event's vector can tell, and no more."""

import numpy as np

from rtsynth.decompose import render_score
from rtsynth.decompose.bake import bake
from rtsynth.decompose.damped import Float, Modes
from rtsynth.decompose.draft import Draft, Resonance, Strike
from rtsynth.decompose.fit import Fit
from rtsynth.decompose.offset import give_offsets
from rtsynth.decompose.recording import Recording
from rtsynth.events import VECTOR_DIM
from rtsynth.instrument import NOISE_BANDS

RATE = 44_100
COUNT = VECTOR_DIM + 28
CHANGED = np.array([COUNT - 1, COUNT - 4, COUNT - 9])
CHANGED_DB = np.array([6.0, -8.0, 4.0])


def plate() -> Modes:
    """More modes than a vector has numbers, the weakest first."""
    rng = np.random.default_rng(2)
    freq_hz: Float = 150.0 * (1.0 + np.arange(COUNT, dtype=np.float64)) ** 0.9
    phase = np.exp(2j * np.pi * rng.uniform(size=COUNT))
    return Modes(freq_hz, np.full(COUNT, 1.5), 0.002 * 1.08 ** np.arange(COUNT) * phase)


def played(offset_db: Float | None) -> Draft:
    """Struck twice, the second time with gains of its own."""
    strikes = [Strike(4_410, 0, 1.0), Strike(2 * RATE, 0, 0.7, offset_db=offset_db)]
    return Draft(RATE, 4 * RATE, strikes, [Resonance(plate())])


def test_only_the_loudest_modes_get_gains_of_their_own() -> None:
    true_db = np.zeros(COUNT)
    true_db[CHANGED] = CHANGED_DB
    true_db[0] = 12.0  # among the weakest, of which a vector says nothing
    draft = played(None)
    give_offsets(Fit(played(true_db).model(), draft))
    found = draft.strikes[1].offset_db
    assert found is not None
    assert np.max(np.abs(found[CHANGED] - CHANGED_DB)) < 1.5  # they are drawn towards 0
    assert np.count_nonzero(found) <= VECTOR_DIM
    assert not found[: COUNT - VECTOR_DIM].any()


def test_the_score_says_what_the_draft_does_with_modes_in_any_order() -> None:
    true_db = np.zeros(COUNT)
    true_db[CHANGED] = CHANGED_DB
    draft = played(true_db)
    wanted = draft.model()
    recording = Recording(wanted[:, None], RATE, RATE)
    score, instrument = bake(draft, np.zeros(NOISE_BANDS), recording, COUNT)
    heard = render_score(score, instrument, RATE).mean(axis=1)[: len(wanted)]
    inside = slice(2 * RATE, 3 * RATE)
    error = np.sum((heard - wanted)[inside] ** 2) / np.sum(wanted[inside] ** 2)
    assert 10 * np.log10(error) < -30.0  # single precision, DC blocker; without the gains −9
