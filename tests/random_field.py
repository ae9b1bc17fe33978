"""A field whose every weight is random, of the size that training leaves them."""

import numpy as np

from rtsynth.instrument import CONTROLS, FieldNet, FieldWeights


def random_net(
    seed: int, top_hz: float, outputs: int, resonances: int = 3, frequencies: int = 16,
    hidden: int = 64,
) -> FieldNet:  # fmt: skip
    rng = np.random.default_rng(seed)
    net = FieldNet.zeros(resonances, frequencies, hidden, outputs)
    net.omega[:] = 2 * np.pi * np.geomspace(0.25, top_hz, net.omega.size).reshape(net.omega.shape)
    net.alpha[:] = rng.uniform(0.0, 3.0, net.alpha.shape) * (rng.random(net.alpha.shape) < 0.7)
    net.prototype[:] = rng.normal(size=net.prototype.shape)
    net.project[:] = rng.normal(size=net.project.shape) * 0.1
    for name in ("w0", "w1", "w2", "b0", "b1", "b2"):
        array = getattr(net, name)
        fan_in = array.shape[1] if name[0] == "w" else 1.0
        array[:] = rng.normal(size=array.shape) * 1.5 / np.sqrt(fan_in)
    net.w0[:, 2 * frequencies] *= 0.25
    return net


def random_weights(seed: int = 0, attack_s: float = 0.1, **size: int) -> FieldWeights:
    return FieldWeights(
        random_net(seed, 200.0, len(CONTROLS), **size),
        random_net(seed + 1, 19_200.0, 2, **size),
        attack_s,
    )


def random_vector(seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=32) * 6.0).astype(np.float32)
