"""Solo, mute and transpose single events of a clip through the running service; measure the stems.

    python tools/data/make_clips.py --work FOLDER --out CLIPS --only d04
    python tools/compare/stems.py CLIPS/d04_piano_bach.wav --out FOLDER [--every 5]

The clip is decomposed, or --score names what it was decomposed into. Every event that stands for a
true one is soloed live; of every fifth the piece is also heard with it muted and with it transposed
by 3 semitones. Writes NAME.stems.md and NAME.stems.json:

    stem        SI-SDR in dB of the soloed event, as recorded, against what it truly adds
    offline     SNR in dB of the same against the score rendered with that event alone; 200 is to
                the sample, less is what the DC blocker still holds of the take before
    rest        SNR in dB of (all − muted) against solo: muting leaves exactly the rest
    cents       worst distance of its three strongest partials from 3 semitones up
    others      SNR in dB of what the rest plays while it is transposed, against before

`--device NAME` plays on a sound card or on JACK (`jackd -d dummy -r 44100` needs none), at the
clip's rate; the null device is the default.
"""

import argparse
import dataclasses
import json
import pathlib
import tempfile

import numpy as np
from decompose_measure import Clip, Row, matched_events, read_clip
from live_takes import Float, Stage, on_stage

from rtsynth.decompose import decompose_file, load_recipe
from rtsynth.events import Event, EventTable, Score
from rtsynth.instrument import Instrument
from rtsynth.metrics import Placed, snr, stem_si_sdr
from rtsynth.render import load_score, render_score, save_score

LEAD_S, AFTER_S = 0.05, 0.25  # heard before an event's onset and after its stem's end
SEMITONES, PARTIALS = 3.0, 3
STRUCK_S = 0.06  # from here on an event is partials only
HIGHEST_DB = 200.0


@dataclasses.dataclass
class Heard:
    """Numbers of the takes of one event; None where it was not asked for."""

    event: Event
    stem: Placed
    label: str
    from_s: float
    seconds: float
    solo: int = 0
    rest: tuple[int, int, int, int] | None = None  # all, muted, transposed, transposed alone


def perform(stage: Stage, heard: list[Heard], every: int) -> None:
    """All takes: solos asked over ZeroMQ, mutes over OSC, transpositions over both in turn."""
    for number, one in enumerate(heard):
        at = one.from_s, one.seconds
        stage.client.solo(one.event.id)
        one.solo = stage.take(*at)
        if every and number % every == 0:
            one.rest = _around(stage, one.event, at)
        stage.client.solo(one.event.id, False)


def _around(stage: Stage, event: Event, at: tuple[float, float]) -> tuple[int, int, int, int]:
    """The piece around a soloed event: whole, without it, with it transposed; it transposed."""
    moved = event.transpose + SEMITONES
    stage.client.set(event.id, transpose=moved)
    alone = stage.take(*at)
    stage.send("/rts/event/solo", event.id, 0)
    stage.send("/rts/event/set", event.id, "transpose", event.transpose)
    whole = stage.take(*at)
    stage.send("/rts/event/mute", event.id, 1)
    muted = stage.take(*at)
    stage.send("/rts/event/mute", event.id, 0)
    stage.send("/rts/event/set", event.id, "transpose", moved)
    transposed = stage.take(*at)
    stage.client.set(event.id, transpose=event.transpose)
    return whole, muted, transposed, alone


def rows(heard: list[Heard], takes: list[Float], made: tuple[Score, Instrument]) -> list[Row]:
    """What is measured of every event."""
    found = []
    for one in heard:
        rate, solo = made[0].sample_rate, takes[one.solo]
        row: Row = {"t": one.event.onset_s, "event": one.event.id, "key": one.label}
        row["stem_db"] = stem_si_sdr(one.stem, Placed(round(one.from_s * rate), solo))
        row["offline_db"] = agreement(_offline(one, *made)[: len(solo)], solo)
        if one.rest is not None:
            whole, muted, transposed, alone = (takes[number] for number in one.rest)
            row["rest_db"] = agreement(solo, whole - muted)
            row["cents"] = worst_cents(solo, alone, round((LEAD_S + STRUCK_S) * rate))
            row["others_db"] = agreement(whole - solo, transposed - alone)
        found.append(row)
    return found


def _offline(one: Heard, score: Score, instrument: Instrument) -> Float:
    alone = dataclasses.replace(score, table=EventTable([one.event]))
    to_s = one.from_s + one.seconds + 0.01
    sound = render_score(alone, instrument, channels=2, from_s=one.from_s, to_s=to_s)
    mono: Float = sound.astype(np.float64).mean(axis=1)
    return mono


def agreement(reference: Float, heard: Float) -> float:
    """SNR in dB, 200 at most."""
    count = min(len(reference), len(heard))
    if np.array_equal(reference[:count], heard[:count]):
        return HIGHEST_DB
    value = snr(reference[:count], heard[:count])
    return -HIGHEST_DB if value is None else min(value, HIGHEST_DB)


def worst_cents(before: Float, after: Float, skipped: int) -> float:
    """Of the strongest partials before, the worst distance from where they should be after."""
    ratio = 2.0 ** (SEMITONES / 12.0)
    spectra = [_spectrum(sound[skipped:]) for sound in (before, after)]
    worst, left = 0.0, spectra[0].copy()
    for _ in range(PARTIALS):
        at = int(np.argmax(left[8:-8])) + 8
        wanted = _peak(spectra[0], at) * ratio
        if wanted >= len(left) - 16:
            break
        near = round(wanted)
        reach = max(2, round(wanted * 0.015))  # a quarter of a tone either way
        found = near - reach + int(np.argmax(spectra[1][near - reach : near + reach + 1]))
        worst = max(worst, abs(1200.0 * float(np.log2(_peak(spectra[1], found) / wanted))))
        left[max(0, round(at * 0.95)) : round(at * 1.05) + 2] = 0.0
    return worst


def _spectrum(sound: Float) -> Float:
    magnitudes: Float = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 4 * len(sound)))
    return magnitudes


def _peak(spectrum: Float, at: int) -> float:
    """Place of a maximum between bins, by the parabola through three log-magnitudes."""
    low, top, high = np.log(spectrum[at - 1 : at + 2] + 1e-30)
    bend = low - 2.0 * top + high
    return at + (0.5 * float((low - high) / bend) if bend < 0.0 else 0.0)


def page(name: str, facts: Row, found: list[Row]) -> str:
    """The table in Markdown."""
    head = f"# Stems of {name}, live\n\n`python tools/compare/stems.py {name}.wav --out FOLDER`\n\n"
    lines = [f"- {key}: {_shown(value)}" for key, value in facts.items()]
    columns = ("t", "key", "event", "stem_db", "offline_db", "rest_db", "cents", "others_db")
    table = ["", f"| {' | '.join(columns)} |", "|" + " --- |" * len(columns)]
    table += [f"| {' | '.join(_shown(row.get(c)) for c in columns)} |" for row in found]
    return head + "\n".join(lines + table) + "\n"


def _shown(value: object) -> str:
    return "" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)


def summary(clip: Clip, found: list[Row], device: str) -> Row:
    """Medians over stems, a stem without an event counting as the worst, and worst cases."""
    known = [row["stem_db"] for row in found if row["stem_db"] is not None]
    all_of_them = known + [-HIGHEST_DB] * (len(clip.stems) - len(known))
    facts: Row = {"device": device, "stems": len(clip.stems), "matched": len(found)}
    facts["stem SI-SDR median dB, all"] = float(np.quantile(all_of_them, 0.5, method="lower"))
    facts["stem SI-SDR median dB, matched"] = float(np.median(known)) if known else None
    for key, word in (("offline_db", min), ("rest_db", min), ("cents", max), ("others_db", min)):
        values = [row[key] for row in found if key in row]
        facts[f"{key}, worst"] = word(values) if values else None
    return facts


def cast(clip: Clip, score: Score, instrument: Instrument) -> list[Heard]:
    """Events that stand for true ones, with their stems and the time in which they sound."""
    found = []
    labels = [event.label for event in clip.truth.events] if clip.truth else []
    for i, event in sorted(matched_events(clip, score, instrument).items()):
        stem, rate = clip.stems[i], clip.sample_rate
        from_s = max(0.0, min(event.onset_s, stem.first / rate) - LEAD_S)
        end_s = min((stem.first + len(stem.samples)) / rate + AFTER_S, clip.seconds)
        found.append(Heard(event, stem, labels[i], from_s, end_s - from_s))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--score", type=pathlib.Path)
    parser.add_argument("--recipe", default="fast")
    parser.add_argument("--every", type=int, default=5, help="0: solos only (5)")
    parser.add_argument("--device", default="null")
    options = parser.parse_args()
    clip = read_clip(options.clip)
    if not clip.stems:
        raise SystemExit(f"{options.clip}: no stems beside it; make them with make_clips.py")
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        path = options.score or folder / "clip.score.safetensors"
        if options.score is None:
            made = decompose_file(options.clip, recipe=load_recipe(options.recipe))
            save_score(made.score, made.instrument, path)
        score, instrument = load_score(path)
        heard = cast(clip, score, instrument)
        wav, log = folder / "heard.wav", folder / "log.jsonl"
        # --asap: takes begin on a tick, as a rendering does
        asked = ["--asap", "--device", options.device, "--record", str(wav), "--log", str(log)]
        with on_stage(path, *asked) as stage:
            perform(stage, heard, options.every)
            stage.end()
        takes, rate = stage.cut(wav, log)
        if rate != clip.sample_rate:
            raise SystemExit(f"{stage.said[0]}: stems are at {clip.sample_rate} Hz; play at that")
    found = rows(heard, takes, (score, instrument))
    facts = summary(clip, found, stage.said[0].removeprefix("device").strip())
    text = page(clip.name, facts, found)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / f"{clip.name}.stems.md").write_text(text)
    answer = json.dumps({"summary": facts, "rows": found}, allow_nan=False)
    (options.out / f"{clip.name}.stems.json").write_text(answer)
    print(text)


if __name__ == "__main__":
    main()
