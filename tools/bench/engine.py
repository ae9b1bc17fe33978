"""The engine's targets: measured here, the peer beside it, met or short, and the command of each.

    python tools/bench/engine.py                # all rows: twenty minutes, and an hour for row 12
    python tools/bench/engine.py --rows 3 4 11  # some of them

Rows 2, 4 and 5 need JACK (`jackd`) or scsynth (`supercollider-server`, and supriya). A row whose
script or test is not there says so. Peers that are not run here are quoted from their papers.
"""

import argparse
import dataclasses
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MET, SHORT, NOT = "met", "**short**", "not run"


@dataclasses.dataclass(frozen=True)
class Row:
    """One target: its words, who is to be beaten, the command, and what its output says."""

    target: str
    peer: str
    command: str
    judge: Callable[[str], tuple[str, str]]


def run(command: str) -> tuple[int, str]:
    """Exit code and output of one of our scripts or of pytest, run in the repository's root."""
    words = command.split()
    words[0] = sys.executable
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=10_800
    )
    return done.returncode, done.stdout + done.stderr


def verdict(good: bool) -> str:
    return MET if good else SHORT


def of_tests(said: str) -> Callable[[str], tuple[str, str]]:
    """What tests that pass prove."""

    def judge(output: str) -> tuple[str, str]:
        passed = re.search(r"(\d+) passed", output)
        failed = re.search(r"\d+ (failed|error)", output)
        skipped = re.search(r"(\d+) skipped", output)
        if failed or not passed:
            return "a test failed", SHORT
        if skipped:
            return f"{passed.group(1)} tests pass, {skipped.group(1)} cannot run here", NOT
        return f"{said} ({passed.group(1)} tests)", MET

    return judge


def numbers(line: str) -> list[float]:
    """Every number of a line."""
    return [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", line)]


def callback(output: str) -> tuple[str, str]:
    """Row 2, from the table of `callback.py`."""
    rows = [line.split() for line in output.splitlines() if re.match(r"\s*(compiled|Python)", line)]
    idle, beside = (next(r for r in rows if r[0] == "compiled" and w in r) for w in ("idle", "+gc"))
    peer = next(r for r in rows if r[0] == "Python" and "+gc" in r)
    flags, own, p99 = int(beside[-5]), int(beside[-4]), float(beside[-2])
    ratio = p99 / float(idle[-2])
    text = (
        f"{flags} flags, {own} ours; body p99 {p99:.0f} µs, {ratio:.1f} × idle "
        f"(Python callback here: {peer[-5]} flags, {peer[-6]} of {peer[-7]} blocks)"
    )
    return text, verdict(own == 0 and ratio <= 2.0)


def load(output: str) -> tuple[str, str]:
    """Row 3: met if every pass by itself meets it; what is dear in all of them stands beside."""
    found: dict[str, list[list[float]]] = {"load": [], "constant": [], "in every pass": []}
    for line in output.splitlines():
        for what, rows in found.items():
            if what in line:
                rows.append([float(n) for n in re.findall(r"([\d.]+) %", line)])

    def said(rows: list[list[float]]) -> str:
        columns = zip(("p50", "p99", "max"), zip(*rows, strict=True), strict=True)
        return ", ".join(f"{name} {min(c):.1f} … {max(c):.1f} %" for name, c in columns)

    loads, (p50, p99, worst) = found["load"], found["in every pass"][0]
    met = sum(one[1] <= 20.0 and one[2] <= 50.0 for one in loads)
    text = (
        f"{said(loads)}, {met} of {len(loads)} passes within it; dear in all of them: "
        f"p50 {p50:.1f} %, p99 {p99:.1f} %, max {worst:.1f} %; "
        f"constant work beside: {said(found['constant'])}"
    )
    return text, verdict(met == len(loads))


def klank(output: str) -> tuple[str, str]:
    """Row 4: the ratio at 64 modes × 64 voices, and the share that 16 384 modes take."""
    rows = {tuple(numbers(r)[:2]): numbers(r) for r in output.splitlines() if "×" in r}
    few, many = rows[(64.0, 64.0)], rows[(64.0, 256.0)]
    share = 16_384 * 48_000 / (many[4] * 1e6)
    text = (
        f"engine {few[4]:.0f} M modes·samples/s at 64 × 64, Klank {few[2]:.0f} M: "
        f"{few[6]:.1f} ×; 16 384 modes in {share:.0%} of a core"
    )
    return text, verdict(few[6] >= 4.0 and share <= 0.25)


def arrival(output: str) -> tuple[str, str]:
    """Row 5."""
    line = next(line for line in output.splitlines() if line.startswith("arrival"))
    p99, jitter = (float(n) for n in re.findall(r"(?:p99|jitter) ([\d.]+)", line))
    return line.removeprefix("arrival: "), verdict(p99 <= 4.0 and jitter <= 1.0)


def start(output: str) -> tuple[str, str]:
    """Row 11."""
    line = next(line for line in output.splitlines() if line.startswith("start"))
    seconds, ratio = numbers(line)[:2]
    return line, verdict(seconds <= 3.0 and ratio <= 1.5)


def soak(output: str) -> tuple[str, str]:
    """Row 12: the script's exit code has been looked at; what took too long is an xrun of ours."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    said = [line for line in lines if "than they last" in line][-1].removeprefix("in every pass: ")
    kept = [said, *(line for line in lines if line.startswith(("peak", "memory")))]
    return "; ".join(kept), verdict(said.startswith("0 of"))


PYTEST = "python -m pytest -q -p no:cacheprovider"
ROWS = {
    1: Row(
        "no Python and no allocation on the audio thread, by IR lint and held-GIL test",
        "TorchFX, pyo: the interpreter's lock every block",
        f"{PYTEST} tests/engine/test_compiled.py "
        "tests/audio/test_jack.py::test_blocks_keep_coming_while_a_thread_holds_the_interpreter",
        of_tests("nothing in the callback's code allocates, raises or calls Python"),
    ),
    2: Row(
        "48 kHz/256 on JACK dummy, four Python loops and a collecting one: no flag of ours, body "
        "p99 ≤ 2 × idle",
        "a Python callback, in the same run",
        "python tools/bench/callback.py --seconds 8 --loops 4 --gc",
        callback,
    ),
    3: Row(
        "64 events × 64 modes, noise and curves, at 48 kHz/128: p99 ≤ 20 %, max ≤ 50 %",
        "–",
        "python tools/bench/engine_cost.py --target --seconds 20 --passes 5",
        load,
    ),
    4: Row(
        "modes per core ≥ 4 × scsynth `Klank` in the same run; 16 384 in ≤ 25 % of a core",
        "scsynth 3.13, in the same run; Elements, Rings: 64 modes",
        "python tools/bench/engine_klank.py",
        klank,
    ),
    5: Row(
        "untagged OSC to sound: jitter ≤ 1 sample after stamping; p99 from arrival to the engine's "
        "inbox ≤ 4 ms beside a Python loop",
        "scsynth: 0–1 hardware buffer of jitter",
        "python tools/bench/engine_arrival.py",
        arrival,
    ),
    6: Row(
        "tagged events ± 1 sample of the clock; every late one reported",
        "scsynth: /late not implemented",
        f"{PYTEST} tests/engine/test_time.py tests/control/test_engine.py",
        of_tests("on its very sample; late ones told with their frames"),
    ),
    7: Row(
        "live input to output ≤ 10 ms added, jitter ≤ 1 ms, the report within 1 sample",
        "BRAVE < 10 ± 3 ms, Neutone-RAVE 40 ms, DDSP-VST 64 ms, nn~ 85 ms",
        f"{PYTEST} tests/engine/test_monitor.py tests/audio/test_duplex.py",
        of_tests("the measured impulse stands where the report says"),
    ),
    8: Row(
        "offline equals live, bit for bit, in any blocks; the same hash twice",
        "–",
        f"{PYTEST} tests/engine/test_blocks.py tests/audio/test_engine.py",
        of_tests("equal in every partition, from file and from driver"),
    ),
    9: Row(
        "mute, steal, swap, bypass, preset: high-passed residual ≤ −60 dB re programme",
        'scsynth /n_free "can cause a click"',
        f"{PYTEST} tests/engine/test_voices.py tests/engine/test_overload.py "
        "tests/engine/test_clicks.py",
        of_tests("below −60 dB, steps of the overload ladder included"),
    ),
    10: Row(
        "any parameter values: output finite, ≤ −1 dBFS, DC < 1e-3",
        "none by default anywhere",
        f"{PYTEST} tests/engine/test_safety.py tests/dsp/test_safety.py",
        of_tests("held under random values"),
    ),
    11: Row(
        "start to first sound ≤ 3 s with a warm cache; first block ≤ 1.5 × steady state",
        "–",
        "python tools/bench/engine_start.py",
        start,
    ),
    12: Row(
        "an hour's worth of blocks: 0 own xruns, memory slope < 1 MB/h, no leaked voice",
        "–",
        "python tools/bench/soak.py --minutes 60 --passes 2",
        soak,
    ),
}


def missing(command: str) -> list[str]:
    """Scripts and tests of a command that are not in this checkout."""
    words = [
        word.split("::")[0] for word in command.split() if word.endswith(".py") or "::" in word
    ]
    return [word for word in words if not (ROOT / word).exists()]


def measure(row: Row) -> tuple[str, str]:
    """What the row's command says, and the verdict."""
    lacking = missing(row.command)
    tests = row.command.startswith(PYTEST)
    command = row.command
    for word in lacking:
        command = command.replace(f" {word}", "")
    if lacking and (not tests or "tests/" not in command):
        return f"{', '.join(lacking)} is not here", NOT
    code, output = run(command)
    if code != 0 and not tests:
        return (output.strip().splitlines() or ["no output"])[-1][:200], SHORT
    measured, judged = row.judge(output)
    return measured + (f"; without {', '.join(lacking)}" if lacking else ""), judged


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="*", default=list(ROWS), choices=list(ROWS))
    args = parser.parse_args()
    print("| # | target | measured | peer | verdict | command |")
    print("| --- | --- | --- | --- | --- | --- |")
    for number in args.rows:
        row = ROWS[number]
        measured, judged = measure(row)
        print(
            f"| {number} | {row.target} | {measured} | {row.peer} | {judged} | `{row.command}` |",
            flush=True,
        )


if __name__ == "__main__":
    main()
