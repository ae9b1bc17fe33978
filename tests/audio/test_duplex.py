"""In and out at once: what goes round comes back where the latency says, on every device."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtsynth.audio import (
    FileDevice,
    HandDevice,
    InputSide,
    NullDevice,
    PortAudioDevice,
    Recorder,
    read_wav,
    why_unheard,
)
from rtsynth.engine import Engine, Op
from rtsynth.errors import AudioFileError, DeviceError
from rtsynth.params import param_named
from tests.audio.jack import JackServer
from tests.audio.wait import until
from tests.engine.bank import RATE, TICK, clicks, engine_on

GAIN, GUARD = (param_named(f"monitor/{name}")[0] for name in ("gain", "guard"))
CLICKS, CLICK_EVERY = 5, 9_600


def hearing(gain: float = 0.0, **config: object) -> Engine:
    """An engine with one input, the guard off."""
    engine = engine_on(clicks(0.0), **{"inputs": 1, **config})
    engine.post(Op.PARAM, GUARD, 0, 0, 0.0)
    engine.post(Op.PARAM, GAIN, 0, 0, gain)
    return engine


def connect_round() -> None:
    """Connect this process's first output to its first input."""
    listed = subprocess.run(["jack_lsp"], capture_output=True, text=True, check=True).stdout
    ports = [line for line in listed.splitlines() if not line.startswith("system:")]
    source = next(port for port in ports if ":out_" in port)
    target = next(port for port in ports if ":in_" in port)
    taken = subprocess.run(["jack_lsp", "-c", target], capture_output=True, text=True, check=True)
    for other in taken.stdout.splitlines()[1:]:
        subprocess.run(["jack_disconnect", other.strip(), target], check=True)
    subprocess.run(["jack_connect", source, target], check=True)


def went_round(engine: Engine, path: Path) -> tuple[np.ndarray, list[int]]:
    """What the input heard from the stream's first frame on, and the frames of clicks played.

    A cycle that a busy machine makes JACK leave out may cost one of them: so there are several.
    """
    device = PortAudioDevice(engine, "JACK", block_size=256, input_name="JACK")
    engine.set_device_latency(device.latency_frames, device.input_latency_frames)
    with Recorder(InputSide(engine), path, skip=TICK), device:
        assert until(lambda: engine.frame > 0)
        connect_round()
        first = engine.frame + RATE // 2
        frames = [first + CLICK_EVERY * n for n in range(CLICKS)]
        for frame in frames:
            engine.post(Op.TRIGGER, engine.slot_of(1), frame, 0, 1.0)
        assert until(lambda: engine.frame >= frames[-1] + CLICK_EVERY, 30.0)
    stats = engine.stats()
    assert (stats.late, stats.input_lost, device.input_name) == (0, 0, device.name)
    sound, rate = read_wav(path)
    assert rate == RATE
    return sound[:, 0], frames


def loudest(sound: np.ndarray, at: int) -> tuple[int, float]:
    """Where within 200 frames of a frame the loudest sample is, from that frame, and its height."""
    around = np.abs(sound[at - 200 : at + 200])
    return int(around.argmax()) - 200, float(around.max())


@pytest.mark.jack
def test_a_click_comes_back_to_the_input_where_the_latency_says(
    jack: JackServer, tmp_path: Path
) -> None:
    engine = hearing()
    sound, frames = went_round(engine, tmp_path / "in.wav")
    latency = engine.latency
    way = latency.inside + latency.device + latency.input
    found = [loudest(sound, frame + way) for frame in frames]
    assert np.median([height for _, height in found]) > 0.4
    assert abs(np.median([off for off, _ in found])) <= 1


@pytest.mark.jack
def test_what_is_monitored_goes_round_in_the_latency_of_monitoring(
    jack: JackServer, tmp_path: Path
) -> None:
    """A click that the monitor sends round again and again: its echoes are as far apart."""
    engine = hearing(0.5)
    sound, frames = went_round(engine, tmp_path / "in.wav")
    latency = engine.latency
    assert latency.monitor == latency.input + TICK + latency.limiter + latency.device
    way = latency.inside + latency.device + latency.input
    for echo in range(4):
        found = [loudest(sound, frame + way + echo * latency.monitor) for frame in frames]
        assert abs(np.median([off for off, _ in found])) <= 1
        assert np.median([height for _, height in found]) == pytest.approx(
            0.5 ** (1 + echo), rel=0.1
        )


@pytest.mark.jack
def test_a_microphone_beside_speakers_is_refused_unless_it_is_declared(jack: JackServer) -> None:
    device = PortAudioDevice(hearing(), "JACK", input_name="JACK")
    try:
        names = device.name, device.input_name
        reason = why_unheard(*names, 1, safe=False)
        assert all(name in reason for name in (*names, "--separate", "--allow-feedback"))
        assert not why_unheard(*names, 1, safe=True)
        assert why_unheard(*names, 0, safe=True)
    finally:
        device.stop()


@pytest.mark.jack
def test_an_input_that_is_none_is_an_error_that_lists_what_there_is(jack: JackServer) -> None:
    with pytest.raises(DeviceError, match=r"for input.*JACK"):
        PortAudioDevice(hearing(), "JACK", input_name="no such thing")


@pytest.mark.parametrize("through_callback", [False, True])
def test_by_hand_an_impulse_is_monitored_where_the_latency_says(through_callback: bool) -> None:
    engine = hearing(1.0)
    with HandDevice(engine, through_callback=through_callback) as hand:
        hand.turn(4_800)
        heard = np.zeros((960, 1), np.float32)
        heard[100] = 0.5
        out = hand.turn(960, heard=heard)
        assert int(np.abs(out[:, 0]).argmax()) == 100 + engine.latency.added
        with pytest.raises(DeviceError, match="legal: "):
            hand.turn(960, heard=np.zeros((960, 2), np.float32))


def test_a_file_hears_a_file(tmp_path: Path) -> None:
    sound = np.random.default_rng(1).normal(0, 0.1, (9_600, 1)).astype(np.float32)
    soundfile.write(tmp_path / "in.wav", sound, RATE, subtype="FLOAT")
    outs = []
    for blocks in ((256,), (1, 700)):
        engine = hearing(1.0)
        FileDevice(engine, tmp_path / "a.wav", 9_600, blocks, source=tmp_path / "in.wav").run()
        outs.append(read_wav(tmp_path / "a.wav")[0])
    assert np.array_equal(outs[0], outs[1])
    assert np.abs(outs[0]).max() > 0.1
    with pytest.raises(AudioFileError, match="2 at"):
        FileDevice(hearing(inputs=2), tmp_path / "a.wav", 9_600, source=tmp_path / "in.wav")


def test_the_null_device_hears_its_source(tmp_path: Path) -> None:
    engine = hearing(1.0)
    loudest = [0.0]

    def source(block: np.ndarray) -> None:
        block[:] = 0.0
        block[7] = 0.5

    def tap(block: np.ndarray) -> None:
        loudest[0] = max(loudest[0], float(np.abs(block).max()))

    with NullDevice(engine, 256, source=source, tap=tap) as device:
        assert device.input_name == "null"
        assert until(lambda: loudest[0] > 0.3)
