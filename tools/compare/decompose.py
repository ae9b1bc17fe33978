"""rtsynth beside packaged peers on the same clips in one run: tables, figures and pictures.

    python tools/data/make_clips.py --work FOLDER --out CLIPS
    python tools/compare/decompose.py --clips CLIPS --out FOLDER [--recipe fast] [--only d04 d05]

Writes decompose.md (targets with verdicts, then every clip by every method), decompose.json and
decompose.png, and a picture of each clip; the tables grow while it runs. Each decomposition runs in
a process of its own on one core, peers beside it on another. Peers need packages of their own; they
are installed into the virtual environment given with --peers, which is made if it is not there, and
kept. Nothing else is kept from one run to the next.
"""

import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import venv
from collections.abc import Callable
from typing import Any

import numpy as np
import soundfile
from decompose_measure import Clip, Row, events_row, read_clip, sound_row
from decompose_page import draw, save
from decompose_targets import FLOOR, JOINED, OURS, WITH_NOTES, Rows

from rtsynth.metrics import noise_vocoder
from rtsynth.metrics.vocoder import BANDS, RATE_HZ

HERE = pathlib.Path(__file__).parent
REQUIRED = (
    "numpy<2",  # sms-tools is compiled for it
    "soundfile",
    "librosa>=0.11",
    "scikit-learn>=1.5",
    "sms-tools==1.2",
    "onnxruntime",
    "mir_eval",
    "pretty_midi",
    "resampy<0.4.3",
    "setuptools<81",  # resampy and pretty_midi import pkg_resources
)
WITHOUT_DEPENDENCIES = ("basic-pitch==0.4.0",)  # they would be all of TensorFlow
LONGEST_RUN_S = 900


@dataclasses.dataclass(frozen=True)
class Peer:
    """A method in a script; the clips it makes sense on, all if none is named."""

    method: str
    script: str
    packaged: bool = True
    clips: tuple[str, ...] = ()


PEERS = (
    Peer("mp-gabor", "plain_pursuit.py", packaged=False),
    Peer(
        "mp-damped",
        "plain_pursuit.py",
        packaged=False,
        clips=("d01", "d02", "d04", "d05", "d07", "d08", "d09"),
    ),
    Peer("sines", "packaged_peers.py"),
    Peer("nmf", "packaged_peers.py"),
    Peer(
        "basic-pitch",
        "packaged_peers.py",
        clips=("d01", "d02", "d03", "d04", "d08", "d09", "d10", "d13", "d14"),
    ),
)


@dataclasses.dataclass
class Run:
    """Options and what has been measured so far."""

    options: argparse.Namespace
    clips: dict[str, pathlib.Path]
    scratch: pathlib.Path
    rows: Rows = dataclasses.field(default_factory=dict)
    notes: list[str] = dataclasses.field(default_factory=list)
    lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def read(self, name: str) -> Clip:
        """A clip with all that is known of it."""
        return read_clip(self.clips[name], self.options.silver)

    def add(self, clip: str, method: str, row: Row) -> None:
        """Keep and tell a row."""
        with self.lock:
            self.rows[clip, method] = row
            if row.get("mos") is not None:
                row["mos_floor"] = self.rows.get((clip, FLOOR), row).get("mos")
            self.save()
        said = row.get("failed") or f"log-mag {row.get('log_mag') or float('nan'):.3f}"
        print(f"{clip} {method}: {said}", file=sys.stderr, flush=True)

    def save(self) -> str:
        """The page of all that is measured so far, written."""
        return save(self.options.out, self.rows, command(self.options), self.notes)


def call(command: list[str], *, ours: bool) -> str:
    """Run a command on one core; empty, or the last line of its error."""
    one = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(one, "1")}
    if not ours:
        environment.pop("PYTHONPATH", None)
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=LONGEST_RUN_S, env=environment
        )
    except subprocess.TimeoutExpired:
        return f"took more than {LONGEST_RUN_S} s"
    if done.returncode == 0:
        return ""
    return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1][:200]


def decompose(run: Run, name: str, path: pathlib.Path, *more: str) -> None:
    """Measure rtsynth on one clip, by itself or with the clip's notes from a MIDI file."""
    out, method = run.options.out, WITH_NOTES if "--notes" in more else OURS
    asked = [sys.executable, str(HERE / "decompose_one.py"), str(path), "--out", str(out), *more]
    if run.options.recipe:
        asked += ["--recipe", run.options.recipe]
    if run.options.silver:
        asked += ["--silver", str(run.options.silver)]
    facts = out / f"{path.stem}.{method}.json"
    facts.unlink(missing_ok=True)
    failed = call(asked, ours=True)
    row: Row = {"failed": failed} if failed else json.loads(facts.read_text())
    if "cpu_seconds" in row:
        row["speed"] = row["cpu_seconds"] / row["seconds"]
    facts.unlink(missing_ok=True)
    run.add(name, method, row)


def ours(run: Run) -> None:
    for name, path in run.clips.items():
        decompose(run, name, path)
        midi = run.options.notes and run.options.notes / f"{name}.mid"
        if midi and midi.exists():
            decompose(run, name, path, "--notes", str(midi))


def floors(run: Run) -> None:
    """The noise vocoder, no events; its score stands beside every method's."""
    for name in run.clips:
        clip = run.read(name)
        row = sound_row(clip, noise_vocoder(clip.sound, clip.sample_rate))
        row |= {"values_per_s": float(BANDS * RATE_HZ), "mos_with_noise": None}
        run.add(name, FLOOR, row)


def peers(run: Run, python: pathlib.Path | None) -> None:
    """Every peer on its clips; what fails is told in the table."""
    for peer in PEERS if not run.options.no_peers else ():
        chosen = [n for n in run.clips if not peer.clips or n.split("_")[0] in peer.clips]
        if not chosen or (peer.packaged and python is None):
            continue
        interpreter = str(python) if peer.packaged else sys.executable
        out = run.scratch / peer.method
        out.mkdir()
        asked = [interpreter, str(HERE / peer.script), "--method", peer.method, "--out", str(out)]
        failed = call([*asked, *(str(run.clips[n]) for n in chosen)], ours=not peer.packaged)
        if failed:
            run.notes.append(f"{peer.method}: {failed}")
        for name in chosen:
            for answer in sorted(out.glob(f"{name}.*.json")):
                method = answer.name.removeprefix(f"{name}.").removesuffix(".json")
                run.add(name, method, answered(run.read(name), answer))


def answered(clip: Clip, answer: pathlib.Path) -> Row:
    """What is measured of a peer's answer."""
    facts: dict[str, Any] = json.loads(answer.read_text())
    row: Row = {"events": facts["events"], "speed": facts["seconds"] / clip.seconds}
    if facts["values"] is not None:
        row["values_per_s"] = facts["values"] / clip.seconds
    if facts["events"] and clip.truth and clip.truth.events:
        row["events_per_note"] = facts["events"] / len(clip.truth.events)
    sound = answer.with_suffix(".wav")
    if sound.exists():
        row |= sound_row(clip, soundfile.read(sound, dtype="float64")[0])
    if facts["notes"]:
        onsets, pitches = np.array(facts["notes"]).T
        row |= events_row(clip, onsets, pitches)
    return row


def joined(run: Run, seconds: int) -> pathlib.Path:
    """All clips of the folder in a row, over again if need be, cut to a length."""
    sounds, rate = [], 0
    for path in sorted(run.options.clips.glob("*.wav")):
        sound, rate = soundfile.read(path, dtype="float64", always_2d=True)
        sounds.append(sound.mean(axis=1))
    whole = np.concatenate(sounds)
    path = run.scratch / f"{JOINED[seconds]}.wav"
    soundfile.write(path, np.resize(whole, seconds * rate), rate, "PCM_16")
    return path


def speed(run: Run) -> None:
    for seconds, name in JOINED.items():
        decompose(run, name, joined(run, seconds), "--only-time")


def environment(folder: pathlib.Path) -> pathlib.Path:
    """The interpreter of the peers' virtual environment, made if it is not there."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (folder / "ready").exists():
        print(f"installing peers into {folder}", file=sys.stderr, flush=True)
        venv.create(folder, with_pip=True, clear=True)
        for more in (REQUIRED, ("--no-deps", *WITHOUT_DEPENDENCIES)):
            subprocess.run([str(python), "-m", "pip", "install", "-q", *more], check=True)
        (folder / "ready").touch()
    return python


def chosen_clips(options: argparse.Namespace) -> dict[str, pathlib.Path]:
    found = {path.stem: path for path in sorted(options.clips.glob("*.wav"))}
    words = options.only or [""]
    kept = {n: p for n, p in found.items() if any(n.startswith(word) for word in words)}
    if not kept:
        raise SystemExit(f"{options.clips}: no clip {' '.join(words)}; make them first")
    return kept


def settle(options: argparse.Namespace) -> None:
    """Folders as absolute paths; the one to write into is made."""
    for name in ("clips", "out", "peers", "notes"):
        folder = getattr(options, name)
        setattr(options, name, None if folder is None else folder.resolve())
    options.out.mkdir(parents=True, exist_ok=True)


def command(options: argparse.Namespace) -> str:
    """The command to repeat this, its folders by what they hold."""
    words = ["python tools/compare/decompose.py --clips CLIPS --out FOLDER"]
    words += [f"--recipe {options.recipe}"] if options.recipe else []
    words += ["--notes NOTES"] if options.notes else []
    words += [f"--only {' '.join(options.only)}"] if options.only else []
    words += ["--no-peers"] if options.no_peers else []
    return " ".join(words + (["--no-speed"] if options.no_speed else []))


def measure(options: argparse.Namespace, scratch: pathlib.Path) -> Run:
    run = Run(options, chosen_clips(options), scratch)
    python = None
    if not options.no_peers:
        try:
            python = environment(options.peers or options.out / "peers")
        except (subprocess.CalledProcessError, OSError) as error:
            run.notes.append(f"packaged peers could not be installed: {error}")
    jobs: list[Callable[[], None]] = [lambda: ours(run), lambda: peers(run, python)]
    floors(run)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(job) for job in jobs]:
            done.result()
    if not options.no_speed:
        speed(run)
    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--recipe", help="fast, quality or a file; the default one if left out")
    parser.add_argument("--only", nargs="+", help="names of clips, or how they begin")
    parser.add_argument("--silver", type=pathlib.Path, help='{"onsets": {clip: [seconds, …]}}')
    parser.add_argument(
        "--notes", type=pathlib.Path, help="folder of CLIP.mid: rtsynth once more, with these notes"
    )
    parser.add_argument("--peers", type=pathlib.Path, help="virtual environment (OUT/peers)")
    parser.add_argument("--no-peers", action="store_true", help="rtsynth and the floor only")
    parser.add_argument("--no-speed", action="store_true", help="leave out joined clips")
    options = parser.parse_args()
    settle(options)
    with tempfile.TemporaryDirectory() as scratch:
        run = measure(options, pathlib.Path(scratch))
    draw(run.rows, options.out / "decompose.png")
    print(run.save())


if __name__ == "__main__":
    main()
