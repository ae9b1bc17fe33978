"""The demonstration: a shipped recording taken apart, then performed on over OSC and ZeroMQ.

Everything goes the way a stranger's would: files on disk, a running service, real sockets.
Thread: main.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from pythonosc.udp_client import SimpleUDPClient

from rtsynth.cli.live import announce
from rtsynth.client import Client
from rtsynth.decompose import Decomposition, decompose_file, draw
from rtsynth.events import Kind, Score
from rtsynth.presets import find_shipped
from rtsynth.render import load_score, save_score
from rtsynth.service import Config, Service, replay_log
from rtsynth.units import gain_to_db

__all__ = ["demo"]

RECORDING = "audio/piano.flac"
SCRIPT_S = 9.0  # length of the script below; --seconds stretches it
SILENT_DB = -60.0


def demo(options: argparse.Namespace) -> int:
    """`rtsynth demo`: 0 if something was heard and the replay is the same, 1 otherwise."""
    folder = Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)
    print(f"1. taking {RECORDING} apart")
    score_path = _take_apart(folder)
    print("2. performing on it")
    heard_path, log_path = folder / "heard.wav", folder / "performance.jsonl"
    _perform(score_path, heard_path, log_path, options.device, options.seconds)
    print("3. looking at what was heard")
    return _check(score_path, heard_path, log_path)


def _take_apart(folder: Path) -> Path:
    found = decompose_file(find_shipped(RECORDING), progress=True)
    path = folder / "piano.score.safetensors"
    save_score(found.score, found.instrument, path)
    _draw(found, folder / "piano.png")
    (folder / "piano.report.json").write_text(json.dumps(found.report, indent=1))
    report, metrics = found.report, found.report["metrics"]
    print(
        f"   {report['events']} events on {report['resonances']} resonances in "
        f"{report['seconds_taken']:.0f} s; SC {metrics['sc']:.3f}, "
        f"log-mag {metrics['log_mag']:.3f}, SNR {metrics['snr_db']:.1f} dB"
    )
    print(f"   wrote {path} and {folder / 'piano.png'}")
    return path


def _draw(found: Decomposition, path: Path) -> None:
    draw(
        found.score,
        found.instrument,
        found.resynthesis,
        found.recording.sample_rate,
        path,
        reference=found.recording.frames,
    )


def _perform(score_path: Path, heard: Path, log: Path, device: str | None, seconds: float) -> None:
    score, instrument = load_score(score_path)
    config = Config(device=device, osc_port=0, zmq_port=0, record=heard, log=log)
    service = Service(config, instrument, score)
    with service:
        print("   " + announce(service).replace("\n", "\n   "))
        osc_port, zmq_port = service.control.osc_port, service.control.zmq_ports[0]
        osc = SimpleUDPClient("127.0.0.1", osc_port)
        with Client(zmq_port) as client, osc:
            performer = _Performer(osc, client, score)
            pace = seconds / SCRIPT_S
            begin = time.monotonic()
            for at, step in performer.script():
                time.sleep(max(0.0, begin + at * pace - time.monotonic()))
                step()
            time.sleep(max(0.0, begin + seconds - time.monotonic()))
            performer.report()


class _Performer:
    """Plays the script, saying each thing it sends, and collects what the service tells."""

    def __init__(self, osc: SimpleUDPClient, client: Client, score: Score) -> None:
        self._osc, self._client = osc, client
        rows = score.table.rows
        self._events = rows["id"][rows["kind"] == Kind.MODAL].tolist()
        self._onsets = dict(zip(rows["id"].tolist(), rows["onset_s"].tolist(), strict=True))
        self._new = -1

    def script(self) -> list[tuple[float, Callable[[], None]]]:
        """(seconds, what to do), in order of time."""
        first, second, third = self._events[:3]
        later = next((e for e in self._events if self._onsets[e] > 2.2), third)
        return [
            (0.0, lambda: self.osc("/rts/notify", 1)),
            (0.1, lambda: self.osc("/rts/transport/play")),
            (1.2, lambda: self.osc("/rts/event/trigger", first, 0.8)),
            (1.6, lambda: self.osc("/rts/event/mute", later, 1)),
            (2.4, lambda: self.zmq("mute", second, True)),
            (2.6, lambda: self.osc("/rts/event/set", first, "transpose", 7.0, "bright", -2.0)),
            (2.8, lambda: self.osc("/rts/event/trigger", first)),
            (3.4, lambda: self.chord(first, second, third)),
            (4.4, self.make_event),
            (4.6, lambda: self.zmq("trigger", self._new, 0.9)),
            (5.2, lambda: self.osc("/rts/event/mute", "*", 1)),
            (5.7, lambda: self.osc("/rts/event/mute", "*", 0)),
            (6.2, lambda: self.zmq("set_param", "bank/damp", 0.4)),
            (6.6, lambda: self.osc("/rts/transport/pause")),
            (6.8, lambda: self.osc("/rts/event/trigger", f"[{first}-{third}]", 0.6)),
            (7.4, lambda: self.zmq("solo", third, True)),
            (7.5, lambda: self.zmq("trigger", third, 1.0)),
            (8.4, lambda: self.zmq("panic")),
        ]

    def osc(self, address: str, *arguments: Any) -> None:
        """Send one OSC message."""
        self._osc.send_message(address, list(arguments))
        print(f"   OSC     {address} {' '.join(map(str, arguments))}", flush=True)

    def zmq(self, verb: str, *arguments: Any) -> None:
        """Call one method of the ZeroMQ client."""
        getattr(self._client, verb)(*arguments)
        print(f"   ZeroMQ  {verb} {' '.join(map(str, arguments))}", flush=True)

    def chord(self, *events: int) -> None:
        """Three events on one sample, a fifth of a second from now."""
        with self._client.bundle(at=time.time() + 0.2) as bundle:
            for event in events:
                bundle.trigger(event, 0.7)
        print(f"   ZeroMQ  bundle: trigger {events} on one sample", flush=True)

    def make_event(self) -> None:
        """A new event, an octave below the first, on the same resonance."""
        model = self._client.get(self._events[0])["fields"]
        fields = {k: model[k] for k in ("resonance", "gain", "damp")}
        self._new = self._client.new(-1, transpose=-12.0, onset_s=0.0, **fields)
        print(f"   ZeroMQ  new event {self._new}, an octave below {self._events[0]}", flush=True)

    def report(self) -> None:
        """What came back: voices that started, and the engine's counters."""
        started = sum(m.address == "/rts/go" for m in self._osc.get_messages(timeout=0.2))
        status = self._client.status()
        print(f"   heard back over OSC: {started} events started")
        keys = ("blocks", "xruns_own", "late", "stolen", "nans", "record_lost")
        counts = {k: status[k] for k in keys if k in status}
        print(f"   engine: {counts}")


def _check(score_path: Path, heard_path: Path, log_path: Path) -> int:
    from rtsynth.audio import read_wav

    score, instrument = load_score(score_path)
    heard, rate = read_wav(heard_path)
    level = gain_to_db(float(np.sqrt(np.mean(heard.astype(float) ** 2))))
    print(f"   {heard_path}: {len(heard) / rate:.1f} s, {level:.1f} dBFS RMS")
    _, replayed = replay_log(log_path, score, instrument, block_size=480)
    same = len(replayed) == len(heard) and np.array_equal(replayed, heard)
    print(f"   {log_path} replayed offline: {'the same samples' if same else 'NOT the same'}")
    return 0 if same and level > SILENT_DB else 1
