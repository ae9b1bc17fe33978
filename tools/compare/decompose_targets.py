"""The targets of the decomposition, each with what was measured: pass, or falls short and where."""

import dataclasses
from collections.abc import Callable

from decompose_measure import Row

Rows = dict[tuple[str, str], Row]
"""Measured values by (clip, method)."""

OURS, FLOOR, PURSUIT = "rtsynth", "floor", "mp-gabor-200"
WITH_NOTES = "rtsynth with notes"
NOTES = ("d01", "d02", "d03", "d04")
STRUCK = (*NOTES, "d05")
HELD = ("d10", "d14")
JOINED = {30: "joined-30s", 60: "joined-60s"}
VALUES_PER_S, MEMORY_MB = 480.0, 2_048.0
LINEAR = 1.25  # twice as long may take twice as long and so much more per second


@dataclasses.dataclass(frozen=True)
class Verdict:
    """One line of the table of targets."""

    number: int
    what: str
    goal: str
    measured: str
    verdict: str


@dataclasses.dataclass(frozen=True)
class Target:
    """A bound on a value of some clips; all clips if none is named."""

    number: int
    what: str
    goal: str
    value: Callable[[Rows, str], float | None]
    met: Callable[[float], bool]
    clips: tuple[str, ...] = ()
    shown: str = "{:.2f}"

    def verdict(self, rows: Rows) -> Verdict:
        """Measured where it was measured; a clip of the target without a value falls short."""
        names = [clip for clip, method in rows if method == OURS and not clip.startswith("joined")]
        names = [n for n in names if not self.clips or n.split("_")[0] in self.clips]
        values = {name.split("_")[0]: self.value(rows, name) for name in names}
        return self._said(values)

    def _said(self, values: dict[str, float | None]) -> Verdict:
        shown = [
            f"{name} {'–' if value is None else self.shown.format(value)}"
            for name, value in values.items()
        ]
        short = [name for name, value in values.items() if value is None or not self.met(value)]
        verdict = "not measured" if not values else "pass"
        if short:
            verdict = "falls short" if len(values) == 1 else f"falls short: {', '.join(short)}"
        return Verdict(self.number, self.what, self.goal, ", ".join(shown), verdict)


def own(name: str) -> Callable[[Rows, str], float | None]:
    """A value of rtsynth."""

    def value(rows: Rows, clip: str) -> float | None:
        found = rows[clip, OURS].get(name)
        return None if found is None else float(found)

    return value


def over(name: str, other: str) -> Callable[[Rows, str], float | None]:
    """By how much rtsynth's value exceeds another method's."""

    def value(rows: Rows, clip: str) -> float | None:
        ours, theirs = rows[clip, OURS].get(name), rows.get((clip, other), {}).get(name)
        return None if ours is None or theirs is None else float(ours) - float(theirs)

    return value


TARGETS = (
    Target(1, "events per struck key", "≤ 1.15", own("events_per_note"), lambda v: v <= 1.15,
           STRUCK),
    Target(1, "note F1", "≥ 0.92", own("note_f1"), lambda v: v >= 0.92, NOTES),
    Target(1, "onset F1 at ±50 ms, struck", "≥ 0.97", own("onset_f1"), lambda v: v >= 0.97, STRUCK),
    Target(1, "median offset, ms, either way", "≤ 3", own("onset_offset_ms"),
           lambda v: abs(v) <= 3.0, STRUCK, "{:+.1f}"),
    Target(1, "onset F1 at ±50 ms, legato and mix", "≥ 0.9", own("onset_f1"), lambda v: v >= 0.9,
           HELD),
    Target(2, "values/s, bank apart", f"≤ {VALUES_PER_S:.0f}", own("values_per_s"),
           lambda v: v <= VALUES_PER_S, (), "{:.0f}"),
    Target(2, "log-mag, nepers", "≤ 0.20", own("log_mag"), lambda v: v <= 0.2, ("d04",), "{:.3f}"),
    Target(2, "SC", "≤ 0.15", own("sc"), lambda v: v <= 0.15, ("d04",), "{:.3f}"),
    Target(2, "log-mag, nepers", "≤ 0.6", own("log_mag"), lambda v: v <= 0.6, ("d05",), "{:.3f}"),
    Target(2, "log-mag less that of the pursuit, 200 atoms/s", "< 0", over("log_mag", PURSUIT),
           lambda v: v < 0.0, (), "{:+.3f}"),
    Target(2, "MOS", "≥ 4.2", own("mos"), lambda v: v >= 4.2, ("d04",)),
    Target(2, "MOS", "≥ 4.0", own("mos"), lambda v: v >= 4.0, ("d05",)),
    Target(2, "MOS less that of the floor", "> 0", over("mos", FLOOR), lambda v: v > 0.0, (),
           "{:+.2f}"),
    Target(2, "residual tonality", "≤ 0.2", own("tonality"), lambda v: v <= 0.2),
    Target(3, "W1 of the residual", "< 0.03", own("w1"), lambda v: v < 0.03, STRUCK, "{:.3f}"),
    Target(5, "stem SI-SDR, median, dB", "≥ 10", own("stem_si_sdr_db"), lambda v: v >= 10.0,
           ("d04",), "{:.1f}"),
)  # fmt: skip


def verdicts(rows: Rows) -> list[Verdict]:
    """Every target, in order of its number."""
    found = [target.verdict(rows) for target in TARGETS] + _speed(rows)
    return sorted(found, key=lambda verdict: verdict.number)


def _speed(rows: Rows) -> list[Verdict]:
    short, long = (rows.get((JOINED[seconds], OURS)) for seconds in sorted(JOINED))
    if short is None or long is None or "seconds_taken" not in short:
        return [Verdict(4, "time, memory, cost linear in length", "", "", "not measured")]
    if "seconds_taken" not in long:
        return [Verdict(4, "time, memory, cost linear in length", "", "", "falls short: failed")]
    ratio = (long["seconds_taken"] / long["seconds"]) / (short["seconds_taken"] / short["seconds"])
    return [
        _line("seconds for 30 s", "≤ 30", short["seconds_taken"], 30.0, "{:.1f}"),
        _line("peak memory of 60 s, MB", f"< {MEMORY_MB:.0f}", long["memory_mb"], MEMORY_MB,
              "{:.0f}"),
        _line("seconds per second, 60 s over 30 s", f"≤ {LINEAR}", ratio, LINEAR, "{:.2f}"),
    ]  # fmt: skip


def _line(what: str, goal: str, value: float, limit: float, shown: str) -> Verdict:
    verdict = "pass" if value <= limit else "falls short"
    return Verdict(4, what, goal, shown.format(value), verdict)
