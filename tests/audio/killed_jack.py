"""Kills the JACK server under a running stream and prints what the device makes of it.

A process of its own: PortAudio does not survive it.
"""

import json
import time

from rtsynth.audio import PortAudioDevice, rescan
from rtsynth.audio.portaudio import outputs
from rtsynth.errors import DeviceError
from tests.audio.fake import FakeEngine
from tests.audio.jack import JackServer
from tests.audio.wait import until


def main() -> None:
    server = JackServer()
    if not server.start():
        print(json.dumps({"skip": "PortAudio does not see jackd"}))
        return
    engine = FakeEngine()
    told: list[bool] = []
    device = PortAudioDevice(engine, "JACK", on_change=told.append)
    device.start()
    facts: dict[str, object] = {"played": until(lambda: engine.frame > 0)}
    server.kill()
    facts["lost"] = until(lambda: device.lost)
    facts["told"] = told
    begin = time.monotonic()
    device.stop()
    facts["stop_s"] = time.monotonic() - begin
    try:
        outputs()
        facts["rescan"] = rescan()
    except DeviceError as error:
        facts["error"] = str(error)
    server.tidy()
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    main()
