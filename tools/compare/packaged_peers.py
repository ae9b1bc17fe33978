"""Packaged peers, each as its package means it to be used; run in an environment that has them.

nmf          scikit-learn's non-negative factorisation of the magnitude spectrogram, 32 components,
             phases by librosa's Griffin-Lim
sines        sms-tools' sinusoidal model (Serra), at most 150 partials at once
basic-pitch  notes (Bittner et al. 2022); makes no sound
"""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from peer import Answer, answer_all

SIZE, HOP = 2_048, 512
COMPONENTS = 32
SINES, SINES_SIZE, QUIETEST_DB = 150, 4_096, -90.0
SHORTEST_S = 0.02


def nmf(signal: Any, rate: int, path: pathlib.Path) -> Mapping[str, Answer]:
    import librosa
    from sklearn.decomposition import NMF

    magnitude = np.abs(librosa.stft(signal, n_fft=SIZE, hop_length=HOP))
    model = NMF(COMPONENTS, init="nndsvda", max_iter=200, tol=1e-3, random_state=0)
    activation = model.fit_transform(magnitude.T)
    made = (activation @ model.components_).T
    sound = librosa.griffinlim(
        made, n_iter=32, hop_length=HOP, n_fft=SIZE, length=len(signal), random_state=0
    )
    return {"nmf": Answer(sound, activation.size + model.components_.size)}


def sines(signal: Any, rate: int, path: pathlib.Path) -> Mapping[str, Answer]:
    from scipy.signal import get_window
    from smstools.models import sineModel

    shape = get_window("hamming", SINES_SIZE // 2 - 1)
    freq, level, phase = sineModel.sineModelAnal(
        signal, rate, shape, SINES_SIZE, HOP, QUIETEST_DB, SINES, SHORTEST_S, 20, 0.01
    )
    sound = sineModel.sineModelSynth(freq, level, phase, 4 * HOP, HOP, rate)
    sounding = freq > 0
    begins = np.count_nonzero(sounding[1:] & ~sounding[:-1]) + np.count_nonzero(sounding[:1])
    return {"sines": Answer(sound, 3 * int(np.count_nonzero(sounding)), int(begins))}


def basic_pitch(signal: Any, rate: int, path: pathlib.Path) -> Mapping[str, Answer]:
    import contextlib
    import os

    from basic_pitch.inference import predict

    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        _, _, found = predict(str(path))
    notes = sorted((float(note[0]), float(note[2])) for note in found)
    return {"basic-pitch": Answer(None, 4 * len(notes), len(notes), notes)}


if __name__ == "__main__":
    answer_all({"nmf": nmf, "sines": sines, "basic-pitch": basic_pitch})
