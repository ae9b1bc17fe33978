"""The ablations' tables, in Markdown."""

from collections.abc import Iterator
from typing import Any

__all__ = ["MARK", "page"]

MARK = "<!-- tables -->"
Record = tuple[dict[str, Any], dict[str, Any]]

NAMES = {
    "given": "as decomposed, fixed", "one_em": "one, hard EM", "one_gumbel": "one, Gumbel",
    "one_vector": "one, hard EM, + 3 coordinates", "mix_em": "mixture, greedy",
    "mix_relu": "mixture, ReLU", "four": "four members, rotary", "one": "one member, rotary",
    "additive": "four members, additive", "off": "no field",
}  # fmt: skip
CHOICE = {
    "held-out": "held_out", "mel, dB": "mel_db", "bits/event": "bits", "numbers/event": "numbers",
    "participation": "participation", "modes/event": "modes_per_event", "in use": "in_use",
    "of": "of", "stems": "stems", "shared": "shared", "s": "seconds",
}  # fmt: skip
FIELD = {
    "held-out": "held_out", "mel, dB": "mel_db", "weights": "weights",
    "bend off, cents": "bend_cents", "bow off, dB": "bow_db", "s": "seconds",
}  # fmt: skip
HALF = {
    "field on learned half": "seen_only", "field on all": "held_out", "s": "seconds"
}  # fmt: skip


def page(facts: dict[str, str], records: list[Record]) -> str:
    """Everything after the mark.

    Args:
        facts: of the run, by name.
        records: cell and what it came to, of every cell.
    """
    lines = [f"- {name}: {value}" for name, value in facts.items()]
    for title, part, start, columns in (
        ("Choice, from peaks after onsets drawn at random", "choice", "patches", CHOICE),
        ("Choice, from the decomposition's bank", "choice", "decomposed", CHOICE),
        ("Field", "field", "decomposed", FIELD),
        ("Field learned from half of each resonance's events", "half", "decomposed", HALF),
    ):
        chosen = [r for r in records if r[0]["part"] == part and r[0]["start"] == start]
        if chosen:
            steps = sorted({str(cell["steps"]) for cell, _ in chosen})
            lines += ["", f"## {title}", "", f"{' and '.join(steps)} steps in every cell.", ""]
            lines += list(_table(chosen, columns))
    return "\n".join(lines) + "\n"


def _table(records: list[Record], columns: dict[str, str]) -> Iterator[str]:
    yield "| clip | way | seeds | " + " | ".join(columns) + " |"
    yield "| --- | --- |" + " ---: |" * (len(columns) + 1)
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for cell, found in records:
        groups.setdefault((cell["clip"], cell["way"]), []).append(found)
    clips = list(dict.fromkeys(clip for clip, _ in groups))
    for clip in clips:
        for way in NAMES:
            if (clip, way) in groups:
                seeds = groups[clip, way]
                shown = " | ".join(_shown(seeds, key) for key in columns.values())
                yield f"| {clip} | {NAMES[way]} | {len(seeds)} | {shown} |"


def _shown(found: list[dict[str, Any]], key: str) -> str:
    """Mean of the seeds, and half of their range."""
    values = [float(facts[key]) for facts in found if key in facts]
    if not values:
        return "–"
    mean, spread = sum(values) / len(values), (max(values) - min(values)) / 2
    digits = 3 if key in ("held_out", "seen_only", "stems") else 2 if key == "mel_db" else 1
    digits = 0 if key in ("weights", "of", "in_use", "modes_per_event") else digits
    digits = 2 if key in ("shared", "bend_cents", "bow_db", "participation") else digits
    text = f"{mean:.{digits}f}"
    return (
        text if len(values) < 2 or spread < 0.5 * 10**-digits else f"{text} ± {spread:.{digits}f}"
    )
