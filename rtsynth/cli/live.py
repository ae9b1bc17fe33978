"""Commands that sound: serve, play, devices. Thread: main."""

import argparse
import dataclasses
import signal
import threading
from pathlib import Path
from typing import Any

from rtsynth.cli.score import print_facts
from rtsynth.presets import find_score
from rtsynth.render import load_score, score_seconds

__all__ = ["devices", "play", "run_service", "serve"]

LEAD_S = 0.1  # of a played score: the ramp at the start and the limiter's look-ahead


def serve(options: argparse.Namespace) -> int:
    """`rtsynth serve`."""
    from rtsynth.service import Config, Service

    score, instrument = load_score(find_score(options.score))
    config = Config(**_settings(options))
    return run_service(Service(config, instrument, score), options.seconds)


def play(options: argparse.Namespace) -> int:
    """`rtsynth play`."""
    from rtsynth.service import Config, Service

    score, instrument = load_score(find_score(options.score))
    seconds = options.seconds or score_seconds(score, instrument) + LEAD_S
    config = Config(play=True, **_settings(options))
    return run_service(Service(config, instrument, score), seconds)


def devices(options: argparse.Namespace) -> int:
    """`rtsynth devices`."""
    from rtsynth.audio import list_devices

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
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with service:
        print(announce(service), flush=True)
        service.run(stop, seconds)
    return 0


def announce(service: Any) -> str:
    """One line per door: device, latency, OSC, ZeroMQ."""
    engine, device = service.engine, service.device
    latency = engine.latency
    parts = [
        f"device  {device.name}, {engine.sample_rate} Hz, block {device.block_size or 'any'}"
        + (f" ({device.reason})" if device.reason else ""),
        f"latency {latency.total} frames = {latency.block} block + {latency.offset} offset"
        + (f" + {latency.render} render" if latency.render else "")
        + f" + {latency.limiter} limiter + {latency.device} device"
        + f" ({1e3 * latency.total / engine.sample_rate:.1f} ms)",
    ]
    if engine.inputs:
        parts.append(
            f"input   {device.input_name}, {latency.monitor} frames to the output = "
            f"{latency.input} device + {latency.added} added + {latency.device} device"
            f" ({1e3 * latency.monitor / engine.sample_rate:.1f} ms)"
        )
    if service.grains is not None:
        parts.append(f"render  in grains on {service.grains.device}, from curves when late")
    if service.control.osc_port:
        parts.append(f"osc     udp://127.0.0.1:{service.control.osc_port}")
    if service.control.zmq_ports:
        requests, urgent, telemetry = service.control.zmq_ports
        parts.append(f"zeromq  tcp://127.0.0.1:{requests} (urgent {urgent}, telemetry {telemetry})")
    return "\n".join(parts)


def _settings(options: argparse.Namespace) -> dict[str, Any]:
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
    }
