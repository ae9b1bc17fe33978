"""Commands that sound: serve, play, devices. Thread: main."""

import argparse
import dataclasses
import signal
import threading
from pathlib import Path
from typing import Any

from rtsynth.player.launch import EngineProcess

__all__ = ["announce", "devices", "play", "run_service", "serve"]

LEAD_S = 0.1  # of a played score: the ramp at the start and the limiter's look-ahead


def serve(options: argparse.Namespace) -> int:
    """`rtsynth serve`."""
    return _run(options, play=False)


def play(options: argparse.Namespace) -> int:
    """`rtsynth play`."""
    return _run(options, play=True)


def _run(options: argparse.Namespace, play: bool) -> int:
    # the other process imports what it needs while this one does
    launched = None if options.single_process else EngineProcess()
    from rtsynth.presets import find_score
    from rtsynth.render import load_score, score_seconds
    from rtsynth.service import Config, Service

    try:
        score, instrument = load_score(find_score(options.score))
        seconds = options.seconds
        if play and not seconds:
            seconds = score_seconds(score, instrument) + LEAD_S
        config = Config(play=play, **_settings(options))
        service = Service(config, instrument, score, launched)
    except BaseException:
        if launched is not None:
            launched.kill()
        raise
    return run_service(service, seconds)


def devices(options: argparse.Namespace) -> int:
    """`rtsynth devices`."""
    from rtsynth.audio import list_devices
    from rtsynth.cli.score import print_facts

    found = [dataclasses.asdict(device) for device in list_devices()]
    if options.json:
        print_facts({"devices": found}, True)
        return 0
    for device in found:
        mark = "*" if device["default"] else " "
        rate = f"{device['sample_rate']} Hz" if device["sample_rate"] else "any rate"
        print(f"{mark} {device['index']:>3}  {device['name']}  ({device['host']}, {rate})")
    return 0


def run_service(service: Any, seconds: float | None) -> int:
    """Run a service until its time is up or a signal ends it; say where it listens."""
    stop = threading.Event()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the last when a terminal is closed
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: stop.set())
    with service:
        print(announce(service), flush=True)
        service.run(stop, seconds)
    return 0


def announce(service: Any) -> str:
    """One line per door: device, latency, OSC, ZeroMQ."""
    engine, playing = service.engine, service.playing
    latency = engine.latency
    parts = [
        f"device  {playing.device}, {engine.sample_rate} Hz, block {playing.block_size or 'any'}"
        + (f" ({playing.reason})" if playing.reason else ""),
        f"latency {latency.total} frames = {latency.block} block + {latency.offset} offset"
        + (f" + {latency.render} render" if latency.render else "")
        + f" + {latency.limiter} limiter + {latency.device} device"
        + f" ({1e3 * latency.total / engine.sample_rate:.1f} ms)",
    ]
    if engine.inputs:
        parts.append(
            f"input   {playing.input}, {latency.monitor} frames to the output = "
            f"{latency.input} device + {latency.added} added + {latency.device} device"
            f" ({1e3 * latency.monitor / engine.sample_rate:.1f} ms)"
        )
    if playing.grains:
        parts.append(f"render  in grains on {playing.grains}, from curves when late")
    if service.control.osc_port:
        parts.append(f"osc     udp://127.0.0.1:{service.control.osc_port}")
    if service.control.zmq_ports:
        requests, urgent, telemetry = service.control.zmq_ports
        parts.append(f"zeromq  tcp://127.0.0.1:{requests} (urgent {urgent}, telemetry {telemetry})")
    return "\n".join(parts)


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    if options.record:
        from rtsynth.cli.score import check_wav

        check_wav("--record", options.record)
    return {
        "device": options.device,
        "sample_rate": options.sample_rate,
        "block_size": options.block_size,
        "osc_port": options.osc_port,
        "zmq_port": options.zmq_port,
        "record": Path(options.record) if options.record else None,
        "log": Path(options.log) if options.log else None,
        "asap": options.asap,
        "late": options.late,
        "too_far_s": options.too_far,
        "margin": options.margin,
        "input": options.input,
        "monitor_db": options.monitor,
        "separate": options.separate,
        "allow_feedback": options.allow_feedback,
        "renderer": options.renderer,
        "cores": options.cores,
        "processes": 1 if options.single_process else 2,
    }
