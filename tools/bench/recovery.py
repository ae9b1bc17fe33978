"""How long there is no sound after something was killed under a performance, and who answers.

    python tools/bench/recovery.py --times 5
    python tools/bench/recovery.py --times 5 --no-jack

A real `rtsynth serve` plays; what is named is killed. `gap` is the longest time in which the
device asked for no block, `answer` the longest that a client waited for a reply meanwhile, both as
a client sees them that asks every few milliseconds. For a killed JACK server, `back` is the time
from the new server's start until sound goes to it; the stand-in plays into nothing meanwhile.
"""

import argparse
import contextlib
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from rtsynth.client import Client
from tests.audio.jack import JackServer, missing
from tests.engine.bank import mixed_table
from tests.integration.running import Running, serving, write_score

POLL_S = 0.002
SETTLE_S = 2.5  # after which an earlier death is forgotten
RESERVE_S = 12.0  # and the next process in reserve is ready, on a busy machine
LONGEST_S = 20.0
HEADING = ("killed", "device", "n", "gap ms", "worst", "back ms", "worst", "answer ms", "worst")


class Watch:
    """Asks for blocks and state until something is true, and keeps the longest gaps."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.gap_s = self.answer_s = 0.0
        self._blocks, self._changed_s = -1, time.monotonic()

    def until(self, done: Callable[[dict[str, object]], bool]) -> float:
        """Seconds until it was."""
        begin_s = time.monotonic()
        while time.monotonic() - begin_s < LONGEST_S:
            asked_s = time.monotonic()
            status = self._client.status()
            now_s = time.monotonic()
            self.answer_s = max(self.answer_s, now_s - asked_s)
            if int(status["blocks"]) != self._blocks:
                self.gap_s = max(self.gap_s, now_s - self._changed_s) if self._blocks >= 0 else 0.0
                self._blocks, self._changed_s = int(status["blocks"]), now_s
            if done(status):
                return now_s - begin_s
            time.sleep(POLL_S)
        raise SystemExit(f"recovery.py: no sound after {LONGEST_S:g} s; {self._client.status()}")


def kill_engine(number: signal.Signals) -> Callable[[Client, JackServer | None], list[float]]:
    """What sends a signal to the engine process and waits for the next one; gap, back, answer."""

    def once(client: Client, jack: JackServer | None) -> list[float]:
        watch = Watch(client)
        before = client.status()
        watch.until(lambda status: int(str(status["blocks"])) > before["blocks"] + 20)
        os.kill(before["engine_pid"], number)
        watch.until(lambda s: s["restarts"] > before["restarts"] and s["device_state"] == "ok")
        resumed = client.status()["blocks"]
        watch.until(lambda status: int(str(status["blocks"])) > resumed + 20)
        return [watch.gap_s, 0.0, watch.answer_s]

    return once


def kill_jack(client: Client, jack: JackServer | None) -> list[float]:
    """Kill the JACK server, let it be away for a second, start it again; gap, back, answer."""
    assert jack is not None
    watch = Watch(client)
    before = client.status()["restarts"]
    jack.kill()
    watch.until(lambda status: int(str(status["restarts"])) > before)
    watch.until(lambda status: status["device_state"] == "away")
    jack.start(seen=False)
    back_s = watch.until(lambda status: status["device_state"] == "ok")
    return [watch.gap_s, back_s, watch.answer_s]


@contextlib.contextmanager
def performing(device: str) -> Iterator[tuple[Running, Client]]:
    """A service that plays a looped score on a device."""
    with tempfile.TemporaryDirectory() as folder:
        score = write_score(Path(folder), mixed_table())
        with serving(score, device=device) as service:
            with Client(service.port("zeromq"), timeout_s=5.0) as client:
                client.loop(True, 0.0, 1.0)
                client.play()
                time.sleep(SETTLE_S)
                yield service, client
            service.end()


def measure(
    name: str,
    device: str,
    times: int,
    once: Callable[[Client, JackServer | None], list[float]],
    settle_s: float,
    jack: JackServer | None = None,
) -> None:
    """Do it so many times, so far apart, and print a line."""
    found = []
    with performing(device) as (_, client):
        time.sleep(settle_s)
        for _ in range(times):
            found.append(once(client, jack))
            time.sleep(settle_s)
    columns = [[1e3 * row[i] for row in found] for i in range(3)]
    figures = [f(column) for column in columns for f in (statistics.median, max)]
    shown = [f"{figure:.0f}" if figure else "–" for figure in figures]
    print(("{:>14}{:>7}{:>4}" + "{:>11}" * 6).format(name, device, times, *shown), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument(
        "--no-reserve", action="store_true", help="before the next process in reserve is ready"
    )
    parser.add_argument("--no-jack", action="store_true", help="the null device only")
    args = parser.parse_args()
    settle_s = SETTLE_S if args.no_reserve else RESERVE_S
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; median and worst of n")
    print(("{:>14}{:>7}{:>4}" + "{:>11}" * 6).format(*HEADING))
    measure("engine -9", "null", args.times, kill_engine(signal.SIGKILL), settle_s)
    measure("engine -STOP", "null", args.times, kill_engine(signal.SIGSTOP), settle_s)
    if args.no_jack or missing():
        print(missing() or "JACK left out")
        return
    jack = JackServer()
    jack.start(seen=False)
    time.sleep(1.0)
    measure("engine -9", "JACK", args.times, kill_engine(signal.SIGKILL), settle_s)
    measure("engine -STOP", "JACK", args.times, kill_engine(signal.SIGSTOP), settle_s)
    measure("jackd -9", "JACK", args.times, kill_jack, settle_s, jack)
    jack.stop()


if __name__ == "__main__":
    main()
