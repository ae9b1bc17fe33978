"""Jitter of stamps with and without the delay-locked clock, beside Python CPU loops.

    python tools/bench/clock.py --seconds 20

At random moments a message is stamped twice: from the last block as it was really asked for, and
from the stream's clock. Both should lie on one straight line; what they are off it is their jitter.
It is taken second by second, so that frames that a busy machine drops, which move the stream
itself, cost one second. `arrival` is how long after a datagram came the receiving thread learned of
it, and by how much the system's own stamp misses that moment.
"""

import argparse
import socket
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parent))

from callback import RATE, build_engine, python_loops

from rtsynth.audio import NullDevice, PortAudioDevice
from rtsynth.control.arrival import receive, stamp_arrivals
from rtsynth.engine import Engine, Op
from tests.audio.jack import JackServer

EVERY_S = 0.003
SETTLE_S = 5.0
LEAST = 8  # stamps in a second


def stamped(engine: Engine, seconds: float) -> tuple[NDArray[np.float64], ...]:
    """Moments, and frames at them by the last block and by the clock."""
    moments, blocks, locked = [], [], []
    rng = np.random.default_rng(1)
    end_s = time.monotonic() + seconds
    while (now_s := time.monotonic()) < end_s:
        frame, asked_s = engine.block_clock()
        blocks.append(frame + (now_s - asked_s) * RATE)
        frame, asked_s = engine.clock()
        locked.append(frame + (now_s - asked_s) * engine.clock_rate)
        moments.append(now_s)
        time.sleep(EVERY_S * rng.random())
    return np.array(moments), np.array(blocks), np.array(locked)


def jitter(moments: NDArray[np.float64], frames: NDArray[np.float64]) -> str:
    """RMS distance from the best straight line of each second, samples: median, 90 %, largest."""
    seconds = np.floor(moments - moments[0])
    rms = []
    for second in np.unique(seconds):
        at, found = moments[seconds == second], frames[seconds == second]
        if len(at) > LEAST:
            off = found - np.polyval(np.polyfit(at - at[0], found, 1), at - at[0])
            rms.append(float(np.sqrt(np.mean(off**2))))
    return "".join(f"{x:9.2f}" for x in np.percentile(rms, (50, 90, 100)))


def arrivals(seconds: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of datagrams to oneself: seconds until read, and by which the system's stamp is off."""
    read, off = [], []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
        here.bind(("127.0.0.1", 0))
        stamps = stamp_arrivals(here)
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            sent_s = time.monotonic()
            here.sendto(b"abcd", here.getsockname())
            time.sleep(EVERY_S)  # others run meanwhile
            _, _, arrived_s = receive(here, 64, stamps)
            read.append(time.monotonic() - sent_s - EVERY_S)
            off.append(arrived_s - sent_s)
    return np.array(read), np.array(off)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--block-size", type=int, default=256)
    parser.add_argument("--loops", type=int, default=2)
    args = parser.parse_args()
    sys.setswitchinterval(0.0005)  # as the service does
    server = JackServer(RATE, args.block_size)
    jack = server.start()
    print(f"{RATE} Hz, {args.block_size} frames; RMS jitter of stamps in samples:")
    print("of the median second, of nine in ten, of the worst")
    print(f"{'device':>8}{'beside':>10}{'by the last block':>27}{'by the clock':>27}   rate Hz")
    for name in ("JACK", "null") if jack else ("null",):
        for loops in (0, args.loops):
            engine = build_engine(16, 64, args.block_size)
            engine.post(Op.PLAY)
            device = (
                PortAudioDevice(engine, "JACK", block_size=args.block_size)
                if name == "JACK"
                else NullDevice(engine, args.block_size)
            )
            with device, python_loops(loops, collecting=False):
                time.sleep(SETTLE_S)
                moments, blocks, locked = stamped(engine, args.seconds)
                stats = engine.stats()
            beside = f"{loops} loops" if loops else "idle"
            print(f"{name:>8}{beside:>10}{jitter(moments, blocks)}{jitter(moments, locked)}"
                  f"   {stats.rate_hz:.2f}, {stats.clock_relocks} relocks,"
                  f" lead {float(engine._core['lead_ns']) * 1e-6:.2f} ms", flush=True)  # fmt: skip
    if jack:
        server.stop()
    for loops in (0, args.loops):
        with python_loops(loops, collecting=False):
            read, off = (1e3 * np.percentile(x, (50, 99, 100)) for x in arrivals(args.seconds / 2))
        print(
            f"arrival, {loops} loops (p50, p99, max): read after {read[0]:.3f}, {read[1]:.3f}, "
            f"{read[2]:.3f} ms; stamp off by {off[0]:.3f}, {off[1]:.3f}, {off[2]:.3f} ms"
        )


if __name__ == "__main__":
    main()
