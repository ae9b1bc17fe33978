"""The tables and the picture of a comparison."""

import json
import pathlib
from collections.abc import Iterable

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from decompose_measure import Row
from decompose_targets import OURS, WITH_NOTES, Rows, verdicts

COLUMNS = (
    ("events_per_note", "ev/note", "{:.2f}"),
    ("onset_f1", "onset F", "{:.2f}"),
    ("onset_f1_10ms", "±10 ms", "{:.2f}"),
    ("onset_offset_ms", "off, ms", "{:+.1f}"),
    ("note_f1", "note F", "{:.2f}"),
    ("values_per_s", "values/s", "{:.0f}"),
    ("bank_values", "bank", "{:.0f}"),
    ("sc", "SC", "{:.3f}"),
    ("log_mag", "log-mag", "{:.3f}"),
    ("snr_db", "SNR, dB", "{:.1f}"),
    ("mos", "MOS", "{:.2f}"),
    ("mos_with_noise", "+ noise", "{:.2f}"),
    ("mos_floor", "floor", "{:.2f}"),
    ("embedding_cosine", "embed.", "{:.2f}"),
    ("fad", "FAD", "{:.1f}"),
    ("w1", "W1", "{:.3f}"),
    ("tonality", "tonality", "{:.2f}"),
    ("flac_bits", "FLAC b", "{:.2f}"),
    ("stem_si_sdr_db", "stem, dB", "{:.1f}"),
    ("speed", "s per s", "{:.2f}"),
)
LEGEND = """\
`ev/note` events per true note, `onset F` F1 at ±50 ms with chords merged, `off` its median offset,
`note F` onset and pitch, `values/s` numbers in the events (of NMF, sines and the pursuits: all they
carry), `bank` numbers in the bank of rtsynth, once for the clip and not in values/s, `log-mag` in
nepers, `MOS` Zimtohrli's, `+ noise` the same with a noise vocoder's model of what is left added,
`floor` the MOS of that vocoder alone, with no events, `embed.` the mean cosine of BirdNET's
embeddings window by window, `FAD` the Fréchet distance between them (their floor is the method
`floor`), `W1` and `tonality` of the residual, `FLAC b`
bits per sample of the residual, `stem` median SI-SDR of events soloed, missing ones counting as the
worst, `s per s` seconds of one processor per second. Onsets marked ~ are against detectors that
agree, not against a truth."""


def cell(row: Row, name: str, form: str) -> str:
    value = row.get(name)
    if value is None and name.startswith("onset"):
        value, form = row.get(f"silver_{name}"), f"~{form}"
    return "–" if value is None else form.format(value)


def lines(head: Iterable[str], body: Iterable[Iterable[str]]) -> list[str]:
    head = list(head)
    made = [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |"]
    return made + [f"| {' | '.join(row)} |" for row in body]


def page(rows: Rows, command: str, notes: list[str]) -> str:
    """Markdown: the targets, then every clip by every method."""
    targets = lines(
        ("#", "target", "goal", "measured", "verdict"),
        ((str(v.number), v.what, v.goal, v.measured, v.verdict) for v in verdicts(rows)),
    )
    table = lines(
        ("clip", "method", *(title for _, title, _ in COLUMNS)),
        (
            (clip, f"**{method}**" if method in (OURS, WITH_NOTES) else method,
             *([f"failed: {row['failed']}"] if "failed" in row
               else (cell(row, name, form) for name, _, form in COLUMNS)))
            for (clip, method), row in sorted(rows.items(), key=_order)
        ),
    )  # fmt: skip
    said = [f"- {note}" for note in notes]
    return "\n".join([f"`{command}`", "", *targets, "", *table, "", LEGEND, "", *said, ""])


def _order(item: tuple[tuple[str, str], Row]) -> tuple[str, bool, bool, str]:
    (clip, method), _ = item
    return clip, method != OURS, method != WITH_NOTES, method


def save(folder: pathlib.Path, rows: Rows, command: str, notes: list[str]) -> str:
    """Write decompose.md and decompose.json; the page."""
    text = page(rows, command, notes)
    (folder / "decompose.md").write_text(text)
    data = {
        "command": command,
        "targets": [vars(verdict) for verdict in verdicts(rows)],
        "rows": [{"clip": c, "method": m, **row} for (c, m), row in sorted(rows.items())],
        "notes": notes,
    }
    (folder / "decompose.json").write_text(json.dumps(data, indent=1, allow_nan=False))
    return text


def draw(rows: Rows, path: pathlib.Path) -> None:
    """Log-magnitude distance and ear-like score of every clip against what it costs."""
    figure, axes = plt.subplots(1, 2, figsize=(14, 6), layout="constrained")
    methods = sorted({method for _, method in rows}, key=lambda method: (method != OURS, method))
    for axis, (name, title) in zip(
        axes, (("log_mag", "log-mag, nepers: lower is better"), ("mos", "MOS: higher is better")),
        strict=True,
    ):  # fmt: skip
        for number, method in enumerate(methods):
            points = [
                (row["values_per_s"], row[name], clip)
                for (clip, of), row in rows.items()
                if of == method and row.get(name) is not None and row.get("values_per_s")
            ]
            if points:
                cost, value, _ = zip(*points, strict=True)
                axis.scatter(cost, value, s=45, color=f"C{number}", label=method)
                for x, y, clip in points if method == OURS else ():
                    axis.annotate(clip.split("_")[0], (x, y), (5, 3),
                                  textcoords="offset points", fontsize=8)  # fmt: skip
        axis.set(xscale="log", xlabel="values per second", title=title)
        axis.legend(fontsize=8)
    figure.savefig(path, dpi=80)
    plt.close(figure)
