"""Single events of a decomposed recording, soloed, muted and transposed while the service plays."""

import dataclasses
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pythonosc.udp_client import SimpleUDPClient

from rtsynth.audio import read_wav
from rtsynth.client import Client
from rtsynth.decompose import decompose_array, render_score
from rtsynth.events import EventTable, Kind, Score
from rtsynth.instrument import Instrument
from rtsynth.metrics import Placed, si_sdr, snr, stem_si_sdr
from rtsynth.render import load_score, save_score
from rtsynth.render import render_score as played
from tests.audio.jack import JackServer
from tests.audio.wait import until
from tests.decompose.known_bank import RATE, key_sound, melody
from tests.integration.running import RTSYNTH, serving, sound_server

Float = NDArray[np.float64]

KEYS, GAINS = [60, 67, 76], [1.0, 0.8, 0.9]
KNOWN = melody(KEYS, GAINS)
MADE = decompose_array(KNOWN.sound, RATE)
MODAL = [event for event in MADE.score.table if event.kind == Kind.MODAL]
CHOSEN = 1  # in its middle, other keys before, beside and after it
SECONDS = len(KNOWN.sound) / RATE
SETTLE_S = 0.1


def stem(index: int) -> Placed:
    """What one key adds to the recording."""
    first = round(KNOWN.onsets_s[index] * RATE)
    sound = 0.2 * GAINS[index] * key_sound(KEYS[index], 3.0)
    return Placed(first, sound[: len(KNOWN.sound) - first])


@dataclasses.dataclass
class Takes:
    """The whole piece as recorded from the running service, heard in five ways."""

    whole: Float
    solo: Float
    muted: Float
    transposed: Float
    alone: Float  # the transposed event soloed
    recording: NDArray[np.float32]
    score: Path
    log: Path


def sounded(client: Client, seconds: float) -> None:
    """Wait until so much more has sounded: a device may fall behind the clock."""
    client.sync()
    end = client.ping()["frame"] + seconds * RATE
    assert until(lambda: client.ping()["frame"] >= end, 60.0)


def perform(client: Client, osc: SimpleUDPClient) -> None:
    """Solos over ZeroMQ, mutes over OSC, transpositions over both."""
    chosen = MODAL[CHOSEN]

    def ask(verb: str, *values: int | float | str) -> None:
        osc.send_message(f"/rts/event/{verb}", [chosen.id, *values])
        osc.send_message("/rts/sync", [1])
        assert next(iter(osc.get_messages(timeout=5))).address == "/rts/synced"

    def take() -> None:
        with client.bundle() as together:
            together.seek(0.0)
            together.play()
        sounded(client, SECONDS + SETTLE_S)
        client.pause()
        client.choke("*")
        sounded(client, SETTLE_S)

    client.solo(chosen.id)
    take()
    client.solo(chosen.id, False)
    take()
    ask("mute", 1)
    take()
    ask("mute", 0)
    ask("set", "transpose", chosen.transpose + 3.0)
    take()
    client.solo(chosen.id)
    take()


def cut(recording: NDArray[np.float32], log: Path) -> list[Float]:
    """Each take from the frame on which the engine went back to the beginning."""
    records = [json.loads(line) for line in log.read_text().splitlines()]
    frames = [record["frame"] for record in records if record.get("op") == "transport/seek"]
    mono = recording.astype(np.float64).mean(axis=1)
    return [mono[frame : frame + len(KNOWN.sound)] for frame in frames]


@pytest.fixture(scope="module")
def takes(tmp_path_factory: pytest.TempPathFactory) -> Takes:
    folder = tmp_path_factory.mktemp("takes")
    score, wav, log = (folder / name for name in ("a.score.safetensors", "a.wav", "a.jsonl"))
    save_score(MADE.score, MADE.instrument, score)
    with serving(score, "--asap", "--record", str(wav), "--log", str(log)) as service:
        osc = SimpleUDPClient("127.0.0.1", service.port("osc"))
        with Client(service.port("zeromq")) as client, osc:
            sounded(client, 0.3)
            perform(client, osc)
        assert service.end() == 0
    recording, rate = read_wav(wav)
    assert rate == RATE
    solo, whole, muted, transposed, alone = cut(recording, log)
    return Takes(whole, solo, muted, transposed, alone, recording, score, log)


def test_a_soloed_event_is_its_key(takes: Takes) -> None:
    value = stem_si_sdr(stem(CHOSEN), Placed(0, takes.solo))
    assert value is not None
    assert value > 10.0  # dB
    others = [stem_si_sdr(stem(i), Placed(0, takes.solo)) for i in range(len(KEYS)) if i != CHOSEN]
    assert all(other is not None and other < 0.0 for other in others)  # dB


def test_soloed_live_it_is_to_the_sample_what_is_rendered_of_it_alone(takes: Takes) -> None:
    # `--asap` begins on a tick; elsewhere a mode's float32 samples begin from other places and
    # differ by their rounding
    table = EventTable([MODAL[CHOSEN]])
    alone = dataclasses.replace(MADE.score, table=table)
    offline = played(alone, MADE.instrument, channels=2).astype(np.float64).mean(axis=1)
    count = min(len(offline), len(takes.solo))
    assert count > 1.5 * RATE
    assert np.array_equal(takes.solo[:count], offline[:count])


def test_muting_it_leaves_exactly_the_rest(takes: Takes) -> None:
    value = snr(takes.solo, takes.whole - takes.muted)
    assert value is not None
    assert value > 80.0  # dB
    everything = si_sdr(KNOWN.sound, takes.whole)
    assert everything is not None
    assert everything > 15.0  # dB


def test_transposing_it_moves_its_partials_and_leaves_the_others(takes: Takes) -> None:
    others = snr(takes.whole - takes.solo, takes.transposed - takes.alone)
    assert others is not None
    assert others > 80.0  # dB
    held = round((KNOWN.onsets_s[CHOSEN] + 0.06) * RATE)
    before, after = (_partials(sound[held:]) for sound in (takes.solo, takes.alone))
    cents = 1200.0 * np.log2(after / before)
    np.testing.assert_allclose(cents, 300.0, atol=3.0)  # cents


def _partials(sound: Float) -> Float:
    """The three strongest partials in Hz, ascending."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 8 * len(sound)))
    hz = np.fft.rfftfreq(8 * len(sound), 1.0 / RATE)
    found = []
    for _ in range(3):
        top = hz[np.argmax(spectrum)]
        found.append(top)
        spectrum[np.abs(hz - top) < 60.0] = 0.0
    return np.sort(found)


def test_the_performance_is_rendered_again_to_the_sample(takes: Takes, tmp_path: Path) -> None:
    out = tmp_path / "again.wav"
    command = ["render", str(takes.score), "-o", str(out), "--commands", str(takes.log)]
    subprocess.run([*RTSYNTH, *command], check=True, timeout=120)
    assert np.array_equal(read_wav(out)[0], takes.recording)


def by_reference(score: Score, instrument: Instrument) -> NDArray[np.floating]:
    return render_score(score, instrument)


def by_engine(score: Score, instrument: Instrument) -> NDArray[np.floating]:
    return played(score, instrument)


@pytest.mark.parametrize("render", [by_reference, by_engine])
def test_events_survive_a_save_and_a_load_to_the_sample(
    render: Callable[[Score, Instrument], NDArray[np.floating]], tmp_path: Path
) -> None:
    path = tmp_path / "a.score.safetensors"
    save_score(MADE.score, MADE.instrument, path)
    score, instrument = load_score(path)
    assert score.table == MADE.score.table
    before, after = render(MADE.score, MADE.instrument), render(score, instrument)
    assert np.abs(before).max() > 0.05
    assert before.dtype == after.dtype
    assert np.array_equal(before, after)


@pytest.fixture
def jack(monkeypatch: pytest.MonkeyPatch) -> Iterator[JackServer]:
    """At the recording's rate."""
    with sound_server(monkeypatch, RATE) as server:
        yield server


@pytest.mark.jack
def test_on_a_sound_card_a_soloed_event_is_its_key_too(jack: JackServer, tmp_path: Path) -> None:
    score, wav, log = (tmp_path / name for name in ("a.score.safetensors", "a.wav", "a.jsonl"))
    save_score(MADE.score, MADE.instrument, score)
    files = ["--record", str(wav), "--log", str(log)]
    with serving(score, *files, device="") as service:
        assert "JACK" in service.said[0]
        with Client(service.port("zeromq")) as client:
            client.solo(MODAL[CHOSEN].id)
            sounded(client, 0.3)
            with client.bundle() as together:
                together.seek(0.0)
                together.play()
            sounded(client, SECONDS + SETTLE_S)
        assert service.end() == 0
    recording, rate = read_wav(wav)
    assert rate == RATE
    (solo,) = cut(recording, log)
    value = stem_si_sdr(stem(CHOSEN), Placed(0, solo))
    assert value is not None
    assert value > 10.0  # dB
