"""From what was learned to the files that are played. Thread: worker."""

import copy
import dataclasses

import numpy as np
import torch

from rtsynth.events import EventTable, Score
from rtsynth.events.event import FIELDS, VECTOR_FIELD
from rtsynth.fit.material import Material
from rtsynth.fit.model import Model
from rtsynth.instrument import Instrument, passive_impulse

__all__ = ["bake"]


@torch.no_grad()
def bake(model: Model, material: Material) -> tuple[list[Score], Instrument]:
    """The scores of all pieces and their instrument, as learned so far.

    The modes are stored passive with their impulse, the attacks at the recordings' rate.
    """
    instrument = _instrument(model)
    events = model.batch(np.arange(len(material.rows)))
    gain, resonance = events.gain.cpu().numpy(), events.resonance.cpu().numpy()
    vector = model.vector.detach().cpu().numpy()
    scores = []
    for piece in material.pieces:
        rows = piece.score.table.rows.copy()
        at = np.arange(piece.first, piece.first + len(piece.modal))
        rows["gain"][piece.modal] = np.minimum(gain[at], FIELDS["gain"].maximum)
        rows["vector"][piece.modal] = np.clip(
            vector[at], VECTOR_FIELD.minimum, VECTOR_FIELD.maximum
        )
        rows["resonance"][piece.modal] = resonance[at]
        names, meta = piece.score.table.labels()
        table = EventTable.from_rows(rows, list(piece.score.table.group_names), names, meta)
        scores.append(
            dataclasses.replace(
                piece.score, table=table, instrument=instrument.fingerprint(), instrument_path=""
            )
        )
    return scores, instrument


def _instrument(model: Model) -> Instrument:
    bank = model.bank()
    made = copy.deepcopy(model.source)
    freq, t60 = bank.freq_hz.cpu().numpy(), bank.t60_s.cpu().numpy()
    is_struck = (bank.impulse > 0).cpu().numpy()
    scale = torch.where(bank.impulse > 0, bank.impulse, 1.0)
    amplitude = (bank.gain * scale[:, None]).cpu().numpy()
    for index in range(made.resonances):
        at = np.flatnonzero(freq[index] > 0)
        if len(at):
            made.freq_hz[index, at], made.t60_s[index, at] = freq[index, at], t60[index, at]
            impulse = passive_impulse(freq[index, at], t60[index, at], amplitude[index, at])
            gain = amplitude[index, at] / max(impulse, 1e-30)
            made.mode_gain[index, at, 0], made.mode_gain[index, at, 1] = gain.real, gain.imag
            made.impulse[index] = impulse if is_struck[index] else 0.0
    made.attack = bank.attack.cpu().numpy().astype(np.float32)
    if model.field is not None:
        made.field = model.field.to_weights()
    return made
