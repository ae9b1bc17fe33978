"""The field: time to draw an event's controls and its attack, compiled, in torch and in NumPy.

    python tools/bench/field.py --points 128 --attack 0.1

What an edit waits for: the control curves at their points, and the attack at 48 kHz. One thread
each; the compiled twin and torch are float32, NumPy is the definition, in float64 and in float32.
"""

import argparse
import math
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from rtsynth.dsp.field import FieldTwin
from rtsynth.instrument import FieldNet, FieldWeights
from rtsynth.nn import NeuralField

RATE = 48_000
Jobs = dict[str, tuple[Callable[[], object], Callable[[], object]]]


def trained_like(frequencies: int, hidden: int) -> FieldWeights:
    """A field whose read-out is no longer zero."""
    field = NeuralField(8, frequencies=frequencies, hidden=hidden)
    for net in (field.control_net, field.attack_net):
        torch.nn.init.normal_(net.w2, 0.0, 0.1)
    return field.to_weights()


def in_float32(net: FieldNet, ages: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """`FieldNet.evaluate` with float32 layers: what plain NumPy would do for speed."""
    x = net.features(0, vector, ages, math.inf).astype(np.float32)
    for weight, bias in ((net.w0, net.b0), (net.w1, net.b1)):
        x = np.sin(x @ weight + bias[:, None])
    out: np.ndarray = x @ net.w2 + net.b2[:, None]
    return out


def jobs(weights: FieldWeights, points: int, frames: int) -> Jobs:
    """The two tasks for every way to do them."""
    slow, fast = np.arange(points) * 0.002, np.arange(frames) / RATE
    vector = np.random.default_rng(0).normal(size=32).astype(np.float32) * 6
    twin, field = FieldTwin(weights), NeuralField.from_weights(weights)
    curves = np.zeros((twin.members, points, weights.drawn), np.float32)
    sound = np.zeros((twin.members, frames), np.float32)
    event = torch.zeros(1, dtype=torch.long), torch.tensor(vector)[None]
    endless = torch.tensor([math.inf])
    ages = [torch.tensor(each)[None] for each in (slow, fast)]
    return {
        "compiled": (
            lambda: twin.controls(0, vector, slow, math.inf, curves),
            lambda: twin.attack(0, vector, RATE, math.inf, sound),
        ),
        "torch": (
            lambda: field.draw_controls(*event, ages[0], endless),
            lambda: field.draw_attack(*event, ages[1], endless),
        ),
        "NumPy float32": (
            lambda: in_float32(weights.controls, slow, vector),
            lambda: in_float32(weights.attack, fast, vector),
        ),
        "NumPy float64": (
            lambda: weights.draw_controls(0, vector, slow),
            lambda: weights.draw_attack(0, vector, fast),
        ),
    }


def times_ms(job: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Fastest and median time."""
    job()
    found = []
    for _ in range(repeats):
        began = time.perf_counter()
        job()
        found.append((time.perf_counter() - began) * 1e3)
    return min(found), statistics.median(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--points", type=int, default=128)
    parser.add_argument("--attack", type=float, default=0.1, help="seconds")
    parser.add_argument("--frequencies", type=int, default=16)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=30)
    args = parser.parse_args()
    torch.set_num_threads(1)
    weights = trained_like(args.frequencies, args.hidden)
    print(f"4 members, F = {args.frequencies}, H = {args.hidden}; milliseconds, fastest (median)")
    heads = (f"{args.points} control points", f"{args.attack * 1e3:g} ms of attack")
    print(f"{'':<14}{heads[0]:>26}{heads[1]:>26}")
    with threadpool_limits(1), torch.inference_mode():
        for name, tasks in jobs(weights, args.points, round(args.attack * RATE)).items():
            cells = [times_ms(task, args.repeats) for task in tasks]
            print(f"{name:<14}" + "".join(f"{low:>16.3f} ({mid:.3f})" for low, mid in cells))


if __name__ == "__main__":
    main()
